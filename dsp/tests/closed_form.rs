//! What must come out can be written down: delay, sine, impulse, silence, DC, Nyquist, and worse.

mod common;

use common::*;
use scumble_dsp::{EffectSettings, FrameParams, Quality, Twin, WindowSpec};

fn neutral(hops: usize) -> Vec<FrameParams> {
    (0..hops as u64).map(FrameParams::neutral).collect()
}

// X2: every quality at every rate.
#[test]
fn at_neutral_the_output_is_the_input_delayed_to_the_bit() {
    for rate in [44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0] {
        for quality in Quality::ALL {
            let spec = WindowSpec::new(quality, rate);
            let hops = 3 * spec.n / spec.h;
            let input = noise(1, hops * spec.h);
            let out = render(&spec, &input, &neutral(hops));
            let delay = spec.window_latency();
            assert!(out[..delay].iter().all(|&x| x == 0.0));
            assert!(out[delay..] == input[..input.len() - delay], "{} {rate}", quality.name());
        }
    }
}

// X2: the way through the transforms, with a filter that is there but cuts nothing.
#[test]
fn through_the_transforms_the_output_is_the_input_to_120_db() {
    for (quality, rate) in Quality::ALL.into_iter().flat_map(|q| [(q, 48_000.0), (q, 192_000.0)]) {
        let spec = WindowSpec::new(quality, rate);
        let hops = 4 * spec.n / spec.h;
        let input = noise(2, hops * spec.h);
        let mut params = neutral(hops);
        params.iter_mut().for_each(|p| p.flags = scumble_dsp::flag::FILTER);
        let out = render(&spec, &input, &params);
        let delay = spec.window_latency();
        let error =
            (spec.n..out.len()).map(|t| (out[t] - input[t - delay]).abs()).fold(0.0f32, f32::max);
        assert!(error < 1e-6, "{}: {error}", quality.name());
    }
}

// P3: slopes as stated.
#[test]
fn filters_cut_24_db_an_octave_with_their_corner_at_3_db() {
    let spec = spec(Quality::Studio);
    let hops = 64;
    for (hz, low, high, expected) in [
        (1000.0, 1000.0, 24_000.0, -3.01),
        (500.0, 1000.0, 24_000.0, -24.1),
        (4000.0, 1000.0, 24_000.0, 0.0),
        (2000.0, 0.0, 1000.0, -24.1),
        (1000.0, 0.0, 1000.0, -3.01),
        (250.0, 0.0, 1000.0, 0.0),
    ] {
        let settings = EffectSettings { low_cut_hz: low, high_cut_hz: high, ..Default::default() };
        let input = sine(hz, 0.5, hops * spec.h);
        let out = render(&spec, &input, &params(&spec, hops, None, steady(settings)));
        let level = decibels(tone(&out[out.len() / 2..], hz) / 0.5);
        assert!((level - expected).abs() < 0.1, "{hz} Hz by {low}..{high}: {level} dB");
    }
}

// X9: whatever comes in, what goes out is a number and the harm is over in a window.
#[test]
fn broken_input_is_over_within_a_window() {
    let spec = spec(Quality::Live);
    let hops = 256;
    let clean = sine(440.0, 0.5, hops * spec.h);
    let mut broken = clean.clone();
    for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38, f32::MIN_POSITIVE / 4.0]
        .into_iter()
        .enumerate()
    {
        broken[8 * spec.h + i] = bad;
    }
    let settings = EffectSettings { low_cut_hz: 100.0, ..Default::default() };
    let params = params(&spec, hops, None, steady(settings));
    let (a, b) = (render(&spec, &clean, &params), render(&spec, &broken, &params));
    assert!(b.iter().all(|x| x.is_finite()));
    let over = 9 * spec.h + spec.n + spec.window_latency();
    assert_eq!(a[over..], b[over..]);
}

// DESIGN 1: the same bits in any order, any grouping, or twice.
#[test]
fn hops_have_the_same_bits_in_any_order() {
    let spec = spec(Quality::Live);
    let hops = 64;
    let input = noise(3, hops * spec.h);
    let settings = EffectSettings { high_cut_hz: 3000.0, ..Default::default() };
    let params = params(&spec, hops, None, steady(settings));
    let streamed = render(&spec, &input, &params);
    let mut twin = Twin::new(spec, RATE, 1, hops);
    for n in 0..hops {
        twin.push(n as u64, &[&input[n * spec.h..(n + 1) * spec.h]], &params[n]);
    }
    for n in (0..hops).rev().chain([5, 40, 5, 41]) {
        let mut hop = vec![0.0; spec.h];
        twin.process_hop(n as u64, &mut [&mut hop]).expect("within reach");
        assert_eq!(hop, streamed[n * spec.h..(n + 1) * spec.h], "hop {n}");
    }
}

