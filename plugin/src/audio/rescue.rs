//! Whether a rescue fits into the callback, known in advance (S12).
//!
//! The twin is timed once, at activation, with every effect on. A block may spend a part of its
//! period on rescues; where the next one would not fit, the next rung of the ladder is taken.
//!
//! A first rescue is dear, for effects that look back need the spectra of half a second. So a miss
//! makes the twin warm: for the next second each hop's spectrum is made as it comes, one transform a
//! channel, and once half a second of them is there a rescue costs what a streamed hop costs. While
//! nothing is missed nothing is made, for it would cost more than all else on the audio thread.

use std::time::{Duration, Instant};

use scumble_dsp::{EffectSettings, Framer, Playhead, Twin};

use super::processor::Plan;

/// The part of a block's period that rescues may take.
const SHARE: f64 = 0.6;
/// For how long after a miss the twin is kept warm.
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
    /// The most samples for which time is saved up.
    span: usize,
    hop: usize,
    left: f64,
    /// The hop that was rescued last: the next one shares all but one frame with it.
    last: Option<u64>,
    /// For how many hops more the twin is kept warm, how many it has been, and how many it needs.
    warming: u64,
    warmed: u64,
    warm_from: u64,
}

impl RescueBudget {
    pub fn new(cost: RescueCost, plan: &Plan) -> Self {
        let reach = plan.spec.reach_hops() + plan.spec.overlap() + plan.late_hops();
        Self {
            cost,
            sample_rate: f64::from(plan.sample_rate),
            // A host may give one block of its own in many small ones. What is more than a block of the
            // host's does not fit into a callback, however long nothing was missed.
            span: plan.spec.h.min(plan.max_block),
            hop: plan.spec.h,
            left: 0.0,
            last: None,
            warming: 0,
            warmed: 0,
            warm_from: reach as u64,
        }
    }

    pub fn begin_block(&mut self, samples: usize) {
        let time = |samples: usize| SHARE * samples as f64 / self.sample_rate;
        self.left = (self.left + time(samples)).min(time(samples.max(self.span)));
    }

    /// A hop was pushed. Whether its spectrum is to be made now; `looks_back` says whether there is
    /// an effect that would ask for it.
    pub fn warms(&mut self, looks_back: bool) -> bool {
        if self.warming == 0 || !looks_back {
            self.warmed = 0;
            self.warming = self.warming.saturating_sub(1);
            return false;
        }
        self.warming -= 1;
        self.warmed += 1;
        true
    }

    /// Whether hop `n`, which was missed, can be computed in this block; it is then counted as spent.
    pub fn affords(&mut self, n: u64) -> bool {
        self.warming = (WARM.as_secs_f64() * self.sample_rate / self.hop as f64) as u64;
        let follows = self.last.is_some_and(|last| last + 1 == n);
        let warm = follows || self.warmed >= self.warm_from;
        let cost = if warm { self.cost.warm } else { self.cost.cold }.as_secs_f64();
        if cost > self.left {
            return false;
        }
        self.left -= cost;
        self.last = Some(n);
        true
    }

    /// All history is gone.
    pub fn reset(&mut self) {
        self.left = 0.0;
        self.last = None;
        self.warming = 0;
        self.warmed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::processor::Rule;
    use scumble_dsp::{Quality, WindowSpec};

    fn plan() -> Plan {
        Plan {
            spec: WindowSpec::new(Quality::Live, 48_000.0),
            sample_rate: 48_000.0,
            channels: 2,
            async_samples: 128,
            max_block: 128,
            rule: Rule::Engaged,
        }
    }

    fn budget(warm_us: u64, cold_us: u64) -> RescueBudget {
        let cost = RescueCost {
            warm: Duration::from_micros(warm_us),
            cold: Duration::from_micros(cold_us),
        };
        RescueBudget::new(cost, &plan())
    }

    #[test]
    fn the_first_rescue_is_dear_and_those_that_follow_on_are_cheap() {
        // S12: 60 % of 128 samples at 48 kHz is 1.6 ms.
        let mut budget = budget(100, 1450);
        budget.begin_block(128);
        assert!(budget.affords(10));
        assert!(budget.affords(11), "0.1 ms are left");
        assert!(!budget.affords(12));
        budget.begin_block(128);
        assert!(budget.affords(20));
        assert!(!budget.affords(22), "a hop was left out: its neighbours are not there");
    }

    #[test]
    fn what_is_refused_is_affordable_once_the_twin_is_warm() {
        let mut budget = budget(100, 1700);
        budget.begin_block(128);
        assert!(!budget.warms(true), "nothing was missed");
        assert!(!budget.affords(0));
        let warm_from = budget.warm_from;
        for n in 0..warm_from {
            budget.begin_block(128);
            assert!(!budget.affords(n), "after {n} hops");
            assert!(budget.warms(true));
        }
        budget.begin_block(128);
        for n in 0..15 {
            assert!(budget.affords(1000 + 2 * n));
        }
    }

    #[test]
    fn what_does_not_fit_into_a_callback_is_refused_however_many_came_before() {
        // S12: a hop of Studio spans 16 callbacks of 64 samples, each 1.33 ms long.
        let spec = WindowSpec::new(Quality::Studio, 48_000.0);
        let plan = Plan { spec, max_block: 64, ..plan() };
        let cost =
            RescueCost { warm: Duration::from_micros(900), cold: Duration::from_micros(900) };
        let mut budget = RescueBudget::new(cost, &plan);
        for n in 0..40 {
            budget.begin_block(64);
            assert!(!budget.affords(n), "0.8 ms of a callback");
        }
        // The same blocks as parts of one of 1024 samples: the callback is the host's block.
        let mut budget = RescueBudget::new(cost, &Plan { max_block: 1024, ..plan });
        let affordable = (0..32).filter(|&n| {
            budget.begin_block(64);
            n % 16 == 15 && budget.affords(n) && budget.affords(n + 1)
        });
        assert_eq!(affordable.count(), 2, "12.8 ms are saved up each time");
    }

    #[test]
    fn a_second_without_a_miss_and_it_is_cold_again() {
        let mut budget = budget(100, 1700);
        budget.begin_block(128);
        assert!(!budget.affords(0));
        let warmed = (0..2000).take_while(|_| budget.warms(true)).count();
        assert_eq!(warmed, 750, "a second of hops");
        budget.begin_block(128);
        assert!(!budget.affords(2000));
        // Nor do hops count at which no effect looked back.
        (0..400).for_each(|_| assert!(!budget.warms(false)));
        budget.begin_block(128);
        assert!(!budget.affords(2400));
    }
}
