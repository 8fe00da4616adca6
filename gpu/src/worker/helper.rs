//! The helper thread: opens the device and compiles kernels, which takes tenths of seconds, so that
//! the worker can go on serving hops meanwhile. Joined when the worker ends.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::mailbox::{Mailbox, Message};
use super::priority::DriverThreads;
use crate::backend::{Backend, BackendError, OpenBackend};

pub(super) enum Chore {
    /// Open the device, with these sizes warm.
    Open {
        sizes: Vec<usize>,
        opener: Arc<dyn OpenBackend>,
    },
    /// Ask the system what devices there are.
    List {
        opener: Arc<dyn OpenBackend>,
    },
    /// Close a device that was lost: drivers take their time.
    Bury(Box<dyn Backend>),
    Warm {
        n: usize,
        run: Box<dyn FnOnce() -> Result<(), BackendError> + Send>,
    },
}

pub(super) struct Helper {
    chores: Option<SyncSender<Chore>>,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    pub fn spawn(mailbox: Arc<Mailbox>, real_time: bool) -> std::io::Result<Self> {
        let (chores, receiver) = sync_channel(64);
        let thread = std::thread::Builder::new()
            .name("scumble-helper".to_owned())
            .spawn(move || run(&mailbox, &receiver, real_time))?;
        Ok(Self { chores: Some(chores), thread: Some(thread) })
    }

    /// False if the helper has too much to do; ask again later.
    pub fn give(&self, chore: Chore) -> bool {
        self.chores.as_ref().is_some_and(|chores| chores.try_send(chore).is_ok())
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.chores = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("scumble: the helper ended in a panic");
        }
    }
}

fn run(mailbox: &Mailbox, chores: &Receiver<Chore>, real_time: bool) {
    while let Ok(chore) = chores.recv() {
        match chore {
            Chore::Open { sizes, opener } => {
                let threads = real_time.then(DriverThreads::before_opening);
                let opened = opener.open(&sizes);
                let device = opened.as_ref().ok().and_then(|backend| backend.device());
                if let Some(threads) = threads
                    && device.is_some_and(|device| device.software)
                {
                    threads.ask_for_real_time();
                }
                mailbox.post(Message::Opened(opener, opened));
            }
            Chore::List { opener } => mailbox.set_devices(opener.devices()),
            Chore::Bury(backend) => drop(backend),
            Chore::Warm { n, run } => mailbox.post(Message::Warmed(n, run())),
        }
    }
}
