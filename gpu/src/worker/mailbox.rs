//! Messages of the control side and of the helper to the worker. Never used by the audio thread,
//! which has rings of its own and its own clone of the doorbell.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::session::WorkerSession;
use crate::backend::adapter::Candidate;
use crate::backend::{Backend, BackendError, OpenBackend};
use crate::compute::{Outcome, TaskError, TaskId};
use crate::sync::doorbell::Doorbell;

pub enum Message {
    Open(Box<WorkerSession>),
    Close(u64),
    /// The helper has tried to open the device of this opener.
    Opened(Arc<dyn OpenBackend>, Result<Box<dyn Backend>, BackendError>),
    /// The helper has compiled what size `n` needs.
    Warmed(usize, Result<(), BackendError>),
    /// The analyst has made a task ready for the device.
    Prepared(TaskId, Result<(), BackendError>),
    /// It has read what the device left of one.
    Read(TaskId, Result<Outcome, BackendError>),
    /// It has computed one.
    Computed(TaskId, Result<Outcome, TaskError>),
    Trace(SyncSender<String>),
    /// Use what this opener opens, instead of what is in use.
    Device(Arc<dyn OpenBackend>),
    ListDevices,
    Quit,
}

#[derive(Default)]
pub struct Mailbox {
    bell: OnceLock<Doorbell>,
    messages: Mutex<VecDeque<Message>>,
    waiting: AtomicBool,
    quitting: AtomicBool,
    ids: AtomicU64,
    /// What the helper found when it was asked last.
    devices: Mutex<Option<Arc<[Candidate]>>>,
}

impl Mailbox {
    /// The worker's thread runs: from now on it can be woken.
    pub(super) fn hang(&self, bell: Doorbell) {
        let _ = self.bell.set(bell);
    }

    pub(crate) fn bell(&self) -> Option<Doorbell> {
        self.bell.get().cloned()
    }

    pub(crate) fn post(&self, message: Message) {
        self.messages.lock().push_back(message);
        // Release: who sees the flag finds the message (the lock orders the queue itself).
        self.waiting.store(true, Ordering::Release);
        if let Some(bell) = self.bell.get() {
            bell.ring();
        }
    }

    pub(crate) fn quit(&self) {
        self.quitting.store(true, Ordering::Release);
        self.post(Message::Quit);
    }

    pub(super) fn has_messages(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    pub(super) fn is_quitting(&self) -> bool {
        self.quitting.load(Ordering::Acquire)
    }

    pub(super) fn take(&self, into: &mut VecDeque<Message>) {
        let mut messages = self.messages.lock();
        self.waiting.store(false, Ordering::Release);
        into.append(&mut messages);
    }

    pub(super) fn set_devices(&self, found: Vec<Candidate>) {
        *self.devices.lock() = Some(found.into());
    }

    pub(crate) fn devices(&self) -> Option<Arc<[Candidate]>> {
        self.devices.lock().clone()
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}
