//! Figures of group `budget` (`cargo xtask bench --only budget`): the 10 ms of SPEC S10 part by part
//! at blocks of 128, 256 and 512, and what load does to the fence: 16 instances, the editor open,
//! both cores busy. Prints one JSON array. The parts are what the plugin itself measures and shows.

mod bench_common;
#[allow(dead_code)]
#[path = "../../gpu/examples/bench_common/pace.rs"]
mod pace;

/// The editor's made-up host, which its own benches and pictures use.
#[allow(dead_code)]
#[path = "../../ui/tests/support"]
mod support {
    pub mod host;
    pub mod scenes;
}

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bench_common::{RATE, at, at_most, noise, play_as_a_host_does, settings, shown};
use egui::{Context, Pos2, RawInput, Rect};
use nice_plug::prelude::Transport;
use scumble::audio::Rule;
use scumble::rig::{Rig, stereo_plan};
use scumble_dsp::Quality;
use scumble_gpu::engine::{Engine, EngineOptions};
use scumble_gpu::sync::{Counter, MetricsSnapshot, Stage};
use scumble_ui::editor::Editor;
use scumble_ui::layout::DEFAULT_SIZE;
use serde_json::Value;

const BLOCKS: [usize; 3] = [128, 256, 512];

/// What a stretch of playing showed.
struct Played {
    /// Of the first instance, without the settling time.
    metrics: MetricsSnapshot,
    /// Milliseconds of all instances' calls for one block.
    calls: Vec<f64>,
}

/// `instances` on the device, paced as a host does, on a thread with the rank of a host's.
fn play(engine: &Engine, block: usize, instances: usize, seconds: f64) -> Played {
    let plan = stereo_plan(Quality::Live, RATE, block, Rule::Engaged);
    let mut rigs: Vec<Rig> =
        (0..instances).map(|_| Rig::on_device(plan, engine).expect("a session")).collect();
    if let Err(reason) = rigs[0].await_device(Duration::from_secs(20)) {
        eprintln!("blocks of {block}: no GPU: {reason}");
    }
    let settle = seconds / 4.0;
    let (settings, transport, noise) = (settings(), Transport::new(RATE), noise(block));
    let period = Duration::from_secs_f64(block as f64 / f64::from(RATE));
    let (mut before, mut calls) = (None, Vec::new());
    let begun = Instant::now();
    let mut pace = pace::Pace::new(period);
    loop {
        pace.wait();
        let elapsed = begun.elapsed().as_secs_f64();
        if elapsed > seconds {
            break;
        }
        if elapsed > settle && before.is_none() {
            before = Some(rigs[0].metrics());
        }
        let start = Instant::now();
        for rig in &mut rigs {
            let (mut left, mut right) = (noise.clone(), noise.clone());
            rig.processor.process(&mut [&mut left, &mut right], &settings, &transport);
        }
        if before.is_some() {
            calls.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let end = rigs[0].metrics();
    let metrics = before.map_or(end, |before| end.since(&before));
    eprintln!(
        "blocks of {block}, {instances} instance(s): {} swaps, {} misses, {} rescues, {} timeouts",
        metrics.count(Counter::BufferSwaps),
        metrics.count(Counter::Misses),
        metrics.count(Counter::Rescues),
        metrics.count(Counter::Timeouts)
    );
    Played { metrics, calls }
}

/// A part's name in the table.
fn part(stage: Stage) -> &'static str {
    match stage {
        Stage::Callback => "audio callback",
        Stage::GpuCompute => "GPU compute",
        Stage::FenceWait => "fence wait",
        Stage::Copy => "buffer copy",
        Stage::Overhead => "overhead",
        Stage::RoundTrip => "round trip",
    }
}

fn figure(id: &str, milliseconds: f64, bar: f64) -> Value {
    at_most("budget", id, (milliseconds, "ms"), None, bar)
}

// S10
fn parts(engine: &Engine, seconds: f64, figures: &mut Vec<Value>) {
    for block in BLOCKS {
        let Played { metrics, .. } = play(engine, block, 1, seconds);
        for line in metrics.budget() {
            let id = format!("blocks of {block}: {}, p99", part(line.stage));
            let limit = line.limit.as_secs_f64() * 1e3;
            // A part that nobody measured is no part that keeps its limit.
            let measured = line.stats.count > 0;
            let p99 = if measured { line.stats.p99.as_secs_f64() * 1e3 } else { f64::NAN };
            figures.push(figure(&id, p99, limit));
        }
        let id = format!("blocks of {block}: latency told to the host, Live");
        let total = metrics.latency.total_ms();
        figures.push(match block {
            // Two blocks of 512 are 10 ms by themselves: nobody promises that.
            512 => shown("budget", &id, (total, "ms"), None),
            _ => figure(&id, total, 10.0),
        });
    }
}

/// Threads that work until they are dropped.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// One thread a core that never rests, and an editor at 60 frames a second.
    fn begin() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut load = Self { stop, threads: Vec::new() };
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
        for _ in 0..cores {
            load.spawn("busy", |stop| {
                let mut value = 1u64;
                while !stop.load(Ordering::Relaxed) {
                    value = std::hint::black_box(value.wrapping_mul(6_364_136_223_846_793_005) + 1);
                }
            });
        }
        load.spawn("editor", draw);
        load
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(&stop));
        self.threads.push(thread.expect("a thread"));
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("it only works");
        }
    }
}

