//! Tools, the brush in hand and snapping. Pure.

use egui::Color32;

use crate::axes;
use crate::stroke::{Stroke, StrokeKind, StrokePoint};
use crate::{theme, units};

/// The six brushes of the tool column. What a brush paints exactly is a [`StrokeKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Brush {
    Blur,
    Warp,
    LowPass,
    HighPass,
    Gain,
    Erase,
}

impl Brush {
    pub const ALL: [Brush; 6] =
        [Brush::Blur, Brush::Warp, Brush::LowPass, Brush::HighPass, Brush::Gain, Brush::Erase];

    pub fn name(self) -> &'static str {
        match self {
            Brush::Blur => "Blur",
            Brush::Warp => "Warp",
            Brush::LowPass => "Low-pass",
            Brush::HighPass => "High-pass",
            Brush::Gain => "Gain",
            Brush::Erase => "Erase",
        }
    }

    pub fn colour(self) -> Color32 {
        match self {
            Brush::Blur => theme::BLUR,
            Brush::Warp => theme::WARP,
            Brush::LowPass => theme::LOW_PASS,
            Brush::HighPass => theme::HIGH_PASS,
            Brush::Gain => theme::GAIN,
            Brush::Erase => theme::ERASE,
        }
    }

    /// The brush that paints `kind`, and so its colour.
    pub fn of(kind: StrokeKind) -> Self {
        match kind {
            StrokeKind::BlurTime | StrokeKind::BlurFreq | StrokeKind::Freeze => Brush::Blur,
            StrokeKind::WarpFreq | StrokeKind::WarpTime => Brush::Warp,
            StrokeKind::ModHigh => Brush::LowPass,
            StrokeKind::ModLow => Brush::HighPass,
            StrokeKind::Gain => Brush::Gain,
            StrokeKind::Erase => Brush::Erase,
        }
    }

    /// What it can paint; the first is what it paints unless asked otherwise. Warp goes by the
    /// direction of the drag.
    pub fn kinds(self) -> &'static [StrokeKind] {
        match self {
            Brush::Blur => &[StrokeKind::BlurTime, StrokeKind::BlurFreq, StrokeKind::Freeze],
            Brush::Warp => &[StrokeKind::WarpFreq, StrokeKind::WarpTime],
            Brush::LowPass => &[StrokeKind::ModHigh],
            Brush::HighPass => &[StrokeKind::ModLow],
            Brush::Gain => &[StrokeKind::Gain],
            Brush::Erase => &[StrokeKind::Erase],
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Brush::Blur => "Blur: smears the sound under the stroke in time and pitch",
            Brush::Warp => "Warp: moves the sound along the direction of the drag",
            Brush::LowPass => "Low-pass: calms fast movement, keeps slow",
            Brush::HighPass => "High-pass: keeps fast movement, takes the steady part away",
            Brush::Gain => "Gain: louder, or with a strength below zero (or Alt) softer",
            Brush::Erase => "Erase: takes strokes away where you paint",
        }
    }
}

/// What a press on the canvas does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Paint(Brush),
    Select,
    Move,
}

/// Limits of the brush's sizes.
pub const RADIUS_TIME: (f32, f32) = (0.002, 0.25);
pub const RADIUS_OCTAVES: (f32, f32) = (1.0 / 24.0, 3.0);

/// The brush in hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrushSettings {
    /// Half the width, as a share of the loop.
    pub radius_time: f32,
    pub radius_octaves: f32,
    /// 0..1, and for gain -1..1.
    pub strength: f32,
    pub hardness: f32,
}

impl Default for BrushSettings {
    fn default() -> Self {
        Self { radius_time: 0.03, radius_octaves: 0.5, strength: 0.8, hardness: 0.5 }
    }
}

/// Where `v` lies between the limits, on a logarithmic scale, 0..1.
pub fn log_share(v: f32, (low, high): (f32, f32)) -> f32 {
    ((v / low).ln() / (high / low).ln()).clamp(0.0, 1.0)
}

pub fn log_value(share: f32, (low, high): (f32, f32)) -> f32 {
    low * (high / low).powf(share.clamp(0.0, 1.0))
}

impl BrushSettings {
    /// Scales both radii by the same factor, as far as both limits allow.
    pub fn scale(&mut self, factor: f32) {
        let most = (RADIUS_TIME.1 / self.radius_time).min(RADIUS_OCTAVES.1 / self.radius_octaves);
        let least = (RADIUS_TIME.0 / self.radius_time).max(RADIUS_OCTAVES.0 / self.radius_octaves);
        let factor = factor.clamp(least.min(1.0), most.max(1.0));
        self.radius_time *= factor;
        self.radius_octaves *= factor;
    }

    /// An empty stroke of this brush.
    pub fn stroke(&self, id: u64, kind: StrokeKind, invert: bool) -> Stroke {
        let strength = match kind {
            StrokeKind::Gain if invert => -self.strength,
            StrokeKind::Gain => self.strength,
            _ => self.strength.abs(),
        };
        Stroke {
            id,
            kind,
            points: Vec::new(),
            radius_time: self.radius_time,
            radius_octaves: self.radius_octaves,
            strength,
            hardness: self.hardness,
        }
    }
}

