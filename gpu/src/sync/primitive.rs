//! The few primitives that everything in `sync` is built from, exchanged as a set under
//! `--cfg loom`, so that the code that the models explore is the code that ships.
//!
//! - atomics, `Arc`: the standard library's, or loom's;
//! - `Mutex`, `Condvar`: parking_lot's (SPEC T2), or loom's behind the same calls;
//! - [`HalfGuard`]: nothing at all, or a loom cell that fails the model when a half is read and
//!   written at once, or read before the write happened;
//! - [`order`] and [`order_fence`]: the ordering that is asked for, or, in a model that is told to
//!   weaken it by name, none: so that the models can show that they would notice
//!   (`gpu/tests/sync_loom.rs`);
//! - `rtrb`: the crate, or a small model of it with the orderings that its documentation promises.

#[cfg(not(loom))]
pub(crate) use real::*;

#[cfg(loom)]
pub(crate) use model::*;

#[cfg(not(loom))]
mod real {
    pub(crate) use parking_lot::{Condvar, Mutex};
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use std::thread::Thread;

    /// The ordering of the access called `_name`.
    #[inline(always)]
    pub(crate) const fn order(_name: &str, ordering: Ordering) -> Ordering {
        ordering
    }

    /// The fence called `_name`.
    #[inline(always)]
    pub(crate) fn order_fence(_name: &str, ordering: Ordering) {
        fence(ordering);
    }

    /// Whether the step called `_name` is left out, to see whether the models notice.
    #[inline(always)]
    pub(crate) const fn left_out(_name: &str) -> bool {
        false
    }

    pub(crate) mod rtrb {
        pub(crate) use ::rtrb::{Consumer, Producer, PushError, RingBuffer};

        /// Looks at the next value without taking it.
        #[inline]
        pub(crate) fn peek<T, R>(queue: &Consumer<T>, look: impl FnOnce(&T) -> R) -> Option<R> {
            queue.peek().ok().map(look)
        }
    }

    /// Watches the accesses to one half in the models; compiled away here.
    #[derive(Debug)]
    pub(crate) struct HalfGuard;

    impl HalfGuard {
        #[inline(always)]
        pub(crate) fn read<R>(&self, access: impl FnOnce() -> R) -> R {
            access()
        }

        #[inline(always)]
        pub(crate) fn write<R>(&self, access: impl FnOnce() -> R) -> R {
            access()
        }
    }

    /// Wakes a thread that is parked, or keeps it from parking next time.
    pub(crate) fn unpark(thread: &Thread) {
        thread.unpark();
    }

    /// Sleeps until unparked or until `timeout` is over; may wake for no reason.
    pub(crate) fn park_timeout(timeout: std::time::Duration) {
        std::thread::park_timeout(timeout);
    }
}

