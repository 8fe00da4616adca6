//! Whether a rescue fits into the callback, known in advance (S12).
//!
//! The twin is timed once, at activation, with every effect on. A block may spend a part of its
//! period on rescues; where the next one would not fit, the next rung of the ladder is taken.

use std::time::{Duration, Instant};

use scumble_dsp::{EffectSettings, Framer, Playhead, Twin};

use super::processor::Plan;

/// The part of a block's period that rescues may take.
const SHARE: f64 = 0.6;
/// Without a rescue for this long, the twin's caches count as cold.
const WARM: Duration = Duration::from_secs(1);

/// What one hop costs, all channels, in the worst case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RescueCost {
    /// With the history's spectra at hand.
    pub warm: Duration,
    /// With nothing at hand.
    pub cold: Duration,
}

impl RescueCost {
    /// Times the twin, which is as new afterwards. Not for the audio thread.
    pub fn measure(twin: &mut Twin, sample_rate: f64) -> Self {
        let spec = *twin.spec();
        let settings = EffectSettings {
            blur_time_ms: 1000.0,
            blur_freq_oct: 1.0,
            diffuse: 0.5,
            shift_hz: 100.0,
            stretch: 1.2,
            low_cut_hz: 100.0,
            high_cut_hz: 8000.0,
            mod_low_hz: 2.0,
            mod_high_hz: 20.0,
            ..EffectSettings::default()
        };
        let mut framer = Framer::new(spec, sample_rate);
        let mut noise = 1u32;
        let hop: Vec<f32> = (0..spec.h)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 9) as f32 / (1 << 23) as f32 - 0.5
            })
            .collect();
        let inputs = vec![hop.as_slice(); twin.channels()];
        let mut out = vec![vec![0.0; spec.h]; twin.channels()];
        let mut timed = |twin: &mut Twin, n: u64| {
            let mut slices: Vec<&mut [f32]> = out.iter_mut().map(Vec::as_mut_slice).collect();
            let begun = Instant::now();
            // Cannot fail: the hop was pushed just now.
            let _ = twin.process_hop(n, &mut slices);
            begun.elapsed()
        };
        // Enough history that every tap is a real one.
        let history = spec.reach_hops() as u64 + 2;
        for n in 0..history {
            let params = framer.next(&settings, Playhead::default());
            twin.push(n, &inputs, &params);
        }
        // The least of several: a machine that was busy for a moment must not forbid rescues for
        // the whole activation.
        let mut cold = Duration::MAX;
        for _ in 0..3 {
            twin.forget();
            cold = cold.min(timed(twin, history - 1));
        }
        let mut warm = Duration::MAX;
        for n in history..history + 4 {
            let params = framer.next(&settings, Playhead::default());
            twin.push(n, &inputs, &params);
            warm = warm.min(timed(twin, n));
        }
        twin.reset();
        Self { warm, cold: cold.max(warm) }
    }
}

/// Spends a block's time. Audio thread.
#[derive(Debug)]
pub struct RescueBudget {
    cost: RescueCost,
    sample_rate: f64,
    hop: usize,
    left: f64,
    /// Samples since the last rescue.
    since: f64,
}

impl RescueBudget {
    pub fn new(cost: RescueCost, plan: &Plan) -> Self {
        let sample_rate = f64::from(plan.sample_rate);
        Self { cost, sample_rate, hop: plan.spec.h, left: 0.0, since: f64::INFINITY }
    }

    pub fn begin_block(&mut self, samples: usize) {
        // A hop that spans many small blocks is computed in one of them.
        let period = samples.max(self.hop) as f64 / self.sample_rate;
        self.left = SHARE * period;
        self.since += samples as f64;
    }

    /// Whether one hop more can be computed in this block; it is then counted as spent.
    pub fn affords(&mut self) -> bool {
        let warm = self.since < WARM.as_secs_f64() * self.sample_rate;
        let cost = if warm { self.cost.warm } else { self.cost.cold }.as_secs_f64();
        if cost > self.left {
            return false;
        }
        self.left -= cost;
        self.since = 0.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::processor::Rule;
    use scumble_dsp::{Quality, WindowSpec};

    fn budget(warm_us: u64, cold_us: u64) -> RescueBudget {
        let plan = Plan {
            spec: WindowSpec::new(Quality::Live, 48_000.0),
            sample_rate: 48_000.0,
            channels: 2,
            async_samples: 128,
            max_block: 128,
            rule: Rule::Engaged,
        };
        let cost = RescueCost {
            warm: Duration::from_micros(warm_us),
            cold: Duration::from_micros(cold_us),
        };
        RescueBudget::new(cost, &plan)
    }

    #[test]
    fn the_first_rescue_is_dear_and_the_next_are_cheap() {
        // S12: 60 % of 128 samples at 48 kHz is 1.6 ms.
        let mut budget = budget(100, 1450);
        budget.begin_block(128);
        assert!(budget.affords());
        assert!(budget.affords(), "0.1 ms are left");
        assert!(!budget.affords());
        budget.begin_block(128);
        for _ in 0..15 {
            assert!(budget.affords());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_a_long_pause_makes_it_cold_again() {
        let mut budget = budget(100, 1700);
        budget.begin_block(128);
        assert!(!budget.affords());
        let mut budget = self::budget(700, 900);
        budget.begin_block(128);
        assert!(budget.affords());
        for _ in 0..400 {
            budget.begin_block(128);
        }
        assert!(budget.affords());
        assert!(!budget.affords());
    }
}
