//! What an instance's threads share: parameters, document, and the way to the audio thread.
//!
//! Made in `Default` (cheap), handed to the editor before there is any audio, filled in by
//! `activate()`. The audio thread never touches it.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nice_plug::prelude::Params;
use scumble_dsp::Stroke;
use scumble_gpu::engine::ControlEnd;
use scumble_gpu::sync::{Counter, MetricsReader, Stage};
use scumble_params::{PresetStore, ScumbleParams, Settings};
use scumble_ui::glue::gauge::Gauge;
use scumble_ui::glue::link::Window;
use scumble_ui::host::Message;

use crate::audio::{ControlPort, Plan};
use crate::canvas::Painter;
use crate::control::Tick;
use crate::spectrogram::Columnist;
use crate::timing::Choices;

/// Messages that wait for an editor to show them.
const MESSAGES_KEPT: usize = 16;

/// The control side of one activation.
pub struct Active {
    pub plan: Plan,
    pub choices: Choices,
    pub port: ControlPort,
    pub painter: Painter,
    /// The engine's control end; none where the CPU twin runs inline.
    pub engine: Option<ControlEnd>,
    /// Used where there is no engine.
    pub metrics: MetricsReader,
    /// The settings that run.
    pub settings: Settings,
    pub columnist: Columnist,
    pub gauge: Gauge,
}

#[derive(Default)]
pub struct Instance {
    pub params: Arc<ScumbleParams>,
    active: Mutex<Option<Active>>,
    messages: Mutex<VecDeque<Message>>,
    /// A stroke that is being painted, heard on top of the document.
    preview: Mutex<Option<Stroke>>,
    /// Only what the effect changes is heard.
    pub solo: AtomicBool,
    /// Whether someone is looking.
    pub window: Mutex<Option<Window>>,
}

impl Instance {
    fn lock(&self) -> MutexGuard<'_, Option<Active>> {
        // What is behind the lock is replaced as a whole or changed by its own methods.
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an activation in force, or ends it.
    pub fn set_active(&self, active: Option<Active>) {
        let old = std::mem::replace(&mut *self.lock(), active);
        // Closing a session may join the worker: not under the lock.
        drop(old);
    }

    /// Looks at the activation, if there is one. Editor or control thread; be short.
    pub fn with_active<R>(&self, look: impl FnOnce(&mut Active) -> R) -> Option<R> {
        self.lock().as_mut().map(look)
    }

    /// Reads a document that the host handed over, if any; says so if it is broken.
    pub fn adopt_document(&self) {
        if let Some(message) = self.params.refusal.take() {
            self.say(format!("State refused: {message}"));
        }
        if let Err(message) = self.params.document.adopt_pending() {
            self.say(format!("State refused: {message}"));
        }
    }

    /// Gives a new instance the sound that the user chose for new ones. One that has a state of the
    /// host's, or a parameter that is not as it was made, is not new. Main thread.
    pub fn begin_with_user_default(&self, store: &PresetStore) {
        let params = &self.params;
        let untouched = params.param_map().iter().all(|(_, ptr, _)| {
            // SAFETY: the pointers are into `params`, which is alive.
            unsafe { ptr.unmodulated_normalized_value() == ptr.default_normalized_value() }
        });
        if params.document.generation() > 0 || !untouched {
            return;
        }
        match store.user_default() {
            Ok(Some(preset)) => preset.apply(params),
            Ok(None) => {}
            Err(error) => self.say(format!("Your default preset was not taken: {error}")),
        }
    }

    /// Something went wrong: for the log and the editor.
    pub fn say(&self, message: String) {
        nice_plug::nice_warn!("{message}");
        self.show(Message::error(message));
    }

    fn show(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == MESSAGES_KEPT {
            messages.pop_front();
        }
        messages.push_back(message);
    }

    /// The oldest message that no editor has shown.
    pub fn take_message(&self) -> Option<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub fn set_preview(&self, stroke: Option<Stroke>) {
        *self.preview.lock().unwrap_or_else(PoisonError::into_inner) = stroke;
    }

