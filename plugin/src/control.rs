//! The control thread: reads documents, paints fields, keeps the audio thread supplied (DESIGN 3).
//!
//! One thread `scumble-control` for all instances of the process; it lives while one is active and
//! is joined when the last is deactivated. It looks at every instance some sixty times a second:
//! what it waits for (a host that loads a state on its audio thread, a tempo that changes) cannot
//! ring a bell without a system call.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often instances are looked at.
const TICK: Duration = Duration::from_millis(16);

/// Something that the control thread keeps going.
pub trait Tick: Send + Sync {
    /// Control thread. Must not block for long.
    fn tick(&self);
}

#[derive(Default)]
struct Roster {
    members: Vec<Weak<dyn Tick>>,
    thread: Option<JoinHandle<()>>,
}

static ROSTER: Mutex<Option<Roster>> = Mutex::new(None);
static WAKE: Condvar = Condvar::new();

fn roster() -> MutexGuard<'static, Option<Roster>> {
    // A panic in a tick is caught; the roster is whole at every unlock.
    ROSTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps an instance ticking until dropped. Made and dropped on the host's main thread.
pub struct Enrolment {
    member: Weak<dyn Tick>,
}

impl Enrolment {
    /// Starts the thread if it does not run. Without a thread the instance still plays: only what
    /// is painted from now on is not heard.
    pub fn new(member: &Arc<impl Tick + 'static>) -> Self {
        let weak: Weak<dyn Tick> = Arc::downgrade(member) as Weak<dyn Tick>;
        let mut roster = roster();
        let roster = roster.get_or_insert_default();
        roster.members.push(weak.clone());
        if roster.thread.is_none() {
            let thread = std::thread::Builder::new().name("scumble-control".into()).spawn(run);
            match thread {
                Ok(thread) => roster.thread = Some(thread),
                Err(error) => nice_plug::nice_error!("no control thread: {error}"),
            }
        }
        Self { member: weak }
    }
}

impl Drop for Enrolment {
    fn drop(&mut self) {
        let mut guard = roster();
        let Some(roster) = guard.as_mut() else { return };
        if let Some(at) = roster.members.iter().position(|m| m.ptr_eq(&self.member)) {
            roster.members.swap_remove(at);
        }
        if roster.members.is_empty()
            && let Some(thread) = roster.thread.take()
        {
            WAKE.notify_all();
            drop(guard);
            // It holds no lock while it ticks, and a tick is short.
            let _ = thread.join();
        }
    }
}

fn run() {
    let me = std::thread::current().id();
    loop {
        let members: Vec<Arc<dyn Tick>> = {
            let guard = roster();
            let Some(roster) = guard.as_ref() else { return };
            // Another thread may have taken over between two activations.
            if roster.thread.as_ref().is_none_or(|t| t.thread().id() != me) {
                return;
            }
            roster.members.iter().filter_map(Weak::upgrade).collect()
        };
        for member in &members {
            let tick = std::panic::AssertUnwindSafe(|| member.tick());
            if std::panic::catch_unwind(tick).is_err() {
                nice_plug::nice_error!("a control tick failed; the sound goes on as it was");
            }
        }
        drop(members);
        let guard = roster();
        let _ = WAKE.wait_timeout(guard, TICK);
    }
}
