//! What a person does in the window, by the names that a screen reader speaks.

mod support;

use egui::{Key, Modifiers, Pos2, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use scumble_ui::axes::{FreqAxis, hz_of};
use scumble_ui::brush::{Brush, Tool};
use scumble_ui::editor::State;
use scumble_ui::layout::{DEFAULT_SIZE, Layout};
use scumble_ui::model::{AXES, Axis, ParamId, Source};
use scumble_ui::panels::dialog::Dialog;
use scumble_ui::stroke::StrokeKind;
use support::host::TestHost;
use support::picture::Stage;
use support::scenes;

fn stage() -> Stage {
    stage_of(scenes::no_gpu())
}

fn stage_of(host: TestHost) -> Stage {
    let mut stage = Stage::new(host, DEFAULT_SIZE, 1.0);
    stage.harness.step();
    stage
}

impl Stage {
    fn state(&self) -> &State {
        &self.harness.state().editor.state
    }

    fn host(&self) -> &TestHost {
        &self.harness.state().host
    }

    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.harness.run_steps(2);
    }

    /// A place on the canvas by shares of its width and height, from the bottom left.
    fn at(&self, x: f32, y: f32) -> Pos2 {
        let plot = Layout::of(self.harness.ctx.content_rect()).plot;
        pos2(plot.left() + x * plot.width(), plot.bottom() - y * plot.height())
    }

    fn drag(&mut self, path: &[Pos2]) {
        self.harness.drag_at(path[0]);
        self.harness.step();
        for pair in path.windows(2) {
            for i in 1..=8 {
                self.harness.hover_at(pair[0] + (pair[1] - pair[0]) * (i as f32 / 8.0));
                self.harness.step();
            }
        }
        self.harness.drop_at(path[path.len() - 1]);
        self.harness.run_steps(2);
    }

    fn wheel(&mut self, lines: f32) {
        self.harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Line,
            delta: vec2(0.0, lines),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        self.harness.run_steps(2);
    }

    fn right_click(&mut self, at: Pos2) {
        for pressed in [true, false] {
            self.harness.event(egui::Event::PointerButton {
                pos: at,
                button: egui::PointerButton::Secondary,
                pressed,
                modifiers: Modifiers::NONE,
            });
            self.harness.step();
        }
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(2);
    }
}

#[test]
fn painting_leaves_a_stroke_with_the_brush_in_hand() {
    let mut s = stage();
    s.click("Low-pass brush");
    let path = [s.at(0.2, 0.3), s.at(0.4, 0.5), s.at(0.5, 0.5)];
    s.drag(&path);
    let strokes = &s.host().strokes;
    assert_eq!(strokes.len(), 1);
    assert_eq!(strokes[0].kind, StrokeKind::ModHigh);
    let (first, last) = (strokes[0].points[0], *strokes[0].points.last().expect("points"));
    let octaves = (24_000.0f32 / 20.0).log2();
    assert!((first.x - 0.2).abs() < 0.005 && (first.y - 0.3 * octaves).abs() < 0.05);
    assert!((last.x - 0.5).abs() < 0.005 && (last.y - 0.5 * octaves).abs() < 0.05);
    // A straight drag needs few points.
    assert!(strokes[0].points.len() < 8, "{}", strokes[0].points.len());
}

#[test]
fn a_click_paints_one_dab() {
    let mut s = stage();
    let at = s.at(0.5, 0.5);
    s.drag(&[at]);
    assert_eq!(s.host().strokes.len(), 1);
    assert_eq!(s.host().strokes[0].points.len(), 1);
}

#[test]
fn a_stroke_is_heard_while_it_is_painted() {
    let mut s = stage();
    let (from, to) = (s.at(0.2, 0.3), s.at(0.4, 0.5));
    s.harness.drag_at(from);
    s.harness.step();
    s.harness.hover_at(to);
    s.harness.step();
    assert!(s.host().preview.as_ref().is_some_and(|p| p.points.len() >= 2));
    assert!(s.host().strokes.is_empty());
    s.harness.drop_at(to);
    s.harness.run_steps(2);
    assert!(s.host().preview.is_none());
    assert_eq!(s.host().strokes.len(), 1);
}

#[test]
fn undo_and_redo_go_stroke_by_stroke() {
    let mut s = stage();
    for x in [0.2, 0.5, 0.8] {
        let path = [s.at(x, 0.3), s.at(x + 0.1, 0.6)];
        s.drag(&path);
    }
    let all = s.host().strokes.clone();
    assert_eq!(all.len(), 3);
    s.click("Undo");
    assert_eq!(s.host().strokes, all[..2]);
    s.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(s.host().strokes, all[..1]);
    s.click("Redo");
    assert_eq!(s.host().strokes, all[..2]);
    s.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(s.host().strokes, all);
}

