//! Effects along time: blur, modulation low and high cut, displacement into the past.
//!
//! Magnitudes: a Gaussian over the taps (blur and modulation low-pass are both Gaussians, so their
//! variances add), less, for the modulation high-pass, another Gaussian mean; never below zero. Phases: a few taps at doubling distances, each turned forward to the present by its own
//! advance per stride raised to a whole power (so nothing is unwrapped), add up to a carrier. A
//! tone that has ended rings on as a tone while its magnitude fades.

use super::{Tables, Taps, Work, displace, phasor};
use crate::field::Lane;
use crate::frame::FrameParams;
use crate::framer::GAUSSIAN_CORNER;
use crate::math::{RUN, exp2, padded, wide};
use crate::quality::TAPS;
use crate::stft::Spectrum;

/// log2(e) / 2: a Gaussian's exponent for powers of two.
pub const HALF_LOG2_E: f32 = 0.721_347_5;
/// Distances, in strides, of the taps that carry phase; doubling.
pub const CARRIERS: [usize; 5] = [1, 2, 4, 8, 16];
/// Taps whose weight is below this are not read.
pub(super) const NEGLIGIBLE: f32 = 1e-7;

/// The Gaussian of a blur and a modulation low-pass together, strides: variance and centre. The
/// low-pass is centred late by `LATE` sigmas: what a filter of the past owes for a clean slope.
#[inline(always)]
pub fn spread(blur: f32, smooth: f32) -> (f32, f32) {
    ((blur * blur + smooth * smooth).max(1e-6), LATE * smooth)
}

/// How late, in sigmas, the modulation low-pass is.
pub const LATE: f32 = 1.5;

/// Weight of the first tap relative to the current frame, and by what factor that ratio changes
/// from tap to tap: `exp(-(m - centre)^2 / (2 variance))` as a product.
#[inline(always)]
pub fn steps(variance: f32, centre: f32) -> (f32, f32) {
    let scale = -HALF_LOG2_E / variance;
    (exp2(scale * (1.0 - 2.0 * centre)), exp2(2.0 * scale))
}

/// Sigma, in strides, of the mean that the modulation high-pass takes away, and how much of it.
#[inline(always)]
pub fn high_pass(corner: f32) -> (f32, f32) {
    (GAUSSIAN_CORNER / corner.max(1.0 / 128.0), (corner * 128.0).min(1.0))
}

/// A Gaussian over the taps for each bin: tap `m` weighs `growth^(m (m-1) / 2) ratio^m`.
pub(super) struct Gaussians {
    /// Sigma squared, and where the Gaussian is centred; strides.
    variance: Vec<f32>,
    centre: Vec<f32>,
    /// Weight of the first tap, and what each step's ratio is to the one before.
    pub(super) ratio: Vec<f32>,
    pub(super) growth: Vec<f32>,
    pub(super) scale: Vec<f32>,
}

impl Gaussians {
    fn new(bins: usize) -> Self {
        let row = || vec![0.0; padded(bins)];
        Self { variance: row(), centre: row(), ratio: row(), growth: row(), scale: row() }
    }

    fn weigh(&mut self) {
        weigh(&self.variance, &self.centre, &mut self.ratio, &mut self.growth, &mut self.scale);
    }
}

/// Beyond this many sigmas a Gaussian is nothing, where both sides of it are at hand.
pub const GAUSSIAN_REACH: f32 = 4.0;

/// As `high_pass`, off the live path: a corner in Hz to a sigma in seconds and a share.
pub fn high_pass_share(corner_hz: f32) -> (f32, f32) {
    (GAUSSIAN_CORNER / corner_hz.max(0.5), (corner_hz * 2.0).min(1.0))
}

/// What one frame does along time. Uniform numbers, or one per bin where it is painted.
pub struct TimeTable {
    /// Weights when nothing is painted: magnitudes less high-pass, tap by tap.
    fir: [f32; TAPS],
    taps: usize,
    /// Weights of the current frame and of each carrier, which add up to one.
    carriers: [f32; CARRIERS.len() + 1],
    pub(super) carrier_rows: [Vec<f32>; CARRIERS.len() + 1],
    pub(super) blur: Gaussians,
    /// What the modulation high-pass takes away, and its share.
    pub(super) mean: Gaussians,
    pub(super) share: Vec<f32>,
    /// Displacement, strides.
    pub(super) delay: Vec<f32>,
    strides_per_second: f32,
    painted: bool,
    pub(super) any_blur: bool,
    pub(super) any_mean: bool,
    any_delay: bool,
}

