//! [`EditorHost`] over host parameters, the saved document and the running instance.

use std::sync::Arc;

use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::{ParamPtr, Params};
use scumble_params::{Document, EditorLook, ScumbleParams};

use super::kept::{Kept, NOT_SOUND, sounding};
use super::link::Instance;
use super::restart::Restart;
use crate::edit::Scene;
use crate::host::{Columns, EditorHost, Message};
use crate::layout::MIN_SIZE;
use crate::model::{
    Axis, DevicesView, ParamId, ParamView, PresetEntry, SettingsView, Side, Snapshot, Sound,
    Source, Versions,
};
use crate::stroke::Stroke;

/// What only an activation can change.
const NEEDS_RESTART: [ParamId; 3] = [ParamId::Quality, ParamId::Engine, ParamId::Buffering];

/// Lives as long as the plugin; the editor opens and closes over it.
pub struct PluginHost {
    /// Keeps the parameters behind `pointers` alive.
    params: Arc<ScumbleParams>,
    pointers: [ParamPtr; ParamId::ALL.len()],
    instance: Arc<dyn Instance>,
    gui: Option<GuiContext>,
    restart: Restart,
    /// The document's generation as of our own last look or write.
    known: u64,
    /// The strokes were replaced and the editor has not seen it yet.
    unseen: bool,
    /// Grows when someone else replaced the strokes.
    generation: u64,
    last_strokes: Vec<Stroke>,
    side: Side,
    /// The sound of the side that is not heard.
    other: Option<Arc<(Sound, String)>>,
    kept: Kept,
    hint_seen: bool,
    /// A window size asked for, to be passed on after the frame.
    pub wanted_size: Option<[f32; 2]>,
    list: Vec<PresetEntry>,
}

impl PluginHost {
    pub fn new(params: Arc<ScumbleParams>, instance: Arc<dyn Instance>) -> Self {
        let map = params.param_map();
        let pointer = |id: ParamId| {
            let found = map.iter().find(|(name, ..)| name == id.id());
            found.expect("every ParamId names a host parameter").1
        };
        let mut host = Self {
            pointers: ParamId::ALL.map(pointer),
            params,
            hint_seen: instance.hint_seen(),
            instance,
            gui: None,
            restart: Restart::default(),
            known: u64::MAX,
            unseen: false,
            generation: 0,
            last_strokes: Vec::new(),
            side: Side::A,
            other: None,
            kept: Kept::default(),
            wanted_size: None,
            list: Vec::new(),
        };
        host.read_kept();
        host
    }

    /// A window opened.
    pub fn attach(&mut self, gui: GuiContext) {
        self.gui = Some(gui);
        self.list = self.instance.presets().list();
        self.known = u64::MAX;
        self.read_kept();
    }

    /// The preset's name, or what stands under it, may have become another.
    fn read_kept(&mut self) {
        let name = self.preset_name();
        self.kept = Kept::read(&name, &*self.instance.presets(), || self.neutral());
    }

    fn pointer(&self, id: ParamId) -> ParamPtr {
        self.pointers[id as usize]
    }

    /// Changes the document as the host left it, however often that takes.
    fn write(&mut self, how: impl Fn(&mut Document)) {
        loop {
            self.look();
            if self.try_write(&how) {
                return;
            }
        }
    }

    /// Changes the document as it was at our last look, without mistaking our own write for
    /// someone else's. False when the host loaded something since.
    fn try_write(&mut self, how: impl FnOnce(&mut Document)) -> bool {
        let mut strokes = Vec::new();
        let made = self.params.document.edit(self.known, |document| {
            how(document);
            strokes.clone_from(&document.strokes);
        });
        let Some(generation) = made else { return false };
        self.known = generation;
        self.last_strokes = strokes;
        true
    }

    /// Takes over what a host loaded since the last look.
    fn look(&mut self) {
        let generation = self.params.document.generation();
        if generation == self.known {
            return;
        }
        self.known = generation;
        // A refusal is reported by the plugin, which reads the same cell.
        let _ = self.params.document.adopt_pending();
        let document = self.params.document.get();
        let replaced = document.strokes != self.last_strokes;
        self.unseen |= replaced;
        if replaced || self.generation == 0 {
            self.last_strokes.clone_from(&document.strokes);
            self.generation += 1;
            self.instance.strokes_changed();
        }
    }

    fn value(&self, id: ParamId) -> f32 {
        // SAFETY: the pointer is into `self.params`.
        unsafe { self.pointer(id).unmodulated_normalized_value() }
    }

    fn sound(&self) -> Sound {
        Sound {
            params: sounding().map(|id| (id, self.value(id))).collect(),
            strokes: self.params.document.get().strokes.clone(),
        }
    }

    /// What a new instance sounds like.
    fn neutral(&self) -> Sound {
        // SAFETY: as above.
        let value = |id| unsafe { self.pointer(id).default_normalized_value() };
        Sound { params: sounding().map(|id| (id, value(id))).collect(), strokes: Vec::new() }
    }

