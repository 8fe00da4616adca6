//! The glue between window and plugin, over real parameters and the real document.

mod window;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::{ParamPtr, PluginState};
use scumble_params::ScumbleParams;
use scumble_ui::editor::Editor;
use scumble_ui::glue::host::PluginHost;
use scumble_ui::host::{Columns, EditorHost, Message};
use scumble_ui::layout::DEFAULT_SIZE;
use scumble_ui::model::{
    Axis, DevicesView, ParamId, ParamView, PresetEntry, Side, Snapshot, Source,
};
use scumble_ui::stroke::{Stroke, StrokeKind, StrokePoint};
use scumble_ui::{Instance, Presets, Sound, Window};

/// An instance that notes what it is told, with presets in memory.
#[derive(Default)]
struct Quiet {
    changes: Mutex<u32>,
    frames: AtomicU32,
    /// A state that the host loads just as the editor has looked.
    then: Mutex<Option<(Arc<ScumbleParams>, String)>>,
    store: Arc<Store>,
}

#[derive(Default)]
struct Store(Mutex<Vec<(String, Sound)>>);

impl Presets for Store {
    fn list(&self) -> Vec<PresetEntry> {
        let list = self.0.lock().expect("the store");
        list.iter().map(|(name, _)| PresetEntry { name: name.clone(), factory: false }).collect()
    }

    fn load(&self, name: &str) -> Result<Sound, String> {
        let list = self.0.lock().expect("the store");
        let found = list.iter().find(|(n, _)| n == name);
        found.map(|(_, s)| s.clone()).ok_or_else(|| format!("there is no preset {name:?}"))
    }

