//! Columns of the live spectrogram, on a log-frequency axis, made while a window is open (P5).
//!
//! Editor's thread: one transform for each stretch that the audio thread sent, some ten
//! microseconds. Two windows ago is forgotten.

use scumble_dsp::stft::{FramePlan, Spectrum};
use scumble_dsp::texture::{self, AutoGain, RANGE_DB, RowMap};
use scumble_dsp::{WindowShape, WindowSpec};
use scumble_ui::host::Columns;
use scumble_ui::model::Source;

use crate::audio::Watch;

/// Bands on the axis, from 20 Hz to Nyquist.
const BANDS: usize = 256;

/// Makes columns from what the audio thread sent.
pub struct Columnist {
    watch: Watch,
    plan: FramePlan,
    spectrum: Spectrum,
    /// The last window of the input (aligned) and of the output.
    dry: Vec<f32>,
    wet: Vec<f32>,
    shown: Vec<f32>,
    rows: RowMap,
    level: AutoGain,
    /// One over what a sine of full scale amounts to.
    gain: f32,
    /// Seconds that a column stands for.
    seconds: f32,
    magnitudes: Vec<f32>,
    row_magnitudes: Vec<f32>,
    row_phases: Vec<f32>,
    scratch: Vec<f32>,
    rgba: Vec<u8>,
}

impl Columnist {
    pub fn new(watch: Watch, stretch: usize, sample_rate: f32) -> Self {
        let n = 4 * stretch;
        let spec = WindowSpec::custom(n, n, stretch, WindowShape::Hann)
            .expect("a Hann window with three quarters of overlap");
        let sum: f32 = spec.windows().analysis.iter().sum();
        Self {
            watch,
            plan: FramePlan::new(&spec),
            spectrum: Spectrum::zeroed(spec.bins()),
            dry: vec![0.0; n],
            wet: vec![0.0; n],
            shown: vec![0.0; n],
            rows: RowMap::new(BANDS, spec.bins(), sample_rate),
            level: AutoGain::default(),
            gain: 2.0 / sum,
            seconds: stretch as f32 / sample_rate,
            magnitudes: vec![0.0; spec.bins()],
            row_magnitudes: vec![0.0; BANDS],
            row_phases: vec![0.0; BANDS],
            scratch: Vec::new(),
            rgba: Vec::new(),
        }
    }

    /// dB of full scale at R = 0 and R = 1.
    pub fn levels_db(&self) -> (f32, f32) {
        (self.level.top_db() - RANGE_DB, self.level.top_db())
    }

    pub fn set_watched(&self, watched: bool) {
        self.watch.set_watched(watched);
    }

    /// Hands out the columns of `source` that came in since the last call.
    pub fn take(&mut self, source: Source, sink: &mut dyn FnMut(Columns<'_>)) {
        let Self { watch, plan, spectrum, dry, wet, shown, rows, level, scratch, rgba, .. } = self;
        let (magnitudes, row_magnitudes) = (&mut self.magnitudes, &mut self.row_magnitudes);
        let (row_phases, gain, seconds) = (&mut self.row_phases, self.gain, self.seconds);
        watch.drain(scratch, |heard| {
            slide(dry, heard.dry);
            slide(wet, heard.wet);
            match source {
                Source::Input => shown.copy_from_slice(dry),
                Source::Output => shown.copy_from_slice(wet),
                Source::Difference => {
                    let both = wet.iter().zip(dry.iter());
                    shown.iter_mut().zip(both).for_each(|(s, (w, d))| *s = w - d);
                }
            }
            plan.analyse(shown, spectrum);
            for (m, (re, im)) in magnitudes.iter_mut().zip(spectrum.re.iter().zip(&spectrum.im)) {
                *m = (re * re + im * im).sqrt();
            }
            let peak = gain * magnitudes.iter().fold(0.0f32, |a, &b| a.max(b));
            level.observe(peak, seconds);
            rows.resample(magnitudes, row_magnitudes);
            for (phase, bin) in row_phases.iter_mut().zip(rows.bins()) {
                *phase = texture::angle(spectrum.re[bin], spectrum.im[bin]);
            }
            rgba.resize(4 * BANDS, 0);
            texture::draw(gain, level, row_magnitudes, row_phases, rgba);
            // The window's middle is two stretches back.
            let position = (heard.place - 2.0 * heard.width).rem_euclid(1.0);
            sink(Columns { position, width: heard.width, bands: BANDS, rgba });
        });
    }
}

/// Moves `past` on by what came in.
fn slide(past: &mut [f32], new: &[f32]) {
    past.copy_within(new.len().., 0);
    let at = past.len() - new.len();
    past[at..].copy_from_slice(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{stretch_samples, tap};

    #[test]
    fn a_sine_shows_at_its_place_and_level() {
        // P5: 1 kHz at -20 dB.
        let rate = 48_000.0;
        let (mut tap, watch) = tap(rate);
        let stretch = stretch_samples(rate);
        let mut columnist = Columnist::new(watch, stretch, rate);
        columnist.set_watched(true);
        let sine: Vec<f32> = (0..8 * stretch)
            .map(|i| 0.1 * (std::f32::consts::TAU * 1000.0 * i as f32 / rate).sin())
            .collect();
        let silence = [vec![0.0; sine.len()]];
        let mut wet = sine.clone();
        tap.take(&silence, 0, &[&mut wet], 0..sine.len(), || (0.5, 0.01));
        let mut last = Vec::new();
        let mut count = 0;
        columnist.take(Source::Output, &mut |columns| {
            last = columns.rgba.to_vec();
            count += 1;
        });
        assert_eq!(count, 8);
        let loudest = (0..BANDS).max_by_key(|&b| last[4 * b]).expect("bands");
        let octaves = (rate / 2.0 / 20.0).log2();
        let hz = 20.0 * ((loudest as f32 + 0.5) / BANDS as f32 * octaves).exp2();
        assert!((hz / 1000.0).log2().abs() < 0.06, "{hz} Hz");
        let (low, high) = columnist.levels_db();
        let shown_db = low + f32::from(last[4 * loudest]) / 255.0 * (high - low);
        assert!((shown_db + 20.0).abs() < 0.7, "{shown_db} dB");
        assert_eq!(last[4 * (loudest / 4)], 0, "far below, it is black");
    }
}
