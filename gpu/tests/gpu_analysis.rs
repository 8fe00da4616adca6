//! Transforms and pictures by the kernels, against the twin (S14, P1, P5): results, not times.
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::sync::Arc;
use std::time::Instant;

use gpu_common::player::Sound;
use gpu_common::tasks::{Device, LONG};
use scumble_dsp::texture::{AutoGain, RowMap};
use scumble_dsp::transform::mel::Measure;
use scumble_dsp::transform::{
    Complex, CqtSpec, GaborSpec, Gamma, MelNorm, MelScale, MelSpec, SliceWindow, StftSpec,
};
use scumble_gpu::compute::cpu::CpuTasks;
use scumble_gpu::compute::{Analysis, Compute, Outcome, Picture, PictureRows, Task, TaskId};
use scumble_gpu::unified::Mapping;

fn sound(samples: usize, rate: f64) -> Arc<[f32]> {
    let mut sound = vec![vec![0.0; samples]];
    if samples > 0 {
        Sound::new(samples as u32, rate).fill(&mut sound);
    }
    sound.remove(0).into()
}

fn flat(outcome: &Outcome) -> Vec<f32> {
    match outcome {
        Outcome::Levels { levels, .. } => levels.clone(),
        Outcome::Values { values, .. } => values.iter().flat_map(|v| [v.re, v.im]).collect(),
        Outcome::Sound(sound) => sound.clone(),
        Outcome::Field(_) | Outcome::Patch(_) => panic!("compared in tests of their own"),
        Outcome::Pixels(pixels) => pixels.iter().map(|&p| f32::from(p)).collect(),
    }
}

/// Largest difference relative to the largest value of the twin's result.
fn difference(device: &Outcome, twin: &Outcome) -> f32 {
    match (device, twin) {
        (Outcome::Levels { shape: a, .. }, Outcome::Levels { shape: b, .. })
        | (Outcome::Values { shape: a, .. }, Outcome::Values { shape: b, .. }) => assert_eq!(a, b),
        (Outcome::Sound(_), Outcome::Sound(_)) | (Outcome::Pixels(_), Outcome::Pixels(_)) => {}
        _ => panic!("not of one kind"),
    }
    let (a, b) = (flat(device), flat(twin));
    assert_eq!(a.len(), b.len());
    assert!(a.iter().all(|x| x.is_finite()));
    let largest = b.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let worst = a.iter().zip(&b).fold(0.0f32, |m, (x, y)| m.max((x - y).abs()));
    if largest == 0.0 { worst } else { worst / largest }
}

const RATES: [f64; 6] = [8_000.0, 22_050.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0];

/// Lengths in seconds that try the ends: nothing, shorter than any window, more than a block.
const SECONDS: [f64; 4] = [0.0, 0.005, 0.3, 1.3];

fn agree(device: &mut Device, name: &str, analyses: &[(f64, Analysis)]) {
    let mut twin = CpuTasks::default();
    let mut worst = 0.0f32;
    for &(rate, analysis) in analyses {
        let mut tasks: Vec<Task> = SECONDS
            .iter()
            .map(|s| Task::Analyse { analysis, sound: sound((s * rate) as usize, rate) })
            .collect();
        tasks.push(Task::Analyse { analysis, sound: vec![0.0; 3000].into() });
        for (task, outcome) in tasks.iter().zip(device.run(&tasks)) {
            let wanted = twin.run(task).expect("the twin has it");
            let error = difference(&outcome, &wanted);
            assert!(error <= 1e-5, "{analysis:?}: {error}"); // S14
            worst = worst.max(error);
        }
        let silence = flat(&twin.run(&tasks[4]).expect("silence"));
        assert!(silence.iter().all(|&x| x == 0.0));
    }
    eprintln!("{name}: at most {worst:.1e} of the largest value");
}

#[test]
fn mel_agrees_with_the_twin_at_every_rate_scale_and_norm() {
    let mut device = Device::new(Mapping::Auto);
    let mut analyses: Vec<_> =
        RATES.iter().map(|&rate| (rate, Analysis::Mel(MelSpec::new(rate)))).collect();
    let mut other = MelSpec::new(44_100.0);
    other.scale = MelScale::Htk;
    other.norm = MelNorm::Peak;
    other.measure = Measure::Magnitude;
    other.bins = 40;
    // 1764 = 4 * 441: passes of 2, 3 and 7.
    other.stft = StftSpec { sample_rate: 44_100.0, window_samples: 1764, hop_samples: 441 };
    analyses.push((44_100.0, Analysis::Mel(other)));
    agree(&mut device, "mel", &analyses);
}

