//! The wgpu backend against the twin: every kernel, every quality, many rates, mixed sessions (S14).
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpu_common::gpu;
use gpu_common::player::{Sound, TOLERANCE, everything};
use scumble_dsp::{
    Canvas, EffectSettings, Field, FieldSpec, Framer, Playhead, Quality, Stroke, StrokeKind,
    StrokePoint, Twin, WindowSpec,
};
use scumble_gpu::backend::wgpu::hops::WgpuBackend;
use scumble_gpu::backend::{Backend, JobTable, SlotId, SlotSpec, Want};
use scumble_gpu::unified::Mapping;

struct Case {
    slot: SlotId,
    spec: SlotSpec,
    settings: EffectSettings,
    field: Option<Arc<Field>>,
    framer: Framer,
    twin: Twin,
    sound: Sound,
    next: u64,
    worst: f32,
    peak: f32,
}

impl Case {
    fn new(
        backend: &mut WgpuBackend,
        slot: SlotId,
        quality: Quality,
        rate: f64,
        channels: usize,
        settings: EffectSettings,
    ) -> Self {
        let window = WindowSpec::new(quality, rate);
        let spec = SlotSpec { window, sample_rate: rate, channels, max_hops: 8 };
        backend.warm_up(window.n)().expect("warms up");
        backend.open(slot, &spec).expect("opens");
        Self {
            slot,
            spec,
            settings,
            field: None,
            framer: Framer::new(window, rate),
            twin: Twin::new(window, rate, channels, 8),
            sound: Sound::new(slot as u32 + 17, rate),
            next: 0,
            worst: 0.0,
            peak: 0.0,
        }
    }

    fn paint(&mut self, backend: &mut WgpuBackend, canvas: &Canvas) {
        let field = Field::rasterise(canvas, FieldSpec::new(self.spec.sample_rate));
        let field = Arc::new(field);
        let slot = self.framer.switch_field(8).expect("the first switch is free");
        self.twin.set_field(slot, Arc::clone(&field));
        backend.set_field(self.slot, slot, &field).unwrap();
        self.field = Some(field);
    }

    /// Adds `hops` hops to the table and to the twin.
    fn add(&mut self, backend: &mut WgpuBackend, table: &mut JobTable, hops: usize) {
        let (h, channels) = (self.spec.window.h, self.spec.channels);
        for _ in 0..hops {
            let mut block = vec![vec![0.0; h]; channels];
            self.sound.fill(&mut block);
            let seconds = (self.next * h as u64) as f64 / self.spec.sample_rate;
            let playhead = Playhead {
                position: seconds / 2.0,
                loop_seconds: 2.0,
                field: self.field.as_deref(),
            };
            let params = self.framer.next(&self.settings, playhead);
            let input: Vec<&[f32]> = block.iter().map(Vec::as_slice).collect();
            self.twin.push(self.next, &input, &params);
            if params.flags & scumble_dsp::flag::FREEZE != 0 && params.freeze_age == 0 {
                self.capture(backend, &params);
            }
            table.push(self.slot, self.next, Want::Output, params, &block.concat());
            self.next += 1;
        }
    }

    fn capture(&self, backend: &mut WgpuBackend, params: &scumble_dsp::FrameParams) {
        let (h, len) =
            (self.spec.window.h, scumble_dsp::effect::Frozen::samples(&self.spec.window));
        // Sound is repeatable: the samples up to the end of this hop, made again.
        let total = (self.next as usize + 1) * h;
        let mut sound = Sound::new(self.slot as u32 + 17, self.spec.sample_rate);
        let mut all = vec![vec![0.0; h]; self.spec.channels];
        let mut history = vec![Vec::new(); self.spec.channels];
        for _ in 0..total / h {
            sound.fill(&mut all);
            for (kept, new) in history.iter_mut().zip(&all) {
                kept.extend_from_slice(new);
            }
        }
        let samples: Vec<f32> = history
            .iter()
            .flat_map(|kept| {
                let mut padded = vec![0.0; len.saturating_sub(kept.len())];
                padded.extend_from_slice(&kept[kept.len().saturating_sub(len)..]);
                padded
            })
            .collect();
        backend.set_capture(self.slot, params.freeze_slot, params.frame(), &samples).unwrap();
    }

    fn compare(&mut self, hop: u64, got: &[f32]) {
        let (h, channels) = (self.spec.window.h, self.spec.channels);
        let mut wanted = vec![vec![0.0; h]; channels];
        let mut slices: Vec<&mut [f32]> = wanted.iter_mut().map(Vec::as_mut_slice).collect();
        self.twin.process_hop(hop, &mut slices).unwrap();
        for (i, (&a, &b)) in got.iter().zip(wanted.iter().flatten()).enumerate() {
            assert!(a.is_finite(), "slot {} hop {hop} sample {i}: {a}", self.slot);
            self.worst = self.worst.max((a - b).abs());
            self.peak = self.peak.max(b.abs());
        }
    }
}

fn run(backend: &mut WgpuBackend, cases: &mut [Case], rounds: usize, hops: usize) {
    let mut table = JobTable::default();
    for _ in 0..rounds {
        table.clear();
        for case in &mut *cases {
            case.add(backend, &mut table, hops);
        }
        backend.submit(&table).unwrap();
        let start = Instant::now();
        while !backend.wait(Duration::from_millis(100)).unwrap() {
            assert!(start.elapsed() < Duration::from_secs(60));
        }
        backend
            .collect(&mut |slot, hop, samples| {
                let case = cases.iter_mut().find(|c| c.slot == slot).expect("a known slot");
                case.compare(hop, samples);
            })
            .unwrap();
    }
}

