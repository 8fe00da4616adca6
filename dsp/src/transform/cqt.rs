//! Constant-Q and variable-Q transforms: bins spread evenly over octaves, each with a window as
//! long as its pitch needs.
//!
//! The definition, which the tests compute directly in f64: bin `k` at sample `t` is
//!
//! ```text
//! c_k(t) = s_k  sum_m  x(t + m) h(m / L_k) exp(-2 pi i m f_k / rate)  /  sum_m h(m / L_k)
//! ```
//!
//! over all whole `m` with `|m| < L_k / 2`; `h` is a Hann window, `L_k = Q rate / (f_k + gamma Q)`
//! with `Q = filter_scale / alpha`, and `s_k` is `sqrt(L_k)`, or `L_k` unscaled. Frequencies,
//! lengths and scaling are librosa's, at the full sample rate throughout.
//!
//! A Hann window of any length has a spectrum in closed form, real and narrow. So one FFT of a long
//! block serves all bins: each multiplies its few bins, folds them to as many as the block has
//! frames, and transforms back. Nothing is resampled and no frame is computed twice.

use std::f64::consts::{PI, TAU};
use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::bank::Bank;
use super::block::BlockSpectrum;
use super::error::{SAMPLE_RATES, room, view_room, within};
use super::sizes::even_fast_size;
use super::{Shape, Transform, TransformError, View};

/// Longer filters are refused: five seconds at 192 kHz, more at usual rates.
const LONGEST_FILTER: usize = 1 << 20;
/// A side lobe of a window that is this small beside its peak is left out.
const NEGLIGIBLE: f64 = 1e-5;
/// A block holds at least this much besides the reach of the longest filter.
const BLOCK_SECONDS: f64 = 2.05;

