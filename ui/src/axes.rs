//! What part of the canvas is seen, and how loop position and frequency map to points. Pure.
//!
//! x is the position in the loop, 0..1; y is the position on the frequency axis, 0 (20 Hz) at the
//! bottom to 1 (the top of the axis). Strokes count octaves from the bottom, whatever the axis.

use egui::{Pos2, Rect, pos2};
use scumble_dsp::transform::MelScale;

use crate::model::Axis;

/// The bottom of the frequency axis (DESIGN 6).
pub const LOW_HZ: f32 = 20.0;
/// The most that the view can be magnified, per axis.
pub const MAX_ZOOM: f32 = 32.0;

/// The frequency so many octaves above the bottom.
pub fn hz_of(octave: f32) -> f32 {
    LOW_HZ * octave.exp2()
}

/// Octaves above the bottom.
pub fn octave_of(hz: f32) -> f32 {
    (hz.max(1e-3) / LOW_HZ).log2()
}

/// The frequency axis: 20 Hz to Nyquist, in steps of what the user chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreqAxis {
    pub kind: Axis,
    pub top_hz: f32,
}

impl FreqAxis {
    pub fn new(kind: Axis, sample_rate: f32) -> Self {
        Self { kind, top_hz: (sample_rate * 0.5).max(2.0 * LOW_HZ) }
    }

    /// From bottom to top.
    pub fn octaves(&self) -> f32 {
        octave_of(self.top_hz)
    }

    pub fn hz(&self, y: f32) -> f32 {
        let between = |low: f32, high: f32| low + y * (high - low);
        match self.kind {
            Axis::Linear => between(LOW_HZ, self.top_hz),
            Axis::Mel => unmel(between(mel(LOW_HZ), mel(self.top_hz))),
            Axis::Log | Axis::Cqt | Axis::Vqt | Axis::Gabor => hz_of(y * self.octaves()),
        }
    }

    pub fn y(&self, hz: f32) -> f32 {
        let share = |low: f32, at: f32, high: f32| (at - low) / (high - low);
        match self.kind {
            Axis::Linear => share(LOW_HZ, hz, self.top_hz),
            Axis::Mel => share(mel(LOW_HZ), mel(hz), mel(self.top_hz)),
            Axis::Log | Axis::Cqt | Axis::Vqt | Axis::Gabor => octave_of(hz) / self.octaves(),
        }
    }

    /// Where a stroke's octave stands.
    pub fn y_of(&self, octave: f32) -> f32 {
        if self.is_log() { octave / self.octaves() } else { self.y(hz_of(octave)) }
    }

    /// The stroke's octave at a place; below the bottom it has no end.
    pub fn octave(&self, y: f32) -> f32 {
        if self.is_log() { y * self.octaves() } else { octave_of(self.hz(y)) }
    }

    /// Canvas units an octave, around here.
    pub fn per_octave(&self, octave: f32) -> f32 {
        const AROUND: f32 = 0.05;
        (self.y_of(octave + AROUND) - self.y_of(octave - AROUND)) / (2.0 * AROUND)
    }

    /// Whether an octave is as tall everywhere.
    pub fn is_log(&self) -> bool {
        !matches!(self.kind, Axis::Linear | Axis::Mel)
    }

    /// The lower edges of so many rows, and the upper edge of the last.
    pub fn edges_hz(&self, rows: usize) -> Vec<f32> {
        (0..=rows).map(|row| self.hz(row as f32 / rows as f32)).collect()
    }
}

/// The scale of the Mel transform, so that its bins are rows.
fn mel(hz: f32) -> f32 {
    MelScale::Slaney.mel(hz.into()) as f32
}

fn unmel(mel: f32) -> f32 {
    MelScale::Slaney.hz(mel.into()) as f32
}

/// The visible part, in canvas units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    pub x0: f32,
    pub x1: f32,
    pub y0: f32,
    pub y1: f32,
}

impl Default for View {
    fn default() -> Self {
        Self { x0: 0.0, x1: 1.0, y0: 0.0, y1: 1.0 }
    }
}

