//! Work of lower priority that others hand to the worker: Medium (analysis, rasterising) and Low
//! (pictures), over the command queue of `sync` (S5).
//!
//! High work is hops, which are not commands. While hops are due, commands are held back; at the end
//! of a level's patience one goes all the same, so that nothing starves for ever. Between two looks
//! for hops at most one batch of commands runs, and batches are bounded by cost.

use crate::sync::command_queue::{
    Batch, Command, CommandQueue, CommandReceiver, CommandSender, LevelShape, QueueError,
    QueueShape,
};

/// A bounded piece of work. `cost` is in units of about 100 microseconds.
pub struct Work {
    cost: u32,
    run: Box<dyn FnOnce() + Send>,
}

impl Work {
    pub fn new(cost: u32, run: impl FnOnce() + Send + 'static) -> Self {
        Self { cost: cost.max(1), run: Box::new(run) }
    }
}

impl Command for Work {
    fn cost(&self) -> u32 {
        self.cost
    }
}

/// Most cost of a batch: about half a millisecond, a fifth of the shortest block.
pub const BATCH_COST: u32 = 5;

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

/// The commands that the worker runs next; reused.
pub(super) struct Commands(Batch<Work>);

impl Default for Commands {
    fn default() -> Self {
        Self(Batch::new(16, BATCH_COST))
    }
}

impl Commands {
    /// Runs at most one batch of one session. True if there was any.
    pub fn run(&mut self, receiver: &mut CommandReceiver<Work>, high_due: bool) -> bool {
        receiver.drain(high_due, &mut self.0);
        let any = !self.0.is_empty();
        for (_, work) in self.0.take() {
            (work.run)();
        }
        any
    }
}
