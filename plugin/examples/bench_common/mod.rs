//! What the benches of the plugin share.

// Not every bench needs all of it.
#![allow(dead_code)]

use scumble::audio::BlockSettings;
use scumble_dsp::EffectSettings;
use scumble_dsp::mix::BlendSettings;
use scumble_params::{CanvasSync, OnMiss};
use serde_json::{Value, json};

pub const RATE: f32 = 48_000.0;

/// Little to do, so that what is measured is the way there and back.
pub fn settings() -> BlockSettings {
    BlockSettings {
        effects: EffectSettings { low_cut_hz: 100.0, ..EffectSettings::default() },
        mix: BlendSettings::default(),
        on_miss: OnMiss::Rescue,
        sync: CanvasSync::Free,
        canvas_length: 4.0,
    }
}

/// Gives this thread the rank that a host's audio thread has; where that is refused, the figures are
/// those of an ordinary thread.
pub fn play_as_a_host_does() {
    let rank = audio_thread_priority::promote_current_thread_to_real_time(128, RATE as u32);
    if let Err(why) = &rank {
        eprintln!("no real-time rank: {why}");
    }
}

/// Noise in -0.3..0.3, the same each time.
pub fn noise(samples: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9u32;
    (0..samples)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as f32 / 16_777_216.0 * 0.6 - 0.3
        })
        .collect()
}

/// The value below which that part of the times lies; sorts them.
pub fn at(times: &mut [f64], quantile: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * quantile).round() as usize]
}

/// A figure that promises nothing: what a neighbour costs, or what arithmetic says.
pub fn shown(group: &str, id: &str, (value, unit): (f64, &str), reference: Option<f64>) -> Value {
    let ratio = reference.map(|reference| value / reference);
    json!({
        "id": id, "group": group, "value": value, "unit": unit, "reference": reference,
        "ratio": ratio, "bar": null, "pass": null,
    })
}

/// A figure that must be at most `bar`: itself, or its ratio to the reference.
pub fn at_most(
    group: &str,
    id: &str,
    (value, unit): (f64, &str),
    reference: Option<f64>,
    bar: f64,
) -> Value {
    let ratio = reference.map(|reference| value / reference);
    json!({
        "id": id, "group": group, "value": value, "unit": unit, "reference": reference,
        "ratio": ratio, "bar": bar, "pass": ratio.unwrap_or(value) <= bar,
    })
}

/// A figure that must be at least `bar`: itself, or how many times the reference is of it.
pub fn at_least(
    group: &str,
    id: &str,
    (value, unit): (f64, &str),
    reference: Option<f64>,
    bar: f64,
) -> Value {
    let ratio = reference.map(|reference| reference / value);
    json!({
        "id": id, "group": group, "value": value, "unit": unit, "reference": reference,
        "ratio": ratio, "bar": bar, "pass": ratio.unwrap_or(value) >= bar,
    })
}

/// The figure with how far apart the middle half of its times lies, in parts of their median.
pub fn with_spread(mut figure: Value, times: &mut [f64]) -> Value {
    figure["spread"] = json!((at(times, 0.75) - at(times, 0.25)) / at(times, 0.5));
    figure
}