impl View {
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }

    /// Magnifies about a fixed canvas point by `factor` per axis, within the canvas.
    pub fn zoom(&mut self, about: Pos2, factor_x: f32, factor_y: f32) {
        let grow = |a: f32, b: f32, at: f32, factor: f32| {
            let span = ((b - a) / factor).clamp(1.0 / MAX_ZOOM, 1.0);
            let share = ((at - a) / (b - a)).clamp(0.0, 1.0);
            let start = (at - share * span).clamp(0.0, 1.0 - span);
            (start, start + span)
        };
        (self.x0, self.x1) = grow(self.x0, self.x1, about.x, factor_x);
        (self.y0, self.y1) = grow(self.y0, self.y1, about.y, factor_y);
    }

    /// The same band of frequencies on another axis.
    pub fn change_axis(&mut self, from: &FreqAxis, to: &FreqAxis) {
        let (low, high) = (to.y(from.hz(self.y0)), to.y(from.hz(self.y1)));
        let span = (high - low).clamp(1.0 / MAX_ZOOM, 1.0);
        self.y0 = low.clamp(0.0, 1.0 - span);
        self.y1 = self.y0 + span;
    }

    /// Moves by canvas units, stopping at the edges.
    pub fn scroll(&mut self, dx: f32, dy: f32) {
        let (w, h) = (self.width(), self.height());
        self.x0 = (self.x0 + dx).clamp(0.0, 1.0 - w);
        self.x1 = self.x0 + w;
        self.y0 = (self.y0 + dy).clamp(0.0, 1.0 - h);
        self.y1 = self.y0 + h;
    }
}

/// Maps between canvas units and points of the window.
#[derive(Debug, Clone, Copy)]
pub struct Map {
    pub plot: Rect,
    pub view: View,
}

impl Map {
    pub fn to_screen(&self, x: f32, y: f32) -> Pos2 {
        pos2(
            self.plot.left() + (x - self.view.x0) / self.view.width() * self.plot.width(),
            self.plot.bottom() - (y - self.view.y0) / self.view.height() * self.plot.height(),
        )
    }

    pub fn to_canvas(&self, p: Pos2) -> Pos2 {
        pos2(
            self.view.x0 + (p.x - self.plot.left()) / self.plot.width() * self.view.width(),
            self.view.y0 + (self.plot.bottom() - p.y) / self.plot.height() * self.view.height(),
        )
    }

    /// Points per canvas unit.
    pub fn scale(&self) -> egui::Vec2 {
        egui::vec2(self.plot.width() / self.view.width(), self.plot.height() / self.view.height())
    }
}

/// Frequencies to label and where, none closer together than `min_gap` points: in a 1-2-5 order, or
/// at an even step on the linear axis.
pub fn freq_ticks(axis: &FreqAxis, map: &Map, min_gap: f32) -> Vec<(f32, f32)> {
    let decades = [10.0, 100.0, 1000.0, 10_000.0, 100_000.0];
    let nice = decades.iter().flat_map(|decade| [1.0, 2.0, 5.0].map(|step| decade * step));
    let candidates: Vec<f32> = if axis.kind == Axis::Linear {
        let per_hz = map.scale().y / (axis.top_hz - LOW_HZ);
        let step = nice.clone().find(|step| step * per_hz >= min_gap).unwrap_or(axis.top_hz);
        (1..=(axis.top_hz / step) as usize).map(|i| i as f32 * step).collect()
    } else {
        nice.collect()
    };
    let mut ticks: Vec<(f32, f32)> = Vec::new();
    for hz in candidates {
        let y = axis.y(hz);
        if hz < LOW_HZ || hz > axis.top_hz || y < map.view.y0 - 1e-6 || y > map.view.y1 {
            continue;
        }
        let at = map.to_screen(0.0, y).y;
        if ticks.last().is_none_or(|(_, last)| last - at >= min_gap) {
            ticks.push((hz, at));
        }
    }
    ticks
}