#[test]
fn the_direction_of_a_warp_is_that_of_the_drag() {
    let mut s = stage();
    s.click("Warp brush");
    for (to, kind, sign) in [
        ((0.5, 0.8), StrokeKind::WarpFreq, 1.0),
        ((0.5, 0.2), StrokeKind::WarpFreq, -1.0),
        ((0.9, 0.5), StrokeKind::WarpTime, 1.0),
    ] {
        let path = [s.at(0.5, 0.5), s.at(to.0, to.1)];
        s.drag(&path);
        let last = s.host().strokes.last().expect("a stroke");
        assert_eq!(last.kind, kind);
        assert_eq!(last.strength.signum(), sign);
    }
}

#[test]
fn the_right_button_erases_and_alt_cuts() {
    let mut s = stage();
    s.click("Gain brush");
    let at = s.at(0.4, 0.4);
    s.harness.event_modifiers(
        egui::Event::PointerButton {
            pos: at,
            button: egui::PointerButton::Primary,
            pressed: true,
            modifiers: Modifiers::ALT,
        },
        Modifiers::ALT,
    );
    s.harness.step();
    s.harness.drop_at(at);
    s.harness.run_steps(2);
    assert!(s.host().strokes[0].strength < 0.0);
    s.right_click(at);
    s.harness.step();
    assert_eq!(s.host().strokes[1].kind, StrokeKind::Erase);
}

#[test]
fn strokes_are_selected_moved_changed_and_deleted() {
    let mut s = stage();
    let path = [s.at(0.4, 0.5), s.at(0.5, 0.5)];
    s.drag(&path);
    let before = s.host().strokes[0].clone();
    s.click("Select");
    let at = s.at(0.45, 0.5);
    s.drag(&[at]);
    assert_eq!(s.state().canvas.selected, vec![before.id]);
    // Moved by hand.
    let path = [at, s.at(0.65, 0.6)];
    s.drag(&path);
    let moved = &s.host().strokes[0];
    assert!((moved.points[0].x - before.points[0].x - 0.2).abs() < 0.01);
    assert!(moved.points[0].y > before.points[0].y + 0.5);
    // Its size by the knob that otherwise sizes the brush.
    s.harness.get_by_label("Brush Size").hover();
    s.harness.step();
    s.wheel(2.0);
    assert!(s.host().strokes[0].radius_octaves > before.radius_octaves * 1.05);
    // A move is one step of undo, however many frames it took.
    s.click("Undo");
    s.click("Undo");
    assert_eq!(s.host().strokes[0], before);
    s.drag(&[at]);
    s.key(Modifiers::NONE, Key::Delete);
    assert!(s.host().strokes.is_empty());
}

/// Types into the knob of that name.
fn type_into(s: &mut Stage, knob: &str, text: &str) {
    s.harness.get_by_label(knob).focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    s.harness.event(egui::Event::Text(text.into()));
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
}

// X4
#[test]
fn strokes_of_any_size_are_resized_to_some_that_can_be_loaded_again() {
    // The knob shows the first; one from a file may have no height at all.
    for first in [0.05, 0.0] {
        let mut host = scenes::no_gpu();
        host.strokes = scenes::strokes(2);
        for (stroke, radius) in host.strokes.iter_mut().zip([first, 3.0]) {
            (stroke.radius_octaves, stroke.radius_time) = (radius, 0.08 * radius);
        }
        let mut s = stage_of(host);
        s.key(Modifiers::COMMAND, Key::A);
        type_into(&mut s, "Brush Size", "6");
        assert_eq!(scumble_params::check_strokes(&s.host().strokes), Ok(()));
        assert!(s.host().strokes[0].radius_octaves > 0.04);
        // A word that is read as a number, and is none.
        let before = s.host().strokes.clone();
        type_into(&mut s, "Brush Size", "nan");
        assert_eq!(s.host().strokes, before);
    }
}

#[test]
fn the_keyboard_does_not_scale_the_window_beyond_the_settings() {
    let mut s = stage();
    for key in [Key::Plus, Key::Equals, Key::Minus, Key::Minus, Key::Num0] {
        s.key(Modifiers::COMMAND, key);
        assert!((s.harness.ctx.zoom_factor() - 1.0).abs() < 1e-6, "{key:?}");
    }
}

