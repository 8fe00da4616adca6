//! The preset browser and its dialogs.

use super::*;

#[test]
fn a_preset_is_loaded_in_one_step_of_undo() {
    let mut host = scenes::no_gpu();
    host.strokes = scenes::strokes(4);
    host.put(ParamId::Diffuse, "77 %");
    host.add_preset("Snowfall", true);
    host.strokes.clear();
    host.put(ParamId::Diffuse, "0 %");
    let name = host.preset.clone();
    let mut s = stage_of(host);
    s.click("Presets");
    s.click("Snowfall");
    assert_eq!(s.host().strokes.len(), 4);
    assert_eq!(s.state().edit.strokes().len(), 4);
    assert_eq!(s.state().param(ParamId::Diffuse).text, "77 %");
    assert_eq!((s.host().preset.as_str(), s.host().preset_changed()), ("Snowfall", false));
    s.click("Undo");
    assert!(s.host().strokes.is_empty());
    assert_eq!(s.host().preset, name);
    assert!((s.host().value(ParamId::Diffuse)).abs() < 1e-4);
    s.click("Redo");
    assert_eq!(s.host().strokes.len(), 4);
    assert_eq!(s.state().param(ParamId::Diffuse).text, "77 %");
    assert_eq!((s.host().preset.as_str(), s.host().preset_changed()), ("Snowfall", false));
}

#[test]
fn a_preset_is_saved_by_name_and_deleted() {
    let mut s = stage();
    s.click("Save preset");
    s.harness.step();
    s.harness.get_by_label("Name").focus();
    s.harness.step();
    s.key(Modifiers::COMMAND, Key::A);
    s.harness.event(egui::Event::Text("Mine".into()));
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    assert_eq!(s.host().preset, "Mine");
    assert!(s.host().presets.iter().any(|p| p.0 == "Mine" && !p.1));
}

/// One who has a preset "Mine" and hears "Fog".
fn with_mine() -> Stage {
    let mut host = scenes::no_gpu();
    host.add_preset("Mine", false);
    host.preset = "Fog".into();
    host.add_preset("Fog", false);
    stage_of(host)
}

fn has_mine(s: &Stage) -> bool {
    s.host().presets.iter().any(|p| p.0 == "Mine")
}

/// Gives the keyboard to the button of that name and presses Enter.
fn enter_on(s: &mut Stage, button: &str) {
    for _ in 0..8 {
        if s.harness.get_by_label(button).is_focused() {
            return s.key(Modifiers::NONE, Key::Enter);
        }
        s.key(Modifiers::NONE, Key::Tab);
    }
    panic!("Tab does not reach {button}");
}

#[test]
fn enter_on_cancel_cancels_and_on_delete_deletes() {
    let asked = || {
        let mut s = with_mine();
        s.click("Presets");
        s.click("Mine");
        s.click("Presets");
        s.click("Delete\u{2026}");
        s
    };
    let open = |s: &Stage| s.state().dialog != Dialog::None;
    let mut s = asked();
    enter_on(&mut s, "Cancel");
    assert!(has_mine(&s) && !open(&s));
    let mut s = asked();
    enter_on(&mut s, "Delete");
    assert!(!has_mine(&s) && !open(&s));
    // With the keyboard nowhere Enter is the answer to the question.
    let mut s = asked();
    s.key(Modifiers::NONE, Key::Enter);
    assert!(!has_mine(&s) && !open(&s));
    let mut s = asked();
    s.key(Modifiers::NONE, Key::Escape);
    assert!(has_mine(&s) && !open(&s));
    // Enter that was down before the question was asked is no answer, however long it is held.
    let mut s = with_mine();
    s.harness.key_down(Key::Enter);
    s.click("Presets");
    s.click("Mine");
    s.click("Presets");
    s.click("Delete\u{2026}");
    s.harness.key_down(Key::Enter);
    s.harness.run_steps(2);
    assert!(has_mine(&s) && open(&s));
}

