//! Every effect against an f64 reference written for clarity (S14: 1e-4 of full scale a sample).

mod common;
#[path = "common/reference.rs"]
mod reference;

use std::sync::Arc;

use common::*;
use reference::Reference;
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, Quality, Stroke, StrokeKind, StrokePoint, Twin, WindowShape,
    WindowSpec,
};

/// The greatest difference over some hops, with full-scale noise and a full-scale sine in turn.
fn worst(
    spec: WindowSpec,
    settings: EffectSettings,
    field: Option<&Field>,
    hops: usize,
    step: usize,
) -> f64 {
    let mut worst = 0.0f64;
    for input in [noise(7, hops * spec.h), sine(997.0, 1.0, hops * spec.h)] {
        let params = params(&spec, hops, field.map(|field| (field, 0.1)), |i| {
            // Freezing begins after a while, as it must have something to hold.
            EffectSettings { freeze: settings.freeze && i > hops / 2, ..settings }
        });
        let mut twin = Twin::new(spec, RATE, 1, 0);
        if let Some(field) = field {
            drop(twin.set_field(0, Arc::new(field.clone())));
        }
        let out = render_with(&mut twin, &input, &params);
        let mut reference = Reference::new(spec, RATE, &input, &params, field);
        for n in (hops / 2..hops).step_by(step).chain([hops - 1]) {
            for (a, b) in out[n * spec.h..].iter().zip(reference.hop(n)) {
                worst = worst.max((f64::from(*a) - b).abs());
            }
        }
    }
    worst
}

/// Small windows of both kinds, so that direct sums stay affordable.
fn small() -> [WindowSpec; 2] {
    [
        WindowSpec::custom(256, 64, 16, WindowShape::Asymmetric).expect("legal"),
        WindowSpec::custom(256, 256, 64, WindowShape::Hann).expect("legal"),
    ]
}

fn check(name: &str, settings: EffectSettings, field: Option<&Field>) {
    for spec in small() {
        let hops = 3 * spec.reach_hops() + 16;
        let error = worst(spec, settings, field, hops, 7);
        println!("{name} {:?}: {error:.2e}", spec.shape);
        assert!(error < 1e-4, "{name}, {spec:?}: off by {error}");
    }
}

const NEUTRAL: EffectSettings = EffectSettings {
    blur_time_ms: 0.0,
    blur_freq_oct: 0.0,
    diffuse: 0.0,
    shift_hz: 0.0,
    stretch: 1.0,
    pivot_hz: 440.0,
    low_cut_hz: 0.0,
    high_cut_hz: 24_000.0,
    mod_low_hz: 0.0,
    mod_high_hz: 100.0,
    freeze: false,
    paint: 1.0,
    seed: 11,
};

#[test]
fn filters_agree_with_the_reference() {
    check("filter", EffectSettings { low_cut_hz: 700.0, high_cut_hz: 5e3, ..NEUTRAL }, None);
}

#[test]
fn blur_in_time_agrees_with_the_reference() {
    for ms in [0.4, 3.0, 12.0, 80.0] {
        check("blur time", EffectSettings { blur_time_ms: ms, ..NEUTRAL }, None);
    }
}

#[test]
fn modulation_filters_agree_with_the_reference() {
    check("mod low", EffectSettings { mod_low_hz: 9.0, ..NEUTRAL }, None);
    check("mod high", EffectSettings { mod_high_hz: 30.0, ..NEUTRAL }, None);
    let both = EffectSettings { mod_low_hz: 3.0, mod_high_hz: 50.0, blur_time_ms: 2.0, ..NEUTRAL };
    check("mod both", both, None);
}

#[test]
fn blur_in_frequency_agrees_with_the_reference() {
    for octaves in [0.01, 0.2, 1.0, 5.0] {
        check("blur frequency", EffectSettings { blur_freq_oct: octaves, ..NEUTRAL }, None);
    }
}

#[test]
fn diffuse_agrees_with_the_reference() {
    check("diffuse", EffectSettings { diffuse: 0.8, ..NEUTRAL }, None);
}

#[test]
fn warps_agree_with_the_reference() {
    check("shift", EffectSettings { shift_hz: 433.0, ..NEUTRAL }, None);
    check("shift down", EffectSettings { shift_hz: -2000.0, ..NEUTRAL }, None);
    check("stretch", EffectSettings { stretch: 1.7, ..NEUTRAL }, None);
    check("squeeze", EffectSettings { stretch: 0.4, shift_hz: 90.0, ..NEUTRAL }, None);
}

#[test]
fn freeze_agrees_with_the_reference() {
    check("freeze", EffectSettings { freeze: true, ..NEUTRAL }, None);
}

fn stroke(kind: StrokeKind) -> Stroke {
    let point = |x, y| StrokePoint { x, y, pressure: 1.0 };
    // What is held must be a sound, not the silence before the first frame.
    let start = if kind == StrokeKind::Freeze { 0.4 } else { 0.0 };
    Stroke {
        id: 1,
        kind,
        points: vec![point(start, 5.0), point(0.5, 7.5), point(1.0, 4.0)],
        radius_time: 0.1,
        radius_octaves: 1.5,
        strength: 0.6,
        hardness: 0.4,
    }
}

#[test]
fn paint_of_every_kind_agrees_with_the_reference() {
    let blank = Field::empty(FieldSpec::new(RATE));
    for kind in StrokeKind::ALL {
        check(kind.name(), NEUTRAL, Some(&blank.with_stroke(&stroke(kind))));
    }
}

fn everything() -> EffectSettings {
    EffectSettings {
        blur_time_ms: 6.0,
        blur_freq_oct: 0.1,
        diffuse: 0.3,
        shift_hz: 310.0,
        stretch: 1.2,
        low_cut_hz: 90.0,
        high_cut_hz: 9000.0,
        mod_low_hz: 2.0,
        mod_high_hz: 40.0,
        freeze: true,
        paint: 0.7,
        ..NEUTRAL
    }
}

#[test]
fn everything_at_once_agrees_with_the_reference() {
    let mut field = Field::empty(FieldSpec::new(RATE));
    for kind in StrokeKind::ALL.into_iter().filter(|&k| k != StrokeKind::Erase) {
        field = field.with_stroke(&stroke(kind));
    }
    check("everything", everything(), Some(&field));
}

// The sizes of the qualities themselves: a few hops, as each costs a direct transform of 2048.
#[test]
fn the_live_quality_agrees_with_the_reference() {
    let spec = spec(Quality::Live);
    let settings = EffectSettings {
        blur_time_ms: 0.0,
        mod_low_hz: 0.0,
        mod_high_hz: 100.0,
        freeze: false,
        ..everything()
    };
    let error = worst(spec, settings, None, 40, 19);
    println!("Live: {error:.2e}");
    assert!(error < 1e-4, "off by {error}");
}
