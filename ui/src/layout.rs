//! Where everything stands. Pure: a window's size in, rectangles out, so that a test can prove
//! that nothing overlaps at any size.

use egui::{Rect, pos2, vec2};

/// The size of a new window, in points.
pub const DEFAULT_SIZE: [f32; 2] = [1180.0, 760.0];
/// The smallest window, in points.
pub const MIN_SIZE: [f32; 2] = [820.0, 540.0];

const TOP: f32 = 44.0;
const FOOT: f32 = 28.0;
const TOOLS: f32 = 52.0;
const SYNC: f32 = 268.0;
const FOLD_STRIP: f32 = 30.0;
const STRIP: f32 = 164.0;
const STRIP_SMALL: f32 = 128.0;
const STRIP_FOLDED: f32 = 112.0;
/// Below this the sync panel folds to a strip.
const FOLD_WIDTH: f32 = 1060.0;
const FOLD_HEIGHT: f32 = 724.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    pub window: Rect,
    /// The sync panel is a strip and the parameters stand closer.
    pub folded: bool,
    pub top: Rect,
    pub tools: Rect,
    /// The canvas with its axes.
    pub canvas: Rect,
    /// The spectrogram alone.
    pub plot: Rect,
    /// The sync panel, or its strip when folded.
    pub sync: Rect,
    pub strip: Rect,
    pub foot: Rect,
}

impl Layout {
    pub fn of(window: Rect) -> Self {
        // In a window smaller than the smallest the rest is cut off, not pushed together.
        let window = Rect::from_min_size(window.min, window.size().max(MIN_SIZE.into()));
        let (l, r) = (window.left(), window.right());
        let folded = window.width() < FOLD_WIDTH || window.height() < FOLD_HEIGHT;
        let top = Rect::from_min_max(window.min, pos2(r, window.top() + TOP));
        let foot = Rect::from_min_max(pos2(l, window.bottom() - FOOT), window.max);
        let strip_height = if folded {
            STRIP_FOLDED
        } else {
            // The panel above needs its height first.
            (STRIP - (DEFAULT_SIZE[1] - window.height()).max(0.0)).max(STRIP_SMALL)
        };
        let strip = Rect::from_min_max(pos2(l, foot.top() - strip_height), pos2(r, foot.top()));
        let sync = if folded {
            Rect::from_min_max(pos2(l, strip.top() - FOLD_STRIP), pos2(r, strip.top()))
        } else {
            Rect::from_min_max(pos2(r - SYNC, top.bottom()), pos2(r, strip.top()))
        };
        let middle_bottom = if folded { sync.top() } else { strip.top() };
        let tools = Rect::from_min_max(pos2(l, top.bottom()), pos2(l + TOOLS, middle_bottom));
        let canvas_right = if folded { r } else { sync.left() };
        let canvas = Rect::from_min_max(
            pos2(tools.right(), top.bottom()),
            pos2(canvas_right, middle_bottom),
        );
        let plot = Rect::from_min_max(
            canvas.min + vec2(46.0, 10.0),
            canvas.max - vec2(14.0, if folded { 26.0 } else { 36.0 }),
        );
        Self { window, folded, top, tools, canvas, plot, sync, strip, foot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_window_at_any_size() {
        let mut w = MIN_SIZE[0];
        while w <= 2600.0 {
            let mut h = MIN_SIZE[1];
            while h <= 1700.0 {
                let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(w, h));
                let at = Layout::of(window);
                let parts = [at.top, at.tools, at.canvas, at.sync, at.strip, at.foot];
                for (i, a) in parts.iter().enumerate() {
                    assert!(window.contains_rect(*a), "{w}x{h}: part {i} leaves the window");
                    assert!(a.is_positive(), "{w}x{h}: part {i} is empty");
                    for b in &parts[i + 1..] {
                        assert!(!a.shrink(0.01).intersects(b.shrink(0.01)), "{w}x{h}: {a} {b}");
                    }
                }
                let area: f32 = parts.iter().map(|p| p.area()).sum();
                assert!((area - window.area()).abs() < 1.0, "{w}x{h}: a gap");
                assert!(at.canvas.contains_rect(at.plot));
                // The canvas is the hero.
                assert!(at.plot.area() > 0.38 * window.area(), "{w}x{h}: {}", at.plot);
                h += 17.0;
            }
            w += 23.0;
        }
    }

    #[test]
    fn the_default_window_is_the_one_in_the_picture() {
        let at = Layout::of(Rect::from_min_size(pos2(0.0, 0.0), DEFAULT_SIZE.into()));
        assert!(!at.folded);
        assert_eq!(at.plot, Rect::from_min_max(pos2(98.0, 54.0), pos2(898.0, 532.0)));
        assert_eq!(at.strip.top(), 568.0);
        assert_eq!(at.foot.top(), 732.0);
    }

    #[test]
    fn a_small_window_folds_the_sync_panel_never_the_canvas() {
        for size in [[885.0, 570.0], [900.0, 600.0]] {
            let at = Layout::of(Rect::from_min_size(pos2(0.0, 0.0), size.into()));
            assert!(at.folded);
            assert!(at.plot.width() > 0.85 * size[0]);
        }
    }
}