    fn apply(&mut self, sound: &Sound, name: &str) {
        for &(id, value) in &sound.params {
            if !NOT_SOUND.contains(&id) {
                self.begin_param(id);
                self.set_param(id, value);
                self.end_param(id);
            }
        }
        self.write(|document| {
            document.strokes.clone_from(&sound.strokes);
            document.preset = name.to_owned();
        });
        self.generation += 1;
        self.unseen = false;
        self.instance.strokes_changed();
        if self.kept.name() != name {
            self.read_kept();
        }
    }

    /// The window's size and scale, to be found again.
    pub fn keep_size(&mut self, width: f32, height: f32, zoom: f32) {
        let sized = |kept: EditorLook| {
            // A host may set any size; what is saved must be one that loading allows.
            let width = width.max(MIN_SIZE[0]).round() as u32;
            let height = height.max(MIN_SIZE[1]).round() as u32;
            EditorLook { width, height, zoom, ..kept }.clamped()
        };
        let kept = self.params.document.get().editor;
        if kept != sized(kept) {
            self.write(|document| document.editor = sized(document.editor));
        }
    }
}

impl EditorHost for PluginHost {
    fn snapshot(&mut self, to: &mut Snapshot) {
        self.look();
        self.unseen = false;
        if self.kept.name() != self.params.document.get().preset {
            self.read_kept();
        }
        if self.restart.left_something() {
            self.settings_closed();
        }
        self.instance.fill(to);
    }