#[test]
fn cqt_and_vqt_agree_with_the_twin_at_every_rate() {
    let mut device = Device::new(Mapping::Auto);
    let mut analyses: Vec<_> =
        RATES.iter().map(|&rate| (rate, Analysis::Cqt(CqtSpec::new(rate)))).collect();
    analyses.push((44_100.0, Analysis::Cqt(CqtSpec::variable(44_100.0))));
    let mut other = CqtSpec::new(44_100.0);
    (other.hop_samples, other.bins_per_octave, other.bins) = (441, 36, 150);
    (other.gamma, other.scaled) = (Gamma::Hz(20.0), false);
    analyses.push((44_100.0, Analysis::Cqt(other.fitted())));
    agree(&mut device, "cqt and vqt", &analyses);
}

#[test]
fn gabor_agrees_with_the_twin_and_comes_back() {
    let mut device = Device::new(Mapping::Auto);
    let analyses: Vec<_> = RATES
        .iter()
        .flat_map(|&rate| {
            let spec = GaborSpec { bins_per_octave: 12, ..GaborSpec::new(rate) };
            let longest = (1.3 * rate) as usize;
            let slices =
                Analysis::Slices { spec, slice_samples: 6_000, window: SliceWindow::Tukey(0.5) };
            [(rate, Analysis::Gabor { spec, longest }), (rate, slices)]
        })
        .collect();
    agree(&mut device, "gabor", &analyses);
    let mut twin = CpuTasks::default();
    let (mut worst, mut lost) = (0.0f32, 0.0f32);
    for &(rate, analysis) in &analyses {
        let sound = sound((0.7 * rate) as usize, rate);
        let there = Task::Analyse { analysis, sound: Arc::clone(&sound) };
        let Outcome::Values { values, .. } = twin.run(&there).expect("there") else {
            panic!("no values")
        };
        let values: Arc<[Complex<f32>]> = values.into();
        let back = Task::Synthesise { analysis, values, samples: sound.len() };
        let wanted = twin.run(&back).expect("back");
        let found = device.run_one(&back);
        let error = difference(&found, &wanted);
        assert!(error <= 1e-5, "{analysis:?} back: {error}"); // S14
        let own = difference(&found, &Outcome::Sound(sound.to_vec()));
        assert!(own <= 1e-5, "{analysis:?}: {own} lost on the way"); // P1
        (worst, lost) = (worst.max(error), lost.max(own));
    }
    eprintln!("gabor back: {worst:.1e} from the twin, {lost:.1e} from the sound");
}

#[test]
fn staged_copies_and_tasks_that_run_together_change_nothing() {
    let mut device = Device::new(Mapping::Staged);
    let rate = 44_100.0;
    let mut twin = CpuTasks::default();
    let tasks: Vec<Task> = (0..6usize)
        .map(|i| {
            let analysis = match i % 3 {
                0 => Analysis::Mel(MelSpec::new(rate)),
                1 => Analysis::Cqt(CqtSpec::new(rate)),
                _ => Analysis::Gabor { spec: GaborSpec::new(rate), longest: 30_000 },
            };
            Task::Analyse { analysis, sound: sound(5_000 * i + 17, rate) }
        })
        .collect();
    for round in 0..3 {
        for (i, (task, outcome)) in tasks.iter().zip(device.run(&tasks)).enumerate() {
            let error = difference(&outcome, &twin.run(task).expect("the twin has it"));
            assert!(error <= 1e-5, "round {round}, task {i}: {error}");
        }
    }
}

