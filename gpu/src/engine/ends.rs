//! The two ends of a session: what the audio thread may do, and what everybody else may (S6).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytemuck::{Pod, Zeroable};
use parking_lot::Mutex;
use scumble_dsp::{Field, FrameParams};

use super::EngineOptions;
use super::session::Lease;
use super::state::{EngineKind, EngineState, SharedState};
use crate::backend::adapter::{AdapterWish, Candidate};
use crate::command::{Operation, Priority};
use crate::compute::{Answer, Task};
use crate::sync::command_queue::{CommandSender, Refused};
use crate::sync::doorbell::Doorbell;
use crate::sync::ring::{FrameWriter, RingFull};
use crate::sync::{
    Counter, HopReader, HopStatus, MetricsReader, MetricsSnapshot, MetricsWriter, ReadHops,
};
use crate::worker::Message;
use crate::worker::commands::Work;

/// What goes before the samples of a hop on its way to the worker.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(crate) struct HopHeader {
    /// Nanoseconds since the session was opened: low word, high word.
    nanos: [u32; 2],
    pub params: FrameParams,
}

impl HopHeader {
    pub fn nanos(&self) -> u64 {
        u64::from(self.nanos[0]) | u64::from(self.nanos[1]) << 32
    }
}

/// A field on its way to the worker.
pub(crate) struct FieldMessage {
    pub slot: u32,
    pub field: Arc<Field>,
    /// The first hop that may use it: the worker has it before that hop.
    pub before_hop: u64,
}

/// The audio thread's end: wait-free, allocation-free; not cloneable. Drop it elsewhere.
pub struct AudioEnd {
    origin: Instant,
    hops: FrameWriter<HopHeader>,
    fields: rtrb::Producer<FieldMessage>,
    due_to: Arc<AtomicU64>,
    bell: Option<Doorbell>,
    reader: HopReader,
    metrics: MetricsWriter,
    state: Arc<SharedState>,
    next_hop: u64,
    hop_floats: usize,
    /// Hops that were asked for in vain before this block, and blocks in which one was.
    misses: u64,
    underflows: u64,
    /// Keeps the session open.
    _lease: Arc<Lease>,
}

impl AudioEnd {
    pub(super) fn new(
        lease: Arc<Lease>,
        origin: Instant,
        hops: FrameWriter<HopHeader>,
        fields: rtrb::Producer<FieldMessage>,
        due_to: Arc<AtomicU64>,
        reader: HopReader,
        metrics: MetricsWriter,
        state: Arc<SharedState>,
        hop_floats: usize,
    ) -> Self {
        let bell = lease.engine.mailbox().bell();
        Self {
            origin,
            hops,
            fields,
            due_to,
            bell,
            reader,
            metrics,
            state,
            next_hop: 0,
            hop_floats,
            misses: 0,
            underflows: 0,
            _lease: lease,
        }
    }

    /// Audio thread: hop `n`, one slice of the hop's length per channel. Numbers rise by one.
    ///
    /// An error means that the worker is a second behind: the hop was not taken and will not come.
    /// Those that follow do come, as if there had been silence up to here: rescue the ones that have
    /// it in their history.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn push_hop(
        &mut self,
        n: u64,
        inputs: &[&[f32]],
        params: &FrameParams,
    ) -> Result<(), RingFull> {
        self.next_hop = n + 1;
        let nanos = self.origin.elapsed().as_nanos() as u64;
        let header = HopHeader { nanos: [nanos as u32, (nanos >> 32) as u32], params: *params };
        self.hops.push(n, &header, inputs)
    }

    /// Audio thread, at the end of each host block: the hops pushed so far are due together. Wakes
    /// the worker if it sleeps.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn end_block(&mut self) {
        // Release: the worker that sees the mark finds the hops in the ring.
        self.due_to.store(self.next_hop, Ordering::Release);
        if let Some(bell) = &self.bell {
            bell.ring();
        }
        let (stats, overflows) = (self.reader.stats(), self.hops.overflows());
        let waiting = self.hops.waiting(self.hop_floats) as u64;
        self.underflows += u64::from(stats.misses > self.misses);
        self.misses = stats.misses;
        let underflows = self.underflows;
        self.metrics.update(|update| {
            update.reader(stats);
            update.set(Counter::Underflows, underflows);
            update.set(Counter::Overflows, overflows);
            update.set(Counter::HopsWaiting, waiting);
        });
    }

    /// Audio thread: copies output hop `n` into `out`, if it is there: one atomic load if not.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn read_hop(&mut self, n: u64, out: &mut [&mut [f32]]) -> HopStatus {
        self.reader.read_hop(n, out)
    }

    /// Audio thread: hops below `n` will not be asked for; numbers go on from there.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn skip_to(&mut self, n: u64) {
        self.reader.give_up_below(n);
    }

    /// Whether [`Self::read_hop`] need not wait for hop `n`: it is there, or will never come. For
    /// tests and offline pulls, which may wait; a hop once asked for and not there is given up.
    pub fn is_ready(&mut self, n: u64) -> bool {
        self.reader.is_decided(n)
    }

    /// Whether a half waits to be taken, whatever stands in it: one load.
    pub fn is_signalled(&self) -> bool {
        self.reader.is_signalled()
    }

    /// Audio thread: puts a field into `slot` (from `Framer::switch_field`) before the next hop is
    /// pushed. Hands it back when too many are on their way; try again with the next block.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn set_field(&mut self, slot: u32, field: Arc<Field>) -> Result<(), Arc<Field>> {
        let message = FieldMessage { slot, field, before_hop: self.next_hop };
        self.fields.push(message).map_err(|rtrb::PushError::Full(message)| message.field)
    }

    /// Who computes at present: one load.
    pub fn kind(&self) -> EngineKind {
        self.state.kind()
    }

    /// The audio thread's pen for counts and durations (rescues, callback time).
    pub fn metrics(&mut self) -> &mut MetricsWriter {
        &mut self.metrics
    }
}

