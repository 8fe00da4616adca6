//! A bar on the terminal, for work that takes its time.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A bar is shown for work that takes longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(50);

/// Shows how much of `total` is done for as long as `works` says so.
pub fn show(done: &AtomicUsize, total: usize, works: impl Fn() -> bool) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let begun = Instant::now();
    let mut shown = false;
    while works() {
        if begun.elapsed() > PATIENCE {
            let part = done.load(Ordering::Relaxed) as f64 / total.max(1) as f64;
            let mut bar = std::io::stderr();
            let _ = write!(bar, "\r{}", line(part)).and_then(|()| bar.flush());
            shown = true;
        }
        std::thread::sleep(LOOK);
    }
    if shown {
        let _ = write!(std::io::stderr(), "\r{}\r", " ".repeat(line(1.0).len()));
    }
}

fn line(part: f64) -> String {
    let filled = (part.clamp(0.0, 1.0) * 40.0) as usize;
    format!("[{}{}] {:3.0} %", "#".repeat(filled), ".".repeat(40 - filled), part * 100.0)
}

/// What was done and how fast, for the end.
pub fn summary(seconds_of_sound: f64, begun: Instant) {
    let took = begun.elapsed().as_secs_f64();
    let speed = seconds_of_sound / took;
    super::tell(format_args!(
        "{seconds_of_sound:.1} s of sound in {took:.2} s ({speed:.0}x real time)"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_from_left_to_right() {
        assert_eq!(line(0.0), format!("[{}]   0 %", ".".repeat(40)));
        assert_eq!(line(0.5), format!("[{}{}]  50 %", "#".repeat(20), ".".repeat(20)));
        assert_eq!(line(1.0), format!("[{}] 100 %", "#".repeat(40)));
    }
}
