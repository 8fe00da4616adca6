//! The fence of a half (SPEC S1, S4): one word that says whether the work that filled it is done,
//! and the watch that the worker keeps over work that is not.
//!
//! **Who touches it.** The worker signals, the audio thread looks and takes. Both may end a
//! generation: the audio thread by taking it, the worker by withdrawing it when every hop in it has
//! come too late. A compare-and-exchange decides, so exactly one of them does (edge, not level).
//!
//! **What the orderings prevent.** `signal` is a Release store and `take` an Acquire: without them
//! the audio thread could see the signal before the samples. `take` is a Release too, and the
//! worker's look at the word an Acquire: without them the worker could overwrite the half that was
//! just handed back while the audio thread's last reads of it are still under way.
//!
//! **When the other side is late.** A fence that is not signalled costs the audio thread one load,
//! and it goes its way. A half that is never taken stays signalled; the worker gets no new one and
//! goes its way too.

use std::time::{Duration, Instant};

use super::primitive::{AtomicU64, Ordering, order};

const READY: u64 = 1;

/// A view of the fence word: `generation << 1 | ready`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FenceWord<'a>(&'a AtomicU64);

/// A generation that was seen signalled; good for one attempt to take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signalled(u64);

impl Signalled {
    #[cfg(all(test, not(loom)))]
    pub fn generation(self) -> u64 {
        self.0 >> 1
    }
}

impl<'a> FenceWord<'a> {
    #[inline]
    pub fn new(word: &'a AtomicU64) -> Self {
        Self(word)
    }

    /// Worker: generation `generation` stands in its half.
    #[inline]
    pub fn signal(self, generation: u64) {
        // Release: the samples written before come before the word.
        self.0.store(generation << 1 | READY, order("fence.signal", Ordering::Release));
    }

    /// Audio thread: the one load. Relaxed, since nothing is read before `take` has succeeded.
    #[inline]
    pub fn check(self) -> Option<Signalled> {
        let word = self.0.load(Ordering::Relaxed);
        (word & READY != 0).then_some(Signalled(word))
    }

    /// Worker: whether the generation it signalled is still waiting to be taken.
    #[inline]
    pub fn waiting(self) -> Option<Signalled> {
        // Acquire: if it was taken, the reader's use of its old half is over.
        let word = self.0.load(order("fence.waiting", Ordering::Acquire));
        (word & READY != 0).then_some(Signalled(word))
    }

