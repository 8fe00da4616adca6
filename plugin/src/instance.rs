//! What an instance's threads share: parameters, document, and the way to the audio thread.
//!
//! Made in `Default` (cheap), handed to the editor before there is any audio, filled in by
//! `activate()`. The audio thread never touches it.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scumble_dsp::Stroke;
use scumble_gpu::engine::ControlEnd;
use scumble_gpu::sync::{Counter, MetricsReader, Stage};
use scumble_params::{ScumbleParams, Settings};
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
        let length = f64::from(self.params.canvas_length.value());
        let sync = self.params.canvas_sync.value();
        let preview = self.preview.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let watched = self.is_watched();
        self.with_active(|active| {
            active.port.collect();
            active.columnist.set_watched(watched);
            let tempo = active.port.report().tempo.into();
            match preview {
                None => active.painter.repaint(&document.strokes, length, sync, tempo),
                Some(stroke) => {
                    let mut strokes = document.strokes.clone();
                    strokes.push(stroke);
                    active.painter.repaint(&strokes, length, sync, tempo);
                }
            }
            active.painter.deliver(&mut active.port);
        });
    }
}
