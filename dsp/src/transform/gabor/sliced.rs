//! Signals of any length in slices that overlap by half, each with a transform of its own.
//!
//! Slice `s` begins half a slice before sample `s * step`. Its windows over time fade in and out so
//! that the slices' coefficients at the same time add up to those of the whole; the way back weighs
//! each slice with the dual window, so that every slice length reconstructs.

use std::f64::consts::FRAC_PI_2;

use realfft::num_complex::Complex;

use super::core::Core;
use super::{FrameBounds, GaborSpec, TransformError};
use crate::stft::multiply;
use crate::transform::bank::Bank;
use crate::transform::error::{room, within};
use crate::transform::frames::copy_part;
use crate::transform::{Shape, Transform};

/// How slices fade.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SliceWindow {
    /// All the way.
    #[default]
    Hann,
    /// Over this part of the half slice that two slices share, 0.01 to 1; flat between.
    Tukey(f64),
}

impl SliceWindow {
    pub(super) fn values(self, n: usize) -> Result<Vec<f64>, TransformError> {
        let part = match self {
            Self::Hann => 1.0,
            Self::Tukey(part) => part,
        };
        within("part of the overlap that fades", part, 0.01..=1.0)?;
        // Slices of an odd length overlap by one sample less than half; faded about half a step from
        // their middle, they add up to one all the same.
        let step = n.div_ceil(2);
        let fade = part * (n - step) as f64;
        let window = |i: usize| {
            let from_centre = (i as f64 - n as f64 / 2.0).abs();
            let x = ((from_centre - step as f64 / 2.0) / fade + 0.5).clamp(0.0, 1.0);
            (FRAC_PI_2 * x).cos().powi(2)
        };
        Ok((0..n).map(window).collect())
    }
}

/// The shortest and the longest slice.
const SLICES: std::ops::RangeInclusive<f64> = 16.0..=4_194_304.0;

/// The transform in slices, of signals of any length.
pub struct SlicedGabor {
    frequencies: Vec<f64>,
    core: Core,
    step: usize,
    window: Vec<f32>,
    dual: Vec<f32>,
    bounds: FrameBounds,
    slice: Vec<f32>,
    block: Vec<f32>,
}

impl SlicedGabor {
    pub fn new(
        spec: GaborSpec,
        slice_samples: usize,
        window: SliceWindow,
    ) -> Result<Self, TransformError> {
        within("slice", slice_samples as f64, SLICES)?;
        let core = Core::new(&spec, slice_samples)?;
        let step = slice_samples.div_ceil(2);
        let window = window.values(slice_samples)?;
        let mut energy = vec![0.0; step];
        for (i, w) in window.iter().enumerate() {
            energy[i % step] += w * w;
        }
        let dual = window.iter().enumerate().map(|(i, w)| (w / energy[i % step]) as f32).collect();
        let FrameBounds { lower, upper } = core.bounds();
        let bounds = FrameBounds {
            lower: lower * energy.iter().copied().fold(f64::INFINITY, f64::min),
            upper: upper * energy.iter().copied().fold(0.0, f64::max),
        };
        Ok(Self {
            frequencies: spec.frequencies_hz(),
            step,
            window: window.into_iter().map(|w| w as f32).collect(),
            dual,
            bounds,
            slice: vec![0.0; slice_samples],
            block: vec![0.0; slice_samples],
            core,
        })
    }

    pub fn frame_bounds(&self) -> FrameBounds {
        self.bounds
    }

    /// The windows over the FFT of one slice, the rest below first, the rest above last.
    pub fn bank(&self) -> &Bank {
        self.core.bank()
    }

    /// The same bands of the canonical dual.
    pub fn dual_bank(&self) -> &Bank {
        self.core.dual()
    }

    /// Frames of the rest below, of each bin, of the rest above.
    pub fn frames_of_sets(&self) -> [usize; 3] {
        self.core.frames_of_sets()
    }

    /// What fades a slice on its way there, and on its way back.
    pub fn fades(&self) -> [&[f32]; 2] {
        [&self.window, &self.dual]
    }

