//! What the editor is told about who computes the sound, and why.

use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

use crate::backend::adapter::DeviceFacts;

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineChoice {
    /// The GPU if one meets its deadlines, else the CPU.
    #[default]
    Auto,
    /// The GPU whenever there is one, whatever its deadlines.
    Gpu,
    /// The CPU twin. The plugin runs it inline; a session opened so is served by the worker's twin.
    Cpu,
}

/// Who computes the hops of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EngineKind {
    #[default]
    Cpu = 0,
    Gpu = 1,
}

/// A session's engine at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineState {
    pub kind: EngineKind,
    /// One sentence for the user: why this engine.
    pub reason: String,
    /// The device that is open, also while the CPU covers for it.
    pub device: Option<DeviceFacts>,
}

/// The state as worker and control side share it.
#[derive(Debug)]
pub(crate) struct SharedState {
    kind: AtomicU8,
    state: Mutex<EngineState>,
}

impl SharedState {
    pub fn new() -> Self {
        let reason = "starting".to_owned();
        Self {
            kind: AtomicU8::new(EngineKind::Cpu as u8),
            state: Mutex::new(EngineState { kind: EngineKind::Cpu, reason, device: None }),
        }
    }

    /// Worker: says who computes from now on. True if that changed.
    pub fn set(&self, kind: EngineKind, reason: &str, device: Option<DeviceFacts>) -> bool {
        let mut state = self.state.lock();
        let changed = state.kind != kind;
        if changed || state.reason != reason {
            *state = EngineState { kind, reason: reason.to_owned(), device };
            // Relaxed: a hint for the audio thread; nothing else is read on its strength.
            self.kind.store(kind as u8, Ordering::Relaxed);
        }
        changed
    }

    /// Any thread, the audio thread too: one load.
    pub fn kind(&self) -> EngineKind {
        if self.kind.load(Ordering::Relaxed) == EngineKind::Gpu as u8 {
            EngineKind::Gpu
        } else {
            EngineKind::Cpu
        }
    }

    pub fn get(&self) -> EngineState {
        self.state.lock().clone()
    }
}
