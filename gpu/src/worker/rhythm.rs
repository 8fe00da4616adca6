//! When the audio threads will ring next.
//!
//! Waking a worker that sleeps is the one system call an audio thread makes, and the dearest thing it
//! does: up to 20 of 25 microseconds. Hosts call in a steady rhythm. So a worker that has heard it for
//! a while sets its own alarm a little before the next call and is up when it comes. It is deaf until
//! the alarm; who rings meanwhile (a host that calls twice in a row) is heard late once, and such a
//! host is left alone for longer each time.
//!
//! After a call that was late a host either catches up, at once or on the beat, or goes on from there.
//! The next call tells; until then the alarm is set for whichever comes first, and the sleep is one
//! that a ring ends.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long before the next call the alarm is set, and how long after it the worker stays up: what
/// timers and hosts are off by.
const EARLY: Duration = Duration::from_micros(80);
const PATIENT: Duration = Duration::from_micros(300);
/// Rhythms that are worth it: blocks of 64 samples at 96 kHz, to 1024 at 44.1 kHz.
const PERIODS: RangeInclusive<Duration> = Duration::from_micros(600)..=Duration::from_millis(24);
/// As many beats a call may miss and still be on one.
const BEATS_OUT: u32 = 2;
/// Calls in a row that make a rhythm, and the most that are asked for after it failed.
const STEADY: u32 = 4;
const STEADY_LIMIT: u32 = 1 << 16;
/// Calls in step after which half of that is forgiven.
const FORGIVEN_AFTER: u32 = 64;

#[derive(Debug)]
pub(super) struct Rhythm {
    /// The last call, and when it should have come: calls come late rather than early.
    last: Option<Instant>,
    beat: Instant,
    period: Duration,
    /// Calls in step, and how many of them make a rhythm.
    steady: u32,
    needed: u32,
    /// The last call was out of step.
    stumbled: bool,
    /// Nothing was to be done when the last call came.
    idle: bool,
    /// Set for the next call.
    alarm: Option<Alarm>,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            last: None,
            beat: Instant::now(),
            period: Duration::ZERO,
            steady: 0,
            needed: STEADY,
            stumbled: false,
            idle: false,
            alarm: None,
        }
    }
}

/// When to get up, and when to stop waiting for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Alarm {
    pub at: Instant,
    pub until: Instant,
    /// Nobody is expected before it.
    pub sure: bool,
}

impl Rhythm {
    /// Work came at `pushed`.
    pub fn call(&mut self, pushed: Instant) {
        let idle = std::mem::take(&mut self.idle);
        let alarm = self.alarm.take();
        let Some(last) = self.last else {
            (self.last, self.beat) = (Some(pushed), pushed);
            return;
        };
        let interval = pushed.saturating_duration_since(last);
        if !idle && interval < self.period / 2 {
            // Another instance, in the same call of the host's.
            return;
        }
        self.last = Some(pushed);
        let even = PERIODS.contains(&interval) && interval.abs_diff(self.period) <= self.period / 8;
        // Who left a beat out was late for it, even if another is near.
        let on_beat = self.next_beat(pushed).filter(|_| 2 * interval < 3 * self.period);
        if even || on_beat.is_some() {
            self.steady = self.steady.saturating_add(1);
            self.stumbled = false;
            if even {
                self.period = (7 * self.period + interval) / 8;
            }
            self.beat = on_beat.unwrap_or(pushed);
            if self.steady > self.needed && self.steady.is_multiple_of(FORGIVEN_AFTER) {
                self.needed = (self.needed / 2).max(STEADY);
            }
        } else if std::mem::replace(&mut self.stumbled, true) {
            (self.steady, self.period, self.beat) = (0, interval, pushed);
        }
        if alarm.is_some_and(|alarm| alarm.sure && pushed + self.period / 4 < alarm.at) {
            // Nobody rings so early who keeps the rhythm.
            self.steady = 0;
            self.needed = (2 * self.needed).min(STEADY_LIMIT);
        }
    }

    /// The beat that `pushed` is on, if it is on one. It moves with the earliest calls at once, and
    /// slowly with all others.
    fn next_beat(&self, pushed: Instant) -> Option<Instant> {
        let since = pushed.saturating_duration_since(self.beat);
        let beat = (1..=BEATS_OUT + 1).map(|beats| self.period * beats).find(|beat| {
            PERIODS.contains(&self.period) && beat.abs_diff(since) < self.period / 2
        })?;
        let beat = self.beat + beat;
        match pushed.checked_duration_since(beat) {
            Some(late) => (late <= self.period / 8).then(|| beat + late / 8),
            None => (beat - pushed <= self.period / 8).then_some(pushed),
        }
    }

    fn beat_after(&self, call: Instant) -> Instant {
        let beats = call.saturating_duration_since(self.beat).div_duration_f64(self.period);
        self.beat + self.period.mul_f64(beats.floor() + 1.0)
    }

