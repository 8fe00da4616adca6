//! Columns of the live spectrogram on the axis of the window, made while one is open (P5, P1).
//!
//! Editor's thread. What the audio thread sent is cut into tasks, which the engine computes below its
//! hops (S5): short-time spectra on a real GPU as Low commands, other transforms as Medium ones on whatever
//! it has. Plain spectra without a GPU are made here: a column costs less than asking for it. So does
//! everything where there is no engine at all.

use std::collections::VecDeque;

use scumble_dsp::texture::{AutoGain, RANGE_DB};
use scumble_gpu::compute::cpu::CpuTasks;
use scumble_gpu::compute::{Answer, Outcome, Task};
use scumble_gpu::engine::{ControlEnd, EngineKind};
use scumble_ui::host::Columns;
use scumble_ui::model::{Axis, Source};

use crate::audio::Watch;
use crate::lens::{BANDS, Lens};

/// Tasks that may be on their way: an engine with too much to do leaves holes in the picture.
const MOST_PENDING: usize = 16;

/// Makes columns from what the audio thread sent.
pub struct Columnist {
    watch: Watch,
    stretch: usize,
    sample_rate: f32,
    axis: Axis,
    source: Source,
    lens: Lens,
    /// The input (aligned) and the output.
    dry: Past,
    wet: Past,
    level: AutoGain,
    /// Where the stretches of the next task stand in the loop, and how wide they are.
    places: Vec<(f32, f32)>,
    pending: VecDeque<Pending>,
    twin: CpuTasks,
    scratch: Vec<f32>,
}

/// Columns that were asked for.
struct Pending {
    places: Vec<(f32, f32)>,
    /// The scale that they were asked on.
    level: AutoGain,
    result: Awaited,
}

