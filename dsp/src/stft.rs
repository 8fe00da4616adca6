//! Frames to spectra and back. All plans and memory are made before the first hop.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::math::{padded, wide};
use crate::quality::WindowSpec;

/// One spectrum as three rows, padded with zeros to whole vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spectrum {
    pub re: Vec<f32>,
    pub im: Vec<f32>,
    /// sqrt(re^2 + im^2), made when the spectrum is analysed.
    pub mag: Vec<f32>,
}

impl Spectrum {
    pub fn zeroed(bins: usize) -> Self {
        let row = vec![0.0; padded(bins)];
        Self { re: row.clone(), im: row.clone(), mag: row }
    }
}

wide! {
    fn split(freq: &[Complex<f32>], re: &mut [f32], im: &mut [f32], mag: &mut [f32]) {
        let len = freq.len();
        let (re, im, mag) = (&mut re[..len], &mut im[..len], &mut mag[..len]);
        for i in 0..len {
            re[i] = freq[i].re;
            im[i] = freq[i].im;
        }
        for i in 0..len {
            mag[i] = (re[i] * re[i] + im[i] * im[i]).sqrt();
        }
    }
}

wide! {
    fn join(re: &[f32], im: &[f32], freq: &mut [Complex<f32>]) {
        let len = freq.len();
        let (re, im) = (&re[..len], &im[..len]);
        for i in 0..len {
            freq[i] = Complex { re: re[i], im: im[i] };
        }
    }
}

wide! {
    /// `out = a * b`, element by element.
    pub(crate) fn multiply(a: &[f32], b: &[f32], out: &mut [f32]) {
        let len = out.len();
        let (a, b) = (&a[..len], &b[..len]);
        for i in 0..len {
            out[i] = a[i] * b[i];
        }
    }
}

/// One real transform there and back, with the memory that it takes.
struct RealFft {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    freq: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl RealFft {
    fn new(n: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(n);
        let inverse = planner.plan_fft_inverse(n);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            forward,
            inverse,
            time: vec![0.0; n],
            freq: vec![Complex::default(); n / 2 + 1],
            scratch: vec![Complex::default(); scratch],
        }
    }