    /// There is nothing to do. The alarm for the next call, if there is a rhythm and nobody failed
    /// to come yet.
    pub fn rest(&mut self, now: Instant) -> Option<Alarm> {
        self.idle = true;
        if self.steady < self.needed {
            return None;
        }
        let calls = match self.last.filter(|_| self.stumbled) {
            None => [self.beat + self.period; 2],
            // The next beat comes first: it is less than a period away.
            Some(late) => [self.beat_after(late), late + self.period],
        };
        let sure = !self.stumbled;
        let mut alarms =
            calls.map(|call| Alarm { at: call - EARLY, until: call + PATIENT, sure }).into_iter();
        self.alarm = alarms.find(|alarm| alarm.until > now);
        self.alarm
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_micros(2667);

    /// The worker rests for a moment, and a call comes.
    fn call(rhythm: &mut Rhythm, at: Instant) {
        rhythm.rest(at - PERIOD / 20);
        rhythm.call(at);
    }

    /// A rhythm, and when its last beat was.
    fn after(beats: u32) -> (Rhythm, Instant) {
        let (mut rhythm, mut now) = (Rhythm::default(), Instant::now() + PERIOD);
        for beat in 0..beats {
            now += PERIOD;
            // Hosts are never exact.
            call(&mut rhythm, now + Duration::from_micros(u64::from(beat % 7) * 20));
        }
        (rhythm, now)
    }

    fn expects(rhythm: &mut Rhythm, now: Instant, next: Instant) -> bool {
        rhythm.rest(now).is_some_and(|alarm| alarm.at < next && next < alarm.until)
    }

    #[test]
    fn a_steady_host_is_expected_a_little_early() {
        assert_eq!(after(STEADY - 1).0.rest(Instant::now()), None, "too soon to tell");
        let (mut rhythm, last) = after(100);
        let next = last + PERIOD;
        assert!(expects(&mut rhythm, last, next), "{rhythm:?}, next {next:?}");
        let alarm = rhythm.rest(last).expect("a rhythm");
        assert!(alarm.until - alarm.at < Duration::from_micros(500), "it costs its core so long");
        assert_eq!(rhythm.rest(next - EARLY / 2), Some(alarm), "worth staying up for");
        assert_eq!(rhythm.rest(next + 2 * PATIENT), None, "nobody came");
    }

    #[test]
    fn a_host_that_was_late_catches_up_or_goes_on_from_there() {
        for (late, catches_up) in [
            (PERIOD / 3, true),
            (PERIOD / 3, false),
            (19 * PERIOD / 20, true),
            (3 * PERIOD / 2, true),
            (2 * PERIOD, false),
        ] {
            let (mut rhythm, last) = after(100);
            let call_after = last + PERIOD + late;
            call(&mut rhythm, call_after);
            let next = if catches_up {
                last + PERIOD * (2 + late.div_duration_f32(PERIOD) as u32)
            } else {
                call_after + PERIOD
            };
            let alarm = rhythm.rest(call_after).expect("one of two");
            assert!(!alarm.sure && alarm.at <= next, "it may also come at once");
            let waiting = next - EARLY / 2;
            assert!(expects(&mut rhythm, waiting, next), "{late:?} {catches_up}: {rhythm:?}");
            call(&mut rhythm, next);
            assert!(expects(&mut rhythm, next, next + PERIOD), "{late:?} {catches_up}: {rhythm:?}");
            assert!(rhythm.rest(next).is_some_and(|alarm| alarm.sure));
        }
        // Out of step twice: the rhythm is to be found again.
        let (mut rhythm, last) = after(100);
        call(&mut rhythm, last + 4 * PERIOD / 3);
        call(&mut rhythm, last + 8 * PERIOD / 3);
        call(&mut rhythm, last + 11 * PERIOD / 3);
        assert_eq!(rhythm.rest(last + 11 * PERIOD / 3), None);
    }

    #[test]
    fn calls_in_pairs_are_no_rhythm_and_instances_no_calls() {
        let (mut rhythm, last) = after(100);
        rhythm.call(last + PERIOD / 5);
        rhythm.call(last + PERIOD / 3);
        call(&mut rhythm, last + PERIOD);
        assert!(expects(&mut rhythm, last + PERIOD, last + 2 * PERIOD));
        let (mut rhythm, mut now) = (Rhythm::default(), Instant::now() + PERIOD);
        for _ in 0..200 {
            now += PERIOD / 5;
            call(&mut rhythm, now);
            now += 9 * PERIOD / 5;
            call(&mut rhythm, now);
            assert_eq!(rhythm.rest(now), None);
        }
    }

    #[test]
    fn who_was_not_heard_is_left_alone_for_longer_each_time() {
        let (mut rhythm, mut now) = after(100);
        let mut waited = Vec::new();
        for _ in 0..4 {
            let mut calls = 0;
            while rhythm.rest(now).is_none() {
                now += PERIOD;
                calls += 1;
                rhythm.call(now);
            }
            waited.push(calls);
            now += PERIOD / 3;
            rhythm.call(now);
        }
        assert!(waited.is_sorted() && waited[3] >= 4 * STEADY, "{waited:?}");
        let needed = rhythm.needed;
        for _ in 0..10 * FORGIVEN_AFTER {
            now += PERIOD;
            call(&mut rhythm, now);
        }
        assert!(rhythm.needed == STEADY && needed > STEADY, "forgiven: {needed}");
        // One that keeps the rhythm is not.
        let (mut rhythm, last) = after(100);
        rhythm.rest(last).expect("a rhythm");
        let early = last + PERIOD - Duration::from_micros(100);
        rhythm.call(early);
        assert!(rhythm.rest(early).is_some());
    }
}