impl TimeTable {
    pub fn new(bins: usize, strides_per_second: f32) -> Self {
        let row = || vec![0.0; padded(bins)];
        Self {
            fir: [0.0; TAPS],
            taps: 1,
            carriers: [0.0; CARRIERS.len() + 1],
            carrier_rows: std::array::from_fn(|_| row()),
            blur: Gaussians::new(bins),
            mean: Gaussians::new(bins),
            share: row(),
            delay: row(),
            strides_per_second,
            painted: false,
            any_blur: false,
            any_mean: false,
            any_delay: false,
        }
    }

    pub(super) fn prepare(&mut self, params: &FrameParams, lanes: &super::lanes::Lanes) {
        let has = |lane: Lane| params.field_lanes & lane.bit() != 0;
        let lane = |which: Lane| has(which).then(|| lanes.row(which));
        let rate = self.strides_per_second;
        self.painted = params.field_lanes & super::TIME_LANES != 0;
        self.any_blur = params.blur_time > 0.0
            || params.mod_smooth > 0.0
            || has(Lane::BlurTime)
            || has(Lane::ModHigh);
        self.any_mean = params.mod_low > 0.0 || has(Lane::ModLow);
        self.any_delay = has(Lane::WarpTime);
        if !self.painted {
            self.uniform(params);
            return;
        }
        spreads(
            (params.blur_time, lane(Lane::BlurTime)),
            (params.mod_smooth, lane(Lane::ModHigh)),
            rate,
            &mut self.blur,
        );
        self.blur.weigh();
        if self.any_blur {
            carrier_weights(&self.blur, &mut self.carrier_rows);
        }
        if self.any_mean {
            means(params.mod_low, lane(Lane::ModLow), rate, &mut self.mean, &mut self.share);
            self.mean.weigh();
        }
        if let Some(delay) = lane(Lane::WarpTime) {
            for (d, l) in self.delay.iter_mut().zip(delay) {
                *d = (l * rate).clamp(0.0, (TAPS - 1) as f32);
            }
        }
    }

    fn uniform(&mut self, params: &FrameParams) {
        let (variance, centre) = spread(params.blur_time, params.mod_smooth);
        let weight = |m: usize, variance: f32, centre: f32| {
            exp2(-HALF_LOG2_E / variance * (m as f32 * (m as f32 - 2.0 * centre)))
        };
        let weights = |variance: f32, centre: f32| {
            let mut w: [f32; TAPS] = std::array::from_fn(|m| weight(m, variance, centre));
            let sum: f32 = w.iter().sum();
            w.iter_mut().for_each(|w| *w /= sum);
            w
        };
        self.fir = weights(variance, centre);
        if self.any_mean {
            let (sigma, share) = high_pass(params.mod_low);
            let mean = weights(sigma * sigma, 0.0);
            for (w, m) in self.fir.iter_mut().zip(mean) {
                *w -= share * m;
            }
        }
        self.taps = self.fir.iter().rposition(|w| w.abs() > NEGLIGIBLE).unwrap_or(0) + 1;
        self.carriers[0] = 1.0;
        for (w, m) in self.carriers[1..].iter_mut().zip(CARRIERS) {
            *w = weight(m, variance, centre);
        }
        let sum: f32 = self.carriers.iter().sum();
        self.carriers.iter_mut().for_each(|w| *w /= sum);
    }
}

wide! {
    fn spreads(
        blur: (f32, Option<&[f32]>),
        smooth: (f32, Option<&[f32]>),
        per_second: f32,
        out: &mut Gaussians,
    ) {
        let (blur, blur_lane) = blur;
        let (smooth, smooth_lane) = smooth;
        for k in 0..out.variance.len() {
            let a = blur + blur_lane.map_or(0.0, |lane| lane[k] * per_second);
            let b = smooth + smooth_lane.map_or(0.0, |lane| lane[k] * per_second);
            (out.variance[k], out.centre[k]) = spread(a, b);
        }
    }
}

wide! {
    fn means(
        corner: f32,
        lane: Option<&[f32]>,
        per_second: f32,
        mean: &mut Gaussians,
        share: &mut [f32],
    ) {
        for k in 0..share.len() {
            let c = corner + lane.map_or(0.0, |lane| lane[k] / per_second);
            let (sigma, amount) = high_pass(c);
            mean.variance[k] = sigma * sigma;
            share[k] = amount;
        }
    }
}

