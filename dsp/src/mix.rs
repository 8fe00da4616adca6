//! Dry and wet, bypass and output gain (X5), without clicks. The plugin calls it block by block on
//! the audio thread, with the dry signal already aligned to the latency.

/// How long a change of mix, gain or bypass takes to arrive.
pub const RAMP_SECONDS: f32 = 0.01;

/// A number on its way to another, in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ramp {
    value: f32,
    target: f32,
    step: f32,
}

impl Ramp {
    fn at(value: f32) -> Self {
        Self { value, target: value, step: 0.0 }
    }

    fn aim(&mut self, target: f32, samples: f32) {
        if target != self.target {
            self.target = target;
            self.step = (target - self.value) / samples;
        }
    }

    /// The value after one sample more; exactly the target once there.
    fn next(&mut self) -> f32 {
        let left = self.target - self.value;
        if left.abs() <= self.step.abs() || self.step == 0.0 {
            self.value = self.target;
        } else {
            self.value += self.step;
        }
        self.value
    }

    fn still(&self) -> bool {
        self.value == self.target
    }
}

/// What the blend is asked for, per block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlendSettings {
    /// 0 dry, 1 wet.
    pub mix: f32,
    /// Output gain, linear.
    pub gain: f32,
    pub bypass: bool,
    /// Hear only what the effect changes: wet less dry.
    pub solo: bool,
}

impl Default for BlendSettings {
    fn default() -> Self {
        Self { mix: 1.0, gain: 1.0, bypass: false, solo: false }
    }
}

/// Crossfades of all channels of an instance.
///
/// Linear, since at neutral dry and wet are the same signal and must add up to it. Bypass is the dry
/// signal to the bit; fully wet at unity gain is the wet one to the bit.
#[derive(Clone, Debug)]
pub struct Blend {
    /// Shares of the dry and of the wet signal, gain and bypass included.
    dry: Ramp,
    wet: Ramp,
    ramp_samples: f32,
    fresh: bool,
}

impl Blend {
    pub fn new(sample_rate: f32) -> Self {
        Self {
            dry: Ramp::at(0.0),
            wet: Ramp::at(1.0),
            ramp_samples: (sample_rate * RAMP_SECONDS).max(1.0),
            fresh: true,
        }
    }

    /// The next settings apply at once.
    pub fn reset(&mut self) {
        self.fresh = true;
    }

    /// Whether the wet signal is not heard now and not on its way.
    pub fn is_dry(&self) -> bool {
        self.wet.value == 0.0 && self.wet.target == 0.0
    }

    /// Sets where the ramps go; call once a block, before `process`.
    pub fn aim(&mut self, settings: &BlendSettings) {
        let mix = if settings.mix.is_finite() { settings.mix.clamp(0.0, 1.0) } else { 1.0 };
        let gain = if settings.gain.is_finite() { settings.gain.clamp(0.0, 16.0) } else { 1.0 };
        let (dry, wet) = match (settings.bypass, settings.solo) {
            (true, _) => (1.0, 0.0),
            (false, true) => (-mix * gain, mix * gain),
            (false, false) => ((1.0 - mix) * gain, mix * gain),
        };
        if self.fresh {
            (self.dry, self.wet) = (Ramp::at(dry), Ramp::at(wet));
            self.fresh = false;
        }
        self.dry.aim(dry, self.ramp_samples);
        self.wet.aim(wet, self.ramp_samples);
    }

    /// One block of all channels: `wet[c]` becomes the blend with the aligned `dry[c]`.
    pub fn process<'a>(&mut self, channels: impl Iterator<Item = (&'a [f32], &'a mut [f32])>) {
        let start = (self.dry, self.wet);
        let mut end = start;
        for (dry, wet) in channels {
            // Every channel goes through the same ramp.
            let (mut d, mut w) = start;
            let mut ramped = 0;
            while ramped < wet.len() && !(d.still() && w.still()) {
                let (a, b) = (d.next(), w.next());
                wet[ramped] = a * dry[ramped] + b * wet[ramped];
                ramped += 1;
            }
            blend(d.value, w.value, &dry[ramped..], &mut wet[ramped..]);
            end = (d, w);
        }
        (self.dry, self.wet) = end;
    }
}

/// With a share of nothing the other signal passes to the bit, whatever the silent one holds.
fn blend(d: f32, w: f32, dry: &[f32], wet: &mut [f32]) {
    if d == 0.0 && w == 1.0 {
        return;
    }
    if w == 0.0 {
        for (y, x) in wet.iter_mut().zip(dry) {
            *y = d * x;
        }
    } else if d == 0.0 {
        wet.iter_mut().for_each(|y| *y *= w);
    } else {
        for (y, x) in wet.iter_mut().zip(dry) {
            *y = d * x + w * *y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(blend: &mut Blend, settings: BlendSettings, dry: f32, wet: f32, len: usize) -> Vec<f32> {
        let (dry, mut out) = (vec![dry; len], vec![wet; len]);
        blend.aim(&settings);
        blend.process(std::iter::once((dry.as_slice(), out.as_mut_slice())));
        out
    }

    // X5
    #[test]
    fn bypass_and_mix_arrive_without_a_step() {
        let mut blend = Blend::new(48_000.0);
        assert_eq!(run(&mut blend, BlendSettings::default(), 1.0, -1.0, 64), vec![-1.0; 64]);
        let bypassed = BlendSettings { bypass: true, ..Default::default() };
        let out = run(&mut blend, bypassed, 1.0, -1.0, 1000);
        let step = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(step < 2.1 / 480.0, "{step}");
        assert_eq!(out[500..], vec![1.0; 500]);
        assert!(blend.is_dry());
        let half = BlendSettings { mix: 0.5, gain: 2.0, ..Default::default() };
        let out = run(&mut blend, half, 0.5, 0.5, 1000);
        let step = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(step < 1.1 / 480.0, "{step}");
        assert!((out[999] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn fully_wet_and_fully_dry_pass_to_the_bit() {
        let mut blend = Blend::new(48_000.0);
        let bypassed = BlendSettings { bypass: true, ..Default::default() };
        assert_eq!(run(&mut blend, bypassed, 0.123, f32::NAN, 8), vec![0.123; 8]);
        blend.reset();
        assert_eq!(run(&mut blend, BlendSettings::default(), f32::NAN, 0.321, 8), vec![0.321; 8]);
    }

    #[test]
    fn channels_share_one_ramp() {
        let mut blend = Blend::new(48_000.0);
        run(&mut blend, BlendSettings::default(), 0.0, 1.0, 8);
        blend.aim(&BlendSettings { mix: 0.0, ..Default::default() });
        let dry = vec![0.0; 100];
        let (mut a, mut b) = (vec![1.0; 100], vec![1.0; 100]);
        blend.process([(&dry[..], &mut a[..]), (&dry[..], &mut b[..])].into_iter());
        assert_eq!(a, b);
        assert!(a[99] < a[0]);
    }
}
