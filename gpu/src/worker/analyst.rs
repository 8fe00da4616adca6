//! The analyst thread: what tasks need besides the device's own time. It makes tables, kernels and
//! buffers ready, reads results, and computes with the twin where there is no device. Normal
//! priority, so that neither the worker nor an audio thread waits for it. Joined when the worker ends.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::mailbox::{Mailbox, Message};
use crate::compute::cpu::CpuTasks;
use crate::compute::{Aside, Outcome, Task, TaskId};

pub(super) enum Errand {
    Prepare(TaskId, Aside<()>),
    Read(TaskId, Aside<Outcome>),
    Compute(TaskId, Task),
}

pub(super) struct Analyst {
    errands: Option<SyncSender<Errand>>,
    thread: Option<JoinHandle<()>>,
}

impl Analyst {
    pub fn spawn(mailbox: Arc<Mailbox>) -> std::io::Result<Self> {
        let (errands, receiver) = sync_channel(64);
        let thread = std::thread::Builder::new()
            .name("scumble-analyst".to_owned())
            .spawn(move || run(&mailbox, &receiver))?;
        Ok(Self { errands: Some(errands), thread: Some(thread) })
    }

    /// False if the analyst has too much to do.
    pub fn give(&self, errand: Errand) -> bool {
        self.errands.as_ref().is_some_and(|errands| errands.try_send(errand).is_ok())
    }
}

impl Drop for Analyst {
    fn drop(&mut self) {
        self.errands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("scumble: the analyst ended in a panic");
        }
    }
}

fn run(mailbox: &Mailbox, errands: &Receiver<Errand>) {
    let _flush = scumble_dsp::denormals::FlushDenormals::new();
    let mut twin = CpuTasks::default();
    while let Ok(errand) = errands.recv() {
        // What is left when the engine ends is not wanted any more.
        if mailbox.is_quitting() {
            return;
        }
        mailbox.post(match errand {
            Errand::Prepare(id, run) => Message::Prepared(id, run()),
            Errand::Read(id, run) => Message::Read(id, run()),
            Errand::Compute(id, task) => Message::Computed(id, twin.run(&task)),
        });
    }
}
