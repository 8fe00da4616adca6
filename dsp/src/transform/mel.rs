//! The Mel spectrogram: triangles on a scale of equal steps of pitch, over short-time spectra.
//!
//! Frequencies, triangles and normalisation are those that the field has agreed on through
//! librosa, so that features computed here can be used with models trained there.

use realfft::num_complex::Complex;

use super::bank::Bank;
use super::error::{room, view_room, within};
use super::frames::Frames;
use super::{Shape, StftSpec, Transform, TransformError, View};

/// What "equal steps" means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MelScale {
    /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox).
    #[default]
    Slaney,
    /// 2595 log10(1 + f / 700).
    Htk,
}

/// Slaney's scale: mels are steps of 200 / 3 Hz up to the corner, then 27 to a factor of 6.4.
const LINEAR_STEP_HZ: f64 = 200.0 / 3.0;
const CORNER_HZ: f64 = 1000.0;
const STEPS_ABOVE: f64 = 27.0;
const FACTOR_ABOVE: f64 = 6.4;

impl MelScale {
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Self::Slaney if hz < CORNER_HZ => hz / LINEAR_STEP_HZ,
            Self::Slaney => {
                CORNER_HZ / LINEAR_STEP_HZ + STEPS_ABOVE * (hz / CORNER_HZ).ln() / FACTOR_ABOVE.ln()
            }
        }
    }

    pub fn hz(self, mel: f64) -> f64 {
        let corner = CORNER_HZ / LINEAR_STEP_HZ;
        match self {
            Self::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < corner => mel * LINEAR_STEP_HZ,
            Self::Slaney => CORNER_HZ * FACTOR_ABOVE.powf((mel - corner) / STEPS_ABOVE),
        }
    }
}

/// How high the triangles are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MelNorm {
    /// Every triangle has the area of one hertz, so that white noise is level.
    #[default]
    Area,
    /// Every triangle has a peak of one.
    Peak,
}

/// What of a spectrum is summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    #[default]
    Power,
    Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MelSpec {
    pub stft: StftSpec,
    pub bins: usize,
    pub low_hz: f64,
    pub high_hz: f64,
    pub scale: MelScale,
    pub norm: MelNorm,
    pub measure: Measure,
}

impl MelSpec {
    /// 128 bins from 0 Hz to half the sample rate.
    pub fn new(sample_rate: f64) -> Self {
        Self {
            stft: StftSpec::new(sample_rate),
            bins: 128,
            low_hz: 0.0,
            high_hz: sample_rate / 2.0,
            scale: MelScale::default(),
            norm: MelNorm::default(),
            measure: Measure::default(),
        }
    }

    fn check(&self) -> Result<(), TransformError> {
        self.stft.check()?;
        let nyquist = self.stft.sample_rate / 2.0;
        within("number of Mel bins", self.bins as f64, 1.0..=4096.0)?;
        within("highest Mel frequency", self.high_hz, 1.0..=nyquist)?;
        within("lowest Mel frequency", self.low_hz, 0.0..=self.high_hz - 1.0)
    }

    /// The corners of the triangles: bin `b` rises from corner `b`, peaks at `b + 1` and ends at
    /// `b + 2`.
    pub fn corners_hz(&self) -> Vec<f64> {
        let (low, high) = (self.scale.mel(self.low_hz), self.scale.mel(self.high_hz));
        let step = (high - low) / (self.bins + 1) as f64;
        (0..self.bins + 2).map(|i| self.scale.hz(low + i as f64 * step)).collect()
    }
}

/// The triangles, each with the first bin of the spectrum that it covers.
struct Triangles {
    spans: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<f32>,
}

impl Triangles {
    fn new(spec: &MelSpec) -> Self {
        let corners = spec.corners_hz();
        let bin_hz = spec.stft.sample_rate / spec.stft.window_samples as f64;
        let mut weights = Vec::new();
        let mut spans = Vec::new();
        for c in corners.windows(3) {
            let height = match spec.norm {
                MelNorm::Area => 2.0 / (c[2] - c[0]),
                MelNorm::Peak => 1.0,
            };
            let at = weights.len();
            let first = (c[0] / bin_hz).floor() as usize;
            let last = ((c[2] / bin_hz).ceil() as usize).min(spec.stft.bins() - 1);
            for i in first..=last {
                let hz = i as f64 * bin_hz;
                let rise = (hz - c[0]) / (c[1] - c[0]);
                let fall = (c[2] - hz) / (c[2] - c[1]);
                weights.push((height * rise.min(fall).max(0.0)) as f32);
            }
            spans.push((first, at..weights.len()));
        }
        Self { spans, weights }
    }

    fn sums<'a>(&'a self, measured: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.spans.iter().map(|(first, span)| {
            let weights = &self.weights[span.clone()];
            weights.iter().zip(&measured[*first..]).map(|(w, x)| w * x).sum()
        })
    }
}

