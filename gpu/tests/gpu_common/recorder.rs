//! A backend that writes down in which order it is asked: the CPU's hops, and a device for tasks that
//! takes its time over each portion and computes nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use scumble_dsp::Field;
use scumble_gpu::backend::adapter::DeviceFacts;
use scumble_gpu::backend::cpu::CpuBackend;
use scumble_gpu::backend::{
    Backend, BackendError, BackendStats, HopSink, JobTable, OpenBackend, SlotId, SlotSpec, Want,
};
use scumble_gpu::compute::{Aside, Compute, Outcome, Task, TaskId};

/// What happened, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The host has handed over all hops before this one.
    Due(u64),
    /// A table went out whose outputs end before this hop.
    Table(u64),
    Portion,
    PortionEnded,
    /// A task joined the running ones, of which there were so many.
    Started {
        short: bool,
        before: usize,
    },
    ShortEnded,
}

pub type Log = Arc<Mutex<Vec<Event>>>;

/// The CPU's hops, and a device for tasks that takes its time over each portion and computes
/// nothing; both write down what they are asked.
pub struct Recorder {
    hops: CpuBackend,
    log: Log,
    /// With the portions that are left of each.
    running: VecDeque<(TaskId, u32)>,
    /// Pictures, which take one portion.
    short: Vec<TaskId>,
    /// While it stands, nothing but pictures ends.
    endless: Arc<AtomicBool>,
    /// Looks until the portion in flight has ended.
    in_flight: Option<u32>,
    portions: u64,
}

/// Portions of a task, and looks at each before it has ended.
const PORTIONS: u32 = 5;
const LOOKS: u32 = 3;

impl Backend for Recorder {
    fn name(&self) -> String {
        "recorder".to_owned()
    }

    fn device(&self) -> Option<DeviceFacts> {
        None
    }

    fn is_warm(&self, n: usize) -> bool {
        self.hops.is_warm(n)
    }

    fn warm_up(&self, n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send> {
        self.hops.warm_up(n)
    }

    fn open(&mut self, slot: SlotId, spec: &SlotSpec) -> Result<(), BackendError> {
        self.hops.open(slot, spec)
    }

    fn close(&mut self, slot: SlotId) {
        self.hops.close(slot);
    }

    fn set_field(
        &mut self,
        slot: SlotId,
        which: u32,
        field: &Arc<Field>,
    ) -> Result<(), BackendError> {
        self.hops.set_field(slot, which, field)
    }

    fn set_capture(
        &mut self,
        slot: SlotId,
        which: u32,
        frame: u64,
        samples: &[f32],
    ) -> Result<(), BackendError> {
        self.hops.set_capture(slot, which, frame, samples)
    }

    fn submit(&mut self, table: &JobTable) -> Result<(), BackendError> {
        if let Some(job) = table.jobs.iter().rfind(|job| job.want == Want::Output) {
            self.log.lock().push(Event::Table(job.hop + 1));
        }
        self.hops.submit(table)
    }

    fn wait(&mut self, timeout: Duration) -> Result<bool, BackendError> {
        self.hops.wait(timeout)
    }

    fn collect(&mut self, sink: &mut HopSink<'_>) -> Result<(), BackendError> {
        self.hops.collect(sink)
    }

    fn compute(&mut self) -> Option<&mut dyn Compute> {
        Some(self)
    }

    fn stats(&self) -> BackendStats {
        self.hops.stats()
    }
}

impl Compute for Recorder {
    fn prepare(&mut self, id: TaskId, task: &Task) -> Aside<()> {
        if matches!(task, Task::Picture { .. }) {
            self.short.push(id);
        }
        Box::new(|| Ok(()))
    }

    fn start(&mut self, id: TaskId) {
        let short = self.short.contains(&id);
        let before = self.running.len();
        self.log.lock().push(Event::Started { short, before });
        self.running.push_back((id, if short { 1 } else { PORTIONS }));
    }

    fn cancel(&mut self, id: TaskId) {
        self.running.retain(|task| task.0 != id);
    }

    fn submit_portion(&mut self) -> Result<bool, BackendError> {
        if self.in_flight.is_some() || self.running.is_empty() {
            return Ok(false);
        }
        self.log.lock().push(Event::Portion);
        self.in_flight = Some(LOOKS);
        self.portions += 1;
        Ok(true)
    }

    fn is_busy(&mut self) -> bool {
        self.in_flight.is_some()
    }

    fn poll(&mut self, done: &mut dyn FnMut(TaskId, Aside<Outcome>)) -> Result<(), BackendError> {
        let Some(left) = &mut self.in_flight else { return Ok(()) };
        *left -= 1;
        if *left > 0 {
            return Ok(());
        }
        self.in_flight = None;
        self.log.lock().push(Event::PortionEnded);
        let Some((id, mut portions)) = self.running.pop_front() else { return Ok(()) };
        let short = self.short.contains(&id);
        if short || !self.endless.load(Ordering::Relaxed) {
            portions -= 1;
        }
        if portions > 0 {
            self.running.push_back((id, portions));
            return Ok(());
        }
        if short {
            self.log.lock().push(Event::ShortEnded);
        }
        done(id, Box::new(|| Ok(Outcome::Sound(Vec::new()))));
        Ok(())
    }

    fn portions(&mut self) -> u64 {
        self.portions
    }
}

#[derive(Default)]
pub struct OpenRecorder {
    pub log: Log,
    pub endless: Arc<AtomicBool>,
}

impl OpenBackend for OpenRecorder {
    fn open(&self, _sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        Ok(Box::new(Recorder {
            hops: CpuBackend::default(),
            log: Arc::clone(&self.log),
            running: VecDeque::new(),
            short: Vec::new(),
            endless: Arc::clone(&self.endless),
            in_flight: None,
            portions: 0,
        }))
    }
}