/// The window's whole work but for the graphics card's: layout, painting, triangles.
fn draw(stop: &AtomicBool) {
    let (ctx, mut editor, mut host) =
        (Context::default(), Editor::default(), support::scenes::crowded());
    editor.open(&ctx);
    let screen = Rect::from_min_size(Pos2::ZERO, DEFAULT_SIZE.into());
    for frame in 0u32.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let start = Instant::now();
        host.snapshot.transport.position = (frame as f32 * 0.002).fract();
        let time = Some(f64::from(frame) / 60.0);
        let input = RawInput { screen_rect: Some(screen), time, ..RawInput::default() };
        let mut output = ctx.run_ui(input, |ui| editor.ui(ui, &mut host));
        let shapes = std::mem::take(&mut output.shapes);
        std::hint::black_box(ctx.tessellate(shapes, output.pixels_per_point));
        output.drop_without_applying_deltas();
        std::thread::sleep(Duration::from_micros(16_667).saturating_sub(start.elapsed()));
    }
}

// S9, S10
fn under_load(engine: &Engine, seconds: f64, figures: &mut Vec<Value>) {
    const INSTANCES: usize = 16;
    for block in BLOCKS {
        let load = Load::begin();
        let Played { metrics, mut calls } = play(engine, block, INSTANCES, seconds);
        drop(load);
        let under = format!("under load, 16 instances, blocks of {block}");
        let wait = metrics.stage(Stage::FenceWait).p99.as_secs_f64() * 1e3;
        figures.push(figure(&format!("{under}: fence wait, p99"), wait, 1.0));
        let period = block as f64 / f64::from(RATE) * 1e3;
        let id = format!("{under}: all 16 calls, p99 / block");
        let all = (at(&mut calls, 0.99), "ms");
        // On two cores that are busy already, with a device that needs them too, blocks are rescued:
        // what that costs is worth knowing, and depends on the machine.
        figures.push(shown("budget", &id, all, Some(period)));
    }
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let seconds = if quick { 2.0 } else { 12.0 };
    play_as_a_host_does();
    let engine = Engine::isolated(EngineOptions::default()).expect("an engine");
    let mut figures = Vec::new();
    parts(&engine, seconds, &mut figures);
    under_load(&engine, seconds, &mut figures);
    println!("{}", Value::Array(figures));
}
