//! FFT of a block, continued to all the bins that a bank looks at.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::bank::{Band, Bank, extend};
use super::frames::copy_part;

pub struct BlockSpectrum {
    forward: Arc<dyn RealToComplex<f32>>,
    time: Vec<f32>,
    half: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    reach: Range<isize>,
    whole: Vec<Complex<f32>>,
}

impl BlockSpectrum {
    pub fn new(n: usize, bank: &Bank) -> Self {
        let forward = RealFftPlanner::new().plan_fft_forward(n);
        let reach = bank.reach();
        Self {
            time: vec![0.0; n],
            half: vec![Complex::default(); n / 2 + 1],
            scratch: vec![Complex::default(); forward.get_scratch_len()],
            whole: vec![Complex::default(); (reach.end - reach.start) as usize],
            reach,
            forward,
        }
    }

    pub fn n(&self) -> usize {
        self.time.len()
    }

    /// The spectrum of the samples from `start` on, its time zero; silence beyond the signal.
    pub fn of(&mut self, signal: &[f32], start: isize) {
        copy_part(signal, start, &mut self.time);
        self.transform();
    }

    /// The spectrum of `window`, of `n` samples, whose middle is time zero.
    pub fn of_middle(&mut self, window: &[f32]) {
        let n = self.n();
        self.time[..n - n / 2].copy_from_slice(&window[n / 2..]);
        self.time[n - n / 2..].copy_from_slice(&window[..n / 2]);
        self.transform();
    }

    /// The spectrum of what `fill` writes, whose first sample is time zero.
    pub fn of_filled(&mut self, fill: impl FnOnce(&mut [f32])) {
        fill(&mut self.time);
        self.transform();
    }

    fn transform(&mut self) {
        let done =
            self.forward.process_with_scratch(&mut self.time, &mut self.half, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths were fixed at construction");
        extend(&self.half, self.time.len(), self.reach.start, &mut self.whole);
    }

    /// [`Bank::at_zero`] of this spectrum.
    pub fn at_zero(&self, bank: &Bank, band: &Band) -> Complex<f32> {
        bank.at_zero(band, &self.whole, self.reach.start)
    }

    /// [`Bank::fold`] of this spectrum.
    pub fn fold(&self, bank: &Bank, band: &Band, folded: &mut [Complex<f32>]) {
        bank.fold(band, &self.whole, self.reach.start, folded);
    }
}