/// Positions (in loop units of `length`) to label along the time axis, at a musical step that
/// leaves at least `min_gap` points between labels.
pub fn time_ticks(length: f32, beats_per_bar: Option<f32>, map: &Map, min_gap: f32) -> Vec<f32> {
    let per_unit = map.scale().x / length.max(1e-6);
    let bar = beats_per_bar.unwrap_or(10.0);
    let steps: Vec<f32> = match beats_per_bar {
        Some(_) => vec![0.25, 0.5, 1.0, 2.0, bar, 2.0 * bar, 4.0 * bar, 8.0 * bar, 16.0 * bar],
        None => vec![0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0],
    };
    let step = steps
        .iter()
        .copied()
        .find(|s| s * per_unit >= min_gap)
        .unwrap_or(*steps.last().expect("there are steps"));
    let first = (map.view.x0 * length / step - 1e-4).ceil() as i64;
    let last = (map.view.x1 * length / step - 1e-4).floor() as i64;
    (first..=last).map(|i| i as f32 * step).filter(|t| *t < length - 1e-4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(view: View) -> Map {
        Map { plot: Rect::from_min_max(pos2(98.0, 54.0), pos2(898.0, 532.0)), view }
    }

    #[test]
    fn screen_and_canvas_are_each_others_inverse() {
        let mut view = View::default();
        view.zoom(pos2(0.3, 0.8), 3.0, 2.0);
        let map = map(view);
        for p in [pos2(100.0, 60.0), pos2(500.0, 300.0), pos2(890.0, 530.0)] {
            let c = map.to_canvas(p);
            assert!((map.to_screen(c.x, c.y) - p).length() < 1e-2);
        }
    }

    #[test]
    fn the_view_never_leaves_the_canvas_and_keeps_its_anchor() {
        let mut view = View::default();
        view.zoom(pos2(0.25, 0.5), 4.0, 4.0);
        assert!((view.x0 - 0.1875).abs() < 1e-6);
        view.scroll(5.0, -5.0);
        assert!(view.x1 <= 1.0 + 1e-6 && view.y0 >= 0.0);
        view.zoom(pos2(0.9, 0.1), 1e-9, 1e-9);
        assert!(view.is_whole());
        view.zoom(pos2(0.5, 0.5), 1e9, 1.0);
        assert!((view.width() - 1.0 / MAX_ZOOM).abs() < 1e-6);
    }

    #[test]
    fn frequency_round_trips_over_ten_octaves_on_every_axis() {
        for kind in Axis::ALL {
            let axis = FreqAxis::new(kind, 48_000.0);
            for hz in [20.0, 55.0, 440.0, 10_000.0, 24_000.0] {
                assert!((axis.hz(axis.y(hz)) / hz - 1.0).abs() < 1e-3, "{kind:?} {hz}");
                let octave = octave_of(hz);
                assert!((axis.octave(axis.y_of(octave)) - octave).abs() < 1e-3, "{kind:?} {hz}");
                assert!((axis.y_of(octave) - axis.y(hz)).abs() < 1e-5, "{kind:?} {hz}");
            }
            assert!(axis.y(20.0).abs() < 1e-6 && (axis.y(24_000.0) - 1.0).abs() < 1e-6);
            let edges = axis.edges_hz(256);
            assert!(edges.windows(2).all(|w| w[0] < w[1]), "{kind:?} rises");
        }
    }

    #[test]
    fn a_change_of_axis_keeps_the_frequencies_in_view() {
        for from in Axis::ALL {
            for to in Axis::ALL {
                let (from, to) = (FreqAxis::new(from, 48_000.0), FreqAxis::new(to, 48_000.0));
                let mut view = View::default();
                view.change_axis(&from, &to);
                assert!(view.y0.abs() < 1e-5 && (view.y1 - 1.0).abs() < 1e-5, "the whole stays");
                (view.y0, view.y1) = (from.y(2000.0), from.y(9000.0));
                view.change_axis(&from, &to);
                let seen = (to.hz(view.y0), to.hz(view.y1));
                assert!((seen.0 / 2000.0 - 1.0).abs() < 0.01, "{seen:?}");
                assert!((seen.1 / 9000.0 - 1.0).abs() < 0.01, "{seen:?}");
            }
        }
    }

    #[test]
    fn labels_never_touch() {
        for kind in Axis::ALL {
            let axis = FreqAxis::new(kind, 48_000.0);
            let mut view = View::default();
            for _ in 0..12 {
                let m = map(view);
                let ticks = freq_ticks(&axis, &m, 26.0);
                assert!(ticks.windows(2).all(|w| w[0].1 - w[1].1 >= 26.0));
                for length in [1.0, 4.0, 16.0, 64.0] {
                    let ticks = time_ticks(length, Some(4.0), &m, 70.0);
                    let x = |t: &f32| m.to_screen(*t / length, 0.0).x;
                    let apart = |w: &[f32]| x(&w[1]) - x(&w[0]) >= 69.0;
                    assert!(ticks.windows(2).all(|w| apart(w) || ticks.len() < 3));
                }
                view.zoom(pos2(0.4, 0.4), 1.3, 1.3);
            }
            let ticks = freq_ticks(&axis, &map(View::default()), 26.0);
            assert!(ticks.len() >= 6, "{kind:?} has {} labels", ticks.len());
        }
    }

    #[test]
    fn the_picture_has_a_label_every_half_bar() {
        let ticks = time_ticks(16.0, Some(4.0), &map(View::default()), 70.0);
        assert_eq!(ticks, vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]);
    }
}
