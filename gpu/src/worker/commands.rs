//! Work of lower priority that others hand to the worker: Medium (analysis, rasterising) and Low
//! (pictures), over the command queue of `sync` (S5).
//!
//! High work is hops, which are not commands. While hops are due, commands are held back; at the end
//! of a level's patience one goes all the same, so that nothing starves for ever. A command is a
//! [`Task`]: the device computes it in portions of bounded size, one at a time and never while a hop
//! is due, so that a hop waits for one at most. Without a device the analyst's twin computes it.

use std::time::Instant;

use super::Worker;
use super::analyst::Errand;
use super::device::GIVE_UP_AFTER;
use crate::backend::BackendError;
use crate::compute::{Answer, Aside, Done, Outcome, Reply, Task, TaskError, TaskId};
use crate::engine::EngineKind;
use crate::sync::command_queue::{
    Batch, Command, CommandQueue, CommandReceiver, CommandSender, LevelShape, QueueError,
    QueueShape,
};

/// A task on its way to the worker. `cost` is in units of about 100 microseconds.
pub struct Work {
    cost: u32,
    task: Box<Task>,
    reply: Reply,
}

impl Work {
    pub fn new(task: Task) -> (Self, Answer) {
        let (reply, answer) = Reply::new();
        (Self { cost: task.cost(), task: Box::new(task), reply }, answer)
    }

    pub fn into_task(self) -> Box<Task> {
        self.task
    }
}

impl Command for Work {
    fn cost(&self) -> u32 {
        self.cost
    }
}

/// Most cost of a batch: about half a millisecond, a fifth of the shortest block.
pub const BATCH_COST: u32 = 5;
/// Tasks that are being computed at a time, of all sessions: the others wait at their levels.
const MOST_AT_A_TIME: usize = 8;
/// As many of each level below: places that no longer work of the levels above can take, so that a
/// short task has to wait for its turn among the running ones, not for the end of one.
const MOST_BELOW: usize = 2;

/// Tasks of a level that are being computed at a time; a batch may go a little over.
fn most_at(level: usize) -> usize {
    if level <= 1 { MOST_AT_A_TIME } else { MOST_BELOW }
}
/// Turns with hops due after which a portion goes all the same.
const PATIENCE_TURNS: u32 = 64;

/// The two ends of a session's queue.
pub(crate) fn queue(
    levels: usize,
) -> Result<(CommandSender<Work>, CommandReceiver<Work>), QueueError> {
    let mut shape = QueueShape::new(levels)?;
    for level in 1..levels {
        let bounded = LevelShape { limit: 64, batch_cost: BATCH_COST, patience_drains: 8 << level };
        shape = shape.with_level(level, bounded)?;
    }
    let CommandQueue { editor, worker, .. } = CommandQueue::new(shape);
    Ok((editor, worker))
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The analyst makes it ready for the device after so many others.
    Preparing {
        turnovers: u64,
    },
    OnDevice {
        turnovers: u64,
    },
    /// The analyst reads what the device has left.
    Reading,
    /// The analyst computes it.
    OnCpu,
}

struct Asked {
    id: TaskId,
    level: usize,
    task: Task,
    reply: Reply,
    stage: Stage,
}

/// The tasks that are being computed.
pub(super) struct Commands {
    batch: Batch<Work>,
    asked: Vec<Asked>,
    last_id: TaskId,
    /// Turns in which a portion was held back.
    held_turns: u32,
    /// Since when a portion is in flight.
    busy_since: Option<Instant>,
    /// The session whose commands come next.
    next_session: usize,
}

impl Default for Commands {
    fn default() -> Self {
        Self {
            batch: Batch::new(16, BATCH_COST),
            asked: Vec::with_capacity(4 * MOST_AT_A_TIME),
            last_id: 0,
            held_turns: 0,
            busy_since: None,
            next_session: 0,
        }
    }
}

impl Commands {
    /// Whether the device computes a portion, whose end nobody rings for.
    pub fn has_portion_in_flight(&self) -> bool {
        self.busy_since.is_some()
    }

