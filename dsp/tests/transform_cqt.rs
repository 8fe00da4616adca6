//! CQT and VQT against their definition, computed directly in f64 (P1, S14).

mod transform_common;

use std::f64::consts::TAU;

use realfft::num_complex::Complex;
use scumble_dsp::transform::{ColumnStream, Cqt, CqtSpec, CqtView, Gamma, Transform, View};
use transform_common::*;

/// One bin's filter: samples `-reach ..= reach` around its time.
fn filter(spec: &CqtSpec, hz: f64, length: f64) -> Vec<Complex<f64>> {
    let reach = (length / 2.0).ceil() as i64 - 1;
    let window = |m: i64| 0.5 + 0.5 * (TAU * m as f64 / length).cos();
    let sum: f64 = (-reach..=reach).map(window).sum();
    let scale = if spec.scaled { length.sqrt() } else { length } / sum;
    (-reach..=reach)
        .map(|m| {
            let angle = -TAU * m as f64 * hz / spec.sample_rate;
            Complex::from_polar(scale * window(m), angle)
        })
        .collect()
}

fn at(signal: &[f32], filter: &[Complex<f64>], time: usize) -> Complex<f64> {
    let start = time as i64 - (filter.len() / 2) as i64;
    let from = (-start).clamp(0, filter.len() as i64) as usize;
    let to = (signal.len() as i64 - start).clamp(from as i64, filter.len() as i64) as usize;
    let mut sum = Complex::default();
    for i in from..to {
        sum += filter[i] * f64::from(signal[(start + i as i64) as usize]);
    }
    sum
}

fn direct(spec: &CqtSpec, signal: &[f32], frames: usize) -> Vec<Complex<f64>> {
    let mut out = Vec::new();
    for (hz, length) in spec.frequencies_hz().into_iter().zip(spec.lengths_samples()) {
        let filter = filter(spec, hz, length);
        out.extend((0..frames).map(|f| at(signal, &filter, f * spec.hop_samples)));
    }
    out
}

/// The largest error beside the largest value, and beside the strongest value of its own bin.
fn errors(spec: CqtSpec, signal: &[f32]) -> (f64, f64) {
    let mut cqt = Cqt::new(spec).expect("a legal transform");
    let shape = cqt.shape(signal.len());
    let ours = cqt.analyse(signal).expect("fits");
    let theirs = direct(&spec, signal, shape.frames);
    let largest = theirs.iter().fold(0.0f64, |m, c| m.max(c.norm()));
    let (mut overall, mut own) = (0.0f64, 0.0f64);
    for (ours, theirs) in ours.chunks(shape.frames).zip(theirs.chunks(shape.frames)) {
        let differ = |(a, b): (&Complex<f32>, &Complex<f64>)| {
            (Complex::new(f64::from(a.re), f64::from(a.im)) - b).norm()
        };
        let error = ours.iter().zip(theirs).map(differ).fold(0.0, f64::max);
        let row = theirs.iter().fold(0.0f64, |m, c| m.max(c.norm()));
        assert!(error.is_finite());
        overall = overall.max(error / largest);
        own = own.max(error / row);
    }
    (overall, own)
}

// The bar is 1e-3 of the largest value.
#[test]
fn two_seconds_agree_with_the_definition() {
    let rate = 44_100.0;
    for (name, sound) in [
        ("noise", noise(1, 88_200)),
        ("music", music(rate, 88_200)),
        ("speech", speech(rate, 88_200)),
    ] {
        for spec in [CqtSpec::new(rate), CqtSpec::variable(rate)] {
            let (overall, own) = errors(spec, &sound);
            println!(
                "{name}, {:?}: {overall:.1e} of the largest, {own:.1e} of its bin",
                spec.gamma
            );
            assert!(overall < 5e-5, "{name}, {:?}: {overall:.1e}", spec.gamma);
            // Also where there is next to nothing but what other bins leave.
            assert!(own < 1e-3, "{name}, {:?}: {own:.1e} of its bin", spec.gamma);
        }
    }
}

