//! The canvas clock: which place of the loop a frame belongs to (X6).
//!
//! A frame's sound is centred half a synthesis part before its end, so its column is the one that
//! the playhead passed *then*. The clock keeps the last stretches of steady motion, so that a
//! frame that is computed after a jump still reads the column of its own time. Audio thread;
//! memory is made in [`CanvasClock::new`].

use nice_plug::prelude::Transport;
use scumble_dsp::math::fraction;
use scumble_params::CanvasSync;

/// From `start` on the position runs at `rate`, until the next stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    /// Stream time, samples.
    start: i64,
    /// Beats or seconds at `start`.
    position: f64,
    /// Beats or seconds a sample; none while the transport stands.
    rate: f64,
    /// Beats or seconds a second, as the tempo says, also while the transport stands.
    pace: f64,
}

/// A place in the loop, and how long the whole loop takes at the tempo that was there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// 0..1.
    pub position: f64,
    pub loop_seconds: f64,
}

impl Stretch {
    fn at(&self, time: i64) -> f64 {
        self.position + (time - self.start) as f64 * self.rate
    }
}

/// How many stretches are kept. A host that changes tempo in every block of 16 samples is followed
/// exactly over the half synthesis part of every quality up to Studio.
const STRETCHES: usize = 256;
/// Positions nearer than this are one steady motion: hosts round.
const SAME_PLACE: f64 = 1e-6;

/// Where the transport was, over the recent past.
#[derive(Debug)]
pub struct CanvasClock {
    sample_rate: f64,
    /// Oldest first.
    stretches: Vec<Stretch>,
    sync: Option<CanvasSync>,
    free_seconds: f64,
}

impl CanvasClock {
    pub fn new(sample_rate: f32) -> Self {
        Self {
            sample_rate: sample_rate.into(),
            stretches: Vec::with_capacity(STRETCHES),
            sync: None,
            free_seconds: 0.0,
        }
    }

    pub fn reset(&mut self) {
        self.stretches.clear();
        self.sync = None;
        self.free_seconds = 0.0;
    }

    /// Notes where the transport stands at the start of a block of `samples` at stream time `now`.
    pub fn begin_block(&mut self, now: i64, samples: usize, sync: CanvasSync, host: &Transport) {
        let (position, pace) = match sync {
            CanvasSync::HostBeats => {
                let tempo = host.tempo.filter(|t| t.is_finite() && *t > 0.0).unwrap_or(120.0);
                (host.pos_beats().unwrap_or(0.0), tempo / 60.0)
            }
            CanvasSync::HostSeconds => (host.pos_seconds().unwrap_or(0.0), 1.0),
            CanvasSync::Free => (self.free_seconds, 1.0),
        };
        self.free_seconds += samples as f64 / self.sample_rate;
        let moves = sync == CanvasSync::Free || host.playing;
        let rate = if moves { pace / self.sample_rate } else { 0.0 };
        if self.sync != Some(sync) {
            // Positions in another unit mean nothing now.
            self.stretches.clear();
            self.sync = Some(sync);
        }
        if let Some(last) = self.stretches.last()
            && (last.rate - rate).abs() < 1e-12
            && last.pace == pace
            && (last.at(now) - position).abs() < SAME_PLACE
        {
            return;
        }
        if self.stretches.len() == STRETCHES {
            self.stretches.remove(0);
        }
        self.stretches.push(Stretch { start: now, position, rate, pace });
    }

