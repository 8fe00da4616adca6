//! A host of plain data: parameters with the real texts, presets in memory, a log of what the
//! editor asked for.

use std::cell::RefCell;

use nice_plug::params::internals::ParamPtr;
use nice_plug::prelude::Params;
use scumble_params::ScumbleParams;
use scumble_ui::edit::Scene;
use scumble_ui::host::{Columns, EditorHost, Message};
use scumble_ui::model::{
    Axis, DevicesView, ParamId, ParamView, PresetEntry, SettingsView, Side, Snapshot, Sound,
    Source, Versions,
};
use scumble_ui::stroke::Stroke;

pub struct TestHost {
    pub snapshot: Snapshot,
    params: ScumbleParams,
    values: Vec<f32>,
    /// What was set in this frame: it takes effect before the next, as with every real host.
    queued: Vec<(ParamId, f32)>,
    pub modulation: Vec<f32>,
    pub strokes: Vec<Stroke>,
    pub preview: Option<Stroke>,
    pub generation: u64,
    pub presets: Vec<(String, bool, Vec<f32>, Vec<Stroke>)>,
    pub preset: String,
    /// Paths where there are files already.
    pub files: Vec<String>,
    pub side: Side,
    pub settings: SettingsView,
    pub messages: Vec<Message>,
    pub asked_size: Option<[f32; 2]>,
    pub solo: bool,
    pub axis: Axis,
    pub devices: DevicesView,
    pub default_preset: bool,
    pub hint_seen: bool,
    pub restart: bool,
    pub resets: u32,
    /// `bands` and RGBA8 columns to hand over, over the whole loop.
    pub columns: RefCell<Option<(usize, Vec<u8>)>>,
    /// Position, width, bands and RGBA8 columns that just came in.
    pub fresh: Option<(f32, f32, usize, Vec<u8>)>,
    /// What happened, in order.
    pub log: Vec<String>,
}

impl Default for TestHost {
    fn default() -> Self {
        let params = ScumbleParams::default();
        let mut host = Self {
            snapshot: Snapshot::default(),
            values: vec![0.0; ParamId::ALL.len()],
            modulation: vec![0.0; ParamId::ALL.len()],
            params,
            queued: Vec::new(),
            strokes: Vec::new(),
            preview: None,
            generation: 1,
            presets: Vec::new(),
            preset: String::new(),
            files: Vec::new(),
            side: Side::A,
            settings: SettingsView::default(),
            messages: Vec::new(),
            asked_size: None,
            solo: false,
            axis: Axis::default(),
            devices: DevicesView::default(),
            default_preset: false,
            hint_seen: true,
            restart: false,
            resets: 0,
            columns: RefCell::new(None),
            fresh: None,
            log: Vec::new(),
        };
        for id in ParamId::ALL {
            host.values[id as usize] = host.default_of(id);
        }
        host
    }
}

impl TestHost {
    fn ptr(&self, id: ParamId) -> ParamPtr {
        let map = self.params.param_map();
        map.iter().find(|(name, ..)| name == id.id()).expect("every id is a parameter").1
    }

    fn default_of(&self, id: ParamId) -> f32 {
        // SAFETY: the pointer is into `self.params`, which outlives the call.
        unsafe { self.ptr(id).default_normalized_value() }
    }

    pub fn value(&self, id: ParamId) -> f32 {
        self.values[id as usize]
    }

    /// Sets a parameter by its text, as a preset or the host's automation would.
    pub fn put(&mut self, id: ParamId, text: &str) {
        self.values[id as usize] =
            self.parse_param(id, text).unwrap_or_else(|| panic!("{id:?}: {text:?}"));
    }

    pub fn add_preset(&mut self, name: &str, factory: bool) {
        self.presets.push((name.into(), factory, self.values.clone(), self.strokes.clone()));
    }
}

