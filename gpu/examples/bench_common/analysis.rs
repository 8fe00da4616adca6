//! Tasks beside the hops: each on the adapter and by the twin, in the same run, made ready before.

use std::sync::Arc;
use std::time::Instant;

use scumble_dsp::raster::Region;
use scumble_dsp::store::Store;
use scumble_dsp::texture::{AutoGain, RowMap};
use scumble_dsp::transform::{CqtSpec, GaborSpec, MelSpec};
use scumble_dsp::{
    Canvas, Field, FieldSpec, Stroke, StrokeKind, StrokePoint, WindowShape, WindowSpec,
};
use scumble_gpu::backend::wgpu::analysis::WgpuCompute;
use scumble_gpu::backend::wgpu::device::Gpu;
use scumble_gpu::compute::cpu::CpuTasks;
use scumble_gpu::compute::{Analysis, Compute, FieldChange, Picture, PictureRows, Task};
use scumble_gpu::unified::Mapping;

use super::{Report, median, micros};

const RATE: f64 = 44_100.0;

/// From making the task ready (upload, with tables and kernels there) to its result read.
fn on_device(device: &mut WgpuCompute, task: &Task) -> f64 {
    let start = Instant::now();
    device.prepare(1, task)().expect("there are kernels");
    device.start(1);
    loop {
        device.submit_portion().expect("submits");
        let mut ended = None;
        device.poll(&mut |_, aside| ended = Some(aside)).expect("polls");
        if let Some(aside) = ended {
            std::hint::black_box(aside().expect("is read"));
            return micros(start);
        }
    }
}

fn tasks() -> Vec<(&'static str, Task, f64)> {
    let clip: Arc<[f32]> = (0..2 * RATE as usize).map(|i| (i as f32 * 0.037).sin() * 0.5).collect();
    let analyse = |analysis| Task::Analyse { analysis, sound: Arc::clone(&clip) };
    let map = Arc::new(RowMap::new(256, 1025, RATE as f32));
    let picture = |samples: usize| Task::Picture {
        picture: Picture {
            window_samples: 2048,
            hop_samples: 512,
            rows: PictureRows::Mapped(Arc::clone(&map)),
            gain: 2.0 / 1024.0,
            level: AutoGain::default(),
        },
        sound: clip[..samples].into(),
    };
    let stroke = Stroke {
        id: 1,
        kind: StrokeKind::Gain,
        points: [(0.2, 3.0), (0.5, 6.0), (0.7, 4.0)]
            .map(|(x, y)| StrokePoint { x, y, pressure: 1.0 })
            .into(),
        radius_time: 0.03,
        radius_octaves: 0.5,
        strength: -0.7,
        hardness: 0.4,
    };
    let spec = FieldSpec::new(RATE);
    let before = Arc::new(Field::empty(spec));
    let field = |change| Task::Field { before: Arc::clone(&before), change };
    let canvas = Arc::new(Canvas { strokes: vec![stroke.clone(); 20], ..Canvas::default() });
    let all = Region::all(spec.columns);
    let gabor = GaborSpec { bins_per_octave: 24, ..GaborSpec::new(RATE) };
    let longest = clip.len();
    // P6
    vec![
        ("Mel of 2 s", analyse(Analysis::Mel(MelSpec::new(RATE))), 100.0),
        ("CQT of 2 s", analyse(Analysis::Cqt(CqtSpec::new(RATE))), 100.0),
        ("VQT of 2 s", analyse(Analysis::Cqt(CqtSpec::variable(RATE))), 100.0),
        ("Gabor of 2 s", analyse(Analysis::Gabor { spec: gabor, longest }), 100.0),
        ("a column of the spectrogram", picture(2048), 5.0),
        ("a texture of 2 s", picture(clip.len()), 100.0),
        ("one stroke on the field", field(FieldChange::Add(Arc::new(stroke))), 16.0),
        ("a field of 20 strokes", field(FieldChange::Again { canvas, dirty: all }), 320.0),
    ]
}

/// Strokes on the store of two seconds: four tenths of it long, two octaves high.
fn edits() -> Vec<(&'static str, Task)> {
    let clip: Vec<f32> = (0..2 * RATE as usize).map(|i| (i as f32 * 0.037).sin() * 0.5).collect();
    let spec = WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).expect("a valid window");
    let mut store = Store::new(spec, RATE, &clip);
    let point = |x| StrokePoint { x, y: 5.5, pressure: 1.0 };
    let kinds = StrokeKind::ALL.into_iter().filter(|&kind| kind != StrokeKind::Erase);
    let edit = |kind: StrokeKind| {
        let stroke = Stroke {
            id: 1,
            kind,
            points: vec![point(0.35), point(0.65)],
            radius_time: 0.05,
            radius_octaves: 1.0,
            strength: 0.8,
            hardness: 0.5,
        };
        let edit = store.edit(&stroke, &[]).expect("there is paint");
        (kind.name(), Task::Edit(Arc::new(edit)))
    };
    kinds.map(edit).collect()
}

/// One after the other in turns: medians of the adapter and of the twin, ms.
fn both(device: &mut WgpuCompute, twin: &mut CpuTasks, task: &Task, rounds: usize) -> (f64, f64) {
    let (mut adapter, mut cpu) = (Vec::new(), Vec::new());
    for round in 0..rounds + 2 {
        let own = on_device(device, task);
        let start = Instant::now();
        std::hint::black_box(twin.run(task).expect("the twin has it"));
        let other = micros(start);
        if round >= 2 {
            adapter.push(own / 1e3);
            cpu.push(other / 1e3);
        }
    }
    (median(&mut adapter), median(&mut cpu))
}

pub fn run(report: &mut Report, gpu: &Arc<Gpu>, quick: bool) {
    let rounds = if quick { 5 } else { 30 };
    let mut device = WgpuCompute::new(gpu, Mapping::Auto).expect("opens");
    let mut twin = CpuTasks::default();
    for (name, task, floor_ms) in tasks() {
        let (adapter, cpu) = both(&mut device, &mut twin, &task, rounds);
        let (who, ratio) =
            if adapter < cpu { ("adapter", cpu / adapter) } else { ("CPU", adapter / cpu) };
        eprintln!("{name}: CPU {cpu:.3} ms; the {who} is {ratio:.1} times faster");
        report.value(&format!("{name} on the adapter"), "ms", adapter, floor_ms);
    }
    for (name, task) in edits() {
        let (adapter, cpu) = both(&mut device, &mut twin, &task, rounds);
        let id = format!("a stroke on the store, {name}: the adapter beside the CPU");
        report.beside(&id, "ms", adapter, cpu);
        let id = format!("a stroke on the store, {name}, by the faster of the two");
        report.value(&id, "ms", adapter.min(cpu), 16.0); // P6
    }
    eprintln!("portions of these tasks: {}", device.portions());
}
