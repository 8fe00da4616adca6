//! The demonstration's sound: four bars of plucked strings and brushed noise, made here, the same
//! on every machine.

use crate::signal::Rng;

pub const SAMPLE_RATE: u32 = 48_000;
pub const TEMPO_BPM: f64 = 96.0;
const BEATS: usize = 16;

/// Am, F, C, G: one chord a bar, as steps above A2 (110 Hz).
const CHORDS: [[i32; 4]; 4] = [[0, 12, 15, 19], [-4, 8, 12, 15], [3, 10, 15, 19], [-2, 10, 14, 17]];

/// A plucked string after Karplus and Strong: a burst of noise in a loop that dulls it.
fn pluck(rng: &mut Rng, hz: f64, samples: usize) -> Vec<f32> {
    let period = f64::from(SAMPLE_RATE) / hz;
    let mut string: Vec<f64> = (0..period as usize).map(|_| rng.bipolar()).collect();
    // A soft plectrum: without it the attack hides the pitch.
    for i in 1..string.len() {
        string[i] = 0.6 * string[i - 1] + 0.4 * string[i];
    }
    // The mean would ring on as a low thump that nobody plucked.
    let mean = string.iter().sum::<f64>() / string.len() as f64;
    string.iter_mut().for_each(|x| *x -= mean);
    let mut at = 0;
    (0..samples)
        .map(|_| {
            let next = (at + 1) % string.len();
            let out = string[at];
            string[at] = 0.4985 * (string[at] + string[next]);
            at = next;
            out as f32
        })
        .collect()
}

/// A brush stroke: noise that fades.
fn brush(rng: &mut Rng, seconds: f64, brightness: f64) -> Vec<f32> {
    let samples = (seconds * f64::from(SAMPLE_RATE)) as usize;
    let mut last = 0.0;
    (0..samples)
        .map(|t| {
            let noise = rng.bipolar();
            let high = noise - brightness * last;
            last = noise;
            (high * (-6.0 * t as f64 / samples as f64).exp()) as f32
        })
        .collect()
}

fn add(to: &mut [Vec<f32>], at: usize, sound: &[f32], gain: f32, pan: f32) {
    // Equal power between the speakers.
    let angle = (pan + 1.0) * std::f32::consts::FRAC_PI_4;
    for (channel, side) in to.iter_mut().zip([angle.cos(), angle.sin()]) {
        for (out, x) in channel[at..].iter_mut().zip(sound) {
            *out += x * gain * side;
        }
    }
}

/// The sound in stereo, followed by `tail` samples of silence.
pub fn phrase(seed: u64, tail: usize) -> Vec<Vec<f32>> {
    let mut rng = Rng::new(seed);
    let beat = 60.0 / TEMPO_BPM * f64::from(SAMPLE_RATE);
    let samples = (beat * (BEATS as f64 + 2.0)) as usize;
    let mut out = vec![vec![0.0; samples]; 2];
    for eighth in 0..BEATS * 2 {
        let at = (eighth as f64 * beat / 2.0) as usize;
        let chord = CHORDS[eighth / 8];
        let step = chord[[0, 2, 1, 3, 2, 1, 3, 2][eighth % 8]];
        let hz = 110.0 * 2f64.powf(f64::from(step) / 12.0);
        let pan = ((eighth % 5) as f32 - 2.0) * 0.35;
        let accent = if eighth % 8 == 0 { 0.5 } else { 0.3 + 0.08 * rng.unit() as f32 };
        add(&mut out, at, &pluck(&mut rng, hz, samples - at), accent, pan);
        if eighth % 4 == 2 {
            add(&mut out, at, &brush(&mut rng, 0.18, 0.2), 0.22, 0.1);
        } else if eighth % 2 == 1 {
            add(&mut out, at, &brush(&mut rng, 0.06, 0.95), 0.08, -0.4);
        }
    }
    let peak = crate::signal::peak(&out) as f32;
    let fade = 2.0 * beat as f32;
    for channel in &mut out {
        for (t, x) in channel.iter_mut().enumerate() {
            *x *= 0.5 / peak * ((samples - t) as f32 / fade).min(1.0);
        }
        channel.resize(samples + tail, 0.0);
    }
    out
}
