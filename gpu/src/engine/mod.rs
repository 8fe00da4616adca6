//! The engine: one per process, shared by all instances (X7, DESIGN 3 and 5).
//!
//! [`Engine::acquire`] gives a handle; the last handle dropped joins the worker and drops the
//! device, so that no thread outlives the library. Creation and end are behind one lock. A plugin
//! instance opens a session and gets two ends: [`AudioEnd`] for the audio thread, [`ControlEnd`]
//! for everybody else. Neither end ever waits for the worker, but dropping the last of all handles
//! does, so that is done where waiting is allowed.

mod ends;
mod session;
mod state;

use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

pub use ends::{AudioEnd, ControlEnd, LevelUse};
pub(crate) use ends::{FieldMessage, HopHeader};
pub use session::{Configured, Session, SessionConfig, SessionError};
pub(crate) use state::SharedState;
pub use state::{EngineChoice, EngineKind, EngineState};

use crate::backend::OpenBackend;
use crate::backend::adapter::AdapterWish;
use crate::backend::faulty::{Chances, Faults, OpenFaulty};
pub use crate::worker::commands::Work;
use crate::worker::{Mailbox, Worker};

/// Channels that a session can have at most.
pub const MAX_CHANNELS: usize = 8;

/// How the engine is made; the first handle decides.
#[derive(Clone)]
pub struct EngineOptions {
    pub adapter: AdapterWish,
    /// Opens the device; `None` takes the best that this build has for `adapter`.
    pub opener: Option<Arc<dyn OpenBackend>>,
    /// Whether the worker asks for real-time priority.
    pub real_time: bool,
}

impl Default for EngineOptions {
    /// What `SCUMBLE_ADAPTER` says.
    fn default() -> Self {
        Self { adapter: AdapterWish::from_env(), opener: None, real_time: true }
    }
}

impl EngineOptions {
    fn opener(&self) -> Arc<dyn OpenBackend> {
        if let Some(opener) = &self.opener {
            return Arc::clone(opener);
        }
        let best = self.best_opener();
        match Chances::from_env() {
            Some(chances) => {
                let faults = Arc::new(Faults::by_chance(chances));
                Arc::new(OpenFaulty { inner: best, faults })
            }
            None => best,
        }
    }

    fn best_opener(&self) -> Arc<dyn OpenBackend> {
        #[cfg(feature = "wgpu")]
        {
            let best = crate::backend::wgpu::OpenWgpu::new(self.adapter.clone());
            Arc::new(best.hops_alone_on_software())
        }
        #[cfg(not(feature = "wgpu"))]
        {
            let reason = "this build has no GPU support".to_owned();
            Arc::new(crate::backend::NoBackend(reason))
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("thread `{name}` does not start: {message}")]
    Thread { name: &'static str, message: String },
}

/// The engine of the process, if there is one. Held while one is made and while one ends.
static SHARED: Mutex<Option<Held>> = Mutex::new(None);

struct Held {
    running: Running,
    handles: usize,
}

/// The threads of an engine; dropping it stops and joins them.
struct Running {
    mailbox: Arc<Mailbox>,
    worker: Option<JoinHandle<()>>,
}

impl Running {
    fn start(options: &EngineOptions) -> Result<Self, EngineError> {
        let mailbox = Arc::new(Mailbox::default());
        let worker = Worker::spawn(Arc::clone(&mailbox), options.opener(), options.real_time)?;
        Ok(Self { mailbox, worker: Some(worker) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.mailbox.quit();
        if let Some(worker) = self.worker.take()
            && worker.join().is_err()
        {
            log::error!("scumble: the worker ended in a panic");
        }
    }
}

/// A share in an engine. Clone it freely; see [`Engine::acquire`].
pub struct Engine {
    mailbox: Arc<Mailbox>,
    /// An engine of one's own, or the one of the process.
    isolated: Option<Arc<Running>>,
}

/// The name that the plugin knows it by.
pub type EngineHandle = Engine;

impl Engine {
    /// A share in the engine of this process, which starts if it does not run. `options` count for
    /// the first share only. Main thread or any other that may block; never the audio thread.
    pub fn acquire(options: EngineOptions) -> Result<EngineHandle, EngineError> {
        let mut shared = SHARED.lock();
        let held = match &mut *shared {
            Some(held) => held,
            empty => empty.insert(Held { running: Running::start(&options)?, handles: 0 }),
        };
        held.handles += 1;
        Ok(Self { mailbox: Arc::clone(&held.running.mailbox), isolated: None })
    }

    /// An engine apart from that of the process: for tests and benches.
    pub fn isolated(options: EngineOptions) -> Result<EngineHandle, EngineError> {
        let running = Running::start(&options)?;
        Ok(Self { mailbox: Arc::clone(&running.mailbox), isolated: Some(Arc::new(running)) })
    }

    /// Whether an engine runs in this process.
    pub fn is_running() -> bool {
        SHARED.lock().is_some()
    }

    /// Opens a session. Returns at once: the device, if it is wanted, joins in later, and the CPU
    /// covers until then.
    pub fn open(&self, config: SessionConfig) -> Result<(AudioEnd, ControlEnd), SessionError> {
        session::open(self, config)
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

impl Clone for Engine {
    fn clone(&self) -> Self {
        if self.isolated.is_none()
            && let Some(held) = &mut *SHARED.lock()
        {
            held.handles += 1;
        }
        Self { mailbox: Arc::clone(&self.mailbox), isolated: self.isolated.clone() }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.isolated.is_some() {
            return;
        }
        let mut shared = SHARED.lock();
        if let Some(held) = &mut *shared {
            held.handles -= 1;
            if held.handles == 0 {
                // Joined under the lock: a new engine starts only after this one is gone.
                *shared = None;
            }
        }
    }
}
