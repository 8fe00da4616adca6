//! The spectrogram store (P2, P4): regions, strokes in place, undo, resynthesis of what changed.

mod common;

use common::*;
use scumble_dsp::store::{Painter, Store};
use scumble_dsp::texture::AutoGain;
use scumble_dsp::{Stroke, StrokeKind, StrokePoint, WindowShape, WindowSpec};

fn clip_spec() -> WindowSpec {
    WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).expect("legal")
}

fn stroke(kind: StrokeKind, x: (f32, f32), y: (f32, f32)) -> Stroke {
    let point = |x, y| StrokePoint { x, y, pressure: 1.0 };
    Stroke {
        id: 1,
        kind,
        points: vec![point(x.0, y.0), point(x.1, y.1)],
        radius_time: 0.05,
        radius_octaves: 0.7,
        strength: 0.8,
        hardness: 0.5,
    }
}

fn clip() -> Vec<f32> {
    let mut clip = noise(1, 96_000);
    for (x, s) in clip.iter_mut().zip(sine(1000.0, 0.5, 96_000)) {
        *x = 0.1 * *x + s;
    }
    clip
}

/// Everything a stroke changed, as a list of places.
fn changed(store: &Store) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for f in 0..store.frames() {
        let (a, b) = (store.frame(f), store.original(f));
        for k in 0..store.bins() {
            if a.re[k] != b.re[k] || a.im[k] != b.im[k] {
                places.push((f, k));
            }
        }
    }
    places
}

// P2: untouched, it is the clip; from the first sample to the last.
#[test]
fn an_untouched_store_sounds_like_its_clip() {
    for len in [96_000, 95_999, 700, 1] {
        let clip = &clip()[..len];
        let mut store = Store::new(clip_spec(), RATE, clip);
        let all = store.clamp(-5..1_000_000, -5..1_000_000);
        let patch = store.extract(&all);
        store.write_back(&patch);
        assert_eq!(store.resynthesise(), 0..len);
        let error = store.output().iter().zip(clip).map(|(a, b)| (a - b).abs());
        assert!(error.fold(0.0f32, f32::max) < 2e-6, "{len} samples");
    }
}

// P4: clamped at every edge.
#[test]
fn regions_are_clamped_and_come_back_as_they_went() {
    let mut store = Store::new(clip_spec(), RATE, &clip());
    let roi = store.clamp(-10..12, 1000..2000);
    assert_eq!((roi.frames.clone(), roi.bins.clone()), (0..12, 1000..1025));
    let patch = store.extract(&roi);
    assert_eq!(patch.re.len(), 12 * 25);
    store.write_back(&patch);
    assert!(changed(&store).is_empty());
    let outside = store.clamp(5000..6000, -9..-3);
    assert!(outside.is_empty());
    let nothing = store.extract(&outside);
    store.write_back(&nothing);
}

// P4: a stroke changes its region and nothing else; the sound changes there and nowhere else.
#[test]
fn a_stroke_of_any_kind_stays_within_its_region_and_can_be_undone() {
    let clip = clip();
    for kind in StrokeKind::ALL {
        let mut store = Store::new(clip_spec(), RATE, &clip);
        let roi = store.apply(&stroke(kind, (0.4, 0.6), (5.0, 6.2)));
        let places = changed(&store);
        if kind == StrokeKind::Erase {
            assert!(places.is_empty() && roi.is_empty());
            continue;
        }
        assert!(!places.is_empty(), "{}", kind.name());
        for (f, k) in places {
            assert!(roi.frames.contains(&f) && roi.bins.contains(&k), "{} {f} {k}", kind.name());
        }
        let samples = store.resynthesise();
        assert!(samples.start > 20_000 && samples.end < 76_000, "{samples:?}");
        assert!(store.output().iter().all(|x| x.is_finite()));
        assert_eq!(store.output()[..samples.start], clip[..samples.start]);
        assert_eq!(store.output()[samples.end..], clip[samples.end..]);
        let heard = rms(&store.output()[samples.clone()]);
        // Full paint is 24 dB louder; all else changes the level little.
        let most = if kind == StrokeKind::Gain { 16.0 } else { 1.5 };
        assert!(heard < most * rms(&clip), "{}: {heard}", kind.name());
        store.rebuild(&[]);
        store.resynthesise();
        let error = store.output().iter().zip(&clip).map(|(a, b)| (a - b).abs());
        assert!(error.fold(0.0f32, f32::max) < 2e-6, "{} undone", kind.name());
    }
}

