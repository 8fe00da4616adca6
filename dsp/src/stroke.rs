//! Strokes: the document that the user paints (DESIGN 6). Vectors, resolution-free, serialisable.

use serde::{Deserialize, Serialize};

/// What a stroke paints. `strength` runs from -1 to 1 (0 to 1 where a negative has no meaning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrokeKind {
    /// Louder (positive) or quieter (negative), up to 24 dB a dab and -96 dB in all.
    Gain,
    /// Smear over time, up to 120 ms.
    BlurTime,
    /// Blur over frequency, up to one octave.
    BlurFreq,
    /// Moves sound up or down, up to an octave.
    WarpFreq,
    /// Moves sound later, up to 250 ms.
    WarpTime,
    /// Keeps only the movement of magnitudes: high-pass up to 16 Hz.
    ModLow,
    /// Keeps only the slow part of the movement of magnitudes: low-pass down to 1 Hz.
    ModHigh,
    /// Holds the sound from the moment at which the playhead meets the paint.
    Freeze,
    /// Takes paint of every kind away.
    Erase,
}

impl StrokeKind {
    pub const ALL: [Self; 9] = [
        Self::Gain,
        Self::BlurTime,
        Self::BlurFreq,
        Self::WarpFreq,
        Self::WarpTime,
        Self::ModLow,
        Self::ModHigh,
        Self::Freeze,
        Self::Erase,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Gain => "Gain",
            Self::BlurTime => "Blur time",
            Self::BlurFreq => "Blur frequency",
            Self::WarpFreq => "Warp frequency",
            Self::WarpTime => "Warp time",
            Self::ModLow => "Modulation low cut",
            Self::ModHigh => "Modulation high cut",
            Self::Freeze => "Freeze",
            Self::Erase => "Erase",
        }
    }
}

/// One sample of the pen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrokePoint {
    /// Position in the loop, 0..1. Beyond 1 or below 0 a stroke goes on round the loop.
    pub x: f32,
    /// Octaves above 20 Hz: the same place at every sample rate.
    pub y: f32,
    /// 0..1; scales the strength.
    pub pressure: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stroke {
    /// Unique within a canvas.
    pub id: u64,
    pub kind: StrokeKind,
    pub points: Vec<StrokePoint>,
    /// Radius of a dab in time, as a part of the loop.
    pub radius_time: f32,
    /// Radius of a dab in frequency, octaves.
    pub radius_octaves: f32,
    /// -1..1.
    pub strength: f32,
    /// 0: the dab falls off from its centre; 1: it is full to its rim.
    pub hardness: f32,
}

/// What a position in the loop is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Beats of the host's transport.
    #[default]
    Beats,
    /// Seconds of the host's transport.
    Seconds,
    /// Seconds of our own clock.
    Free,
}

/// The whole painting. Strokes take effect in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Canvas {
    pub strokes: Vec<Stroke>,
    /// Length of the loop in units of `anchor`.
    pub length: f64,
    pub anchor: Anchor,
}

impl Default for Canvas {
    fn default() -> Self {
        Self { strokes: Vec::new(), length: 8.0, anchor: Anchor::Beats }
    }
}

/// A stroke put down: one soft ellipse of paint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dab {
    /// Position in the loop, 0..1 once wrapped.
    pub x: f32,
    /// Octaves above 20 Hz.
    pub y: f32,
    /// Strength times pressure, -1..1.
    pub strength: f32,
}

/// Dabs stand this part of a radius apart along a stroke.
pub const DAB_SPACING: f32 = 0.25;
/// No stroke makes more dabs than this; a longer one is spaced wider.
pub const MAX_DABS: usize = 16_384;

