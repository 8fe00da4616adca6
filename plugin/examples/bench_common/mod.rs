//! What the benches of the plugin share.

// Not every bench needs all of it.
#![allow(dead_code)]

use serde_json::{Value, json};

pub const RATE: f32 = 48_000.0;

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

/// The figure with how far apart the middle half of its times lies, in parts of their median.
pub fn with_spread(mut figure: Value, times: &mut [f64]) -> Value {
    figure["spread"] = json!((at(times, 0.75) - at(times, 0.25)) / at(times, 0.5));
    figure
}
