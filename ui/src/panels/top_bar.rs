//! Presets, A/B, undo, quality, engine.

use egui::{Align2, Rect, Ui, pos2, vec2};

use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::Layout;
use crate::model::{ParamId, Side};
use crate::panels::dialog::Dialog;
use crate::theme;
use crate::widgets::button::{self, Button, Face};
use crate::widgets::icon::Icon;

const HEIGHT: f32 = 26.0;

/// Hands out rectangles from the left or the right end of the bar.
struct Row {
    left: f32,
    right: f32,
    middle: f32,
}

impl Row {
    fn left(&mut self, width: f32, gap: f32) -> Rect {
        let rect =
            Rect::from_min_size(pos2(self.left, self.middle - HEIGHT * 0.5), vec2(width, HEIGHT));
        self.left += width + gap;
        rect
    }

    fn right(&mut self, width: f32, gap: f32) -> Rect {
        self.right -= width;
        let rect =
            Rect::from_min_size(pos2(self.right, self.middle - HEIGHT * 0.5), vec2(width, HEIGHT));
        self.right -= gap;
        rect
    }
}

pub fn show(ui: &mut Ui, at: &Layout, state: &mut State, host: &mut dyn EditorHost) {
    let narrow = at.folded;
    let mut row = Row {
        left: at.top.left() + 16.0,
        right: at.top.right() - 14.0,
        middle: at.top.center().y - 0.5,
    };
    let title = pos2(row.left, row.middle);
    let title = ui.painter().text(
        title,
        Align2::LEFT_CENTER,
        "Scumble",
        theme::strong(theme::SIZE_TITLE),
        theme::TEXT,
    );
    row.left = title.right() + if narrow { 8.0 } else { 15.0 };

    // The right end first: the preset's name takes what is left.
    let gap = if narrow { 4.0 } else { 12.0 };
    let help = row.right(28.0, gap);
    let settings = row.right(28.0, gap);
    let engine = row.right(if narrow { 92.0 } else { 104.0 }, gap.min(10.0));
    let quality = row.right(if narrow { 84.0 } else { 92.0 }, gap);
    let text = if narrow { 30.0 } else { 66.0 };
    let redo = row.right(text, 2.0);
    let undo = row.right(text, gap);

    let before = row.left(28.0, if narrow { 2.0 } else { 15.0 });
    let rest = row.right - row.left - if narrow { 168.0 } else { 190.0 };
    let preset = row.left(rest.clamp(90.0, 280.0), if narrow { 2.0 } else { 15.0 });
    let after = row.left(28.0, if narrow { 4.0 } else { 16.0 });
    let save = row.left(50.0, if narrow { 4.0 } else { 13.0 });
    let a = row.left(30.0, 4.0);
    let b = row.left(30.0, 0.0);

    super::presets::bar(ui, [before, preset, after], state, host);
    if Button::new("Save preset", Face::Text("Save")).show(ui, save).clicked() {
        state.dialog = Dialog::save(host);
    }
    for (side, rect, name) in [(Side::A, a, "A"), (Side::B, b, "B")] {
        let label = if side == Side::A { "Compare A" } else { "Compare B" };
        let on = host.side() == side;
        let clicked = Button::new(label, Face::Text(name))
            .selected(on)
            .show(ui, rect)
            .on_hover_text("Two versions of the sound to compare; each keeps its own changes")
            .clicked();
        if clicked && !on {
            state.replace_sound(host, |host| Ok(host.set_side(side)));
        }
    }

    let words = |verb: &str, what: Option<&str>| match what {
        Some(what) => format!("{verb} {what}"),
        None => format!("Nothing to {}", verb.to_lowercase()),
    };
    let undo_words = words("Undo", state.edit.undo_words());
    let redo_words = words("Redo", state.edit.redo_words());
    let face = |icon, text| if narrow { Face::Icon(icon) } else { Face::Both(icon, text) };
    let undone = Button::new("Undo", face(Icon::Undo, "Undo"))
        .enabled(state.edit.undo_depth() > 0)
        .show(ui, undo)
        .on_hover_text(undo_words)
        .clicked();
    let redone = Button::new("Redo", face(Icon::Redo, "Redo"))
        .enabled(state.edit.redo_depth() > 0)
        .show(ui, redo)
        .on_hover_text(redo_words)
        .clicked();
    if undone {
        state.undo(host);
    }
    if redone {
        state.redo(host);
    }

    menu(ui, quality, "Quality", ParamId::Quality, state, host, |state| {
        ParamId::Quality.choices()[state.choice(ParamId::Quality)].to_owned()
    });
    menu(ui, engine, "Engine", ParamId::Engine, state, host, engine_words);
    if Button::new("Settings", Face::Icon(Icon::Settings)).show(ui, settings).clicked() {
        state.dialog = Dialog::settings(host);
    }
    if Button::new("Help", Face::Icon(Icon::Help)).show(ui, help).clicked() {
        state.help_open = !state.help_open;
    }
}

/// `Auto · GPU`: what is asked for, and what runs.
fn engine_words(state: &State) -> String {
    let asked = ParamId::Engine.choices()[state.choice(ParamId::Engine)];
    let runs = &state.snapshot.engine;
    match asked {
        "Auto" if runs.words.contains("GPU") && !runs.device.is_empty() => "Auto \u{b7} GPU".into(),
        "Auto" if runs.words.contains("CPU") => "Auto \u{b7} CPU".into(),
        _ => asked.into(),
    }
}

fn menu(
    ui: &mut Ui,
    rect: Rect,
    name: &str,
    id: ParamId,
    state: &mut State,
    host: &mut dyn EditorHost,
    text: impl Fn(&State) -> String,
) {
    let text = text(state);
    let response = Button::new(name, Face::Menu(&text)).framed().show(ui, rect);
    if let Some(i) = button::choices(&response, id.choices(), Some(state.choice(id))) {
        state.set_choice(id, i, host);
    }
}
