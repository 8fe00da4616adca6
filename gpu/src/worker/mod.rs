//! The worker: one thread for all sessions (DESIGN 3).
//!
//! Each turn it takes what the audio threads have pushed, puts the due hops of all sessions into one
//! job table, has the device compute it, writes the results into the inactive halves and signals
//! them, in that order. Work of lower priority (tasks, history for a session that joins the device)
//! runs when no hop is due, or after a patience of its own, in pieces of bounded size. With nothing to
//! do it sleeps until an audio thread wakes it, or, where they keep a [`rhythm`], until shortly before
//! they come.
//!
//! What the device does not deliver in time, or at all, the worker computes with the session's twin,
//! which has seen every hop: no state is transferred. It never waits without a limit.

mod analyst;
mod choice;
pub mod commands;
mod device;
mod helper;
mod history;
mod join;
mod mailbox;
mod priority;
mod rhythm;
pub mod session;
mod tick;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::OpenBackend;
use crate::engine::EngineError;
use crate::profile::Trace;
use crate::sync::doorbell::{Sleeper, doorbell};
use analyst::Analyst;
use device::DeviceSeat;
use helper::Helper;
pub use mailbox::{Mailbox, Message};
use rhythm::{Alarm, Rhythm};
use session::WorkerSession;

/// After so long without a turn in which nothing is due, background work has its turn all the same: a
/// device comes back though the worker has more to do than it can.
const BACKGROUND_AFTER: Duration = Duration::from_millis(10);
/// Longest sleep with nothing to do: a net under the wake-up, and the clock of retries.
const IDLE_SLEEP: Duration = Duration::from_millis(20);
/// Longest sleep while results wait for a free half.
const SHORT_SLEEP: Duration = Duration::from_micros(500);
/// Longest sleep while the device computes a portion of lower priority: nobody rings when it ends.
const PORTION_SLEEP: Duration = Duration::from_micros(100);
/// Spans that the trace keeps.
const TRACE_SPANS: usize = 20_000;

pub struct Worker {
    mailbox: Arc<Mailbox>,
    sleeper: Sleeper,
    /// Kept by a worker that is to be as quick as the system allows.
    rhythm: Option<Rhythm>,
    helper: Helper,
    opener: Arc<dyn OpenBackend>,
    sessions: Vec<Option<WorkerSession>>,
    device: DeviceSeat,
    tick: tick::Tick,
    commands: commands::Commands,
    analyst: Analyst,
    trace: Trace,
    /// When background work last had its turn.
    background_at: Instant,
    /// Bytes of messages handled in one turn, reused.
    inbox: VecDeque<Message>,
}

