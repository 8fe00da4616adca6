//! Work by urgency (SPEC S5): 2 to 5 levels, each with a limit, drained by the worker into batches.
//!
//! **Who touches it.** The audio side and the editor side each push at their own end, one ring per
//! level and side, so neither can make the other wait. The worker drains. Level 0 is reserved for
//! the audio side.
//!
//! **What the orderings prevent** is rtrb's business; this module adds no shared word. Pushing does
//! not wake the worker: that is [`super::doorbell()`], once per block, after all pushes.
//!
//! **When the worker is late** a level fills and refuses, handing the command back. **When urgent
//! work never ends** the lower levels are held back, but not for ever: each time that happens a level
//! ages, and at the end of its patience one of its commands goes with the urgent ones.

use super::metrics::LEVELS_MAX;
use super::primitive::rtrb::{self, Consumer, Producer, PushError, RingBuffer};

/// Something that can queue.
pub trait Command {
    /// How much of a batch it takes, in units of the caller's; at least 1. Must not change.
    fn cost(&self) -> u32 {
        1
    }
}

/// What is fixed about one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelShape {
    /// Commands that may wait, for each side.
    pub limit: usize,
    /// The most that a single command may cost, and all of this level in one batch.
    pub batch_cost: u32,
    /// Drains that this level can be held back in a row before one command goes all the same.
    pub patience_drains: u32,
}

/// What is fixed about a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueShape {
    levels: usize,
    shapes: [LevelShape; LEVELS_MAX],
}

impl QueueShape {
    /// A queue of 2 to 5 levels (`priorityLevels` of the config): much room and no patience for the
    /// urgent, bounded batches and more patience the further down.
    pub fn new(levels: usize) -> Result<Self, QueueError> {
        if !(2..=LEVELS_MAX).contains(&levels) {
            return Err(QueueError::Levels { found: levels });
        }
        let shapes = std::array::from_fn(|level| match level {
            0 => LevelShape { limit: 256, batch_cost: 256, patience_drains: 0 },
            _ => LevelShape { limit: 64, batch_cost: 16, patience_drains: 8 << level },
        });
        Ok(Self { levels, shapes })
    }

    /// With another shape for one level.
    pub fn with_level(mut self, level: usize, shape: LevelShape) -> Result<Self, QueueError> {
        let levels = self.levels;
        if level >= levels {
            return Err(QueueError::NoSuchLevel { found: level, levels });
        }
        if shape.limit == 0 || shape.batch_cost == 0 {
            return Err(QueueError::Empty { level });
        }
        self.shapes[level] = shape;
        Ok(self)
    }

    pub fn levels(&self) -> usize {
        self.levels
    }

    pub fn level(&self, level: usize) -> LevelShape {
        self.shapes[level]
    }
}

/// No queue can be made like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("{found} levels asked for; 2 to 5 are allowed")]
    Levels { found: usize },
    #[error("level {found} does not exist; there are {levels}")]
    NoSuchLevel { found: usize, levels: usize },
    #[error("level {level} has a limit or a batch cost of 0; both must be at least 1")]
    Empty { level: usize },
}

/// Why a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("level {level} holds {limit} commands, which is its limit")]
    Full { level: usize, limit: usize },
    #[error("a cost of {cost} is above the {limit} that level {level} allows: split the work")]
    TooBig { level: usize, cost: u32, limit: u32 },
    #[error("level {level} is reserved for the audio side")]
    Reserved { level: usize },
    #[error("level {level} does not exist; there are {levels}")]
    NoSuchLevel { level: usize, levels: usize },
}

/// A refused command, handed back.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<T> {
    pub command: T,
    pub reason: Refusal,
}

/// The three ends of a queue.
#[derive(Debug)]
pub struct CommandQueue<T> {
    /// For the audio thread.
    pub audio: CommandSender<T>,
    /// For the editor or the host's main thread.
    pub editor: CommandSender<T>,
    pub worker: CommandReceiver<T>,
}

