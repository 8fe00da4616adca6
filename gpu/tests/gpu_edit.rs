//! Strokes on the spectrogram store by the kernels, against the twin (P2, P4, S14).
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::collections::HashMap;
use std::sync::Arc;

use gpu_common::player::Sound;
use gpu_common::tasks::{Device, strokes};
use scumble_dsp::store::{Edit, Painter, Patch, Store};
use scumble_dsp::{Stroke, StrokeKind, StrokePoint, WindowShape, WindowSpec};
use scumble_gpu::compute::{Outcome, Task};
use scumble_gpu::unified::Mapping;

fn run(device: &mut Device, task: &Task) -> Patch {
    let Outcome::Patch(patch) = device.run_one(task) else { panic!("no patch") };
    patch
}

fn clip(seed: u32, samples: usize) -> Vec<f32> {
    let mut sound = vec![vec![0.0; samples]];
    Sound::new(seed, 48_000.0).fill(&mut sound);
    sound.remove(0)
}

fn largest_of<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().fold(1e-9f32, |most, x| most.max(x.abs()))
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0f32, |worst, (x, y)| worst.max((x - y).abs()))
}

/// Largest difference of a value, relative to the largest of the frames that the edit reads and of
/// the region that it makes.
fn difference(edit: &Edit, found: &Patch, wanted: &Patch) -> f32 {
    assert_eq!(found.roi, wanted.roi);
    let read = largest_of(edit.before.iter().flat_map(|row| row.re.iter().chain(&row.im)));
    let made = largest_of(wanted.re.iter().chain(&wanted.im));
    let off =
        largest_difference(&found.re, &wanted.re).max(largest_difference(&found.im, &wanted.im));
    off / read.max(made)
}

/// Rate, window, hop and samples of clips.
const CLIPS: [(f64, usize, usize, usize); 4] = [
    (48_000.0, 2048, 512, 40_000),
    (44_100.0, 1024, 256, 30_001),
    (192_000.0, 4096, 1024, 60_000),
    (8_000.0, 512, 128, 700),
];

#[test]
fn each_stroke_is_that_of_the_twin_and_sounds_like_it() {
    let mut device = Device::new(Mapping::Auto);
    let mut worst: HashMap<&str, (f32, f32)> = HashMap::new();
    for (seed, (rate, n, h, samples)) in (1..).zip(CLIPS) {
        let spec = WindowSpec::custom(n, n, h, WindowShape::Hann).expect("legal");
        let mut store = Store::new(spec, rate, &clip(seed, samples));
        let mut painter = Painter::new(&spec, rate);
        let strokes = strokes(seed, 27, 0.2);
        for (i, stroke) in strokes.iter().enumerate() {
            let Some(edit) = store.edit(stroke, &strokes[i + 1..]) else { continue };
            let edit = Arc::new(edit);
            let found = run(&mut device, &Task::Edit(Arc::clone(&edit)));
            let wanted = painter.patch(&edit);
            let mut heard = |patch: &Patch| {
                store.write_back(patch);
                store.resynthesise();
                store.output().to_vec()
            };
            let (twin, own) = (heard(&wanted), heard(&found));
            assert!(own.iter().all(|x| x.is_finite())); // P3
            let full_scale = largest_of(&twin).max(1.0);
            let audible = largest_difference(&own, &twin) / full_scale;
            let most = worst.entry(stroke.kind.name()).or_default();
            *most = (most.0.max(difference(&edit, &found, &wanted)), most.1.max(audible));
        }
    }
    assert_eq!(worst.len(), StrokeKind::ALL.len() - 1, "all but the eraser");
    for (kind, (error, audible)) in worst {
        eprintln!("{kind}: {error:.1e} of the largest value, {audible:.1e} of full scale");
        assert!(error <= 1e-5, "{kind}: {error}"); // S14
        assert!(audible <= 1e-4, "{kind}: {audible}"); // S14
    }
}

/// Two stores go their own ways. Without the kinds that choose by the signal: a difference in the last
/// bit may choose otherwise there, for the twin as for the kernels.
#[test]
fn strokes_on_top_of_each_other_add_up_in_their_order() {
    let mut device = Device::new(Mapping::Auto);
    for (seed, (rate, n, h, samples)) in (1..).zip(CLIPS) {
        let spec = WindowSpec::custom(n, n, h, WindowShape::Hann).expect("legal");
        let clip = clip(seed, samples);
        let [mut here, mut twin] = [0, 1].map(|_| Store::new(spec, rate, &clip));
        let mut strokes = strokes(seed, 27, 0.2);
        strokes.retain(|s| !matches!(s.kind, StrokeKind::Freeze | StrokeKind::WarpFreq));
        for (i, stroke) in strokes.iter().enumerate() {
            let later = &strokes[i + 1..];
            twin.apply_before(stroke, later);
            let Some(edit) = here.edit(stroke, later) else { continue };
            here.write_back(&run(&mut device, &Task::Edit(Arc::new(edit))));
        }
        here.resynthesise();
        twin.resynthesise();
        let peak = largest_of(twin.output()).max(1.0);
        let error = largest_difference(here.output(), twin.output()) / peak;
        eprintln!("{rate} Hz: {error:.1e} of full scale, peak {peak:.2}");
        assert!(error <= 1e-4, "{rate} Hz: {error}"); // S14
    }
}

#[test]
fn what_a_stroke_does_not_touch_keeps_its_bits() {
    let mut device = Device::new(Mapping::Staged);
    let spec = WindowSpec::custom(1024, 1024, 256, WindowShape::Hann).expect("legal");
    let mut store = Store::new(spec, 44_100.0, &clip(9, 40_000));
    let point = |x| StrokePoint { x, y: 5.0, pressure: 1.0 };
    // Two dabs far apart, and an eraser that leaves a gap between them.
    let stroke = Stroke {
        id: 1,
        kind: StrokeKind::Gain,
        points: vec![point(0.2), point(0.8)],
        radius_time: 0.05,
        radius_octaves: 0.5,
        strength: -1.0,
        hardness: 1.0,
    };
    let mut eraser = Stroke { kind: StrokeKind::Erase, strength: 1.0, ..stroke.clone() };
    eraser.points = vec![point(0.5)];
    eraser.radius_octaves = 3.0;
    let later = vec![eraser; 60];
    let edit = Arc::new(store.edit(&stroke, &later).expect("paint is left"));
    let gap: Vec<usize> = edit.roi.frames.clone().filter(|f| !edit.touched.contains(f)).collect();
    assert!(!gap.is_empty(), "the eraser leaves a gap");
    store.write_back(&run(&mut device, &Task::Edit(Arc::clone(&edit))));
    let mut other = 0;
    for f in 0..store.frames() {
        let (now, was) = (store.frame(f), store.original(f));
        for k in 0..store.bins() {
            let inside = edit.touched.contains(&f) && edit.roi.bins.contains(&k);
            let same = (now.re[k], now.im[k]) == (was.re[k], was.im[k]);
            assert!(inside || same, "frame {f} bin {k}"); // P4
            other += u32::from(!same);
        }
    }
    assert!(other > 100, "{other} bins changed");
    // An eraser alone has nothing to do, nor has a stroke without points.
    assert!(store.edit(&later[0], &[]).is_none());
    assert!(store.edit(&Stroke { points: Vec::new(), ..stroke }, &[]).is_none());
}
