//! Whole signals, up to a length that is fixed when the plans are made.

use realfft::num_complex::Complex;

use super::core::{Core, LONGEST_BLOCK};
use super::{FrameBounds, GaborSpec, TransformError};
use crate::transform::bank::Bank;
use crate::transform::error::room;
use crate::transform::frames::copy_part;
use crate::transform::sizes::even_fast_size;
use crate::transform::{Shape, Transform};

/// The transform of signals of at most so many samples; shorter ones are followed by silence, so
/// the shape is the same for all.
pub struct Gabor {
    frequencies: Vec<f64>,
    longest: usize,
    core: Core,
    block: Vec<f32>,
}

impl Gabor {
    pub fn new(spec: GaborSpec, longest: usize) -> Result<Self, TransformError> {
        spec.check()?;
        // Silence for as long as the lowest bin rings, to the end of its main lobe, as the end of a
        // block borders on its start.
        let ring = (2.0 * spec.sample_rate / spec.narrowest_hz()).ceil() as usize;
        if longest > LONGEST_BLOCK {
            return Err(TransformError::TooLongSignal { given: longest, allowed: LONGEST_BLOCK });
        }
        let n = even_fast_size(longest + ring.min(LONGEST_BLOCK));
        let core = Core::new(&spec, n)?;
        Ok(Self { frequencies: spec.frequencies_hz(), longest, block: vec![0.0; n], core })
    }

    pub fn frame_bounds(&self) -> FrameBounds {
        self.core.bounds()
    }

    /// The windows over the FFT of one block, the rest below first, the rest above last.
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

    /// Samples of the block that holds the signal and the silence after it.
    pub fn block_samples(&self) -> usize {
        self.core.n()
    }

    fn layout(&self) -> [usize; 3] {
        let frames = self.core.frames();
        [frames, 0, self.core.bins() * frames]
    }

    fn check(&self, samples: usize, values: usize) -> Result<(), TransformError> {
        if samples > self.longest {
            let allowed = self.longest;
            return Err(TransformError::TooLongSignal { given: samples, allowed });
        }
        room(values, self.shape(samples))
    }
}

impl Transform for Gabor {
    type Value = Complex<f32>;

    fn name(&self) -> &'static str {
        "gabor"
    }

    fn shape(&self, _samples: usize) -> Shape {
        let core = &self.core;
        Shape { bins: core.bins(), frames: core.frames(), extra: core.extra() }
    }

    fn hop_samples(&self) -> f64 {
        self.core.hop_samples()
    }

    /// All of the signal has to be there.
    fn latency_samples(&self) -> usize {
        self.longest
    }

    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn forward(&mut self, signal: &[f32], out: &mut [Complex<f32>]) -> Result<(), TransformError> {
        self.check(signal.len(), out.len())?;
        let layout = self.layout();
        self.core.forward(|time| copy_part(signal, 0, time), out, layout);
        Ok(())
    }

    fn inverse(
        &mut self,
        values: &[Complex<f32>],
        signal: &mut [f32],
    ) -> Result<(), TransformError> {
        self.check(signal.len(), values.len())?;
        let layout = self.layout();
        self.core.inverse(values, layout, &mut self.block);
        signal.copy_from_slice(&self.block[..signal.len()]);
        Ok(())
    }
}