impl<T: Command> CommandQueue<T> {
    /// All memory is allocated here.
    pub fn new(shape: QueueShape) -> Self {
        let mut ends: [_; 2] = std::array::from_fn(|_| (Vec::new(), Vec::new()));
        for level in 0..shape.levels {
            for (producers, consumers) in &mut ends {
                let (producer, consumer) = RingBuffer::new(shape.shapes[level].limit);
                producers.push(producer);
                consumers.push(consumer);
            }
        }
        let [(audio, from_audio), (editor, from_editor)] = ends;
        let sender = |levels, first_level| CommandSender { shape, levels, first_level, refused: 0 };
        let from: Vec<_> = from_audio.into_iter().zip(from_editor).map(<[_; 2]>::from).collect();
        Self {
            audio: sender(audio, 0),
            editor: sender(editor, 1),
            worker: CommandReceiver {
                shape,
                from,
                turn: 0,
                age: [0; LEVELS_MAX],
                taken: [0; LEVELS_MAX],
            },
        }
    }
}

/// One side's end. Wait-free.
#[derive(Debug)]
pub struct CommandSender<T> {
    shape: QueueShape,
    levels: Vec<Producer<T>>,
    first_level: usize,
    refused: u64,
}

impl<T: Command> CommandSender<T> {
    /// Queues `command` at `level`, or hands it back.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    pub fn push(&mut self, level: usize, command: T) -> Result<(), Refused<T>> {
        let Some(queue) = self.levels.get_mut(level) else {
            let levels = self.shape.levels;
            return self.refuse(command, Refusal::NoSuchLevel { level, levels });
        };
        if level < self.first_level {
            return self.refuse(command, Refusal::Reserved { level });
        }
        let LevelShape { limit, batch_cost, .. } = self.shape.shapes[level];
        let cost = command.cost();
        if cost > batch_cost {
            return self.refuse(command, Refusal::TooBig { level, cost, limit: batch_cost });
        }
        match queue.push(command) {
            Ok(()) => Ok(()),
            Err(PushError::Full(command)) => self.refuse(command, Refusal::Full { level, limit }),
        }
    }

    #[cold]
    fn refuse(&mut self, command: T, reason: Refusal) -> Result<(), Refused<T>> {
        self.refused += 1;
        Err(Refused { command, reason })
    }

    /// Commands of this side that wait at `level`, and how many may.
    #[cfg(not(loom))]
    pub fn waiting(&self, level: usize) -> Option<(usize, usize)> {
        let limit = self.shape.shapes.get(level)?.limit;
        Some((limit - self.levels.get(level)?.slots().min(limit), limit))
    }

    /// Commands refused since creation.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// Commands that go into one submission. Keep it and drain into it again: it does not allocate.
#[derive(Debug)]
pub struct Batch<T> {
    commands: Vec<(usize, T)>,
    count_limit: usize,
    cost: u32,
    cost_limit: u32,
}

impl<T: Command> Batch<T> {
    /// Room for `commands` commands that cost `cost_limit` together. Commands at the end of their
    /// patience, at most one a level, go on top of that: a full batch must not starve them.
    pub fn new(commands: usize, cost_limit: u32) -> Self {
        let count_limit = commands.max(1);
        let commands = Vec::with_capacity(count_limit + LEVELS_MAX);
        Self { commands, count_limit, cost: 0, cost_limit }
    }

    /// The commands with their levels, in the order in which they go.
    pub fn commands(&self) -> &[(usize, T)] {
        &self.commands
    }

    /// Takes the commands out, leaving the batch ready for the next drain.
    pub fn take(&mut self) -> std::vec::Drain<'_, (usize, T)> {
        self.cost = 0;
        self.commands.drain(..)
    }

    pub fn cost(&self) -> u32 {
        self.cost
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// An empty batch takes any command, or one above its limit would block its level for ever.
    fn fits(&self, cost: u32) -> bool {
        let room = self.commands.len() < self.count_limit;
        room && (self.commands.is_empty() || self.cost.saturating_add(cost) <= self.cost_limit)
    }

    /// Whether a command at the end of its patience can go on top; false only for a caller that
    /// drains many times without taking anything out.
    fn has_headroom(&self) -> bool {
        self.commands.len() < self.commands.capacity()
    }

    fn add(&mut self, level: usize, command: T, cost: u32) {
        self.cost = self.cost.saturating_add(cost);
        self.commands.push((level, command));
    }
}

