//! Freeze: holds the spectrum of one instant for as long as wanted.
//!
//! The capture is analysed once, on a CPU, from the samples that both engines keep; the GPU is given
//! the result. So it may look for peaks: all bins around a peak turn at the peak's own frequency,
//! which the phase advance over one hop gives. A held tone neither beats nor clicks, since its lobe
//! turns as one.

use super::{Tables, Work};
use crate::field::Lane;
use crate::frame::FrameParams;
use crate::math::{cos_turns, sin_turns, turns_f32, wide};
use crate::quality::WindowSpec;
use crate::stft::{FramePlan, Spectrum};

/// A spectrum that turns by itself: bin `k` at age `a` (hops) is `(re, im)` turned by `a * advance`.
#[derive(Clone, Debug)]
pub struct Frozen {
    pub re: Vec<f32>,
    pub im: Vec<f32>,
    /// Turns per hop, 2^32 to the turn.
    pub advance: Vec<u32>,
    before: Spectrum,
    now: Spectrum,
}

impl Frozen {
    pub fn zeroed(bins: usize) -> Self {
        let now = Spectrum::zeroed(bins);
        let len = now.re.len();
        Self {
            re: vec![0.0; len],
            im: vec![0.0; len],
            advance: vec![0; len],
            before: now.clone(),
            now,
        }
    }

    /// Input samples that a capture needs: one window and one hop.
    pub fn samples(spec: &WindowSpec) -> usize {
        spec.n + spec.h
    }

    /// Analyses the last [`Frozen::samples`] of input up to the end of the captured hop.
    pub fn capture(&mut self, plan: &mut FramePlan, input: &[f32]) {
        let spec = *plan.spec();
        plan.analyse(&input[..spec.n], &mut self.before);
        plan.analyse(&input[spec.h..], &mut self.now);
        self.re.copy_from_slice(&self.now.re);
        self.im.copy_from_slice(&self.now.im);
        self.lock(spec.bins());
    }

    /// Holds `now`, given the spectrum one hop before it.
    pub fn hold(&mut self, bins: usize, before: &Spectrum, now: &Spectrum) {
        self.before.clone_from(before);
        self.now.clone_from(now);
        self.re.copy_from_slice(&now.re);
        self.im.copy_from_slice(&now.im);
        self.lock(bins);
    }

    /// Gives each bin the advance of the peak to whose hill it belongs.
    fn lock(&mut self, bins: usize) {
        let mag = &self.now.mag;
        let mut start = 0;
        while start < bins {
            // A hill goes up to its peak and down to the valley behind it.
            let mut peak = start;
            while peak + 1 < bins && mag[peak + 1] > mag[peak] {
                peak += 1;
            }
            let mut end = peak + 1;
            while end < bins && mag[end] <= mag[end - 1] {
                end += 1;
            }
            let advance = self.advance_of(peak);
            self.advance[start..end].fill(advance);
            start = end;
        }
    }

    fn advance_of(&self, k: usize) -> u32 {
        let (a, b) = (f64::from(self.now.re[k]), f64::from(self.now.im[k]));
        let (c, d) = (f64::from(self.before.re[k]), f64::from(self.before.im[k]));
        let turns = (b * c - a * d).atan2(a * c + b * d) / std::f64::consts::TAU;
        crate::math::turns_u32(turns)
    }
}

wide! {
    pub(super) fn prepare(
        everywhere: f32,
        painted: f32,
        lane: Option<&[f32]>,
        mix: &mut [f32],
    ) {
        match lane {
            Some(lane) => {
                for k in 0..mix.len() {
                    mix[k] = 1.0 - (1.0 - everywhere) * (1.0 - painted * lane[k]);
                }
            }
            None => mix.fill(everywhere),
        }
    }
}

wide! {
    fn crossfade(
        mix: &[f32],
        age: u32,
        frozen: (&[f32], &[f32], &[u32]),
        re: &mut [f32],
        im: &mut [f32],
    ) {
        let len = mix.len();
        let (f_re, f_im, advance) = (&frozen.0[..len], &frozen.1[..len], &frozen.2[..len]);
        let (re, im) = (&mut re[..len], &mut im[..len]);
        for k in 0..len {
            let t = turns_f32(advance[k].wrapping_mul(age));
            let (c, s) = (cos_turns(t), sin_turns(t));
            let held_re = f_re[k] * c - f_im[k] * s;
            let held_im = f_re[k] * s + f_im[k] * c;
            re[k] += mix[k] * (held_re - re[k]);
            im[k] += mix[k] * (held_im - im[k]);
        }
    }
}

pub(super) fn apply(params: &FrameParams, tables: &Tables, frozen: &Frozen, work: &mut Work) {
    let held = (frozen.re.as_slice(), frozen.im.as_slice(), frozen.advance.as_slice());
    crossfade(&tables.freeze_mix, params.freeze_age, held, &mut work.re, &mut work.im);
}

/// Lanes that the stage reads.
pub const FREEZE_LANES: u32 = Lane::Freeze.bit();