#[test]
fn every_rate_grid_and_gamma_agrees_with_the_definition() {
    let base = CqtSpec::new(44_100.0);
    let cases = [
        // Long signals are cut into blocks; the seams must not show.
        (CqtSpec { hop_samples: 2048, ..CqtSpec::new(8_000.0) }, 150_000),
        (CqtSpec { hop_samples: 333, bins: 40, low_hz: 110.0, ..CqtSpec::new(22_050.0) }, 30_000),
        (
            CqtSpec { hop_samples: 4096, low_hz: 200.0, bins: 70, ..CqtSpec::new(192_000.0) },
            100_000,
        ),
        (CqtSpec { bins_per_octave: 36, bins: 216, low_hz: 100.0, ..base }, 20_000),
        (
            CqtSpec { bins_per_octave: 7, bins: 30, low_hz: 333.3, gamma: Gamma::Hz(40.0), ..base },
            9_999,
        ),
        // Filters of a few samples look at all frequencies at once.
        (CqtSpec { bins_per_octave: 1, bins: 4, low_hz: 900.0, ..base }, 4_000),
        (CqtSpec { bins: 1, low_hz: 440.0, scaled: false, ..base }, 9_000),
        (CqtSpec { filter_scale: 0.5, low_hz: 100.0, bins: 60, ..base }, 9_000),
        (CqtSpec { hop_samples: 65_536, ..CqtSpec::variable(96_000.0) }, 200_000),
    ];
    for (spec, len) in cases {
        let sound: Vec<f32> = noise(2, len)
            .iter()
            .zip(music(spec.sample_rate, len))
            .map(|(n, m)| 0.2 * n + m)
            .collect();
        let (overall, own) = errors(spec, &sound);
        println!("{spec:?}: {overall:.1e} of the largest, {own:.1e} of its bin");
        assert!(overall < 1e-3, "{spec:?}: {overall:.1e}");
    }
}

#[test]
fn sound_shorter_than_every_filter_agrees_too() {
    let spec = CqtSpec::new(48_000.0);
    for len in [1, 2, 100, 511, 512] {
        let (overall, _) = errors(spec, &noise(3, len));
        assert!(overall < 1e-4, "{len} samples: {overall:.1e}");
    }
}

#[test]
fn a_column_of_the_view_is_a_frame_of_the_definition() {
    for spec in [CqtSpec::new(44_100.0), CqtSpec::variable(48_000.0)] {
        let sound = music(spec.sample_rate, 60_000);
        let view = CqtView::new(spec).expect("legal");
        let latency = view.latency_samples();
        let hop = (spec.sample_rate / 60.0) as usize;
        let mut stream = ColumnStream::new(view, hop).expect("legal");
        let mut columns: Vec<Vec<f32>> = Vec::new();
        // Blocks of sizes that have nothing to do with the hop.
        let mut rest = &sound[..];
        let mut size = 1;
        while !rest.is_empty() {
            let (block, later) = rest.split_at(size.min(rest.len()));
            stream.push(block, |levels| columns.push(levels.to_vec())).expect("fits");
            rest = later;
            size = size * 7 % 1013 + 1;
        }
        assert_eq!(columns.len(), sound.len() / hop);
        for c in (0..columns.len()).step_by(9) {
            let end = (c + 1) * hop;
            // The filters of columns before the latency's end look at sound before the start.
            let Some(time) = end.checked_sub(latency) else { continue };
            let theirs: Vec<f64> = spec
                .frequencies_hz()
                .into_iter()
                .zip(spec.lengths_samples())
                .map(|(hz, length)| at(&sound, &filter(&spec, hz, length), time).norm())
                .collect();
            let ours = columns[c].iter().map(|&x| f64::from(x));
            let error = relative(ours, &theirs);
            assert!(error < 1e-4, "column {c}: {error:.1e}");
        }
    }
}

#[test]
fn a_tone_stands_out_in_its_own_bin() {
    let spec = CqtSpec::new(44_100.0);
    let hz = spec.frequencies_hz()[45];
    let sound: Vec<f32> =
        (0..88_200).map(|i| (TAU * hz * i as f64 / 44_100.0).sin() as f32).collect();
    let mut cqt = Cqt::new(spec).expect("legal");
    let frames = cqt.shape(sound.len()).frames;
    let out = cqt.analyse(&sound).expect("fits");
    let level = |bin: usize| f64::from(out[bin * frames + frames / 2].norm());
    // Half its amplitude times the square root of the filter's length.
    let expected = 0.5 * spec.lengths_samples()[45].sqrt();
    assert!((level(45) / expected - 1.0).abs() < 1e-3, "{} of {expected}", level(45));
    assert!(level(43) < 0.05 * level(45) && level(47) < 0.05 * level(45));
}
