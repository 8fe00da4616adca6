//! The timeline of a device (SPEC T3, T4, T5): what was submitted, and what is complete.
//!
//! **Who touches it.** One thread at a time submits (`DeviceQueue` cannot be cloned; the device keeps it
//! under the lock that submitting takes) and gets a [`Ticket`]. The ticket goes into the completion callback, or stays with the worker until the
//! results stand where they belong, and is completed once. Any thread may look or wait.
//!
//! **Submitted and completed are two counters.** Recording or submitting moves only the first. The
//! second rises over a row of completed submissions without a gap, so a value that is reached means
//! that everything up to it is done, also when a driver reports out of order.
//!
//! **The ring.** A fixed number of submissions is in flight. The place of a submission is used again
//! only when it is complete *and* nobody waits for it: a waiter that is slow to wake still finds its
//! own outcome, not that of the submission that came round. Until then `submit` refuses.
//!
//! **What the orderings prevent.** `completed` is stored with Release and looked at with Acquire: who
//! sees the number sees the results. Places, outcomes and waiters are behind the lock; the sleep is
//! that of [`super::timeline`].
//!
//! **When the device is lost** tickets are dropped uncompleted: they count as failed, the value moves
//! on, and nobody waits for ever.

use super::layout::CacheLine;
use super::primitive::{Arc, AtomicU64, Condvar, Mutex, Ordering, left_out, order};
use super::timeline::{Patience, TimelineSignal, WaitTimeout, wait_on};

/// How a submission ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    /// The device was lost, or the ticket was dropped.
    Failed,
}

/// Too many submissions in flight; nothing was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("{capacity} submissions are in flight already; {completed} are complete")]
    Full { capacity: usize, completed: u64 },
    #[error("a waiter still looks at submission {submission}, whose place is needed")]
    Watched { submission: u64 },
}

#[derive(Debug, Clone, Copy)]
struct Place {
    value: u64,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
struct Ring {
    places: Box<[Place]>,
    /// Values that somebody waits for.
    watched: Vec<u64>,
}

impl Ring {
    fn place(&mut self, value: u64) -> &mut Place {
        let index = (value % self.places.len() as u64) as usize;
        &mut self.places[index]
    }
}

#[derive(Debug)]
struct Shared {
    submitted: CacheLine<AtomicU64>,
    completed: CacheLine<AtomicU64>,
    ring: Mutex<Ring>,
    changed: Condvar,
}

impl Shared {
    /// Notes the end of submissions and moves `completed` over all that ended without a gap.
    fn finish(&self, values: std::ops::RangeInclusive<u64>, outcome: Outcome) -> bool {
        let mut ring = self.ring.lock();
        let before = self.completed.load(Ordering::Relaxed);
        for value in values {
            let place = ring.place(value);
            if place.value == value && place.outcome.is_none() {
                place.outcome = Some(outcome);
            }
        }
        let mut completed = before;
        loop {
            let next = ring.place(completed + 1);
            if next.value != completed + 1 || next.outcome.is_none() {
                break;
            }
            completed += 1;
        }
        // Release: the results come before the number.
        self.completed.store(completed, order("device.complete", Ordering::Release));
        drop(ring);
        if completed > before {
            self.changed.notify_all();
        }
        completed > before
    }
}

/// Makes a timeline with room for `capacity` submissions in flight.
pub fn device_timeline(capacity: usize) -> (DeviceQueue, DeviceTimeline) {
    let empty = Place { value: 0, outcome: Some(Outcome::Completed) };
    let ring = Ring { places: vec![empty; capacity.max(1)].into(), watched: Vec::with_capacity(8) };
    let shared = Arc::new(Shared {
        submitted: CacheLine(AtomicU64::new(0)),
        completed: CacheLine(AtomicU64::new(0)),
        ring: Mutex::new(ring),
        changed: Condvar::new(),
    });
    (DeviceQueue { shared: Arc::clone(&shared) }, DeviceTimeline { shared })
}

/// The submitting end.
#[derive(Debug)]
pub struct DeviceQueue {
    shared: Arc<Shared>,
}

impl DeviceQueue {
    /// Takes the next number. Call it before the driver's submit, and drop the ticket if that fails.
    pub fn submit(&mut self) -> Result<Ticket, SubmitError> {
        let shared = &self.shared;
        let value = shared.submitted.load(Ordering::Relaxed) + 1;
        let mut ring = shared.ring.lock();
        let before = *ring.place(value);
        let completed = shared.completed.load(Ordering::Relaxed);
        if before.value > completed {
            return Err(SubmitError::Full { capacity: ring.places.len(), completed });
        }
        let watched = before.value > 0 && ring.watched.contains(&before.value);
        if watched && !left_out("device.submit.watched") {
            return Err(SubmitError::Watched { submission: before.value });
        }
        *ring.place(value) = Place { value, outcome: None };
        drop(ring);
        // Relaxed: nothing is read on the strength of a submission.
        shared.submitted.store(value, Ordering::Relaxed);
        Ok(Ticket { shared: Arc::clone(shared), value })
    }
}

/// A submission in flight. Dropped without `complete` it counts as failed.
#[derive(Debug)]
#[must_use = "a ticket that is dropped counts as a failed submission"]
pub struct Ticket {
    shared: Arc<Shared>,
    value: u64,
}

impl Ticket {
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The device has finished and the results stand where they belong. May be called in a
    /// completion callback: the lock is held for a few instructions and never while waiting.
    pub fn complete(self) {
        self.shared.finish(self.value..=self.value, Outcome::Completed);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // After `complete` this changes nothing: an outcome is noted once.
        self.shared.finish(self.value..=self.value, Outcome::Failed);
    }
}

/// The looking and waiting end; can be cloned.
#[derive(Debug, Clone)]
pub struct DeviceTimeline {
    shared: Arc<Shared>,
}

impl DeviceTimeline {
    /// The number of the newest submission.
    pub fn submitted(&self) -> u64 {
        self.shared.submitted.load(Ordering::Relaxed)
    }