/// What is added to every bandwidth, in Hz, so that low notes blur less in time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Gamma {
    /// Constant Q.
    #[default]
    None,
    /// Bandwidths in proportion to the ear's (ERB).
    Ear,
    Hz(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CqtSpec {
    pub sample_rate: f64,
    pub hop_samples: usize,
    pub low_hz: f64,
    pub bins: usize,
    pub bins_per_octave: usize,
    pub gamma: Gamma,
    /// Below 1 the windows are shorter than a constant Q asks for.
    pub filter_scale: f64,
    /// Whether a bin is divided by the square root of its window's length, so that noise is level.
    pub scaled: bool,
}

impl CqtSpec {
    /// Twelve bins an octave over seven octaves from C1, or as many as the rate has room for.
    pub fn new(sample_rate: f64) -> Self {
        Self {
            sample_rate,
            hop_samples: 512,
            low_hz: 440.0 * 2f64.powf(-45.0 / 12.0),
            bins: 84,
            bins_per_octave: 12,
            gamma: Gamma::None,
            filter_scale: 1.0,
            scaled: true,
        }
        .fitted()
    }

    /// Without the highest bins that the rate has no room for.
    pub fn fitted(mut self) -> Self {
        while self.bins > 1 && self.reaches_hz() > self.sample_rate / 2.0 {
            self.bins -= 1;
        }
        self
    }

    /// The same with bandwidths that follow the ear's: the variable-Q transform.
    pub fn variable(sample_rate: f64) -> Self {
        Self { gamma: Gamma::Ear, ..Self::new(sample_rate) }
    }

    pub fn frequencies_hz(&self) -> Vec<f64> {
        let octave = |k: usize| k as f64 / self.bins_per_octave as f64;
        (0..self.bins).map(|k| self.low_hz * 2f64.powf(octave(k))).collect()
    }

    /// Bandwidth of a bin of constant Q, as a part of its frequency.
    fn relative_bandwidth(&self) -> f64 {
        let step = 2f64.powf(2.0 / self.bins_per_octave as f64);
        (step - 1.0) / (step + 1.0)
    }

    pub fn gamma_hz(&self) -> f64 {
        match self.gamma {
            Gamma::None => 0.0,
            // ERB = 24.7 Hz + 0.108 f (Glasberg and Moore).
            Gamma::Ear => self.relative_bandwidth() * 24.7 / 0.108,
            Gamma::Hz(hz) => hz,
        }
    }

    /// Lengths of the windows in samples, not rounded.
    pub fn lengths_samples(&self) -> Vec<f64> {
        let alpha = self.relative_bandwidth();
        let q = self.filter_scale / alpha;
        let length = |f: f64| q * self.sample_rate / (f + self.gamma_hz() / alpha);
        self.frequencies_hz().into_iter().map(length).collect()
    }

    /// Where the highest window's main lobe ends; 1.5 bins is the noise bandwidth of a Hann window.
    fn reaches_hz(&self) -> f64 {
        let highest = self.low_hz * 2f64.powf((self.bins - 1) as f64 / self.bins_per_octave as f64);
        let q = self.filter_scale / self.relative_bandwidth();
        highest * (1.0 + 0.75 / q) + 0.5 * self.gamma_hz()
    }

    fn check(&self) -> Result<(), TransformError> {
        let nyquist = self.sample_rate / 2.0;
        within("sample rate", self.sample_rate, SAMPLE_RATES)?;
        within("hop", self.hop_samples as f64, 1.0..=65_536.0)?;
        within("bins per octave", self.bins_per_octave as f64, 1.0..=384.0)?;
        within("number of bins", self.bins as f64, 1.0..=4096.0)?;
        within("lowest frequency", self.low_hz, 1.0..=nyquist)?;
        within("filter scale", self.filter_scale, 0.01..=16.0)?;
        if let Gamma::Hz(hz) = self.gamma {
            within("gamma", hz, 0.0..=nyquist)?;
        }
        let reaches = self.reaches_hz();
        if reaches > nyquist {
            return Err(TransformError::AboveNyquist { reaches, nyquist });
        }
        let given = self.lengths_samples().into_iter().fold(0.0, f64::max);
        if given > LONGEST_FILTER as f64 {
            return Err(TransformError::TooLongFilter { given, allowed: LONGEST_FILTER });
        }
        Ok(())
    }

    /// How far the longest window reaches to each side of its time.
    fn reach_samples(&self) -> usize {
        self.lengths_samples().into_iter().map(outermost).max().unwrap_or(0)
    }

    /// The windows' spectra around their pitches in an FFT of `n`, scaled to undo the FFT's sum.
    fn bank(&self, n: usize) -> Bank {
        let mut bank = Bank::default();
        for (hz, length) in self.frequencies_hz().into_iter().zip(self.lengths_samples()) {
            let centre = hz / self.sample_rate * n as f64;
            let span = support(centre, length, n);
            let scale = if self.scaled { length.sqrt() } else { length };
            let scale = scale / (n as f64 * window_spectrum(0.0, length));
            let weight =
                |i: isize| scale * window_spectrum(TAU * (i as f64 - centre) / n as f64, length);
            bank.push(span.start, span.map(weight));
        }
        bank
    }
}

/// The largest whole number below half a window's length: where its last sample lies.
fn outermost(length: f64) -> usize {
    ((length / 2.0).ceil() as usize).saturating_sub(1)
}

/// The bins of an FFT of `n` in which a window of `length` at `centre` is not negligible: its side
/// lobes fall as the third power of the distance, 1 / (pi d^3) of the peak.
fn support(centre: f64, length: f64, n: usize) -> Range<isize> {
    let lobes = (1.0 / (PI * NEGLIGIBLE)).cbrt();
    let half = (lobes * n as f64 / length).ceil() as isize;
    let middle = centre.round() as isize;
    if 2 * half + 1 >= n as isize {
        // Short windows look at all there is, once.
        let first = middle - n as isize / 2;
        return first..first + n as isize;
    }
    middle - half..middle + half + 1
}

/// The spectrum at `theta` radians a sample of the Hann window of this length that is centred on
/// sample 0: three Dirichlet kernels.
fn window_spectrum(theta: f64, length: f64) -> f64 {
    let odd = 2.0 * outermost(length) as f64 + 1.0;
    let kernel = |theta: f64| {
        let half = (theta - (theta / TAU).round() * TAU) / 2.0;
        if half.abs() < 1e-9 { odd } else { (odd * half).sin() / half.sin() }
    };
    let step = TAU / length;
    0.5 * kernel(theta) + 0.25 * (kernel(theta - step) + kernel(theta + step))
}

/// CQT (or VQT, with a gamma) of whole signals; a frame is centred on each multiple of the hop.
pub struct Cqt {
    spec: CqtSpec,
    frequencies: Vec<f64>,
    reach_samples: usize,
    bank: Bank,
    block: BlockSpectrum,
    /// Frames at each end of a block whose longest window would go round.
    margin: usize,
    folded: Vec<Complex<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Cqt {
    pub fn new(spec: CqtSpec) -> Result<Self, TransformError> {
        spec.check()?;
        let reach_samples = spec.reach_samples();
        let hop = spec.hop_samples;
        let margin = reach_samples.div_ceil(hop);
        let wanted = (BLOCK_SECONDS * spec.sample_rate) as usize;
        let frames = even_fast_size(2 * margin + wanted.max(reach_samples).div_ceil(hop));
        let bank = spec.bank(frames * hop);
        let inverse = FftPlanner::new().plan_fft_inverse(frames);
        Ok(Self {
            spec,
            frequencies: spec.frequencies_hz(),
            reach_samples,
            block: BlockSpectrum::new(frames * hop, &bank),
            bank,
            margin,
            folded: vec![Complex::default(); frames],
            scratch: vec![Complex::default(); inverse.get_inplace_scratch_len()],
            inverse,
        })
    }

    pub fn spec(&self) -> &CqtSpec {
        &self.spec
    }

    /// The filters over the FFT of one block of [`Self::block_samples`], for other engines.
    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    pub fn block_samples(&self) -> usize {
        self.folded.len() * self.spec.hop_samples
    }

    /// Frames of one block, and how many of them at each end the longest window spoils.
    pub fn block_frames(&self) -> (usize, usize) {
        (self.folded.len(), self.margin)
    }
}

impl Transform for Cqt {
    type Value = Complex<f32>;

    fn name(&self) -> &'static str {
        if self.spec.gamma_hz() > 0.0 { "vqt" } else { "cqt" }
    }

    fn shape(&self, samples: usize) -> Shape {
        let frames = 1 + samples / self.spec.hop_samples;
        Shape { bins: self.spec.bins, frames, extra: 0 }
    }

    fn hop_samples(&self) -> f64 {
        self.spec.hop_samples as f64
    }

    fn latency_samples(&self) -> usize {
        self.reach_samples
    }

    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn forward(&mut self, signal: &[f32], out: &mut [Complex<f32>]) -> Result<(), TransformError> {
        let shape = self.shape(signal.len());
        room(out.len(), shape)?;
        let run = self.folded.len() - 2 * self.margin;
        for from in (0..shape.frames).step_by(run) {
            let count = run.min(shape.frames - from);
            let start = (from as isize - self.margin as isize) * self.spec.hop_samples as isize;
            self.block.of(signal, start);
            for (band, row) in self.bank.bands().iter().zip(out.chunks_exact_mut(shape.frames)) {
                self.block.fold(&self.bank, band, &mut self.folded);
                self.inverse.process_with_scratch(&mut self.folded, &mut self.scratch);
                row[from..from + count].copy_from_slice(&self.folded[self.margin..][..count]);
            }
        }
        Ok(())
    }
}

/// Magnitudes of one frame of the CQT or VQT.
pub struct CqtView {
    frequencies: Vec<f64>,
    bank: Bank,
    block: BlockSpectrum,
}

impl CqtView {
    /// The hop of `spec` plays no part: columns are made when they are asked for.
    pub fn new(spec: CqtSpec) -> Result<Self, TransformError> {
        spec.check()?;
        let n = even_fast_size(2 * spec.reach_samples() + 2);
        let bank = spec.bank(n);
        Ok(Self { frequencies: spec.frequencies_hz(), block: BlockSpectrum::new(n, &bank), bank })
    }
}

impl View for CqtView {
    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn window_samples(&self) -> usize {
        self.block.n()
    }

    fn column(&mut self, window: &[f32], levels: &mut [f32]) -> Result<(), TransformError> {
        view_room(window.len(), self.window_samples(), levels.len(), self.frequencies.len())?;
        self.block.of_middle(window);
        for (level, band) in levels.iter_mut().zip(self.bank.bands()) {
            *level = self.block.at_zero(&self.bank, band).norm();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_window_s_spectrum() {
        for length in [3.0, 7.5, 8.0, 101.3, 1000.0] {
            let out = outermost(length) as i32;
            for theta in [0.0, 0.01, 0.3, 1.0, 3.1, TAU + 0.3, -2.0] {
                let direct: f64 = (-out..=out)
                    .map(|m| {
                        let m = f64::from(m);
                        (0.5 + 0.5 * (TAU * m / length).cos()) * (theta * m).cos()
                    })
                    .sum();
                let closed = window_spectrum(theta, length);
                assert!((direct - closed).abs() < 1e-9 * length, "{length}, {theta}");
            }
        }
    }
}
