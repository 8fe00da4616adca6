//! One stroke on a store: rasterised on the store's own grid (a column is a frame), then the same
//! effect functions as on the live path. Only the neighbours in time come from both sides.

use std::ops::Range;

use super::Roi;
use crate::effect::time::{GAUSSIAN_REACH, HALF_LOG2_E, high_pass_share};
use crate::effect::{self, Frozen, TIME_LANES, Tables, Taps, Work, phasor};
use crate::field::{Column, Field, FieldSpec, Lane};
use crate::frame::{FrameParams, flag};
use crate::math::{exp2, wide};
use crate::quality::WindowSpec;
use crate::raster::Region;
use crate::stft::Spectrum;
use crate::stroke::{Stroke, StrokeKind};

/// What strokes need to be applied; made once.
pub(super) struct Brush {
    spec: WindowSpec,
    field: Field,
    tables: Tables,
    work: Work,
    frozen: Frozen,
    frames: usize,
    /// Length of the clip, and the column of its start.
    clip_columns: f32,
    seconds_per_frame: f32,
    /// The region before the stroke, and what reaches into it.
    before: Vec<Spectrum>,
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

impl Brush {
    pub fn new(spec: &WindowSpec, sample_rate: f64, frames: usize, samples: usize) -> Self {
        // Twice as long as the clip, which lies in the middle: a stroke over an end of the clip
        // must not come in at the other, as it does in a loop.
        let columns = 2 * frames;
        let loop_seconds = (columns * spec.h) as f64 / sample_rate;
        let field = FieldSpec { columns, bands: 256, sample_rate, loop_seconds };
        Self {
            spec: *spec,
            field: Field::empty(field),
            tables: Tables::new(spec, sample_rate),
            work: Work::new(spec.bins()),
            frozen: Frozen::zeroed(spec.bins()),
            frames,
            clip_columns: samples as f32 / spec.h as f32,
            seconds_per_frame: (spec.h as f64 / sample_rate) as f32,
            before: Vec::new(),
            current: Spectrum::zeroed(spec.bins()),
            rows: TimeRows::new(spec.bins()),
        }
    }

    /// Column of a frame.
    fn column(&self, frame: usize) -> usize {
        self.frames / 2 + frame
    }

    /// The stroke where it lies in the field, which is twice as long as the clip.
    fn placed(&self, stroke: &Stroke) -> Stroke {
        let columns = self.field.spec().columns as f32;
        let scale = self.clip_columns / columns;
        // The frame centred on the clip's first sample.
        let start = (self.spec.n / 2 - self.spec.h) as f32 / self.spec.h as f32;
        let offset = (self.column(0) as f32 + start) / columns;
        let mut placed = stroke.clone();
        placed.radius_time *= scale;
        // A stroke may reach half a clip beyond either end before it would come round.
        placed.points.iter_mut().for_each(|p| p.x = offset + p.x.clamp(-0.49, 1.49) * scale);
        placed
    }

    /// One stroke, less what `later` takes away from its paint: the erasers among the strokes
    /// that come after it. (An eraser itself has no paint to apply.)
    pub fn apply(&mut self, working: &mut [Spectrum], stroke: &Stroke, later: &[Stroke]) -> Roi {
        let placed = self.placed(stroke);
        let mut field = self.field.with_stroke(&placed);
        for eraser in later.iter().filter(|s| s.kind == StrokeKind::Erase) {
            field = field.with_stroke(&self.placed(eraser));
        }
        let region = Region::of(&placed, field.spec().columns);
        let touched = |f: &usize| {
            region.contains(self.column(*f), field.spec().columns)
                && field.column(self.column(*f)).lanes != 0
        };
        let touched: Vec<usize> = (0..self.frames).filter(touched).collect();
        let (Some(&first), Some(&last)) = (touched.first(), touched.last()) else {
            return Roi { frames: 0..0, bins: 0..0 };
        };
        let bins = self.bins(&field, first..last + 1);
        let lanes = touched.iter().fold(0, |l, &f| l | field.column(self.column(f)).lanes);
        let reach = if lanes & TIME_LANES != 0 { self.reach(&field, &touched) } else { 0 };
        let from = first.saturating_sub(reach);
        let to = (last + reach + 1).min(self.frames);
        self.before.resize_with(to - from, Spectrum::default);
        for (kept, row) in self.before.iter_mut().zip(&working[from..to]) {
            kept.clone_from(row);
        }
        if lanes & Lane::Freeze.bit() != 0 {
            let now = &self.before[first - from];
            let earlier = &working[first.saturating_sub(1)];
            self.frozen.hold(self.spec.bins(), earlier, now);
        }
        for &f in &touched {
            self.frame(&field, (f, first), from, &bins, &mut working[f]);
        }
        Roi { frames: first..last + 1, bins }
    }