wide! {
    /// First weights, their steps and one over the sums of all.
    fn weigh(
        variance: &[f32],
        centre: &[f32],
        ratio: &mut [f32],
        growth: &mut [f32],
        scale: &mut [f32],
    ) {
        let len = scale.len();
        let (variance, centre) = (&variance[..len], &centre[..len]);
        let (ratio, growth) = (&mut ratio[..len], &mut growth[..len]);
        for k in 0..len {
            (ratio[k], growth[k]) = steps(variance[k], centre[k]);
        }
        for from in (0..len).step_by(RUN) {
            let (mut weight, mut step) = ([1.0f32; RUN], [0.0f32; RUN]);
            let (mut sum, mut by) = ([0.0f32; RUN], [0.0f32; RUN]);
            step.copy_from_slice(&ratio[from..from + RUN]);
            by.copy_from_slice(&growth[from..from + RUN]);
            for _ in 0..TAPS {
                for k in 0..RUN {
                    sum[k] += weight[k];
                    weight[k] *= step[k];
                    step[k] *= by[k];
                }
            }
            for k in 0..RUN {
                scale[from + k] = 1.0 / sum[k];
            }
        }
    }
}

wide! {
    /// Weights of the carriers at distances 0, 1, 2, 4, 8, 16.
    fn carrier_weights(blur: &Gaussians, rows: &mut [Vec<f32>; CARRIERS.len() + 1]) {
        let len = blur.ratio.len();
        let [w0, w1, w2, w4, w8, w16] = rows.each_mut().map(|row| &mut row[..len]);
        let growth = &blur.growth[..len];
        for k in 0..len {
            // Doubling the distance squares the weight and adds growth^(m^2).
            let (a, g) = (blur.ratio[k], growth[k]);
            let b = a * a * g;
            let g = (g * g) * (g * g);
            let c = b * b * g;
            let g = (g * g) * (g * g);
            let d = c * c * g;
            let g = (g * g) * (g * g);
            let e = d * d * g;
            let scale = 1.0 / (1.0 + a + b + c + d + e);
            w0[k] = scale;
            w1[k] = a * scale;
            w2[k] = b * scale;
            w4[k] = c * scale;
            w8[k] = d * scale;
            w16[k] = e * scale;
        }
    }
}

wide! {
    fn add_scaled(weight: f32, row: &[f32], out: &mut [f32]) {
        let row = &row[..out.len()];
        for k in 0..out.len() {
            out[k] += weight * row[k];
        }
    }
}

wide! {
    fn clamp_below(out: &mut [f32]) {
        for value in out {
            *value = value.max(0.0);
        }
    }
}

wide! {
    /// Gaussian means over all taps into `out`; with a share, that much of them is taken from `out`.
    fn gaussian_means(
        mags: &[&[f32]; TAPS],
        gaussians: &Gaussians,
        share: Option<&[f32]>,
        out: &mut [f32],
    ) {
        let runs = out.as_chunks_mut::<RUN>().0;
        for (r, out) in runs.iter_mut().enumerate() {
            let at = r * RUN..(r + 1) * RUN;
            let mut step = [0.0f32; RUN];
            step.copy_from_slice(&gaussians.ratio[at.clone()]);
            let (mut weight, mut growth) = ([1.0f32; RUN], [0.0f32; RUN]);
            growth.copy_from_slice(&gaussians.growth[at.clone()]);
            let mut sum = [0.0f32; RUN];
            for mag in mags {
                let mag = &mag[at.clone()];
                for k in 0..RUN {
                    sum[k] += weight[k] * mag[k];
                    weight[k] *= step[k];
                    step[k] *= growth[k];
                }
            }
            let scale = &gaussians.scale[at.clone()];
            match share {
                None => {
                    for k in 0..RUN {
                        out[k] = sum[k] * scale[k];
                    }
                }
                Some(share) => {
                    let share = &share[at];
                    for k in 0..RUN {
                        out[k] = (out[k] - share[k] * (sum[k] * scale[k])).max(0.0);
                    }
                }
            }
        }
    }
}

/// How a tap is weighed: alike for all bins, or bin by bin.
#[derive(Clone, Copy)]
enum Weight<'a> {
    Uniform(f32),
    Rows(&'a [f32]),
}

