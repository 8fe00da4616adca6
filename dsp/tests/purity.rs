//! A hop is a pure function (DESIGN 1): the same bits in any order, any grouping, or twice; the same
//! for every channel; and no harm from whatever comes in (X9).

mod common;

use std::sync::Arc;

use common::*;
use proptest::prelude::*;
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, FrameParams, Quality, Stroke, StrokeKind, StrokePoint, Twin,
    TwinError, WindowSpec, flag,
};

fn field() -> Arc<Field> {
    let mut field = Field::empty(FieldSpec::new(RATE));
    for (i, kind) in StrokeKind::ALL.into_iter().enumerate().take(8) {
        let x = i as f32 / 8.0;
        let point = |dx, y| StrokePoint { x: x + dx, y, pressure: 1.0 };
        field = field.with_stroke(&Stroke {
            id: i as u64,
            kind,
            points: vec![point(0.0, 3.0), point(0.2, 8.0)],
            radius_time: 0.1,
            radius_octaves: 2.0,
            strength: 0.5,
            hardness: 0.2,
        });
    }
    Arc::new(field)
}

/// Settings that come and go, so that every stage is switched on and off.
fn wild(i: usize) -> EffectSettings {
    let phase = i / 40;
    let on = |bit: usize| phase & (1 << bit) != 0;
    let neutral = EffectSettings::default();
    EffectSettings {
        blur_time_ms: if on(0) { 40.0 } else { 0.0 },
        blur_freq_oct: if on(1) { 0.2 } else { 0.0 },
        diffuse: if on(2) { 0.5 } else { 0.0 },
        shift_hz: if on(0) { 77.0 } else { 0.0 },
        stretch: if on(1) { 1.3 } else { 1.0 },
        low_cut_hz: if on(2) { 200.0 } else { 0.0 },
        mod_low_hz: if on(1) { 3.0 } else { 0.0 },
        freeze: on(0) && on(2),
        paint: if on(1) { 1.0 } else { 0.0 },
        ..neutral
    }
}

struct Scene {
    spec: WindowSpec,
    input: Vec<f32>,
    params: Vec<FrameParams>,
    field: Arc<Field>,
    streamed: Vec<f32>,
}

fn scene(quality: Quality, hops: usize) -> Scene {
    let spec = spec(quality);
    let field = field();
    let input = noise(3, hops * spec.h);
    let params = params(&spec, hops, Some((&field, 0.5)), wild);
    let mut twin = Twin::new(spec, RATE, 1, 0);
    drop(twin.set_field(0, Arc::clone(&field)));
    let streamed = render_with(&mut twin, &input, &params);
    Scene { spec, input, params, field, streamed }
}

impl Scene {
    /// A twin to which everything was pushed and which computed nothing yet.
    fn pushed(&self) -> Twin {
        let hops = self.params.len();
        let mut twin = Twin::new(self.spec, RATE, 1, hops);
        drop(twin.set_field(0, Arc::clone(&self.field)));
        for n in 0..hops {
            let h = self.spec.h;
            twin.push(n as u64, &[&self.input[n * h..(n + 1) * h]], &self.params[n]);
        }
        twin
    }

    fn check(&self, twin: &mut Twin, n: usize) {
        let h = self.spec.h;
        let mut hop = vec![0.0; h];
        twin.process_hop(n as u64, &mut [&mut hop]).expect("within reach");
        assert!(hop == self.streamed[n * h..(n + 1) * h], "hop {n}");
    }
}