    /// The place in a loop of `length` that was passed at stream time `time`.
    pub fn place(&self, time: i64, length: f64) -> Place {
        let stretch =
            self.stretches.iter().rev().find(|s| s.start <= time).or(self.stretches.first());
        let position = stretch.map_or(0.0, |s| s.at(time));
        let position = fraction(position / length);
        Place { position, loop_seconds: length / stretch.map_or(1.0, |s| s.pace) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(playing: bool, beats: f64, tempo: f64) -> Transport {
        let mut t = Transport::new(48_000.0);
        t.playing = playing;
        t.tempo = Some(tempo);
        t.pos_beats = Some(beats);
        t
    }

    #[test]
    fn follows_the_beats_through_a_loop() {
        // X6
        let mut clock = CanvasClock::new(48_000.0);
        let mut now = 0;
        for pass in 0..3 {
            for block in 0..400 {
                let beat = f64::from(block) * 0.02;
                clock.begin_block(now, 480, CanvasSync::HostBeats, &transport(true, beat, 120.0));
                let place = clock.place(now + 240, 8.0).position;
                assert!((place * 8.0 - (beat + 0.01)).abs() < 1e-5, "pass {pass}, beat {beat}");
                now += 480;
            }
        }
    }

    #[test]
    fn after_a_jump_the_past_is_still_the_past() {
        let mut clock = CanvasClock::new(48_000.0);
        clock.begin_block(0, 512, CanvasSync::HostBeats, &transport(true, 2.0, 60.0));
        clock.begin_block(512, 512, CanvasSync::HostBeats, &transport(true, 6.0, 60.0));
        assert!((clock.place(511, 8.0).position * 8.0 - (2.0 + 511.0 / 48_000.0)).abs() < 1e-9);
        assert!((clock.place(512, 8.0).position * 8.0 - 6.0).abs() < 1e-9);
    }

    #[test]
    fn stands_still_when_the_host_stops_and_runs_on_when_free() {
        let mut clock = CanvasClock::new(48_000.0);
        clock.begin_block(0, 512, CanvasSync::HostBeats, &transport(false, 3.0, 120.0));
        assert_eq!(clock.place(400, 4.0).position, 0.75);
        let mut clock = CanvasClock::new(48_000.0);
        for block in 0..100 {
            clock.begin_block(block * 480, 480, CanvasSync::Free, &transport(false, 3.0, 120.0));
        }
        assert!((clock.place(36_000, 1.0).position - 0.75).abs() < 1e-6);
    }

    #[test]
    fn the_loop_takes_as_long_as_the_tempo_of_that_time_says() {
        let mut clock = CanvasClock::new(48_000.0);
        let seconds = |clock: &CanvasClock, time| clock.place(time, 4.0).loop_seconds;
        clock.begin_block(0, 512, CanvasSync::HostBeats, &transport(true, 0.0, 173.5));
        clock.begin_block(512, 512, CanvasSync::HostBeats, &transport(false, 1.0, 60.0));
        assert!((seconds(&clock, 511) - 4.0 * 60.0 / 173.5).abs() < 1e-9);
        assert_eq!(seconds(&clock, 512), 4.0, "the tempo of a transport that stands");
        for broken in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            clock.begin_block(1024, 512, CanvasSync::HostBeats, &transport(true, 1.0, broken));
            assert_eq!(seconds(&clock, 1024), 2.0, "{broken}");
        }
        clock.begin_block(1536, 512, CanvasSync::Free, &transport(true, 1.0, 173.5));
        assert_eq!(seconds(&clock, 1536), 4.0);
    }

    #[test]
    fn positions_before_zero_wrap_like_any_other() {
        let mut clock = CanvasClock::new(48_000.0);
        clock.begin_block(0, 64, CanvasSync::HostBeats, &transport(true, -1.0, 120.0));
        assert_eq!(clock.place(0, 4.0).position, 0.75);
    }

    #[test]
    fn a_tempo_that_changes_in_every_block_fills_no_memory() {
        let mut clock = CanvasClock::new(48_000.0);
        let capacity = clock.stretches.capacity();
        let mut beat = 0.0;
        for block in 0..5000i64 {
            let tempo = 100.0 + block as f64 * 0.01;
            clock.begin_block(block * 16, 16, CanvasSync::HostBeats, &transport(true, beat, tempo));
            beat += 16.0 / 48_000.0 * tempo / 60.0;
        }
        assert_eq!(clock.stretches.capacity(), capacity);
        assert!((clock.place(5000 * 16, 1e6).position * 1e6 - beat).abs() < 1e-3);
    }
}