    /// One line on what an activation came to, for whoever looks for the reason of a click.
    pub fn log_figures(&self) {
        let Some(figures) = self.with_active(Active::figures) else { return };
        let count = |counter| figures.count(counter);
        if count(Counter::Blocks) > 0 {
            let callback = figures.stage(Stage::Callback);
            nice_plug::nice_log!(
                "played {} blocks: {} hops missed, {} rescued, {} held, {} dry; \
                 callback p99 {:.3} ms, max {:.3} ms",
                count(Counter::Blocks),
                count(Counter::Misses),
                count(Counter::Rescues),
                count(Counter::Holds),
                count(Counter::Drys),
                1000.0 * callback.p99.as_secs_f64(),
                1000.0 * callback.max.as_secs_f64(),
            );
        }
    }

    fn is_watched(&self) -> bool {
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.as_ref().is_some_and(Window::is_open)
    }
}

impl Tick for Instance {
    fn tick(&self) {
        self.adopt_document();
        let document = self.params.document.get();
        let watched = self.is_watched();
        let preview = {
            let mut preview = self.preview.lock().unwrap_or_else(PoisonError::into_inner);
            // A window that closes under a stroke does not tell that the stroke is dropped.
            preview.take_if(|_| !watched);
            preview.clone()
        };
        self.with_active(|active| {
            active.port.collect();
            active.columnist.set_watched(watched);
            match preview {
                None => active.painter.repaint(&document.strokes),
                Some(stroke) => {
                    let mut strokes = document.strokes.clone();
                    strokes.push(stroke);
                    active.painter.repaint(&strokes);
                }
            }
            active.painter.deliver(&mut active.port);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::params::persist::PersistentField;
    use nice_plug::prelude::Param;
    use scumble_params::factory_presets;

    /// A store whose default is a factory preset with strokes.
    fn store(name: &str) -> PresetStore {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("scumble-default-{name}-{id}"));
        let _ = std::fs::remove_dir_all(&folder);
        let store = PresetStore::at(&folder);
        let painted = factory_presets().into_iter().find(|p| !p.strokes.is_empty());
        store.set_user_default(painted.as_ref()).expect("written");
        store
    }

    fn is_painted(instance: &Instance) -> bool {
        !instance.params.document.get().strokes.is_empty()
    }

    #[test]
    fn a_new_instance_begins_with_the_users_default() {
        let store = store("new");
        let instance = Instance::default();
        instance.begin_with_user_default(&store);
        assert!(is_painted(&instance));
        store.set_user_default(None).expect("unset");
        let instance = Instance::default();
        instance.begin_with_user_default(&store);
        assert!(!is_painted(&instance));
        assert!(instance.take_message().is_none());
    }

    #[test]
    fn a_stroke_under_way_is_dropped_with_its_window() {
        let instance = Instance::default();
        let window = Window::default();
        *instance.window.lock().expect("the window") = Some(window.clone());
        let stroke =
            factory_presets().into_iter().find_map(|preset| preset.strokes.first().cloned());
        let heard = || instance.preview.lock().expect("the preview").is_some();
        let opened = window.open();
        instance.set_preview(stroke);
        instance.tick();
        assert!(heard());
        drop(opened);
        instance.tick();
        assert!(!heard());
    }

    #[test]
    fn what_the_host_has_set_or_loaded_stays() {
        let store = store("host");
        let loaded = Instance::default();
        // A state that is just like a new instance is a state all the same.
        let text = loaded.params.document.map(|text| text.clone());
        loaded.params.document.set(text);
        loaded.begin_with_user_default(&store);
        loaded.adopt_document();
        assert!(!is_painted(&loaded));
        let set = Instance::default();
        // SAFETY: the parameters are alive, and nobody else uses them.
        unsafe { set.params.mix.as_ptr()._internal_set_normalized_value(0.5) };
        set.begin_with_user_default(&store);
        assert!(!is_painted(&set));
        assert_eq!(set.params.mix.value(), 0.5);
    }

    #[test]
    fn a_broken_default_is_named_and_leaves_the_factorys() {
        let folder = std::env::temp_dir().join(format!("scumble-broken-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("_default.scumble.json"), "{").expect("written");
        let instance = Instance::default();
        instance.begin_with_user_default(&PresetStore::at(&folder));
        let message = instance.take_message().expect("a message").text;
        assert!(message.contains("_default.scumble.json"), "{message}");
        let _ = std::fs::remove_dir_all(&folder);
    }
}
