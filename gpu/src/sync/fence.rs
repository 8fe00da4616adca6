//! The fence of a half (SPEC S1, S4): one word that says how far the finished work reaches, and how long
//! the worker waits for work that is not finished.
//!
//! **Who touches it.** The worker signals: all hops below this number stand in the halves. The audio
//! thread looks, and takes the half if it reaches further than what it has had and than what it has
//! given up; then it says which generation it took. Each word has one writer, and a half has one
//! owner by a rule that both sides can work out: *a half whose hops have all been asked for, and
//! that was not taken before, is never taken.* So the worker may withdraw it, and no
//! compare-and-exchange is needed to decide between the two.
//!
//! **What the orderings prevent.** `signal` is a Release store and `reached` an Acquire load:
//! without them the audio thread could see the signal before the samples. `hand_back` is a Release
//! and the worker's look at it an Acquire: without them the worker could overwrite the half that was
//! just handed back while the audio thread's last reads of it are still under way. Asking for a
//! hop is a Release too (`cursor.rs`), and the worker's look at that an Acquire: without them
//! the worker could see that all was asked for before it sees that the half was taken first.
//!
//! **When the other side is late.** A fence that reaches no further costs the audio thread one load,
//! and it goes its way. A half that is never taken stays signalled; the worker gets no new one until
//! its hops are given up, and goes its way too.

use std::time::{Duration, Instant};

use super::layout::ControlBlock;
use super::primitive::{Ordering, order};

/// The fence of a double buffer, over the words of its control block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HalfFence<'a>(&'a ControlBlock);

/// What became of a half that was signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The reader may still take it.
    Waiting,
    /// The reader has it, and handed its old one back.
    Taken,
    /// Its hops were given up before it was taken: it will never be.
    Withdrawn,
}

impl<'a> HalfFence<'a> {
    #[inline]
    pub fn new(control: &'a ControlBlock) -> Self {
        Self(control)
    }

    /// Worker: the hops below `hop` stand in their half. Must rise.
    #[inline]
    pub fn signal(self, hop: u64) {
        // Release: the samples written before come before the word.
        self.0.fence.status.store(hop, order("fence.signal", Ordering::Release));
    }

    /// Audio thread: the one load.
    #[inline]
    pub fn reached(self) -> u64 {
        // Acquire: the samples of the half come after the word.
        self.0.fence.status.load(order("fence.reached", Ordering::Acquire))
    }

    /// Audio thread: it has taken `generation`, and is done with the half that it had before.
    #[inline]
    pub fn hand_back(self, generation: u64) {
        // Release: our reads of the old half come before the writer's next use of it.
        self.0.reader.read_index.store(generation, order("fence.hand_back", Ordering::Release));
    }

    /// Worker: what became of `generation`, the last that it signalled, which reaches to `hop`.
    pub fn fate(self, generation: u64, hop: u64) -> Fate {
        let reader = &self.0.reader;
        // Acquire: if it was taken, the reader's use of its old half is over.
        if reader.read_index.load(order("fence.fate", Ordering::Acquire)) == generation {
            return Fate::Taken;
        }
        // Acquire: if it was taken before its last hop was asked for, the next look sees that.
        if reader.asked_to.load(order("fence.given_up", Ordering::Acquire)) < hop {
            return Fate::Waiting;
        }
        match reader.read_index.load(Ordering::Relaxed) == generation {
            true => Fate::Taken,
            false => Fate::Withdrawn,
        }
    }
}

/// How long work may take: the configured limit, or the block's real deadline if that is nearer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FenceTimeout {
    configured: Duration,
}

impl FenceTimeout {
    pub const MIN: Duration = Duration::from_millis(1);
    pub const MAX: Duration = Duration::from_millis(10);
    pub const DEFAULT: Duration = Duration::from_millis(5);

    /// `configured` is kept within 1 to 10 ms; the config refuses other values before this.
    pub fn new(configured: Duration) -> Self {
        Self { configured: configured.clamp(Self::MIN, Self::MAX) }
    }

    pub fn configured(self) -> Duration {
        self.configured
    }

    /// When work that is submitted at `now` and due at `deadline` counts as overdue.
    pub fn overdue_at(self, now: Instant, deadline: Instant) -> Instant {
        (now + self.configured).min(deadline)
    }
}

impl Default for FenceTimeout {
    fn default() -> Self {
        Self { configured: Self::DEFAULT }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::transport::{Buffering, HopShape};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    // S1, S4
    #[test]
    fn a_signalled_half_waits_until_it_is_taken_or_given_up() {
        let shape = HopShape {
            channels: 1,
            hop_samples: 1,
            max_block_samples: 1,
            sample_rate_hz: 48_000.0,
            buffer_size_bytes: 4,
        };
        let storage = shape.storage(Buffering::Double, 0).unwrap();
        let control = storage.control();
        let fence = HalfFence::new(control);
        assert_eq!(fence.reached(), 0);
        fence.signal(9);
        assert_eq!(fence.reached(), 9);
        assert_eq!(fence.fate(1, 9), Fate::Waiting);
        control.reader.asked_to.store(8, Ordering::Relaxed);
        assert_eq!(fence.fate(1, 9), Fate::Waiting, "hop 8 may still be asked for");
        control.reader.asked_to.store(9, Ordering::Relaxed);
        assert_eq!(fence.fate(1, 9), Fate::Withdrawn);
        fence.hand_back(1);
        assert_eq!(fence.fate(1, 9), Fate::Taken);
        assert_eq!(fence.fate(2, 10), Fate::Waiting);
    }

    // S4
    #[test]
    fn the_nearer_of_limit_and_deadline_counts() {
        let now = Instant::now();
        let timeout = FenceTimeout::default();
        assert_eq!(timeout.overdue_at(now, now + 2 * MS), now + 2 * MS);
        assert_eq!(timeout.overdue_at(now, now + 90 * MS), now + 5 * MS);
        assert_eq!(FenceTimeout::new(Duration::ZERO).configured(), MS);
        assert_eq!(FenceTimeout::new(60 * MS).configured(), 10 * MS);
    }
}
