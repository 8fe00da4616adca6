//! Tasks on the device ([`Compute`]): portions of steps beside the hops.
//!
//! A portion is one submission of bounded cost, of as many tasks as fit: small ones go together,
//! long ones take turns. The next is submitted only when the last has ended, so that a hop waits
//! for one at most. How much a portion may cost follows from how long the last ones took.

mod job;
pub mod kernels;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::job::{Job, Preparer};
use self::kernels::Kernels;
use super::device::{Gpu, Submission};
use super::launch::{Dispatch, Launch};
use crate::backend::BackendError;
use crate::compute::steps::{RECORD, Step};
use crate::compute::{Aside, Compute, Outcome, Task, TaskId};
use crate::unified::{Access, Hint, Mapping, UnifiedBuffer, UnifiedMemory};

/// Device memory that tasks take at most; more of it is the CPU's (P6, P7).
const BUDGET_BYTES: u64 = 256 << 20;
/// Pieces of one portion at most.
const PIECES: usize = 48;
/// A portion should take less than this: a fifth of the shortest block (as `BATCH_COST`).
const PORTION_TIME: Duration = Duration::from_micros(500);
/// Cost of a portion: to begin with, and how far it may go.
const COST: u32 = 1 << 17;
const LEAST_COST: u32 = 1 << 14;
const MOST_COST: u32 = 1 << 24;

struct Portion {
    submission: Submission,
    since: Instant,
    cost: u32,
    /// Tasks whose last step it holds.
    finished: Vec<(TaskId, Job)>,
}

pub struct WgpuCompute {
    gpu: Arc<Gpu>,
    memory: UnifiedMemory,
    kernels: Arc<Kernels>,
    preparer: Arc<Preparer>,
    records: UnifiedBuffer,
    /// Prepared, not started: filled aside.
    ready: Arc<Mutex<HashMap<TaskId, Job>>>,
    running: VecDeque<(TaskId, Job)>,
    in_flight: Option<Portion>,
    /// What one portion may cost.
    cost: u32,
    /// The last portion took too long.
    slow: bool,
    portions: u64,
}

impl WgpuCompute {
    pub fn new(gpu: &Arc<Gpu>, mapping: Mapping) -> Result<Self, BackendError> {
        let memory = UnifiedMemory::new(Arc::clone(gpu), mapping, BUDGET_BYTES);
        let kernels = Kernels::new(gpu)?;
        let bytes = (PIECES * RECORD) as u64;
        let mut records = memory.create("steps", bytes, Access::ReadOnly, Hint::Streaming)?;
        // Its staging is made here, where there is no portion yet that could lack the memory.
        records.write(0, &[0u32; PIECES * RECORD / 4])?;
        let preparer = Arc::new(Preparer::new(gpu, &memory, &kernels, records.raw()));
        Ok(Self {
            gpu: Arc::clone(gpu),
            memory,
            kernels,
            preparer,
            records,
            ready: Arc::default(),
            running: VecDeque::new(),
            in_flight: None,
            cost: COST,
            slow: false,
            portions: 0,
        })
    }

    /// Device memory of tasks and their constants, in use or kept for the next.
    pub fn memory_bytes(&self) -> u64 {
        let (used, kept) = self.memory.bytes();
        used + kept
    }

    /// Encodes pieces of the running tasks, one task after the other, until the portion is full.
    fn fill(&mut self, launch: &mut Launch<'_>) -> Result<(u32, Vec<TaskId>), BackendError> {
        let (mut cost, mut pieces, mut finished) = (0u32, Vec::new(), Vec::new());
        let mut pipelines = Vec::new();
        for (number, (id, job)) in self.running.iter_mut().enumerate() {
            if pieces.len() == PIECES || (cost >= self.cost && number > 0) {
                break;
            }
            job.input.prepare(launch)?;
            job.work.prepare(launch)?;
            job.output.prepare(launch)?;
            {
                let mut constants = job.constants.lock();
                constants.turns.prepare(launch)?;
                constants.weights.prepare(launch)?;
                constants.bands.prepare(launch)?;
            }
            if !job.begun && job.adds_up {
                launch.encoder("silence").clear_buffer(job.output.raw(), 0, None);
            }
            job.begun = true;
            while pieces.len() < PIECES && cost < self.cost {
                let left = self.cost - cost;
                let Some((kernel, step, spent)) = job.cursor.next(&job.steps, left) else { break };
                pipelines.push(self.kernels.get(kernel)?);
                pieces.push((number, step));
                cost = cost.saturating_add(spent);
            }
            if job.is_done() {
                finished.push(*id);
            }
        }
        let records: Vec<u32> = pieces.iter().flat_map(|(_, step)| record(step)).collect();
        self.records.write(0, &records)?;
        self.records.prepare(launch)?;
        let dispatches: Vec<_> = pieces
            .iter()
            .zip(&pipelines)
            .enumerate()
            .map(|(place, ((number, step), pipeline))| Dispatch {
                pipeline,
                bindings: &self.running[*number].1.bindings,
                offset: Some((place * RECORD) as u32),
                workgroups: [(step.end - step.first).div_ceil(64), 1, 1],
            })
            .collect();
        launch.pass("analysis", None, &dispatches)?;
        Ok((cost, finished))
    }