#[test]
fn hops_have_the_same_bits_in_any_order_and_twice() {
    for quality in [Quality::Live, Quality::Studio] {
        let hops = 320;
        let scene = scene(quality, hops);
        assert!(scene.streamed.iter().all(|x| x.is_finite()));
        let mut twin = scene.pushed();
        // Captures of a freeze are taken as hops are pushed, and the last two are at hand: more
        // than frames in flight can ask for.
        let captures: Vec<u32> = {
            let held = scene.params.iter().filter(|p| p.flags & flag::FREEZE != 0);
            let mut frames: Vec<u32> = held.map(|p| p.freeze_frame).collect();
            frames.dedup();
            frames.split_off(frames.len().saturating_sub(2))
        };
        let usable = |n: usize| {
            let frames = n.saturating_sub(scene.spec.overlap())..=n;
            frames
                .map(|f| &scene.params[f])
                .all(|p| p.flags & flag::FREEZE == 0 || captures.contains(&p.freeze_frame))
        };
        assert!((0..hops).filter(|&n| usable(n)).count() > 60);
        for n in (0..hops).rev().filter(|&n| usable(n)) {
            scene.check(&mut twin, n);
            if n % 7 == 0 {
                twin.forget();
                scene.check(&mut twin, n);
            }
        }
        for n in (0..hops).map(|i| i * 37 % hops).filter(|&n| usable(n)) {
            scene.check(&mut twin, n);
        }
    }
}

#[test]
fn a_twin_that_starts_cold_gives_the_same_bits_as_one_that_ran() {
    let scene = scene(Quality::Live, 320);
    let h = scene.spec.h;
    for (gap, warm) in [(2, false), (5, false), (17, false), (17, true)] {
        let mut twin = Twin::new(scene.spec, RATE, 1, 0);
        drop(twin.set_field(0, Arc::clone(&scene.field)));
        for n in 0..scene.params.len() {
            twin.push(n as u64, &[&scene.input[n * h..(n + 1) * h]], &scene.params[n]);
            if warm {
                twin.warm(n as u64);
            }
            if n % gap == 0 {
                scene.check(&mut twin, n);
            }
        }
    }
}

// Stereo: channels do not leak, and each is what it would be alone.
#[test]
fn channels_are_independent() {
    let scene = scene(Quality::Balanced, 200);
    let h = scene.spec.h;
    let other = noise(99, scene.input.len());
    let mut twin = Twin::new(scene.spec, RATE, 3, 0);
    drop(twin.set_field(0, Arc::clone(&scene.field)));
    for n in 0..200 {
        let at = n * h..(n + 1) * h;
        let inputs = [&scene.input[at.clone()], &other[at.clone()], &scene.input[at.clone()]];
        twin.push(n as u64, &inputs, &scene.params[n]);
        let (mut a, mut b, mut c) = (vec![0.0; h], vec![0.0; h], vec![0.0; h]);
        twin.process_hop(n as u64, &mut [&mut a, &mut b, &mut c]).expect("pushed");
        assert_eq!(a, scene.streamed[at]);
        assert_eq!(a, c);
    }
}

#[test]
fn what_cannot_be_computed_is_refused_and_silent() {
    let spec = spec(Quality::Live);
    let mut twin = Twin::new(spec, RATE, 1, 3);
    let mut hop = vec![1.0; spec.h];
    let asked = twin.process_hop(0, &mut [&mut hop]);
    assert_eq!(asked, Err(TwinError::NotPushed { asked: 0, newest: None }));
    assert_eq!(peak(&hop), 0.0);
    for n in 0..10 {
        twin.push(n, &[&vec![0.5; spec.h]], &FrameParams::neutral(n));
    }
    assert_eq!(
        twin.process_hop(2, &mut [&mut hop]),
        Err(TwinError::TooOld { asked: 2, oldest: 6 })
    );
    assert!(twin.process_hop(6, &mut [&mut hop]).is_ok());
    assert!(twin.process_hop(9, &mut []).is_err());
}

// X6: a jump of numbers is a new beginning, with no stale audio.
#[test]
fn a_jump_of_numbers_starts_anew() {
    let spec = spec(Quality::Live);
    let mut twin = Twin::new(spec, RATE, 1, 0);
    for n in 0..100 {
        twin.push(n, &[&vec![0.5; spec.h]], &FrameParams::neutral(n));
    }
    let mut hop = vec![1.0; spec.h];
    twin.push(1000, &[&vec![0.0; spec.h]], &FrameParams::neutral(1000));
    twin.process_hop(1000, &mut [&mut hop]).expect("pushed");
    assert_eq!(peak(&hop), 0.0);
}

