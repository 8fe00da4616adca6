//! Failure on demand: wraps any backend and makes it lose its device, stall, run out of memory, or
//! refuse to open again (DESIGN 5, S8). Tests drive it; so can a user who wants to hear that
//! nothing is heard: `SCUMBLE_FAULTS="stall=0.1 lose=0.01"` lets every tenth table stall and every
//! hundredth lose the device, by the same chance on every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use scumble_dsp::Field;

use crate::compute::{Aside, Compute, Outcome, Task, TaskId};
use crate::profile::Trace;

use super::adapter::{Candidate, DeviceFacts};
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

/// How long a table stalls by chance: longer than any block may wait.
const STALL_BY_CHANCE: Duration = Duration::from_millis(20);

/// A test that fails must not keep the worker for ever.
const LONGEST_HOLD: Duration = Duration::from_secs(20);

/// Faults by chance: the share of submissions that meet each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chances {
    pub stall: f64,
    pub lose: f64,
}

impl Chances {
    /// Reads words like `stall=0.1`. Says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut chances = Self::default();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let refused = || {
                format!("SCUMBLE_FAULTS: {word:?}; allowed are stall=SHARE and lose=SHARE, 0 to 1")
            };
            let (name, share) = word.split_once('=').ok_or_else(refused)?;
            let share: f64 =
                share.parse().ok().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(refused)?;
            match name {
                "stall" => chances.stall = share,
                "lose" => chances.lose = share,
                _ => return Err(refused()),
            }
        }
        Ok(chances)
    }

    /// What `SCUMBLE_FAULTS` asks for, if it is set. A mistake is told in the log.
    pub fn from_env() -> Option<Self> {
        let text = std::env::var("SCUMBLE_FAULTS").ok().filter(|text| !text.trim().is_empty())?;
        Self::parse(&text).map_err(|error| log::error!("scumble: {error}")).ok()
    }
}

/// Faults still to come, and those that happened. Shared by a test and the backend.
#[derive(Debug, Default)]
pub struct Faults {
    chances: Chances,
    /// The driver keeps the worker waiting.
    held: AtomicBool,
    /// Drawn from; a counter that is scattered over all bits.
    draws: AtomicU64,
    queue: Mutex<std::collections::VecDeque<Fault>>,
    /// Openings that shall fail, before one succeeds again.
    refuse_openings: AtomicU64,
    /// Portions of tasks that shall lose the device.
    lose_portions: AtomicU64,
    losses: AtomicU64,
    stalls: AtomicU64,
    others: AtomicU64,
    openings: AtomicU64,
}

impl Faults {
    /// Faults by chance.
    pub fn by_chance(chances: Chances) -> Self {
        Self { chances, ..Self::default() }
    }

    /// The next submission meets `fault`.
    pub fn inject(&self, fault: Fault) {
        self.queue.lock().push_back(fault);
    }

    /// From now on submitting does not return, as a driver's locks were seen to do; until `release`.
    pub fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    pub fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// The next `count` attempts to open the device fail.
    pub fn refuse_openings(&self, count: u64) {
        self.refuse_openings.store(count, Ordering::Release);
    }

    pub fn pending(&self) -> usize {
        self.queue.lock().len()
    }

    /// Lets the next `count` portions of tasks lose the device.
    pub fn lose_portions(&self, count: u64) {
        self.lose_portions.fetch_add(count, Ordering::AcqRel);
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
        self.queue.lock().pop_front().or_else(|| self.draw())
    }

    fn draw(&self) -> Option<Fault> {
        let Chances { stall, lose } = self.chances;
        let drawn = self.draws.fetch_add(1, Ordering::Relaxed) + 1;
        let mixed = drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let chance = ((mixed ^ mixed >> 29) >> 11) as f64 / (1u64 << 53) as f64;
        if chance < lose {
            Some(Fault::LoseInFlight)
        } else if chance < lose + stall {
            Some(Fault::Stall(STALL_BY_CHANCE))
        } else {
            None
        }
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

/// Passes tasks through, but for portions that lose the device.
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
        let submitted = inner.submit_portion()?;
        let lose = || {
            let left = &self.faults.lose_portions;
            left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1))
        };
        if submitted && lose().is_ok() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_chances_and_chances_become_shares() {
        let chances = Chances::parse("stall=0.1, lose=0.01").expect("two good words");
        assert_eq!(chances, Chances { stall: 0.1, lose: 0.01 });
        for bad in ["stall", "stall=2", "stall=often", "burn=0.5"] {
            assert!(Chances::parse(bad).is_err_and(|e| e.contains(bad)), "{bad}");
        }
        let faults = Faults::by_chance(chances);
        let drawn: Vec<_> = (0..10_000).filter_map(|_| faults.next()).collect();
        let losses = drawn.iter().filter(|f| **f == Fault::LoseInFlight).count();
        assert!((60..160).contains(&losses), "{losses} losses");
        let stalls = drawn.len() - losses;
        assert!((850..1150).contains(&stalls), "{stalls} stalls");
    }
}
