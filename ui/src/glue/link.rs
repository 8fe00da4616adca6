//! What the plugin gives the editor: the running instance and its preset files.
//!
//! Called on the editor's thread, in every frame; nothing here may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::{Columns, Message};
use crate::model::{Axis, DevicesView, PresetEntry, Snapshot, Sound, Source};
use crate::stroke::Stroke;

/// Whether someone is looking. Cheap to ask, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Window(Arc<AtomicBool>);

impl Window {
    // Relaxed: nothing is handed over by it.
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Open until what it gives is dropped.
    pub fn open(&self) -> Opened {
        self.0.store(true, Ordering::Relaxed);
        Opened(self.clone())
    }
}

/// A window that is open.
#[derive(Debug)]
pub struct Opened(Window);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// One running instance, as its editor sees it.
pub trait Instance: Send + Sync + 'static {
    /// Fills in what runs: engine, latency, metrics, buffers, queues, transport.
    fn fill(&self, snapshot: &mut Snapshot);

    /// Called once, when the editor is made. Spectrogram columns and whatever else is only to be
    /// seen are made while [`Window::is_open`] and not otherwise.
    fn set_window(&self, window: Window);

    /// Hands over the columns of `source` on `axis` that came in since the last call.
    fn take_columns(&self, source: Source, axis: Axis, sink: &mut dyn FnMut(Columns<'_>));

    /// dB at the texture's R = 0 and R = 1.
    fn level_range_db(&self) -> (f32, f32);

    /// The strokes to be heard changed; they stand in the document already.
    fn strokes_changed(&self);

    /// A stroke under way, to be heard on top of the document; `None` when it ended.
    fn preview_stroke(&self, stroke: Option<&Stroke>);

    fn set_solo(&self, solo: bool);
    fn solo(&self) -> bool;

    /// Settings in the document or among the parameters differ from those that run.
    fn restart_pending(&self) -> bool;

    fn reset_metrics(&self);

    /// In the schema of S11.
    fn metrics_json(&self) -> String;

    /// The next message for the musician.
    fn take_message(&self) -> Option<Message>;

    /// What devices there are and which was chosen.
    fn devices(&self) -> DevicesView;
    /// Asks the system for its devices; [`Self::devices`] tells some time later.
    fn look_for_devices(&self);
    /// Chooses a device by name for all instances, now and later; none named, the best.
    fn set_device(&self, name: &str) -> Result<(), String>;

    fn presets(&self) -> Arc<dyn Presets>;

    /// Whether this user has painted before, in any instance.
    fn hint_seen(&self) -> bool;
    fn set_hint_seen(&self);
}

/// The preset files.
pub trait Presets: Send + Sync {
    /// Factory presets first.
    fn list(&self) -> Vec<PresetEntry>;
    fn load(&self, name: &str) -> Result<Sound, String>;
    fn save(&self, name: &str, sound: &Sound) -> Result<(), String>;
    fn rename(&self, from: &str, to: &str) -> Result<(), String>;
    fn delete(&self, name: &str) -> Result<(), String>;
    /// Whether the user has a preset of this name.
    fn has(&self, name: &str) -> bool;
    /// The folder, up to the file's name, where presets are exported to and imported from by default.
    fn exchange_folder(&self) -> String;
    /// Where an exported preset goes by default.
    fn exchange_path(&self, name: &str) -> String;
    /// Whether there is a file at a path as the user types it.
    fn has_file(&self, path: &str) -> bool;
    /// Makes a sound that of new instances; `None` goes back to the neutral one.
    fn set_default(&self, sound: Option<&Sound>) -> Result<(), String>;
    /// Whether new instances begin with a sound of the user's.
    fn has_default(&self) -> bool;
    /// Takes a file in as one of the user's presets; gives its name.
    fn import(&self, path: &str) -> Result<String, String>;
    fn export(&self, name: &str, sound: &Sound, path: &str) -> Result<(), String>;
}
