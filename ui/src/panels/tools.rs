//! The tool column: brushes by colour, then select, move, snap, and what is seen and heard.

use egui::{Popup, PopupCloseBehavior, Rect, Response, Ui, pos2, vec2};

use crate::brush::{Brush, PitchSnap, Tool};
use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::Layout;
use crate::model::Source;
use crate::stroke::StrokeKind;
use crate::theme;
use crate::widgets::button::{self, Button, Face};
use crate::widgets::icon::Icon;

pub fn show(ui: &mut Ui, at: &Layout, state: &mut State, host: &mut dyn EditorHost) {
    let count = 11.0;
    let pitch = ((at.tools.height() - 34.0) / count).min(42.0);
    let size = vec2(36.0, (pitch - 6.0).min(36.0));
    let mut top = at.tools.top() + 10.0;
    let mut next = |gap: f32| {
        let rect = Rect::from_min_size(pos2(at.tools.center().x - 18.5, top), size);
        top += pitch + gap;
        rect
    };
    for brush in Brush::ALL {
        let rect = next(if brush == Brush::Erase { 10.0 } else { 0.0 });
        let name = format!("{} brush", brush.name());
        let response = Button::new(&name, Face::Disc(brush.colour()))
            .selected(state.tool == Tool::Paint(brush))
            .show(ui, rect)
            .on_hover_text(brush.help());
        if response.clicked() {
            state.take_brush(brush);
        }
        variants(&response, brush, state);
        if brush == Brush::Erase {
            let y = rect.bottom() + 8.0;
            ui.painter().hline(at.tools.shrink2(vec2(10.0, 0.0)).x_range(), y, theme::line());
        }
    }
    for (tool, icon, name, help) in [
        (
            Tool::Select,
            Icon::Select,
            "Select",
            "Select strokes: click, drag around them, Shift adds",
        ),
        (Tool::Move, Icon::Move, "Move", "Move strokes"),
    ] {
        let response = Button::new(name, Face::Icon(icon))
            .selected(state.tool == tool)
            .show(ui, next(0.0))
            .on_hover_text(help);
        if response.clicked() {
            state.tool = tool;
        }
    }
    let response = Button::new("Snap", Face::Icon(Icon::Snap))
        .selected(state.snap.on)
        .show(ui, next(10.0))
        .on_hover_text("Snap to the beat and to pitches (right-click to choose which)");
    if response.clicked() {
        state.snap.on = !state.snap.on;
    }
    snap_menu(&response, state);

    let solo = host.solo();
    let response = Button::new("Solo", Face::Icon(Icon::Solo))
        .selected(solo)
        .show(ui, next(0.0))
        .on_hover_text("Hear only what Scumble changes");
    if response.clicked() {
        host.set_solo(!solo);
    }
    let text = match state.canvas.source {
        Source::Input => "In",
        Source::Output => "Out",
        Source::Difference => "Diff",
    };
    let response = Button::new("Shown sound", Face::Text(text))
        .small()
        .show(ui, next(0.0))
        .on_hover_text("The sound under the strokes: input, output or their difference");
    let names = Source::ALL.map(Source::name);
    let current = Source::ALL.iter().position(|s| *s == state.canvas.source);
    if let Some(i) = button::choices(&response, &names, current) {
        state.canvas.set_source(Source::ALL[i]);
    }
}

/// What else a brush can paint, by right-click.
fn variants(response: &Response, brush: Brush, state: &mut State) {
    if brush == Brush::Erase {
        Popup::context_menu(response).show(|ui| {
            if ui.button("Clear the canvas").clicked() {
                state.edit.clear();
                state.canvas.selected.clear();
                ui.close();
            }
        });
    }
    if brush != Brush::Blur {
        return;
    }
    Popup::context_menu(response).show(|ui| {
        for (kind, words) in [
            (StrokeKind::BlurTime, "Blur over time"),
            (StrokeKind::BlurFreq, "Blur over pitch"),
            (StrokeKind::Freeze, "Freeze"),
        ] {
            if ui.radio(state.blur_kind == kind, words).clicked() {
                state.blur_kind = kind;
                state.take_brush(Brush::Blur);
                ui.close();
            }
        }
    });
}

fn snap_menu(response: &Response, state: &mut State) {
    let menu =
        Popup::context_menu(response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    menu.show(|ui: &mut Ui| {
        let snap = &mut state.snap;
        ui.checkbox(&mut snap.time, "Snap to the beat");
        ui.separator();
        for pitch in PitchSnap::ALL {
            if ui.radio(snap.pitch == pitch, pitch.name()).clicked() {
                snap.pitch = pitch;
                snap.on = true;
            }
        }
        ui.separator();
        ui.label(egui::RichText::new("Root").color(theme::DIM));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let names = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
            for (i, name) in names.into_iter().enumerate() {
                if ui.selectable_label(snap.root == i as i32, name).clicked() {
                    snap.root = i as i32;
                }
            }
        });
    });
}
