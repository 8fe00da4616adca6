//! Pictures of sound: a spectrogram with a logarithmic frequency axis, written as PNG.

use std::io::{self, Write};
use std::path::Path;

use realfft::RealFftPlanner;
use scumble_dsp::colour::ColourMap;

const WINDOW: usize = 4096;
const WIDTH: usize = 1000;
const HEIGHT: usize = 400;
const LOWEST_HZ: f64 = 40.0;
/// What is this far below full scale is black.
const FLOOR_DB: f64 = -90.0;

/// A picture whose pixels are levels, 0 to 255, top row first.
pub struct Levels {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

/// Time to the right, frequency upwards from 40 Hz to half the rate, both channels together.
pub fn spectrogram(sound: &[Vec<f32>], sample_rate: u32) -> Levels {
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
    Levels { width: WIDTH, height: HEIGHT, pixels }
}

/// The editor's colours, as a PNG wants them.
fn palette() -> Vec<u8> {
    (0..=255).flat_map(|level| ColourMap::Magma.rgb(level)).collect()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg()))
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn chunk(out: &mut impl Write, kind: &[u8; 4], body: &[u8]) -> io::Result<()> {
    let typed = [&kind[..], body].concat();
    out.write_all(&(body.len() as u32).to_be_bytes())?;
    out.write_all(&typed)?;
    out.write_all(&crc32(&typed).to_be_bytes())
}

/// zlib with stored blocks: a picture of half a megabyte is not worth a compressor in the tree.
fn zlib_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let n = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(n.to_le_bytes());
        out.extend((!n).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(bytes).to_be_bytes());
    out
}

/// The picture as a PNG with a palette.
pub fn png(picture: &Levels) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend((picture.width as u32).to_be_bytes());
    header.extend((picture.height as u32).to_be_bytes());
    // Eight bits a pixel, palette, and the only methods there are.
    header.extend([8, 3, 0, 0, 0]);
    // Each row opens with its filter: none.
    let rows: Vec<u8> =
        picture.pixels.chunks(picture.width).flat_map(|row| [&[0], row].concat()).collect();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunks: [(&[u8; 4], Vec<u8>); 4] = [
        (b"IHDR", header),
        (b"PLTE", palette()),
        (b"IDAT", zlib_stored(&rows)),
        (b"IEND", Vec::new()),
    ];
    for (kind, body) in chunks {
        chunk(&mut out, kind, &body).expect("a Vec takes what is written");
    }
    out
}

/// Writes a spectrogram of the sound.
pub fn write_spectrogram(path: &Path, sound: &[Vec<f32>], sample_rate: u32) -> io::Result<()> {
    std::fs::write(path, png(&spectrogram(sound, sample_rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

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