    /// `time` to `freq`.
    fn forward(&mut self) {
        let done =
            self.forward.process_with_scratch(&mut self.time, &mut self.freq, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths were fixed at construction");
    }

    /// `time` to `row`.
    fn forward_into(&mut self, row: &mut [Complex<f32>]) {
        let done = self.forward.process_with_scratch(&mut self.time, row, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths were fixed at construction");
    }

    /// `freq` to `time`, less what the spectrum of real samples cannot have.
    fn inverse(&mut self) {
        let last = self.freq.len() - 1;
        self.freq[0].im = 0.0;
        self.freq[last].im = 0.0;
        let done =
            self.inverse.process_with_scratch(&mut self.freq, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths were fixed at construction");
    }
}

/// Transforms of the live path: frames are rotated so that the centre of the synthesis part is the
/// phase reference ([`WindowSpec::centre`]).
pub struct FramePlan {
    spec: WindowSpec,
    analysis: Vec<f32>,
    /// The synthesis window over `n`, which the inverse transform does not divide by.
    synthesis: Vec<f32>,
    /// Product of both windows: what an untouched frame is worth.
    product: Vec<f32>,
    fft: RealFft,
}

impl FramePlan {
    pub fn new(spec: &WindowSpec) -> Self {
        let windows = spec.windows();
        let scale = 1.0 / spec.n as f32;
        let tail = &windows.analysis[spec.n - spec.m..];
        Self {
            spec: *spec,
            product: tail.iter().zip(&windows.synthesis).map(|(a, s)| a * s).collect(),
            synthesis: windows.synthesis.iter().map(|w| w * scale).collect(),
            analysis: windows.analysis,
            fft: RealFft::new(spec.n),
        }
    }

    pub fn spec(&self) -> &WindowSpec {
        &self.spec
    }

    /// Spectrum of the `n` samples of `frame`.
    pub fn analyse(&mut self, frame: &[f32], out: &mut Spectrum) {
        let (n, centre) = (self.spec.n, self.spec.centre());
        let (late, early) = self.fft.time.split_at_mut(n - centre);
        multiply(&frame[centre..n], &self.analysis[centre..], late);
        multiply(&frame[..centre], &self.analysis[..centre], early);
        self.fft.forward();
        split(&self.fft.freq, &mut out.re, &mut out.im, &mut out.mag);
    }

    /// The last `m` samples of the frame whose spectrum this is, windowed for overlap-add.
    pub fn synthesise(&mut self, re: &[f32], im: &[f32], part: &mut [f32]) {
        let half = self.spec.m / 2;
        join(re, im, &mut self.fft.freq);
        self.fft.inverse();
        let (first, second) = part.split_at_mut(half);
        multiply(&self.fft.time[self.spec.n - half..], &self.synthesis[..half], first);
        multiply(&self.fft.time[..half], &self.synthesis[half..], second);
    }

    /// What `synthesise` would give for an untouched frame, without the transforms.
    pub fn pass(&self, frame: &[f32], part: &mut [f32]) {
        multiply(&frame[self.spec.n - self.spec.m..], &self.product, part);
    }
}

/// Short-time Fourier transform of whole signals, frames as they stand (no rotation): frame `f`
/// is samples `f * hop ..`, bins in order. For the store, for displays and for comparison.
pub struct Stft {
    window: Vec<f32>,
    dual: Vec<f32>,
    hop: usize,
    fft: RealFft,
}

impl Stft {
    /// `spec` must be symmetric (`m == n`), as [`WindowSpec::custom`] makes sure.
    pub fn new(spec: &WindowSpec) -> Self {
        assert_eq!(spec.n, spec.m, "a whole-signal transform needs a symmetric window");
        let windows = spec.windows();
        let scale = 1.0 / spec.n as f32;
        Self {
            window: windows.analysis,
            dual: windows.synthesis.iter().map(|w| w * scale).collect(),
            hop: spec.h,
            fft: RealFft::new(spec.n),
        }
    }

    pub fn bins(&self) -> usize {
        self.fft.freq.len()
    }

    /// Whole frames in a signal.
    pub fn frames(&self, samples: usize) -> usize {
        let n = self.window.len();
        if samples < n { 0 } else { (samples - n) / self.hop + 1 }
    }

    /// All frames of `signal` into `out`, frame by frame, `bins` values each.
    pub fn forward(&mut self, signal: &[f32], out: &mut [Complex<f32>]) {
        let (n, bins) = (self.window.len(), self.fft.freq.len());
        for (f, row) in out.chunks_exact_mut(bins).enumerate().take(self.frames(signal.len())) {
            multiply(&signal[f * self.hop..][..n], &self.window, &mut self.fft.time);
            self.fft.forward_into(row);
        }
    }

    /// Overlap-adds one frame into `out[..n]`.
    pub fn inverse_into(&mut self, row: &[Complex<f32>], out: &mut [f32]) {
        self.fft.freq.copy_from_slice(row);
        self.fft.inverse();
        for ((o, t), w) in out.iter_mut().zip(&self.fft.time).zip(&self.dual) {
            *o += t * w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::Quality;
    use crate::window::WindowShape;

    // X2: an untouched spectrum is an untouched frame.
    #[test]
    fn analysis_and_synthesis_undo_each_other() {
        for quality in Quality::ALL {
            let spec = WindowSpec::new(quality, 48_000.0);
            let mut plan = FramePlan::new(&spec);
            let frame: Vec<f32> =
                (0..spec.n).map(|i| ((i * i) as f32 * 0.37).sin() * 0.9).collect();
            let mut spectrum = Spectrum::zeroed(spec.bins());
            let (mut a, mut b) = (vec![0.0; spec.m], vec![0.0; spec.m]);
            plan.analyse(&frame, &mut spectrum);
            plan.synthesise(&spectrum.re, &spectrum.im, &mut a);
            plan.pass(&frame, &mut b);
            for (x, y) in a.iter().zip(&b) {
                assert!((x - y).abs() < 1e-6, "{}: {x} {y}", quality.name());
            }
        }
    }

    // P1
    #[test]
    fn whole_signals_come_back_from_their_spectra() {
        let spec = WindowSpec::custom(512, 512, 128, WindowShape::BlackmanHarris).unwrap();
        let mut stft = Stft::new(&spec);
        let signal: Vec<f32> = (0..4096).map(|i| ((i * i) as f32 * 0.11).sin()).collect();
        let frames = stft.frames(signal.len());
        let mut rows = vec![Complex::default(); frames * stft.bins()];
        stft.forward(&signal, &mut rows);
        let mut back = vec![0.0; signal.len()];
        for f in 0..frames {
            let row = rows[f * stft.bins()..][..stft.bins()].to_vec();
            stft.inverse_into(&row, &mut back[f * 128..][..512]);
        }
        for i in 512..3584 {
            assert!((back[i] - signal[i]).abs() < 2e-6, "sample {i}");
        }
    }
}