crate::math::wide! {
    fn powers(freq: &[Complex<f32>], out: &mut [f32]) {
        let len = out.len();
        let freq = &freq[..len];
        for i in 0..len {
            out[i] = freq[i].re * freq[i].re + freq[i].im * freq[i].im;
        }
    }
}

crate::math::wide! {
    fn roots(out: &mut [f32]) {
        for x in out {
            *x = x.sqrt();
        }
    }
}

/// The Mel spectrogram of whole signals; a frame is centred on each multiple of the hop.
pub struct Mel {
    spec: MelSpec,
    frequencies: Vec<f64>,
    frames: Frames,
    triangles: Triangles,
    measured: Vec<f32>,
}

impl Mel {
    pub fn new(spec: MelSpec) -> Result<Self, TransformError> {
        spec.check()?;
        let corners = spec.corners_hz();
        Ok(Self {
            spec,
            frequencies: corners[1..=spec.bins].to_vec(),
            frames: spec.stft.frames(),
            triangles: Triangles::new(&spec),
            measured: vec![0.0; spec.stft.bins()],
        })
    }

    pub fn spec(&self) -> &MelSpec {
        &self.spec
    }

    /// The triangles over the bins of one frame's spectrum, for other engines.
    pub fn bank(&self) -> Bank {
        let mut bank = Bank::default();
        for (first, span) in &self.triangles.spans {
            let weights = &self.triangles.weights[span.clone()];
            bank.push(*first as isize, weights.iter().map(|&w| f64::from(w)));
        }
        bank
    }

    /// The window that a frame is weighed with.
    pub fn window(&self) -> &[f32] {
        self.frames.window()
    }

    fn measure(&mut self, signal: &[f32], start: isize) {
        powers(self.frames.at(signal, start), &mut self.measured);
        if self.spec.measure == Measure::Magnitude {
            roots(&mut self.measured);
        }
    }
}

impl Transform for Mel {
    type Value = f32;

    fn name(&self) -> &'static str {
        "mel"
    }

    fn shape(&self, samples: usize) -> Shape {
        let frames = 1 + samples / self.spec.stft.hop_samples;
        Shape { bins: self.spec.bins, frames, extra: 0 }
    }

    fn hop_samples(&self) -> f64 {
        self.spec.stft.hop_samples as f64
    }

    fn latency_samples(&self) -> usize {
        self.spec.stft.window_samples / 2
    }

    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn forward(&mut self, signal: &[f32], out: &mut [f32]) -> Result<(), TransformError> {
        let shape = self.shape(signal.len());
        room(out.len(), shape)?;
        for f in 0..shape.frames {
            self.measure(signal, self.spec.stft.start(f));
            for (b, sum) in self.triangles.sums(&self.measured).enumerate() {
                out[b * shape.frames + f] = sum;
            }
        }
        Ok(())
    }
}

/// One Mel frame at a time.
pub struct MelView(Mel);

impl MelView {
    pub fn new(spec: MelSpec) -> Result<Self, TransformError> {
        Mel::new(spec).map(Self)
    }
}

impl View for MelView {
    fn frequencies(&self) -> &[f64] {
        &self.0.frequencies
    }

    fn window_samples(&self) -> usize {
        self.0.spec.stft.window_samples
    }

    fn column(&mut self, window: &[f32], levels: &mut [f32]) -> Result<(), TransformError> {
        view_room(window.len(), self.window_samples(), levels.len(), self.0.spec.bins)?;
        self.0.measure(window, 0);
        for (level, sum) in levels.iter_mut().zip(self.0.triangles.sums(&self.0.measured)) {
            *level = sum;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_scales_go_there_and_back() {
        for scale in [MelScale::Slaney, MelScale::Htk] {
            for hz in [0.0, 1.0, 440.0, 999.9, 1000.0, 1000.1, 22_050.0, 96_000.0] {
                let back = scale.hz(scale.mel(hz));
                assert!((back - hz).abs() <= 1e-9 * hz.max(1.0), "{scale:?}: {hz} became {back}");
            }
        }
        assert!((MelScale::Htk.mel(1000.0) - 999.99).abs() < 0.01);
        assert!((MelScale::Slaney.mel(1000.0) - 15.0).abs() < 1e-12);
        assert!((MelScale::Slaney.mel(6400.0) - 42.0).abs() < 1e-12);
    }

    #[test]
    fn triangles_of_peak_one_add_up_to_one_between_the_ends() {
        let mut spec = MelSpec::new(44_100.0);
        spec.norm = MelNorm::Peak;
        let triangles = Triangles::new(&spec);
        let mut sum = vec![0.0f32; spec.stft.bins()];
        for (first, span) in &triangles.spans {
            for (s, w) in sum[*first..].iter_mut().zip(&triangles.weights[span.clone()]) {
                *s += w;
            }
        }
        let corners = spec.corners_hz();
        for (i, s) in sum.iter().enumerate() {
            let hz = i as f64 * 44_100.0 / 2048.0;
            if hz >= corners[1] && hz <= corners[spec.bins] {
                assert!((s - 1.0).abs() < 1e-5, "{s} at {hz} Hz");
            }
        }
    }
}
