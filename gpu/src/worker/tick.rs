//! One turn of the worker: due hops in, finished hops out.
//!
//! Order matters: results stand in host memory, in the inactive half, before its fence is
//! signalled; and the device's table goes out before the twins start on the sessions that the
//! device does not serve, so that both work at the same time.

use std::time::{Duration, Instant};

use super::device::DeviceSeat;
use super::join::send_fields;
use super::session::{Due, WorkerSession};
use crate::backend::{BackendStats, JobTable};
use crate::profile::Trace;
use crate::sync::{Counter, Stage};

/// The least time a table is given, however late it is already.
const LEAST_WAIT: Duration = Duration::from_micros(300);

#[derive(Default)]
pub(super) struct Tick {
    table: JobTable,
    /// The device's counts at the last look, and which of all devices it was.
    device: (u64, BackendStats),
    last_seen: Option<Instant>,
}

impl Tick {
    /// When the first of what was due was pushed, if anything was.
    pub fn run(
        &mut self,
        sessions: &mut [Option<WorkerSession>],
        device: &mut DeviceSeat,
        trace: &mut Trace,
    ) -> Option<Instant> {
        let start = Instant::now();
        for session in sessions.iter_mut().flatten() {
            session.publish();
            session.gather();
        }
        let due = sessions.iter().flatten().filter_map(|session| session.due.front());
        let first = due.map(|due| due.pushed).min()?;
        device.look_after_stall(sessions);
        let submitted = self.submit(sessions, device);
        let on_device = |s: &WorkerSession| submitted && s.is_in_flight();
        for session in sessions.iter_mut().flatten() {
            if !on_device(session) {
                finish_with_twin(session, start);
            }
        }
        let batched = sessions.iter().flatten().filter(|s| on_device(s)).count() as u64;
        if submitted {
            let sent = Instant::now();
            self.await_table(sessions, device, start);
            trace.worker("wait", sent, Instant::now());
            for session in sessions.iter_mut().flatten() {
                // What the device did not bring.
                session.leave_flight();
                finish_with_twin(session, start);
            }
        }
        self.count(sessions, device, batched);
        Some(first)
    }

    /// Sends the due hops of all sessions that the device serves. False if there are none, or if
    /// the device refused them.
    fn submit(&mut self, sessions: &mut [Option<WorkerSession>], device: &mut DeviceSeat) -> bool {
        self.table.clear();
        let limit = device.hops_limit;
        if device.ready().is_none() {
            return false;
        }
        for (slot, session) in sessions.iter_mut().enumerate() {
            if let Some(session) = session
                && !session.due.is_empty()
                && session.is_served_by_device()
            {
                session.add_due(slot, &mut self.table, limit);
            }
        }
        if self.table.is_empty() {
            return false;
        }
        let Some(backend) = device.ready() else { return false };
        let sent = send_fields(backend.as_mut(), sessions, &self.table)
            .and_then(|()| backend.submit(&self.table));
        match sent {
            Ok(()) => {
                device.advance(&self.table, sessions);
                for job in &self.table.jobs {
                    if let Some(Some(session)) = sessions.get_mut(job.slot) {
                        session.enter_flight();
                    }
                }
                true
            }
            Err(error) => {
                device.refused(&error, &self.table, sessions);
                false
            }
        }
    }

    /// Waits for the table until the first of its sessions runs out of patience.
    fn await_table(
        &mut self,
        sessions: &mut [Option<WorkerSession>],
        device: &mut DeviceSeat,
        start: Instant,
    ) {
        let now = Instant::now();
        let deadline = sessions
            .iter()
            .flatten()
            .filter(|s| s.is_in_flight())
            .filter_map(WorkerSession::deadline)
            .min()
            .unwrap_or(now)
            .max(now + LEAST_WAIT);
        loop {
            let Some(backend) = device.ready() else { return };
            let left = deadline.saturating_duration_since(Instant::now());
            match backend.wait(left.min(super::SHORT_SLEEP)) {
                Ok(true) => break,
                Ok(false) if left.is_zero() => {
                    for session in sessions.iter_mut().flatten().filter(|s| s.is_in_flight()) {
                        session.metrics.update(|m| m.add(Counter::Timeouts, 1));
                        DeviceSeat::missed(session);
                    }
                    device.stall();
                    return;
                }
                Ok(false) => {}
                Err(error) => {
                    device.fail(&error, sessions);
                    return;
                }
            }
        }
        let done = Instant::now();
        let Some(backend) = device.ready() else { return };
        let collected = backend.collect(&mut |slot, hop, samples| {
            if let Some(Some(session)) = sessions.get_mut(slot) {
                let due = session.finish(hop, samples);
                session.note_pushed(due);
            }
        });
        if let Err(error) = collected {
            device.fail(&error, sessions);
            return;
        }
        let collected = done.elapsed();
        for session in sessions.iter_mut().flatten().filter(|s| s.is_in_flight()) {
            let moved = collected + session.publish();
            session.note_times(start, done, moved);
        }
    }