    /// Submissions that have not ended.
    pub fn in_flight(&self) -> u64 {
        let completed = self.value();
        self.submitted().saturating_sub(completed)
    }

    /// Threads that wait. Takes the lock for a moment.
    pub fn waiting(&self) -> usize {
        self.shared.ring.lock().watched.len()
    }

    /// Waits for the end of submission `value` and tells how it ended. `Ok(None)`: it ended so long
    /// ago that its place has been used again. A value that was never submitted is slept for.
    pub fn wait_outcome(
        &self,
        wanted: u64,
        patience: Patience,
    ) -> Result<Option<Outcome>, WaitTimeout> {
        let shared = &self.shared;
        // Before the look at the value: from here on the place stays as it is once it is ours.
        shared.ring.lock().watched.push(wanted);
        let ended = wait_on(&shared.ring, &shared.changed, patience, |ring| {
            if shared.completed.load(Ordering::Acquire) < wanted {
                return None;
            }
            let place = *ring.place(wanted);
            Some(place.outcome.filter(|_| place.value == wanted))
        });
        let mut ring = shared.ring.lock();
        if let Some(found) = ring.watched.iter().position(|&watched| watched == wanted) {
            ring.watched.swap_remove(found);
        }
        drop(ring);
        ended.map_err(|waited| WaitTimeout { wanted, value: self.value(), waited })
    }
}

impl TimelineSignal for DeviceTimeline {
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn value(&self) -> u64 {
        // Acquire: the results that the number stands for.
        self.shared.completed.load(order("device.value", Ordering::Acquire))
    }

    /// Ends, as completed, every submission up to `value`; what was not submitted stays open.
    fn set(&self, value: u64) -> bool {
        let first = self.value() + 1;
        let last = value.min(self.submitted());
        first <= last && self.shared.finish(first..=last, Outcome::Completed)
    }

    fn wait(&self, wanted: u64, patience: Patience) -> Result<u64, WaitTimeout> {
        if !self.is_reached(wanted) {
            self.wait_outcome(wanted, patience)?;
        }
        Ok(self.value())
    }
}
