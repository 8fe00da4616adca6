//! What the encoder writes, symphonia reads back to the bit, checksums and digest included.

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::*;

fn random(seed: u32) -> impl FnMut() -> i32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as i32
    }
}

/// Every kind of frame: silence, steps, tones, noise, extremes, and runs of each.
fn sound(channels: usize, bits: u32, samples: usize) -> Vec<Vec<i32>> {
    let (low, high) = (-(1i32 << (bits - 1)), (1i32 << (bits - 1)) - 1);
    let tone = |i: usize, hz: f64| (high as f64 * 0.9 * (i as f64 * hz / 7639.4).sin()) as i32;
    (0..channels)
        .map(|c| {
            let mut next = random(c as u32 / 2);
            let kind = |i: usize| match (i / 5000) % 8 {
                0 => 0,
                1 => tone(i, 440.0 * (c + 1) as f64),
                2 => next() >> (32 - bits),
                3 => [low, high][i % 2],
                4 => high,
                5 => tone(i, 90.0) + (next() >> (36 - bits + 2)),
                6 if next() % 97 == 0 => next() >> (32 - bits),
                6 => 3,
                _ => ((i * i) as i32 & 0xFF) - 128,
            };
            (0..samples).map(kind).map(|s| s.clamp(low, high)).collect()
        })
        .collect()
}

/// The file's samples, and whether its digest was right.
fn read_back(file: Vec<u8>, bits: u32) -> (Vec<Vec<i32>>, Option<bool>) {
    let stream = MediaSourceStream::new(Box::new(std::io::Cursor::new(file)), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .expect("a FLAC file");
    let track = format.default_track(TrackType::Audio).expect("a track");
    let params = track.codec_params.as_ref().and_then(|p| p.audio()).expect("a codec");
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default().verify(true))
        .expect("a decoder");
    let mut channels: Vec<Vec<i32>> = Vec::new();
    let mut planes: Vec<Vec<i32>> = Vec::new();
    while let Some(packet) = format.next_packet().expect("a whole file") {
        let decoded = decoder.decode(&packet).expect("a sound frame");
        decoded.copy_to_vecs_planar(&mut planes);
        channels.resize(planes.len(), Vec::new());
        for (channel, plane) in channels.iter_mut().zip(&planes) {
            // The decoder gives 32 bits, ours at the top.
            channel.extend(plane.iter().map(|s| s >> (32 - bits)));
        }
    }
    let verdict = decoder.finalize().verify_ok;
    (channels, verdict)
}

fn encoded(channels: &[Vec<i32>], rate: u32, bits: u32) -> Vec<u8> {
    let mut file = Vec::new();
    write(channels, rate, bits, &mut file).expect("written");
    file
}

#[test]
fn a_file_comes_back_to_the_bit() {
    for bits in [16, 24] {
        for channels in [1, 2, 3, 8] {
            for samples in [1, 5, 15, 16, 4095, 4096, 4097, 45_001] {
                let sound = sound(channels, bits, samples);
                let (back, digest_is_right) = read_back(encoded(&sound, 48_000, bits), bits);
                let what = format!("{bits} bits, {channels} channels, {samples} samples");
                assert!(back == sound, "{what}");
                assert_eq!(digest_is_right, Some(true), "{what}");
            }
        }
    }
}

#[test]
fn a_long_file_numbers_its_frames() {
    // Numbers of one, two and three bytes.
    let samples: Vec<i32> = (0..4096 * 2100).map(|i| (i % 13) - 6).collect();
    let (back, digest_is_right) =
        read_back(encoded(std::slice::from_ref(&samples), 44_100, 16), 16);
    assert!(back[0] == samples);
    assert_eq!(digest_is_right, Some(true));
}

#[test]
fn a_changed_byte_is_noticed() {
    // That the test above can fail: the checks are real.
    let sound = sound(2, 16, 20_000);
    let mut file = encoded(&sound, 48_000, 16);
    let at = file.len() / 2;
    file[at] ^= 0x10;
    let told = std::panic::catch_unwind(|| read_back(file, 16));
    assert!(told.is_err() || told.is_ok_and(|(back, right)| back != sound && right != Some(true)));
}

#[test]
fn sound_takes_less_room_and_noise_hardly_more() {
    for bits in [16, 24] {
        let mut next = random(9);
        let noise = vec![(0..50_000).map(|_| next() >> (32 - bits)).collect::<Vec<i32>>(); 1];
        let raw = 50_000 * bits as usize / 8;
        let size = encoded(&noise, 48_000, bits).len();
        assert!(size < raw + raw / 100, "{bits} bits of noise: {size} for {raw}");
        let tone = |i: i32| (f64::from(i) * 0.05).sin() * f64::from(1 << (bits - 2));
        let tone = vec![(0..50_000).map(|i| tone(i) as i32).collect::<Vec<i32>>(); 2];
        let size = encoded(&tone, 48_000, bits).len();
        assert!(size < 2 * raw * 2 / 5, "{bits} bits of a tone: {size} for {}", 2 * raw);
    }
}

#[test]
fn what_flac_cannot_hold_is_refused() {
    for (channels, rate, bits) in
        [(0, 48_000, 16), (9, 48_000, 16), (1, 2_000_000, 16), (1, 48_000, 32)]
    {
        let sound = vec![vec![0; 10]; channels];
        assert!(write(&sound, rate, bits, &mut Vec::new()).is_err());
    }
}
