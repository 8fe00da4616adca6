//! Sounds that the tests of the transforms share, all of them made here.
#![allow(dead_code)]

pub mod exchange;
#[path = "../common/sound.rs"]
mod sound;

use std::f64::consts::TAU;

pub use sound::noise;

/// A voice: a gliding train of pulses through three resonances that move from vowel to vowel, with
/// breath between the words.
pub fn speech(rate: f64, len: usize) -> Vec<f32> {
    const VOWELS: [[f64; 3]; 4] = [
        [730.0, 1090.0, 2440.0],
        [270.0, 2290.0, 3010.0],
        [300.0, 870.0, 2240.0],
        [530.0, 1840.0, 2480.0],
    ];
    let breath = noise(77, len);
    let mut state = [[0.0f64; 2]; 3];
    let mut turns = 0.0f64;
    (0..len)
        .map(|i| {
            let t = i as f64 / rate;
            let word = (TAU * 1.9 * t).sin().max(0.0).powf(0.3);
            let pitch = 120.0 + 30.0 * (TAU * 0.7 * t).sin() + 4.0 * (TAU * 5.3 * t).sin();
            turns += pitch / rate;
            let pulse = if turns >= 1.0 { 1.0 } else { 0.0 };
            turns -= turns.floor();
            let source = word * pulse + 0.004 * f64::from(breath[i]);
            let at = t * 2.3;
            let (from, to) = (VOWELS[at as usize % 4], VOWELS[(at as usize + 1) % 4]);
            let mut sum = 0.0;
            for (k, y) in state.iter_mut().enumerate() {
                let hz = (from[k] + (to[k] - from[k]) * at.fract()).min(0.45 * rate);
                let radius = (-TAU * (40.0 + 20.0 * k as f64) / rate).exp();
                let out =
                    source + 2.0 * radius * (TAU * hz / rate).cos() * y[0] - radius * radius * y[1];
                *y = [out, y[0]];
                sum += out;
            }
            (0.05 * sum) as f32
        })
        .collect()
}

/// Music: a chord whose notes come one by one and decay, a sweep, and a little noise.
pub fn music(rate: f64, len: usize) -> Vec<f32> {
    let hiss = noise(5, len);
    let seconds = len as f64 / rate;
    (0..len)
        .map(|i| {
            let t = i as f64 / rate;
            let mut x = 0.01 * f64::from(hiss[i]);
            for (k, hz) in [65.41, 164.81, 392.0, 880.0, 1567.98, 3135.96].into_iter().enumerate() {
                let since = t - 0.13 * k as f64 * seconds;
                if since > 0.0 && hz < 0.45 * rate {
                    x += 0.2 * (-3.0 * since).exp() * (TAU * hz * t).sin();
                }
            }
            // From 60 Hz, five octaves up over the whole of it.
            let octaves = 5.0 * t / seconds;
            let turns = 60.0 * seconds / (5.0 * 2f64.ln()) * (2f64.powf(octaves) - 1.0);
            (x + 0.1 * (TAU * turns).sin()) as f32
        })
        .collect()
}

/// The largest difference, relative to the largest value.
pub fn relative(ours: impl IntoIterator<Item = f64>, theirs: &[f64]) -> f64 {
    let mut worst = 0.0f64;
    let mut count = 0;
    for (a, b) in ours.into_iter().zip(theirs) {
        worst = worst.max((a - b).abs());
        count += 1;
        assert!(a.is_finite() && b.is_finite(), "value {count} is {a} against {b}");
    }
    assert_eq!(count, theirs.len(), "both have all values");
    worst / theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()))
}
