//! The foot: engine state in words, device, what is batched; rate, block and window.

use egui::{Align2, CursorIcon, Rect, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};

use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::{Layout, MIN_SIZE};
use crate::{theme, units, widgets};

pub fn show(ui: &mut Ui, at: &Layout, state: &State, host: &mut dyn EditorHost) {
    let s = &state.snapshot;
    let y = at.foot.center().y + 0.5;
    let facts =
        format!("{} \u{b7} {} \u{b7} {}/{}", units::rate(s.sample_rate), s.block, s.window, s.hop);
    let right = pos2(at.foot.right() - 20.0, y + 0.5);
    let font = theme::mono(theme::SIZE_BODY);
    let facts = ui.painter().text(right, Align2::RIGHT_CENTER, facts, font, theme::DIM);

    super::health_mark(ui.painter(), pos2(at.foot.left() + 20.0, y), s.engine.health);
    let left = at.foot.left() + 30.0;
    let words = if s.engine.device.is_empty() {
        s.engine.words.clone()
    } else {
        format!("{} \u{b7} {}", s.engine.words, s.engine.device)
    };
    let restart = host.restart_pending();
    let room = facts.left() - left - 20.0;
    let words = widgets::fitted_text(
        ui.painter(),
        pos2(left, y),
        Align2::LEFT_CENTER,
        &words,
        theme::sans(theme::SIZE_BODY),
        theme::TEXT,
        room,
    );
    let more = if restart {
        "New settings take effect when the plugin is started anew"
    } else {
        &s.engine.batched
    };
    let colour = if restart { theme::ACCENT } else { theme::DIM };
    let room = facts.left() - words.right() - 40.0;
    if room > 60.0 && !more.is_empty() {
        widgets::fitted_text(
            ui.painter(),
            pos2(words.right() + 18.0, y),
            Align2::LEFT_CENTER,
            more,
            theme::sans(theme::SIZE_BODY),
            colour,
            room,
        );
    }
    let rect = Rect::from_min_max(at.foot.min, pos2(facts.left() - 10.0, at.foot.bottom()));
    let response = ui.interact(rect, egui::Id::unique("engine state"), Sense::hover());
    let full = s.engine.words.clone();
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(full.clone()),
        ..WidgetInfo::labeled(Role::Label, true, "Engine state")
    });
    if !s.engine.reason.is_empty() {
        response.on_hover_text(&s.engine.reason);
    }
    grip(ui, at, host);
}

/// The corner that resizes the window.
fn grip(ui: &mut Ui, at: &Layout, host: &mut dyn EditorHost) {
    let corner = at.foot.max;
    let rect = Rect::from_min_max(corner - vec2(15.0, 15.0), corner);
    let response = ui
        .interact(rect, egui::Id::unique("resize corner"), Sense::drag())
        .on_hover_and_drag_cursor(CursorIcon::ResizeNwSe);
    response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, "Resize window"));
    let hot = response.hovered() || response.dragged();
    let pen = egui::Stroke::new(1.0, if hot { theme::TEXT } else { theme::FAINT });
    for d in [4.0, 8.0, 12.0] {
        ui.painter().line_segment([corner - vec2(d, 2.0), corner - vec2(2.0, d)], pen);
    }
    if response.dragged()
        && let Some(pos) = response.interact_pointer_pos()
    {
        let size = (pos - at.window.min).max(MIN_SIZE.into()).round();
        if size != at.window.size().round() {
            host.request_size(size.x, size.y);
        }
    }
}
