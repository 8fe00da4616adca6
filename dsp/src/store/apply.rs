//! One stroke on a store: rasterised on the store's own grid (a column is a frame), then the same
//! effect functions as on the live path. Only the neighbours in time come from both sides.

use std::ops::Range;

use super::edit::Edit;
use super::{Patch, Roi};
use crate::effect::time::{GAUSSIAN_REACH, HALF_LOG2_E, high_pass_share};
use crate::effect::{self, TIME_LANES, Tables, Taps, Work, phasor};
use crate::field::Lane;
use crate::math::{exp2, wide};
use crate::quality::WindowSpec;
use crate::stft::Spectrum;

/// What edits of stores of one shape need to be done; made once.
pub struct Painter {
    spec: WindowSpec,
    sample_rate: f64,
    tables: Tables,
    work: Work,
    current: Spectrum,
    rows: TimeRows,
}

/// A frame alone.
struct Alone<'a>(&'a Spectrum);

impl Taps for Alone<'_> {
    fn tap(&self, _: usize) -> &Spectrum {
        self.0
    }
}

impl Painter {
    pub fn new(spec: &WindowSpec, sample_rate: f64) -> Self {
        Self {
            spec: *spec,
            sample_rate,
            tables: Tables::new(spec, sample_rate),
            work: Work::new(spec.bins()),
            current: Spectrum::zeroed(spec.bins()),
            rows: TimeRows::new(spec.bins()),
        }
    }

    /// Whether this edit is of a store of this shape.
    pub fn fits(&self, edit: &Edit) -> bool {
        (self.spec, self.sample_rate) == (edit.spec, edit.sample_rate)
    }

    /// The region after the edit.
    pub fn patch(&mut self, edit: &Edit) -> Patch {
        let Roi { frames, bins } = &edit.roi;
        let mut patch = Patch { roi: edit.roi.clone(), re: Vec::new(), im: Vec::new() };
        let mut touched = edit.touched.iter().peekable();
        for f in frames.clone() {
            if touched.next_if_eq(&&f).is_some() {
                let (re, im) = self.frame(edit, f);
                patch.re.extend_from_slice(re);
                patch.im.extend_from_slice(im);
            } else {
                let row = edit.frame_before(f);
                patch.re.extend_from_slice(&row.re[bins.clone()]);
                patch.im.extend_from_slice(&row.im[bins.clone()]);
            }
        }
        patch
    }

    /// One of the touched frames after the edit: the region's bins.
    pub fn frame(&mut self, edit: &Edit, f: usize) -> (&[f32], &[f32]) {
        let mut params = edit.params(f);
        let (lanes, bins) = (params.field_lanes, edit.roi.bins.clone());
        self.current.clone_from(edit.frame_before(f));
        if lanes & TIME_LANES != 0 {
            self.tables.prepare_paint(&params, &edit.field);
            self.along_time(edit, f - edit.from, lanes);
            params.field_lanes &= !TIME_LANES;
        }
        self.tables.prepare(&params, &edit.field);
        let frozen = edit.frozen.as_ref().filter(|_| lanes & Lane::Freeze.bit() != 0);
        effect::apply(&params, &self.tables, &Alone(&self.current), frozen, &mut self.work);
        (&self.work.re[bins.clone()], &self.work.im[bins])
    }