    /// Takes the tasks that this portion finishes out of the running ones, their results on their
    /// way, and lets the next go first.
    fn take_finished(
        &mut self,
        launch: &mut Launch<'_>,
        ids: &[TaskId],
    ) -> Result<Vec<(TaskId, Job)>, BackendError> {
        let mut finished = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(at) = self.running.iter().position(|(running, _)| running == id) else {
                continue;
            };
            if let Some((id, mut job)) = self.running.remove(at) {
                job.output.fetch(launch)?;
                finished.push((id, job));
            }
        }
        if ids.is_empty() && !self.running.is_empty() {
            self.running.rotate_left(1);
        }
        Ok(finished)
    }

    /// Portions as long as they should be: half as much after two in a row that took too long (one
    /// may have been held up by other work), a half more after one that used all of its cost in less
    /// than half of its time.
    fn adapt(&mut self, took: Duration, cost: u32) {
        let was_slow = std::mem::replace(&mut self.slow, took > PORTION_TIME);
        if self.slow && was_slow {
            self.cost = (self.cost / 2).max(LEAST_COST);
            self.slow = false;
        } else if took < PORTION_TIME / 2 && cost >= self.cost / 2 {
            self.cost = (self.cost / 2 * 3).min(MOST_COST);
        }
    }
}

/// A step as it stands in the records: padded to the next dynamic offset.
fn record(step: &Step) -> [u32; RECORD / 4] {
    let mut words = [0; RECORD / 4];
    words[..size_of::<Step>() / 4]
        .copy_from_slice(bytemuck::cast_slice(std::slice::from_ref(step)));
    words
}

impl Compute for WgpuCompute {
    fn prepare(&mut self, id: TaskId, task: &Task) -> Aside<()> {
        let (preparer, ready) = (Arc::clone(&self.preparer), Arc::clone(&self.ready));
        let task = task.clone();
        Box::new(move || {
            let job = preparer.prepare(&task)?;
            ready.lock().insert(id, job);
            Ok(())
        })
    }

    fn start(&mut self, id: TaskId) {
        let job = self.ready.lock().remove(&id);
        self.running.extend(job.map(|job| (id, job)));
    }

    fn cancel(&mut self, id: TaskId) {
        self.ready.lock().remove(&id);
        self.running.retain(|(running, _)| *running != id);
    }

    fn submit_portion(&mut self) -> Result<bool, BackendError> {
        if self.in_flight.is_some() || self.running.is_empty() {
            return Ok(false);
        }
        let gpu = Arc::clone(&self.gpu);
        let mut launch = Launch::begin(&gpu, "analysis");
        let (cost, ids) = self.fill(&mut launch)?;
        let finished = self.take_finished(&mut launch, &ids)?;
        let submission = launch.submit()?;
        self.portions += 1;
        self.in_flight = Some(Portion { submission, since: Instant::now(), cost, finished });
        Ok(true)
    }

    fn is_busy(&mut self) -> bool {
        self.in_flight.is_some()
    }

    fn poll(&mut self, done: &mut dyn FnMut(TaskId, Aside<Outcome>)) -> Result<(), BackendError> {
        let Some(portion) = &self.in_flight else { return Ok(()) };
        self.gpu.poll()?;
        if !self.gpu.is_complete(&portion.submission) {
            return Ok(());
        }
        let Some(portion) = self.in_flight.take() else { return Ok(()) };
        self.adapt(portion.since.elapsed(), portion.cost);
        for (id, job) in portion.finished {
            done(id, job.into_reading());
        }
        Ok(())
    }

    fn portions(&mut self) -> u64 {
        self.portions
    }
}
