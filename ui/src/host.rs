//! What the editor asks of the plugin it belongs to. The plugin's implementation is in
//! [`crate::glue`]; tests bring their own.
//!
//! Every method is called on the editor's thread, within one frame, and must return at once: no
//! waiting for audio, worker or disk beyond one small file.

use crate::edit::Scene;
use crate::model::{
    Axis, DevicesView, ParamId, ParamView, PresetEntry, SettingsView, Side, Snapshot, Sound,
    Source, Versions,
};
use crate::stroke::Stroke;

/// A run of spectrogram columns that came in since the last frame.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Where the first column stands in the loop, 0..1.
    pub position: f32,
    /// How much of the loop one column covers.
    pub width: f32,
    /// Bands in each column, lowest first, evenly spaced over the axis.
    pub bands: usize,
    /// Columns one after the other, RGBA8 as the texture bridge makes them (P5): R is magnitude.
    pub rgba: &'a [u8],
}

/// A message for the musician.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub text: String,
    /// An error stays longer and is marked by shape.
    pub error: bool,
}

impl Message {
    pub fn note(text: impl Into<String>) -> Self {
        Self { text: text.into(), error: false }
    }

    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), error: true }
    }
}

pub trait EditorHost {
    /// Brings `to` up to date; strings and vectors in it are reused.
    fn snapshot(&mut self, to: &mut Snapshot);

    /// Hands over the spectrogram columns of `source` on `axis` that came in since the last call.
    fn take_columns(&mut self, source: Source, axis: Axis, sink: &mut dyn FnMut(Columns<'_>));

    /// The frequency axis that was chosen last.
    fn axis(&self) -> Axis;
    fn set_axis(&mut self, axis: Axis);

    /// Where the spectrogram's levels lie: dB at R = 0 and at R = 1.
    fn level_range_db(&self) -> (f32, f32);

    // Parameters. Every change is between `begin_param` and `end_param`, as hosts demand, and may
    // take effect only after the frame: what `param` tells is no answer to `set_param`.
    fn param(&self, id: ParamId, to: &mut ParamView);
    fn begin_param(&mut self, id: ParamId);
    fn set_param(&mut self, id: ParamId, normalised: f32);
    fn end_param(&mut self, id: ParamId);
    /// What a parameter makes of a value that it is set to: the nearest of its steps.
    fn snapped_param(&self, id: ParamId, normalised: f32) -> f32;
    /// The normalised value that `text` means.
    fn parse_param(&self, id: ParamId, text: &str) -> Option<f32>;
    /// `normalised` in words.
    fn param_text(&self, id: ParamId, normalised: f32) -> String;

    // The document. The generation grows whenever someone else than the editor replaced the
    // strokes (a state or preset was loaded).
    fn document_generation(&self) -> u64;
    fn strokes(&self) -> Vec<Stroke>;
    fn set_strokes(&mut self, strokes: &[Stroke]);
    /// A stroke under way, to be heard before it is finished; `None` when it is done or dropped.
    fn preview_stroke(&mut self, stroke: Option<&Stroke>);
    /// Hear only what Scumble changes.
    fn set_solo(&mut self, solo: bool);
    fn solo(&self) -> bool;

    // Presets. What puts another sound there gives it, for the parameters follow later.
    fn presets(&self) -> Vec<PresetEntry>;
    fn preset_name(&self) -> String;
    /// The sound was changed since the preset was loaded or saved.
    fn preset_changed(&self) -> bool;
    fn load_preset(&mut self, name: &str) -> Result<Sound, String>;
    fn save_preset(&mut self, name: &str) -> Result<(), String>;
    fn rename_preset(&mut self, from: &str, to: &str) -> Result<(), String>;
    fn delete_preset(&mut self, name: &str) -> Result<(), String>;
    /// Whether saving under this name goes over a preset of the user's.
    fn has_preset(&self, name: &str) -> bool;
    /// The folder, up to the file's name, where presets are exported to and imported from by default.
    fn exchange_folder(&self) -> String;
    /// Where an exported preset goes by default.
    fn exchange_path(&self, name: &str) -> String;
    /// Whether exporting to this path goes over a file.
    fn has_file(&self, path: &str) -> bool;
    /// Makes what is heard the sound of new instances, or the neutral one again.
    fn set_default_preset(&mut self, default: bool) -> Result<(), String>;
    fn has_default_preset(&self) -> bool;
    fn import_preset(&mut self, path: &str) -> Result<Sound, String>;
    fn export_preset(&mut self, name: &str, path: &str) -> Result<(), String>;
    fn side(&self) -> Side;
    fn set_side(&mut self, side: Side) -> Sound;
    /// Both sides of the comparison as they stand, for undo to keep.
    fn versions(&self) -> Versions;
    /// Brings all of a scene back.
    fn restore(&mut self, scene: &Scene);

    // Settings and the rest.
    fn settings(&self) -> SettingsView;
    fn set_settings(&mut self, settings: &SettingsView);
    fn devices(&self) -> DevicesView;
    /// Has the system asked for its devices; called when the settings open.
    fn look_for_devices(&mut self);
    /// Chooses a device by name for all instances; none named, the best.
    fn set_device(&mut self, name: &str) -> Result<(), String>;
    /// The user is done with the settings: what needs a restart may be asked for now.
    fn settings_closed(&mut self);
    /// The settings differ from those that run; they take effect when the host activates again.
    fn restart_pending(&self) -> bool;
    fn reset_metrics(&mut self);
    /// The metrics in the schema of S11.
    fn metrics_json(&self) -> String;
    /// The next message for a toast.
    fn take_message(&mut self) -> Option<Message>;
    /// Asks the host for a window of this size, in points.
    fn request_size(&mut self, width: f32, height: f32);
    /// The first-run hint was seen.
    fn hint_seen(&self) -> bool;
    fn set_hint_seen(&mut self);
    /// Version and formats, for the about box.
    fn about(&self) -> String;
}