    fn count(
        &mut self,
        sessions: &mut [Option<WorkerSession>],
        device: &mut DeviceSeat,
        batched: u64,
    ) {
        let now = Instant::now();
        let observed = self.last_seen.replace(now).map_or(0, |last| (now - last).as_nanos() as u64);
        // Without a device there is nothing to add, nor to take back.
        let (mut busy, mut submissions, mut copied) = (0, 0, 0);
        if let Some(stats) = device.stats() {
            let which = device.turnovers;
            let before = if which == self.device.0 { self.device.1 } else { Default::default() };
            busy = stats.device_nanos.saturating_sub(before.device_nanos);
            submissions = stats.submissions.saturating_sub(before.submissions);
            copied = stats.copied_bytes.saturating_sub(before.copied_bytes);
            self.device = (which, stats);
        }
        for session in sessions.iter_mut().flatten() {
            let writer = session.writer_stats();
            let WorkerSession { metrics, commands, .. } = session;
            metrics.update(|m| {
                for (level, &taken) in commands.taken().iter().enumerate() {
                    m.set(Counter::commands(level), taken);
                }
                m.writer(writer);
                m.add(Counter::GpuObservedNanos, observed);
                m.add(Counter::GpuBusyNanos, busy);
                m.add(Counter::Submissions, submissions);
                m.set(Counter::SessionsBatched, batched);
                m.add(Counter::BytesCopied, copied);
            });
        }
    }
}

/// Computes everything that is due with the session's own twin, and publishes it.
fn finish_with_twin(session: &mut WorkerSession, start: Instant) {
    if session.due.is_empty() {
        return;
    }
    while let Some(due) = session.compute() {
        session.note_pushed(Some(due));
    }
    let done = Instant::now();
    let moved = session.publish();
    session.note_times(start, done, moved);
}

/// The way of the hop that has waited longest, and where one part of it ends and the next begins.
#[derive(Clone, Copy, Debug)]
struct Way {
    pushed: Option<Instant>,
    start: Instant,
    /// The end of the computation.
    done: Instant,
    /// How long its results were moved after that.
    moved: Duration,
    signalled: Instant,
}

impl Way {
    /// Parts that do not overlap, and the whole.
    fn parts(&self) -> impl Iterator<Item = (Stage, Duration)> {
        // A hop may be pushed while the tick that takes it begins.
        let start = self.pushed.map_or(self.start, |pushed| pushed.max(self.start));
        let until_signal = self.signalled.saturating_duration_since(self.done);
        let moved = self.moved.min(until_signal);
        let of_hop = self.pushed.map(|pushed| {
            [
                (Stage::Overhead, start.saturating_duration_since(pushed)),
                (Stage::RoundTrip, self.signalled.saturating_duration_since(pushed)),
            ]
        });
        let of_tick = [
            (Stage::GpuCompute, self.done.saturating_duration_since(start)),
            (Stage::Copy, moved),
            (Stage::FenceWait, until_signal - moved),
        ];
        of_tick.into_iter().chain(of_hop.into_iter().flatten())
    }
}

impl WorkerSession {
    fn note_pushed(&mut self, due: Option<Due>) {
        if let Some(due) = due {
            self.oldest_pushed = Some(self.oldest_pushed.map_or(due.pushed, |p| p.min(due.pushed)));
        }
    }

    /// Durations of a tick whose results have just been signalled.
    fn note_times(&mut self, start: Instant, done: Instant, moved: Duration) {
        let (pushed, signalled) = (self.oldest_pushed.take(), Instant::now());
        let way = Way { pushed, start, done, moved, signalled };
        self.metrics.update(|m| way.parts().for_each(|(stage, duration)| m.time(stage, duration)));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_way_do_not_overlap_and_make_up_the_whole() {
        let at = |micros| Duration::from_micros(micros);
        let origin = Instant::now();
        for (pushed, moved) in [(0, 400), (0, 0), (150, 400), (150, 5000)] {
            let way = Way {
                pushed: Some(origin + at(pushed)),
                start: origin + at(100),
                done: origin + at(1100),
                moved: at(moved),
                signalled: origin + at(1700),
            };
            let whole = at(1700 - pushed);
            let (round_trip, parts): (Vec<_>, Vec<_>) =
                way.parts().partition(|&(stage, _)| stage == Stage::RoundTrip);
            assert_eq!(round_trip, [(Stage::RoundTrip, whole)]);
            assert_eq!(parts.iter().map(|&(_, part)| part).sum::<Duration>(), whole); // S10
            assert_eq!(parts.len(), 4);
            assert!(parts.contains(&(Stage::Copy, at(moved.min(600)))));
        }
    }
}
