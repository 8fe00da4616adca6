//! What can be made to go wrong with a device, and what has: shared by a test, or a user's wish, and
//! the backend that does it ([`super::faulty`]).

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The submission fails: the device is gone.
    LoseAtSubmit,
    /// The submission goes out; waiting for it finds the device gone.
    LoseInFlight,
    /// The real device is destroyed under the backend.
    Destroy,
    /// Results take this much longer.
    Stall(Duration),
    /// The submission finds no memory.
    OutOfMemory,
    /// A pass is refused by the driver.
    PassError,
}

/// How long a table stalls by chance: longer than any block may wait.
const STALL_BY_CHANCE: Duration = Duration::from_millis(20);

/// Faults by chance: the share of submissions that meet each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chances {
    pub stall: f64,
    pub lose: f64,
}

impl Chances {
    /// Reads words like `stall=0.1`. Says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut chances = Self::default();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let refused = || {
                format!("SCUMBLE_FAULTS: {word:?}; allowed are stall=SHARE and lose=SHARE, 0 to 1")
            };
            let (name, share) = word.split_once('=').ok_or_else(refused)?;
            let share: f64 =
                share.parse().ok().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(refused)?;
            match name {
                "stall" => chances.stall = share,
                "lose" => chances.lose = share,
                _ => return Err(refused()),
            }
        }
        Ok(chances)
    }

    /// What `SCUMBLE_FAULTS` asks for, if it is set. A mistake is told in the log.
    pub fn from_env() -> Option<Self> {
        let text = std::env::var("SCUMBLE_FAULTS").ok().filter(|text| !text.trim().is_empty())?;
        Self::parse(&text).map_err(|error| log::error!("scumble: {error}")).ok()
    }
}

/// Faults still to come, and those that happened. Shared by a test and the backend.
#[derive(Debug, Default)]
pub struct Faults {
    pub(super) chances: Chances,
    /// The driver keeps the worker waiting.
    pub(super) held: AtomicBool,
    /// Drawn from; a counter that is scattered over all bits.
    pub(super) draws: AtomicU64,
    pub(super) queue: Mutex<std::collections::VecDeque<Fault>>,
    /// Openings that shall fail, before one succeeds again.
    pub(super) refuse_openings: AtomicU64,
    /// Portions of tasks that shall lose the device.
    pub(super) lose_portions: AtomicU64,
    /// Portions of tasks, and fields, for which there shall be no memory.
    pub(super) starve_portions: AtomicU64,
    pub(super) starve_fields: AtomicU64,
    /// Sizes for which the driver shall not compile, and how often it was asked to.
    pub(super) refused_sizes: Mutex<Vec<usize>>,
    pub(super) warm_ups: AtomicU64,
    /// Hops of the largest table since the last look.
    pub(super) largest_table: AtomicUsize,
    /// Stalls of tables with due hops.
    pub(super) due_stalls: AtomicU64,
    pub(super) losses: AtomicU64,
    pub(super) stalls: AtomicU64,
    pub(super) others: AtomicU64,
    pub(super) openings: AtomicU64,
}

impl Faults {
    /// Faults by chance.
    pub fn by_chance(chances: Chances) -> Self {
        Self { chances, ..Self::default() }
    }

    /// The next submission meets `fault`.
    pub fn inject(&self, fault: Fault) {
        self.queue.lock().push_back(fault);
    }

    /// From now on submitting does not return, as a driver's locks were seen to do; until `release`.
    pub fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    pub fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// The next `count` attempts to open the device fail.
    pub fn refuse_openings(&self, count: u64) {
        self.refuse_openings.store(count, Ordering::Release);
    }

    pub fn pending(&self) -> usize {
        self.queue.lock().len()
    }

    /// Lets the next `count` portions of tasks lose the device.
    pub fn lose_portions(&self, count: u64) {
        self.lose_portions.fetch_add(count, Ordering::AcqRel);
    }

    /// Lets the next `count` portions of tasks find no memory.
    pub fn starve_portions(&self, count: u64) {
        self.starve_portions.fetch_add(count, Ordering::AcqRel);
    }

    /// Portions that are still to find none.
    pub fn starving_portions(&self) -> u64 {
        self.starve_portions.load(Ordering::Acquire)
    }

    /// Lets the next `count` fields find no memory.
    pub fn starve_fields(&self, count: u64) {
        self.starve_fields.fetch_add(count, Ordering::AcqRel);
    }

    /// From now on the driver does not compile what transforms of `n` samples need.
    pub fn refuse_size(&self, n: usize) {
        self.refused_sizes.lock().push(n);
    }

    /// How often a refused size was to be compiled.
    pub fn warm_ups(&self) -> u64 {
        self.warm_ups.load(Ordering::Acquire)
    }

    /// Hops of the largest table that was submitted since the last call.
    pub fn take_largest_table(&self) -> usize {
        self.largest_table.swap(0, Ordering::AcqRel)
    }

    /// Stalls that kept due hops waiting, and not just the history of a session.
    pub fn due_stalls(&self) -> u64 {
        self.due_stalls.load(Ordering::Acquire)
    }

    /// Faults of a kind that is counted down.
    pub(super) fn comes(left: &AtomicU64) -> bool {
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
    }

    /// Losses, stalls and other faults that have happened.
    pub fn happened(&self) -> (u64, u64, u64) {
        (
            self.losses.load(Ordering::Acquire),
            self.stalls.load(Ordering::Acquire),
            self.others.load(Ordering::Acquire),
        )
    }

    /// How often a device was opened.
    pub fn openings(&self) -> u64 {
        self.openings.load(Ordering::Acquire)
    }

    pub(super) fn next(&self) -> Option<Fault> {
        self.queue.lock().pop_front().or_else(|| self.draw())
    }

    fn draw(&self) -> Option<Fault> {
        let Chances { stall, lose } = self.chances;
        let drawn = self.draws.fetch_add(1, Ordering::Relaxed) + 1;
        let mixed = drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let chance = ((mixed ^ mixed >> 29) >> 11) as f64 / (1u64 << 53) as f64;
        if chance < lose {
            Some(Fault::LoseInFlight)
        } else if chance < lose + stall {
            Some(Fault::Stall(STALL_BY_CHANCE))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_chances_and_chances_become_shares() {
        let chances = Chances::parse("stall=0.1, lose=0.01").expect("two good words");
        assert_eq!(chances, Chances { stall: 0.1, lose: 0.01 });
        for bad in ["stall", "stall=2", "stall=often", "burn=0.5"] {
            assert!(Chances::parse(bad).is_err_and(|e| e.contains(bad)), "{bad}");
        }
        let faults = Faults::by_chance(chances);
        let drawn: Vec<_> = (0..10_000).filter_map(|_| faults.next()).collect();
        let losses = drawn.iter().filter(|f| **f == Fault::LoseInFlight).count();
        assert!((60..160).contains(&losses), "{losses} losses");
        let stalls = drawn.len() - losses;
        assert!((850..1150).contains(&stalls), "{stalls} stalls");
    }
}
