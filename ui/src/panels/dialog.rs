//! What asks a question: settings, saving, renaming, deleting, import and export.

use egui::{Event, Id, Key, Modal, RichText, TextEdit, Ui};

use crate::editor::State;
use crate::host::{EditorHost, Message};
use crate::model::SettingsView;
use crate::theme;

#[derive(Debug, Clone, PartialEq, Default)]
pub enum Dialog {
    #[default]
    None,
    Settings(SettingsView),
    Save {
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Delete {
        name: String,
    },
    Export {
        name: String,
        path: String,
    },
    Import {
        path: String,
    },
    /// Saving or exporting, over something that is there.
    Replace(Box<Dialog>),
}

impl Dialog {
    pub fn settings(host: &mut dyn EditorHost) -> Self {
        host.look_for_devices();
        Dialog::Settings(host.settings())
    }

    pub fn save(host: &dyn EditorHost) -> Self {
        Dialog::Save { name: host.preset_name() }
    }

    pub fn rename(name: &str) -> Self {
        Dialog::Rename { from: name.to_owned(), to: name.to_owned() }
    }

    pub fn delete(name: &str) -> Self {
        Dialog::Delete { name: name.to_owned() }
    }

    pub fn export(host: &dyn EditorHost) -> Self {
        let name = host.preset_name();
        // A preset without a name could not be imported.
        let name = if name.is_empty() { "Untitled".to_owned() } else { name };
        Dialog::Export { path: host.exchange_path(&name), name }
    }

    pub fn import(host: &dyn EditorHost) -> Self {
        Dialog::Import { path: host.exchange_folder() }
    }

    /// Whether it would go over something other than the preset that is heard.
    fn replaces(&self, host: &dyn EditorHost) -> bool {
        match self {
            Dialog::Save { name } => {
                name.trim() != host.preset_name() && host.has_preset(name.trim())
            }
            Dialog::Export { path, .. } => host.has_file(path.trim()),
            _ => false,
        }
    }

    /// Whether Enter alone is its answer. Going over something takes the button that says so.
    fn takes_enter(&self) -> bool {
        !matches!(self, Dialog::Settings(_) | Dialog::Replace(_))
    }

    fn title(&self) -> &'static str {
        match self {
            Dialog::None => "",
            Dialog::Settings(_) => "Settings",
            Dialog::Save { .. } => "Save preset",
            Dialog::Rename { .. } => "Rename preset",
            Dialog::Delete { .. } => "Delete preset",
            Dialog::Export { .. } => "Export preset",
            Dialog::Import { .. } => "Import preset",
            Dialog::Replace(_) => "Replace?",
        }
    }

    /// What its main button says.
    fn verb(&self) -> &'static str {
        match self {
            Dialog::None | Dialog::Settings(_) => "Close",
            Dialog::Save { .. } => "Save",
            Dialog::Rename { .. } => "Rename",
            Dialog::Delete { .. } => "Delete",
            Dialog::Export { .. } => "Export",
            Dialog::Import { .. } => "Import",
            Dialog::Replace(_) => "Replace",
        }
    }
}

pub fn show(ui: &mut Ui, state: &mut State, host: &mut dyn EditorHost) {
    if state.dialog == Dialog::None {
        return;
    }
    let mut dialog = std::mem::take(&mut state.dialog);
    let (mut act, mut close) = (false, false);
    let mut typing = None;
    let frame = egui::Frame::window(ui.style()).inner_margin(16);
    let modal = Modal::new(Id::unique("dialog")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(380.0);
        ui.label(RichText::new(dialog.title()).font(theme::strong(theme::SIZE_TITLE)));
        ui.add_space(4.0);
        match &mut dialog {
            Dialog::None => {}
            Dialog::Settings(draft) => super::settings::show(ui, draft, state, host),
            Dialog::Save { name } => typing = Some(field(ui, "Name", name)),
            Dialog::Rename { to, .. } => typing = Some(field(ui, "New name", to)),
            Dialog::Delete { name } => {
                ui.label(format!("\u{201c}{name}\u{201d} will be gone for good."));
            }
            Dialog::Export { path, .. } | Dialog::Import { path } => {
                typing = Some(field(ui, "File", path));
            }
            Dialog::Replace(what) => {
                ui.label(match &**what {
                    Dialog::Export { path, .. } => {
                        format!("The file {} is there already.", path.trim())
                    }
                    Dialog::Save { name } => {
                        format!("You have a preset \u{201c}{}\u{201d} already.", name.trim())
                    }
                    _ => String::new(),
                });
            }
        }
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            let settings = matches!(dialog, Dialog::Settings(_));
            act |= ui.button(dialog.verb()).clicked();
            if !settings {
                close |= ui.button("Cancel").clicked();
            }
        });
        act |= entered(ui, typing) && dialog.takes_enter();
    });
    close |= modal.should_close();
    let act = act && !close;
    let asks = act && dialog.replaces(host);
    let done = act && !asks && perform(&dialog, state, host);
    state.dialog = match dialog {
        dialog if asks => Dialog::Replace(Box::new(dialog)),
        // Refused or failed, it can be given another name.
        Dialog::Replace(what) if close || act && !done => *what,
        dialog if !(close || done) => dialog,
        Dialog::Settings(_) => {
            host.settings_closed();
            Dialog::None
        }
        _ => Dialog::None,
    };
}

/// Whether Enter was pressed for the dialog as a whole: in its text, or while nothing has the
/// keyboard. On a button it presses that button alone. One that is held answers no question.
fn entered(ui: &Ui, text: Option<Id>) -> bool {
    let held = ui.memory(|m| m.focused());
    let fresh =
        |e: &Event| matches!(e, Event::Key { key: Key::Enter, pressed: true, repeat: false, .. });
    (held.is_none() || held == text) && ui.input(|i| i.events.iter().any(fresh))
}

fn field(ui: &mut Ui, name: &str, text: &mut String) -> Id {
    let label = ui.label(RichText::new(name).color(theme::DIM));
    let edit = ui.add(TextEdit::singleline(text).desired_width(f32::INFINITY));
    let edit = edit.labelled_by(label.id);
    if ui.memory(|m| m.focused().is_none()) {
        edit.request_focus();
    }
    edit.id
}

/// Does what the dialog is about; false when it failed and stays open.
fn perform(dialog: &Dialog, state: &mut State, host: &mut dyn EditorHost) -> bool {
    let trimmed = |s: &String| s.trim().to_owned();
    let (result, words) = match dialog {
        Dialog::None | Dialog::Settings(_) => return true,
        Dialog::Replace(what) => return perform(what, state, host),
        Dialog::Save { name } => (host.save_preset(&trimmed(name)), format!("Saved {name}")),
        Dialog::Rename { from, to } => {
            (host.rename_preset(from, &trimmed(to)), format!("{from} is now {to}"))
        }
        Dialog::Delete { name } => (host.delete_preset(name), format!("Deleted {name}")),
        Dialog::Export { name, path } => {
            (host.export_preset(name, &trimmed(path)), format!("Exported to {path}"))
        }
        Dialog::Import { path } => {
            let path = trimmed(path);
            return state.replace_sound(host, |host| host.import_preset(&path));
        }
    };
    let done = result.is_ok();
    state.toasts.push(match result {
        Ok(()) => Message::note(words),
        Err(text) => Message::error(text),
    });
    done
}
