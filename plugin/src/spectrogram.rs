//! Columns of the live spectrogram on the axis of the window, made while one is open (P5, P1).
//!
//! Editor's thread: one analysis for each stretch that the audio thread sent, some tens of
//! microseconds; a change of axis makes its tables, some tens of milliseconds.

use scumble_dsp::texture::{self, AutoGain, RANGE_DB, RowMap};
use scumble_ui::axes::FreqAxis;
use scumble_ui::host::Columns;
use scumble_ui::model::{Axis, Source};

use crate::audio::Watch;
use crate::lens::Lens;

/// Bands on the axis, from 20 Hz to Nyquist.
const BANDS: usize = 256;

/// Makes columns from what the audio thread sent.
pub struct Columnist {
    watch: Watch,
    stretch: usize,
    sample_rate: f32,
    axis: Axis,
    lens: Lens,
    rows: RowMap,
    /// The input (aligned) and the output.
    dry: Past,
    wet: Past,
    shown: Vec<f32>,
    level: AutoGain,
    row_levels: Vec<f32>,
    row_phases: Vec<f32>,
    scratch: Vec<f32>,
    rgba: Vec<u8>,
}

impl Columnist {
    pub fn new(watch: Watch, stretch: usize, sample_rate: f32) -> Self {
        let axis = Axis::default();
        let lens = Lens::new(axis, stretch, sample_rate);
        let window = lens.window_samples();
        Self {
            watch,
            stretch,
            sample_rate,
            axis,
            rows: rows(axis, &lens, sample_rate),
            lens,
            dry: Past::new(window),
            wet: Past::new(window),
            shown: vec![0.0; window],
            level: AutoGain::default(),
            row_levels: vec![0.0; BANDS],
            row_phases: vec![0.0; BANDS],
            scratch: Vec::new(),
            rgba: vec![0; 4 * BANDS],
        }
    }

    /// dB of full scale at R = 0 and R = 1.
    pub fn levels_db(&self) -> (f32, f32) {
        (self.level.top_db() - RANGE_DB, self.level.top_db())
    }

    pub fn set_watched(&self, watched: bool) {
        self.watch.set_watched(watched);
    }

    fn set_axis(&mut self, axis: Axis) {
        if axis == self.axis {
            return;
        }
        self.axis = axis;
        self.lens = Lens::new(axis, self.stretch, self.sample_rate);
        self.rows = rows(axis, &self.lens, self.sample_rate);
        let window = self.lens.window_samples();
        self.dry = self.dry.resized(window);
        self.wet = self.wet.resized(window);
        self.shown.resize(window, 0.0);
    }

    /// Hands out the columns of `source` on `axis` that came in since the last call.
    pub fn take(&mut self, source: Source, axis: Axis, sink: &mut dyn FnMut(Columns<'_>)) {
        self.set_axis(axis);
        let Self { watch, lens, rows, dry, wet, shown, level, scratch, rgba, .. } = self;
        let (row_levels, row_phases) = (&mut self.row_levels, &mut self.row_phases);
        let late = lens.latency_samples() as f32 / self.stretch as f32;
        let seconds = self.stretch as f32 / self.sample_rate;
        watch.drain(scratch, |heard| {
            dry.push(heard.dry);
            wet.push(heard.wet);
            let window: &[f32] = match source {
                Source::Input => dry.last(),
                Source::Output => wet.last(),
                Source::Difference => {
                    let both = wet.last().iter().zip(dry.last());
                    shown.iter_mut().zip(both).for_each(|(s, (w, d))| *s = w - d);
                    shown
                }
            };
            let seen = lens.look(window);
            level.observe(seen.levels.iter().fold(0.0f32, |a, &b| a.max(b)), seconds);
            rows.resample(seen.levels, row_levels);
            for (phase, bin) in row_phases.iter_mut().zip(rows.bins()) {
                *phase = seen.phase(bin);
            }
            texture::draw(1.0, level, row_levels, row_phases, rgba);
            // A column shows the middle of its window.
            let position = (heard.place - late * heard.width).rem_euclid(1.0);
            sink(Columns { position, width: heard.width, bands: BANDS, rgba });
        });
    }
}

fn rows(axis: Axis, lens: &Lens, sample_rate: f32) -> RowMap {
    RowMap::on(&FreqAxis::new(axis, sample_rate).edges_hz(BANDS), lens.frequencies())
}

/// The last window of a stream; in twice the room, so that it is moved rarely.
struct Past {
    samples: Vec<f32>,
    window: usize,
    end: usize,
}

impl Past {
    fn new(window: usize) -> Self {
        Self { samples: vec![0.0; 2 * window], window, end: window }
    }