    /// Whether a level has a place for one task more.
    fn is_open(asked: &[Asked], level: usize) -> bool {
        asked.iter().filter(|task| task.level == level).count() < most_at(level)
    }

    fn position(&self, id: TaskId) -> Option<usize> {
        self.asked.iter().position(|asked| asked.id == id)
    }
}

impl Worker {
    /// One step of the work below High: takes at most one batch of one session, looks at the portion
    /// in flight, submits the next. True if there may be more to do at once; while a portion is in
    /// flight there is not, so that the worker comes to its other duties between any two.
    pub(super) fn run_commands(&mut self, high_due: bool) -> bool {
        let taken = self.take_commands(high_due);
        self.leave_lost_device();
        let ended = self.look_after_portion();
        self.drop_unwanted();
        let waits = |asked: &Asked| matches!(asked.stage, Stage::OnDevice { .. });
        if !self.commands.asked.iter().any(waits) {
            self.commands.held_turns = 0;
        } else if high_due && self.commands.held_turns < PATIENCE_TURNS {
            self.commands.held_turns += 1;
        } else {
            self.submit_portion();
        }
        taken || ended
    }

    /// At most one batch of one session; the sessions take turns.
    fn take_commands(&mut self, high_due: bool) -> bool {
        let count = self.sessions.len();
        for _ in 0..count {
            self.commands.next_session = (self.commands.next_session + 1) % count;
            let Some(session) = &mut self.sessions[self.commands.next_session] else { continue };
            let Commands { batch, asked, .. } = &mut self.commands;
            let is_open = |level| Commands::is_open(asked, level);
            session.commands.drain_open(high_due, is_open, batch);
            if !self.commands.batch.is_empty() {
                let first = self.commands.asked.len();
                let Commands { batch, asked, last_id, .. } = &mut self.commands;
                for (level, Work { task, reply, .. }) in batch.take() {
                    *last_id += 1;
                    let (id, stage) = (*last_id, Stage::OnCpu);
                    asked.push(Asked { id, level, task: *task, reply, stage });
                }
                (first..self.commands.asked.len()).for_each(|at| self.begin(at));
                return true;
            }
        }
        false
    }

    /// Has a task made ready for the device, or computed by the twin.
    fn begin(&mut self, at: usize) {
        let asked = &mut self.commands.asked[at];
        let turnovers = self.device.turnovers;
        match self.device.compute() {
            Some(compute) => {
                asked.stage = Stage::Preparing { turnovers };
                let errand = Errand::Prepare(asked.id, compute.prepare(asked.id, &asked.task));
                self.give(errand);
            }
            None => self.fall_back(at),
        }
    }

    fn fall_back(&mut self, at: usize) {
        let asked = &mut self.commands.asked[at];
        asked.stage = Stage::OnCpu;
        let errand = Errand::Compute(asked.id, asked.task.clone());
        self.give(errand);
    }

    fn give(&mut self, errand: Errand) {
        // There is room for twice what can be asked at a time.
        if !self.analyst.give(errand) {
            log::error!("scumble: the analyst is gone");
        }
    }

    /// What was on a device that is gone is begun anew, by the twin.
    fn leave_lost_device(&mut self) {
        let now = self.device.turnovers;
        for at in 0..self.commands.asked.len() {
            if let Stage::Preparing { turnovers } | Stage::OnDevice { turnovers } =
                self.commands.asked[at].stage
                && turnovers != now
            {
                self.fall_back(at);
            }
        }
    }

    /// Questions that nobody waits for any more are taken off the device.
    fn drop_unwanted(&mut self) {
        let compute = self.device.compute();
        let Some(compute) = compute else { return };
        self.commands.asked.retain(|asked| {
            let on_device = matches!(asked.stage, Stage::Preparing { .. } | Stage::OnDevice { .. });
            let unwanted = on_device && asked.reply.is_unwanted();
            if unwanted {
                compute.cancel(asked.id);
            }
            !unwanted
        });
    }