    /// Audio thread: takes the half, once per generation.
    #[inline]
    pub fn take(self, seen: Signalled) -> bool {
        // Acquire: the samples of the new half. Release: the reads of the old half.
        self.0
            .compare_exchange(
                seen.0,
                seen.0 & !READY,
                order("fence.take", Ordering::AcqRel),
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Worker: withdraws what nobody has taken. False if the reader was faster.
    #[inline]
    pub fn withdraw(self, seen: Signalled) -> bool {
        // Success reads nothing of the reader's. Failure means taken: Acquire as in `waiting`.
        self.0
            .compare_exchange(
                seen.0,
                seen.0 & !READY,
                Ordering::Relaxed,
                order("fence.withdraw", Ordering::Acquire),
            )
            .is_ok()
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

#[derive(Debug, Clone, Copy)]
struct Armed {
    work: u64,
    submitted: Instant,
    overdue_at: Instant,
    counted: bool,
}

/// How a piece of work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceOutcome {
    InTime {
        waited: Duration,
    },
    Late {
        waited: Duration,
        by: Duration,
    },
    /// Not armed, or signalled before: a second signal changes nothing.
    Unknown,
}

/// Every slot is in use: the caller must let work finish before it submits more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {capacity} fences are in flight; work {work} was not armed")]
pub struct FencesExhausted {
    pub work: u64,
    pub capacity: usize,
}

/// The worker's list of work under way. Owned by the worker alone: nothing here is shared, and
/// nothing allocates after `new`. A signalled fence is forgotten at once, so nothing needs cleaning.
#[derive(Debug)]
pub struct FenceWatch {
    timeout: FenceTimeout,
    armed: Vec<Armed>,
    capacity: usize,
    timeouts: u64,
}

impl FenceWatch {
    pub fn new(timeout: FenceTimeout, capacity: usize) -> Self {
        Self { timeout, armed: Vec::with_capacity(capacity), capacity, timeouts: 0 }
    }

    /// Work number `work` was submitted at `now` and is due at `deadline`.
    pub fn arm(
        &mut self,
        work: u64,
        now: Instant,
        deadline: Instant,
    ) -> Result<(), FencesExhausted> {
        if self.armed.len() == self.capacity {
            return Err(FencesExhausted { work, capacity: self.capacity });
        }
        let overdue_at = self.timeout.overdue_at(now, deadline);
        self.armed.push(Armed { work, submitted: now, overdue_at, counted: false });
        Ok(())
    }

    /// Work number `work` is complete. A late one counts as a timeout, once.
    pub fn signal(&mut self, work: u64, now: Instant) -> FenceOutcome {
        let Some(slot) = self.armed.iter().position(|armed| armed.work == work) else {
            return FenceOutcome::Unknown;
        };
        let armed = self.armed.swap_remove(slot);
        let waited = now.saturating_duration_since(armed.submitted);
        if now <= armed.overdue_at {
            return FenceOutcome::InTime { waited };
        }
        self.timeouts += u64::from(!armed.counted);
        FenceOutcome::Late { waited, by: now - armed.overdue_at }
    }

    /// Counts what is overdue at `now`, each once, and returns how many were newly found.
    pub fn sweep(&mut self, now: Instant) -> u64 {
        let mut found = 0;
        for armed in self.armed.iter_mut().filter(|armed| !armed.counted && now > armed.overdue_at)
        {
            armed.counted = true;
            found += 1;
        }
        self.timeouts += found;
        found
    }

    /// Forgets all work under way (the device was lost) and returns how much there was.
    pub fn abandon(&mut self) -> usize {
        let count = self.armed.len();
        self.armed.clear();
        count
    }

    pub fn in_flight(&self) -> usize {
        self.armed.len()
    }

    pub fn timeouts(&self) -> u64 {
        self.timeouts
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    // S1, S4
    #[test]
    fn a_generation_is_taken_once_however_often_one_asks() {
        let word = AtomicU64::new(0);
        let fence = FenceWord::new(&word);
        assert_eq!(fence.check(), None);
        fence.signal(9);
        let seen = fence.check().unwrap();
        assert_eq!(seen.generation(), 9);
        assert!(fence.take(seen));
        assert!(!fence.take(seen));
        assert!(!fence.withdraw(seen));
        assert_eq!(fence.check(), None);
    }

    #[test]
    fn what_was_withdrawn_cannot_be_taken() {
        let word = AtomicU64::new(0);
        let fence = FenceWord::new(&word);
        fence.signal(1);
        let seen = fence.check().unwrap();
        assert!(fence.withdraw(seen));
        assert!(!fence.take(seen));
        fence.signal(2);
        assert!(!fence.take(seen), "an old sighting must not take a new generation");
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

    // S4
    #[test]
    fn overdue_work_is_counted_once_and_signalled_work_forgotten() {
        let start = Instant::now();
        let mut watch = FenceWatch::new(FenceTimeout::default(), 2);
        watch.arm(1, start, start + 3 * MS).unwrap();
        watch.arm(2, start, start + 30 * MS).unwrap();
        assert_eq!(watch.arm(3, start, start + MS), Err(FencesExhausted { work: 3, capacity: 2 }));
        assert_eq!(watch.sweep(start + 3 * MS), 0);
        assert_eq!(watch.sweep(start + 4 * MS), 1);
        assert_eq!(watch.sweep(start + 4 * MS), 0);
        assert_eq!(
            watch.signal(1, start + 5 * MS),
            FenceOutcome::Late { waited: 5 * MS, by: 2 * MS }
        );
        assert_eq!(watch.timeouts(), 1);
        assert_eq!(watch.signal(1, start + 5 * MS), FenceOutcome::Unknown);
        assert_eq!(watch.signal(2, start + 5 * MS), FenceOutcome::InTime { waited: 5 * MS });
        assert_eq!(watch.in_flight(), 0);
        watch.arm(4, start, start + MS).unwrap();
        assert!(matches!(watch.signal(4, start + 2 * MS), FenceOutcome::Late { .. }));
        assert_eq!(watch.timeouts(), 2, "late without a sweep counts as well");
    }
}
