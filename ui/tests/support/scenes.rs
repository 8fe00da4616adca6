//! Made-up situations: what the window shows when all is well, over budget, lost, without a GPU.

use scumble_ui::axes::FreqAxis;
use scumble_ui::model::*;
use scumble_ui::stroke::{Stroke, StrokeKind, StrokePoint};

use super::host::TestHost;

/// A repeatable random number, 0..1.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn roll(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Columns that look like four bars of a bass, a snare and hats.
pub fn music(columns: usize, bands: usize, axis: Axis) -> Vec<u8> {
    let mut dice = Dice::new(3);
    let axis = FreqAxis::new(axis, 48_000.0);
    let roots = [110.0f32, 146.8, 98.0, 130.8];
    let mut rgba = Vec::with_capacity(columns * bands * 4);
    for c in 0..columns {
        let x = c as f32 / columns as f32;
        let bar = ((x * 4.0) as usize).min(3);
        let in_bar = x * 4.0 - bar as f32;
        let in_half = (x * 8.0).fract();
        let in_eighth = (x * 32.0).fract();
        // No grain from band to band: the committed pictures are to stay small.
        let grain = dice.roll();
        for b in 0..bands {
            let y = b as f32 / bands as f32;
            let hz = axis.hz(y);
            let mut level = 0.13;
            for h in 1..24 {
                let tone = roots[bar] * h as f32;
                let d = (hz / tone).log2() * 12.0;
                let near = (-d * d * 16.0).exp();
                level += near * (0.75 - 0.028 * h as f32) * (1.0 - 0.35 * in_bar);
            }
            if in_half < 0.35 && (x * 8.0) as usize % 2 == 1 {
                level += (0.35 - in_half) * 0.9 * (1.0 - (y - 0.6).abs() * 1.2).max(0.0);
            }
            let d = (hz / 55.0).log2();
            level += (-d * d * 2.0).exp() * (0.22 - in_bar).max(0.0) * 4.2;
            if hz > 6000.0 && in_eighth < 0.8 {
                level += (0.8 - in_eighth) * 0.28 * (0.7 + 0.6 * grain);
            }
            let v = (level.clamp(0.0, 1.0) * 255.0).round() as u8;
            rgba.extend([v, 128, 0, 255]);
        }
    }
    rgba
}

fn history(n: usize, seed: u64, base: f32, spread: f32, spike: f32) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    (0..n)
        .map(|i| {
            let v = base + spread * (dice.roll() - 0.5) + spread * 0.3 * (i as f32 * 0.3).sin();
            if i == n * 3 / 5 { spike } else { v }
        })
        .collect()
}

pub fn stroke(
    id: u64,
    kind: StrokeKind,
    points: &[(f32, f32)],
    radius_time: f32,
    radius_octaves: f32,
) -> Stroke {
    Stroke {
        id,
        kind,
        points: points.iter().map(|&(x, y)| StrokePoint { x, y, pressure: 1.0 }).collect(),
        radius_time,
        radius_octaves,
        strength: 0.8,
        hardness: 0.5,
    }
}

/// The window in the picture, on an axis of even hertz.
pub fn linear() -> TestHost {
    let mut host = healthy();
    host.axis = Axis::Linear;
    *host.columns.borrow_mut() = Some((256, music(1024, 256, host.axis)));
    host
}

/// All is well: the window in the picture.
pub fn healthy() -> TestHost {
    let mut host = TestHost::default();
    host.snapshot = Snapshot {
        engine: EngineView {
            health: Health::Good,
            words: "GPU engaged".into(),
            reason: "Auto chose the GPU: it has met its deadlines for the last minute".into(),
            device: "NVIDIA RTX 4070".into(),
            batched: "6 instances in one submission".into(),
        },
        latency: LatencyView {
            window_samples: 192,
            pipeline_samples: 128,
            measured_ms: Some(0.52),
        },
        stages: std::array::from_fn(|i| StageView {
            p99_ms: [0.01, 0.43, 0.12, 0.01, 0.21][i],
            limit_ms: STAGE_LIMITS_MS[i],
        }),
        round_trip: PlotView {
            history_ms: history(200, 5, 0.32, 0.18, 1.9),
            p50_ms: 0.31,
            p99_ms: 0.52,
            max_ms: 1.90,
            limit_ms: 2.67,
        },
        fence_wait: PlotView {
            history_ms: history(200, 9, 0.1, 0.06, 0.3),
            p50_ms: 0.09,
            p99_ms: 0.12,
            max_ms: 0.31,
            limit_ms: 1.0,
        },
        buffer_mode: BufferMode::Double,
        halves: vec![
            HalfView { role: HalfRole::AudioReads, generation: 48_213 },
            HalfView { role: HalfRole::GpuWrites, generation: 48_214 },
        ],
        queues: vec![
            QueueView { name: "High", used: 1, capacity: 16 },
            QueueView { name: "Medium", used: 4, capacity: 64 },
            QueueView { name: "Low", used: 9, capacity: 64 },
        ],
        counters: Counters {
            swaps: 48_213,
            rescued: 3,
            late: 3,
            gpu_utilisation: 0.11,
            ..Counters::default()
        },
        transport: Transport {
            playing: true,
            position: 0.565,
            length: 16.0,
            unit: TimeUnit::Beats,
            beats_per_bar: 4.0,
            tempo: 120.0,
        },
        sample_rate: 48_000.0,
        block: 128,
        window: 2048,
        hop: 64,
        top_hz: 24_000.0,
    };
    for (id, text) in [
        (ParamId::BlurTime, "180 ms"),
        (ParamId::BlurFreq, "0.35 oct"),
        (ParamId::Diffuse, "12 %"),
        (ParamId::WarpShift, "+40 Hz"),
        (ParamId::CanvasLength, "16"),
    ] {
        host.put(id, text);
    }
    host.strokes = vec![
        stroke(
            1,
            StrokeKind::BlurTime,
            &[(0.29, 6.5), (0.335, 6.95), (0.39, 6.9), (0.45, 7.3)],
            0.055,
            0.9,
        ),
        stroke(
            2,
            StrokeKind::WarpFreq,
            &[(0.585, 3.15), (0.66, 4.0), (0.72, 4.75), (0.77, 5.0)],
            0.033,
            0.55,
        ),
        stroke(3, StrokeKind::ModHigh, &[(0.8, 8.75), (0.875, 8.95), (0.96, 8.75)], 0.04, 0.65),
    ];
    for (name, factory) in [
        ("Default", true),
        ("Fog over the snare", true),
        ("Glass bells", true),
        ("Slow tide", true),
        ("My vocal haze", false),
    ] {
        host.add_preset(name, factory);
    }
    host.preset = "Fog over the snare".into();
    *host.columns.borrow_mut() = Some((256, music(1024, 256, host.axis)));
    host
}

