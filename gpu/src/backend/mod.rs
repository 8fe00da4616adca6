//! Engines that turn hops into hops: the interface, and its implementations.
//!
//! A backend takes a job table (due hops of any number of sessions) and gives back each finished
//! hop. [`cpu`] computes with the twin of `scumble-dsp`, [`wgpu`] on a device, [`faulty`] wraps any
//! of them and makes them fail on demand. All give the same sound (S14), since a frame is a pure
//! function of what is in the table and of the history that the table's predecessors carried.
//!
//! A backend belongs to the worker thread. The helper opens and closes it and runs what
//! [`Backend::warm_up`] gave, beside it; the analyst runs what its [`Compute`] gave.

pub mod adapter;
pub mod cpu;
mod faults;
pub mod faulty;
pub mod layout;
#[cfg(feature = "wgpu")]
pub mod wgpu;

use std::sync::Arc;
use std::time::Duration;

use scumble_dsp::{Field, FrameParams, WindowSpec};

use adapter::{AdapterError, Candidate, DeviceFacts};

use crate::compute::Compute;
use crate::profile::Trace;

/// Number of a session in a backend; small, reused.
pub type SlotId = usize;

/// What a backend needs to know of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlotSpec {
    pub window: WindowSpec,
    pub sample_rate: f64,
    pub channels: usize,
    /// Hops of this session in one table at most.
    pub max_hops: usize,
}

impl SlotSpec {
    /// Samples of one hop, all channels.
    pub fn hop_floats(&self) -> usize {
        self.channels * self.window.h
    }

    /// Hops before hop `n` that a backend must have seen to compute hop `n`: those under the oldest
    /// tap of the oldest frame that is added up.
    pub fn history_hops(&self) -> usize {
        self.window.n / self.window.h + self.window.reach_hops() + self.window.overlap() + 1
    }
}

/// What is wanted of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Its analysis only: history is being rebuilt.
    History,
    /// Its synthesis part too, but no output: the hops that overlap with it come next.
    Frame,
    /// The finished output hop.
    Output,
}

/// One hop of one session.
#[derive(Clone, Copy, Debug)]
pub struct HopJob {
    pub slot: SlotId,
    pub hop: u64,
    pub want: Want,
    pub params: FrameParams,
    /// Where its samples (channel after channel) begin in [`JobTable::samples`].
    pub input: usize,
}

/// Due hops. Those of one session are in rising order without gaps, and continue what the backend
/// has seen of it.
#[derive(Clone, Debug, Default)]
pub struct JobTable {
    pub jobs: Vec<HopJob>,
    pub samples: Vec<f32>,
}

impl JobTable {
    pub fn clear(&mut self) {
        self.jobs.clear();
        self.samples.clear();
    }

    /// Hops of a session follow each other without a gap.
    pub fn push(&mut self, slot: SlotId, hop: u64, want: Want, params: FrameParams, input: &[f32]) {
        let before = self.jobs.last().filter(|job| job.slot == slot).map(|job| job.hop);
        debug_assert!(before.is_none_or(|before| before + 1 == hop), "{before:?}, then hop {hop}");
        self.jobs.push(HopJob { slot, hop, want, params, input: self.samples.len() });
        self.samples.extend_from_slice(input);
    }

    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

/// Why a backend could not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    #[error("the device was lost: {0}")]
    Lost(String),
    #[error("out of device memory: {0}")]
    OutOfMemory(String),
    #[error("{0}")]
    Failed(String),
    #[error("the backend has no session in slot {0}")]
    UnknownSlot(SlotId),
    #[error("the backend cannot transform {0} samples")]
    Size(usize),
    /// There is no such device at present. One that was there may come back.
    #[error("{0}")]
    NotFound(String),
    /// Asking again later will not help either.
    #[error("{0}")]
    Unusable(String),
}

impl From<AdapterError> for BackendError {
    fn from(error: AdapterError) -> Self {
        match error {
            AdapterError::Refused => Self::Unusable(error.to_string()),
            AdapterError::NotFound { .. } => Self::NotFound(error.to_string()),
        }
    }
}

/// What a backend has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendStats {
    pub submissions: u64,
    pub dispatches: u64,
    /// Copies between staging and bound buffers, and their bytes.
    pub copies: u64,
    pub copied_bytes: u64,
    /// Time the device reported for its passes, where it has a clock.
    pub device_nanos: u64,
    /// Bytes of device memory in use.
    pub memory_bytes: u64,
}

/// Gives each finished hop: session, hop number, samples channel after channel.
pub type HopSink<'a> = dyn FnMut(SlotId, u64, &[f32]) + 'a;

/// An engine for hops. One table is in flight at a time.
pub trait Backend: Send {
    fn name(&self) -> String;

    /// `None` for the CPU.
    fn device(&self) -> Option<DeviceFacts>;

    /// Whether a session of this size would start without compiling anything.
    fn is_warm(&self, n: usize) -> bool;

    /// Work that makes size `n` warm; run on the helper thread, beside the worker.
    fn warm_up(&self, n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send>;

    /// Makes room for a session, with silence as its history. Replaces one of the same number.
    fn open(&mut self, slot: SlotId, spec: &SlotSpec) -> Result<(), BackendError>;

    fn close(&mut self, slot: SlotId);

    /// Puts a field into one of a session's two field slots (`FrameParams::field_slot`).
    fn set_field(
        &mut self,
        slot: SlotId,
        which: u32,
        field: &Arc<Field>,
    ) -> Result<(), BackendError>;

    /// Puts the input that frame `frame` froze into one of a session's two capture slots
    /// (`FrameParams::freeze_slot`): `Frozen::samples` of each channel, one after the other.
    fn set_capture(
        &mut self,
        slot: SlotId,
        which: u32,
        frame: u64,
        samples: &[f32],
    ) -> Result<(), BackendError>;

    /// Starts on a table. The one before must have been collected or given up by `wait`'s error.
    fn submit(&mut self, table: &JobTable) -> Result<(), BackendError>;

    /// Waits up to `timeout` for the table; true when its hops can be collected.
    fn wait(&mut self, timeout: Duration) -> Result<bool, BackendError>;

    /// Hands out the finished hops of the table, in its order.
    fn collect(&mut self, sink: &mut HopSink<'_>) -> Result<(), BackendError>;

    /// What takes tasks beside the hops, where there is a device for it. Without, the twin has them.
    fn compute(&mut self) -> Option<&mut dyn Compute> {
        None
    }

    fn stats(&self) -> BackendStats;

    /// Makes the device fail as a driver reset would, where there is a device.
    fn lose_device(&mut self) {}

    /// The recent past as a Chrome trace: the worker's spans and what the device adds.
    fn trace(&self, worker: &Trace) -> String {
        worker.to_chrome_json()
    }
}

/// Opens a backend; kept by the engine to open it again after a loss. Called on the helper thread.
pub trait OpenBackend: Send + Sync {
    /// `sizes`: transforms to be warm from the start.
    fn open(&self, sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError>;

    /// Every device that could be asked for by name, for people to choose from. May take a second.
    fn devices(&self) -> Vec<Candidate> {
        Vec::new()
    }
}

/// For machines, builds and users without a GPU: says why.
pub struct NoBackend(pub String);

impl OpenBackend for NoBackend {
    fn open(&self, _sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        Err(BackendError::Unusable(self.0.clone()))
    }
}
