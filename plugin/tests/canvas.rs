//! The canvas in the processor, without a host: painted warps at every tempo, and what a freeze holds.

use std::sync::Arc;

use nice_plug::prelude::Transport;
use scumble::audio::{BlockSettings, Rule};
use scumble::rig::{Rig, stereo_plan};
use scumble_dsp::mix::BlendSettings;
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, Quality, Stroke, StrokeKind, StrokePoint, window,
};
use scumble_params::{CanvasSync, OnMiss};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 512;
const LOOP_BEATS: f64 = 4.0;

fn settings() -> BlockSettings {
    BlockSettings {
        effects: EffectSettings::default(),
        mix: BlendSettings::default(),
        on_miss: OnMiss::Rescue,
        sync: CanvasSync::HostBeats,
        canvas_length: LOOP_BEATS,
    }
}

/// One point, so high that all bands are under it.
fn painted(kind: StrokeKind, at: f32, radius_time: f32, strength: f32) -> Arc<Field> {
    let stroke = Stroke {
        id: 1,
        kind,
        points: vec![StrokePoint { x: at, y: 5.0, pressure: 1.0 }],
        radius_time,
        radius_octaves: 20.0,
        strength,
        hardness: 1.0,
    };
    Arc::new(Field::empty(FieldSpec::new(RATE)).with_stroke(&stroke))
}

/// Plays a sound, the transport starting at `beat`; how often the processor said that it sleeps.
fn play(
    rig: &mut Rig,
    sound: &mut [f32],
    (beat, tempo): (f64, f64),
    settings: &BlockSettings,
) -> u32 {
    let mut slept = 0;
    for (block, samples) in sound.chunks_mut(BLOCK).enumerate() {
        let mut transport = Transport::new(RATE as f32);
        transport.playing = tempo > 0.0;
        transport.tempo = Some(tempo);
        transport.pos_beats = Some(beat + (block * BLOCK) as f64 / RATE * tempo / 60.0);
        let mut other = samples.to_vec();
        let asleep = rig.processor.process(&mut [samples, &mut other], settings, &transport);
        slept += u32::from(asleep);
    }
    slept
}

fn tone(hz: f64, samples: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * hz / RATE;
    (0..samples).map(|i| 0.5 * (step * i as f64).sin() as f32).collect()
}

/// Amplitude of the component at `hz`.
fn level(x: &[f32], hz: f64) -> f64 {
    let shape = window::blackman_harris(x.len());
    let step = std::f64::consts::TAU * hz / RATE;
    let sum = |f: fn(f64) -> f64| -> f64 {
        let turned = |(i, (&v, w)): (usize, (&f32, &f64))| f64::from(v) * w * f(step * i as f64);
        x.iter().zip(&shape).enumerate().map(turned).sum()
    };
    2.0 * sum(f64::cos).hypot(sum(f64::sin)) / shape.iter().sum::<f64>()
}

fn peak(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |a, b| a.max(b.abs()))
}

#[test]
fn a_painted_warp_moves_a_tone_cleanly_at_every_tempo_from_the_first_sample_on() {
    // X3, X6: what is painted does not know the tempo, so nothing has to be painted anew for it.
    let field = painted(StrokeKind::WarpFreq, 0.5, 0.45, 0.2);
    let hz = 85.0 * RATE / 4096.0;
    for tempo in [40.0, 60.0, 90.0, 120.0, 173.5] {
        let mut rig = Rig::on_twin(stereo_plan(Quality::Studio, RATE as f32, BLOCK, Rule::Twin));
        rig.processor.begin_with(Arc::clone(&field));
        let mut sound = tone(hz, 3 << 14);
        // A tenth of the loop is not painted; the tone is heard within the rest.
        play(&mut rig, &mut sound, (0.2 * LOOP_BEATS, tempo), &settings());
        let heard = &sound[1 << 14..];
        let louder = |a: &f64, b: &f64| level(heard, *a).total_cmp(&level(heard, *b));
        let near = |at: f64, step: f64| (-60..=60).map(move |i| at + f64::from(i) * step);
        let coarse = near(hz + 60.0, 2.0).max_by(louder).expect("some");
        let moved = near(coarse, 0.05).max_by(louder).expect("some");
        assert!(moved > hz + 10.0, "{tempo} bpm: the tone is at {moved}");
        let main = level(heard, moved);
        let side = near(moved, 7.0).filter(|at| (at - moved).abs() > 40.0);
        let side = side.map(|at| level(heard, at)).fold(0.0, f64::max);
        let (main_db, side_db) = (20.0 * (main / 0.5).log10(), 20.0 * (side / main).log10());
        println!("{tempo} bpm: {hz:.1} to {moved:.1} Hz, {main_db:.2} dB, side {side_db:.1} dB");
        assert!(main_db.abs() < 1.0 && side_db < -40.0, "{tempo} bpm: {main_db} dB, {side_db} dB");
    }
}

#[test]
fn a_freeze_that_was_on_before_anything_sounded_holds_the_first_sound() {
    let frozen = EffectSettings { freeze: true, ..EffectSettings::default() };
    let settings = BlockSettings { effects: frozen, ..settings() };
    for silence in [0, 96_000] {
        let mut rig = Rig::on_twin(stereo_plan(Quality::Live, RATE as f32, BLOCK, Rule::Twin));
        let mut before = vec![0.0; silence];
        play(&mut rig, &mut before, (0.0, 120.0), &settings);
        assert_eq!(peak(&before), 0.0);
        let mut sound = tone(440.0, 48_000);
        sound.resize(144_000, 0.0);
        let slept = play(&mut rig, &mut sound, (0.0, 120.0), &settings);
        // The tone ended long ago; a whole window of it is held, not its first samples.
        let held = level(&sound[96_000..], 440.0);
        assert!((0.4..0.6).contains(&held), "{held} after {silence} samples of silence");
        assert_eq!(slept, 0, "what is held sounds on");
        // Let go, it ends; nothing is left.
        let mut after = vec![0.0; 96_000];
        let slept = play(&mut rig, &mut after, (0.0, 120.0), &self::settings());
        assert!(peak(&after[..512]) > 0.1 && peak(&after[48_000..]) == 0.0);
        let end = after.iter().rposition(|&x| x != 0.0).expect("it sounded") / BLOCK;
        assert!(
            slept > 0 && slept as usize <= after.len() / BLOCK - end,
            "it slept while it sounded"
        );
    }
}

#[test]
fn a_painted_freeze_sounds_for_as_long_as_the_playhead_stands_in_it() {
    let mut rig = Rig::on_twin(stereo_plan(Quality::Live, RATE as f32, BLOCK, Rule::Twin));
    rig.processor.begin_with(painted(StrokeKind::Freeze, 0.5, 0.1, 1.0));
    let mut sound = tone(440.0, 48_000);
    sound.resize(240_000, 0.0);
    let slept = play(&mut rig, &mut sound, (2.0, 0.0), &settings());
    let held = level(&sound[192_000..], 440.0);
    assert!(held > 0.1 && rig.processor.holds(), "{held}");
    assert_eq!(slept, 0, "a host that hears of sleep stops asking");
    // Elsewhere it is let go.
    let mut after = vec![0.0; 48_000];
    play(&mut rig, &mut after, (0.5, 0.0), &settings());
    assert!(peak(&after[24_000..]) == 0.0 && !rig.processor.holds());
}