#[test]
fn a_selected_stroke_becomes_another_by_its_menu() {
    let mut s = stage();
    let at = s.at(0.4, 0.4);
    s.drag(&[at]);
    s.click("Select");
    s.drag(&[at]);
    s.right_click(at);
    s.harness.run_steps(2);
    s.click("Warp time");
    assert_eq!(s.host().strokes[0].kind, StrokeKind::WarpTime);
}

#[test]
fn a_knob_is_dragged_reset_and_typed() {
    let mut s = stage();
    let default = s.host().value(ParamId::BlurTime);
    let at = s.harness.get_by_label("Diffuse").rect().center() - vec2(0.0, 16.0);
    let before = s.host().value(ParamId::Diffuse);
    s.drag(&[at, at - vec2(0.0, 55.0)]);
    let after = s.host().value(ParamId::Diffuse);
    assert!((after - before - 0.25).abs() < 0.05, "{before} {after}");
    // Hosts want begin, set, end, in this order.
    let log: Vec<&str> =
        s.host().log.iter().map(String::as_str).filter(|l| l.ends_with("diffuse")).collect();
    assert_eq!(log.first(), Some(&"begin diffuse"));
    assert_eq!(log.last(), Some(&"end diffuse"));
    assert_eq!(log.iter().filter(|l| l.starts_with("begin")).count(), 1);
    s.click("Undo");
    assert!((s.host().value(ParamId::Diffuse) - before).abs() < 1e-4);

    s.harness.get_by_label("Blur Time").focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    s.harness.event(egui::Event::Text("250 ms".into()));
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    let typed = s.host().value(ParamId::BlurTime);
    assert!((typed - default).abs() > 0.05);
    assert_eq!(s.state().param(ParamId::BlurTime).text, "250 ms");
    s.harness.get_by_label("Blur Time").focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Delete);
    assert!((s.host().value(ParamId::BlurTime) - 0.0).abs() < 1e-6);
}

#[test]
fn arrows_turn_the_knob_that_has_the_keyboard() {
    let mut s = stage();
    let before = s.host().value(ParamId::Mix);
    s.harness.get_by_label("Mix").focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::ArrowDown);
    s.key(Modifiers::NONE, Key::ArrowDown);
    assert!((before - s.host().value(ParamId::Mix) - 0.02).abs() < 1e-4);
}

#[test]
fn nonsense_typed_into_a_knob_is_told_and_changes_nothing() {
    let mut s = stage();
    let before = s.host().value(ParamId::Mix);
    s.harness.get_by_label("Mix").focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    s.harness.event(egui::Event::Text("loud".into()));
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    assert_eq!(s.host().value(ParamId::Mix), before);
    assert!(!s.state().toasts.is_empty());
}