/// Adds tap `m = 2^doublings`, turned forward, to the carrier. `older` is the tap behind it.
#[inline(always)]
fn add_carrier(
    doublings: u32,
    weight: impl Fn(usize) -> f32,
    here: &Spectrum,
    older: &Spectrum,
    re: &mut [f32],
    im: &mut [f32],
) {
    let len = re.len();
    let (a_re, a_im, a_mag) = (&here.re[..len], &here.im[..len], &here.mag[..len]);
    let (b_re, b_im, b_mag) = (&older.re[..len], &older.im[..len], &older.mag[..len]);
    let im = &mut im[..len];
    for k in 0..len {
        let size = 1.0 / (a_mag[k] * b_mag[k]).max(1e-30);
        let mut z_re = (a_re[k] * b_re[k] + a_im[k] * b_im[k]) * size;
        let mut z_im = (a_im[k] * b_re[k] - a_re[k] * b_im[k]) * size;
        for _ in 0..doublings {
            (z_re, z_im) = (z_re * z_re - z_im * z_im, 2.0 * z_re * z_im);
        }
        let weight = weight(k);
        re[k] += weight * (a_re[k] * z_re - a_im[k] * z_im);
        im[k] += weight * (a_re[k] * z_im + a_im[k] * z_re);
    }
}

wide! {
    fn carrier_tap(
        doublings: u32,
        weight: Weight<'_>,
        here: &Spectrum,
        older: &Spectrum,
        re: &mut [f32],
        im: &mut [f32],
    ) {
        macro_rules! with {
            ($weight:expr) => {
                match doublings {
                    0 => add_carrier(0, $weight, here, older, re, im),
                    1 => add_carrier(1, $weight, here, older, re, im),
                    2 => add_carrier(2, $weight, here, older, re, im),
                    3 => add_carrier(3, $weight, here, older, re, im),
                    _ => add_carrier(4, $weight, here, older, re, im),
                }
            };
        }
        match weight {
            Weight::Uniform(w) => with!(|_| w),
            Weight::Rows(row) => {
                let row = &row[..re.len()];
                with!(|k: usize| row[k])
            }
        }
    }
}

wide! {
    fn scaled(weight: Weight<'_>, from: &[f32], out: &mut [f32]) {
        let len = out.len();
        let from = &from[..len];
        match weight {
            Weight::Uniform(w) => {
                for k in 0..len {
                    out[k] = w * from[k];
                }
            }
            Weight::Rows(row) => {
                let row = &row[..len];
                for k in 0..len {
                    out[k] = row[k] * from[k];
                }
            }
        }
    }
}

pub(super) fn apply(tables: &Tables, taps: &impl Taps, work: &mut Work) {
    let (table, bins) = (&tables.time, tables.bins());
    let taps: [&Spectrum; TAPS + 1] = std::array::from_fn(|m| taps.tap(m));
    let rows = padded(bins);
    if table.painted {
        let mags: [&[f32]; TAPS] = std::array::from_fn(|m| &taps[m].mag[..rows]);
        let target = &mut work.target[..rows];
        gaussian_means(&mags, &table.blur, None, target);
        if table.any_mean {
            gaussian_means(&mags, &table.mean, Some(&table.share), target);
        }
    } else {
        let target = &mut work.target[..bins];
        target.fill(0.0);
        for (m, tap) in taps[..table.taps].iter().enumerate() {
            add_scaled(table.fir[m], &tap.mag, target);
        }
        clamp_below(target);
    }
    let (re, im) = (&mut work.re[..bins], &mut work.im[..bins]);
    if table.any_blur {
        let weight = |c: usize| match table.painted {
            true => Weight::Rows(&table.carrier_rows[c]),
            false => Weight::Uniform(table.carriers[c]),
        };
        scaled(weight(0), &taps[0].re, re);
        scaled(weight(0), &taps[0].im, im);
        for (c, &m) in CARRIERS.iter().enumerate() {
            if !table.painted && table.carriers[c + 1] < NEGLIGIBLE {
                break;
            }
            carrier_tap(c as u32, weight(c + 1), taps[m], taps[m + 1], re, im);
        }
    } else {
        re.copy_from_slice(&taps[0].re[..bins]);
        im.copy_from_slice(&taps[0].im[..bins]);
    }
    if table.any_delay {
        displace::apply(table, &taps, bins, work);
    }
    phasor::set_magnitude(
        &work.target[..bins],
        &tables.fill_re,
        &tables.fill_im,
        &mut work.re,
        &mut work.im,
    );
}