// P2, P4: an edit brings along all that it needs, and its patch is what the store makes of it.
#[test]
fn an_edit_taken_out_of_the_store_and_written_back_is_the_stroke() {
    let mut painter = Painter::new(&clip_spec(), RATE);
    for kind in StrokeKind::ALL {
        let (mut out, mut within) = [0, 1].map(|_| Store::new(clip_spec(), RATE, &clip())).into();
        for x in [(0.4, 0.6), (0.5, 1.1)] {
            let stroke = stroke(kind, x, (5.0, 6.2));
            let roi = within.apply(&stroke);
            let Some(edit) = out.edit(&stroke, &[]) else {
                assert!(roi.is_empty() && kind == StrokeKind::Erase);
                continue;
            };
            assert!(painter.fits(&edit));
            assert_eq!(edit.roi, roi);
            out.write_back(&painter.patch(&edit));
        }
        for f in 0..out.frames() {
            let (a, b) = (out.frame(f), within.frame(f));
            let near = |a: &[f32], b: &[f32]| {
                a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + b.abs()))
            };
            assert!(near(&a.re, &b.re) && near(&a.im, &b.im), "{} frame {f}", kind.name());
        }
    }
}

// P4: what resynthesis of the changed part gives is what resynthesis of all would give.
#[test]
fn part_resynthesis_equals_whole_resynthesis() {
    let mut part = Store::new(clip_spec(), RATE, &clip());
    part.apply(&stroke(StrokeKind::Gain, (0.3, 0.5), (4.0, 7.0)));
    part.resynthesise();
    part.apply(&stroke(StrokeKind::BlurTime, (0.45, 0.7), (5.0, 6.0)));
    part.resynthesise();
    let mut whole = Store::new(clip_spec(), RATE, &clip());
    whole.apply_all(&[
        stroke(StrokeKind::Gain, (0.3, 0.5), (4.0, 7.0)),
        stroke(StrokeKind::BlurTime, (0.45, 0.7), (5.0, 6.0)),
    ]);
    let all = whole.clamp(0..1000, 0..5000);
    let patch = whole.extract(&all);
    whole.write_back(&patch);
    whole.resynthesise();
    let error = part.output().iter().zip(whole.output()).map(|(a, b)| (a - b).abs());
    assert!(error.fold(0.0f32, f32::max) < 2e-6);
}

// P4: strokes over the ends of a clip are clamped, not wrapped as in a loop.
#[test]
fn strokes_off_every_edge_do_no_harm() {
    for (x, y) in [
        ((-0.3, 0.05), (3.0, 5.0)),
        ((0.95, 1.4), (3.0, 5.0)),
        ((0.5, 0.5), (-9.0, 40.0)),
        ((-50.0, 50.0), (5.0, 5.0)),
        ((f32::NAN, 0.5), (5.0, f32::INFINITY)),
    ] {
        for kind in StrokeKind::ALL {
            let mut store = Store::new(clip_spec(), RATE, &clip());
            store.apply(&stroke(kind, x, y));
            store.resynthesise();
            assert!(store.output().iter().all(|v| v.is_finite()), "{} {x:?}", kind.name());
            if x.1 < 0.1 {
                assert!(changed(&store).iter().all(|p| p.0 < store.frames() / 2));
            }
        }
    }
    let mut store = Store::new(clip_spec(), RATE, &clip());
    let mut empty = stroke(StrokeKind::Gain, (0.5, 0.5), (5.0, 5.0));
    empty.points.clear();
    assert!(store.apply(&empty).is_empty());
    assert_eq!(store.resynthesise(), 0..0);
}

// P3: looking both ways, a click is blurred to both sides alike.
#[test]
fn blur_in_time_looks_both_ways() {
    let mut clip = vec![0.0; 96_000];
    clip[48_000] = 1.0;
    let mut store = Store::new(clip_spec(), RATE, &clip);
    let mut wide = stroke(StrokeKind::BlurTime, (0.5, 0.5), (6.0, 6.0));
    wide.radius_time = 3.0;
    wide.radius_octaves = 9.0;
    wide.hardness = 1.0;
    store.apply(&wide);
    let energy = |frame: usize| -> f32 { store.frame(frame).mag[100..300].iter().sum() };
    let centre = (0..store.frames()).find(|&f| store.centre(f) >= 48_000).expect("inside");
    let (before, after) = (energy(centre - 5), energy(centre + 5));
    assert!(before > 0.0 && after > 0.0);
    // The click lies a little off the middle of a frame.
    assert!((before / after - 1.0).abs() < 0.6, "{before} {after}");
    // sigma = 0.8 * 0.25 * 0.12 s = 2.25 frames: one sigma and a bit away.
    let sigma = 0.8 * 0.25 * 0.12 * RATE as f32 / 512.0;
    let expected = (-0.5 * (4.0 / sigma).powi(2)).exp();
    let seen = (energy(centre - 4) + energy(centre + 4)) / (2.0 * energy(centre));
    assert!((seen - expected).abs() < 0.15, "{seen} for {expected}");
}

