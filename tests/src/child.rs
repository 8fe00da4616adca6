//! Other programs, run with a time limit, and what they said.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A finished program.
#[derive(Debug)]
pub struct Finished {
    /// None: it ran past its limit and was ended.
    pub status: Option<ExitStatus>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn success(&self) -> bool {
        self.status.is_some_and(|s| s.success())
    }

    /// Whether a panic's message is to be found in what it printed.
    pub fn panicked(&self) -> bool {
        self.stderr.contains("panicked at") || self.stdout.contains("panicked at")
    }

    /// For the message of a failed assertion.
    pub fn story(&self) -> String {
        let end = |text: &str| {
            let skip = text.len().saturating_sub(4000);
            let start = (skip..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(0);
            text[start..].to_owned()
        };
        let status = self.status.map_or("ran past its time limit".into(), |s| s.to_string());
        format!("{status}\n--- stdout\n{}\n--- stderr\n{}", end(&self.stdout), end(&self.stderr))
    }
}

/// A running program; ended when dropped.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

fn gather(pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    let read = move || {
        let (mut pipe, mut bytes) = (pipe, Vec::new());
        // What was read before an error is still worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    std::thread::Builder::new().name("pipe".into()).spawn(read).expect("a thread can be made")
}

impl Running {
    /// Starts a program with nothing on its input and all its output gathered.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().map(gather);
        let stderr = child.stderr.take().map(gather);
        Ok(Self { child, stdout, stderr })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, as a shutdown does, so that it can clean up behind itself.
    #[cfg(target_os = "linux")]
    pub fn ask_to_end(&self) {
        let id = libc::pid_t::try_from(self.child.id()).expect("process ids are positive");
        // SAFETY: the child has not been waited for, so its id is still its own.
        unsafe { libc::kill(id, libc::SIGTERM) };
    }

    /// Waits for its end, at most this long; then ends it.
    pub fn finish(mut self, limit: Duration) -> Finished {
        let deadline = Instant::now() + limit;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    break None;
                }
            }
        };
        let text =
            |pipe: Option<JoinHandle<String>>| pipe.and_then(|p| p.join().ok()).unwrap_or_default();
        Finished { status, stdout: text(self.stdout.take()), stderr: text(self.stderr.take()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end, at most this long.
pub fn run(command: &mut Command, limit: Duration) -> Finished {
    match Running::start(command) {
        Ok(running) => running.finish(limit),
        Err(e) => panic!("{command:?} cannot be started: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_too_long_is_ended_and_said_to_be() {
        let start = Instant::now();
        let finished = run(Command::new("sleep").arg("20"), Duration::from_millis(100));
        assert!(finished.status.is_none() && start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn output_and_status_come_back() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let finished = run(&mut command, Duration::from_secs(5));
        assert_eq!(finished.status.and_then(|s| s.code()), Some(3));
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("out\n", "err\n"));
        assert!(!finished.success() && finished.story().contains("err"));
    }
}