impl EditorHost for TestHost {
    fn snapshot(&mut self, to: &mut Snapshot) {
        for (id, value) in std::mem::take(&mut self.queued) {
            self.values[id as usize] = value;
        }
        to.clone_from(&self.snapshot);
    }

    fn take_columns(&mut self, _source: Source, _axis: Axis, sink: &mut dyn FnMut(Columns<'_>)) {
        if let Some((bands, rgba)) = self.columns.borrow_mut().take() {
            let count = rgba.len() / (bands * 4);
            sink(Columns { position: 0.0, width: 1.0 / count as f32, bands, rgba: &rgba });
        }
        if let Some((position, width, bands, rgba)) = self.fresh.take() {
            sink(Columns { position, width, bands, rgba: &rgba });
        }
    }

    fn axis(&self) -> Axis {
        self.axis
    }

    fn set_axis(&mut self, axis: Axis) {
        self.axis = axis;
    }

    fn level_range_db(&self) -> (f32, f32) {
        (-96.0, 0.0)
    }

    fn param(&self, id: ParamId, to: &mut ParamView) {
        let value = self.values[id as usize];
        let modulated = (value + self.modulation[id as usize]).clamp(0.0, 1.0);
        let text = self.param_text(id, value);
        *to = ParamView { value, modulated, default: self.default_of(id), text };
    }

    fn begin_param(&mut self, id: ParamId) {
        self.log.push(format!("begin {}", id.id()));
    }

    fn set_param(&mut self, id: ParamId, normalised: f32) {
        self.queued.push((id, self.snapped_param(id, normalised)));
        self.log.push(format!("set {}", id.id()));
    }

    fn end_param(&mut self, id: ParamId) {
        self.log.push(format!("end {}", id.id()));
    }

    fn snapped_param(&self, id: ParamId, normalised: f32) -> f32 {
        let p = self.ptr(id);
        // SAFETY: as in `default_of`.
        unsafe { p.preview_normalized(p.preview_plain(normalised)) }
    }

    fn parse_param(&self, id: ParamId, text: &str) -> Option<f32> {
        // SAFETY: as in `default_of`.
        unsafe { self.ptr(id).string_to_normalized_value(text) }
    }

    fn param_text(&self, id: ParamId, normalised: f32) -> String {
        // SAFETY: as in `default_of`.
        unsafe { self.ptr(id).normalized_value_to_string(normalised, true) }
    }

    fn document_generation(&self) -> u64 {
        self.generation
    }

    fn strokes(&self) -> Vec<Stroke> {
        self.strokes.clone()
    }

    fn set_strokes(&mut self, strokes: &[Stroke]) {
        self.strokes = strokes.to_vec();
        self.log.push(format!("strokes {}", strokes.len()));
    }

    fn preview_stroke(&mut self, stroke: Option<&Stroke>) {
        self.preview = stroke.cloned();
    }

    fn set_solo(&mut self, solo: bool) {
        self.solo = solo;
    }

    fn solo(&self) -> bool {
        self.solo
    }

    fn presets(&self) -> Vec<PresetEntry> {
        let entry = |p: &(String, bool, _, _)| PresetEntry { name: p.0.clone(), factory: p.1 };
        self.presets.iter().map(entry).collect()
    }

    fn preset_name(&self) -> String {
        self.preset.clone()
    }

    fn preset_changed(&self) -> bool {
        let found = self.presets.iter().find(|preset| preset.0 == self.preset);
        found.is_some_and(|(_, _, values, strokes)| {
            (values, strokes) != (&self.values, &self.strokes)
        })
    }

    fn load_preset(&mut self, name: &str) -> Result<Sound, String> {
        let found = self.presets.iter().find(|p| p.0 == name);
        let (_, _, values, strokes) =
            found.cloned().ok_or_else(|| format!("there is no preset {name:?}"))?;
        let params: Vec<_> = ParamId::ALL.into_iter().zip(values).collect();
        self.queued.extend(&params);
        self.strokes.clone_from(&strokes);
        self.preset = name.into();
        self.generation += 1;
        self.log.push(format!("load {name}"));
        Ok(Sound { params, strokes })
    }

    fn save_preset(&mut self, name: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err("a preset needs a name".into());
        }
        self.presets.retain(|p| p.0 != name);
        self.add_preset(name, false);
        self.preset = name.into();
        self.log.push(format!("save {name}"));
        Ok(())
    }