/// Gives a warp stroke the direction of its drag: up and down move the pitch, to the right moves
/// the sound later. `scale` is points per loop and per octave, so that the hand's direction counts.
pub fn direct_warp(stroke: &mut Stroke, scale: egui::Vec2) {
    if Brush::of(stroke.kind) != Brush::Warp {
        return;
    }
    let (Some(first), Some(last)) = (stroke.points.first(), stroke.points.last()) else { return };
    let along = egui::vec2((last.x - first.x) * scale.x, (last.y - first.y) * scale.y);
    // A drag to the left has no meaning in time: sound cannot come earlier than it was played.
    if along.x > 2.0 * along.y.abs() {
        stroke.kind = StrokeKind::WarpTime;
        stroke.strength = stroke.strength.abs();
    } else {
        stroke.kind = StrokeKind::WarpFreq;
        stroke.strength = stroke.strength.abs() * if along.y < 0.0 { -1.0 } else { 1.0 };
    }
}

/// Pitches that painting is drawn to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PitchSnap {
    #[default]
    Free,
    Major,
    Minor,
    Pentatonic,
    Chromatic,
    /// Whole multiples of the root.
    Harmonics,
}

impl PitchSnap {
    pub const ALL: [PitchSnap; 6] = [
        PitchSnap::Free,
        PitchSnap::Major,
        PitchSnap::Minor,
        PitchSnap::Pentatonic,
        PitchSnap::Chromatic,
        PitchSnap::Harmonics,
    ];

    pub fn name(self) -> &'static str {
        match self {
            PitchSnap::Free => "Any pitch",
            PitchSnap::Major => "Major scale",
            PitchSnap::Minor => "Minor scale",
            PitchSnap::Pentatonic => "Pentatonic scale",
            PitchSnap::Chromatic => "Every semitone",
            PitchSnap::Harmonics => "Harmonics of the root",
        }
    }

    fn degrees(self) -> &'static [i32] {
        match self {
            PitchSnap::Major => &[0, 2, 4, 5, 7, 9, 11],
            PitchSnap::Minor => &[0, 2, 3, 5, 7, 8, 10],
            PitchSnap::Pentatonic => &[0, 3, 5, 7, 10],
            _ => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        }
    }
}

/// Snapping to the beat and to pitches; `on` switches both at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snap {
    pub on: bool,
    pub time: bool,
    pub pitch: PitchSnap,
    /// Semitones above C.
    pub root: i32,
}

impl Default for Snap {
    fn default() -> Self {
        Self { on: false, time: true, pitch: PitchSnap::Free, root: 0 }
    }
}

impl Snap {
    /// Draws a point to the grid: `grid` is the spacing of time lines as a share of the loop.
    pub fn apply(&self, mut point: StrokePoint, grid: f32) -> StrokePoint {
        if !self.on {
            return point;
        }
        if self.time && grid > 0.0 {
            point.x = (point.x / grid).round() * grid;
        }
        if self.pitch != PitchSnap::Free {
            point.y = axes::octave_of(self.nearest_hz(axes::hz_of(point.y)));
        }
        point
    }

    /// The allowed pitch nearest to `hz`.
    pub fn nearest_hz(&self, hz: f32) -> f32 {
        match self.pitch {
            PitchSnap::Free => hz,
            PitchSnap::Harmonics => {
                // The root in the octave that ends near 32 to 62 Hz.
                let root = units::hz_of_midi(24.0 + self.root as f32);
                root * (hz / root).round().max(1.0)
            }
            scale => {
                let midi = units::midi_of_hz(hz);
                let octave = ((midi - self.root as f32) / 12.0).floor() as i32;
                let notes = (octave - 1..=octave + 1).flat_map(|o| {
                    scale.degrees().iter().map(move |d| (12 * o + d + self.root) as f32)
                });
                let near = notes.min_by(|a, b| (a - midi).abs().total_cmp(&(b - midi).abs()));
                units::hz_of_midi(near.unwrap_or(midi))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_scale_together_and_stop_at_their_limits() {
        let mut brush = BrushSettings::default();
        let ratio = brush.radius_time / brush.radius_octaves;
        for factor in [0.5, 3.0, 1e-6, 1e9] {
            brush.scale(factor);
            assert!((brush.radius_time / brush.radius_octaves / ratio - 1.0).abs() < 1e-4);
            assert!(brush.radius_octaves <= RADIUS_OCTAVES.1 * 1.001);
            assert!(brush.radius_time >= RADIUS_TIME.0 * 0.999);
        }
    }

    #[test]
    fn scales_hold_only_their_notes() {
        let mut snap = Snap { on: true, pitch: PitchSnap::Minor, root: 9, ..Snap::default() };
        // A minor has no C#.
        assert!(
            (snap.nearest_hz(277.18) - 261.63).abs() < 0.1
                || (snap.nearest_hz(277.18) - 293.66).abs() < 0.1
        );
        assert!((snap.nearest_hz(441.0) - 440.0).abs() < 0.01);
        snap.pitch = PitchSnap::Harmonics;
        let root = units::hz_of_midi(33.0);
        assert!((snap.nearest_hz(root * 3.4) / root - 3.0).abs() < 1e-3);
    }

    #[test]
    fn snapping_draws_points_to_the_grid_and_only_when_on() {
        let point = StrokePoint { x: 0.26, y: 4.0, pressure: 1.0 };
        let mut snap = Snap { pitch: PitchSnap::Chromatic, ..Snap::default() };
        assert_eq!(snap.apply(point, 0.25), point);
        snap.on = true;
        let at = snap.apply(point, 0.25);
        assert_eq!(at.x, 0.25);
        let midi = units::midi_of_hz(axes::hz_of(at.y));
        assert!((midi - midi.round()).abs() < 1e-3);
    }
}