#[test]
fn the_enter_that_opens_a_dialog_does_not_answer_it() {
    let mut s = with_mine();
    s.harness.get_by_label("Save preset").focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    assert!(matches!(s.state().dialog, Dialog::Save { .. }), "{:?}", s.state().dialog);
    // The keyboard is in the text then, and the next one saves.
    s.key(Modifiers::COMMAND, Key::A);
    s.harness.event(egui::Event::Text("Third".into()));
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    assert_eq!(s.host().preset, "Third");
}

fn save_as(s: &mut Stage, name: &str) {
    s.click("Save preset");
    retype(s, "Name", name);
    s.key(Modifiers::NONE, Key::Enter);
}

fn retype(s: &mut Stage, field: &str, text: &str) {
    s.harness.get_by_label(field).focus();
    s.harness.step();
    s.key(Modifiers::COMMAND, Key::A);
    s.harness.event(egui::Event::Text(text.into()));
    s.harness.step();
}

#[test]
fn saving_over_another_preset_asks_first() {
    let saved = |s: &Stage| s.host().log.contains(&"save Mine".to_owned());
    let mut s = with_mine();
    save_as(&mut s, " Mine ");
    // Not even by an Enter too many.
    s.key(Modifiers::NONE, Key::Enter);
    assert!(!saved(&s));
    s.harness.get_by_label("You have a preset \u{201c}Mine\u{201d} already.");
    // Cancel goes back to the name.
    s.click("Cancel");
    assert!(!saved(&s));
    assert_eq!(s.state().dialog, Dialog::Save { name: " Mine ".into() });
    enter_on(&mut s, "Save");
    s.key(Modifiers::NONE, Key::Enter);
    assert!(!saved(&s));
    enter_on(&mut s, "Replace");
    assert!(saved(&s));
    assert_eq!((s.host().preset.as_str(), &s.state().dialog), ("Mine", &Dialog::None));
    // The preset that is heard is saved again without a word.
    s.harness.state_mut().host.log.clear();
    save_as(&mut s, "Mine");
    assert!(saved(&s));
    assert_eq!(s.state().dialog, Dialog::None);
}

#[test]
fn exporting_over_a_file_asks_first() {
    let mut s = with_mine();
    s.harness.state_mut().host.files.push("/presets/Fog.scumble.json".into());
    s.click("Presets");
    s.click("Export\u{2026}");
    let exported = |s: &Stage| s.host().log.iter().any(|l| l.starts_with("export"));
    s.key(Modifiers::NONE, Key::Enter);
    assert!(!exported(&s));
    s.click("Replace");
    assert!(exported(&s));
    // Another place is taken at once.
    s.harness.state_mut().host.log.clear();
    s.click("Presets");
    s.click("Export\u{2026}");
    retype(&mut s, "File", "/else/Fog.scumble.json");
    s.key(Modifiers::NONE, Key::Enter);
    assert!(s.host().log.contains(&"export Fog /else/Fog.scumble.json".to_owned()));
}

#[test]
fn import_begins_at_the_folder_and_export_at_a_name() {
    let mut s = stage();
    s.click("Presets");
    s.click("Import\u{2026}");
    assert_eq!(s.state().dialog, Dialog::Import { path: "/presets/".into() });
    s.key(Modifiers::NONE, Key::Escape);
    s.harness.state_mut().host.preset.clear();
    s.click("Presets");
    s.click("Export\u{2026}");
    let path = "/presets/Untitled.scumble.json".into();
    assert_eq!(s.state().dialog, Dialog::Export { name: "Untitled".into(), path });
}

#[test]
fn what_is_heard_becomes_the_default_and_no_longer() {
    let mut s = stage();
    s.click("Presets");
    s.click("Use as default");
    assert!(s.host().default_preset);
    s.click("Presets");
    s.click("Clear the default");
    assert!(!s.host().default_preset);
}