    fn rename_preset(&mut self, from: &str, to: &str) -> Result<(), String> {
        let found = self.presets.iter_mut().find(|p| p.0 == from && !p.1);
        found.ok_or_else(|| format!("there is no preset {from:?} of yours"))?.0 = to.into();
        self.preset = to.into();
        Ok(())
    }

    fn delete_preset(&mut self, name: &str) -> Result<(), String> {
        self.presets.retain(|p| p.0 != name);
        self.log.push(format!("delete {name}"));
        Ok(())
    }

    fn has_preset(&self, name: &str) -> bool {
        self.presets.iter().any(|p| p.0 == name && !p.1)
    }

    fn exchange_folder(&self) -> String {
        "/presets/".into()
    }

    fn has_file(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path)
    }

    fn exchange_path(&self, name: &str) -> String {
        format!("/presets/{name}.scumble.json")
    }

    fn set_default_preset(&mut self, default: bool) -> Result<(), String> {
        self.default_preset = default;
        Ok(())
    }

    fn has_default_preset(&self) -> bool {
        self.default_preset
    }

    fn import_preset(&mut self, path: &str) -> Result<Sound, String> {
        Err(format!("{path} cannot be read"))
    }

    fn export_preset(&mut self, name: &str, path: &str) -> Result<(), String> {
        self.log.push(format!("export {name} {path}"));
        Ok(())
    }

    fn side(&self) -> Side {
        self.side
    }

    fn set_side(&mut self, side: Side) -> Sound {
        self.side = side;
        self.generation += 1;
        self.log.push(format!("side {side:?}"));
        Sound { params: Vec::new(), strokes: self.strokes.clone() }
    }

    fn versions(&self) -> Versions {
        Versions { side: self.side, name: self.preset.clone(), other: None }
    }

    fn restore(&mut self, scene: &Scene) {
        for &(id, value) in &scene.sound.params {
            self.begin_param(id);
            self.set_param(id, value);
            self.end_param(id);
        }
        self.strokes.clone_from(&scene.sound.strokes);
        self.side = scene.versions.side;
        self.preset.clone_from(&scene.versions.name);
        self.generation += 1;
        self.log.push("restore".into());
    }

    fn settings(&self) -> SettingsView {
        self.settings.clone()
    }

    fn set_settings(&mut self, settings: &SettingsView) {
        self.settings = settings.clone();
        self.log.push("settings".into());
    }

    fn devices(&self) -> DevicesView {
        self.devices.clone()
    }

    fn look_for_devices(&mut self) {
        self.log.push("look for devices".into());
    }

    fn set_device(&mut self, name: &str) -> Result<(), String> {
        self.devices.chosen = name.into();
        Ok(())
    }

    fn settings_closed(&mut self) {
        self.log.push("settings closed".into());
    }

    fn restart_pending(&self) -> bool {
        self.restart
    }

    fn reset_metrics(&mut self) {
        self.resets += 1;
    }

    fn metrics_json(&self) -> String {
        "{}".into()
    }

    fn take_message(&mut self) -> Option<Message> {
        (!self.messages.is_empty()).then(|| self.messages.remove(0))
    }

    fn request_size(&mut self, width: f32, height: f32) {
        self.asked_size = Some([width, height]);
    }

    fn hint_seen(&self) -> bool {
        self.hint_seen
    }

    fn set_hint_seen(&mut self) {
        self.hint_seen = true;
    }

    fn about(&self) -> String {
        "Scumble 0.1.0 \u{b7} CLAP and VST3".into()
    }
}