/// Portions until the column is there, behind so many long tasks.
fn portions_of_a_column_behind(device: &mut Device, long: TaskId) -> u64 {
    let analysis = Analysis::Cqt(CqtSpec::new(48_000.0));
    let task = Task::Analyse { analysis, sound: sound(96_000, 48_000.0) };
    for id in 1..=long {
        device.0.prepare(id, &task)().expect("there are kernels");
        device.0.start(id);
    }
    let rows = PictureRows::Bins;
    let level = AutoGain::default();
    let picture = Picture { window_samples: 2048, hop_samples: 512, rows, gain: 1e-3, level };
    let column = Task::Picture { picture, sound: sound(2048, 48_000.0) };
    device.0.prepare(0, &column)().expect("there are kernels");
    device.0.start(0);
    let (before, start) = (device.0.portions(), Instant::now());
    let mut ended = Vec::new();
    while !ended.contains(&0) {
        assert!(start.elapsed() < LONG);
        device.0.submit_portion().expect("submits");
        device.0.poll(&mut |id, _| ended.push(id)).expect("polls");
    }
    (1..=long).for_each(|id| device.0.cancel(id));
    device.0.portions() - before
}

// S5
#[test]
fn a_column_waits_for_one_portion_of_each_task_before_it() {
    let mut device = Device::new(Mapping::Auto);
    for long in [0, 1, 8] {
        let portions = portions_of_a_column_behind(&mut device, long);
        assert!(portions <= long + 1, "{portions} portions behind {long} tasks");
    }
}

fn pixels_agree(found: &Outcome, wanted: &Outcome) -> usize {
    let (Outcome::Pixels(found), Outcome::Pixels(wanted)) = (found, wanted) else {
        panic!("no pixels")
    };
    assert_eq!(found.len(), wanted.len());
    let mut lit = 0;
    for (i, (a, b)) in found.chunks_exact(4).zip(wanted.chunks_exact(4)).enumerate() {
        assert!(a[0].abs_diff(b[0]) <= 1, "pixel {i}: {a:?}, the twin has {b:?}"); // P5
        // Where nothing shows, the angle is that of rounding errors; -pi and pi are one.
        let turned = a[1].abs_diff(b[1]);
        assert!(turned.min(255 - turned) <= 1 || b[0] < 32, "pixel {i}: {a:?} for {b:?}");
        assert_eq!(&a[2..], &b[2..]);
        lit += usize::from(b[0] > 100);
    }
    lit
}

#[test]
fn columns_and_whole_textures_are_those_of_the_twin() {
    let mut device = Device::new(Mapping::Auto);
    let mut twin = CpuTasks::default();
    let rate = 48_000.0;
    let mut level = AutoGain::default();
    level.observe(0.1, 0.3);
    let octaves = PictureRows::Mapped(Arc::new(RowMap::new(256, 1025, rate as f32)));
    for rows in [PictureRows::Bins, octaves] {
        let picture =
            Picture { window_samples: 2048, hop_samples: 512, rows, gain: 2.0 / 1024.0, level };
        // A column, several sources' columns at once, and a whole texture of more than one group.
        let tasks = [2048, 2048, 2048, 40_000, 200_000]
            .map(|samples| Task::Picture { picture: picture.clone(), sound: sound(samples, rate) });
        for (task, found) in tasks.iter().zip(device.run(&tasks)) {
            let wanted = twin.run(task).expect("the twin draws");
            let lit = pixels_agree(&found, &wanted);
            assert!(lit > 10, "a dark picture proves nothing");
        }
        let silent = Task::Picture { picture, sound: vec![0.0; 2048].into() };
        let Outcome::Pixels(pixels) = device.run_one(&silent) else { panic!("no pixels") };
        assert!(pixels.chunks_exact(4).all(|p| p[0] == 0 && p[3] == 255));
    }
}

#[test]
fn memory_of_large_tasks_goes_back() {
    let mut device = Device::new(Mapping::Auto);
    let rate = 48_000.0;
    let samples = 2 * rate as usize;
    let analysis = Analysis::Gabor { spec: GaborSpec::new(rate), longest: samples };
    let task = Task::Analyse { analysis, sound: sound(samples, rate) };
    let mut before = 0;
    for round in 0..4 {
        device.run_one(&task);
        let after = device.0.memory_bytes();
        eprintln!("{} KiB after round {round}", after >> 10);
        if round == 0 {
            before = after;
        }
        // S15: constants, and at most one task's buffers for the next.
        assert!(after <= before.max(32 << 20), "{before} became {after}");
    }
}