impl Stroke {
    /// The stroke as evenly spaced dabs. A point makes one dab, nothing makes none. Values that
    /// are not numbers are left out.
    pub fn dabs(&self) -> Vec<Dab> {
        let radius = (self.radius_time.abs().max(1e-5), self.radius_octaves.abs().max(1e-3));
        let points: Vec<_> = self
            .points
            .iter()
            .filter(|p| p.x.is_finite() && p.y.is_finite() && p.pressure.is_finite())
            .collect();
        let strength = if self.strength.is_finite() { self.strength.clamp(-1.0, 1.0) } else { 0.0 };
        let dab = |x: f32, y: f32, pressure: f32| Dab {
            x,
            y,
            strength: strength * pressure.clamp(0.0, 1.0),
        };
        let Some(first) = points.first() else { return Vec::new() };
        // Distance in radii, so that spacing looks even whatever the brush's shape.
        let span = |a: &StrokePoint, b: &StrokePoint| {
            ((b.x - a.x) / radius.0).hypot((b.y - a.y) / radius.1)
        };
        let length: f32 = points.windows(2).map(|p| span(p[0], p[1])).sum();
        let spacing = DAB_SPACING.max(length / MAX_DABS as f32);
        let mut dabs = Vec::with_capacity((length / spacing) as usize + 2);
        dabs.push(dab(first.x, first.y, first.pressure));
        let mut until_next = spacing;
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let segment = span(a, b);
            let mut at = until_next;
            while at <= segment && dabs.len() < MAX_DABS {
                let t = at / segment;
                dabs.push(dab(
                    a.x + t * (b.x - a.x),
                    a.y + t * (b.y - a.y),
                    a.pressure + t * (b.pressure - a.pressure),
                ));
                at += spacing;
            }
            until_next = at - segment;
        }
        dabs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: (f32, f32), to: (f32, f32)) -> Stroke {
        Stroke {
            id: 1,
            kind: StrokeKind::Gain,
            points: vec![
                StrokePoint { x: from.0, y: from.1, pressure: 0.0 },
                StrokePoint { x: to.0, y: to.1, pressure: 1.0 },
            ],
            radius_time: 0.04,
            radius_octaves: 0.5,
            strength: -1.0,
            hardness: 0.5,
        }
    }

    #[test]
    fn dabs_stand_evenly_along_the_stroke_and_follow_the_pressure() {
        let dabs = line((0.1, 3.0), (0.5, 3.0)).dabs();
        assert_eq!(dabs.len(), 41);
        for (i, dab) in dabs.iter().enumerate() {
            assert!((dab.x - (0.1 + 0.01 * i as f32)).abs() < 1e-4);
            assert!((dab.strength + i as f32 / 40.0).abs() < 1e-3);
        }
    }

    #[test]
    fn a_point_is_one_dab_and_nothing_is_none() {
        let mut stroke = line((0.1, 3.0), (0.5, 3.0));
        stroke.points.truncate(1);
        assert_eq!(stroke.dabs().len(), 1);
        stroke.points.clear();
        assert!(stroke.dabs().is_empty());
        let still = line((0.3, 3.0), (0.3, 3.0));
        assert_eq!(still.dabs().len(), 1);
    }

    #[test]
    fn spacing_runs_on_over_the_corners_of_a_stroke() {
        let whole = line((0.0, 2.0), (0.8, 2.0));
        let mut broken = whole.clone();
        broken.points.insert(1, StrokePoint { x: 0.333, y: 2.0, pressure: 0.333 / 0.8 });
        let (a, b) = (whole.dabs(), broken.dabs());
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(&b).all(|(p, q)| (p.x - q.x).abs() < 1e-5));
    }

    // X4: broken numbers do no harm.
    #[test]
    fn numbers_that_are_none_are_left_out() {
        let mut stroke = line((0.1, 3.0), (0.5, 3.0));
        stroke.points.push(StrokePoint { x: f32::NAN, y: 0.0, pressure: 1.0 });
        stroke.points.push(StrokePoint { x: 0.0, y: f32::INFINITY, pressure: 1.0 });
        assert_eq!(stroke.dabs().len(), 41);
        stroke.radius_time = 0.0;
        stroke.radius_octaves = f32::MIN_POSITIVE;
        assert!(stroke.dabs().len() <= MAX_DABS);
    }
}
