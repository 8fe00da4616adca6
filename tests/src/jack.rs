//! A JACK server with the dummy driver, of the test's own, and an ear to listen with.

use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::child::{Running, run};
use crate::painting::{Heard, Tone, paint_over_and_undo};
use crate::signal::{db, noise};
use crate::x11::{Screen, wait_for};

/// The names a server may have. libjack keeps all servers of a machine in a registry of eight; one that
/// is killed stays in it until another of its name comes. So there are few, and they are used again.
const NAMES: [&str; 3] = ["scumble-tests", "scumble-tests-2", "scumble-tests-3"];
const REGISTRY: &str = "/dev/shm/jack-shm-registry";

/// One server of ours at a time: the registry may be full of others' dead ones but for one place.
static TURN: Mutex<()> = Mutex::new(());

/// A running jackd under a name that no other has; ended when dropped.
pub struct JackServer {
    name: &'static str,
    /// None only while it is being dropped.
    server: Option<Running>,
    /// Kept to the end.
    turn: Option<MutexGuard<'static, ()>>,
}

impl JackServer {
    /// Starts a server with 48 kHz and blocks of 256.
    pub fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jack = Self::under_a_free_name()
            .or_else(|said| {
                // Dead servers under names of all kinds: nobody uses what they have left.
                let in_the_way = said.contains("Too many servers") && !any_server_runs();
                if !in_the_way || std::fs::remove_file(REGISTRY).is_err() {
                    return Err(said);
                }
                Self::under_a_free_name()
            })
            .unwrap_or_else(|said| panic!("jackd does not answer: {said}"));
        jack.turn = Some(turn);
        jack
    }

    fn under_a_free_name() -> Result<Self, String> {
        let mut said = String::new();
        for name in NAMES {
            match Self::start_as(name) {
                Ok(jack) => return Ok(jack),
                Err(story) => said.push_str(&story),
            }
        }
        Err(said)
    }

    /// Or what it said instead of starting.
    fn start_as(name: &'static str) -> Result<Self, String> {
        if !(Self { name, server: None, turn: None }).ports().is_empty() {
            return Err(format!("{name} is another's\n"));
        }
        let mut command = Command::new("jackd");
        command
            .args(["--no-realtime", "-n", name, "-d", "dummy", "-r", "48000", "-p", "256"])
            .env("JACK_NO_AUDIO_RESERVATION", "1");
        let server = Running::start(&mut command)
            .unwrap_or_else(|e| panic!("jackd cannot be started ({e}); Debian has it in `jackd2`"));
        let mut jack = Self { name, server: Some(server), turn: None };
        let up = wait_for(Duration::from_secs(20), || {
            let runs = jack.server.as_mut().is_some_and(Running::is_running);
            let answers = || jack.ports().iter().any(|p| p == "system:capture_1");
            (!runs || answers()).then_some(runs)
        });
        if up == Some(true) {
            return Ok(jack);
        }
        let server = jack.server.take().expect("it was just started");
        Err(server.finish(Duration::ZERO).story())
    }

    /// Has a program use this server, and no other.
    pub fn lend<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("JACK_DEFAULT_SERVER", self.name).env("JACK_NO_START_SERVER", "1")
    }

    /// Names of all ports.
    pub fn ports(&self) -> Vec<String> {
        let mut command = Command::new("jack_lsp");
        let listed = run(self.lend(&mut command), Duration::from_secs(5));
        if !listed.success() {
            return Vec::new();
        }
        listed.stdout.lines().map(str::to_owned).collect()
    }
}

impl Drop for JackServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // So that it leaves the registry.
            server.ask_to_end();
            server.finish(Duration::from_secs(5));
        }
    }
}

fn any_server_runs() -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let mut names = processes.flatten().filter_map(|p| std::fs::read(p.path().join("comm")).ok());
    names.any(|name| name.starts_with(b"jackd"))
}

/// What was played and heard so far, sample for sample.
struct Tape {
    played: Vec<f32>,
    at: usize,
    heard: Vec<f32>,
}

/// The delay at which a stretch of `heard`, ending at its end, is most like `played`.
fn best_lag(played: &[f32], heard: &[f32], stretch: usize, longest: usize) -> usize {
    let end = heard.len();
    let likeness = |lag: usize| -> f64 {
        let range = end - stretch..end;
        range.map(|t| f64::from(heard[t]) * f64::from(played[t - lag])).sum()
    };
    let lags = 0..longest;
    lags.max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap_or(0)
}

/// Connects two ports; those of a client can be seen before it is active.
fn connect(ear: &jack::Client, from: &str, to: &str) -> Result<(), jack::Error> {
    let mut last = Ok(());
    wait_for(Duration::from_secs(20), || {
        last = ear.connect_ports_by_name(from, to);
        last.is_ok().then_some(())
    });
    last
}

