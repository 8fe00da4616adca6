//! The device's place in the engine: there, on its way, stalled, or gone; and what to do then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Worker;
use super::helper::Chore;
use super::session::{Standing, WorkerSession};
use crate::backend::adapter::DeviceFacts;
use crate::backend::{Backend, BackendError, BackendStats, JobTable, OpenBackend, SlotId};
use crate::compute::Compute;
use crate::engine::{EngineChoice, EngineKind, SharedState};
use crate::profile::Trace;

/// The first pause before a lost device is opened again; doubles with each failure.
const REOPEN_AFTER: Duration = Duration::from_millis(100);
const REOPEN_LIMIT: Duration = Duration::from_secs(30);
/// A device that does not answer for so long is given up as lost.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(6);
/// Missed deadlines within a window that bar a session of `Auto` from the device.
const MISSES_LIMIT: u32 = 40;
const MISSES_WINDOW: Duration = Duration::from_secs(5);
pub(super) const BAR_LIMIT: Duration = Duration::from_secs(60);

enum Seat {
    /// Nobody has asked for the device yet.
    Empty,
    /// The helper opens it.
    Opening,
    Live(Box<dyn Backend>),
    /// It will not come: this build, this machine or the user says so.
    Unusable(String),
}

pub(super) struct DeviceSeat {
    seat: Seat,
    pub(super) facts: Option<DeviceFacts>,
    /// A device of this opener's was open before: one that is not found now may come back.
    was_there: bool,
    /// A table in flight whose results nobody waits for any more, and since when.
    stalled_since: Option<Instant>,
    reopen_after: Duration,
    /// Not before this is it opened again.
    reopen_at: Option<Instant>,
    /// Sizes for which the helper compiles.
    pub(super) warming: Vec<usize>,
    /// Most hops of one session in one table, lowered when memory is short.
    pub hops_limit: usize,
    pub(super) history: JobTable,
    /// Devices that were given up, lost or left for another.
    pub turnovers: u64,
    last_error: Option<String>,
    /// Lost devices, to be closed by the helper.
    dead: Vec<Box<dyn Backend>>,
}

impl Default for DeviceSeat {
    fn default() -> Self {
        Self {
            seat: Seat::Empty,
            facts: None,
            was_there: false,
            stalled_since: None,
            reopen_after: REOPEN_AFTER,
            reopen_at: None,
            warming: Vec::new(),
            hops_limit: usize::MAX,
            history: JobTable::default(),
            turnovers: 0,
            last_error: None,
            dead: Vec::new(),
        }
    }
}

impl DeviceSeat {
    /// The device, if it is free to take a table.
    pub fn ready(&mut self) -> Option<&mut Box<dyn Backend>> {
        match &mut self.seat {
            Seat::Live(backend) if self.stalled_since.is_none() => Some(backend),
            _ => None,
        }
    }

    /// The device's other side, if it is free and has one.
    pub fn compute(&mut self) -> Option<&mut dyn Compute> {
        self.ready().and_then(|backend| backend.compute())
    }

    /// What the device has done, also while it stalls.
    pub fn stats(&self) -> Option<BackendStats> {
        match &self.seat {
            Seat::Live(backend) => Some(backend.stats()),
            _ => None,
        }
    }

    pub fn close(&mut self, slot: SlotId) {
        if let Seat::Live(backend) = &mut self.seat {
            backend.close(slot);
        }
    }

    pub fn trace(&self, worker: &Trace) -> String {
        match &self.seat {
            Seat::Live(backend) => backend.trace(worker),
            _ => worker.to_chrome_json(),
        }
    }

    /// The table in flight has outlasted everybody's patience: it is left to itself.
    pub fn stall(&mut self) {
        self.stalled_since.get_or_insert_with(Instant::now);
    }

    /// Looks whether a stalled device has come back. What it brings is late and is dropped.
    pub fn look_after_stall(&mut self, sessions: &mut [Option<WorkerSession>]) {
        let Some(since) = self.stalled_since else { return };
        let Seat::Live(backend) = &mut self.seat else { return };
        match backend.wait(Duration::ZERO) {
            Ok(true) => {
                self.stalled_since = None;
                // Nobody waits for these hops; the device's own rings are as if they were played.
                if let Err(error) = backend.collect(&mut |_, _, _| {}) {
                    self.fail(&error, sessions);
                }
            }
            Ok(false) if since.elapsed() > GIVE_UP_AFTER => {
                let message = format!("no answer for {} s", GIVE_UP_AFTER.as_secs());
                self.fail(&BackendError::Lost(message), sessions);
            }
            Ok(false) => {}
            Err(error) => self.fail(&error, sessions),
        }
    }