#[cfg(loom)]
mod model {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use loom::thread::Thread;

    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    /// `SCUMBLE_WEAKEN=name` weakens one access, fence or step; `name-acquire` and `name-release`
    /// take that half from an access that has both.
    fn weakened() -> &'static str {
        static WEAKENED: OnceLock<String> = OnceLock::new();
        WEAKENED.get_or_init(|| std::env::var("SCUMBLE_WEAKEN").unwrap_or_default())
    }

    pub(crate) fn order(name: &str, ordering: Ordering) -> Ordering {
        match weakened().strip_prefix(name) {
            Some("") => Ordering::Relaxed,
            Some("-acquire") => Ordering::Release,
            Some("-release") => Ordering::Acquire,
            _ => ordering,
        }
    }

    pub(crate) fn order_fence(name: &str, ordering: Ordering) {
        if weakened() != name {
            fence(ordering);
        }
    }

    pub(crate) fn left_out(name: &str) -> bool {
        weakened() == name
    }

    #[derive(Debug)]
    pub(crate) struct HalfGuard(loom::cell::UnsafeCell<()>);

    impl HalfGuard {
        pub(crate) fn new() -> Self {
            Self(loom::cell::UnsafeCell::new(()))
        }

        pub(crate) fn read<R>(&self, access: impl FnOnce() -> R) -> R {
            self.0.with(|_| access())
        }

        pub(crate) fn write<R>(&self, access: impl FnOnce() -> R) -> R {
            self.0.with_mut(|_| access())
        }
    }

    /// loom's mutex with parking_lot's calls.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().expect("no model thread panics with the lock held")))
        }
    }

    pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    impl<T> std::ops::Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().expect("held between calls")
        }
    }

    impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("held between calls")
        }
    }

    /// loom's condition variable. Time does not pass in a model, so a timed wait is an untimed
    /// one: a lost wake-up is then a deadlock, which loom reports.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    pub(crate) struct WaitTimeoutResult;

    impl WaitTimeoutResult {
        pub(crate) fn timed_out(&self) -> bool {
            false
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.0.take().expect("held between calls");
            guard.0 = Some(self.0.wait(held).expect("no model thread panics with the lock held"));
        }

        pub(crate) fn wait_until<T>(
            &self,
            guard: &mut MutexGuard<'_, T>,
            _deadline: Instant,
        ) -> WaitTimeoutResult {
            self.wait(guard);
            WaitTimeoutResult
        }
    }

    /// Wakes a thread. loom hands over what this thread knows at once, as if it could not be
    /// interrupted before: here it can.
    pub(crate) fn unpark(thread: &Thread) {
        loom::thread::yield_now();
        thread.unpark();
    }

    /// Parks until unparked, or not at all: time does not pass in a model.
    pub(crate) fn park_timeout(timeout: Duration) {
        if timeout.is_zero() {
            loom::thread::yield_now();
        } else {
            loom::thread::park();
        }
    }

    /// rtrb as its documentation describes it: the producer's tail is stored with Release after
    /// the value was written and loaded with Acquire before it is read, and the head the other
    /// way round. rtrb itself is proved by its authors; here it carries the protocol around it.
    pub(crate) mod rtrb {
        use super::{Arc, Ordering};
        use loom::cell::UnsafeCell;
        use loom::sync::atomic::AtomicUsize;

        #[derive(Debug)]
        struct Shared<T> {
            slots: Vec<UnsafeCell<Option<T>>>,
            head: AtomicUsize,
            tail: AtomicUsize,
        }

        // SAFETY: a slot is written by the producer between loading `head` and storing `tail`,
        // and read by the consumer between loading `tail` and storing `head`; loom checks it.
        unsafe impl<T: Send> Send for Shared<T> {}
        // SAFETY: as above.
        unsafe impl<T: Send> Sync for Shared<T> {}

        pub(crate) struct RingBuffer<T>(std::marker::PhantomData<T>);
        #[derive(Debug)]
        pub(crate) struct Producer<T>(Arc<Shared<T>>);
        #[derive(Debug)]
        pub(crate) struct Consumer<T>(Arc<Shared<T>>);

        #[derive(Debug)]
        pub(crate) enum PushError<T> {
            Full(T),
        }

        impl<T> RingBuffer<T> {
            #[allow(clippy::new_ret_no_self)]
            pub(crate) fn new(capacity: usize) -> (Producer<T>, Consumer<T>) {
                let shared = Arc::new(Shared {
                    slots: (0..capacity).map(|_| UnsafeCell::new(None)).collect(),
                    head: AtomicUsize::new(0),
                    tail: AtomicUsize::new(0),
                });
                (Producer(shared.clone()), Consumer(shared))
            }
        }

        impl<T> Producer<T> {
            pub(crate) fn push(&mut self, value: T) -> Result<(), PushError<T>> {
                let tail = self.0.tail.load(Ordering::Relaxed);
                if tail - self.0.head.load(Ordering::Acquire) == self.0.slots.len() {
                    return Err(PushError::Full(value));
                }
                let slot = &self.0.slots[tail % self.0.slots.len()];
                // SAFETY: the slot is free until `tail` is stored.
                slot.with_mut(|place| unsafe { *place = Some(value) });
                self.0.tail.store(tail + 1, Ordering::Release);
                Ok(())
            }
        }

        impl<T> Consumer<T> {
            pub(crate) fn pop(&mut self) -> Result<T, ()> {
                let head = self.0.head.load(Ordering::Relaxed);
                if self.0.tail.load(Ordering::Acquire) == head {
                    return Err(());
                }
                let slot = &self.0.slots[head % self.0.slots.len()];
                // SAFETY: the slot is full and ours until `head` is stored.
                let value = slot.with_mut(|place| unsafe { (*place).take() });
                self.0.head.store(head + 1, Ordering::Release);
                Ok(value.expect("a slot before the tail is full"))
            }
        }

        pub(crate) fn peek<T, R>(queue: &Consumer<T>, look: impl FnOnce(&T) -> R) -> Option<R> {
            let head = queue.0.head.load(Ordering::Relaxed);
            if queue.0.tail.load(Ordering::Acquire) == head {
                return None;
            }
            let slot = &queue.0.slots[head % queue.0.slots.len()];
            // SAFETY: the slot is full and the consumer's until `head` is stored.
            slot.with(|place| unsafe { (*place).as_ref().map(look) })
        }
    }
}
