//! Waking the worker, cheaply (DESIGN 3): the audio thread counts; only if the worker sleeps does it
//! pay for the one system call that it is allowed (SPEC S13).
//!
//! **Who touches it.** Any thread rings; the worker alone waits. One word holds the count of rings
//! and the bit "asleep".
//!
//! **What the orderings prevent.** Ringing and falling asleep are both read-modify-writes of that one
//! word, so one comes first: either the ringer sees the bit and wakes, or the sleeper sees the count
//! and stays up. No wake-up is lost between look and sleep, and no fence is needed. The ring is a
//! Release and the worker's looks are Acquires: who is woken sees what was pushed before the ring,
//! or it would find its queues empty and sleep on a full one.
//!
//! **When the worker is late** rings add up in the count, and nobody pays for a wake-up. **When
//! nobody rings** the worker sleeps until its time is over.

use std::time::{Duration, Instant};

use super::layout::CacheLine;
use super::primitive::{Arc, AtomicU64, Ordering, Thread, order, park_timeout, unpark};

const ASLEEP: u64 = 1;
const RING: u64 = 2;

type Word = Arc<CacheLine<AtomicU64>>;

/// Makes the two ends: first the sleeper, to be moved into its thread, then, once that thread is
/// known, the bell.
pub fn doorbell() -> (UnboundDoorbell, Sleeper) {
    let word: Word = Arc::new(CacheLine(AtomicU64::new(0)));
    (UnboundDoorbell(Arc::clone(&word)), Sleeper { word, seen: 0 })
}

/// A bell whose sleeper's thread is not known yet.
#[derive(Debug)]
pub struct UnboundDoorbell(Word);

impl UnboundDoorbell {
    /// `thread` is the one that waits on the sleeper.
    pub fn bind(self, thread: Thread) -> Doorbell {
        Doorbell { word: self.0, thread }
    }
}

/// The ringing end; can be cloned.
#[derive(Debug, Clone)]
pub struct Doorbell {
    word: Word,
    thread: Thread,
}

impl Doorbell {
    /// There is something to do. One read-modify-write, and a wake-up if the worker sleeps.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    pub fn ring(&self) {
        // Release: what was pushed before is seen by whoever sees this ring.
        let before = self.word.fetch_add(RING, order("doorbell.ring", Ordering::Release));
        if before & ASLEEP != 0 {
            wake(&self.thread);
        }
    }
}

/// The one system call that the audio thread may make, and only when the worker sleeps.
#[cold]
fn wake(thread: &Thread) {
    #[cfg(rtsan)]
    // SAFETY: the pair only counts, per thread, how often checks are off.
    unsafe {
        unsafe extern "C" {
            fn __rtsan_disable();
            fn __rtsan_enable();
        }
        __rtsan_disable();
        unpark(thread);
        __rtsan_enable();
    }
    #[cfg(not(rtsan))]
    unpark(thread);
}

/// The waiting end, the worker's.
#[derive(Debug)]
pub struct Sleeper {
    word: Word,
    /// Rings that were answered.
    seen: u64,
}

impl Sleeper {
    /// Whether someone rang since the last call of this or of `sleep`; does not wait.
    pub fn rang(&mut self) -> bool {
        // Acquire: what was pushed before the ring.
        let rings = self.word.load(order("doorbell.rang", Ordering::Acquire)) / RING;
        std::mem::replace(&mut self.seen, rings) != rings
    }

    /// Sleeps until someone rings, at most for `timeout`; true if someone did. Returns at once if
    /// that was since the last call.
    pub fn sleep(&mut self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let quiet = self.seen * RING;
            // Failure means rung: Acquire, as in `rang`.
            let asleep = self.word.compare_exchange(
                quiet,
                quiet | ASLEEP,
                Ordering::Relaxed,
                order("doorbell.stay_up", Ordering::Acquire),
            );
            if let Err(word) = asleep {
                self.seen = word / RING;
                return true;
            }
            park_timeout(deadline.saturating_duration_since(Instant::now()));
            // Acquire, as in `rang`.
            let word = self.word.fetch_and(!ASLEEP, order("doorbell.wake_up", Ordering::Acquire));
            if word != quiet | ASLEEP {
                self.seen = word / RING;
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
        }
    }
}