    /// Bins that any of these frames has paint at, with the blur's and the warp's surroundings.
    fn bins(&self, field: &Field, frames: Range<usize>) -> Range<usize> {
        let spec = field.spec();
        let (mut low, mut high) = (spec.bands, 0);
        let mut spreads = false;
        for f in frames {
            let column: &Column = field.column(self.column(f));
            spreads |= column.lanes & Lane::WarpFreq.bit() != 0;
            for (b, cell) in column.cells.iter().enumerate() {
                if cell.iter().any(|&v| v != 0.0) {
                    low = low.min(b);
                    high = high.max(b + 1);
                }
            }
        }
        if spreads {
            return 0..self.spec.bins();
        }
        let per_bin = spec.sample_rate as f32 / self.spec.n as f32;
        let bin = |band: usize| spec.band_hz(band.min(spec.bands - 1)) / per_bin;
        // The lowest band stands for all that lies below it.
        let low = if low <= 1 { 0 } else { bin(low - 1) as usize };
        low..((bin(high) as usize) + 2).min(self.spec.bins())
    }

    /// How many frames away the widest of the blurs and displacements reaches.
    fn reach(&self, field: &Field, touched: &[usize]) -> usize {
        let mut widest = 0.0f32;
        for &f in touched {
            for cell in &field.column(self.column(f)).cells {
                let sigma = cell[Lane::BlurTime as usize].hypot(cell[Lane::ModHigh as usize]);
                let mean = match cell[Lane::ModLow as usize] {
                    0.0 => 0.0,
                    hz => high_pass_share(hz).0,
                };
                let delay = cell[Lane::WarpTime as usize];
                widest = widest.max(GAUSSIAN_REACH * sigma.max(mean) + delay);
            }
        }
        (widest / self.seconds_per_frame) as usize + 2
    }

    fn frame(
        &mut self,
        field: &Field,
        (f, first): (usize, usize),
        from: usize,
        bins: &Range<usize>,
        out: &mut Spectrum,
    ) {
        let lanes = field.column(self.column(f)).lanes;
        let mut params = FrameParams::neutral(f as u64);
        params.field_lanes = lanes;
        params.paint = 1.0;
        params.column = self.column(f) as u32;
        let cells = (self.spec.n / 2 / self.spec.h).max(1);
        params.noise_cell = (f / cells) as u32;
        params.noise_fraction = (f % cells) as f32 / cells as f32;
        let per_hop = ((self.spec.h as u64) << 32) / self.spec.n as u64;
        params.bin_phase = (f as u64).wrapping_mul(per_hop) as u32;
        if lanes & Lane::Freeze.bit() != 0 {
            params.flags = flag::FREEZE;
            params.freeze_paint = 1.0;
            params.freeze_age = (f - first) as u32;
        }
        self.current.clone_from(&self.before[f - from]);
        if lanes & TIME_LANES != 0 {
            self.tables.prepare_paint(&params, field);
            self.along_time(f - from, lanes, bins);
            params.field_lanes &= !TIME_LANES;
        }
        self.tables.prepare(&params, field);
        let frozen = (lanes & Lane::Freeze.bit() != 0).then_some(&self.frozen);
        effect::apply(&params, &self.tables, &Alone(&self.current), frozen, &mut self.work);
        for k in bins.clone() {
            (out.re[k], out.im[k]) = (self.work.re[k], self.work.im[k]);
            out.mag[k] = (out.re[k] * out.re[k] + out.im[k] * out.im[k]).sqrt();
        }
    }

    /// The time stage with neighbours on both sides: a whole Gaussian, and a displacement that
    /// interpolates. `at` is the frame's place in `before`.
    fn along_time(&mut self, at: usize, lanes: u32, bins: &Range<usize>) {
        let per_second = 1.0 / self.seconds_per_frame;
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
        let frames = Frames { before: &self.before, at: at as i64, bins: bins.clone() };
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
pub(super) struct TimeRows {
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