    fn save(&self, name: &str, sound: &Sound) -> Result<(), String> {
        let mut list = self.0.lock().expect("the store");
        list.retain(|(n, _)| n != name);
        list.push((name.into(), sound.clone()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        let sound = self.load(from)?;
        self.delete(from)?;
        self.save(to, &sound)
    }

    fn delete(&self, name: &str) -> Result<(), String> {
        self.0.lock().expect("the store").retain(|(n, _)| n != name);
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.load(name).is_ok()
    }

    fn exchange_folder(&self) -> String {
        "/".into()
    }

    fn has_file(&self, _path: &str) -> bool {
        false
    }

    fn exchange_path(&self, name: &str) -> String {
        format!("{name}.json")
    }

    fn set_default(&self, _sound: Option<&Sound>) -> Result<(), String> {
        Ok(())
    }

    fn has_default(&self) -> bool {
        false
    }

    fn import(&self, path: &str) -> Result<String, String> {
        Err(format!("{path} is not there"))
    }

    fn export(&self, _name: &str, _sound: &Sound, _path: &str) -> Result<(), String> {
        Ok(())
    }
}

impl Instance for Quiet {
    fn fill(&self, _snapshot: &mut Snapshot) {
        self.frames.fetch_add(1, Ordering::Relaxed);
    }
    fn set_window(&self, _window: Window) {}
    fn take_columns(&self, _source: Source, _axis: Axis, _sink: &mut dyn FnMut(Columns<'_>)) {}
    fn level_range_db(&self) -> (f32, f32) {
        (-96.0, 0.0)
    }
    fn devices(&self) -> DevicesView {
        DevicesView::default()
    }
    fn look_for_devices(&self) {}
    fn set_device(&self, name: &str) -> Result<(), String> {
        Err(format!("there is no {name}"))
    }
    fn strokes_changed(&self) {
        *self.changes.lock().expect("the count") += 1;
        if let Some((params, text)) = self.then.lock().expect("the next state").take() {
            params.document.set(text);
        }
    }
    fn preview_stroke(&self, _stroke: Option<&Stroke>) {}
    fn set_solo(&self, _solo: bool) {}
    fn solo(&self) -> bool {
        false
    }
    fn restart_pending(&self) -> bool {
        false
    }
    fn reset_metrics(&self) {}
    fn metrics_json(&self) -> String {
        "{}".into()
    }
    fn take_message(&self) -> Option<Message> {
        None
    }
    fn presets(&self) -> Arc<dyn Presets> {
        self.store.clone()
    }
    fn hint_seen(&self) -> bool {
        false
    }
    fn set_hint_seen(&self) {}
}

fn make() -> (Arc<ScumbleParams>, Arc<Quiet>, PluginHost) {
    let params = Arc::new(ScumbleParams::default());
    let instance = Arc::new(Quiet::default());
    let host = PluginHost::new(params.clone(), instance.clone());
    (params, instance, host)
}

/// A wrapper as nice-plug's are: what the editor sets waits for the host's next look, after the frame.
#[derive(Default)]
struct Wrapper(Mutex<Vec<(ParamPtr, f32)>>);

impl Wrapper {
    /// The host comes by.
    fn settle(&self) {
        for (ptr, value) in self.0.lock().expect("the queue").drain(..) {
            // SAFETY: the pointers are into the test's parameters, which outlive its window.
            unsafe { ptr._internal_set_normalized_value(value) };
        }
    }
}

impl GuiContextInner for Wrapper {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    unsafe fn raw_begin_set_parameter(&self, _: ParamPtr) {}
    unsafe fn raw_set_parameter_normalized(&self, ptr: ParamPtr, value: f32) {
        self.0.lock().expect("the queue").push((ptr, value));
    }
    unsafe fn raw_end_set_parameter(&self, _: ParamPtr) {}
    fn get_state(&self) -> PluginState {
        unreachable!("the editor keeps its own presets")
    }
    fn set_state(&self, _: PluginState) {
        unreachable!("a host is given no state")
    }
    fn request_restart(&self) {}
}

fn stroke(id: u64) -> Stroke {
    Stroke {
        id,
        kind: StrokeKind::BlurTime,
        points: vec![StrokePoint { x: 0.5, y: 5.0, pressure: 1.0 }],
        radius_time: 0.05,
        radius_octaves: 0.5,
        strength: 0.8,
        hardness: 0.5,
    }
}

#[test]
fn every_parameter_of_the_editor_is_a_parameter_of_the_host() {
    let (params, _, host) = make();
    for id in ParamId::ALL {
        let mut view = ParamView::default();
        host.param(id, &mut view);
        assert!(!view.text.is_empty(), "{id:?}");
        assert_eq!(
            host.parse_param(id, &view.text).map(|v| (v * 1e3).round()),
            Some((view.value * 1e3).round()),
            "{id:?}"
        );
    }
    use nice_plug::prelude::Params;
    assert_eq!(params.param_map().len(), ParamId::ALL.len());
    // The choices are those of the host, in its order.
    for id in ParamId::ALL {
        let choices = id.choices();
        for (i, text) in choices.iter().enumerate() {
            let at = i as f32 / (choices.len() - 1) as f32;
            assert_eq!(host.param_text(id, at), *text);
        }
    }
}

#[test]
fn what_the_editor_paints_is_in_the_saved_state() {
    // X4
    let (params, instance, mut host) = make();
    host.snapshot(&mut Snapshot::default());
    let generation = host.document_generation();
    host.set_strokes(&[stroke(1), stroke(2)]);
    host.snapshot(&mut Snapshot::default());
    assert_eq!(host.document_generation(), generation, "our own change is no foreign one");
    assert!(*instance.changes.lock().expect("the count") >= 1);
    let saved = params.document.map(|text| text.clone());
    // Another instance loads it.
    let (other, _, mut there) = make();
    there.snapshot(&mut Snapshot::default());
    let before = there.document_generation();
    other.document.set(saved);
    there.snapshot(&mut Snapshot::default());
    assert!(there.document_generation() > before);
    assert_eq!(there.strokes(), vec![stroke(1), stroke(2)]);
}

#[test]
fn a_broken_state_leaves_the_strokes_alone() {
    let (params, _, mut host) = make();
    host.set_strokes(&[stroke(1)]);
    let generation = host.document_generation();
    params.document.set("{ not json".into());
    host.snapshot(&mut Snapshot::default());
    assert_eq!(host.strokes(), vec![stroke(1)]);
    assert_eq!(host.document_generation(), generation);
}

#[test]
fn the_two_sides_keep_their_own_strokes() {
    let (_, _, mut host) = make();
    host.set_strokes(&[stroke(1)]);
    host.set_side(Side::B);
    assert_eq!(host.strokes(), vec![stroke(1)], "B starts from what is heard");
    host.set_strokes(&[stroke(1), stroke(2)]);
    host.set_side(Side::A);
    assert_eq!(host.strokes().len(), 1);
    host.set_side(Side::B);
    assert_eq!(host.strokes().len(), 2);
}

/// The whole window over the real glue; the host comes by before each frame.
fn window(mut host: PluginHost) -> Harness<'static, (Editor, PluginHost)> {
    let wrapper = Arc::new(Wrapper::default());
    host.attach(GuiContext::new(wrapper.clone()));
    let frame = move |ui: &mut egui::Ui, (editor, host): &mut (Editor, PluginHost)| {
        wrapper.settle();
        editor.ui(ui, host);
    };
    let mut window = Harness::builder()
        .with_size(DEFAULT_SIZE)
        .with_context_setup(scumble_ui::theme::install)
        .build_ui_state(frame, (Editor::default(), host));
    window.step();
    window
}

#[test]
fn undo_and_redo_walk_through_both_sides_as_they_were_seen() {
    let (params, instance, mut host) = make();
    let fog = Sound { params: vec![(ParamId::Diffuse, 0.75)], strokes: vec![stroke(9)] };
    instance.store.save("Fog", &fog).expect("saved");
    host.set_strokes(&[stroke(1)]);
    host.save_preset("Mine").expect("saved");
    let mut window = window(host);
    let seen = |window: &Harness<(Editor, PluginHost)>| {
        let host = &window.state().1;
        (
            (host.versions(), host.preset_changed()),
            host.strokes(),
            params.document.get().strokes.clone(),
            (params.diffuse.value(), params.freeze.value()),
        )
    };
    let mut history = vec![seen(&window)];
    for step in
        ["Compare B", "Fog", "stroke", "Compare A", "Freeze", "stroke", "Compare B", "Compare A"]
    {
        match step {
            "Fog" => {
                let (editor, host) = window.state_mut();
                editor.state.replace_sound(host, |host| host.load_preset("Fog"));
            }
            "stroke" => {
                let edit = &mut window.state_mut().0.state.edit;
                edit.add(stroke(edit.fresh_id())).expect("there is room");
            }
            button => window.get_by_label(button).click(),
        }
        window.run_steps(2);
        history.push(seen(&window));
    }
    let ((versions, changed), strokes, _, (diffuse, frozen)) = history.last().expect("steps");
    assert_eq!((versions.side, versions.name.as_str(), strokes.len()), (Side::A, "Mine", 2));
    assert!(changed, "Mine has one stroke");
    assert!(*diffuse < 0.5 && *frozen, "{diffuse} {frozen}");
    let other = versions.other.as_ref().expect("a visited side");
    assert_eq!((other.0.strokes.len(), other.1.as_str()), (2, "Fog"));
    for expected in history.iter().rev().skip(1) {
        window.get_by_label("Undo").click();
        window.run_steps(2);
        assert_eq!(&seen(&window), expected);
    }
    for expected in &history[1..] {
        window.get_by_label("Redo").click();
        window.run_steps(2);
        assert_eq!(&seen(&window), expected);
    }
    // Neither version is lost.
    window.get_by_label("Compare B").click();
    window.run_steps(2);
    assert_eq!(window.state().1.strokes().len(), 2);
    assert_eq!(window.state().1.preset_name(), "Fog");
}

#[test]
fn a_preset_comes_back_with_its_strokes_and_name() {
    let (params, instance, mut host) = make();
    assert!(!host.preset_changed());
    host.set_strokes(&[stroke(7)]);
    assert!(host.preset_changed());
    host.save_preset("Seven").expect("saved");
    assert!(!host.preset_changed());
    host.set_strokes(&[]);
    assert!(host.preset_changed());
    host.set_strokes(&[stroke(7)]);
    assert!(!host.preset_changed(), "what was undone is no change");
    host.set_strokes(&[]);
    // So does a window over a project that was saved like this.
    let mut reopened = PluginHost::new(params, instance);
    reopened.snapshot(&mut Snapshot::default());
    assert!(reopened.preset_changed());
    host.load_preset("Seven").expect("loaded");
    assert!(!host.preset_changed());
    assert_eq!((host.strokes(), host.preset_name()), (vec![stroke(7)], "Seven".to_owned()));
    assert!(host.load_preset("Eight").is_err_and(|e| e.contains("Eight")));
    assert_eq!(host.strokes(), vec![stroke(7)]);
    host.rename_preset("Seven", "Sept").expect("renamed");
    assert_eq!(host.preset_name(), "Sept");
    host.delete_preset("Sept").expect("deleted");
    assert!(host.presets().is_empty());
}

#[test]
fn the_windows_size_is_kept_with_the_instance() {
    let (params, _, mut host) = make();
    host.set_strokes(&[stroke(1)]);
    host.keep_size(1400.0, 900.0, 1.0);
    let kept = params.document.get();
    assert_eq!((kept.editor.width, kept.editor.height), (1400, 900));
    assert_eq!(kept.strokes.len(), 1);
    // X4: whatever a host makes of the window, the state can be loaded again.
    host.keep_size(3.0, 0.0, 1.0);
    let saved = params.document.map(|text| text.clone());
    assert!(scumble_params::Document::parse(&saved).is_ok());
    host.keep_size(1e9, f32::INFINITY, 9.0);
    let kept = params.document.get();
    let saved = params.document.map(|text| text.clone());
    let loaded = scumble_params::Document::parse(&saved).expect("it loads");
    assert_eq!(loaded.editor, kept.editor, "nothing was left for loading to mend");
    host.keep_size(1180.0, 760.0, 0.1);
    assert_eq!(params.document.get().editor.zoom, 0.5);
}

/// A state as another instance would have saved it.
fn loaded(strokes: &[Stroke], ring_depth: u32) -> String {
    let cell = scumble_params::DocumentCell::default();
    cell.edit(0, |document| {
        document.strokes = strokes.to_vec();
        document.settings.ring_depth = ring_depth;
        document.preset = "Loaded".into();
    });
    cell.map(|text| text.clone())
}

#[test]
fn what_the_host_loads_while_the_editor_writes_is_kept() {
    let (params, instance, mut host) = make();
    host.snapshot(&mut Snapshot::default());
    // The editor looks, finds one state, and a second comes in before it writes.
    params.document.set(loaded(&[stroke(1)], 8));
    let second = (params.clone(), loaded(&[stroke(1), stroke(2)], 16));
    *instance.then.lock().expect("the next state") = Some(second);
    host.set_axis(Axis::Mel);
    let kept = params.document.get();
    assert_eq!((kept.strokes.len(), kept.settings.ring_depth), (2, 16));
    assert_eq!((kept.editor.axis, kept.preset.as_str()), (Axis::Mel, "Loaded"));
    host.snapshot(&mut Snapshot::default());
    assert_eq!(host.strokes(), vec![stroke(1), stroke(2)]);
}

#[test]
fn a_stroke_painted_over_a_document_that_is_gone_goes_with_it() {
    let (params, _, mut host) = make();
    host.snapshot(&mut Snapshot::default());
    let before = host.document_generation();
    // Loaded between two frames of the editor, which hands over what it painted on the old.
    params.document.set(loaded(&[stroke(1), stroke(2)], 4));
    host.set_strokes(&[stroke(7)]);
    host.snapshot(&mut Snapshot::default());
    assert_eq!(host.strokes(), vec![stroke(1), stroke(2)]);
    assert!(host.document_generation() > before, "the canvas is told");
    host.set_strokes(&[stroke(1), stroke(2), stroke(7)]);
    assert_eq!(host.strokes().len(), 3);
}