#[test]
fn a_preset_is_loaded_in_one_step_of_undo() {
    let mut host = scenes::no_gpu();
    host.strokes = scenes::strokes(4);
    host.put(ParamId::Diffuse, "77 %");
    host.add_preset("Snowfall", true);
    host.strokes.clear();
    host.put(ParamId::Diffuse, "0 %");
    let (name, changed) = (host.preset.clone(), host.changed);
    let mut s = stage_of(host);
    s.click("Presets");
    s.click("Snowfall");
    assert_eq!(s.host().strokes.len(), 4);
    assert_eq!(s.state().edit.strokes().len(), 4);
    assert_eq!(s.state().param(ParamId::Diffuse).text, "77 %");
    assert_eq!((s.host().preset.as_str(), s.host().changed), ("Snowfall", false));
    s.click("Undo");
    assert!(s.host().strokes.is_empty());
    assert_eq!((s.host().preset.as_str(), s.host().changed), (name.as_str(), changed));
    assert!((s.host().value(ParamId::Diffuse)).abs() < 1e-4);
    s.click("Redo");
    assert_eq!(s.host().strokes.len(), 4);
    assert_eq!((s.host().preset.as_str(), s.host().changed), ("Snowfall", false));
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
fn a_canvas_that_the_host_has_not_started_is_painted_up_to_24_khz() {
    let mut s = stage_of(TestHost::default());
    let path = [s.at(0.2, 0.3), s.at(0.4, 0.5)];
    s.drag(&path);
    let octaves = (24_000.0f32 / 20.0).log2();
    let first = s.host().strokes[0].points[0];
    assert!((first.y - 0.3 * octaves).abs() < 0.05, "{}", first.y);
}

#[test]
fn quality_and_engine_are_chosen_from_menus() {
    let mut s = stage();
    s.click("Quality");
    s.click("Studio");
    assert_eq!(s.state().choice(ParamId::Quality), 2);
    s.click("Engine");
    s.click("CPU");
    assert_eq!(s.state().choice(ParamId::Engine), 2);
}

#[test]
fn the_window_is_resized_by_its_corner() {
    let mut s = stage();
    let from = s.harness.get_by_label("Resize window").rect().center();
    s.drag(&[from, from + vec2(100.0, 60.0)]);
    let [w, h] = s.host().asked_size.expect("a size");
    assert!((w - 1280.0).abs() < 12.0 && (h - 820.0).abs() < 12.0, "{w} x {h}");
    // The new size is drawn at once, wherever the host puts it.
    s.harness.set_size(vec2(1280.0, 820.0));
    s.harness.run_steps(2);
    assert_eq!(s.harness.ctx.content_rect().size(), vec2(1280.0, 820.0));
    s.harness.get_by_label("Resize window");
}

#[test]
fn every_brush_and_tool_has_a_name_and_a_key() {
    let mut s = stage();
    for (brush, key) in Brush::ALL.into_iter().zip([Key::B, Key::W, Key::L, Key::H, Key::G, Key::E])
    {
        s.click(&format!("{} brush", brush.name()));
        assert_eq!(s.state().tool, Tool::Paint(brush));
        s.key(Modifiers::NONE, Key::V);
        assert_eq!(s.state().tool, Tool::Select);
        s.key(Modifiers::NONE, key);
        assert_eq!(s.state().tool, Tool::Paint(brush));
    }
}

#[test]
fn what_is_typed_is_no_shortcut() {
    let mut s = stage();
    s.click("Save preset");
    s.harness.step();
    s.harness.get_by_label("Name").focus();
    s.harness.step();
    let tool = s.state().tool;
    s.harness.event(egui::Event::Text("e".into()));
    s.key(Modifiers::NONE, Key::E);
    assert_eq!(s.state().tool, tool);
}

#[test]
fn the_space_bar_presses_nothing_here() {
    // X8: it is the host's transport, even with the keyboard on a button.
    let mut s = stage();
    s.harness.get_by_label("Freeze").focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Space);
    assert!(s.host().value(ParamId::Freeze) < 0.5);
    s.key(Modifiers::NONE, Key::Enter);
    assert!(s.host().value(ParamId::Freeze) > 0.5);
}

#[test]
fn zoom_keeps_what_is_under_the_pointer() {
    let mut s = stage();
    let at = s.at(0.3, 0.7);
    s.harness.hover_at(at);
    s.harness.step();
    for _ in 0..5 {
        s.wheel(1.0);
    }
    let view = s.state().canvas.view;
    assert!(view.width() < 0.6);
    assert!((view.x0 + 0.3 * view.width() - 0.3).abs() < 0.01);
    s.key(Modifiers::NONE, Key::Num0);
    assert!(s.state().canvas.view.is_whole());
}

// P1: the brush works on each axis. What is painted stands at the frequency under the pointer, and
// the picture beneath is the host's on that axis.
#[test]
fn the_brush_paints_what_is_under_it_on_every_axis() {
    for (axis, short, words) in AXES {
        let mut s = stage();
        s.click("Frequency axis");
        s.click(words);
        assert_eq!(s.host().axis, axis, "{short}");
        let scale = FreqAxis::new(axis, 2.0 * s.state().snapshot.top_hz);
        let path = [s.at(0.2, 0.3), s.at(0.4, 0.6)];
        s.drag(&path);
        let strokes = s.state().edit.strokes().to_vec();
        assert_eq!(strokes.len(), 1, "{short}");
        let points = &strokes[0].points;
        let (first, last) = (points[0], points[points.len() - 1]);
        for (point, y) in [(first, 0.3), (last, 0.6)] {
            let octaves = hz_of(point.y) / scale.hz(y);
            assert!(octaves.log2().abs() < 0.03, "{short}: {octaves} away at {y}");
        }
        // Taken by the middle of its line and moved up, it follows the pointer.
        s.click("Move");
        let middle = scale.y_of((first.y + last.y) / 2.0);
        let to = middle + 0.2;
        let path = [s.at(0.3, middle), s.at(0.3, to)];
        s.drag(&path);
        let moved = s.state().edit.strokes()[0].points[0].y - first.y;
        let expected = scale.octave(to) - scale.octave(middle);
        let room = scale.octaves() - last.y;
        assert!((moved - expected.min(room)).abs() < 0.05, "{short}: {moved} for {expected}");
    }
}