/// The worker's end.
#[derive(Debug)]
pub struct CommandReceiver<T> {
    shape: QueueShape,
    /// By level, then by side.
    from: Vec<[Consumer<T>; 2]>,
    /// Which side goes first next time.
    turn: usize,
    /// Drains for which a level has been held back.
    age: [u32; LEVELS_MAX],
    taken: [u64; LEVELS_MAX],
}

impl<T: Command> CommandReceiver<T> {
    /// Fills `batch` with what goes into the next submission, most urgent first. `high_due` tells
    /// that urgent work waits outside the queue (hops of a block), which holds the lower levels back
    /// as urgent commands do.
    pub fn drain(&mut self, high_due: bool, batch: &mut Batch<T>) {
        self.drain_open(high_due, |_| true, batch);
    }

    /// As [`Self::drain`], of the levels that are open. A closed one has no place for what waits
    /// there, however urgent: it keeps its commands, and holds no other level back meanwhile.
    pub fn drain_open(
        &mut self,
        high_due: bool,
        is_open: impl Fn(usize) -> bool,
        batch: &mut Batch<T>,
    ) {
        let mut held_back = high_due;
        for level in 0..self.shape.levels {
            if self.is_level_empty(level) {
                self.age[level] = 0;
                continue;
            }
            if !is_open(level) {
                continue;
            }
            let LevelShape { batch_cost, patience_drains, .. } = self.shape.shapes[level];
            let mut taken = 0;
            if level == 0 || !held_back {
                taken = self.take(level, batch_cost, batch);
            }
            // Held back, or left out of full batches, for long enough.
            let patient = level == 0 || self.age[level] < patience_drains;
            if taken == 0 && !patient && batch.has_headroom() {
                taken = self.take_one(level, batch);
            }
            self.age[level] = if taken > 0 { 0 } else { self.age[level].saturating_add(1) };
            // Urgent commands hold back by being there; others only by what they left behind.
            held_back |= level == 0 || !self.is_level_empty(level);
        }
        self.turn = 1 - self.turn;
    }

    /// Takes commands of one level, the two sides in turn, as long as they fit.
    fn take(&mut self, level: usize, cost_limit: u32, batch: &mut Batch<T>) -> u64 {
        let (mut side, mut blocked, mut cost_taken, mut taken) = (self.turn, 0, 0u32, 0);
        while blocked < 2 {
            let queue = &mut self.from[level][side];
            side = 1 - side;
            let cost = rtrb::peek(queue, |command| command.cost().max(1));
            let Some(cost) = cost
                .filter(|&cost| cost_taken.saturating_add(cost) <= cost_limit && batch.fits(cost))
            else {
                blocked += 1;
                continue;
            };
            let Ok(command) = queue.pop() else { break };
            batch.add(level, command, cost);
            (cost_taken, taken, blocked) = (cost_taken + cost, taken + 1, 0);
        }
        self.taken[level] += taken;
        taken
    }

    /// Takes one command whether it fits or not.
    fn take_one(&mut self, level: usize, batch: &mut Batch<T>) -> u64 {
        for side in [self.turn, 1 - self.turn] {
            if let Ok(command) = self.from[level][side].pop() {
                let cost = command.cost().max(1);
                batch.add(level, command, cost);
                self.taken[level] += 1;
                return 1;
            }
        }
        0
    }

    fn is_level_empty(&self, level: usize) -> bool {
        self.from[level].iter().all(|queue| rtrb::peek(queue, |_| ()).is_none())
    }

    /// Whether nothing waits at any level.
    pub fn is_empty(&self) -> bool {
        (0..self.shape.levels).all(|level| self.is_level_empty(level))
    }

    /// Commands taken at each level since creation.
    pub fn taken(&self) -> &[u64] {
        &self.taken[..self.shape.levels]
    }
}