    /// What the paint of a touched frame comes to at each bin of the region, as kernels take it: two
    /// numbers whose meaning follows from the lane. Gain: dB. Blur over time and its modulation
    /// low-pass: sigma in frames. Modulation high-pass: sigma of the mean and its share. Displacement
    /// in time: frames. Blur over frequency: sigma in octaves. Freeze: its share. Warp: displacement
    /// in bins and running phase in turns, of all bands (a bin each, and one more).
    pub fn amounts(&mut self, edit: &Edit, f: usize, out: &mut Vec<[f32; 2]>) {
        let params = edit.params(f);
        let per_second = 1.0 / edit.seconds_per_frame();
        let lane = edit.lane();
        if params.field_lanes & lane.bit() == 0 {
            return;
        }
        if lane == Lane::WarpFreq {
            self.tables.prepare(&params, &edit.field);
            out.extend(self.tables.moves());
            return;
        }
        self.tables.prepare_paint(&params, &edit.field);
        let paint = self.tables.lane(lane)[edit.roi.bins.clone()].iter();
        out.extend(paint.map(|&value| match lane {
            Lane::BlurTime | Lane::ModHigh | Lane::WarpTime => [value * per_second, 0.0],
            Lane::ModLow if value > 0.0 => {
                let (sigma, share) = high_pass_share(value);
                [sigma * per_second, share]
            }
            Lane::Freeze => [1.0 - (1.0 - value), 0.0],
            _ => [value, 0.0],
        }));
    }

    /// The time stage with neighbours on both sides: a whole Gaussian, and a displacement that
    /// interpolates. `at` is the frame's place in the edit's spectra.
    fn along_time(&mut self, edit: &Edit, at: usize, lanes: u32) {
        let per_second = 1.0 / edit.seconds_per_frame();
        let bins = edit.roi.bins.clone();
        let tables = &self.tables;
        let lane = |lane: Lane| (lanes & lane.bit() != 0).then(|| &tables.lane(lane)[bins.clone()]);
        let value = |lane: Option<&[f32]>, k: usize| lane.map_or(0.0, |lane| lane[k]);
        let (blur, smooth) = (lane(Lane::BlurTime), lane(Lane::ModHigh));
        let (corner, delay) = (lane(Lane::ModLow), lane(Lane::WarpTime));
        let TimeRows { sigma, target, mean, sums } = &mut self.rows;
        for k in 0..bins.len() {
            let (a, b) = (value(blur, k), value(smooth, k));
            sigma[k] = (a * a + b * b).sqrt() * per_second;
            target[k] = 0.0;
        }
        let frames = Frames { before: &edit.before, at: at as i64, bins: bins.clone() };
        let delays = delay.map(|lane| (lane, per_second));
        frames.means(&sigma[..bins.len()], delays, &mut target[..bins.len()], sums);
        if let Some(corner) = corner {
            for k in 0..bins.len() {
                sigma[k] =
                    if corner[k] > 0.0 { high_pass_share(corner[k]).0 * per_second } else { 0.0 };
            }
            let mean = &mut mean[..bins.len()];
            frames.means(&sigma[..bins.len()], delays, mean, sums);
            for k in 0..bins.len() {
                let share = high_pass_share(corner[k]).1;
                target[k] = (target[k] - share * mean[k]).max(0.0);
            }
        }
        let (re, im) = (&mut self.current.re[bins.clone()], &mut self.current.im[bins.clone()]);
        if let Some(delay) = delay {
            for k in 0..bins.len() {
                let nearer = frames.frame(-((delay[k] * per_second + 0.5).floor() as i64));
                (re[k], im[k]) = (nearer.re[bins.start + k], nearer.im[bins.start + k]);
            }
        }
        let (fill_re, fill_im) = tables.fill();
        let fill = (&fill_re[bins.clone()], &fill_im[bins.clone()]);
        phasor::set_magnitude(&target[..bins.len()], fill.0, fill.1, re, im);
    }
}

/// Rows to work in.
struct TimeRows {
    sigma: Vec<f32>,
    target: Vec<f32>,
    mean: Vec<f32>,
    sums: Sums,
}

struct Sums {
    weight: Vec<f32>,
    ratio: Vec<f32>,
    growth: Vec<f32>,
    reach: Vec<f32>,
    norm: Vec<f32>,
}

impl TimeRows {
    fn new(bins: usize) -> Self {
        let row = || vec![0.0; bins];
        let sums = Sums { weight: row(), ratio: row(), growth: row(), reach: row(), norm: row() };
        Self { sigma: row(), target: row(), mean: row(), sums }
    }
}

