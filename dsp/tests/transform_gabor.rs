//! The Gabor frame: sound comes back, and bounds are true (P1).

mod transform_common;

use realfft::num_complex::Complex;
use scumble_dsp::transform::{
    Gabor, GaborSpec, GaborStream, GaborView, Shape, SliceWindow, SlicedGabor, Transform, View,
};
use transform_common::*;

/// Root mean square of the difference beside that of the sound, and the largest difference beside
/// the largest sample: the worse of the two.
fn error(back: &[f32], sound: &[f32]) -> f64 {
    let energy = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>().sqrt();
    let differ = || back.iter().zip(sound).map(|(a, b)| f64::from(a - b));
    let mean = energy(&mut differ()) / energy(&mut sound.iter().map(|&x| f64::from(x)));
    let peak = sound.iter().fold(0.0f64, |m, &x| m.max(f64::from(x.abs())));
    let worst = differ().fold(0.0f64, |m, x| m.max(x.abs())) / peak;
    assert!(mean.is_finite() && worst.is_finite());
    mean.max(worst)
}

fn there_and_back<T: Transform>(transform: &mut T, sound: &[f32]) -> f64 {
    let values = transform.analyse(sound).expect("fits");
    let mut back = vec![f32::NAN; sound.len()];
    transform.inverse(&values, &mut back).expect("fits");
    error(&back, sound)
}

fn specs(rate: f64) -> Vec<GaborSpec> {
    let usual = GaborSpec::new(rate);
    vec![
        usual,
        GaborSpec { bins_per_octave: 12, ..usual },
        GaborSpec { bins_per_octave: 48, low_hz: 200.0, ..usual },
        GaborSpec { bins_per_octave: 5, low_hz: 1000.0, high_hz: 1900.0, ..usual },
        GaborSpec { bins_per_octave: 1, low_hz: 500.0, high_hz: 500.0, ..usual },
        GaborSpec { low_hz: 20.0, high_hz: 0.49 * rate, ..usual },
    ]
}

const BAR: f64 = 1e-5;

#[test]
fn whole_signals_come_back() {
    for rate in [8_000.0, 44_100.0, 96_000.0, 192_000.0] {
        for spec in specs(rate) {
            for len in [1, 2, 777, 30_000] {
                let mut gabor = Gabor::new(spec, len).expect("legal");
                let error = there_and_back(&mut gabor, &noise(1, len));
                assert!(error < BAR, "{spec:?}, {len} samples: {error:.1e}");
            }
        }
    }
    let rate = 44_100.0;
    for (name, sound) in [("music", music(rate, 88_200)), ("speech", speech(rate, 88_200))] {
        let mut gabor = Gabor::new(GaborSpec::new(rate), sound.len()).expect("legal");
        let error = there_and_back(&mut gabor, &sound);
        let bounds = gabor.frame_bounds();
        println!("{name}: {error:.1e}; frame bounds {:.4} to {:.4}", bounds.lower, bounds.upper);
        assert!(error < BAR, "{name}: {error:.1e}");
    }
}

#[test]
fn slices_of_any_length_come_back() {
    let rate = 44_100.0;
    let sound: Vec<f32> =
        speech(rate, 20_000).iter().zip(noise(4, 20_000)).map(|(s, n)| s + 0.1 * n).collect();
    let lengths = (16..40).chain([63, 64, 65, 997, 1000, 1024, 4095, 4096, 8191, 32_768, 65_537]);
    for slice in lengths {
        for window in [SliceWindow::Hann, SliceWindow::Tukey(0.25), SliceWindow::Tukey(0.01)] {
            let spec = GaborSpec { bins_per_octave: 12, ..GaborSpec::new(rate) };
            let mut gabor = SlicedGabor::new(spec, slice, window).expect("legal");
            let error = there_and_back(&mut gabor, &sound);
            assert!(error < BAR, "slices of {slice}, {window:?}: {error:.1e}");
        }
    }
    for spec in specs(8_000.0) {
        for slice in [16, 501, 6000] {
            let mut gabor = SlicedGabor::new(spec, slice, SliceWindow::Hann).expect("legal");
            let error = there_and_back(&mut gabor, &noise(6, 5_000));
            assert!(error < BAR, "{spec:?}, slices of {slice}: {error:.1e}");
        }
    }
}

#[test]
fn streams_come_back_late_by_one_slice() {
    let spec = GaborSpec::new(48_000.0);
    for slice in [1001, 4096] {
        let gabor = SlicedGabor::new(spec, slice, SliceWindow::Hann).expect("legal");
        let mut stream = GaborStream::new(gabor);
        let sound = music(48_000.0, 30_000);
        let mut out = sound.clone();
        let mut at = 0;
        let mut size = 1;
        while at < out.len() {
            let end = (at + size).min(out.len());
            stream.process(&mut out[at..end], |_| {}).expect("fits");
            at = end;
            size = size * 5 % 1999 + 1;
        }
        let late = stream.latency_samples();
        assert!(out[..late].iter().all(|x| x.abs() < 1e-6), "silence before the sound");
        let error = error(&out[late..], &sound[..sound.len() - late]);
        assert!(error < BAR, "slices of {slice}: {error:.1e}");
    }
}

