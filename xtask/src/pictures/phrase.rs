//! Two seconds that show what an effect does: four plucked notes with harmonics, a hi-hat on the
//! eighths. One loop of four beats at 120 a minute.

use std::f32::consts::TAU;
use std::path::Path;

use anyhow::Result;

const SECONDS: usize = 2;
const NOTES_HZ: [f32; 4] = [220.0, 277.2, 329.6, 440.0];
const HARMONICS: i32 = 14;

fn samples(rate: usize) -> Vec<f32> {
    let mut sound = vec![0.0f32; SECONDS * rate];
    let beat = rate / 2;
    for (number, hz) in NOTES_HZ.iter().enumerate() {
        // A note rings on under the next.
        for (i, sample) in sound[number * beat..].iter_mut().enumerate() {
            let t = i as f32 / rate as f32;
            let attack = (t / 0.004).min(1.0);
            for harmonic in 1..=HARMONICS {
                let h = harmonic as f32;
                // What is above the highest frequency would come back from it.
                if hz * h > 0.45 * rate as f32 {
                    break;
                }
                let decay = (-t * (2.5 + 0.6 * h)).exp();
                *sample += 0.25 / h * attack * decay * (TAU * hz * h * t).sin();
            }
        }
    }
    let mut state = 1u32;
    for start in (0..sound.len()).step_by(beat / 2) {
        let hat = &mut sound[start..start + rate / 20];
        let mut last = 0.0;
        for (i, sample) in hat.iter_mut().enumerate() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / 8_388_608.0 - 1.0;
            // The difference of neighbours has little below a kilohertz.
            *sample += 0.08 * (noise - last) * (-(i as f32) / rate as f32 * 90.0).exp();
            last = noise;
        }
    }
    sound
}

/// A mono WAV file of 16 bits.
pub fn write(path: &Path, rate: usize) -> Result<()> {
    let sound = samples(rate);
    let bytes = 2 * sound.len() as u32;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    // PCM, one channel, then bytes a second, bytes a frame, bits a sample.
    file.extend(1u16.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend((rate as u32).to_le_bytes());
    file.extend((2 * rate as u32).to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    for sample in sound {
        file.extend(((sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes());
    }
    Ok(std::fs::write(path, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phrase_is_loud_but_does_not_clip() {
        for rate in [12_000, 48_000] {
            let peak = samples(rate).iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            assert!((0.3..0.99).contains(&peak), "{peak}");
        }
    }
}
