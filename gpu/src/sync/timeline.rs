//! Numbers that only rise, and threads that wait for them (SPEC T1, T2, T4).
//!
//! **Who touches it.** Whoever finishes work sets the value, on the worker or in a completion
//! callback. Any thread may look; that is one load. The worker, control threads and tests may wait;
//! the audio thread never does.
//!
//! **What the orderings prevent.** The value is raised with Release and looked at with Acquire: who
//! sees the number sees the work. A waiter looks at the value once more with the lock held, and a
//! setter takes the lock after raising and before notifying: so the setter either comes before that
//! look, which sees the new value, or after the waiter has gone to sleep, and then wakes it. Without
//! the lock it could notify between look and sleep, and the waiter would sleep for ever.
//!
//! **When the setter is late** a waiter sleeps; it does not spin, also when it waits for a number
//! that nobody has promised yet. Its timeout tells what it waited for and where the value stood.

use std::time::{Duration, Instant};

use super::layout::CacheLine;
use super::primitive::{AtomicU64, Condvar, Mutex, Ordering, left_out, order};

/// How long a waiter is ready to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Only look.
    None,
    AtMost(Duration),
    Forever,
}

impl From<Duration> for Patience {
    fn from(duration: Duration) -> Self {
        Self::AtMost(duration)
    }
}

/// The value was not reached in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("waited {waited:?} for timeline value {wanted}; it stands at {value}")]
pub struct WaitTimeout {
    pub wanted: u64,
    pub value: u64,
    pub waited: Duration,
}

/// A number that only rises (SPEC T1).
pub trait TimelineSignal: Send + Sync {
    /// Where it stands. One load; any thread.
    fn value(&self) -> u64;

    /// Raises it to `value`; a lower one changes nothing. True if it was raised. Not for the audio
    /// thread: it takes a lock for a moment.
    fn set(&self, value: u64) -> bool;

    /// Waits until it stands at `value` or above, and returns where it stands.
    fn wait(&self, value: u64, patience: Patience) -> Result<u64, WaitTimeout>;

    /// Whether it stands at `value` or above. One load; any thread.
    #[inline]
    fn is_reached(&self, value: u64) -> bool {
        self.value() >= value
    }
}

/// Sleeps on `changed` until `reached` gives something or patience ends.
pub(super) fn wait_on<S, R>(
    lock: &Mutex<S>,
    changed: &Condvar,
    patience: Patience,
    mut reached: impl FnMut(&mut S) -> Option<R>,
) -> Result<R, Duration> {
    let start = Instant::now();
    let mut state = lock.lock();
    loop {
        if let Some(result) = reached(&mut state) {
            return Ok(result);
        }
        let limit = match patience {
            Patience::None => return Err(Duration::ZERO),
            Patience::AtMost(limit) => limit,
            Patience::Forever => {
                changed.wait(&mut state);
                continue;
            }
        };
        // A limit beyond the clock's range is for ever.
        let Some(deadline) = start.checked_add(limit) else {
            changed.wait(&mut state);
            continue;
        };
        if changed.wait_until(&mut state, deadline).timed_out() {
            // The value may have come together with the timeout.
            return reached(&mut state).ok_or_else(|| start.elapsed());
        }
    }
}

/// A timeline that a CPU thread sets.
#[derive(Debug)]
pub struct CpuTimeline {
    value: CacheLine<AtomicU64>,
    lock: Mutex<()>,
    changed: Condvar,
}

impl CpuTimeline {
    pub fn new() -> Self {
        let value = CacheLine(AtomicU64::new(0));
        Self { value, lock: Mutex::new(()), changed: Condvar::new() }
    }
}

impl Default for CpuTimeline {
    fn default() -> Self {
        Self::new()
    }
}

impl TimelineSignal for CpuTimeline {
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn value(&self) -> u64 {
        // Acquire: the work that the number stands for.
        self.value.load(order("timeline.value", Ordering::Acquire))
    }

    fn set(&self, value: u64) -> bool {
        // Release: the work comes before the number.
        let before = self.value.fetch_max(value, order("timeline.set", Ordering::Release));
        if before < value {
            // Taken and let go: a waiter that has looked already is asleep by now.
            if !left_out("timeline.set.lock") {
                drop(self.lock.lock());
            }
            self.changed.notify_all();
        }
        before < value
    }

    fn wait(&self, wanted: u64, patience: Patience) -> Result<u64, WaitTimeout> {
        let reached = |_: &mut ()| Some(self.value()).filter(|&value| value >= wanted);
        if let Some(value) = reached(&mut ()) {
            return Ok(value);
        }
        wait_on(&self.lock, &self.changed, patience, reached).map_err(|waited| WaitTimeout {
            wanted,
            value: self.value(),
            waited,
        })
    }
}