impl Worker {
    pub(crate) fn spawn(
        mailbox: Arc<Mailbox>,
        opener: Arc<dyn OpenBackend>,
        real_time: bool,
    ) -> Result<JoinHandle<()>, EngineError> {
        let failed = |name: &'static str| {
            move |error: std::io::Error| EngineError::Thread { name, message: error.to_string() }
        };
        let helper =
            Helper::spawn(Arc::clone(&mailbox), real_time).map_err(failed("scumble-helper"))?;
        let analyst = Analyst::spawn(Arc::clone(&mailbox)).map_err(failed("scumble-analyst"))?;
        let (bell, sleeper) = doorbell();
        let shared = Arc::clone(&mailbox);
        let thread = std::thread::Builder::new()
            .name("scumble-gpu".to_owned())
            .spawn(move || {
                if real_time {
                    priority::ask_for_real_time();
                }
                let worker = Self {
                    mailbox,
                    sleeper,
                    rhythm: real_time.then(Rhythm::default),
                    helper,
                    opener,
                    sessions: Vec::new(),
                    device: DeviceSeat::default(),
                    tick: tick::Tick::default(),
                    commands: commands::Commands::default(),
                    analyst,
                    trace: Trace::new(TRACE_SPANS),
                    background_at: Instant::now(),
                    inbox: VecDeque::new(),
                };
                worker.run();
            })
            .map_err(failed("scumble-gpu"))?;
        shared.hang(bell.bind(thread.thread().clone()));
        Ok(thread)
    }

    fn run(mut self) {
        let _flush = scumble_dsp::denormals::FlushDenormals::new();
        while self.messages() {
            let pushed = self.turn();
            if let (Some(pushed), Some(rhythm)) = (pushed, &mut self.rhythm) {
                rhythm.call(pushed);
            }
            let worked = pushed.is_some();
            let busy = self.run_commands(worked) || worked;
            if busy && self.background_at.elapsed() < BACKGROUND_AFTER {
                continue;
            }
            self.background_at = Instant::now();
            if self.background() || busy {
                continue;
            }
            let unpublished = self.sessions.iter().flatten().any(WorkerSession::has_results);
            let limit = match () {
                () if self.commands.has_portion_in_flight() => PORTION_SLEEP,
                () if unpublished => SHORT_SLEEP,
                () => IDLE_SLEEP,
            };
            let rhythm = self.rhythm.as_mut().filter(|_| limit == IDLE_SLEEP);
            match rhythm.and_then(|rhythm| rhythm.rest(Instant::now())) {
                Some(alarm) => self.await_ring(alarm),
                None => {
                    self.sleeper.sleep(limit);
                }
            }
        }
        // The device is dropped here, on the thread that used it; the helper is joined by its drop.
    }

    /// Sleeps until shortly before the audio threads are expected, and stays up until they come or
    /// are overdue.
    fn await_ring(&mut self, alarm: Alarm) {
        let left = alarm.at.saturating_duration_since(Instant::now());
        if alarm.sure {
            std::thread::sleep(left);
        } else if self.sleeper.sleep(left) {
            return;
        }
        while !self.sleeper.rang() && Instant::now() < alarm.until {
            std::hint::spin_loop();
        }
    }

    /// Handles what the control side and the helper sent. False when it is time to end.
    fn messages(&mut self) -> bool {
        if !self.mailbox.has_messages() {
            return true;
        }
        self.mailbox.take(&mut self.inbox);
        while let Some(message) = self.inbox.pop_front() {
            match message {
                Message::Quit => return false,
                Message::Open(session) => self.admit(*session),
                Message::Close(id) => self.dismiss(id),
                Message::Opened(opener, result) => self.device_opened(&opener, result),
                Message::Warmed(n, result) => self.device.warmed(n, result, &mut self.sessions),
                Message::Prepared(id, result) => self.prepared(id, result),
                Message::Read(id, result) => self.read(id, result),
                Message::Computed(id, result) => self.computed(id, result),
                Message::Device(opener) => self.change_device(opener),
                Message::ListDevices => self.list_devices(),
                Message::Trace(reply) => {
                    let text = self.device.trace(&self.trace);
                    // The asker may have gone away.
                    let _ = reply.try_send(text);
                }
            }
        }
        true
    }

    fn admit(&mut self, session: WorkerSession) {
        let slot = match self.sessions.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.sessions.push(None);
                self.sessions.len() - 1
            }
        };
        self.sessions[slot] = Some(session);
    }

    fn dismiss(&mut self, id: u64) {
        if let Some(slot) =
            self.sessions.iter().position(|s| s.as_ref().is_some_and(|s| s.id == id))
        {
            self.device.close(slot);
            self.sessions[slot] = None;
        }
        if self.sessions.iter().all(Option::is_none) {
            self.sessions.clear();
        }
    }

    /// One turn of the loop; see [`tick`]. When the first of what was due was pushed.
    fn turn(&mut self) -> Option<Instant> {
        let start = Instant::now();
        let pushed = self.tick.run(&mut self.sessions, &mut self.device, &mut self.trace);
        if pushed.is_some() {
            self.trace.worker("tick", start, Instant::now());
        }
        pushed
    }
}