    pub fn slice_samples(&self) -> usize {
        self.core.n()
    }

    /// From one slice to the next.
    pub fn step_samples(&self) -> usize {
        self.step
    }

    /// The shape of one slice by itself.
    pub fn slice_shape(&self) -> Shape {
        let core = &self.core;
        Shape { bins: core.bins(), frames: core.frames(), extra: core.extra() }
    }

    /// Slices that a signal of so many samples needs.
    pub fn slices(&self, samples: usize) -> usize {
        samples.div_ceil(self.step) + 1
    }

    /// The coefficients of one slice of sound.
    pub fn forward_slice(
        &mut self,
        slice: &[f32],
        out: &mut [Complex<f32>],
    ) -> Result<(), TransformError> {
        self.check_slice(slice.len(), out.len())?;
        let Self { core, window, .. } = self;
        let layout = [core.frames(), 0, core.bins() * core.frames()];
        core.forward(|time| multiply(slice, window, time), out, layout);
        Ok(())
    }

    /// What one slice adds to the sound.
    pub fn inverse_slice(
        &mut self,
        values: &[Complex<f32>],
        slice: &mut [f32],
    ) -> Result<(), TransformError> {
        self.check_slice(slice.len(), values.len())?;
        let layout = [self.core.frames(), 0, self.core.bins() * self.core.frames()];
        self.core.inverse(values, layout, &mut self.block);
        multiply(&self.block, &self.dual, slice);
        Ok(())
    }

    fn check_slice(&self, samples: usize, values: usize) -> Result<(), TransformError> {
        if samples != self.slice_samples() {
            let allowed = self.slice_samples();
            return Err(TransformError::Window { given: samples, allowed });
        }
        room(values, self.slice_shape())
    }

    fn layout(&self, slice: usize, slices: usize) -> [usize; 3] {
        let (frames, bins) = (self.core.frames(), self.core.bins());
        let stride = slices * frames;
        [stride, slice * frames, bins * stride + slice * self.core.extra()]
    }

    fn start(&self, slice: usize) -> isize {
        (slice as isize - 1) * self.step as isize
    }
}

impl Transform for SlicedGabor {
    type Value = Complex<f32>;

    fn name(&self) -> &'static str {
        "gabor in slices"
    }

    /// The frames of all slices, one slice after the other: each time is there twice.
    fn shape(&self, samples: usize) -> Shape {
        let Shape { bins, frames, extra } = self.slice_shape();
        let slices = self.slices(samples);
        Shape { bins, frames: slices * frames, extra: slices * extra }
    }

    /// Within a slice.
    fn hop_samples(&self) -> f64 {
        self.core.hop_samples()
    }

    fn latency_samples(&self) -> usize {
        self.slice_samples()
    }

    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn forward(&mut self, signal: &[f32], out: &mut [Complex<f32>]) -> Result<(), TransformError> {
        room(out.len(), self.shape(signal.len()))?;
        let slices = self.slices(signal.len());
        for s in 0..slices {
            let (start, layout) = (self.start(s), self.layout(s, slices));
            let Self { core, window, slice, .. } = self;
            copy_part(signal, start, slice);
            core.forward(|time| multiply(slice, window, time), out, layout);
        }
        Ok(())
    }

    fn inverse(
        &mut self,
        values: &[Complex<f32>],
        signal: &mut [f32],
    ) -> Result<(), TransformError> {
        room(values.len(), self.shape(signal.len()))?;
        let slices = self.slices(signal.len());
        signal.fill(0.0);
        for s in 0..slices {
            let layout = self.layout(s, slices);
            self.core.inverse(values, layout, &mut self.block);
            let start = self.start(s);
            let skip = (-start).max(0) as usize;
            let from = start.max(0) as usize;
            if from >= signal.len() {
                continue;
            }
            let parts = self.block[skip..].iter().zip(&self.dual[skip..]);
            for (x, (b, d)) in signal[from..].iter_mut().zip(parts) {
                *x += b * d;
            }
        }
        Ok(())
    }
}