    fn last(&self) -> &[f32] {
        &self.samples[self.end - self.window..self.end]
    }

    /// Takes at most a window.
    fn push(&mut self, new: &[f32]) {
        if self.end + new.len() > self.samples.len() {
            self.samples.copy_within(self.end - self.window..self.end, 0);
            self.end = self.window;
        }
        self.samples[self.end..self.end + new.len()].copy_from_slice(new);
        self.end += new.len();
    }

    fn resized(&self, window: usize) -> Self {
        let mut past = Self::new(window);
        let last = self.last();
        past.push(&last[last.len().saturating_sub(window)..]);
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{stretch_samples, tap};

    /// The last column of two seconds of this sound, and where levels lie.
    fn column(axis: Axis, sound: impl Fn(f32) -> f32) -> (Vec<u8>, (f32, f32)) {
        let rate = 48_000.0;
        let (mut tap, watch) = tap(rate);
        let stretch = stretch_samples(rate);
        let mut columnist = Columnist::new(watch, stretch, rate);
        columnist.set_watched(true);
        let mut last = Vec::new();
        let mut count = 0;
        for part in 0..24 {
            let mut wet: Vec<f32> =
                (0..8 * stretch).map(|i| sound((part * 8 * stretch + i) as f32 / rate)).collect();
            let silence = [vec![0.0; wet.len()]];
            let all = 0..wet.len();
            tap.take(&silence, 0, &[&mut wet], all, || (0.5, 0.01));
            columnist.take(Source::Output, axis, &mut |columns| {
                last = columns.rgba.to_vec();
                count += 1;
            });
        }
        assert_eq!(count, 24 * 8);
        (last, columnist.levels_db())
    }

    // P5, P1: on every axis a tone shows at its place and level.
    #[test]
    fn a_sine_shows_at_its_place_and_level_on_every_axis() {
        for axis in Axis::ALL {
            for tone in [440.0f32, 1046.5, 4186.0] {
                let (last, (low, high)) =
                    column(axis, |t| 0.1 * (std::f32::consts::TAU * tone * t).sin());
                let loudest = (0..BANDS).max_by_key(|&b| last[4 * b]).expect("bands");
                let scale = FreqAxis::new(axis, 48_000.0);
                let expected = scale.y(tone) * BANDS as f32;
                let off = loudest as f32 + 0.5 - expected;
                assert!(off.abs() < 2.6, "{axis:?} {tone} Hz: {off} rows away");
                let shown_db = low + f32::from(last[4 * loudest]) / 255.0 * (high - low);
                // Between two triangles of the Mel scale a tone is 3 dB down.
                let within = if axis == Axis::Mel { 3.2 } else { 1.5 };
                assert!((shown_db + 20.0).abs() < within, "{axis:?} {tone} Hz: {shown_db} dB");
                let far = scale.y(tone / 12.0).max(0.0) * BANDS as f32;
                assert!(last[4 * far as usize] < 12, "{axis:?}: far below, it is black");
            }
        }
    }

    #[test]
    fn silence_and_noise_of_full_scale_are_finite_on_every_axis() {
        for axis in Axis::ALL {
            let (last, _) = column(axis, |_| 0.0);
            assert!(last.chunks(4).all(|p| p[0] == 0 && p[3] == 255), "{axis:?}");
            let (last, _) = column(axis, |t| (t * 9e6).sin());
            assert!(last.chunks(4).any(|p| p[0] > 100), "{axis:?}");
        }
    }

    #[test]
    fn the_past_is_what_came_last() {
        let mut past = Past::new(10);
        let mut all = vec![0.0; 10];
        for part in 0..40usize {
            let new: Vec<f32> = (0..part % 7).map(|i| (part * 10 + i) as f32).collect();
            past.push(&new);
            all.extend(&new);
            assert_eq!(past.last(), &all[all.len() - 10..]);
        }
        let (short, long) = (past.resized(4), past.resized(16));
        assert_eq!(short.last(), &all[all.len() - 4..]);
        assert_eq!(long.last()[6..], all[all.len() - 10..]);
    }
}
