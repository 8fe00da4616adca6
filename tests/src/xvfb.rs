//! An X server without a screen, of one's own: tests neither need a display nor touch the one that
//! there is.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running Xvfb; ended when dropped.
pub struct Xvfb {
    server: Child,
    display: String,
}

impl Xvfb {
    /// Starts a server on a display number that it finds free itself.
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"])
            .args(["+extension", "GLX", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("Xvfb cannot be started ({e}); Debian has it in `xvfb`"));
        let mut number = String::new();
        let said =
            BufReader::new(server.stdout.take().expect("stdout is piped")).read_line(&mut number);
        match said {
            Ok(n) if n > 1 => Self { server, display: format!(":{}", number.trim()) },
            _ => {
                let _ = server.kill();
                let _ = server.wait();
                panic!("Xvfb started and found no free display");
            }
        }
    }

    /// For the environment variable `DISPLAY`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Has a program draw here.
    pub fn show<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
