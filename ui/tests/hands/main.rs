//! What a person does in the window, by the names that a screen reader speaks.

mod canvas;
mod presets;
#[path = "../support/mod.rs"]
mod support;

use egui::{Key, Modifiers, Pos2, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use scumble_ui::axes::{FreqAxis, hz_of};
use scumble_ui::brush::{Brush, Tool};
use scumble_ui::editor::State;
use scumble_ui::host::EditorHost;
use scumble_ui::layout::{DEFAULT_SIZE, Layout};
use scumble_ui::model::{AXES, Axis, ParamId, Source};
use scumble_ui::panels::dialog::Dialog;
use scumble_ui::stroke::StrokeKind;
use support::host::TestHost;
use support::picture::{Stage, Window};
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

/// Types into the knob of that name.
fn type_into(s: &mut Stage, knob: &str, text: &str) {
    s.harness.get_by_label(knob).focus();
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
    s.harness.event(egui::Event::Text(text.into()));
    s.harness.step();
    s.key(Modifiers::NONE, Key::Enter);
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
fn every_way_to_change_a_parameter_is_a_step_of_undo() {
    type Hand = fn(&mut Stage);
    let focused = |s: &mut Stage| {
        s.harness.get_by_label("Diffuse").focus();
        s.harness.step();
    };
    let ways: [(&str, ParamId, Hand); 8] = [
        ("typed", ParamId::Diffuse, |s| {
            s.key(Modifiers::NONE, Key::Enter);
            s.harness.event(egui::Event::Text("31 %".into()));
            s.harness.step();
            s.key(Modifiers::NONE, Key::Enter);
        }),
        ("an arrow", ParamId::Diffuse, |s| s.key(Modifiers::NONE, Key::ArrowDown)),
        ("Delete", ParamId::Diffuse, |s| s.key(Modifiers::NONE, Key::Delete)),
        ("the wheel", ParamId::Diffuse, |s| {
            let at = s.harness.get_by_label("Diffuse").rect().center();
            s.harness.hover_at(at);
            s.harness.run_steps(2);
            s.wheel(-1.0);
        }),
        ("a drag", ParamId::Diffuse, |s| {
            let at = s.harness.get_by_label("Diffuse").rect().center() - vec2(0.0, 16.0);
            s.drag(&[at, at + vec2(0.0, 22.0)]);
        }),
        ("Freeze", ParamId::Freeze, |s| s.click("Freeze")),
        ("Bypass", ParamId::Bypass, |s| s.click("Bypass")),
        ("a menu", ParamId::Quality, |s| {
            s.click("Quality");
            s.click("Studio");
        }),
    ];
    for (name, id, hand) in ways {
        let mut host = scenes::no_gpu();
        host.put(ParamId::Diffuse, "77 %");
        let mut s = stage_of(host);
        if id == ParamId::Diffuse {
            focused(&mut s);
        }
        let before = s.host().value(id);
        hand(&mut s);
        let after = s.host().value(id);
        assert!((after - before).abs() > 5e-3, "{name}: {before}");
        s.click("Undo");
        assert!((s.host().value(id) - before).abs() < 1e-6, "{name} is undone");
        s.click("Redo");
        assert!((s.host().value(id) - after).abs() < 1e-6, "{name} is done again");
    }
}

#[test]
fn what_a_window_left_under_way_is_ended_by_the_next() {
    let mut s = stage();
    let before = s.host().value(ParamId::Diffuse);
    let at = s.harness.get_by_label("Diffuse").rect().center() - vec2(0.0, 16.0);
    // The window is gone before the button is let go.
    s.harness.drag_at(at);
    s.harness.step();
    for up in [10.0, 30.0, 55.0] {
        s.harness.hover_at(at - vec2(0.0, up));
        s.harness.step();
    }
    let ended = |s: &Stage| s.host().log.contains(&"end diffuse".to_owned());
    assert!(!ended(&s) && s.host().log.contains(&"set diffuse".to_owned()));
    s.harness.step();
    let after = s.host().value(ParamId::Diffuse);
    s.harness.state_mut().host.preview = scenes::strokes(1).pop();
    let Window { editor, host } = s.harness.state_mut();
    editor.settle(host);
    assert!(ended(&s) && s.host().preview.is_none());
    // This one has the old one's pointer.
    s.harness.drop_at(at - vec2(0.0, 55.0));
    s.harness.run_steps(2);
    // It is a step of undo by now, and what the next gesture begins with is its own.
    let Window { editor, host } = s.harness.state_mut();
    editor.state.set_param(ParamId::Diffuse, 1.0, host);
    s.harness.run_steps(2);
    for expected in [after, before] {
        s.click("Undo");
        assert!((s.host().value(ParamId::Diffuse) - expected).abs() < 1e-4);
    }
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
fn the_settings_show_the_scale_that_the_window_has() {
    use egui::accesskit::Toggled;
    let mut s = stage();
    let small = DEFAULT_SIZE.map(|points| 0.75 * points);
    s.click("Settings");
    let scales = |s: &Stage| {
        ["75 %", "100 %", "150 %"].map(|name| {
            s.harness.get_by_label(name).accesskit_node().toggled() == Some(Toggled::True)
        })
    };
    assert_eq!(scales(&s), [false, true, false]);
    s.click("75 %");
    assert_eq!(s.host().asked_size, Some(small));
    assert_eq!(scales(&s), [false, true, false], "the host has not followed");
    s.harness.set_size(small.into());
    s.harness.run_steps(2);
    assert_eq!(scales(&s), [true, false, false]);
    // As a state would have it, with the settings open.
    s.harness.set_size(DEFAULT_SIZE.into());
    s.harness.ctx.set_zoom_factor(1.5);
    s.harness.run_steps(2);
    assert_eq!(scales(&s), [false, false, true]);
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
