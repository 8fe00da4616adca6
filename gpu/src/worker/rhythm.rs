//! When the audio threads will ring next.
//!
//! Waking a worker that sleeps is the one system call an audio thread makes, and the dearest thing it
//! does: up to 15 of 20 microseconds where the other core has gone idle. Hosts call in a steady
//! rhythm. So a worker that has heard it for a while sets its own alarm a little before the next call
//! and is up when it comes. It is deaf until the alarm; who rings meanwhile (a host that calls twice
//! in a row) is heard late once, and such a host is left alone for longer each time.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long before the next call the alarm is set, and how long after it the worker stays up: what
/// timers and hosts are off by.
const EARLY: Duration = Duration::from_micros(80);
const PATIENT: Duration = Duration::from_micros(300);
/// Rhythms that are worth it: blocks of 64 samples at 96 kHz, to 1024 at 44.1 kHz.
const PERIODS: RangeInclusive<Duration> = Duration::from_micros(600)..=Duration::from_millis(24);
/// Calls in a row that make a rhythm, and the most that are asked for after it failed.
const STEADY: u32 = 4;
const STEADY_LIMIT: u32 = 1 << 16;
/// Calls in step after which half of that is forgiven.
const FORGIVEN_AFTER: u32 = 64;

#[derive(Debug)]
pub(super) struct Rhythm {
    last: Option<Instant>,
    period: Duration,
    steady: u32,
    needed: u32,
    /// The last call was out of step.
    stumbled: bool,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { last: None, period: Duration::ZERO, steady: 0, needed: STEADY, stumbled: false }
    }
}

/// When to get up, and when to stop waiting for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alarm {
    pub at: Instant,
    pub until: Instant,
}

impl Rhythm {
    /// Work came at `pushed`; `idle` if there was nothing to do.
    pub fn beat(&mut self, pushed: Instant, idle: bool) {
        let last = *self.last.get_or_insert(pushed);
        let interval = pushed.saturating_duration_since(last);
        if !idle && interval < self.period / 2 {
            // Another instance, in the same call of the host's.
            return;
        }
        self.last = Some(pushed);
        if PERIODS.contains(&interval) && interval.abs_diff(self.period) <= self.period / 8 {
            self.steady = self.steady.saturating_add(1);
            self.period = (7 * self.period + interval) / 8;
            self.stumbled = false;
            if self.steady > self.needed && self.steady.is_multiple_of(FORGIVEN_AFTER) {
                self.needed = (self.needed / 2).max(STEADY);
            }
        } else if std::mem::replace(&mut self.stumbled, true) {
            (self.steady, self.period) = (0, interval);
        } else {
            self.lost();
        }
    }

    /// The alarm for the next call, if there is a rhythm and it is not about to come anyway.
    pub fn alarm(&self, now: Instant) -> Option<Alarm> {
        let next = self.last.filter(|_| self.steady >= self.needed)? + self.period;
        let alarm = Alarm { at: next - EARLY, until: next + PATIENT };
        (alarm.at > now).then_some(alarm)
    }

    /// Work that came at `pushed` was found when `alarm` went off.
    pub fn woke(&mut self, alarm: Alarm, pushed: Instant) {
        if pushed + self.period / 4 < alarm.at {
            // Nobody rings so early who keeps the rhythm.
            self.steady = 0;
            self.needed = (2 * self.needed).min(STEADY_LIMIT);
        }
    }

    /// Nobody came in time. The next call that is in time finds the rhythm again.
    pub fn lost(&mut self) {
        self.steady = self.steady.min(self.needed - 1);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_micros(2667);

    fn after(beats: u32) -> (Rhythm, Instant) {
        let (mut rhythm, mut now) = (Rhythm::default(), Instant::now());
        for beat in 0..beats {
            now += PERIOD;
            // Hosts are never exact.
            rhythm.beat(now + Duration::from_micros(u64::from(beat % 7) * 20), true);
        }
        (rhythm, now)
    }

    #[test]
    fn a_steady_host_is_expected_a_little_early() {
        assert_eq!(after(STEADY).0.alarm(Instant::now()), None, "too soon to tell");
        let (rhythm, last) = after(100);
        let alarm = rhythm.alarm(last).expect("a rhythm");
        let next = last + PERIOD;
        assert!(alarm.at < next && next < alarm.until, "{alarm:?} around {next:?}");
        assert!(alarm.until - alarm.at < Duration::from_micros(500), "it costs its core so long");
        assert_eq!(rhythm.alarm(next - EARLY / 2), None, "it is about to come");
    }

    #[test]
    fn a_rhythm_that_breaks_must_be_found_again() {
        let (mut rhythm, last) = after(100);
        rhythm.beat(last + PERIOD / 3, true);
        assert_eq!(rhythm.alarm(last), None);
        let (mut rhythm, last) = after(100);
        rhythm.lost();
        assert_eq!(rhythm.alarm(last), None);
        // One call that was late, and the next in time.
        rhythm.beat(last + 4 * PERIOD / 3, true);
        assert_eq!(rhythm.alarm(last + 4 * PERIOD / 3), None);
        rhythm.beat(last + 7 * PERIOD / 3, true);
        assert!(rhythm.alarm(last + 7 * PERIOD / 3).is_some());
        // Nor is one broken by instances that come one after the other in the same call.
        let (mut rhythm, last) = after(100);
        rhythm.beat(last + PERIOD / 5, false);
        rhythm.beat(last + PERIOD, false);
        assert!(rhythm.alarm(last + PERIOD).is_some());
        let (mut rhythm, mut now) = (Rhythm::default(), Instant::now());
        for _ in 0..200 {
            // Two blocks in a row.
            now += PERIOD / 5;
            rhythm.beat(now, true);
            now += 9 * PERIOD / 5;
            rhythm.beat(now, true);
        }
        assert_eq!(rhythm.alarm(now), None);
    }

    #[test]
    fn who_was_not_heard_is_left_alone_for_longer_each_time() {
        let (mut rhythm, mut now) = after(100);
        let mut waited = Vec::new();
        for _ in 0..4 {
            let mut beats = 0;
            let alarm = loop {
                if let Some(alarm) = rhythm.alarm(now) {
                    break alarm;
                }
                now += PERIOD;
                beats += 1;
                rhythm.beat(now, true);
            };
            waited.push(beats);
            rhythm.woke(alarm, now + PERIOD / 3);
        }
        assert!(waited.is_sorted() && waited[3] >= 4 * STEADY, "{waited:?}");
        let needed = rhythm.needed;
        for _ in 0..10 * FORGIVEN_AFTER {
            now += PERIOD;
            rhythm.beat(now, true);
        }
        assert!(rhythm.needed == STEADY && needed > STEADY, "forgiven: {needed}");
        // One that keeps the rhythm is not.
        let (mut rhythm, last) = after(100);
        let alarm = rhythm.alarm(last).expect("a rhythm");
        rhythm.woke(alarm, last + PERIOD - Duration::from_micros(100));
        assert!(rhythm.alarm(last).is_some());
    }
}