fn everything() -> EffectSettings {
    EffectSettings {
        blur_time_ms: 30.0,
        blur_freq_oct: 0.2,
        diffuse: 0.4,
        shift_hz: 123.0,
        stretch: 1.3,
        low_cut_hz: 50.0,
        high_cut_hz: 12_000.0,
        mod_low_hz: 1.0,
        mod_high_hz: 30.0,
        ..Default::default()
    }
}

// Whatever simple thing comes in, through everything at once: finite, and never louder by 6 dB.
#[test]
fn extreme_inputs_stay_finite_and_safe_through_everything() {
    for quality in Quality::ALL {
        let spec = spec(quality);
        let hops = 6 * spec.n / spec.h + 8;
        let len = hops * spec.h;
        let mut impulse = vec![0.0; len];
        impulse[len / 3] = 1.0;
        let alternating = |x: f32| (0..len).map(|i| if i % 2 == 0 { x } else { -x }).collect();
        let inputs: [(&str, Vec<f32>); 6] = [
            ("DC", vec![1.0; len]),
            ("Nyquist", alternating(1.0)),
            ("impulse", impulse),
            ("full-scale noise", noise(5, len)),
            ("denormals", alternating(f32::MIN_POSITIVE / 8.0)),
            ("far too loud", alternating(1e30)),
        ];
        let params = params(&spec, hops, None, steady(everything()));
        for (name, input) in inputs {
            let out = render(&spec, &input, &params);
            assert!(out.iter().all(|x| x.is_finite()), "{name}, {}", quality.name());
            let limit = 2.0 * rms(&input).min(1e4);
            assert!(rms(&out) <= limit, "{name}, {}: {} of {limit}", quality.name(), rms(&out));
        }
    }
}

#[test]
fn silence_stays_silence_through_everything() {
    for quality in Quality::ALL {
        let spec = spec(quality);
        let hops = 3 * spec.n / spec.h;
        let params = params(&spec, hops, None, steady(everything()));
        let out = render(&spec, &vec![0.0; hops * spec.h], &params);
        assert!(out.iter().all(|&x| x == 0.0), "{}", quality.name());
    }
}

// A frame reads no further back than it says: what came before is forgotten to the bit.
#[test]
fn history_reaches_as_far_as_stated_and_no_further() {
    for quality in [Quality::Live, Quality::Balanced, Quality::Studio] {
        let spec = spec(quality);
        let hops = 3 * spec.reach_samples() / spec.h;
        let clean = noise(6, hops * spec.h);
        let mut other = clean.clone();
        let changed = spec.reach_samples();
        for x in &mut other[..changed] {
            *x = f32::NAN;
        }
        let params = params(&spec, hops, None, steady(everything()));
        let (a, b) = (render(&spec, &clean, &params), render(&spec, &other, &params));
        assert!(b.iter().all(|x| x.is_finite()));
        let over = (changed + spec.reach_samples() + spec.m).div_ceil(spec.h) * spec.h;
        assert!(over < a.len() && a[over..] == b[over..], "{}", quality.name());
        assert!(a[..over] != b[..over], "the harm was heard at all");
    }
}

// Filters act on impulses as their gain says: symmetric about the impulse, nothing far away.
#[test]
fn a_filtered_impulse_is_its_closed_form() {
    let spec = spec(Quality::Studio);
    let hops = 24;
    let at = 10 * spec.h + 300;
    let mut input = vec![0.0; hops * spec.h];
    input[at] = 1.0;
    let corner = 4000.0;
    let settings = EffectSettings { high_cut_hz: corner, ..Default::default() };
    let out = render(&spec, &input, &params(&spec, hops, None, steady(settings)));
    let centre = at + spec.window_latency();
    for offset in -40i64..=40 {
        // Inverse transform of 1 / sqrt(1 + (f / corner)^8), by a fine sum over frequency.
        let steps = 20_000;
        let sum: f64 = (0..steps)
            .map(|i| {
                let f = (f64::from(i) + 0.5) / f64::from(steps) * RATE / 2.0;
                let gain = 1.0 / (1.0 + (f / f64::from(corner)).powi(8)).sqrt();
                gain * (std::f64::consts::TAU * f / RATE * offset as f64).cos()
            })
            .sum();
        let expected = sum / f64::from(steps);
        let found = f64::from(out[(centre as i64 + offset) as usize]);
        assert!((found - expected).abs() < 2e-3, "{offset}: {found} for {expected}");
    }
}