    /// A table did not go out. Where memory is short the next ones are smaller, and only if that does
    /// not help is the device given up (P7).
    pub fn refused(
        &mut self,
        error: &BackendError,
        table: &JobTable,
        sessions: &mut [Option<WorkerSession>],
    ) {
        let most = table.jobs.len().min(self.hops_limit);
        match error {
            BackendError::OutOfMemory(message) if most > 1 => {
                self.hops_limit = most / 2;
                let limit = self.hops_limit;
                log::warn!(
                    "scumble: out of GPU memory, {limit} hops at a time from now on: {message}"
                );
            }
            error => self.fail(error, sessions),
        }
    }

    /// The device is given up; the CPU goes on. One line in the log.
    pub fn fail(&mut self, error: &BackendError, sessions: &mut [Option<WorkerSession>]) {
        log::warn!("scumble: the CPU takes over from the GPU: {error}");
        self.turnovers += 1;
        self.reopen_at = Some(Instant::now() + self.reopen_after);
        self.last_error = Some(error.to_string());
        let next = match error {
            BackendError::Unusable(reason) => Seat::Unusable(reason.clone()),
            _ => Seat::Empty,
        };
        if let Seat::Live(backend) = std::mem::replace(&mut self.seat, next) {
            self.dead.push(backend);
        }
        self.stalled_since = None;
        self.warming.clear();
        for session in sessions.iter_mut().flatten() {
            session.forget_device(Standing::Away);
            session.metrics.update(|m| m.add(crate::sync::Counter::DeviceLosses, 1));
        }
    }

    /// Gives up a device that does its work, for another.
    pub fn leave(&mut self, sessions: &mut [Option<WorkerSession>]) {
        match std::mem::replace(&mut self.seat, Seat::Empty) {
            Seat::Live(backend) => self.dead.push(backend),
            // What comes of it is known by its opener.
            Seat::Opening => self.seat = Seat::Opening,
            Seat::Empty | Seat::Unusable(_) => {}
        }
        self.facts = None;
        self.was_there = false;
        self.stalled_since = None;
        self.reopen_after = REOPEN_AFTER;
        self.reopen_at = None;
        self.last_error = None;
        self.turnovers += 1;
        self.warming.clear();
        for session in sessions.iter_mut().flatten() {
            session.forget_device(Standing::Away);
        }
    }

    /// The helper has compiled for a size. One that fails is the trouble of its sessions alone, and
    /// is not tried again at once: compiling takes its time each time.
    pub fn warmed(
        &mut self,
        n: usize,
        result: Result<(), BackendError>,
        sessions: &mut [Option<WorkerSession>],
    ) {
        let Some(at) = self.warming.iter().position(|&size| size == n) else {
            // Of a device that is gone.
            return;
        };
        self.warming.swap_remove(at);
        match result {
            Ok(()) => {}
            Err(error @ BackendError::Lost(_)) => self.fail(&error, sessions),
            Err(error) => {
                log::warn!("scumble: windows of {n} samples stay on the CPU: {error}");
                let until = Instant::now() + BAR_LIMIT;
                for session in sessions.iter_mut().flatten() {
                    if session.spec.window.n == n && session.standing == Standing::Away {
                        session.bar_for(error.to_string(), until);
                    }
                }
            }
        }
    }

    /// A deadline was missed by the device for this session.
    pub fn missed(session: &mut WorkerSession) {
        let now = Instant::now();
        let (count, since) = &mut session.misses;
        if now.duration_since(*since) > MISSES_WINDOW {
            (*count, *since) = (0, now);
        }
        *count += 1;
        if *count > MISSES_LIMIT && session.choice == EngineChoice::Auto {
            *count = 0;
            let until = now + session.bar;
            session.bar = (session.bar * 2).min(BAR_LIMIT);
            session.forget_device(Standing::Barred { until });
            session.barred_for = None;
        }
    }

    fn give_up(&mut self, reason: String) {
        log::info!("scumble: the CPU computes: {reason}");
        self.seat = Seat::Unusable(reason);
    }

