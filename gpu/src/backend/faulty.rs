//! Failure on demand: wraps any backend and makes it lose its device, stall, run out of memory, or
//! refuse to open again (DESIGN 5, S8). Tests drive it; so can a user who wants to hear that
//! nothing is heard: `SCUMBLE_FAULTS="stall=0.1 lose=0.01"` lets every tenth table stall and every
//! hundredth lose the device, by the same chance on every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scumble_dsp::Field;

use crate::compute::{Aside, Compute, Outcome, Task, TaskId};
use crate::profile::Trace;

use super::adapter::{AdapterError, AdapterWish, Candidate, DeviceFacts};
pub use super::faults::{Chances, Fault, Faults};
use super::{
    Backend, BackendError, BackendStats, HopSink, JobTable, OpenBackend, SlotId, SlotSpec, Want,
};

/// A test that fails must not keep the worker for ever.
const LONGEST_HOLD: Duration = Duration::from_secs(20);

pub struct FaultyBackend {
    inner: Box<dyn Backend>,
    faults: Arc<Faults>,
    stalled_until: Option<Instant>,
    lost_in_flight: bool,
}

fn starved() -> BackendError {
    BackendError::OutOfMemory("injected".to_owned())
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
        !self.faults.refused_sizes.lock().contains(&n) && self.inner.is_warm(n)
    }

    fn warm_up(&self, n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send> {
        if self.faults.refused_sizes.lock().contains(&n) {
            let faults = Arc::clone(&self.faults);
            return Box::new(move || {
                faults.warm_ups.fetch_add(1, Ordering::AcqRel);
                Err(BackendError::Failed(format!("injected: size {n} does not compile")))
            });
        }
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
        if Faults::comes(&self.faults.starve_fields) {
            return Err(starved());
        }
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
        let held = Instant::now();
        while self.faults.held.load(Ordering::Acquire) && held.elapsed() < LONGEST_HOLD {
            std::thread::sleep(Duration::from_micros(200));
        }
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
                if table.jobs.iter().any(|job| job.want == Want::Output) {
                    count(&self.faults.due_stalls);
                }
                self.stalled_until = Some(Instant::now() + duration);
            }
            Some(Fault::OutOfMemory) => {
                count(&self.faults.others);
                return Err(starved());
            }
            Some(Fault::PassError) => {
                count(&self.faults.others);
                return Err(BackendError::Failed("pass `injected`: refused".to_owned()));
            }
            None => {}
        }
        self.faults.largest_table.fetch_max(table.jobs.len(), Ordering::AcqRel);
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

    fn compute(&mut self) -> Option<&mut dyn Compute> {
        self.inner.compute().is_some().then_some(self)
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

/// Passes tasks through, but for portions that lose the device or find no memory.
impl Compute for FaultyBackend {
    fn prepare(&mut self, id: TaskId, task: &Task) -> Aside<()> {
        match self.inner.compute() {
            Some(inner) => inner.prepare(id, task),
            None => Box::new(|| Err(lost())),
        }
    }

    fn start(&mut self, id: TaskId) {
        if let Some(inner) = self.inner.compute() {
            inner.start(id);
        }
    }

    fn cancel(&mut self, id: TaskId) {
        if let Some(inner) = self.inner.compute() {
            inner.cancel(id);
        }
    }

    fn submit_portion(&mut self) -> Result<bool, BackendError> {
        let Some(inner) = self.inner.compute() else { return Ok(false) };
        if Faults::comes(&self.faults.starve_portions) {
            return Err(starved());
        }
        let submitted = inner.submit_portion()?;
        if submitted && Faults::comes(&self.faults.lose_portions) {
            self.faults.losses.fetch_add(1, Ordering::AcqRel);
            return Err(lost());
        }
        Ok(submitted)
    }

    fn is_busy(&mut self) -> bool {
        self.inner.compute().is_some_and(|inner| inner.is_busy())
    }

    fn poll(&mut self, done: &mut dyn FnMut(TaskId, Aside<Outcome>)) -> Result<(), BackendError> {
        match self.inner.compute() {
            Some(inner) => inner.poll(done),
            None => Ok(()),
        }
    }

    fn portions(&mut self) -> u64 {
        self.inner.compute().map_or(0, |inner| inner.portions())
    }
}

/// Opens faulty backends around those of another opener.
pub struct OpenFaulty<O> {
    pub inner: O,
    pub faults: Arc<Faults>,
}

impl<O: OpenBackend> OpenBackend for OpenFaulty<O> {
    fn open(&self, sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        if Faults::comes(&self.faults.refuse_openings) {
            // What a driver says that has no adapter any more.
            let (wish, found) = (AdapterWish::Best, "none".to_owned());
            return Err(AdapterError::NotFound { wish, found }.into());
        }
        self.faults.openings.fetch_add(1, Ordering::AcqRel);
        Ok(Box::new(FaultyBackend {
            inner: self.inner.open(sizes)?,
            faults: Arc::clone(&self.faults),
            stalled_until: None,
            lost_in_flight: false,
        }))
    }

    fn devices(&self) -> Vec<Candidate> {
        self.inner.devices()
    }
}

impl OpenBackend for Arc<dyn OpenBackend> {
    fn open(&self, sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        (**self).open(sizes)
    }

    fn devices(&self) -> Vec<Candidate> {
        (**self).devices()
    }
}
