//! One way to see sound: the task behind each axis of the canvas, and how its result is read (P1).

use std::sync::Arc;

use scumble_dsp::texture::{self, AutoGain, RANGE_DB, RowMap};
use scumble_dsp::transform::mel::Measure;
use scumble_dsp::transform::{
    CqtSpec, Gabor, GaborSpec, GaborView, Gamma, MelNorm, MelSpec, MelView, Transform,
    TransformError, View,
};
use scumble_dsp::{WindowShape, WindowSpec};
use scumble_gpu::compute::{Analysis, Outcome, Picture, PictureRows, Task};
use scumble_ui::axes::FreqAxis;
use scumble_ui::model::Axis;

/// Bands on the axis, from 20 Hz to Nyquist.
pub const BANDS: usize = 256;
/// Bins an octave where the axis is musical: quarter tones, as fine as the picture's rows.
const BINS_PER_OCTAVE: usize = 24;
/// The lowest bin where the axis is musical: C1.
const LOWEST_NOTE_HZ: f64 = 32.703_195_662_574_83;
/// Columns that are computed together where a transform looks at a second of sound at once: a tenth
/// of a second of them. High rates, where a column costs ten times as much, wait longer.
fn together(rate: f64) -> usize {
    8 * (rate / 48_000.0).round().max(1.0) as usize
}

enum Kind {
    /// Short-time spectra, made into pixels where they are computed.
    Picture(Picture),
    /// Bins, each with what makes it the amplitude of a tone; `power` where they are squares.
    Bins { analysis: Analysis, gains: Vec<f32>, power: bool, hop_samples: f64 },
}

pub struct Lens {
    kind: Kind,
    rows: Arc<RowMap>,
    stretch: usize,
    /// Columns of a task.
    together: usize,
    /// What a column looks at on each side of its time.
    context: usize,
    /// Samples over which the sound of a task fades in and out; for filters that have no end, which
    /// would ring on its edges.
    fade: usize,
}

impl Lens {
    /// For a picture with a column every `stretch` samples.
    pub fn new(axis: Axis, stretch: usize, sample_rate: f32) -> Self {
        let rate = f64::from(sample_rate);
        let edges = FreqAxis::new(axis, sample_rate).edges_hz(BANDS);
        let lens = match axis {
            Axis::Log | Axis::Linear => None,
            Axis::Mel => Self::mel(&edges, stretch, rate).ok(),
            Axis::Cqt => Some(Self::constant_q(Gamma::None, &edges, stretch, rate)),
            Axis::Vqt => Some(Self::constant_q(Gamma::Ear, &edges, stretch, rate)),
            Axis::Gabor => Self::gabor(&edges, stretch, rate).ok(),
        };
        // A rate that a transform does not take is seen through plain spectra.
        lens.unwrap_or_else(|| Self::spectra(&edges, stretch, rate))
    }

    fn spectra(edges: &[f32], stretch: usize, rate: f64) -> Self {
        let n = 4 * stretch;
        let spec = WindowSpec::custom(n, n, stretch, WindowShape::Hann)
            .expect("a Hann window with three quarters of overlap");
        let sum: f32 = spec.windows().analysis.iter().sum();
        let frequencies: Vec<f64> =
            (0..spec.bins()).map(|bin| bin as f64 * rate / n as f64).collect();
        let rows = Arc::new(RowMap::on(edges, &frequencies));
        let picture = Picture {
            window_samples: n,
            hop_samples: stretch,
            rows: PictureRows::Mapped(Arc::clone(&rows)),
            gain: 2.0 / sum,
            level: AutoGain::default(),
        };
        Self { kind: Kind::Picture(picture), rows, stretch, together: 1, context: n / 2, fade: 0 }
    }