    fn why(&self) -> String {
        match (&self.seat, &self.last_error) {
            (Seat::Unusable(reason), _) => reason.clone(),
            (Seat::Live(backend), _) => format!("{} warms up", backend.name()),
            (_, Some(error)) => error.clone(),
            _ => "the GPU is being opened".to_owned(),
        }
    }
}

impl Worker {
    pub(super) fn device_opened(
        &mut self,
        opener: &Arc<dyn OpenBackend>,
        result: Result<Box<dyn Backend>, BackendError>,
    ) {
        let seat = &mut self.device;
        if !Arc::ptr_eq(opener, &self.opener) {
            // Another device was chosen meanwhile.
            seat.dead.extend(result.ok());
            seat.seat = Seat::Empty;
            return;
        }
        match result {
            Ok(backend) => {
                log::info!("scumble: {} is open", backend.name());
                seat.facts = backend.device();
                seat.seat = Seat::Live(backend);
                seat.was_there = true;
                seat.reopen_after = REOPEN_AFTER;
                seat.hops_limit = usize::MAX;
            }
            Err(BackendError::Unusable(reason)) => seat.give_up(reason),
            // Nobody looks for ever for what was never there; who plugs it in chooses it anew.
            Err(BackendError::NotFound(reason)) if !seat.was_there => seat.give_up(reason),
            Err(error) => {
                seat.last_error = Some(error.to_string());
                seat.seat = Seat::Empty;
                seat.reopen_at = Some(Instant::now() + seat.reopen_after);
                seat.reopen_after = (seat.reopen_after * 2).min(REOPEN_LIMIT);
            }
        }
    }

    /// One piece of work of lower priority, when no hop is due. True if there was any.
    pub(super) fn background(&mut self) -> bool {
        self.device.look_after_stall(&mut self.sessions);
        self.open_device_if_wanted();
        self.tell_states();
        self.admit_to_device() || self.feed_history()
    }

    pub(super) fn wants_device(session: &WorkerSession, now: Instant) -> bool {
        session.choice != EngineChoice::Cpu
            && match session.standing {
                Standing::Away => true,
                Standing::Barred { until } => until <= now,
                Standing::Joined { .. } => false,
            }
    }

    fn open_device_if_wanted(&mut self) {
        while let Some(backend) = self.device.dead.pop() {
            self.helper.give(Chore::Bury(backend));
        }
        let now = Instant::now();
        let wanted = self.sessions.iter().flatten().any(|s| Self::wants_device(s, now));
        let early = self.device.reopen_at.is_some_and(|at| now < at);
        if !wanted || early || !matches!(self.device.seat, Seat::Empty) {
            return;
        }
        let mut sizes: Vec<usize> =
            self.sessions.iter().flatten().map(|s| s.spec.window.n).collect();
        sizes.sort_unstable();
        sizes.dedup();
        if self.helper.give(Chore::Open { sizes, opener: Arc::clone(&self.opener) }) {
            self.device.seat = Seat::Opening;
        }
    }

    /// Tells each session's state to whoever looks.
    fn tell_states(&mut self) {
        let facts = self.device.facts.clone();
        let why = self.device.why();
        for session in self.sessions.iter().flatten() {
            let (kind, reason) = describe(session, &why, facts.as_ref());
            tell(&session.state, kind, &reason, facts.clone(), session.id);
        }
    }
}

fn describe(
    session: &WorkerSession,
    why: &str,
    facts: Option<&DeviceFacts>,
) -> (EngineKind, String) {
    match (session.choice, session.standing) {
        (EngineChoice::Cpu, _) => (EngineKind::Cpu, "the CPU was chosen".to_owned()),
        (_, Standing::Joined { .. }) if session.is_served_by_device() => {
            (EngineKind::Gpu, facts.map_or_else(|| "CPU".to_owned(), ToString::to_string))
        }
        (_, Standing::Joined { .. }) => (EngineKind::Cpu, "the GPU catches up".to_owned()),
        (_, Standing::Barred { .. }) => {
            let missed = || "the GPU missed too many deadlines; it is tried again".to_owned();
            (EngineKind::Cpu, session.barred_for.clone().unwrap_or_else(missed))
        }
        (_, Standing::Away) => (EngineKind::Cpu, why.to_owned()),
    }
}

fn tell(state: &SharedState, kind: EngineKind, reason: &str, facts: Option<DeviceFacts>, id: u64) {
    if state.set(kind, reason, facts) {
        log::debug!("scumble: session {id}: {kind:?}: {reason}");
    }
}
