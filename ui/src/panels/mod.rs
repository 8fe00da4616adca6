//! The panels: one file each, drawing from [`crate::editor::State`] into the rectangle that
//! [`crate::layout::Layout`] gives them.

pub mod dialog;
pub mod foot;
pub mod help;
pub mod presets;
pub mod settings;
pub mod strip;
pub mod sync;
pub mod sync_strip;
pub mod toasts;
pub mod tools;
pub mod top_bar;

use egui::{Painter, Pos2, Shape, Ui, pos2};

use crate::layout::Layout;
use crate::model::Health;
use crate::theme;

/// The lines between the panels.
pub fn lines(ui: &Ui, at: &Layout) {
    let p = ui.painter();
    let pen = theme::line();
    p.hline(at.window.x_range(), at.top.bottom() - 0.5, pen);
    p.hline(at.window.x_range(), at.strip.top() + 0.5, pen);
    p.hline(at.window.x_range(), at.foot.top() + 0.5, pen);
    p.vline(at.tools.right() - 0.5, at.tools.y_range(), pen);
    if at.folded {
        p.hline(at.window.x_range(), at.sync.top() + 0.5, pen);
    } else {
        p.vline(at.sync.left() + 0.5, at.sync.y_range(), pen);
    }
}

/// A state by shape and colour: a disc, a triangle, a cross.
pub fn health_mark(painter: &Painter, at: Pos2, health: Health) {
    match health {
        Health::Good => {
            painter.circle_filled(at, 4.0, theme::HEALTHY);
        }
        Health::Caution => {
            let triangle = vec![
                pos2(at.x, at.y - 4.5),
                pos2(at.x + 5.0, at.y + 4.0),
                pos2(at.x - 5.0, at.y + 4.0),
            ];
            painter.add(Shape::convex_polygon(triangle, theme::ACCENT, egui::Stroke::NONE));
        }
        Health::Bad => {
            let pen = egui::Stroke::new(2.2, theme::OVER);
            for s in [-1.0, 1.0] {
                let d = egui::vec2(3.6, 3.6 * s);
                painter.line_segment([at - d, at + d], pen);
            }
        }
    }
}
