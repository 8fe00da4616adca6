//! A small number that is dragged: label at the left, value at the right, one line high.

use egui::accesskit::Role;
use egui::{Align2, Id, Rect, Response, Sense, Ui, WidgetInfo};

use crate::theme;

/// A labelled value, 0..1.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    pub name: &'a str,
    pub label: &'a str,
    pub text: &'a str,
    pub at: f32,
    pub default: f32,
    pub help: &'a str,
}

impl Value<'_> {
    /// Shows it; gives the new position when the user changed it.
    pub fn show(self, ui: &mut Ui, rect: Rect) -> (Response, Option<f32>) {
        let id = Id::unique(("value", self.name));
        let response = ui.interact(rect, id, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo {
            value: Some(self.at.into()),
            current_text_value: Some(self.text.to_owned()),
            ..WidgetInfo::labeled(Role::Slider, true, self.name)
        });
        let fine = if ui.input(|i| i.modifiers.shift) { 0.1 } else { 1.0 };
        let mut to = self.at;
        if response.dragged() {
            let d = response.drag_delta();
            to += (d.x - d.y) / 160.0 * fine;
        }
        if response.clicked() {
            response.request_focus();
        }
        if response.double_clicked() {
            to = self.default;
        }
        if response.hovered() {
            to += super::knob::wheel_notches(ui) * 0.02 * fine;
        }
        if response.has_focus() {
            super::knob::lock_arrows(ui, id);
            let steps = ui.input(|i| {
                let n = |k| i.key_pressed(k) as i32;
                use egui::Key::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp};
                n(ArrowUp) + n(ArrowRight) - n(ArrowDown) - n(ArrowLeft)
            });
            to += steps as f32 * 0.02 * fine;
        }
        let to = to.clamp(0.0, 1.0);
        self.paint(ui, rect, &response, to);
        let changed = (to != self.at).then_some(to);
        (response.on_hover_text(self.help), changed)
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response, at: f32) {
        let painter = ui.painter();
        let hot = response.hovered() || response.dragged() || response.has_focus();
        painter.rect_filled(rect, theme::RADIUS_SMALL, theme::WELL);
        let mut bar = rect;
        bar.set_right(rect.left() + rect.width() * at);
        let alpha = if hot { 0.22 } else { 0.12 };
        painter.rect_filled(bar, theme::RADIUS_SMALL, theme::tint(theme::ACCENT, alpha));
        let inside = rect.shrink2(egui::vec2(5.0, 0.0));
        let value = painter.text(
            inside.right_center() - egui::vec2(0.0, 0.5),
            Align2::RIGHT_CENTER,
            self.text,
            theme::mono(theme::SIZE_SMALL),
            theme::TEXT,
        );
        super::fitted_text(
            painter,
            inside.left_center(),
            Align2::LEFT_CENTER,
            self.label,
            theme::sans(theme::SIZE_SMALL),
            if hot { theme::TEXT } else { theme::DIM },
            (value.left() - inside.left() - 4.0).max(8.0),
        );
        super::focus_ring(ui, response, rect);
    }
}
