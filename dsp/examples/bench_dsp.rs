//! Bench of the sound: `cargo run --release -p scumble-dsp --example bench_dsp -- [--quick]`.
//!
//! One JSON array on stdout; medians of interleaved runs. Hops are timed one by one; a hop's time is
//! the least of several passes over the same input, which a twin, being pure, repeats exactly: so
//! the worst hop is the work's worst, not the machine's.

mod bench_common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bench_common::{Figure, Python, median, noise, seconds, spread};
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use rustfft::FftPlanner;
use scumble_dsp::batch::Batch;
use scumble_dsp::stft::Stft;
use scumble_dsp::store::Store;
use scumble_dsp::texture::{self, AutoGain};
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, Framer, Playhead, Quality, Stroke, StrokeKind, StrokePoint,
    Twin, WindowShape, WindowSpec,
};

const RATE: f64 = 48_000.0;

fn all_knobs() -> EffectSettings {
    EffectSettings {
        blur_time_ms: 60.0,
        blur_freq_oct: 0.1,
        diffuse: 0.3,
        shift_hz: 31.0,
        stretch: 1.07,
        low_cut_hz: 60.0,
        high_cut_hz: 15_000.0,
        mod_low_hz: 2.0,
        mod_high_hz: 20.0,
        freeze: true,
        ..Default::default()
    }
}

/// A stroke whose dabs number 200.
fn stroke(kind: StrokeKind, id: u64) -> Stroke {
    let points = (0..50)
        .map(|i| {
            let t = i as f32 / 49.0;
            let y = 4.0 + 1.5 * (t * 9.0).sin();
            StrokePoint { x: 0.15 + 0.7 * t, y, pressure: 0.5 + 0.5 * t }
        })
        .collect();
    let mut stroke = Stroke {
        id,
        kind,
        points,
        radius_time: 0.03,
        radius_octaves: 0.5,
        strength: 0.8,
        hardness: 0.3,
    };
    // The radii scale the spacing: find those that make the number.
    for _ in 0..60 {
        let ratio = (stroke.dabs().len() as f32 / 200.0).sqrt();
        stroke.radius_time *= ratio;
        stroke.radius_octaves *= ratio;
    }
    stroke
}

/// Seconds of each hop of a stereo twin over `seconds`, the least of `passes`.
fn hops(
    settings: impl Fn(usize) -> EffectSettings,
    field: Option<&Arc<Field>>,
    seconds: f64,
    passes: usize,
) -> Vec<f64> {
    let spec = WindowSpec::new(Quality::Live, RATE);
    let count = (seconds * RATE) as usize / spec.h;
    let input = [noise(1, count * spec.h), noise(2, count * spec.h)];
    let mut best = vec![f64::INFINITY; count];
    let mut twin = Twin::new(spec, RATE, 2, 0);
    if let Some(field) = field {
        drop(twin.set_field(0, Arc::clone(field)));
    }
    let (mut left, mut right) = (vec![0.0; spec.h], vec![0.0; spec.h]);
    for _ in 0..passes {
        let mut framer = Framer::new(spec, RATE);
        twin.reset();
        for n in 0..count {
            let at = n * spec.h..(n + 1) * spec.h;
            let position = n as f64 * spec.h as f64 / RATE / 4.0;
            let playhead = Playhead { position, loop_seconds: 4.0, field: field.map(|f| &**f) };
            let start = Instant::now();
            let params = framer.next(&settings(n), playhead);
            twin.push(n as u64, &[&input[0][at.clone()], &input[1][at]], &params);
            twin.process_hop(n as u64, &mut [&mut left, &mut right]).expect("pushed");
            best[n] = best[n].min(start.elapsed().as_secs_f64());
        }
    }
    best
}

