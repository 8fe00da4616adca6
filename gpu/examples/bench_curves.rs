//! How the engines' cost grows (`cargo xtask bench --only curves`): the CPU's and the GPU's, each the
//! same job table through the same interface, in turns. Prints one JSON object with the curves.
//!
//! The CPU engine computes on one core here, as one audio thread does; a host with several tracks
//! has more. The GPU engine is the adapter that `SCUMBLE_ADAPTER` names.

mod bench_common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_common::{Rig, median, micros, wish};
use scumble_dsp::denormals::FlushDenormals;
use scumble_dsp::{
    Canvas, EffectSettings, Field, FieldSpec, Playhead, Quality, Stroke, StrokeKind, StrokePoint,
    WindowShape, WindowSpec,
};
use scumble_gpu::backend::cpu::CpuBackend;
use scumble_gpu::backend::wgpu::device::Gpu;
use scumble_gpu::backend::wgpu::hops::WgpuBackend;
use scumble_gpu::backend::{Backend, BackendError, SlotSpec};
use scumble_gpu::unified::Mapping;
use serde_json::{Value, json};

const RATE: f64 = 48_000.0;

/// What one point of a curve measures.
#[derive(Clone)]
struct Case {
    window: WindowSpec,
    sessions: usize,
    hops: usize,
    settings: EffectSettings,
    field: Option<Arc<Field>>,
}

impl Case {
    /// A stereo session at Live with blocks of 128, filtered and blurred.
    fn usual() -> Self {
        let settings =
            EffectSettings { low_cut_hz: 100.0, blur_time_ms: 60.0, ..Default::default() };
        let window = WindowSpec::new(Quality::Live, RATE);
        Self { window, sessions: 1, hops: 2, settings, field: None }
    }

    fn spec(&self) -> SlotSpec {
        let Self { window, hops, .. } = *self;
        SlotSpec { window, sample_rate: RATE, channels: 2, max_hops: hops }
    }

    fn rig<B: Backend>(&self, backend: B) -> Result<Rig<B>, BackendError> {
        let mut rig = Rig::new(backend, self.spec(), self.settings, self.sessions, self.hops)?;
        if let Some(field) = &self.field {
            for slot in 0..self.sessions {
                rig.backend.set_field(slot, 0, field)?;
            }
        }
        Ok(rig)
    }

    fn playhead(&self, round: u32) -> Playhead<'_> {
        Playhead {
            position: f64::from(round) * 0.01,
            loop_seconds: 4.0,
            field: self.field.as_deref(),
        }
    }

    /// Microseconds of sound in a block.
    fn sound(&self) -> f64 {
        (self.hops * self.window.h) as f64 / RATE * 1e6
    }
}

struct Bench {
    gpu: Arc<Gpu>,
    /// For one point.
    budget: Duration,
    curves: Vec<Value>,
}

impl Bench {
    /// Share of real time that a block takes, percent: the CPU's, and the GPU's if it has room.
    fn point(&self, case: &Case) -> (f64, Result<f64, BackendError>) {
        let mut cpu = case.rig(CpuBackend::default()).expect("the CPU has room");
        let device = WgpuBackend::new(Arc::clone(&self.gpu), Mapping::Auto);
        let mut gpu = device.and_then(|device| case.rig(device));
        let (mut cpu_times, mut gpu_times) = (Vec::new(), Vec::new());
        self.warm(&mut cpu, case);
        if let Ok(gpu) = &mut gpu {
            self.warm(gpu, case);
        }
        let begun = Instant::now();
        for round in 0u32.. {
            let playhead = case.playhead(round);
            cpu_times.push(cpu.block(0..case.sessions, playhead));
            cpu.advance();
            if let Ok(gpu) = &mut gpu {
                gpu_times.push(gpu.block(0..case.sessions, playhead));
                gpu.advance();
            }
            if round >= 4 && begun.elapsed() > self.budget {
                break;
            }
        }
        let share = |mut times: Vec<f64>| median(&mut times) / case.sound() * 100.0;
        (share(cpu_times), gpu.map(|_| share(gpu_times)))
    }

    /// Plays until the history is full, so that no block meets memory for the first time; not for
    /// ever, where that takes long.
    fn warm<B: Backend>(&self, rig: &mut Rig<B>, case: &Case) {
        let begun = Instant::now();
        for round in 0..(case.spec().history_hops() / case.hops + 2) as u32 {
            rig.block(0..case.sessions, case.playhead(round));
            rig.advance();
            if round >= 2 && begun.elapsed() > 4 * self.budget {
                break;
            }
        }
    }

    /// A curve over `places`, each of which is a case.
    fn curve(&mut self, id: &str, title: &str, x: &str, places: Vec<(f64, Case)>) {
        let (mut cpu, mut gpu, mut note) = (Vec::new(), Vec::new(), None);
        for (place, case) in places {
            let (a, b) = self.point(&case);
            eprintln!("{id}, {place}: CPU {a:.2} %, GPU {b:.2?}");
            cpu.push((place, a));
            match b {
                Ok(b) => gpu.push((place, b)),
                Err(refusal) => {
                    note.get_or_insert(format!(
                        "from {place} on the GPU engine refuses: {refusal}"
                    ));
                }
            }
        }
        self.curves.push(json!({
            "id": id, "title": title, "x": x, "compare": true, "note": note,
            "y": "time that a block takes, % of the block",
            "limit": [100.0, "as long as the block itself"],
            "series": [{"name": "CPU engine", "points": cpu}, {"name": "GPU engine", "points": gpu}],
        }));
    }
}