fn report(cases: &[Case], what: &str) {
    for case in cases {
        let Case { slot, spec, worst, peak, .. } = case;
        let w = &spec.window;
        eprintln!("{what}: slot {slot} n {} m {} h {}: {worst:.2e} of {peak:.2}", w.n, w.m, w.h);
        assert!(*worst <= TOLERANCE, "{what}: slot {slot}: {worst}"); // S14
        assert!(*peak > 0.01, "{what}: silence proves nothing");
    }
}

fn backend() -> WgpuBackend {
    WgpuBackend::new(gpu(), Mapping::Auto).unwrap()
}

#[test]
fn neutral_frames_come_back_at_every_quality_and_rate() {
    let mut backend = backend();
    let mut cases = Vec::new();
    for quality in Quality::ALL {
        for rate in [44_100.0, 96_000.0, 192_000.0] {
            let slot = cases.len();
            let settings = EffectSettings { high_cut_hz: 23_999.0, ..Default::default() };
            cases.push(Case::new(&mut backend, slot, quality, rate, 1, settings));
        }
    }
    run(&mut backend, &mut cases, 8, 2);
    report(&cases, "neutral");
}

fn one_effect(name: &str, settings: EffectSettings) {
    let mut backend = backend();
    let mut cases: Vec<Case> = [Quality::Live, Quality::Studio]
        .into_iter()
        .enumerate()
        .map(|(slot, quality)| Case::new(&mut backend, slot, quality, 48_000.0, 2, settings))
        .collect();
    run(&mut backend, &mut cases, 24, 4);
    report(&cases, name);
}

#[test]
fn filters_agree() {
    one_effect(
        "filter",
        EffectSettings { low_cut_hz: 300.0, high_cut_hz: 4_000.0, ..Default::default() },
    );
}

#[test]
fn blur_in_time_and_modulation_agree() {
    one_effect("blur time", EffectSettings { blur_time_ms: 90.0, ..Default::default() });
    one_effect(
        "modulation",
        EffectSettings { mod_low_hz: 2.0, mod_high_hz: 20.0, ..Default::default() },
    );
}

#[test]
fn blur_in_frequency_and_diffusion_agree() {
    one_effect("blur freq", EffectSettings { blur_freq_oct: 0.3, ..Default::default() });
    one_effect("diffuse", EffectSettings { diffuse: 0.7, ..Default::default() });
}

#[test]
fn shift_and_stretch_agree() {
    one_effect("shift", EffectSettings { shift_hz: 333.3, ..Default::default() });
    one_effect("stretch", EffectSettings { stretch: 1.5, shift_hz: -50.0, ..Default::default() });
    one_effect("squeeze", EffectSettings { stretch: 0.3, ..Default::default() });
}

#[test]
fn a_frozen_sound_agrees() {
    let mut backend = backend();
    let settings = EffectSettings { blur_freq_oct: 0.01, ..Default::default() };
    let mut cases = vec![Case::new(&mut backend, 0, Quality::Live, 48_000.0, 2, settings)];
    run(&mut backend, &mut cases, 20, 4);
    cases[0].settings.freeze = true;
    run(&mut backend, &mut cases, 60, 4);
    cases[0].settings.freeze = false;
    run(&mut backend, &mut cases, 20, 4);
    report(&cases, "freeze");
}

#[test]
fn all_effects_together_agree_for_thirty_two_mixed_sessions_in_one_submission() {
    let mut backend = backend();
    let rates = [44_100.0, 48_000.0, 88_200.0, 96_000.0];
    let mut cases: Vec<Case> = (0..32)
        .map(|slot| {
            let (quality, rate) = (Quality::ALL[slot % 4], rates[slot / 4 % 4]);
            Case::new(&mut backend, slot, quality, rate, 1 + slot % 2, everything())
        })
        .collect();
    let before = backend.stats();
    run(&mut backend, &mut cases, 10, 3);
    let after = backend.stats();
    assert_eq!(after.submissions - before.submissions, 10);
    report(&cases, "everything");
    // X7: dispatches do not grow with sessions, only with transform sizes (2048 to 16384 here).
    let per_submission = (after.dispatches - before.dispatches) / 10;
    assert_eq!(
        per_submission,
        5 + 2 * 4 + 1,
        "time, effect, blur, warp, overlap; sizes; one split"
    );
}

fn stroke(id: u64, kind: StrokeKind, y: f32, strength: f32) -> Stroke {
    Stroke {
        id,
        kind,
        points: vec![
            StrokePoint { x: 0.0, y, pressure: 1.0 },
            StrokePoint { x: 1.0, y, pressure: 0.7 },
        ],
        radius_time: 0.2,
        radius_octaves: 3.0,
        strength,
        hardness: 0.3,
    }
}

#[test]
fn paint_on_every_lane_agrees() {
    let kinds = StrokeKind::ALL;
    for kind in kinds {
        let mut canvas = Canvas::default();
        canvas.strokes.push(stroke(1, kind, 4.5, 0.8));
        let mut backend = backend();
        let mut cases =
            vec![Case::new(&mut backend, 0, Quality::Live, 48_000.0, 2, Default::default())];
        cases[0].paint(&mut backend, &canvas);
        run(&mut backend, &mut cases, 40, 4);
        report(&cases, &format!("{kind:?}"));
    }
}
