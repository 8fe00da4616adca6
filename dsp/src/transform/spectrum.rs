//! The short-time Fourier transform as a [`Transform`]: frames centred on their time, any window
//! length and hop, Hann window; and back by the canonical dual.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

use super::error::{SAMPLE_RATES, room, view_room, within};
use super::frames::Frames;
use super::{Shape, Transform, TransformError, View};
use crate::window::hann;

/// Windows longer than this are refused: the memory of a picture, not its precision, would suffer.
pub const LONGEST_WINDOW: usize = 1 << 18;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StftSpec {
    pub sample_rate: f64,
    pub window_samples: usize,
    pub hop_samples: usize,
}

impl StftSpec {
    /// Windows of 2048 samples at 44.1 and 48 kHz, and as long in seconds at other rates.
    pub fn new(sample_rate: f64) -> Self {
        let octave = (sample_rate / 48_000.0).max(1e-3).log2().round() as i32;
        let window_samples = 1 << (11 + octave).clamp(6, 16);
        Self { sample_rate, window_samples, hop_samples: window_samples / 4 }
    }

    pub fn bins(&self) -> usize {
        self.window_samples / 2 + 1
    }

    pub(super) fn check(&self) -> Result<(), TransformError> {
        within("sample rate", self.sample_rate, SAMPLE_RATES)?;
        within("window", self.window_samples as f64, 4.0..=LONGEST_WINDOW as f64)?;
        within("hop", self.hop_samples as f64, 1.0..=LONGEST_WINDOW as f64)
    }

    pub(super) fn frames(&self) -> Frames {
        Frames::new(hann(self.window_samples).into_iter().map(|w| w as f32).collect())
    }

    /// Where the frame that is centred on sample `frame * hop` begins.
    pub(super) fn start(&self, frame: usize) -> isize {
        (frame * self.hop_samples) as isize - (self.window_samples / 2) as isize
    }

    fn frequencies(&self) -> Vec<f64> {
        let step = self.sample_rate / self.window_samples as f64;
        (0..self.bins()).map(|i| i as f64 * step).collect()
    }
}

/// Complex spectra; a frame is centred on each multiple of the hop, the first on sample 0.
pub struct Spectrogram {
    spec: StftSpec,
    frequencies: Vec<f64>,
    frames: Frames,
    inverse: Arc<dyn ComplexToReal<f32>>,
    freq: Vec<Complex<f32>>,
    time: Vec<f32>,
    scratch: Vec<Complex<f32>>,
    window: Vec<f32>,
}

impl Spectrogram {
    pub fn new(spec: StftSpec) -> Result<Self, TransformError> {
        spec.check()?;
        let n = spec.window_samples;
        let inverse = RealFftPlanner::new().plan_fft_inverse(n);
        Ok(Self {
            spec,
            frequencies: spec.frequencies(),
            frames: spec.frames(),
            freq: vec![Complex::default(); spec.bins()],
            time: vec![0.0; n],
            scratch: vec![Complex::default(); inverse.get_scratch_len()],
            window: hann(n).into_iter().map(|w| w as f32).collect(),
            inverse,
        })
    }
}

impl Transform for Spectrogram {
    type Value = Complex<f32>;

    fn name(&self) -> &'static str {
        "stft"
    }

    fn shape(&self, samples: usize) -> Shape {
        let frames = 1 + samples / self.spec.hop_samples;
        Shape { bins: self.spec.bins(), frames, extra: 0 }
    }

    fn hop_samples(&self) -> f64 {
        self.spec.hop_samples as f64
    }

    fn latency_samples(&self) -> usize {
        self.spec.window_samples / 2
    }

    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn forward(&mut self, signal: &[f32], out: &mut [Complex<f32>]) -> Result<(), TransformError> {
        let shape = self.shape(signal.len());
        room(out.len(), shape)?;
        for f in 0..shape.frames {
            let row = self.frames.at(signal, self.spec.start(f));
            for (b, value) in row.iter().enumerate() {
                out[b * shape.frames + f] = *value;
            }
        }
        Ok(())
    }

    /// The signal whose spectra are nearest. Samples that no window reaches come back as silence;
    /// there are some only where the hop is as long as the window or longer.
    fn inverse(
        &mut self,
        values: &[Complex<f32>],
        signal: &mut [f32],
    ) -> Result<(), TransformError> {
        let shape = self.shape(signal.len());
        room(values.len(), shape)?;
        let n = self.spec.window_samples;
        let hop = self.spec.hop_samples;
        signal.fill(0.0);
        for f in 0..shape.frames {
            for (b, value) in self.freq.iter_mut().enumerate() {
                *value = values[b * shape.frames + f];
            }
            self.freq[0].im = 0.0;
            if n.is_multiple_of(2) {
                self.freq[n / 2].im = 0.0;
            }
            let done = self.inverse.process_with_scratch(
                &mut self.freq,
                &mut self.time,
                &mut self.scratch,
            );
            debug_assert!(done.is_ok(), "lengths were fixed at construction");
            let start = self.spec.start(f);
            for (i, (t, w)) in self.time.iter().zip(&self.window).enumerate() {
                if let Some(s) = usize::try_from(start + i as isize).ok()
                    && let Some(s) = signal.get_mut(s)
                {
                    *s += t * w;
                }
            }
        }
        // The sum of the squared windows that met at a sample; fewer meet near the ends.
        let last = shape.frames as isize - 1;
        for (s, sample) in signal.iter_mut().enumerate() {
            let half = (n / 2) as isize;
            let first_frame = (s as isize + half - n as isize).div_euclid(hop as isize) + 1;
            let last_frame = (s as isize + half).div_euclid(hop as isize).min(last);
            let energy: f32 = (first_frame.max(0)..=last_frame)
                .map(|f| self.window[(s as isize + half - f * hop as isize) as usize].powi(2))
                .sum();
            // Below this there is nothing but rounding to divide.
            *sample = if energy > 1e-9 { *sample / (energy * n as f32) } else { 0.0 };
        }
        Ok(())
    }
}

/// Magnitudes of one frame: linear frequencies for a picture that scrolls.
pub struct SpectrogramView {
    frequencies: Vec<f64>,
    frames: Frames,
}

impl SpectrogramView {
    pub fn new(spec: StftSpec) -> Result<Self, TransformError> {
        spec.check()?;
        Ok(Self { frequencies: spec.frequencies(), frames: spec.frames() })
    }
}

impl View for SpectrogramView {
    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn window_samples(&self) -> usize {
        self.frames.n()
    }

    fn column(&mut self, window: &[f32], levels: &mut [f32]) -> Result<(), TransformError> {
        view_room(window.len(), self.frames.n(), levels.len(), self.frequencies.len())?;
        for (level, value) in levels.iter_mut().zip(self.frames.at(window, 0)) {
            *level = value.norm();
        }
        Ok(())
    }
}
