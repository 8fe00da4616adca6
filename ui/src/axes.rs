//! What part of the canvas is seen, and how loop position and frequency map to points. Pure.
//!
//! x is the position in the loop, 0..1; y is the position on the log-frequency axis, 0 (20 Hz) at
//! the bottom to 1 (the top of the axis).

use egui::{Pos2, Rect, pos2};

/// The bottom of the frequency axis (DESIGN 6).
pub const LOW_HZ: f32 = 20.0;
/// The most that the view can be magnified, per axis.
pub const MAX_ZOOM: f32 = 32.0;

/// The log-frequency axis: 20 Hz to Nyquist.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreqAxis {
    pub top_hz: f32,
}

impl FreqAxis {
    pub fn new(sample_rate: f32) -> Self {
        Self { top_hz: (sample_rate * 0.5).max(2.0 * LOW_HZ) }
    }

    pub fn octaves(&self) -> f32 {
        (self.top_hz / LOW_HZ).log2()
    }

    pub fn hz(&self, y: f32) -> f32 {
        LOW_HZ * (y * self.octaves()).exp2()
    }

    pub fn y(&self, hz: f32) -> f32 {
        (hz.max(1e-3) / LOW_HZ).log2() / self.octaves()
    }
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

/// Frequencies to label, in a 1-2-5 order, none closer together than `min_gap` points.
pub fn freq_ticks(axis: &FreqAxis, map: &Map, min_gap: f32) -> Vec<(f32, f32)> {
    let mut ticks: Vec<(f32, f32)> = Vec::new();
    for decade in [10.0, 100.0, 1000.0, 10_000.0, 100_000.0] {
        for step in [1.0, 2.0, 5.0] {
            let hz = decade * step;
            let y = axis.y(hz);
            if hz < LOW_HZ || hz > axis.top_hz || y < map.view.y0 - 1e-6 || y > map.view.y1 {
                continue;
            }
            let at = map.to_screen(0.0, y).y;
            if ticks.last().is_none_or(|(_, last)| last - at >= min_gap) {
                ticks.push((hz, at));
            }
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
    fn frequency_round_trips_over_ten_octaves() {
        let axis = FreqAxis::new(48_000.0);
        for hz in [20.0, 55.0, 440.0, 10_000.0, 24_000.0] {
            assert!((axis.hz(axis.y(hz)) / hz - 1.0).abs() < 1e-4);
        }
        assert!((axis.y(20.0)).abs() < 1e-6 && (axis.y(24_000.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn labels_never_touch() {
        let axis = FreqAxis::new(48_000.0);
        let mut view = View::default();
        for _ in 0..12 {
            let m = map(view);
            let ticks = freq_ticks(&axis, &m, 26.0);
            assert!(ticks.windows(2).all(|w| w[0].1 - w[1].1 >= 26.0));
            for length in [1.0, 4.0, 16.0, 64.0] {
                let ticks = time_ticks(length, Some(4.0), &m, 70.0);
                let x = |t: &f32| m.to_screen(*t / length, 0.0).x;
                assert!(ticks.windows(2).all(|w| x(&w[1]) - x(&w[0]) >= 69.0 || ticks.len() < 3));
            }
            view.zoom(pos2(0.4, 0.4), 1.3, 1.3);
        }
    }

    #[test]
    fn the_picture_has_a_label_every_half_bar() {
        let ticks = time_ticks(16.0, Some(4.0), &map(View::default()), 70.0);
        assert_eq!(ticks, vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]);
    }
}
