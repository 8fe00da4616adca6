//! How a session comes to be served by the device: its size is compiled, it gets a place, and history
//! brings that up to date, in pieces and only while no hop is due.

use std::time::Instant;

use super::Worker;
use super::device::{BAR_LIMIT, DeviceSeat};
use super::helper::Chore;
use super::session::{Standing, WorkerSession};
use crate::backend::{Backend, BackendError, JobTable, SlotId};

/// Hops of history in one table of lower priority: about as long as a table of due hops.
const HISTORY_HOPS: usize = 32;

impl Worker {
    /// Gives a session its place on the device, or has its size compiled first. A session that cannot
    /// have one yet does not keep the next from it.
    pub(super) fn admit_to_device(&mut self) -> bool {
        let now = Instant::now();
        (0..self.sessions.len()).any(|slot| self.join_device(slot, now))
    }

    /// True if the session has its place now, or has been told that it gets none.
    fn join_device(&mut self, slot: SlotId, now: Instant) -> bool {
        let session = self.sessions[slot].as_mut().filter(|s| Self::wants_device(s, now));
        let Some(session) = session else { return false };
        let n = session.spec.window.n;
        if self.device.warming.contains(&n) {
            return false;
        }
        let Some(backend) = self.device.ready() else { return false };
        if !backend.is_warm(n) {
            let run = backend.warm_up(n);
            if self.helper.give(Chore::Warm { n, run }) {
                self.device.warming.push(n);
                // Its bar, if it had one, has ended.
                session.standing = Standing::Away;
            }
            return false;
        }
        match backend.open(slot, &session.spec) {
            Ok(()) => {
                session.standing = Standing::Joined { next: session.join_from() };
            }
            Err(error @ (BackendError::OutOfMemory(_) | BackendError::Size(_))) => {
                // Only this session: the others keep the device.
                session.bar_for(error.to_string(), now + BAR_LIMIT);
            }
            Err(error) => self.device.fail(&error, &mut self.sessions),
        }
        true
    }

    /// Feeds a piece of history to sessions that have a place but are not up to date.
    pub(super) fn feed_history(&mut self) -> bool {
        let limit = HISTORY_HOPS.min(self.device.hops_limit);
        let mut table = std::mem::take(&mut self.device.history);
        table.clear();
        for (slot, session) in self.sessions.iter_mut().enumerate() {
            let Some(session) = session else { continue };
            if matches!(session.standing, Standing::Joined { .. }) && !session.can_catch_up() {
                // Too far behind: it starts anew.
                session.forget_device(Standing::Away);
            }
            session.add_history(slot, &mut table, limit.min(session.spec.max_hops));
            if table.jobs.len() >= HISTORY_HOPS {
                break;
            }
        }
        let worked = !table.is_empty() && self.run_history(&table);
        self.device.history = table;
        worked
    }

    fn run_history(&mut self, table: &JobTable) -> bool {
        let Some(backend) = self.device.ready() else { return false };
        let result = send_fields(backend.as_mut(), &mut self.sessions, table)
            .and_then(|()| backend.submit(table));
        if let Err(error) = result {
            self.device.refused(&error, table, &mut self.sessions);
            return true;
        }
        self.device.advance(table, &mut self.sessions);
        let Some(backend) = self.device.ready() else { return false };
        let start = Instant::now();
        loop {
            match backend.wait(super::SHORT_SLEEP) {
                Ok(true) => break,
                // A hop may be due by now: let it be computed meanwhile.
                Ok(false) if start.elapsed() > super::SHORT_SLEEP * 4 => {
                    self.device.stall();
                    return true;
                }
                Ok(false) => {}
                Err(error) => {
                    self.device.fail(&error, &mut self.sessions);
                    return true;
                }
            }
        }
        if let Err(error) = backend.collect(&mut |_, _, _| {}) {
            self.device.fail(&error, &mut self.sessions);
        }
        true
    }
}

impl DeviceSeat {
    /// The device has been given these hops: its rings will stand behind them.
    pub fn advance(&self, table: &JobTable, sessions: &mut [Option<WorkerSession>]) {
        for job in &table.jobs {
            if let Some(Some(session)) = sessions.get_mut(job.slot)
                && let Standing::Joined { next } = &mut session.standing
            {
                *next = job.hop + 1;
            }
        }
    }
}

/// Gives the device the fields and captures that the sessions of `table` have got since the last time.
pub(super) fn send_fields(
    backend: &mut dyn Backend,
    sessions: &mut [Option<WorkerSession>],
    table: &JobTable,
) -> Result<(), BackendError> {
    let mut last = None;
    for job in &table.jobs {
        if last == Some(job.slot) {
            continue;
        }
        last = Some(job.slot);
        if let Some(Some(session)) = sessions.get_mut(job.slot) {
            // What fails is sent again with the next table.
            for which in 0..2 {
                if let Some(field) = session.unsent_field(which) {
                    backend.set_field(job.slot, which as u32, field)?;
                    session.field_sent(which);
                }
                if let Some((frame, samples)) = session.unsent_capture(which) {
                    backend.set_capture(job.slot, which as u32, frame, samples)?;
                    session.capture_sent(which);
                }
            }
        }
    }
    Ok(())
}
