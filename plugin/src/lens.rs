//! One way to see a window of sound: the analysis behind each axis of the canvas (P1).

use scumble_dsp::stft::{FramePlan, Spectrum};
use scumble_dsp::texture;
use scumble_dsp::transform::mel::Measure;
use scumble_dsp::transform::{
    CqtSpec, CqtView, GaborSpec, GaborView, Gamma, MelNorm, MelSpec, MelView, TransformError, View,
};
use scumble_dsp::{WindowShape, WindowSpec};
use scumble_ui::model::Axis;

/// Bins an octave where the axis is musical: quarter tones, as fine as the picture's rows.
const BINS_PER_OCTAVE: usize = 24;
/// The lowest bin where the axis is musical: C1.
const LOWEST_NOTE_HZ: f64 = 32.703_195_662_574_83;

enum Eye {
    /// Short-time spectra, which have a phase.
    Spectra { plan: FramePlan, spectrum: Spectrum, frequencies: Vec<f64>, gain: f32 },
    /// Levels alone, each with what makes it the amplitude of a tone; `power` where levels are
    /// squares.
    Bins { view: Box<dyn View>, gains: Vec<f32>, power: bool },
}

pub struct Lens {
    eye: Eye,
    levels: Vec<f32>,
}

/// What is seen of a window.
pub struct Seen<'a> {
    /// Amplitudes of tones, one a bin.
    pub levels: &'a [f32],
    spectrum: Option<&'a Spectrum>,
}

impl Seen<'_> {
    /// The phase of a bin; zero where the analysis keeps none.
    pub fn phase(&self, bin: usize) -> f32 {
        self.spectrum.map_or(0.0, |s| texture::angle(s.re[bin], s.im[bin]))
    }
}

impl Lens {
    /// For a picture with a column every `stretch` samples.
    pub fn new(axis: Axis, stretch: usize, sample_rate: f32) -> Self {
        let rate = f64::from(sample_rate);
        let eye = match axis {
            Axis::Log | Axis::Linear => None,
            Axis::Mel => mel(rate).ok(),
            Axis::Cqt => constant_q(Gamma::None, rate).ok(),
            Axis::Vqt => constant_q(Gamma::Ear, rate).ok(),
            Axis::Gabor => gabor(rate).ok(),
        };
        // A rate that a transform does not take is seen through plain spectra.
        let eye = eye.unwrap_or_else(|| spectra(stretch, rate));
        let mut lens = Self { eye, levels: Vec::new() };
        lens.levels.resize(lens.frequencies().len(), 0.0);
        lens
    }

    /// Centres of the bins in Hz, rising.
    pub fn frequencies(&self) -> &[f64] {
        match &self.eye {
            Eye::Spectra { frequencies, .. } => frequencies,
            Eye::Bins { view, .. } => view.frequencies(),
        }
    }

    pub fn window_samples(&self) -> usize {
        match &self.eye {
            Eye::Spectra { plan, .. } => plan.spec().n,
            Eye::Bins { view, .. } => view.window_samples(),
        }
    }

    /// From the sound that is shown to the end of the window.
    pub fn latency_samples(&self) -> usize {
        match &self.eye {
            Eye::Spectra { plan, .. } => plan.spec().n / 2,
            Eye::Bins { view, .. } => view.latency_samples(),
        }
    }

    /// Looks at a window of exactly [`Self::window_samples`].
    pub fn look(&mut self, window: &[f32]) -> Seen<'_> {
        let levels = &mut self.levels;
        let spectrum = match &mut self.eye {
            Eye::Spectra { plan, spectrum, gain, .. } => {
                plan.analyse(window, spectrum);
                let parts = spectrum.re.iter().zip(&spectrum.im);
                for (level, (re, im)) in levels.iter_mut().zip(parts) {
                    *level = *gain * (re * re + im * im).sqrt();
                }
                Some(&*spectrum)
            }
            Eye::Bins { view, gains, power } => {
                if view.column(window, levels).is_err() {
                    // The lengths are the view's own.
                    debug_assert!(false, "a window of another length");
                    levels.fill(0.0);
                }
                for (level, gain) in levels.iter_mut().zip(gains) {
                    *level = if *power { level.sqrt() } else { *level } * *gain;
                }
                None
            }
        };
        Seen { levels, spectrum }
    }
}

fn spectra(stretch: usize, rate: f64) -> Eye {
    let n = 4 * stretch;
    let spec = WindowSpec::custom(n, n, stretch, WindowShape::Hann)
        .expect("a Hann window with three quarters of overlap");
    let sum: f32 = spec.windows().analysis.iter().sum();
    Eye::Spectra {
        plan: FramePlan::new(&spec),
        spectrum: Spectrum::zeroed(spec.bins()),
        frequencies: (0..spec.bins()).map(|bin| bin as f64 * rate / n as f64).collect(),
        gain: 2.0 / sum,
    }
}

fn mel(rate: f64) -> Result<Eye, TransformError> {
    let (low_hz, norm, measure) = (20.0, MelNorm::Peak, Measure::Power);
    let spec = MelSpec { low_hz, norm, measure, ..MelSpec::new(rate) };
    let mut view = MelView::new(spec)?;
    // What a triangle catches of a tone at its middle depends on how many bins of the spectrum it
    // covers, so each is shown its own.
    let step = |hz: f64| std::f64::consts::TAU * hz / rate;
    let mut levels = vec![0.0; spec.bins];
    let mut gains = Vec::with_capacity(spec.bins);
    for (bin, hz) in view.frequencies().to_vec().into_iter().enumerate() {
        let tone = |i: usize| (step(hz) * i as f64).cos() as f32;
        let window: Vec<f32> = (0..view.window_samples()).map(tone).collect();
        view.column(&window, &mut levels)?;
        gains.push(1.0 / levels[bin].max(f32::MIN_POSITIVE).sqrt());
    }
    Ok(Eye::Bins { view: Box::new(view), gains, power: true })
}

fn constant_q(gamma: Gamma, rate: f64) -> Result<Eye, TransformError> {
    let octaves = (rate / 2.0 / LOWEST_NOTE_HZ).log2().max(1.0);
    let spec = CqtSpec {
        low_hz: LOWEST_NOTE_HZ,
        bins: (octaves * BINS_PER_OCTAVE as f64) as usize,
        bins_per_octave: BINS_PER_OCTAVE,
        gamma,
        ..CqtSpec::new(rate)
    }
    .fitted();
    // A bin is half a tone's amplitude times the root of its window's length.
    let gains = spec.lengths_samples().iter().map(|length| (2.0 / length.sqrt()) as f32).collect();
    Ok(Eye::Bins { view: Box::new(CqtView::new(spec)?), gains, power: false })
}

fn gabor(rate: f64) -> Result<Eye, TransformError> {
    let spec = GaborSpec {
        low_hz: LOWEST_NOTE_HZ,
        high_hz: 0.45 * rate,
        bins_per_octave: BINS_PER_OCTAVE,
        ..GaborSpec::new(rate)
    };
    let view = GaborView::new(spec, GaborView::slice_for(&spec))?;
    let gains = vec![1.0; view.frequencies().len()];
    Ok(Eye::Bins { view: Box::new(view), gains, power: false })
}