    fn mel(edges: &[f32], stretch: usize, rate: f64) -> Result<Self, TransformError> {
        let (low_hz, norm, measure) = (20.0, MelNorm::Peak, Measure::Power);
        let mut spec = MelSpec { low_hz, norm, measure, ..MelSpec::new(rate) };
        spec.stft.hop_samples = stretch;
        let mut view = MelView::new(spec)?;
        // What a triangle catches of a tone at its middle depends on how many bins of the spectrum
        // it covers, so each is shown its own.
        let step = |hz: f64| std::f64::consts::TAU * hz / rate;
        let mut levels = vec![0.0; spec.bins];
        let mut gains = Vec::with_capacity(spec.bins);
        let frequencies = view.frequencies().to_vec();
        for (bin, hz) in frequencies.iter().enumerate() {
            let tone = |i: usize| (step(*hz) * i as f64).cos() as f32;
            let window: Vec<f32> = (0..view.window_samples()).map(tone).collect();
            view.column(&window, &mut levels)?;
            gains.push(1.0 / levels[bin].max(f32::MIN_POSITIVE).sqrt());
        }
        let context = spec.stft.window_samples / 2;
        let kind = Kind::Bins {
            analysis: Analysis::Mel(spec),
            gains,
            power: true,
            hop_samples: stretch as f64,
        };
        Ok(Self::of_bins(kind, edges, &frequencies, stretch, 2, context))
    }

    fn constant_q(gamma: Gamma, edges: &[f32], stretch: usize, rate: f64) -> Self {
        let octaves = (rate / 2.0 / LOWEST_NOTE_HZ).log2().max(1.0);
        let spec = CqtSpec {
            hop_samples: stretch,
            low_hz: LOWEST_NOTE_HZ,
            bins: (octaves * BINS_PER_OCTAVE as f64) as usize,
            bins_per_octave: BINS_PER_OCTAVE,
            gamma,
            ..CqtSpec::new(rate)
        }
        .fitted();
        // A bin is half a tone's amplitude times the root of its window's length.
        let lengths = spec.lengths_samples();
        let gains = lengths.iter().map(|length| (2.0 / length.sqrt()) as f32).collect();
        let context = (lengths.into_iter().fold(0.0, f64::max) / 2.0).ceil() as usize;
        let hop_samples = stretch as f64;
        let kind = Kind::Bins { analysis: Analysis::Cqt(spec), gains, power: false, hop_samples };
        Self::of_bins(kind, edges, &spec.frequencies_hz(), stretch, together(rate), context)
    }

    fn gabor(edges: &[f32], stretch: usize, rate: f64) -> Result<Self, TransformError> {
        let spec = GaborSpec {
            low_hz: LOWEST_NOTE_HZ,
            high_hz: 0.45 * rate,
            bins_per_octave: BINS_PER_OCTAVE,
            ..GaborSpec::new(rate)
        };
        let context = (GaborView::slice_for(&spec) / 2).next_multiple_of(stretch);
        let longest = 2 * context + (together(rate) - 1) * stretch;
        let hop_samples = Gabor::new(spec, longest)?.hop_samples();
        let gains = vec![1.0; spec.bins()];
        let analysis = Analysis::Gabor { spec, longest };
        let kind = Kind::Bins { analysis, gains, power: false, hop_samples };
        let lens =
            Self::of_bins(kind, edges, &spec.frequencies_hz(), stretch, together(rate), context);
        Ok(Self { fade: context / 2, ..lens })
    }

    fn of_bins(
        kind: Kind,
        edges: &[f32],
        frequencies: &[f64],
        stretch: usize,
        together: usize,
        context: usize,
    ) -> Self {
        let rows = Arc::new(RowMap::on(edges, frequencies));
        // So that a column stands at a multiple of the hop.
        let context = context.next_multiple_of(stretch);
        Self { kind, rows, stretch, together, context, fade: 0 }
    }

    /// Columns of a task, and so stretches of sound between two.
    pub fn together(&self) -> usize {
        self.together
    }

    /// The sound of a task: that of its columns, and what they look at on both sides.
    pub fn window_samples(&self) -> usize {
        2 * self.context + (self.together - 1) * self.stretch
    }