/// The control side's end: signals and figures, no audio. Any thread but the audio thread.
#[derive(Clone)]
pub struct ControlEnd {
    lease: Arc<Lease>,
    metrics: MetricsReader,
    commands: Arc<Mutex<CommandSender<Work>>>,
    levels: usize,
    state: Arc<SharedState>,
    /// Hops that may be on their way to the worker.
    hops_limit: usize,
}

/// How full one level of a session's queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelUse {
    pub waiting: usize,
    pub limit: usize,
}

impl ControlEnd {
    pub(super) fn new(
        lease: Arc<Lease>,
        metrics: MetricsReader,
        commands: CommandSender<Work>,
        levels: usize,
        state: Arc<SharedState>,
        hops_limit: usize,
    ) -> Self {
        Self { lease, metrics, commands: Arc::new(Mutex::new(commands)), levels, state, hops_limit }
    }

    /// How full the queues are, most urgent first: hops on their way in, then commands.
    pub fn queues(&self) -> Vec<LevelUse> {
        let hops = self.metrics().count(Counter::HopsWaiting) as usize;
        let high = LevelUse { waiting: hops, limit: self.hops_limit };
        let commands = self.commands.lock();
        let below = (1..self.levels).filter_map(|level| commands.waiting(level));
        let below = below.map(|(waiting, limit)| LevelUse { waiting, limit });
        std::iter::once(high).chain(below).collect()
    }

    /// Asks for a task, to be computed when no hop is due: pictures go to the Low level, all else to
    /// Medium. The result will stand in the answer. Hands the task back when its level is full.
    pub fn ask(&self, task: Task) -> Result<Answer, Refused<Box<Task>>> {
        let (priority, operation) = match task {
            Task::Picture { .. } => (Priority::Low, Operation::Visualize),
            _ => (Priority::Medium, Operation::Analyze),
        };
        let (work, answer) = Work::new(task);
        match self.submit(priority, operation, work) {
            Ok(()) => Ok(answer),
            Err(Refused { command, reason }) => {
                Err(Refused { command: command.into_task(), reason })
            }
        }
    }

    /// As [`Self::ask`], at the level that `operation` and `priority` decide (S5).
    pub fn submit(
        &self,
        priority: Priority,
        operation: Operation,
        work: Work,
    ) -> Result<(), Refused<Work>> {
        // High is the audio side's alone; here it means the most urgent below.
        let level = crate::command::level(priority, operation, self.levels).max(1);
        self.commands.lock().push(level, work)?;
        if let Some(bell) = self.lease.engine.mailbox().bell() {
            bell.ring();
        }
        Ok(())
    }

    /// Who computes the sound, and why.
    pub fn state(&self) -> EngineState {
        self.state.get()
    }

    /// Has the engine use another adapter from now on, for all its sessions: the best that this
    /// build has for `wish`. The CPU covers meanwhile.
    pub fn use_adapter(&self, wish: AdapterWish) {
        let options = EngineOptions { adapter: wish, opener: None, real_time: false };
        self.lease.engine.mailbox().post(Message::Device(options.opener()));
    }

    /// Asks the system what devices there are; [`Self::devices`] tells, some time later.
    pub fn look_for_devices(&self) {
        self.lease.engine.mailbox().post(Message::ListDevices);
    }

    /// The devices that were found last; `None` before the first look has ended.
    pub fn devices(&self) -> Option<Arc<[Candidate]>> {
        self.lease.engine.mailbox().devices()
    }

    pub fn metrics(&self) -> MetricsSnapshot {
        let refused = self.commands.lock().refused();
        self.metrics.snapshot().with(Counter::CommandsRefused, refused)
    }

    /// The recent past of worker and device as a Chrome trace (P8); waits up to ten seconds for
    /// the worker to write it. `None` if it did not.
    pub fn trace(&self) -> Option<String> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.lease.engine.mailbox().post(Message::Trace(sender));
        receiver.recv_timeout(std::time::Duration::from_secs(10)).ok()
    }
}