/// Energy of the coefficients, each band weighed by half its hop.
fn weighed(values: &[Complex<f32>], shape: Shape, gabor: &Gabor, n: f64) -> f64 {
    let sum = |part: &[Complex<f32>]| part.iter().map(|c| f64::from(c.norm_sqr())).sum::<f64>();
    let grid = shape.bins * shape.frames;
    let mut energy = gabor.hop_samples() / 2.0 * sum(&values[..grid]);
    // The rests below and above have hops of their own: as many frames as fast sizes allow.
    let bands = gabor.bank().bands();
    let fast =
        |len: usize| (len..).find(|&m| m.is_multiple_of(2) && is_fast(m)).expect("there are some");
    let below = fast(bands[0].len);
    let above = fast(bands[bands.len() - 1].len);
    assert_eq!(below + above, shape.extra);
    energy += n / below as f64 / 2.0 * sum(&values[grid..grid + below]);
    energy += n / above as f64 / 2.0 * sum(&values[grid + below..]);
    energy
}

fn is_fast(mut n: usize) -> bool {
    for p in [2, 3, 5] {
        while n.is_multiple_of(p) {
            n /= p;
        }
    }
    n == 1
}

#[test]
fn the_energy_stays_within_the_frame_bounds() {
    for spec in specs(44_100.0) {
        let mut gabor = Gabor::new(spec, 20_000).expect("legal");
        let bounds = gabor.frame_bounds();
        assert!(bounds.lower >= 0.499, "{spec:?}: {bounds:?}");
        assert!(bounds.ratio() < 4.0, "{spec:?}: {bounds:?}");
        println!("{spec:?}: frame bounds {:.4} to {:.4}", bounds.lower, bounds.upper);
        let shape = gabor.shape(20_000);
        let n = gabor.hop_samples() * shape.frames as f64;
        let constant = vec![0.5; 20_000];
        for sound in [noise(8, 20_000), music(44_100.0, 20_000), constant] {
            let values = gabor.analyse(&sound).expect("fits");
            let given: f64 = sound.iter().map(|&x| f64::from(x).powi(2)).sum();
            let ratio = weighed(&values, shape, &gabor, n) / given;
            let within = ratio >= bounds.lower * 0.9999 && ratio <= bounds.upper * 1.0001;
            assert!(within, "{spec:?}: {ratio} outside {bounds:?}");
        }
    }
}

#[test]
fn a_tone_has_its_amplitude_at_its_bin() {
    let spec = GaborSpec { bins_per_octave: 12, low_hz: 55.0, ..GaborSpec::new(44_100.0) };
    let hz = spec.frequencies_hz()[36];
    let step = std::f64::consts::TAU * hz / 44_100.0;
    let sound: Vec<f32> = (0..60_000).map(|i| (0.5 * (step * i as f64).sin()) as f32).collect();
    let mut gabor = Gabor::new(spec, sound.len()).expect("legal");
    let frames = gabor.shape(sound.len()).frames;
    let values = gabor.analyse(&sound).expect("fits");
    let frame = (30_000.0 / gabor.hop_samples()) as usize;
    let level = f64::from(values[36 * frames + frame].norm());
    assert!((level - 0.5).abs() < 0.002, "{level}");
    let mut view = GaborView::new(spec, 16_384).expect("legal");
    let mut levels = vec![0.0; spec.bins()];
    view.column(&sound[20_000..36_384], &mut levels).expect("fits");
    let largest = levels.iter().fold(0.0f32, |m, &x| m.max(x));
    assert_eq!(levels[36], largest);
    assert!((largest - 0.5).abs() < 0.03, "{largest}");
}

// Slices add up to the whole where the bins ring for less than a slice.
#[test]
fn overlapping_slices_add_up_to_the_whole() {
    let spec = GaborSpec { bins_per_octave: 6, low_hz: 1000.0, ..GaborSpec::new(44_100.0) };
    let sound = music(44_100.0, 40_960);
    let slice = 8192;
    let mut sliced = SlicedGabor::new(spec, slice, SliceWindow::Hann).expect("legal");
    let values = sliced.analyse(&sound).expect("fits");
    let shape = sliced.shape(sound.len());
    let own = sliced.slice_shape().frames;
    // The same frame over one long block has the same windows at the same frequencies.
    let mut whole = SlicedGabor::new(spec, 2 * 65_536, SliceWindow::Tukey(0.01)).expect("legal");
    let mut block = vec![0.0; 2 * 65_536];
    block[65_536 - 20_480..][..sound.len()].copy_from_slice(&sound);
    let long_shape = whole.slice_shape();
    let mut long = vec![Complex::default(); long_shape.values()];
    whole.forward_slice(&block, &mut long).expect("fits");
    let mut worst = 0.0f64;
    for bin in 0..shape.bins {
        for s in 2..8 {
            for j in (0..own / 2).step_by(16) {
                // Sample s * step + j * hop, in the second half of one slice, the first of the next.
                let sum = values[bin * shape.frames + s * own + own / 2 + j]
                    + values[bin * shape.frames + (s + 1) * own + j];
                let sample = (s * slice / 2) as f64 + (j * slice) as f64 / own as f64;
                let place = (sample + 45_056.0) * long_shape.frames as f64 / 131_072.0;
                if place.fract() == 0.0 {
                    let theirs = long[bin * long_shape.frames + place as usize];
                    worst = worst.max(f64::from((sum - theirs).norm()));
                }
            }
        }
    }
    assert!(worst > 0.0 && worst < 1e-3, "{worst:.1e}");
}
