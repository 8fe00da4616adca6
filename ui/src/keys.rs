//! Shortcuts. What is not listed here goes to the host, the space bar above all.

use egui::{Key, Modifiers, Ui};

use crate::brush::{Brush, Tool};
use crate::editor::State;
use crate::host::EditorHost;
use crate::panels::dialog::Dialog;

/// What the help overlay lists.
pub const TABLE: [(&str, &str); 22] = [
    ("B W L H G E", "brushes"),
    ("V", "select"),
    ("M", "move"),
    ("N", "snap on or off"),
    ("S", "solo what Scumble changes"),
    ("[ ]", "brush size"),
    ("Shift [ ]", "brush hardness"),
    ("Delete", "delete selected strokes"),
    ("Ctrl A", "select all strokes"),
    ("Ctrl Z", "undo"),
    ("Ctrl Shift Z", "redo"),
    ("Ctrl S", "save preset"),
    ("Drag", "paint, or turn a knob"),
    ("Shift drag", "turn a knob finely"),
    ("Right drag", "erase"),
    ("Alt drag", "gain: cut instead of boost"),
    ("Double-click", "reset a knob"),
    ("Enter, click number", "type a value"),
    ("Wheel", "zoom; Shift scrolls, Ctrl in time"),
    ("Alt wheel", "brush size"),
    ("0", "see the whole canvas"),
    ("F1, Esc", "this help; close"),
];

pub fn act(ui: &Ui, state: &mut State, host: &mut dyn EditorHost) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    ui.input_mut(|i| {
        // The space bar is the host's transport, whatever has the focus here.
        i.events.retain(|e| {
            !matches!(e, egui::Event::Key { key: Key::Space, .. })
                && !matches!(e, egui::Event::Text(t) if t == " ")
        });
    });
    if state.dialog != Dialog::None {
        return;
    }
    let pressed = |mods: Modifiers, key: Key| ui.input_mut(|i| i.consume_key(mods, key));
    let none = Modifiers::NONE;
    if pressed(none, Key::F1) {
        state.help_open = !state.help_open;
    }
    if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z) || pressed(Modifiers::COMMAND, Key::Y)
    {
        state.redo(host);
    }
    if pressed(Modifiers::COMMAND, Key::Z) {
        state.undo(host);
    }
    if pressed(Modifiers::COMMAND, Key::S) {
        state.dialog = Dialog::save(host);
    }
    if pressed(Modifiers::COMMAND, Key::A) {
        state.tool = Tool::Select;
        state.canvas.selected = state.edit.strokes().iter().map(|s| s.id).collect();
    }
    for (key, brush) in [
        (Key::B, Brush::Blur),
        (Key::W, Brush::Warp),
        (Key::L, Brush::LowPass),
        (Key::H, Brush::HighPass),
        (Key::G, Brush::Gain),
        (Key::E, Brush::Erase),
    ] {
        if pressed(none, key) {
            state.take_brush(brush);
        }
    }
    if pressed(none, Key::V) {
        state.tool = Tool::Select;
    }
    if pressed(none, Key::M) {
        state.tool = Tool::Move;
    }
    if pressed(none, Key::N) {
        state.snap.on = !state.snap.on;
    }
    if pressed(none, Key::S) {
        host.set_solo(!host.solo());
    }
    if pressed(none, Key::Num0) {
        state.canvas.view = crate::axes::View::default();
    }
    for (key, factor, hard) in
        [(Key::OpenBracket, 1.0 / 1.15, -0.1), (Key::CloseBracket, 1.15, 0.1f32)]
    {
        if pressed(Modifiers::SHIFT, key) {
            state.brush.hardness = (state.brush.hardness + hard).clamp(0.0, 1.0);
        } else if pressed(none, key) {
            state.brush.scale(factor);
        }
    }
    // A focused knob takes Delete for itself.
    let free = ui.memory(|m| m.focused().is_none_or(|id| id == egui::Id::unique("canvas")));
    if free && !state.canvas.selected.is_empty() {
        if pressed(none, Key::Delete) || pressed(none, Key::Backspace) {
            let ids = std::mem::take(&mut state.canvas.selected);
            state.edit.delete(&ids);
        }
        if pressed(none, Key::Escape) {
            state.canvas.selected.clear();
        }
    }
}
