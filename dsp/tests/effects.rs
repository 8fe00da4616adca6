//! What each effect is for, heard in closed forms (P3).

mod common;

use std::sync::Arc;

use common::*;
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, Quality, Stroke, StrokeKind, StrokePoint, Twin,
};

/// Renders input under steady settings; returns the second half.
fn settled(quality: Quality, input: &[f32], settings: EffectSettings) -> Vec<f32> {
    let spec = spec(quality);
    let hops = input.len() / spec.h;
    let out = render(&spec, input, &params(&spec, hops, None, steady(settings)));
    out[out.len() / 2..].to_vec()
}

// P3: tones stay tones.
#[test]
fn a_shifted_sine_is_a_sine_at_the_shifted_frequency() {
    for (quality, bar) in [
        (Quality::Live, -48.0),
        (Quality::Balanced, -70.0),
        (Quality::Studio, -55.0),
        (Quality::Ultra, -55.0),
    ] {
        for (hz, shift) in [(1000.0, 100.0), (1003.7, -333.3), (5000.0, 7.77), (440.0, 1234.5)] {
            let settings = EffectSettings { shift_hz: shift as f32, ..Default::default() };
            let out = settled(quality, &sine(hz, 0.5, 1 << 17), settings);
            let moved = hz + f64::from(settings.shift_hz);
            let level = decibels(tone(&out, moved) / 0.5);
            let side = side_products(&out, moved, 8.0);
            println!("{} {hz} + {shift} Hz: {level:.3} dB, side {side:.1} dB", quality.name());
            assert!(level.abs() < 0.1, "{} {hz} by {shift}: {level} dB", quality.name());
            assert!(side < bar, "{} {hz} by {shift}: {side} dB", quality.name());
        }
    }
}

// P3: so is a stretched one, moved as its band is, which is half a bin away at the most. The side
// lobes of the asymmetric window of Live lie in other bands and move otherwise: its price.
#[test]
fn a_stretched_sine_is_a_sine() {
    for (quality, level_bar, side_bar) in [
        (Quality::Live, 2.0, -25.0),
        (Quality::Balanced, 0.1, -45.0),
        (Quality::Studio, 0.1, -45.0),
    ] {
        let bin = RATE / spec(quality).n as f64;
        for ratio in [0.5, 1.1, 1.5, 2.0] {
            let settings = EffectSettings { stretch: ratio, ..Default::default() };
            for at in [100.0, 100.2] {
                let hz = at * bin;
                let out = settled(quality, &sine(hz, 0.5, 1 << 17), settings);
                let pivot = f64::from(settings.pivot_hz);
                let moved = hz + (f64::from(ratio) - 1.0) * (100.0 * bin - pivot);
                let level = decibels(tone(&out, moved) / 0.5);
                let side = side_products(&out, moved, 8.0);
                println!("{} bin {at} x {ratio}: {level:.2} dB, {side:.1} dB", quality.name());
                assert!(level.abs() < level_bar, "{} x{ratio}: {level} dB", quality.name());
                assert!(side < side_bar, "{} x{ratio}: {side} dB", quality.name());
            }
        }
    }
}

// P3: freeze holds steadily, starts and ends without a click.
#[test]
fn a_frozen_chord_is_held_without_beating_or_clicks() {
    let chord = [220.0, 277.2, 329.6, 1318.5];
    for quality in Quality::ALL {
        let spec = spec(quality);
        let hops = (1 << 18) / spec.h;
        let len = hops * spec.h;
        let mut input = vec![0.0; len];
        for hz in chord {
            for (x, s) in input.iter_mut().zip(sine(hz, 0.1, len)) {
                *x += s;
            }
        }
        let (on, off) = ((1 << 16) / spec.h, 3 * (1 << 16) / spec.h);
        // The sound goes on until the held one has wholly taken over, then stops.
        let stop = (1 << 16) + 4 * spec.n;
        input[stop..].fill(0.0);
        let params = params(&spec, hops, None, |i| EffectSettings {
            freeze: (on..off).contains(&i),
            ..Default::default()
        });
        let out = render(&spec, &input, &params);
        let held = &out[stop + spec.n..off * spec.h];
        for hz in chord {
            let levels: Vec<f64> =
                held.chunks_exact(16_384).map(|c| decibels(tone(c, hz) / 0.1)).collect();
            let low = levels.iter().copied().fold(f64::INFINITY, f64::min);
            let high = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            println!("{} {hz} Hz: {low:.3}..{high:.3} dB", quality.name());
            assert!(levels.len() >= 3 && high - low < 0.05, "{} {hz}", quality.name());
            // The low tones of the chord share lobes in a window of 2048.
            let bar =
                if quality == Quality::Studio || quality == Quality::Ultra { 0.1 } else { 6.0 };
            assert!(low.abs() < bar && high.abs() < bar, "{} {hz}", quality.name());
        }
        // A click is broad: nothing may stand above 8 kHz at either change.
        for at in [on * spec.h, off * spec.h] {
            let around = &out[at - 4096..(at + 3 * 4096 + 2 * spec.m).min(out.len())];
            let high: f64 =
                (0..32).map(|i| tone(around, 8_000.0 + 450.0 * f64::from(i))).fold(0.0, f64::max);
            assert!(
                decibels(high / 0.1) < -60.0,
                "{}: {} dB",
                quality.name(),
                decibels(high / 0.1)
            );
        }
        let end = &out[off * spec.h + spec.m + 4096..];
        assert!(peak(end) < 1e-6, "{}: it lets go", quality.name());
    }
}