// P3: zero displacement is the identity, a displaced tone is a tone.
#[test]
fn a_warp_in_the_store_moves_a_tone() {
    let mut store = Store::new(clip_spec(), RATE, &sine(1000.0, 0.5, 96_000));
    let mut wide = stroke(StrokeKind::WarpFreq, (0.5, 0.5), (5.64, 5.64));
    wide.radius_time = 3.0;
    wide.radius_octaves = 3.0;
    wide.hardness = 1.0;
    wide.strength = 0.4;
    store.apply(&wide);
    store.resynthesise();
    let heard = &store.output()[24_000..72_000];
    let expected = 1000.0 * 0.1f64.exp2();
    let best = (0..400)
        .map(|i| 1000.0 + f64::from(i) * 0.5)
        .max_by(|a, b| tone(heard, *a).total_cmp(&tone(heard, *b)))
        .expect("not empty");
    assert!((best - expected).abs() < 4.0, "{best} for {expected}");
    assert!(decibels(tone(heard, best) / 0.5) > -1.0);
    assert!(side_products(heard, best, 12.0) < -35.0);
}

// P5
#[test]
fn a_texture_shows_the_tone_and_is_black_in_silence() {
    let mut clip = sine(3000.0, 1.0, 96_000);
    clip[48_000..].fill(0.0);
    let store = Store::new(clip_spec(), RATE, &clip);
    let roi = store.clamp(0..10_000, 0..1024);
    let mut out = vec![0; roi.frames.len() * roi.bins.len() * 4];
    store.texture(&roi, &AutoGain::default(), &mut out);
    let pixel = |f: usize, k: usize| &out[4 * (f * 1024 + k)..][..4];
    let tone = pixel(40, 128);
    assert!(tone[0] >= 253 && tone[2] == 0 && tone[3] == 255, "full scale is full: {tone:?}");
    assert!(pixel(40, 600)[0] < 60);
    assert_eq!(pixel(150, 128)[0], 0);
}

// An eraser takes away the paint of the strokes before it, and of no stroke after it.
#[test]
fn what_is_erased_is_as_if_it_had_not_been_painted() {
    let paint = |kind, x: f32| Stroke { radius_time: 0.02, ..stroke(kind, (x, x), (5.5, 5.5)) };
    let mut eraser = stroke(StrokeKind::Erase, (0.2, 0.4), (5.5, 5.5));
    (eraser.strength, eraser.hardness) = (1.0, 1.0);
    (eraser.radius_time, eraser.radius_octaves) = (0.05, 3.0);
    let (gone, kept) = (paint(StrokeKind::Gain, 0.3), paint(StrokeKind::Gain, 0.7));
    let again = paint(StrokeKind::WarpFreq, 0.3);
    // A pass of the eraser leaves a two hundredth.
    let erasers = vec![eraser; 4];
    let strokes = |before: &[&Stroke], after: &[&Stroke]| -> Vec<Stroke> {
        let after = after.iter().copied().cloned();
        before.iter().copied().cloned().chain(erasers.clone()).chain(after).collect()
    };
    let mut erased = Store::new(clip_spec(), RATE, &clip());
    erased.apply_all(&strokes(&[&gone, &kept], &[]));
    let mut never = Store::new(clip_spec(), RATE, &clip());
    never.apply_all(std::slice::from_ref(&kept));
    let same = |a: &Store, b: &Store| (0..a.frames()).all(|f| a.frame(f) == b.frame(f));
    assert!(same(&erased, &never));
    never.apply_all(std::slice::from_ref(&again));
    erased.rebuild(&strokes(&[&gone, &kept], &[&again]));
    assert!(same(&erased, &never));
    erased.rebuild(&[gone, kept, again]);
    assert!(!same(&erased, &never));
}
