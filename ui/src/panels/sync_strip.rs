//! The sync panel of a small window: latency, engine state, rescued; the rest on demand.

use egui::{Align2, Area, Id, Order, Rect, Ui, pos2, vec2};

use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::Layout;
use crate::model::LATENCY_BUDGET_MS;
use crate::widgets::button::{Button, Face};
use crate::widgets::icon::Icon;
use crate::{theme, units, widgets};

pub fn show(ui: &mut Ui, at: &Layout, state: &mut State, host: &mut dyn EditorHost) {
    let s = &state.snapshot;
    let y = at.sync.center().y + 0.5;
    let p = ui.painter();
    let small = theme::sans(theme::SIZE_SMALL);
    let (window, pipeline, total) = super::sync::latency_ms(s);
    let over = total > LATENCY_BUDGET_MS;
    let head = widgets::heading(p, pos2(at.sync.left() + 16.0, y), "LATENCY", theme::DIM);
    let x = head.right() + 78.0;
    let colour = if over { theme::OVER } else { theme::TEXT };
    let text = format!("{} ms", units::ms(total));
    p.text(pos2(x, y), Align2::RIGHT_CENTER, text, theme::mono(theme::SIZE_BAR), colour);
    let bar = Rect::from_min_size(
        pos2(x + 12.0, y - 5.0),
        vec2(if at.sync.width() < 880.0 { 110.0 } else { 150.0 }, 10.0),
    );
    super::sync::latency_bar(p, bar, window, pipeline);
    let words = if over { "over 10 ms" } else { "of 10 ms" };
    let after = pos2(bar.right() + 8.0, y);
    p.text(after, Align2::LEFT_CENTER, words, small.clone(), theme::FAINT);

    let engine_left = after.x + 66.0;
    let button = Rect::from_center_size(pos2(at.sync.right() - 28.0, y), vec2(32.0, 22.0));
    let open = state.sync_open;
    let mut x = button.left() - 16.0;
    let late = s.stages.iter().filter(|stage| stage.over()).count();
    // Each number has a place as wide as its widest value.
    for (name, value, bad, wide) in [
        ("Over budget", format!("{late}/5"), late > 0, 22.0),
        ("Timeouts", units::count_short(s.counters.timeouts), s.counters.timeouts > 0, 51.0),
        ("Rescued", units::count_short(s.covered()), false, 51.0),
    ] {
        let colour = if bad { theme::OVER } else { theme::TEXT };
        let font = theme::mono(theme::SIZE_BODY);
        p.text(pos2(x, y), Align2::RIGHT_CENTER, value, font, colour);
        let name_at = pos2(x - wide - 5.0, y);
        let name = p.text(name_at, Align2::RIGHT_CENTER, name, small.clone(), theme::DIM);
        x = name.left() - 14.0;
    }
    let room = x - engine_left - 24.0;
    if room > 50.0 {
        super::health_mark(p, pos2(engine_left + 4.0, y), s.engine.health);
        let at = pos2(engine_left + 14.0, y);
        let (left, words) = (Align2::LEFT_CENTER, &s.engine.words);
        widgets::fitted_text(p, at, left, words, theme::sans(theme::SIZE_BODY), theme::TEXT, room);
    }
    let toggled = Button::new("Sync panel", Face::Icon(Icon::Panel))
        .selected(open)
        .show(ui, button)
        .on_hover_text("Shows the whole sync panel")
        .clicked();
    state.sync_open ^= toggled;
    if state.sync_open {
        over_canvas(ui, at, state, host);
    }
}

fn over_canvas(ui: &mut Ui, at: &Layout, state: &mut State, host: &mut dyn EditorHost) {
    let size = egui::Vec2::from(super::sync::WIDE);
    let min = pos2(at.sync.right() - size.x - 8.0, at.sync.top() - size.y - 4.0);
    let rect = Rect::from_min_size(min, size);
    Area::new(Id::unique("sync panel")).order(Order::Middle).fixed_pos(min).show(ui.ctx(), |ui| {
        ui.allocate_rect(rect, egui::Sense::click());
        ui.painter().rect_filled(rect, theme::RADIUS, theme::BACKGROUND);
        let kind = egui::StrokeKind::Inside;
        ui.painter().rect_stroke(rect, theme::RADIUS, theme::line(), kind);
        super::sync::show_wide(ui, rect, state, host);
    });
}
