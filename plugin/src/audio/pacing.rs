//! Is the host keeping real time? (X3, DESIGN 2)
//!
//! The offline flag cannot be trusted in every format, so pace decides too: the GPU is engaged only
//! after the host has kept real time for half a second, and a host that runs ahead goes back to the
//! twin at once. A bounce is then wholly the twin's, and so exact and repeatable.

use std::time::{Duration, Instant};

/// A host has to keep real time this long before it counts as live.
const PROBATION: Duration = Duration::from_millis(500);
/// A live host may run ahead of the clock by this much (and a block): hosts work in bursts.
const LEAD: Duration = Duration::from_millis(100);

/// Compares stream time with the clock. Audio thread.
#[derive(Debug)]
pub struct Pacing {
    sample_rate: f64,
    /// Clock and stream time (samples) from which the pace is counted.
    anchor: Option<(Instant, u64)>,
    live: bool,
}

impl Pacing {
    pub fn new(sample_rate: f32) -> Self {
        Self { sample_rate: sample_rate.into(), anchor: None, live: false }
    }

    pub fn reset(&mut self) {
        self.anchor = None;
        self.live = false;
    }

    /// To be called at the start of each block: `stream` samples came before it, it has `block`.
    pub fn observe(&mut self, clock: Instant, stream: u64, block: usize) -> bool {
        let (since, from) = *self.anchor.get_or_insert((clock, stream));
        let wall = clock.saturating_duration_since(since).as_secs_f64();
        let played = stream.saturating_sub(from) as f64 / self.sample_rate;
        let allowed = LEAD.as_secs_f64() + block as f64 / self.sample_rate;
        if played > wall + allowed {
            // Ahead of real time: whatever was seen before counts for nothing.
            self.anchor = Some((clock, stream));
            self.live = false;
        } else if played + LEAD.as_secs_f64() < wall {
            // Behind: the host paused or stalled. Real time goes on from here, but a new lead must
            // not be hidden behind the old lag.
            self.anchor = Some((clock, stream));
            // A pause of the host is no proof of real time either: probation starts over unless it
            // was served already.
        } else if wall >= PROBATION.as_secs_f64() {
            self.live = true;
            // Moves along, so that a lead is noticed within a probation, not averaged over hours.
            if wall >= 4.0 * PROBATION.as_secs_f64() {
                let step = Duration::from_secs_f64(wall / 2.0);
                let samples = (wall / 2.0 * self.sample_rate) as u64;
                self.anchor = Some((since + step, from + samples));
            }
        }
        self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `seconds` in blocks of 128 at `speed` times real time; says when it was live.
    fn play(
        pacing: &mut Pacing,
        clock: &mut Instant,
        stream: &mut u64,
        seconds: f64,
        speed: f64,
    ) -> Vec<bool> {
        let blocks = (seconds * 48_000.0 / 128.0) as usize;
        (0..blocks)
            .map(|_| {
                let live = pacing.observe(*clock, *stream, 128);
                *stream += 128;
                *clock += Duration::from_secs_f64(128.0 / 48_000.0 / speed);
                live
            })
            .collect()
    }

    #[test]
    fn a_live_host_is_live_after_half_a_second_and_stays_so() {
        let (mut pacing, mut clock, mut stream) = (Pacing::new(48_000.0), Instant::now(), 0);
        let live = play(&mut pacing, &mut clock, &mut stream, 60.0, 1.0);
        let first = live.iter().position(|&l| l).expect("it becomes live");
        assert!((186..200).contains(&first), "{first}");
        assert!(live[first..].iter().all(|&l| l));
    }

    #[test]
    fn a_bounce_is_never_live() {
        // X3: also where the machine is so busy that it is hardly faster than real time.
        for speed in [1.5, 3.0, 100.0] {
            let (mut pacing, mut clock, mut stream) = (Pacing::new(48_000.0), Instant::now(), 0);
            let live = play(&mut pacing, &mut clock, &mut stream, 120.0, speed);
            assert!(live.iter().all(|&l| !l), "at {speed}x");
        }
    }

    #[test]
    fn running_ahead_ends_it_at_once() {
        let (mut pacing, mut clock, mut stream) = (Pacing::new(48_000.0), Instant::now(), 0);
        play(&mut pacing, &mut clock, &mut stream, 30.0, 1.0);
        let live = play(&mut pacing, &mut clock, &mut stream, 10.0, 20.0);
        let last = live.iter().rposition(|&l| l).expect("it was live");
        assert!(last as f64 * 128.0 / 48_000.0 < 0.15, "noticed after {last} blocks");
    }

    #[test]
    fn a_pause_hides_no_bounce() {
        let (mut pacing, mut clock, mut stream) = (Pacing::new(48_000.0), Instant::now(), 0);
        play(&mut pacing, &mut clock, &mut stream, 5.0, 1.0);
        clock += Duration::from_secs(60);
        let live = play(&mut pacing, &mut clock, &mut stream, 30.0, 20.0);
        assert!(live.iter().rposition(|&l| l).unwrap_or(0) < 60);
    }

    #[test]
    fn bursts_of_a_live_host_are_forgiven() {
        let (mut pacing, mut clock, mut stream) = (Pacing::new(48_000.0), Instant::now(), 0);
        play(&mut pacing, &mut clock, &mut stream, 2.0, 1.0);
        for _ in 0..100 {
            let live = play(&mut pacing, &mut clock, &mut stream, 0.08, 1000.0);
            assert!(live.iter().all(|&l| l));
            clock += Duration::from_millis(80);
        }
    }
}
