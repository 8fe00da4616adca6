//! The clock of a sound card: a block every period. A host that is late by less than a period catches
//! up. One that was kept away for longer finds that the card went on without it (a dropout, which no
//! plugin can help) and is asked again a period later; nobody asks it for several blocks at once to make
//! up for what was not heard.

use std::time::{Duration, Instant};

pub struct Pace {
    period: Duration,
    due: Instant,
    dropouts: u32,
}

impl Pace {
    pub fn new(period: Duration) -> Self {
        Self { period, due: Instant::now(), dropouts: 0 }
    }

    /// Sleeps until the next block is asked for.
    pub fn wait(&mut self) {
        std::thread::sleep(self.due.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        if now.saturating_duration_since(self.due) >= self.period {
            self.dropouts += 1;
            self.due = now;
        }
        self.due += self.period;
    }

    pub fn dropouts(&self) -> u32 {
        self.dropouts
    }
}