fn instances(bench: &mut Bench) {
    let places = [1, 2, 4, 8, 16, 32, 64]
        .map(|sessions| (sessions as f64, Case { sessions, ..Case::usual() }));
    let title = "Instances: stereo Live, blocks of 128, low cut and time blur";
    bench.curve("curve-instances", title, "instances", places.to_vec());
}

fn blocks(bench: &mut Bench) {
    let places = [32usize, 64, 128, 256, 512, 1024, 2048, 4096].map(|block| {
        // A hop is the unit of work: where a block is less, a hop is due in some of the blocks.
        let hops = (block / Case::usual().window.h).max(1);
        (block as f64, Case { hops, ..Case::usual() })
    });
    let title = "Block size: stereo Live, a hop is 64 samples, low cut and time blur";
    bench.curve("curve-block", title, "block, samples", places.to_vec());
}

fn transforms(bench: &mut Bench) {
    let places = [512usize, 1024, 2048, 4096, 8192].map(|n| {
        let window = WindowSpec::custom(n, n, n / 4, WindowShape::Hann).expect("legal sizes");
        // As much sound for each.
        (n as f64, Case { window, hops: 8192 / (n / 4), ..Case::usual() })
    });
    let title = "FFT size: stereo, hops of a quarter, 8192 samples at once, low cut and time blur";
    bench.curve("curve-fft", title, "FFT, samples", places.to_vec());
}

fn radii(bench: &mut Bench) {
    let places = [0.0, 10.0, 30.0, 100.0, 300.0, 1000.0].map(|blur| {
        let settings = EffectSettings { blur_time_ms: blur as f32, ..Case::usual().settings };
        (blur, Case { settings, ..Case::usual() })
    });
    let title = "Blur along time: stereo Live, blocks of 128, low cut";
    bench.curve("curve-blur-time", title, "blur, ms", places.to_vec());
    let places = [0.0, 0.05, 0.25, 1.0, 2.0, 4.0].map(|blur| {
        let settings = EffectSettings {
            blur_freq_oct: blur as f32,
            blur_time_ms: 0.0,
            ..Case::usual().settings
        };
        (blur, Case { settings, ..Case::usual() })
    });
    let title = "Blur along frequency: stereo Live, blocks of 128, low cut";
    bench.curve("curve-blur-frequency", title, "blur, octaves", places.to_vec());
}

/// Strokes of every kind but the eraser, scattered over the canvas.
fn canvas(strokes: usize) -> Canvas {
    let kinds: Vec<StrokeKind> =
        StrokeKind::ALL.into_iter().filter(|kind| *kind != StrokeKind::Erase).collect();
    let mut dice = 1u32;
    let mut roll = || {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (dice >> 8) as f32 / 16_777_216.0
    };
    let strokes = (0..strokes).map(|i| {
        let (x, y) = (roll(), 1.0 + 8.0 * roll());
        let point = |t: f32| StrokePoint { x: x + 0.05 * t, y: y + 0.3 * t, pressure: 1.0 };
        Stroke {
            id: i as u64,
            kind: kinds[i % kinds.len()],
            points: [0.0, 0.5, 1.0].map(point).to_vec(),
            radius_time: 0.01,
            radius_octaves: 0.3,
            strength: 0.5,
            hardness: 0.3,
        }
    });
    Canvas { strokes: strokes.collect(), ..Canvas::default() }
}

/// A frame never sees a stroke, only the field; what grows is the painting of the field, which is
/// the control thread's, whichever engine plays.
fn strokes(bench: &mut Bench) {
    let (mut places, mut whole, mut one_more) = (Vec::new(), Vec::new(), Vec::new());
    for count in [0usize, 10, 100, 1000, 10_000] {
        let canvas = canvas(count);
        let start = Instant::now();
        let field = Field::rasterise(&canvas, FieldSpec::new(RATE));
        whole.push((count as f64, micros(start) / 1e3));
        let stroke = self::canvas(1).strokes.remove(0);
        let mut times: Vec<f64> = (0..9)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(field.with_stroke(&stroke));
                micros(start) / 1e3
            })
            .collect();
        one_more.push((count as f64, median(&mut times)));
        places.push((count as f64, Case { field: Some(Arc::new(field)), ..Case::usual() }));
    }
    let title = "Strokes on the canvas: stereo Live, blocks of 128, low cut and time blur";
    bench.curve("curve-strokes", title, "strokes", places);
    bench.curves.push(json!({
        "id": "curve-painting", "title": "Painting the field, on the control thread of either engine",
        "x": "strokes on the canvas", "y": "ms", "compare": false, "limit": null,
        "series": [{"name": "the whole canvas anew", "points": whole},
                   {"name": "one stroke more", "points": one_more}],
    }));
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let gpu = match Gpu::open(&wish()) {
        Ok(gpu) => Arc::new(gpu),
        Err(error) => {
            eprintln!("no curves: {error}");
            println!("[]");
            return;
        }
    };
    eprintln!("adapter: {}", gpu.facts());
    let _flush = FlushDenormals::new();
    let budget = Duration::from_millis(if quick { 120 } else { 1500 });
    let mut bench = Bench { gpu, budget, curves: Vec::new() };
    instances(&mut bench);
    blocks(&mut bench);
    transforms(&mut bench);
    radii(&mut bench);
    strokes(&mut bench);
    println!("{}", json!({"figures": [], "curves": bench.curves}));
}