/// Connects to a client's first input and output and plays noise through it. Says at which delay a
/// second of it came back and how far off it was; an error if none did within 35 seconds.
pub fn probe(client: &str) -> Result<String, Box<dyn std::error::Error>> {
    const LONGEST_LAG: usize = 16_384;
    let (probe, _) = jack::Client::new("probe", jack::ClientOptions::NO_START_SERVER)?;
    let rate = probe.sample_rate() as usize;
    let mut to = probe.register_port("to", jack::AudioOut::default())?;
    let from = probe.register_port("from", jack::AudioIn::default())?;
    let played = noise(17, 1, rate * 40).remove(0);
    let tape = Arc::new(Mutex::new(Tape { played, at: 0, heard: Vec::with_capacity(rate * 40) }));
    let recorder = tape.clone();
    let process = jack::contrib::ClosureProcessHandler::new(
        move |_: &jack::Client, scope: &jack::ProcessScope| {
            let mut tape = recorder.lock().expect("no panic while locked");
            let out = to.as_mut_slice(scope);
            let Some(now) = tape.played.get(tape.at..tape.at + out.len()) else {
                return jack::Control::Quit;
            };
            // A tenth of full scale: nothing on the way may saturate.
            out.iter_mut().zip(now).for_each(|(out, &x)| *out = 0.1 * x);
            tape.at += out.len();
            tape.heard.extend_from_slice(from.as_slice(scope));
            jack::Control::Continue
        },
    );
    let active = probe.activate_async((), process)?;
    connect(active.as_client(), "probe:to", &format!("{client}:input_1"))?;
    connect(active.as_client(), &format!("{client}:output_1"), "probe:from")?;

    let mut last = String::from("nothing was heard");
    let heard = wait_for(Duration::from_secs(35), || {
        std::thread::sleep(Duration::from_millis(250));
        // No more than is needed, for the server waits at the lock.
        let wanted = rate + LONGEST_LAG;
        let (played, heard) = {
            let tape = tape.lock().expect("no panic while locked");
            let from = tape.at.checked_sub(wanted)?;
            (tape.played[from..tape.at].to_vec(), tape.heard[from..].to_vec())
        };
        let lag = best_lag(&played, &heard, 2000, LONGEST_LAG);
        // An overrun of the server tears the sound; a second without one is enough.
        let worst = (heard.len() - rate..heard.len())
            .map(|t| f64::from((heard[t] - 0.1 * played[t - lag]).abs()))
            .fold(0.0, f64::max);
        last = format!("{lag} samples late, null at {:.1} dB", db(worst / 0.1));
        (worst / 0.1 <= 1e-5).then(|| last.clone())
    });
    active.deactivate()?;
    Ok(heard.ok_or(last)?)
}

/// Connects to a client as [`probe`] does, plays a tone through it, and has a hand paint over it in
/// the client's window; says how loud it was before, painted over and undone.
pub fn paint(client: &str) -> Result<String, Box<dyn std::error::Error>> {
    let (probe, _) = jack::Client::new("painter", jack::ClientOptions::NO_START_SERVER)?;
    let rate = f64::from(probe.sample_rate());
    let mut to = probe.register_port("to", jack::AudioOut::default())?;
    let from = probe.register_port("from", jack::AudioIn::default())?;
    let heard = Arc::new(Heard::default());
    let (mut tone, ear) = (Tone::default(), heard.clone());
    let process = jack::contrib::ClosureProcessHandler::new(
        move |_: &jack::Client, scope: &jack::ProcessScope| {
            let out = to.as_mut_slice(scope);
            tone.fill(out, rate);
            tone.compare(out, from.as_slice(scope), &ear);
            jack::Control::Continue
        },
    );
    let active = probe.activate_async((), process)?;
    for channel in ["1", "2"] {
        connect(active.as_client(), "painter:to", &format!("{client}:input_{channel}"))?;
    }
    connect(active.as_client(), &format!("{client}:output_1"), "painter:from")?;
    let screen = Screen::connect(None)?;
    let said = paint_over_and_undo(&screen, &heard);
    active.deactivate()?;
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn killed_servers_leave_room_for_the_next() {
        for _ in 0..9 {
            let mut jack = JackServer::start();
            jack.server.take().expect("it runs").finish(Duration::ZERO);
        }
        JackServer::start();
    }

    #[test]
    fn the_ear_finds_the_delay() {
        let played = noise(1, 1, 20_000).remove(0);
        let heard: Vec<f32> =
            (0..20_000).map(|t| if t < 704 { 0.0 } else { 0.1 * played[t - 704] }).collect();
        assert_eq!(best_lag(&played, &heard, 2000, 10_000), 704);
    }
}