    fn take_columns(&mut self, source: Source, axis: Axis, sink: &mut dyn FnMut(Columns<'_>)) {
        self.instance.take_columns(source, axis, sink);
    }

    fn axis(&self) -> Axis {
        self.params.document.get().editor.axis
    }

    fn set_axis(&mut self, axis: Axis) {
        self.write(|document| document.editor.axis = axis);
    }

    fn level_range_db(&self) -> (f32, f32) {
        self.instance.level_range_db()
    }

    fn param(&self, id: ParamId, to: &mut ParamView) {
        let p = self.pointer(id);
        // SAFETY: the pointer is into `self.params`.
        let (value, modulated, default) = unsafe {
            (
                p.unmodulated_normalized_value(),
                p.modulated_normalized_value(),
                p.default_normalized_value(),
            )
        };
        if to.text.is_empty() || to.value != value || id == ParamId::CanvasLength {
            to.text = self.param_text(id, value);
        }
        (to.value, to.modulated, to.default) = (value, modulated, default);
    }

    fn begin_param(&mut self, id: ParamId) {
        if let Some(gui) = &self.gui {
            // SAFETY: the pointer is one of this plugin's own parameters, and alive.
            unsafe { gui.raw_begin_set_parameter(self.pointer(id)) };
        }
    }

    fn set_param(&mut self, id: ParamId, normalised: f32) {
        if let Some(gui) = &self.gui {
            // SAFETY: as above.
            unsafe { gui.raw_set_parameter_normalized(self.pointer(id), normalised) };
        }
    }

    fn end_param(&mut self, id: ParamId) {
        if let Some(gui) = &self.gui {
            // SAFETY: as above.
            unsafe { gui.raw_end_set_parameter(self.pointer(id)) };
            if NEEDS_RESTART.contains(&id) {
                self.restart.ask_alone(gui);
            }
        }
    }

    fn snapped_param(&self, id: ParamId, normalised: f32) -> f32 {
        let p = self.pointer(id);
        // SAFETY: the pointer is into `self.params`.
        unsafe { p.preview_normalized(p.preview_plain(normalised)) }
    }

    fn parse_param(&self, id: ParamId, text: &str) -> Option<f32> {
        // SAFETY: the pointer is into `self.params`.
        let value = unsafe { self.pointer(id).string_to_normalized_value(text) };
        value.filter(|v| v.is_finite()).map(|v| v.clamp(0.0, 1.0))
    }

    fn param_text(&self, id: ParamId, normalised: f32) -> String {
        // SAFETY: as above.
        unsafe { self.pointer(id).normalized_value_to_string(normalised, true) }
    }

    fn document_generation(&self) -> u64 {
        self.generation
    }

    fn strokes(&self) -> Vec<Stroke> {
        self.params.document.get().strokes.clone()
    }

    fn set_strokes(&mut self, strokes: &[Stroke]) {
        loop {
            self.look();
            // They were painted over strokes that are gone: what the host loaded since stands, and
            // the editor takes it in its next frame.
            if self.unseen {
                return;
            }
            if self.try_write(|document| document.strokes = strokes.to_vec()) {
                break;
            }
        }
        self.instance.strokes_changed();
    }

    fn preview_stroke(&mut self, stroke: Option<&Stroke>) {
        self.instance.preview_stroke(stroke);
    }

    fn set_solo(&mut self, solo: bool) {
        self.instance.set_solo(solo);
    }

    fn solo(&self) -> bool {
        self.instance.solo()
    }

    fn presets(&self) -> Vec<PresetEntry> {
        self.list.clone()
    }

    fn preset_name(&self) -> String {
        self.params.document.get().preset.clone()
    }

    fn preset_changed(&self) -> bool {
        let document = self.params.document.get();
        self.kept.differs(|id| self.value(id), &document.strokes)
    }

    fn load_preset(&mut self, name: &str) -> Result<Sound, String> {
        let sound = self.instance.presets().load(name)?;
        self.apply(&sound, name);
        self.read_kept();
        Ok(sound)
    }

    fn save_preset(&mut self, name: &str) -> Result<(), String> {
        self.instance.presets().save(name, &self.sound())?;
        self.list = self.instance.presets().list();
        self.write(|document| document.preset = name.to_owned());
        self.read_kept();
        Ok(())
    }

    fn rename_preset(&mut self, from: &str, to: &str) -> Result<(), String> {
        self.instance.presets().rename(from, to)?;
        self.list = self.instance.presets().list();
        if self.preset_name() == from {
            self.write(|document| document.preset = to.to_owned());
        }
        self.read_kept();
        Ok(())
    }

    fn delete_preset(&mut self, name: &str) -> Result<(), String> {
        self.instance.presets().delete(name)?;
        self.list = self.instance.presets().list();
        self.read_kept();
        Ok(())
    }

    fn has_preset(&self, name: &str) -> bool {
        self.instance.presets().has(name)
    }

    fn exchange_folder(&self) -> String {
        self.instance.presets().exchange_folder()
    }

    fn has_file(&self, path: &str) -> bool {
        self.instance.presets().has_file(path)
    }

    fn exchange_path(&self, name: &str) -> String {
        self.instance.presets().exchange_path(name)
    }

    fn set_default_preset(&mut self, default: bool) -> Result<(), String> {
        let sound = default.then(|| self.sound());
        self.instance.presets().set_default(sound.as_ref())
    }

    fn has_default_preset(&self) -> bool {
        self.instance.presets().has_default()
    }

    fn import_preset(&mut self, path: &str) -> Result<Sound, String> {
        let name = self.instance.presets().import(path)?;
        self.list = self.instance.presets().list();
        self.load_preset(&name)
    }

    fn export_preset(&mut self, name: &str, path: &str) -> Result<(), String> {
        self.instance.presets().export(name, &self.sound(), path)
    }

    fn side(&self) -> Side {
        self.side
    }

    fn set_side(&mut self, side: Side) -> Sound {
        if side == self.side {
            return self.sound();
        }
        self.side = side;
        let now = Arc::new((self.sound(), self.preset_name()));
        // The first visit to the other side starts from what is heard.
        let heard = self.other.replace(now.clone()).unwrap_or(now);
        let (sound, name) = &*heard;
        self.apply(sound, name);
        sound.clone()
    }

    fn versions(&self) -> Versions {
        Versions { side: self.side, name: self.preset_name(), other: self.other.clone() }
    }

    fn restore(&mut self, scene: &Scene) {
        let versions = &scene.versions;
        self.apply(&scene.sound, &versions.name);
        self.side = versions.side;
        self.other.clone_from(&versions.other);
    }

    fn settings(&self) -> SettingsView {
        let document = self.params.document.get();
        let s = &document.settings;
        SettingsView {
            async_samples: s.async_samples,
            ring_depth: s.ring_depth,
            fence_timeout_ms: s.fence_timeout_ms,
        }
    }

    fn set_settings(&mut self, settings: &SettingsView) {
        self.write(|document| {
            let s = &mut document.settings;
            s.async_samples = settings.async_samples;
            s.ring_depth = settings.ring_depth;
            s.fence_timeout_ms = settings.fence_timeout_ms;
        });
    }

    fn devices(&self) -> DevicesView {
        self.instance.devices()
    }

    fn look_for_devices(&mut self) {
        self.instance.look_for_devices();
    }

    fn set_device(&mut self, name: &str) -> Result<(), String> {
        self.instance.set_device(name)
    }

    fn settings_closed(&mut self) {
        if self.instance.restart_pending()
            && let Some(gui) = &self.gui
        {
            self.restart.ask(gui);
        }
    }

    fn restart_pending(&self) -> bool {
        self.instance.restart_pending()
    }

    fn reset_metrics(&mut self) {
        self.instance.reset_metrics();
    }

    fn metrics_json(&self) -> String {
        self.instance.metrics_json()
    }

    fn take_message(&mut self) -> Option<Message> {
        self.instance.take_message()
    }

    fn request_size(&mut self, width: f32, height: f32) {
        self.wanted_size = Some([width, height]);
    }

    fn hint_seen(&self) -> bool {
        self.hint_seen
    }

    fn set_hint_seen(&mut self) {
        self.hint_seen = true;
        self.instance.set_hint_seen();
    }

    fn about(&self) -> String {
        let api = match &self.gui {
            Some(gui) => gui.plugin_api().to_string(),
            None => String::new(),
        };
        format!(
            "Scumble {} \u{b7} {api}. Type: Inter and JetBrains Mono, SIL Open Font License 1.1.",
            env!("CARGO_PKG_VERSION")
        )
    }
}