    /// Looks whether the portion in flight has ended. True if it has.
    fn look_after_portion(&mut self) -> bool {
        // A device that stalls is looked at again when it is back.
        let compute = self.device.compute();
        let Some(compute) = compute.and_then(|it| it.is_busy().then_some(it)) else {
            self.commands.busy_since = None;
            return false;
        };
        let since = *self.commands.busy_since.get_or_insert_with(Instant::now);
        let mut ended = Vec::new();
        let looked = compute.poll(&mut |id, aside: Aside<Outcome>| ended.push((id, aside)));
        let busy = compute.is_busy();
        for (id, aside) in ended {
            if let Some(at) = self.commands.position(id) {
                self.commands.asked[at].stage = Stage::Reading;
                self.give(Errand::Read(id, aside));
            }
        }
        if !busy {
            self.commands.busy_since = None;
        }
        match looked {
            Ok(()) if busy && since.elapsed() > GIVE_UP_AFTER => {
                let message = format!("no answer for {} s", GIVE_UP_AFTER.as_secs());
                self.device.fail(&BackendError::Lost(message), &mut self.sessions);
            }
            Ok(()) => {}
            Err(error) => self.device.fail(&error, &mut self.sessions),
        }
        !busy
    }

    fn submit_portion(&mut self) {
        let Some(compute) = self.device.compute() else { return };
        match compute.submit_portion() {
            Ok(true) => {
                self.commands.busy_since = Some(Instant::now());
                self.commands.held_turns = 0;
            }
            Ok(false) => {}
            Err(BackendError::OutOfMemory(message)) => {
                // The hops have what they need: the device goes on with them (P7).
                log::warn!("scumble: out of GPU memory, tasks go to the CPU: {message}");
                self.leave_device();
            }
            Err(error) => self.device.fail(&error, &mut self.sessions),
        }
    }

    /// What runs on the device is begun anew, by the twin.
    fn leave_device(&mut self) {
        for at in 0..self.commands.asked.len() {
            let Asked { id, stage, .. } = &self.commands.asked[at];
            let (id, stage) = (*id, *stage);
            if !matches!(stage, Stage::OnDevice { .. }) {
                continue;
            }
            if let Some(compute) = self.device.compute() {
                compute.cancel(id);
            }
            self.fall_back(at);
        }
    }

    /// The analyst has made a task ready for the device.
    pub(super) fn prepared(&mut self, id: TaskId, result: Result<(), BackendError>) {
        let Some(at) = self.commands.position(id) else {
            // Nobody waits for it any more.
            if let Some(compute) = self.device.compute() {
                compute.cancel(id);
            }
            return;
        };
        let Stage::Preparing { turnovers } = self.commands.asked[at].stage else { return };
        if let Err(error) = &result {
            log::debug!("scumble: a task goes to the CPU: {error}");
        }
        let same = result.is_ok() && turnovers == self.device.turnovers;
        match self.device.compute() {
            Some(compute) if same => {
                compute.start(id);
                self.commands.asked[at].stage = Stage::OnDevice { turnovers };
            }
            _ => self.fall_back(at),
        }
    }

    /// The analyst has read what the device left of a task.
    pub(super) fn read(&mut self, id: TaskId, result: Result<Outcome, BackendError>) {
        let Some(at) = self.commands.position(id) else { return };
        match result {
            Ok(outcome) => self.answer(at, Ok(Done { outcome, by: EngineKind::Gpu })),
            Err(_) => self.fall_back(at),
        }
    }

    /// The twin has computed a task.
    pub(super) fn computed(&mut self, id: TaskId, result: Result<Outcome, TaskError>) {
        if let Some(at) = self.commands.position(id) {
            self.answer(at, result.map(|outcome| Done { outcome, by: EngineKind::Cpu }));
        }
    }

    fn answer(&mut self, at: usize, result: Result<Done, TaskError>) {
        self.commands.asked.remove(at).reply.give(result);
    }
}