/// Too long a window, and stages beyond their limits.
pub fn over_budget() -> TestHost {
    let mut host = healthy();
    let s = &mut host.snapshot;
    s.engine.health = Health::Caution;
    s.engine.words = "GPU late".into();
    s.engine.reason = "9 of the last 100 blocks came too late and were rescued".into();
    s.latency = LatencyView { window_samples: 768, pipeline_samples: 256, measured_ms: Some(6.1) };
    for (stage, p99) in s.stages.iter_mut().zip([0.4, 6.32, 1.4, 0.3, 1.04]) {
        stage.p99_ms = p99;
    }
    s.round_trip.history_ms = history(200, 6, 4.4, 2.8, 9.0);
    (s.round_trip.p50_ms, s.round_trip.p99_ms) = (4.41, 8.12);
    (s.round_trip.max_ms, s.round_trip.limit_ms) = (12.6, 5.33);
    s.counters.rescued = 1_204;
    s.counters.timeouts = 17;
    s.counters.overflow = 2;
    s.counters.late = 980;
    s.counters.gpu_utilisation = 0.97;
    s.queues[2].used = 64;
    s.window = 2048;
    s.hop = 256;
    host
}

pub fn device_lost() -> TestHost {
    let mut host = healthy();
    let s = &mut host.snapshot;
    s.engine = EngineView {
        health: Health::Bad,
        words: "Device lost, CPU covers".into(),
        reason: "The driver reset the device; it is being taken back".into(),
        device: String::new(),
        batched: "trying again in 2 s".into(),
    };
    for half in &mut s.halves {
        half.role = HalfRole::Idle;
    }
    s.counters.rescued = 212;
    host.messages = vec![scumble_ui::host::Message::error(
        "The GPU was lost. The sound goes on with the CPU engine.",
    )];
    host
}

pub fn no_gpu() -> TestHost {
    let mut host = healthy();
    let s = &mut host.snapshot;
    s.engine = EngineView {
        health: Health::Good,
        words: "CPU engine".into(),
        reason: "No GPU was found".into(),
        device: String::new(),
        batched: String::new(),
    };
    s.latency.pipeline_samples = 0;
    s.latency.measured_ms = None;
    s.halves.clear();
    s.round_trip = PlotView { limit_ms: 2.67, ..PlotView::default() };
    s.fence_wait = PlotView { limit_ms: 1.0, ..PlotView::default() };
    s.stages[1].p99_ms = 0.0;
    s.stages[2].p99_ms = 0.0;
    s.counters = Counters::default();
    host.strokes.clear();
    host
}

/// As many strokes as anyone will paint.
pub fn crowded() -> TestHost {
    let mut host = healthy();
    host.strokes = strokes(500);
    host
}

pub fn strokes(count: u64) -> Vec<Stroke> {
    let mut dice = Dice::new(11);
    (0..count)
        .map(|id| {
            let kind = StrokeKind::ALL[(dice.roll() * 8.9) as usize];
            let (mut x, mut y) = (dice.roll(), dice.roll() * 10.0);
            let points: Vec<(f32, f32)> = (0..6)
                .map(|_| {
                    x += (dice.roll() - 0.4) * 0.03;
                    y = (y + (dice.roll() - 0.5) * 0.6).clamp(0.0, 10.2);
                    (x, y)
                })
                .collect();
            let (rt, ro) = (0.006 + 0.02 * dice.roll(), 0.1 + 0.35 * dice.roll());
            stroke(id + 1, kind, &points, rt, ro)
        })
        .collect()
}