fn stft(rounds: usize, figures: &mut Vec<Figure>) {
    let spec = WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).expect("legal sizes");
    let clip = noise(3, 2 * 44_100);
    let mut ours = Stft::new(&spec);
    let (frames, bins) = (ours.frames(clip.len()), ours.bins());
    let mut out = vec![Complex::default(); frames * bins];
    let window = spec.windows().analysis;
    let plan = RealFftPlanner::<f32>::new().plan_fft_forward(2048);
    let (mut time, mut scratch) = (plan.make_input_vec(), plan.make_scratch_vec());
    let mut bare_out = out.clone();
    // A complex transform of the same length: what a loop over bare rustfft does.
    let complex_plan = FftPlanner::<f32>::new().plan_fft_forward(2048);
    let mut complex_out = out.clone();
    let mut complex_row = vec![Complex::default(); 2048];
    let mut complex_scratch = vec![Complex::default(); complex_plan.get_inplace_scratch_len()];
    let mut python = Python::start("bench_stft.py");
    if let Err(why) = &python {
        eprintln!("no comparison with librosa, scipy and pyFFTW: {why}");
    }
    let mut times: [Vec<f64>; 6] = Default::default();
    for _ in 0..rounds {
        times[0].push(seconds(|| ours.forward(black_box(&clip), black_box(&mut out))));
        times[1].push(seconds(|| {
            for (f, row) in bare_out.chunks_exact_mut(bins).enumerate() {
                for ((t, x), w) in time.iter_mut().zip(&clip[f * 512..]).zip(&window) {
                    *t = x * w;
                }
                let done = plan.process_with_scratch(&mut time, row, &mut scratch);
                black_box(done.is_ok());
            }
            black_box(&mut bare_out);
        }));
        times[2].push(seconds(|| {
            for (f, row) in complex_out.chunks_exact_mut(bins).enumerate() {
                for ((c, x), w) in complex_row.iter_mut().zip(&clip[f * 512..]).zip(&window) {
                    *c = Complex { re: x * w, im: 0.0 };
                }
                complex_plan.process_with_scratch(&mut complex_row, &mut complex_scratch);
                row.copy_from_slice(&complex_row[..bins]);
            }
            black_box(&mut complex_out);
        }));
        if let Ok(python) = &mut python {
            for (i, name) in ["pyfftw", "scipy", "librosa"].into_iter().enumerate() {
                match python.time(name) {
                    Ok(t) => times[3 + i].push(t),
                    Err(why) => eprintln!("{why}"),
                }
            }
        }
    }
    assert!(out == bare_out, "both must do the same work");
    let apart = out.iter().zip(&complex_out).map(|(a, b)| (a - b).norm()).fold(0.0, f32::max);
    assert!(apart < 1e-2, "all must do the same work: {apart} apart");
    let value = median(&mut times[0]) * 1e3;
    let spread = Some(spread(&times[0]));
    let mut compare = |id: &str, times: &mut Vec<f64>, bar: f64, faster: bool| {
        let reference = (!times.is_empty()).then(|| median(times) * 1e3);
        let ratio = reference.map(|r| if faster { r / value } else { value / r });
        let pass = ratio.is_some_and(|r| if faster { r >= bar } else { r <= bar });
        let id = id.into();
        figures.push(Figure { id, value, unit: "ms", reference, ratio, spread, bar, pass });
    };
    let [_, bare, complex, pyfftw, scipy, librosa] = &mut times;
    compare("stft 2 s over a bare loop of realfft", bare, 1.15, false);
    compare("stft 2 s over a bare loop of rustfft", complex, 1.0, false);
    compare("stft 2 s over pyFFTW", pyfftw, 1.0, false);
    compare("stft 2 s, times faster than scipy", scipy, 1.0, true);
    compare("stft 2 s, times faster than librosa", librosa, 3.0, true);
}

fn painted() -> Arc<Field> {
    let mut field = Field::empty(FieldSpec::new(RATE));
    for (i, kind) in StrokeKind::ALL.into_iter().enumerate() {
        // Erasing paint would make less work.
        if kind != StrokeKind::Erase {
            field = field.with_stroke(&stroke(kind, i as u64));
        }
    }
    Arc::new(field)
}

fn twin(long: f64, passes: usize, figures: &mut Vec<Figure>) {
    let hop_seconds = WindowSpec::new(Quality::Live, RATE).h as f64 / RATE;
    let share =
        |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64 / hop_seconds * 100.0;
    let neutral = EffectSettings::default();
    let still = hops(|_| neutral, None, long, passes);
    figures.push(Figure::limit("twin at Live, stereo, neutral", share(&still), "% core", 1.5));
    // The same sound the long way: transforms and back, and a gain of one.
    let through = hops(|_| EffectSettings { low_cut_hz: 1e-3, ..neutral }, None, long, passes);
    figures.push(Figure::limit(
        "twin at Live, stereo, through the transforms unchanged",
        share(&through),
        "% core",
        1.5,
    ));
    // Everything on from the first second on, so that the change itself is among the hops.
    let field = painted();
    let all = hops(|n| if n < 750 { neutral } else { all_knobs() }, Some(&field), long, passes);
    let mut all = all[750..].to_vec();
    let worst = all.iter().copied().fold(0.0, f64::max);
    figures.push(Figure::limit(
        "twin at Live, stereo, all effects and all paint",
        share(&all),
        "% core",
        10.0,
    ));
    let typical = median(&mut all);
    figures.push(Figure {
        id: "twin, worst hop over median hop".into(),
        value: worst * 1e6,
        unit: "us",
        reference: Some(typical * 1e6),
        ratio: Some(worst / typical),
        spread: None,
        bar: 4.0,
        pass: worst <= 4.0 * typical,
    });
    for (name, settings, paint) in [
        ("low cut", EffectSettings { low_cut_hz: 60.0, ..neutral }, false),
        ("time blur", EffectSettings { blur_time_ms: 60.0, ..neutral }, false),
        ("modulation low cut", EffectSettings { mod_low_hz: 2.0, ..neutral }, false),
        ("frequency blur", EffectSettings { blur_freq_oct: 0.1, ..neutral }, false),
        ("diffuse", EffectSettings { diffuse: 0.3, ..neutral }, false),
        ("shift", EffectSettings { shift_hz: 100.0, ..neutral }, false),
        ("stretch", EffectSettings { stretch: 1.1, ..neutral }, false),
        ("freeze", EffectSettings { freeze: true, ..neutral }, false),
        ("paint of all kinds", neutral, true),
        ("all knobs", all_knobs(), false),
    ] {
        let times = hops(|_| settings, paint.then_some(&field), long / 2.0, 2);
        eprintln!("twin, {name}: {:.2} % of one core", share(&times));
    }
}

