//! Pictures of sound: a spectrogram with a logarithmic frequency axis, written as PNG.

use std::io;
use std::path::Path;

use realfft::RealFftPlanner;
use scumble_dsp::colour::ColourMap;
use scumble_dsp::colour::png::{self, Paletted};

const WINDOW: usize = 4096;
const WIDTH: usize = 1000;
const HEIGHT: usize = 400;
const LOWEST_HZ: f64 = 40.0;
/// What is this far below full scale is black.
const FLOOR_DB: f64 = -90.0;

/// Time to the right, frequency upwards from 40 Hz to half the rate, both channels together.
pub fn spectrogram(sound: &[Vec<f32>], sample_rate: u32) -> Paletted {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW);
    let (mut frame, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
    let hann: Vec<f64> = (0..WINDOW)
        .map(|i| 0.5 - 0.5 * (i as f64 / WINDOW as f64 * std::f64::consts::TAU).cos())
        .collect();
    // A sine of full scale reaches 0 dB.
    let full_scale = hann.iter().sum::<f64>() / 2.0 * sound.len() as f64;
    let top_hz = f64::from(sample_rate) / 2.0;
    let bin_of = |row: usize| {
        let up = 1.0 - row as f64 / HEIGHT as f64;
        LOWEST_HZ * (top_hz / LOWEST_HZ).powf(up) / f64::from(sample_rate) * WINDOW as f64
    };
    let mut pixels = vec![0; WIDTH * HEIGHT];
    for column in 0..WIDTH {
        let centre = sound[0].len() * column / WIDTH;
        for (i, slot) in frame.iter_mut().enumerate() {
            let t = (centre + i).checked_sub(WINDOW / 2);
            let sum = |t: usize| sound.iter().filter_map(|c| c.get(t)).map(|&x| x as f64).sum();
            *slot = hann[i] * t.map_or(0.0, sum);
        }
        fft.process(&mut frame, &mut bins).expect("the buffers fit the plan");
        for row in 0..HEIGHT {
            let (low, high) = (bin_of(row + 1) as usize, bin_of(row) as usize);
            let loudest =
                bins[low..=high.min(WINDOW / 2)].iter().map(|b| b.norm()).fold(0.0, f64::max);
            let level = 1.0 - crate::signal::db(loudest / full_scale) / FLOOR_DB;
            pixels[row * WIDTH + column] = (level.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
    Paletted { width: WIDTH, height: HEIGHT, pixels }
}

/// The picture as a PNG in the editor's colours.
pub fn png(picture: &Paletted) -> Vec<u8> {
    let palette: Vec<[u8; 3]> = (0..=255).map(|level| ColourMap::Magma.rgb(level)).collect();
    png::encode(picture, &palette)
}

/// Writes a spectrogram of the sound.
pub fn write_spectrogram(path: &Path, sound: &[Vec<f32>], sample_rate: u32) -> io::Result<()> {
    std::fs::write(path, png(&spectrogram(sound, sample_rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_a_line_at_its_frequency() {
        let hz = 1000.0;
        let sine = |t: usize| (t as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() as f32;
        let picture = spectrogram(&[(0..48_000).map(sine).collect()], 48_000);
        let column: Vec<u8> =
            (0..picture.height).map(|r| picture.pixels[r * picture.width + 500]).collect();
        let loudest = column.iter().enumerate().max_by_key(|&(_, level)| level).unwrap().0;
        let expected = picture.height as f64 * (24_000.0f64 / hz).ln() / (24_000.0f64 / 40.0).ln();
        assert!((loudest as f64 - expected).abs() < 4.0, "row {loudest}, expected {expected}");
        assert!(column[loudest] > 250 && column[10] < 20);
    }
}