#[test]
fn a_change_of_axis_keeps_what_is_in_view() {
    let mut s = stage();
    let log = FreqAxis::new(Axis::Log, 2.0 * s.state().snapshot.top_hz);
    let view = &mut s.harness.state_mut().editor.state.canvas.view;
    (view.y0, view.y1) = (log.y(1000.0), log.y(8000.0));
    s.click("Frequency axis");
    s.click("Linear: hertz");
    let view = s.state().canvas.view;
    let linear = FreqAxis { kind: Axis::Linear, ..log };
    assert!((linear.hz(view.y0) / 1000.0 - 1.0).abs() < 0.02);
    assert!((linear.hz(view.y1) / 8000.0 - 1.0).abs() < 0.02);
}

#[test]
fn strokes_that_the_host_loads_replace_those_on_the_canvas() {
    let mut s = stage();
    let path = [s.at(0.2, 0.3), s.at(0.4, 0.5)];
    s.drag(&path);
    let window = s.harness.state_mut();
    window.host.strokes = scenes::strokes(3);
    window.host.generation += 1;
    s.harness.run_steps(2);
    assert_eq!(s.state().edit.strokes().len(), 3);
    assert_eq!(s.state().edit.undo_depth(), 0);
}

#[test]
fn solo_source_metrics_and_sides_reach_the_host() {
    let mut s = stage();
    s.click("Solo");
    assert!(s.host().solo);
    s.click("Shown sound");
    s.click("Difference");
    assert_eq!(s.state().canvas.source, Source::Difference);
    s.click("Reset counters");
    assert_eq!(s.host().resets, 1);
    s.click("Copy metrics as JSON");
    s.click("Compare B");
    assert!(s.host().log.contains(&"side B".to_owned()));
}

#[test]
fn settings_change_at_once_and_a_restart_is_asked_for_when_they_close() {
    let mut s = stage();
    s.click("Settings");
    s.click("as the host's block");
    assert_eq!(s.host().settings.async_samples, Some(128));
    s.click("200 %");
    assert_eq!(s.host().asked_size, Some(DEFAULT_SIZE));
    assert!((s.harness.ctx.zoom_factor() - 2.0).abs() < 1e-6);
    assert!(!s.host().log.contains(&"settings closed".to_owned()));
    s.key(Modifiers::NONE, Key::Escape);
    assert_eq!(s.host().log.last().map(String::as_str), Some("settings closed"));
    assert!(s.harness.query_by_label("Ring depth").is_none());
}

#[test]
fn a_device_is_chosen_from_those_that_were_found() {
    let mut host = scenes::no_gpu();
    host.devices.found = vec![("Big Card".into(), false), ("llvmpipe".into(), true)];
    let mut s = stage_of(host);
    s.click("Settings");
    assert!(s.host().log.contains(&"look for devices".to_owned()));
    s.click("Device");
    s.click("Big Card");
    assert_eq!(s.host().devices.chosen, "Big Card");
    s.click("Device");
    s.click("Best");
    assert_eq!(s.host().devices.chosen, "");
    // What the environment decides is told and cannot be changed.
    s.harness.state_mut().host.devices.fixed = Some("software: SCUMBLE_ADAPTER says so".into());
    s.harness.run_steps(2);
    assert!(s.harness.query_by_label("Device").is_some());
    assert!(s.harness.query_by_label("software: SCUMBLE_ADAPTER says so").is_some());
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

#[test]
fn a_toast_goes_by_itself_or_by_a_click() {
    let mut s = stage();
    let note = |text: &str| scumble_ui::host::Message::note(text);
    s.harness.state_mut().host.messages = vec![note("One"), note("Two")];
    s.harness.run_steps(2);
    s.click("One");
    assert!(s.harness.query_by_label("One").is_none());
    assert!(s.harness.query_by_label("Two").is_some());
    s.harness.run_steps(60 * 5);
    assert!(s.harness.query_by_label("Two").is_none());
}

#[test]
fn the_help_lists_the_keys() {
    let mut s = stage();
    s.key(Modifiers::NONE, Key::F1);
    assert!(s.harness.query_by_label("Close help").is_some());
    s.click("Close help");
    assert!(s.harness.query_by_label("Close help").is_none());
}

#[test]
fn everything_can_be_reached_with_the_tab_key() {
    let mut s = stage();
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..90 {
        s.key(Modifiers::NONE, Key::Tab);
        let focused = s.harness.root().children_recursive().find(|n| n.is_focused());
        if let Some(label) = focused.and_then(|n| n.accesskit_node().label()) {
            reached.insert(label);
        }
    }
    for name in
        ["Blur brush", "Undo", "Quality", "Canvas", "Blur Time", "Freeze", "Mix", "Settings"]
    {
        // Undo is off while there is nothing to undo.
        assert!(reached.contains(name) || name == "Undo", "{name} is not among {reached:?}");
    }
}