fn painting(rounds: usize, figures: &mut Vec<Figure>) {
    let brush = stroke(StrokeKind::Gain, 1);
    eprintln!("the stroke has {} dabs", brush.dabs().len());
    let before = painted();
    let clip: Vec<f32> = noise(5, 2 * 44_100);
    let spec = WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).expect("legal sizes");
    let mut store = Store::new(spec, 44_100.0, &clip);
    let (rows, columns) = (512, 1024);
    let magnitude: Vec<f32> = noise(6, rows * columns).iter().map(|x| x.abs()).collect();
    let phase: Vec<f32> = noise(7, rows * columns).iter().map(|x| x * 6.0).collect();
    let mut pixels = vec![0; 4 * rows * columns];
    let auto_gain = AutoGain::default();
    let mut times: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        times[0].push(seconds(|| drop(black_box(before.with_stroke(black_box(&brush))))));
        for (i, kind) in [StrokeKind::Gain, StrokeKind::BlurTime].into_iter().enumerate() {
            let brush = stroke(kind, 2);
            times[1 + i].push(seconds(|| {
                black_box(store.apply(black_box(&brush)));
                black_box(store.resynthesise());
            }));
            store.rebuild(&[]);
            store.resynthesise();
        }
        times[3].push(seconds(|| {
            texture::draw(1.0, &auto_gain, black_box(&magnitude), &phase, black_box(&mut pixels));
        }));
        times[4].push(seconds(|| {
            texture::draw_complex(
                1.0,
                &auto_gain,
                black_box(&magnitude),
                &phase,
                black_box(&mut pixels),
            );
        }));
    }
    let mut limit = |id, i: usize, bar| {
        figures.push(Figure::limit_of(id, &mut times[i], 1e3, "ms", bar));
    };
    limit("stroke of 200 dabs into the field", 0, 2.0);
    limit("gain stroke of 200 dabs on a store of 2 s, with its sound", 1, 8.0);
    limit("blur stroke of 200 dabs on a store of 2 s, with its sound", 2, 8.0);
    limit("texture of 1024 x 512 from magnitude and phase", 3, 1.0);
    limit("texture of 1024 x 512 from a complex spectrum", 4, 1.0);
}

/// A note, no bar: a rescue by a twin that has computed nothing for a quarter of a second, all
/// effects on. It makes up for all the spectra that the effects look back at.
fn cold() {
    let spec = WindowSpec::new(Quality::Live, RATE);
    let input = [noise(1, 4000 * spec.h), noise(2, 4000 * spec.h)];
    let mut twin = Twin::new(spec, RATE, 2, 0);
    let mut framer = Framer::new(spec, RATE);
    let settings = EffectSettings { freeze: false, ..all_knobs() };
    let (mut left, mut right) = (vec![0.0; spec.h], vec![0.0; spec.h]);
    let mut times = Vec::new();
    for n in 0..4000 {
        let at = n * spec.h..(n + 1) * spec.h;
        let params = framer.next(&settings, Playhead::default());
        twin.push(n as u64, &[&input[0][at.clone()], &input[1][at]], &params);
        if n % 188 == 187 {
            times.push(seconds(|| {
                twin.process_hop(n as u64, &mut [&mut left, &mut right]).expect("pushed");
            }));
        }
    }
    let hop = spec.h as f64 / RATE;
    let typical = median(&mut times);
    eprintln!(
        "cold rescue of a hop: {:.0} us, {:.0} % of its time",
        typical * 1e6,
        typical / hop * 100.0
    );
}

/// A note, no bar: what the second core brings to whole files.
fn batch() {
    let spec = WindowSpec::new(Quality::Live, RATE);
    let count = (4.0 * RATE) as usize / spec.h;
    let input = [noise(1, count * spec.h), noise(2, count * spec.h)];
    let mut framer = Framer::new(spec, RATE);
    let settings = EffectSettings { freeze: false, ..all_knobs() };
    let params: Vec<_> = (0..count).map(|_| framer.next(&settings, Playhead::default())).collect();
    let batch = Batch {
        spec,
        sample_rate: RATE,
        input: &[&input[0], &input[1]],
        params: &params,
        fields: [None, None],
    };
    let one = seconds(|| drop(black_box(batch.render(1))));
    let two = seconds(|| drop(black_box(batch.render(2))));
    eprintln!("batch of 4 s stereo: one core {one:.3} s, two cores {two:.3} s");
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let mut figures = Vec::new();
    stft(if quick { 50 } else { 200 }, &mut figures);
    twin(if quick { 4.0 } else { 8.0 }, if quick { 6 } else { 10 }, &mut figures);
    painting(if quick { 20 } else { 60 }, &mut figures);
    cold();
    batch();
    let lines: Vec<String> = figures.iter().map(|f| f.json("dsp")).collect();
    println!("[\n  {}\n]", lines.join(",\n  "));
}