// P3: a tone that has ended rings on as a tone; a one-sided Gaussian mean of what was leaves
// erfc(t / (sigma sqrt 2)) of it: -10 dB after one sigma.
#[test]
fn time_blur_lets_a_tone_ring_on_as_a_tone() {
    for quality in [Quality::Live, Quality::Balanced, Quality::Studio] {
        let spec = spec(quality);
        let hops = (1 << 17) / spec.h;
        let mut input = sine(1000.0, 0.5, hops * spec.h);
        input[1 << 16..].fill(0.0);
        let settings = EffectSettings { blur_time_ms: 100.0, ..Default::default() };
        let out = render(&spec, &input, &params(&spec, hops, None, steady(settings)));
        let before = &out[(1 << 16) - 16_384..1 << 16];
        assert!(decibels(tone(before, 1000.0) / 0.5).abs() < 0.05);
        assert!(side_products(before, 1000.0, 20.0) < -50.0);
        let after = |ms: usize| {
            let at = (1 << 16) + spec.window_latency() + ms * 48;
            &out[at..at + 2048]
        };
        let ringing = decibels(tone(after(100), 1000.0) / 0.5);
        let all = decibels(rms(after(100)) / 0.353_55);
        println!("{}: tone {ringing:.1} dB, all {all:.1} dB", quality.name());
        assert!((-15.0..-7.0).contains(&ringing), "{}: {ringing} dB", quality.name());
        assert!((all - ringing).abs() < 3.0, "{}: {ringing} of {all} dB", quality.name());
        assert!(decibels(rms(after(400))) < -60.0);
    }
}

/// Depth of modulation of a carrier at `hz` by `rate`, from the first side band.
fn depth(x: &[f32], hz: f64, rate: f64) -> f64 {
    (tone(x, hz + rate) + tone(x, hz - rate)) / tone(x, hz)
}

// P3: filters along time act on the movement of magnitudes.
#[test]
fn modulation_filters_keep_slow_or_fast_movement() {
    let spec = spec(Quality::Studio);
    let hops = (1 << 18) / spec.h;
    let len = hops * spec.h;
    let moving = |rate: f64| -> Vec<f32> {
        sine(1500.0, 0.4, len)
            .iter()
            .enumerate()
            .map(|(i, x)| {
                let m = (std::f64::consts::TAU * rate * i as f64 / RATE).sin();
                x * (1.0 + 0.5 * m as f32)
            })
            .collect()
    };
    let slow_only = EffectSettings { mod_high_hz: 6.0, ..Default::default() };
    let heard =
        |rate| depth(&settled(Quality::Studio, &moving(rate), slow_only), 1500.0, rate) / 0.5;
    let (slow, corner, fast) = (heard(2.0), heard(6.0), heard(15.0));
    println!("low-pass at 6 Hz: 2 Hz {slow:.3}, 6 Hz {corner:.3}, 15 Hz {fast:.3}");
    assert!(slow > 0.9 && (0.6..0.9).contains(&corner) && fast < 0.35, "{slow} {corner} {fast}");
    let fast_only = EffectSettings { mod_low_hz: 4.0, ..Default::default() };
    let still = settled(Quality::Studio, &sine(1500.0, 0.4, len), fast_only);
    assert!(decibels(rms(&still)) < -80.0, "what does not move is taken away");
    let fast = settled(Quality::Studio, &moving(8.0), fast_only);
    assert!(decibels(rms(&fast) / rms(&moving(8.0))) > -20.0, "what moves stays");
}

// P3: seeded, repeatable; loudness stays within reason.
#[test]
fn diffuse_is_repeatable_and_keeps_the_level() {
    let input = noise(5, 1 << 16);
    for quality in Quality::ALL {
        let with = |seed| {
            settled(quality, &input, EffectSettings { diffuse: 1.0, seed, ..Default::default() })
        };
        let (a, again, other) = (with(1), with(1), with(2));
        assert_eq!(a, again);
        assert_ne!(a, other);
        let level = decibels(rms(&a) / rms(&input));
        assert!((-6.0..1.0).contains(&level), "{}: {level} dB", quality.name());
    }
}

