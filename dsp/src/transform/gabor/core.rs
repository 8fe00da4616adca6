//! The frame over one block: what whole signals, slices and views share.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};
use rustfft::{Fft, FftPlanner};

use super::{FrameBounds, GaborSpec, TransformError};
use crate::transform::bank::Bank;
use crate::transform::block::BlockSpectrum;
use crate::transform::sizes::even_fast_size;

/// Blocks longer than this are refused: minutes of sound in one FFT.
pub const LONGEST_BLOCK: usize = 1 << 26;

/// A set of plans for bands of equally many frames.
struct Plans {
    frames: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl Plans {
    fn new(planner: &mut FftPlanner<f32>, frames: usize) -> Self {
        let (forward, inverse) =
            (planner.plan_fft_forward(frames), planner.plan_fft_inverse(frames));
        Self { frames, forward, inverse }
    }

    fn scratch(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len())
    }
}

pub struct Core {
    bins: usize,
    /// The rest below, the bins, the rest above; scaled for the way there.
    bank: Bank,
    /// The same bands of the canonical dual, scaled for the way back.
    dual: Bank,
    block: BlockSpectrum,
    bounds: FrameBounds,
    /// Of the rest below, of all bins, of the rest above.
    plans: [Plans; 3],
    folded: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    half: Vec<Complex<f32>>,
    back_scratch: Vec<Complex<f32>>,
}

impl Core {
    pub fn new(spec: &GaborSpec, n: usize) -> Result<Self, TransformError> {
        spec.check()?;
        if n > LONGEST_BLOCK {
            return Err(TransformError::TooLongSignal { given: n, allowed: LONGEST_BLOCK });
        }
        let windows = spec.windows(n);
        let bins = windows.len() - 2;
        let mut energy = vec![0.0f64; n / 2 + 1];
        for window in &windows {
            for (e, g) in energy[window.first..].iter_mut().zip(&window.values) {
                *e += g * g;
            }
        }
        let widest = |windows: &[super::Window]| {
            even_fast_size(windows.iter().map(|w| w.values.len()).max().unwrap_or(1))
        };
        let mut planner = FftPlanner::new();
        let plans = [&windows[..1], &windows[1..=bins], &windows[bins + 1..]]
            .map(|part| Plans::new(&mut planner, widest(part)));
        let (mut bank, mut dual) = (Bank::default(), Bank::default());
        for (k, window) in windows.iter().enumerate() {
            let frames = plans[set_of(k, bins)].frames;
            let there = 2.0 / n as f64;
            let back = 1.0 / (2 * frames) as f64;
            bank.push(window.first as isize, window.values.iter().map(|g| g * there));
            let divided = window.values.iter().zip(&energy[window.first..]);
            dual.push(window.first as isize, divided.map(|(g, e)| g / e * back));
        }
        // The lone bins at the ends count half in the sound's energy; their windows say so already.
        let own = |i: usize| if i == 0 || 2 * i == n { 2.0 } else { 1.0 };
        let share = energy.iter().enumerate().map(|(i, e)| e * own(i));
        let bounds = FrameBounds {
            lower: share.clone().fold(f64::INFINITY, f64::min),
            upper: share.fold(0.0, f64::max),
        };
        let back = RealFftPlanner::new().plan_fft_inverse(n);
        let most = plans.iter().map(|p| p.frames).max().unwrap_or(0);
        let scratch = plans.iter().map(Plans::scratch).max().unwrap_or(0);
        Ok(Self {
            bins,
            block: BlockSpectrum::new(n, &bank),
            bank,
            dual,
            bounds,
            plans,
            folded: vec![Complex::default(); most],
            scratch: vec![Complex::default(); scratch],
            half: vec![Complex::default(); n / 2 + 1],
            back_scratch: vec![Complex::default(); back.get_scratch_len()],
            back,
        })
    }

    pub fn n(&self) -> usize {
        self.block.n()
    }

    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Frames of each bin in a block.
    pub fn frames(&self) -> usize {
        self.plans[1].frames
    }

    /// Values of the rest below and above.
    pub fn extra(&self) -> usize {
        self.plans[0].frames + self.plans[2].frames
    }

    pub fn bounds(&self) -> FrameBounds {
        self.bounds
    }

    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    pub fn dual(&self) -> &Bank {
        &self.dual
    }

    /// Frames of the rest below, of each bin, of the rest above.
    pub fn frames_of_sets(&self) -> [usize; 3] {
        self.plans.each_ref().map(|plans| plans.frames)
    }

    pub fn hop_samples(&self) -> f64 {
        self.n() as f64 / self.frames() as f64
    }

    /// Where band `k` of a block lies when the rows of the bins are `stride` apart, the block's
    /// frames begin at `offset` in each, and the rest at `rest`.
    fn place(&self, k: usize, stride: usize, offset: usize, rest: usize) -> std::ops::Range<usize> {
        let at = match set_of(k, self.bins) {
            0 => rest,
            1 => (k - 1) * stride + offset,
            _ => rest + self.plans[0].frames,
        };
        at..at + self.plans[set_of(k, self.bins)].frames
    }

    /// The coefficients of the block that `fill` writes.
    pub fn forward(
        &mut self,
        fill: impl FnOnce(&mut [f32]),
        out: &mut [Complex<f32>],
        [stride, offset, rest]: [usize; 3],
    ) {
        self.block.of_filled(fill);
        for (k, band) in self.bank.bands().iter().enumerate() {
            let place = self.place(k, stride, offset, rest);
            let row = &mut out[place];
            self.block.fold(&self.bank, band, row);
            self.plans[set_of(k, self.bins)].inverse.process_with_scratch(row, &mut self.scratch);
        }
    }

    /// The block that has these coefficients, or comes nearest.
    pub fn inverse(
        &mut self,
        values: &[Complex<f32>],
        [stride, offset, rest]: [usize; 3],
        block: &mut [f32],
    ) {
        self.half.fill(Complex::default());
        for (k, band) in self.dual.bands().iter().enumerate() {
            let place = self.place(k, stride, offset, rest);
            let folded = &mut self.folded[..place.len()];
            folded.copy_from_slice(&values[place]);
            self.plans[set_of(k, self.bins)]
                .forward
                .process_with_scratch(folded, &mut self.scratch);
            self.dual.unfold(band, folded, &mut self.half);
        }
        // These are real in every real sound; rounding is not.
        self.half[0].im = 0.0;
        if self.n().is_multiple_of(2) {
            self.half[self.block.n() / 2].im = 0.0;
        }
        let done = self.back.process_with_scratch(&mut self.half, block, &mut self.back_scratch);
        debug_assert!(done.is_ok(), "lengths were fixed at construction");
    }
}

fn set_of(band: usize, bins: usize) -> usize {
    usize::from(band > 0) + usize::from(band > bins)
}
