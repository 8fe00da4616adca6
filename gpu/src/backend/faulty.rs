//! Failure on demand: wraps any backend and makes it lose its device, stall, run out of memory, or
//! refuse to open again (DESIGN 5, S8). Tests drive it; so can a user who wants to hear that
//! nothing is heard, by `SCUMBLE_FAULTS`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use scumble_dsp::Field;

use crate::profile::Trace;

use super::adapter::DeviceFacts;
use super::{
    Backend, BackendError, BackendStats, HopSink, JobTable, OpenBackend, SlotId, SlotSpec,
};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The submission fails: the device is gone.
    LoseAtSubmit,
    /// The submission goes out; waiting for it finds the device gone.
    LoseInFlight,
    /// The real device is destroyed under the backend.
    Destroy,
    /// Results take this much longer.
    Stall(Duration),
    /// The submission finds no memory.
    OutOfMemory,
    /// A pass is refused by the driver.
    PassError,
}

/// Faults still to come, and those that happened. Shared by a test and the backend.
#[derive(Debug, Default)]
pub struct Faults {
    queue: Mutex<std::collections::VecDeque<Fault>>,
    /// Openings that shall fail, before one succeeds again.
    refuse_openings: AtomicU64,
    losses: AtomicU64,
    stalls: AtomicU64,
    others: AtomicU64,
    openings: AtomicU64,
}

impl Faults {
    /// The next submission meets `fault`.
    pub fn inject(&self, fault: Fault) {
        self.queue.lock().push_back(fault);
    }

    /// The next `count` attempts to open the device fail.
    pub fn refuse_openings(&self, count: u64) {
        self.refuse_openings.store(count, Ordering::Release);
    }

    pub fn pending(&self) -> usize {
        self.queue.lock().len()
    }

    /// Losses, stalls and other faults that have happened.
    pub fn happened(&self) -> (u64, u64, u64) {
        (
            self.losses.load(Ordering::Acquire),
            self.stalls.load(Ordering::Acquire),
            self.others.load(Ordering::Acquire),
        )
    }

    /// How often a device was opened.
    pub fn openings(&self) -> u64 {
        self.openings.load(Ordering::Acquire)
    }

    fn next(&self) -> Option<Fault> {
        self.queue.lock().pop_front()
    }
}

pub struct FaultyBackend {
    inner: Box<dyn Backend>,
    faults: Arc<Faults>,
    stalled_until: Option<Instant>,
    lost_in_flight: bool,
}

fn lost() -> BackendError {
    BackendError::Lost("injected".to_owned())
}

impl Backend for FaultyBackend {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn device(&self) -> Option<DeviceFacts> {
        self.inner.device()
    }

    fn is_warm(&self, n: usize) -> bool {
        self.inner.is_warm(n)
    }

    fn warm_up(&self, n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send> {
        self.inner.warm_up(n)
    }

    fn open(&mut self, slot: SlotId, spec: &SlotSpec) -> Result<(), BackendError> {
        self.inner.open(slot, spec)
    }

    fn close(&mut self, slot: SlotId) {
        self.inner.close(slot);
    }

    fn set_field(
        &mut self,
        slot: SlotId,
        which: u32,
        field: &Arc<Field>,
    ) -> Result<(), BackendError> {
        self.inner.set_field(slot, which, field)
    }

    fn set_capture(
        &mut self,
        slot: SlotId,
        which: u32,
        frame: u64,
        samples: &[f32],
    ) -> Result<(), BackendError> {
        self.inner.set_capture(slot, which, frame, samples)
    }

    fn submit(&mut self, table: &JobTable) -> Result<(), BackendError> {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::AcqRel);
        match self.faults.next() {
            Some(Fault::LoseAtSubmit) => {
                count(&self.faults.losses);
                return Err(lost());
            }
            Some(Fault::LoseInFlight) => {
                count(&self.faults.losses);
                self.lost_in_flight = true;
            }
            Some(Fault::Destroy) => {
                count(&self.faults.losses);
                self.inner.lose_device();
                // A backend without a device loses nothing by that.
                self.lost_in_flight = self.inner.device().is_none();
            }
            Some(Fault::Stall(duration)) => {
                count(&self.faults.stalls);
                self.stalled_until = Some(Instant::now() + duration);
            }
            Some(Fault::OutOfMemory) => {
                count(&self.faults.others);
                return Err(BackendError::OutOfMemory("injected".to_owned()));
            }
            Some(Fault::PassError) => {
                count(&self.faults.others);
                return Err(BackendError::Failed("pass `injected`: refused".to_owned()));
            }
            None => {}
        }
        self.inner.submit(table)
    }

    fn wait(&mut self, timeout: Duration) -> Result<bool, BackendError> {
        if self.lost_in_flight {
            return Err(lost());
        }
        if let Some(until) = self.stalled_until {
            let left = until.saturating_duration_since(Instant::now());
            std::thread::sleep(left.min(timeout));
            if left > timeout {
                return Ok(false);
            }
            self.stalled_until = None;
        }
        self.inner.wait(timeout)
    }

    fn collect(&mut self, sink: &mut HopSink<'_>) -> Result<(), BackendError> {
        self.inner.collect(sink)
    }

    fn stats(&self) -> BackendStats {
        self.inner.stats()
    }

    fn lose_device(&mut self) {
        self.inner.lose_device();
    }

    fn trace(&self, worker: &Trace) -> String {
        self.inner.trace(worker)
    }
}

/// Opens faulty backends around those of another opener.
pub struct OpenFaulty<O> {
    pub inner: O,
    pub faults: Arc<Faults>,
}

impl<O: OpenBackend> OpenBackend for OpenFaulty<O> {
    fn open(&self, sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        let refuse =
            self.faults
                .refuse_openings
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if refuse.is_ok() {
            return Err(BackendError::Failed("injected: the adapter has disappeared".to_owned()));
        }
        self.faults.openings.fetch_add(1, Ordering::AcqRel);
        Ok(Box::new(FaultyBackend {
            inner: self.inner.open(sizes)?,
            faults: Arc::clone(&self.faults),
            stalled_until: None,
            lost_in_flight: false,
        }))
    }
}