// P3: width in octaves: a blurred tone spreads about itself and stays finite at any radius.
#[test]
fn blur_in_frequency_spreads_a_tone_and_keeps_noise() {
    let out = settled(
        Quality::Studio,
        &sine(2000.0, 0.5, 1 << 17),
        EffectSettings { blur_freq_oct: 0.1, ..Default::default() },
    );
    let energy =
        |hz: f64| (0..40).map(|i| tone(&out, hz + f64::from(i) * 2.0).powi(2)).sum::<f64>();
    let (near, far) = (energy(2000.0 * 0.1f64.exp2()), energy(2000.0 * 0.6f64.exp2()));
    assert!(decibels((near / energy(1990.0)).sqrt()) > -20.0);
    assert!(decibels((far / near).sqrt()) < -25.0);
    for octaves in [0.01, 1.0, 10.0] {
        let settings = EffectSettings { blur_freq_oct: octaves, ..Default::default() };
        let out = settled(Quality::Live, &noise(6, 1 << 15), settings);
        let level = decibels(rms(&out) / rms(&noise(6, 1 << 15)));
        assert!((-4.0..1.0).contains(&level), "{octaves} octaves: {level} dB");
    }
}

fn painted(kind: StrokeKind, strength: f32) -> Arc<Field> {
    // One dab so wide that all columns are alike.
    let point = |x| StrokePoint { x, y: 5.64, pressure: 1.0 };
    let stroke = Stroke {
        id: 1,
        kind,
        points: vec![point(0.5)],
        radius_time: 20.0,
        radius_octaves: 2.0,
        strength,
        hardness: 0.9,
    };
    Arc::new(Field::empty(FieldSpec::new(RATE)).with_stroke(&stroke))
}

// DESIGN 6: a painted warp moves a tone to another, wherever the playhead stands or walks.
#[test]
fn a_painted_warp_moves_a_tone_whether_the_playhead_walks_or_stands() {
    let spec = spec(Quality::Studio);
    let field = painted(StrokeKind::WarpFreq, 0.2);
    let hops = 160;
    let bin = RATE / spec.n as f64;
    let hz = 85.0 * bin;
    let input = sine(hz, 0.5, hops * spec.h);
    for walk in [1.0, 0.0] {
        let mut framer = scumble_dsp::Framer::new(spec, RATE);
        let params: Vec<_> = (0..hops)
            .map(|i| {
                let seconds = (i * spec.h) as f64 / RATE;
                let position = 0.25 + walk * seconds / 4.0 * 0.999;
                let playhead =
                    scumble_dsp::Playhead { position, loop_seconds: 4.0, field: Some(&field) };
                framer.next(&EffectSettings::default(), playhead)
            })
            .collect();
        let mut twin = Twin::new(spec, RATE, 1, 0);
        drop(twin.set_field(0, Arc::clone(&field)));
        let out = render_with(&mut twin, &input, &params);
        // Away from the loop's end, where the running phase starts anew.
        let out = &out[1 << 16..1 << 17];
        let strongest = |around: f64, step: f64| {
            (-40..=40)
                .map(|i| around + f64::from(i) * step)
                .max_by(|a, b| tone(out, *a).total_cmp(&tone(out, *b)))
                .expect("not empty")
        };
        let at = strongest(strongest(hz + 40.0, 2.0), 0.05);
        let best = tone(out, at);
        let side = side_products(out, at, 40.0);
        println!(
            "walk {walk}: {hz:.1} Hz to {at:.1} Hz, {:.2} dB, side {side:.1} dB",
            decibels(best / 0.5)
        );
        assert!(at > hz + 10.0, "the tone has moved");
        assert!(decibels(best / 0.5).abs() < 1.0);
        assert!(side < -30.0, "{side} dB");
    }
}

// P3: what is painted into the past is late by what was painted.
#[test]
fn a_painted_delay_delays() {
    let spec = spec(Quality::Live);
    let field = painted(StrokeKind::WarpTime, 0.5);
    let hops = 1500;
    let mut input = vec![0.0; hops * spec.h];
    let burst = 40_000..44_000;
    for (i, x) in sine(1000.0, 0.5, burst.len()).into_iter().enumerate() {
        input[burst.start + i] = x;
    }
    let params = params(&spec, hops, Some((&field, 4.0)), steady(EffectSettings::default()));
    let mut twin = Twin::new(spec, RATE, 1, 0);
    drop(twin.set_field(0, Arc::clone(&field)));
    let out = render_with(&mut twin, &input, &params);
    let centre = |x: &[f32]| {
        let energy: f64 = x.iter().map(|v| f64::from(v * v)).sum();
        x.iter().enumerate().map(|(i, v)| i as f64 * f64::from(v * v)).sum::<f64>() / energy
    };
    let late = (centre(&out) - centre(&input) - spec.window_latency() as f64) / RATE;
    let painted = f64::from(field.column(200).cells[66][4]);
    println!("late by {late:.4} s, painted {painted:.4} s");
    assert!(painted > 0.02 && (late - painted).abs() < 0.012);
}
