//! The preset browser.

use egui::{Rect, ScrollArea, Ui};

use crate::editor::State;
use crate::host::{EditorHost, Message};
use crate::panels::dialog::Dialog;
use crate::theme;
use crate::widgets::button::{Button, Face};
use crate::widgets::icon::Icon;

/// Back, the name with its menu, forward.
pub fn bar(
    ui: &mut Ui,
    [before, name, after]: [Rect; 3],
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let current = host.preset_name();
    let mut step = 0i32;
    if Button::new("Previous preset", Face::Icon(Icon::Left)).show(ui, before).clicked() {
        step = -1;
    }
    let shown = if current.is_empty() { "Untitled" } else { &current };
    let shown = if host.preset_changed() { format!("{shown} *") } else { shown.to_owned() };
    let response = Button::new("Presets", Face::Menu(&shown)).framed().show(ui, name);
    if Button::new("Next preset", Face::Icon(Icon::Right)).show(ui, after).clicked() {
        step = 1;
    }
    if step != 0 {
        let list = host.presets();
        if !list.is_empty() {
            let here = list.iter().position(|p| p.name == current);
            let last = list.len() as i32;
            let next = here.map_or(0, |i| (i as i32 + step).rem_euclid(last)) as usize;
            load(&list[next].name, state, host);
        }
    }
    egui::Popup::menu(&response)
        .width(name.width().max(240.0))
        .show(|ui| browse(ui, &current, state, host));
}

fn load(name: &str, state: &mut State, host: &mut dyn EditorHost) {
    state.replace_sound(host, |host| host.load_preset(name));
}

fn set_default(default: bool, done: &str, state: &mut State, host: &mut dyn EditorHost) {
    state.toasts.push(match host.set_default_preset(default) {
        Ok(()) => Message::note(done),
        Err(text) => Message::error(text),
    });
}

fn browse(ui: &mut Ui, current: &str, state: &mut State, host: &mut dyn EditorHost) {
    let list = host.presets();
    ui.set_min_width(266.0);
    ScrollArea::vertical().auto_shrink([false, true]).max_height(320.0).show(ui, |ui| {
        for factory in [true, false] {
            let part: Vec<_> = list.iter().filter(|p| p.factory == factory).collect();
            if part.is_empty() {
                continue;
            }
            let heading = if factory { "FACTORY" } else { "YOURS" };
            ui.add_space(4.0);
            ui.label(
                egui::RichText::new(heading)
                    .font(theme::strong(theme::SIZE_SMALL))
                    .color(theme::DIM),
            );
            for preset in part {
                if ui.selectable_label(preset.name == current, &preset.name).clicked() {
                    load(&preset.name, state, host);
                    ui.close();
                }
            }
        }
    });
    ui.separator();
    let own = list.iter().any(|p| p.name == current && !p.factory);
    if ui.button("Save as\u{2026}").clicked() {
        state.dialog = Dialog::save(host);
        ui.close();
    }
    if ui.add_enabled(own, egui::Button::new("Rename\u{2026}")).clicked() {
        state.dialog = Dialog::rename(current);
        ui.close();
    }
    if ui.add_enabled(own, egui::Button::new("Delete\u{2026}")).clicked() {
        state.dialog = Dialog::delete(current);
        ui.close();
    }
    let default = host.has_default_preset();
    if ui.button("Use as default").clicked() {
        set_default(true, "New instances begin with this sound", state, host);
        ui.close();
    }
    if ui.add_enabled(default, egui::Button::new("Clear the default")).clicked() {
        set_default(false, "New instances begin neutral", state, host);
        ui.close();
    }
    if ui.button("Export\u{2026}").clicked() {
        state.dialog = Dialog::export(host);
        ui.close();
    }
    if ui.button("Import\u{2026}").clicked() {
        state.dialog = Dialog::import(host);
        ui.close();
    }
}
