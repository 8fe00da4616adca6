//! Bench of the transforms: `cargo run --release -p scumble-dsp --example bench_transforms -- [--quick]`.
//!
//! One JSON array on stdout; medians of interleaved runs, librosa's in a process of its own. What
//! librosa caches or compiles is there before it is timed.

mod bench_common;

use std::hint::black_box;

use bench_common::{Figure, Python, median, noise, seconds, spread};
use scumble_dsp::transform::{
    ColumnStream, Cqt, CqtSpec, CqtView, Gabor, GaborSpec, GaborStream, GaborView, Mel, MelSpec,
    MelView, SliceWindow, SlicedGabor, SpectrogramView, StftSpec, Transform, View,
};

const RATE: f64 = 44_100.0;
const SAMPLES: usize = 2 * 44_100;
const COLUMNS_PER_SECOND: f64 = 60.0;

/// A run of one transform over the clip.
fn run<T: Transform + 'static>(mut transform: T, clip: Vec<f32>) -> Box<dyn FnMut()> {
    let mut out = vec![T::Value::default(); transform.shape(clip.len()).values()];
    Box::new(move || {
        let done = transform.forward(black_box(&clip), black_box(&mut out));
        assert!(done.is_ok(), "{done:?}");
    })
}

fn against_librosa(rounds: usize, figures: &mut Vec<Figure>) {
    let clip = noise(3, SAMPLES);
    // The same windows, bins and hops on both sides: librosa's own defaults.
    let stft = StftSpec { sample_rate: RATE, window_samples: 2048, hop_samples: 512 };
    let mel = Mel::new(MelSpec { stft, ..MelSpec::new(RATE) }).expect("legal");
    let cqt = Cqt::new(CqtSpec::new(RATE)).expect("legal");
    let vqt = Cqt::new(CqtSpec::variable(RATE)).expect("legal");
    let mut contenders = [
        ("mel", 3.0, run(mel, clip.clone())),
        ("cqt", 5.0, run(cqt, clip.clone())),
        ("vqt", 5.0, run(vqt, clip)),
    ];
    let mut python = Python::start("bench_transforms.py");
    if let Err(why) = &python {
        eprintln!("no comparison with librosa: {why}");
    }
    let mut ours: [Vec<f64>; 3] = Default::default();
    let mut theirs: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        for (i, (name, _, run)) in contenders.iter_mut().enumerate() {
            ours[i].push(seconds(run));
            if let Ok(python) = &mut python {
                match python.time(name) {
                    Ok(t) => theirs[i].push(t),
                    Err(why) => eprintln!("{why}"),
                }
            }
        }
    }
    for (i, (name, bar, _)) in contenders.iter().enumerate() {
        let value = median(&mut ours[i]) * 1e3;
        let reference = (!theirs[i].is_empty()).then(|| median(&mut theirs[i]) * 1e3);
        let ratio = reference.map(|r| r / value);
        figures.push(Figure {
            id: format!("{name} 2 s, times faster than librosa"),
            value,
            unit: "ms",
            reference,
            ratio,
            spread: Some(spread(&ours[i])),
            bar: *bar,
            pass: ratio.is_some_and(|r| r >= *bar),
        });
    }
}

/// The share of a core that a stream takes: `work` is given the blocks of `long` seconds of sound.
fn share(long: f64, passes: usize, mut work: impl FnMut(&[f32])) -> f64 {
    let sound = noise(5, (long * RATE) as usize);
    let mut times: Vec<f64> =
        (0..passes).map(|_| seconds(|| sound.chunks(512).for_each(&mut work))).collect();
    median(&mut times) / long * 100.0
}