/// The neighbourhood of a frame; edges repeat.
struct Frames<'a> {
    before: &'a [Spectrum],
    at: i64,
    bins: Range<usize>,
}

impl Frames<'_> {
    fn frame(&self, offset: i64) -> &Spectrum {
        &self.before[(self.at + offset).clamp(0, self.before.len() as i64 - 1) as usize]
    }

    fn mags(&self, offset: i64) -> &[f32] {
        &self.frame(offset).mag[self.bins.clone()]
    }

    /// Means under Gaussians of `sigma` frames, each bin its own; displaced ones interpolated.
    fn means(&self, sigma: &[f32], delay: Option<(&[f32], f32)>, out: &mut [f32], sums: &mut Sums) {
        start(sigma, self.mags(0), out, sums);
        let reach = sums.reach[..sigma.len()].iter().fold(0.0f32, |a, &b| a.max(b)) as i64;
        for i in 1..=reach {
            add_both(i as f32, self.mags(i), self.mags(-i), out, sums);
        }
        for (out, norm) in out.iter_mut().zip(&sums.norm) {
            *out /= norm;
        }
        let Some((delay, per_second)) = delay else { return };
        for k in 0..out.len() {
            let delay = delay[k] * per_second;
            if delay > 0.0 {
                out[k] = self.displaced_mean(k, sigma[k], delay);
            }
        }
    }

    fn displaced_mean(&self, k: usize, sigma: f32, delay: f32) -> f32 {
        let (whole, part) = (delay.floor(), delay - delay.floor());
        let mag = |i: i64| {
            let at = i - whole as i64;
            let (a, b) = (self.mags(at)[k], self.mags(at - 1)[k]);
            a + (b - a) * part
        };
        let reach = if sigma < 0.1 { 0 } else { (GAUSSIAN_REACH * sigma).ceil() as i64 };
        let (mut sum, mut norm) = (mag(0), 1.0);
        for i in 1..=reach {
            let weight = (-0.5 * (i as f32 / sigma).powi(2)).exp();
            sum += weight * (mag(i) + mag(-i));
            norm += 2.0 * weight;
        }
        sum / norm
    }
}

wide! {
    /// The middle of each Gaussian, and the steps of its weights.
    fn start(sigma: &[f32], middle: &[f32], out: &mut [f32], sums: &mut Sums) {
        let len = sigma.len();
        let (middle, out, reach) = (&middle[..len], &mut out[..len], &mut sums.reach[..len]);
        let (ratio, growth) = (&mut sums.ratio[..len], &mut sums.growth[..len]);
        for k in 0..len {
            let blurred = sigma[k] >= 0.1;
            let exponent = -HALF_LOG2_E / (sigma[k] * sigma[k]).max(1e-6);
            reach[k] = if blurred { (GAUSSIAN_REACH * sigma[k]).ceil() } else { 0.0 };
            ratio[k] = if blurred { exp2(exponent) } else { 0.0 };
            growth[k] = ratio[k] * ratio[k];
            out[k] = middle[k];
        }
        sums.weight[..len].fill(1.0);
        sums.norm[..len].fill(1.0);
    }
}

wide! {
    /// The two frames at distance `i`.
    fn add_both(i: f32, after: &[f32], before: &[f32], out: &mut [f32], sums: &mut Sums) {
        let len = out.len();
        let (after, before) = (&after[..len], &before[..len]);
        let (weight, ratio) = (&mut sums.weight[..len], &mut sums.ratio[..len]);
        let (norm, growth, reach) = (&mut sums.norm[..len], &sums.growth[..len], &sums.reach[..len]);
        for k in 0..len {
            weight[k] *= ratio[k];
            ratio[k] *= growth[k];
            let w = if i <= reach[k] { weight[k] } else { 0.0 };
            out[k] += w * (after[k] + before[k]);
            norm[k] += 2.0 * w;
        }
    }
}