enum Awaited {
    Here(Outcome),
    There(Answer),
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
            source: Source::default(),
            lens,
            dry: Past::new(window),
            wet: Past::new(window),
            level: AutoGain::default(),
            places: Vec::new(),
            pending: VecDeque::new(),
            twin: CpuTasks::default(),
            scratch: Vec::new(),
        }
    }

    /// dB of full scale at R = 0 and R = 1.
    pub fn levels_db(&self) -> (f32, f32) {
        (self.level.top_db() - RANGE_DB, self.level.top_db())
    }

    pub fn set_watched(&self, watched: bool) {
        self.watch.set_watched(watched);
    }

    fn show(&mut self, source: Source, axis: Axis) {
        if source != self.source || axis != self.axis {
            // What is on its way belongs to another picture.
            self.pending.clear();
            self.places.clear();
        }
        self.source = source;
        if axis != self.axis {
            self.axis = axis;
            self.lens = Lens::new(axis, self.stretch, self.sample_rate);
            let window = self.lens.window_samples();
            self.dry = self.dry.resized(window);
            self.wet = self.wet.resized(window);
        }
    }

    /// Hands out the columns of `source` on `axis` that came in since the last call.
    pub fn take(
        &mut self,
        source: Source,
        axis: Axis,
        engine: Option<&ControlEnd>,
        sink: &mut dyn FnMut(Columns<'_>),
    ) {
        self.show(source, axis);
        let light = self.lens.is_light();
        // A software adapter has the cores that the hops need: there too, a column is made here.
        let on_gpu = |engine: &ControlEnd| {
            let state = engine.state();
            state.kind == EngineKind::Gpu && state.device.is_some_and(|device| !device.software)
        };
        let engine = engine.filter(|engine| !light || on_gpu(engine));
        let Self { watch, lens, dry, wet, places, pending, twin, scratch, level, .. } = self;
        watch.drain(scratch, |heard| {
            dry.push(heard.dry);
            wet.push(heard.wet);
            places.push((heard.place, heard.width));
            if places.len() == lens.together() {
                let places = std::mem::take(places);
                // What is made here is never too much: a window that hung shows all that it missed.
                if engine.is_some() && pending.len() >= MOST_PENDING {
                    return;
                }
                let task = match source {
                    Source::Input => lens.task(dry.last(), level),
                    Source::Output => lens.task(wet.last(), level),
                    Source::Difference => {
                        let both = wet.last().iter().zip(dry.last());
                        lens.task(&both.map(|(w, d)| w - d).collect::<Vec<_>>(), level)
                    }
                };
                if let Some(result) = ask(task, engine, twin) {
                    pending.push_back(Pending { places, level: *level, result });
                }
            }
        });
        self.deliver(sink);
    }

    /// Hands out what has been computed, in its order.
    fn deliver(&mut self, sink: &mut dyn FnMut(Columns<'_>)) {
        let late = self.lens.latency_samples() as f32 / self.stretch as f32;
        let seconds = self.stretch as f32 / self.sample_rate;
        while let Some(Pending { places, level, result }) = self.pending.pop_front() {
            let outcome = match result {
                Awaited::Here(outcome) => outcome,
                Awaited::There(answer) => match answer.try_take() {
                    Some(Ok(done)) => done.outcome,
                    // The engine has ended, or the sound cannot be analysed: a hole.
                    Some(Err(_)) => continue,
                    None => {
                        let result = Awaited::There(answer);
                        self.pending.push_front(Pending { places, level, result });
                        return;
                    }
                },
            };
            let rgba = self.lens.columns(outcome, seconds, &level, &mut self.level);
            for (&(place, width), rgba) in places.iter().zip(rgba.chunks_exact(4 * BANDS)) {
                let position = (place - late * width).rem_euclid(1.0);
                sink(Columns { position, width, bands: BANDS, rgba });
            }
        }
    }
}

/// Has a task computed; nothing where the engine has no room for it.
fn ask(task: Task, engine: Option<&ControlEnd>, twin: &mut CpuTasks) -> Option<Awaited> {
    match engine {
        Some(engine) => engine.ask(task).ok().map(Awaited::There),
        None => twin.run(&task).ok().map(Awaited::Here),
    }
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
    use std::time::{Duration, Instant};

    use nice_plug::prelude::Transport;
    use scumble_dsp::Quality;
    use scumble_gpu::backend::adapter::AdapterWish;
    use scumble_gpu::engine::{Engine, EngineOptions};
    use scumble_gpu::sync::Counter;
    use scumble_params::ScumbleParams;
    use scumble_ui::axes::FreqAxis;

    use super::*;
    use crate::audio::{Rule, stretch_samples, tap};
    use crate::rig::{Rig, stereo_plan};

    /// The last column of two and a half seconds of this sound, and where levels lie.
    fn column(
        axis: Axis,
        engine: Option<&ControlEnd>,
        sound: impl Fn(f64) -> f32,
    ) -> (Vec<u8>, (f32, f32)) {
        let rate = 48_000.0;
        let (mut tap, watch) = tap(rate);
        let stretch = stretch_samples(rate);
        let mut columnist = Columnist::new(watch, stretch, rate);
        columnist.set_watched(true);
        let mut last = Vec::new();
        let mut count = 0;
        for part in 0..30 {
            let mut wet: Vec<f32> = (0..8 * stretch)
                .map(|i| sound((part * 8 * stretch + i) as f64 / f64::from(rate)))
                .collect();
            let silence = [vec![0.0; wet.len()]];
            let all = 0..wet.len();
            tap.take(&silence, 0, &[&mut wet], all, || (0.5, 0.01));
            let begun = Instant::now();
            loop {
                columnist.take(Source::Output, axis, engine, &mut |columns| {
                    last = columns.rgba.to_vec();
                    count += 1;
                });
                if columnist.pending.is_empty() {
                    break;
                }
                assert!(begun.elapsed().as_secs() < 60, "{axis:?}: the engine does not answer");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        assert_eq!(count, 240, "{axis:?}");
        (last, columnist.levels_db())
    }

    fn shows_a_tone(axis: Axis, tone: f32, engine: Option<&ControlEnd>) {
        let turns = |t: f64| (f64::from(tone) * t).fract() as f32;
        let sine = |t: f64| 0.1 * (std::f32::consts::TAU * turns(t)).sin();
        let (last, (low, high)) = column(axis, engine, sine);
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
        assert!(last[4 * far as usize] < 20, "{axis:?}: far below, it is black");
    }

    // P5, P1: on every axis a tone shows at its place and level.
    #[test]
    fn a_sine_shows_at_its_place_and_level_on_every_axis() {
        for axis in Axis::ALL {
            for tone in [440.0f32, 1046.5, 4186.0] {
                shows_a_tone(axis, tone, None);
            }
        }
    }

    // The same by the engine, on the software adapter: Medium commands for musical axes.
    #[test]
    fn the_engine_shows_the_same() {
        let software = EngineOptions { adapter: AdapterWish::Software, ..Default::default() };
        let engine = Engine::isolated(software).expect("an engine");
        let plan = stereo_plan(Quality::Live, 48_000.0, 512, Rule::Engaged);
        let rig = Rig::on_device(plan, &engine).expect("a session");
        rig.await_device(Duration::from_secs(60)).expect("a software adapter");
        let control = rig.control.as_ref().expect("a session");
        for axis in Axis::ALL {
            shows_a_tone(axis, 880.0, Some(control));
        }
        // The levels are counted with the next hops.
        let mut audio = rig.processor;
        let (begun, noise) = (Instant::now(), [0.1f32; 512]);
        let taken = |level| control.metrics().count(Counter::commands(level));
        while taken(1) < 4 * 30 {
            assert!(begun.elapsed().as_secs() < 60, "{} Medium", taken(1));
            let transport = Transport::new(48_000.0);
            let settings = crate::block_settings(&ScumbleParams::default(), false);
            let (mut left, mut right) = (noise, noise);
            audio.process(&mut [&mut left, &mut right], &settings, &transport);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn silence_and_noise_of_full_scale_are_finite_on_every_axis() {
        for axis in Axis::ALL {
            let (last, _) = column(axis, None, |_| 0.0);
            assert!(last.chunks(4).all(|p| p[0] == 0 && p[3] == 255), "{axis:?}");
            let (last, _) = column(axis, None, |t| (t * 9e6).sin() as f32);
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