fn streaming(long: f64, passes: usize, figures: &mut Vec<Figure>) {
    let hop = (RATE / COLUMNS_PER_SECOND).round() as usize;
    let gabor = GaborSpec::new(RATE);
    let views: [(&str, Box<dyn View>); 5] = [
        ("stft", Box::new(SpectrogramView::new(StftSpec::new(RATE)).expect("legal"))),
        ("mel", Box::new(MelView::new(MelSpec::new(RATE)).expect("legal"))),
        ("cqt", Box::new(CqtView::new(CqtSpec::new(RATE)).expect("legal"))),
        ("vqt", Box::new(CqtView::new(CqtSpec::variable(RATE)).expect("legal"))),
        ("gabor", Box::new(GaborView::new(gabor, GaborView::slice_for(&gabor)).expect("legal"))),
    ];
    for (name, view) in views {
        eprintln!("{name}: columns are {:.0} ms late", view.latency_samples() as f64 / RATE * 1e3);
        let mut stream = ColumnStream::new(view, hop).expect("legal");
        let value = share(long, passes, |block| {
            let done = stream.push(block, |levels| {
                black_box(levels);
            });
            assert!(done.is_ok(), "{done:?}");
        });
        let id = format!("{name} view, 60 columns a second");
        figures.push(Figure::limit(&id, value, "% core", 10.0));
    }
    let sliced = SlicedGabor::new(gabor, 16_384, SliceWindow::Hann).expect("legal");
    let mut stream = GaborStream::new(sliced);
    let mut block_out = vec![0.0; 512];
    let value = share(long, passes, |block| {
        let out = &mut block_out[..block.len()];
        out.copy_from_slice(block);
        let done = stream.process(out, |values| {
            black_box(values);
        });
        assert!(done.is_ok(), "{done:?}");
    });
    figures.push(Figure::limit("gabor in slices, there and back", value, "% core", 10.0));
}

/// Root mean square of what does not come back, beside the sound's.
fn lost<T: Transform>(transform: &mut T, sound: &[f32]) -> f64 {
    let values = transform.analyse(sound).expect("fits");
    let mut back = vec![0.0; sound.len()];
    transform.inverse(&values, &mut back).expect("fits");
    let energy = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>();
    let error = energy(&mut back.iter().zip(sound).map(|(a, b)| f64::from(a - b)));
    (error / energy(&mut sound.iter().map(|&x| f64::from(x)))).sqrt()
}

fn reconstruction(rounds: usize, figures: &mut Vec<Figure>) {
    let sound = noise(7, SAMPLES);
    let spec = GaborSpec::new(RATE);
    let mut whole = Gabor::new(spec, SAMPLES).expect("legal");
    let bounds = whole.frame_bounds();
    eprintln!("gabor: frame bounds {:.6} to {:.6}", bounds.lower, bounds.upper);
    let error = lost(&mut whole, &sound);
    figures.push(Figure::limit("gabor 2 s, lost on the way back", error, "relative", 1e-5));
    let mut worst = 0.0f64;
    for slice in [100, 1001, 4096, 16_384, 65_537] {
        let mut sliced = SlicedGabor::new(spec, slice, SliceWindow::Tukey(0.5)).expect("legal");
        let bounds = sliced.frame_bounds();
        eprintln!("slices of {slice}: frame bounds {:.6} to {:.6}", bounds.lower, bounds.upper);
        worst = worst.max(lost(&mut sliced, &sound));
    }
    figures.push(Figure::limit("gabor in slices, lost on the way back", worst, "relative", 1e-5));
    let mut forward = run(whole, sound);
    let mut times: Vec<f64> = (0..rounds).map(|_| seconds(&mut forward)).collect();
    // SPEC P6: 2 s in under 100 ms.
    figures.push(Figure::limit_of("gabor 2 s", &mut times, 1e3, "ms", 100.0));
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let mut figures = Vec::new();
    against_librosa(if quick { 20 } else { 100 }, &mut figures);
    streaming(if quick { 2.0 } else { 10.0 }, if quick { 3 } else { 7 }, &mut figures);
    reconstruction(if quick { 5 } else { 30 }, &mut figures);
    let lines: Vec<String> = figures.iter().map(|f| f.json("transforms")).collect();
    println!("[\n  {}\n]", lines.join(",\n  "));
}