    /// From the sound that a column shows to the last sample that it needs.
    pub fn latency_samples(&self) -> usize {
        self.context
    }

    /// Whether a column costs less than handing it to another thread.
    pub fn is_light(&self) -> bool {
        matches!(self.kind, Kind::Picture(_))
    }

    /// What is to be computed of exactly [`Self::window_samples`].
    pub fn task(&self, sound: &[f32], level: &AutoGain) -> Task {
        match &self.kind {
            Kind::Picture(picture) => {
                let picture = Picture { level: *level, ..picture.clone() };
                Task::Picture { picture, sound: sound.into() }
            }
            Kind::Bins { analysis, .. } => {
                let mut sound = sound.to_vec();
                let last = sound.len().saturating_sub(1);
                for i in 0..self.fade.min(sound.len()) {
                    let turn = std::f32::consts::PI * (i as f32 + 0.5) / self.fade as f32;
                    let weight = 0.5 - 0.5 * turn.cos();
                    sound[i] *= weight;
                    sound[last - i] *= weight;
                }
                Task::Analyse { analysis: *analysis, sound: sound.into() }
            }
        }
    }

    /// The columns of an outcome as RGBA8, one after the other, each of so many seconds. `level`
    /// follows what is heard; `asked` is what it was when the task was made. Empty if the outcome is
    /// none of this lens's.
    pub fn columns(
        &self,
        outcome: Outcome,
        seconds: f32,
        asked: &AutoGain,
        level: &mut AutoGain,
    ) -> Vec<u8> {
        match (&self.kind, outcome) {
            (Kind::Picture(_), Outcome::Pixels(pixels)) => {
                for column in pixels.chunks(4 * BANDS) {
                    let loudest = column.iter().step_by(4).copied().max().unwrap_or(0);
                    level.observe(amplitude(loudest, asked), seconds);
                }
                pixels
            }
            (Kind::Bins { gains, power, hop_samples, .. }, outcome) => {
                let mut levels = vec![0.0; gains.len()];
                let (mut rows, phases) = (vec![0.0; BANDS], vec![0.0; BANDS]);
                let mut pixels = vec![0; 4 * BANDS * self.together];
                for (column, pixels) in pixels.chunks_mut(4 * BANDS).enumerate() {
                    let time = self.context + column * self.stretch;
                    let frame = (time as f64 / hop_samples).round() as usize;
                    if !read_frame(&outcome, frame, &mut levels) {
                        return Vec::new();
                    }
                    for (level, gain) in levels.iter_mut().zip(gains) {
                        *level = if *power { level.sqrt() } else { *level } * gain;
                    }
                    level.observe(levels.iter().fold(0.0f32, |a, &b| a.max(b)), seconds);
                    self.rows.resample(&levels, &mut rows);
                    texture::draw(1.0, level, &rows, &phases, pixels);
                }
                pixels
            }
            _ => Vec::new(),
        }
    }
}

/// The amplitude of a tone that a red of so much stands for; what is off the scale is taken for a
/// little louder than its end.
fn amplitude(red: u8, level: &AutoGain) -> f32 {
    let db = match red {
        0 => return 0.0,
        255 => level.top_db() + 6.0,
        red => level.top_db() - RANGE_DB + f32::from(red) / 255.0 * RANGE_DB,
    };
    10f32.powf(db / 20.0)
}

/// The magnitudes of all bins in one frame; false if there is no such frame.
fn read_frame(outcome: &Outcome, frame: usize, levels: &mut [f32]) -> bool {
    let (Outcome::Levels { shape, .. } | Outcome::Values { shape, .. }) = outcome else {
        return false;
    };
    if frame >= shape.frames || levels.len() != shape.bins {
        return false;
    }
    for (bin, level) in levels.iter_mut().enumerate() {
        let at = bin * shape.frames + frame;
        *level = match outcome {
            Outcome::Levels { levels, .. } => levels[at],
            Outcome::Values { values, .. } => values[at].norm(),
            _ => 0.0,
        };
    }
    true
}