// Frame numbers and the clocks made of them wrap where they should.
#[test]
fn large_frame_numbers_sound_like_small_ones() {
    let spec = spec(Quality::Live);
    let hops = 300;
    let input = noise(8, hops * spec.h);
    let settings = EffectSettings { shift_hz: 100.0, low_cut_hz: 100.0, ..Default::default() };
    let params = params(&spec, hops, None, steady(settings));
    let plain = render(&spec, &input, &params);
    let start = (1u64 << 40) + 12_345;
    let mut twin = Twin::new(spec, RATE, 1, 0);
    for n in 0..hops {
        let at = n * spec.h..(n + 1) * spec.h;
        twin.push(start + n as u64, &[&input[at.clone()]], &params[n]);
        let mut hop = vec![0.0; spec.h];
        twin.process_hop(start + n as u64, &mut [&mut hop]).expect("pushed");
        assert_eq!(hop, plain[at]);
    }
}

// X9: loudness: full-scale noise through anything is at most 6 dB louder in any tenth of a second.
fn loudness(out: &[f32]) -> f64 {
    out.chunks_exact(4800).map(rms).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_settings_give_finite_and_safe_sound(
        blur in 0.0f32..200.0, octaves in 0.0f32..3.0, diffuse in 0.0f32..1.0,
        shift in -3000.0f32..3000.0, stretch in 0.25f32..4.0, low in 0.0f32..5000.0,
        high in 20.0f32..24000.0, mod_low in 0.0f32..20.0, mod_high in 0.5f32..100.0,
        freeze: bool, tonal: bool,
    ) {
        let spec = spec(Quality::Live);
        let hops = 800;
        let input = if tonal { sine(700.0, 0.9, hops * spec.h) } else { noise(1, hops * spec.h) };
        // A jump from neutral to all of it in the middle, and back.
        let params = params(&spec, hops, None, |i| if !(100..300).contains(&i) {
            EffectSettings::default()
        } else {
            EffectSettings {
                blur_time_ms: blur, blur_freq_oct: octaves, diffuse, shift_hz: shift, stretch,
                low_cut_hz: low, high_cut_hz: high, mod_low_hz: mod_low, mod_high_hz: mod_high,
                freeze, ..Default::default()
            }
        });
        let out = render(&spec, &input, &params);
        prop_assert!(out.iter().all(|x| x.is_finite()));
        let (before, after) = (loudness(&input), loudness(&out));
        prop_assert!(after <= 2.0 * before, "{before} to {after}");
        prop_assert!(params.last().is_some_and(FrameParams::is_neutral), "neutral is reached again");
    }
}

// X9
#[test]
fn broken_settings_and_playheads_do_no_harm() {
    let spec = spec(Quality::Live);
    let field = field();
    let mut framer = scumble_dsp::Framer::new(spec, RATE);
    let bad = EffectSettings {
        blur_time_ms: f32::NAN,
        shift_hz: f32::INFINITY,
        stretch: -1.0,
        low_cut_hz: f32::NEG_INFINITY,
        high_cut_hz: f32::NAN,
        mod_low_hz: -3.0,
        paint: f32::NAN,
        ..Default::default()
    };
    let mut twin = Twin::new(spec, RATE, 1, 0);
    drop(twin.set_field(0, Arc::clone(&field)));
    let input = noise(4, 64 * spec.h);
    for n in 0..64 {
        let position = [f64::NAN, -3.3, 1e300, 0.5, f64::INFINITY][n % 5];
        let loop_seconds = [4.0, f64::NAN, -1.0, f64::INFINITY, 0.0, 1e300][n % 6];
        let playhead = scumble_dsp::Playhead { position, loop_seconds, field: Some(&field) };
        let params = framer.next(&bad, playhead);
        twin.push(n as u64, &[&input[n * spec.h..(n + 1) * spec.h]], &params);
        let mut hop = vec![0.0; spec.h];
        twin.process_hop(n as u64, &mut [&mut hop]).expect("pushed");
        assert!(hop.iter().all(|x| x.is_finite()));
    }
}
