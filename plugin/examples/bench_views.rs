//! Figures of group `views` (`cargo xtask bench --only views`): what the canvas's axes cost while
//! they follow the sound (P1), and that they make no hop late. Prints one JSON array.

mod bench_common;
#[path = "../../gpu/examples/bench_common/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "../../gpu/examples/bench_common/pace.rs"]
mod pace;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench_common::{RATE, at_most, noise, play_as_a_host_does, settings};
use nice_plug::prelude::Transport;
use scumble::audio::{Rule, stretch_samples, tap};
use scumble::rig::{Rig, stereo_plan};
use scumble::spectrogram::Columnist;
use scumble_dsp::Quality;
use scumble_gpu::engine::{ControlEnd, Engine, EngineOptions};
use scumble_gpu::sync::{Counter, MetricsSnapshot};
use scumble_ui::model::{AXES, Axis, Source};
use serde_json::Value;

const BLOCK: usize = 128;
/// The columns a second that the bar is about.
const COLUMNS: f64 = 60.0;

/// The share of a core that an axis takes without an engine, at 60 columns a second.
fn on_the_cpu(axis: Axis, seconds: f64) -> f64 {
    let stretch = stretch_samples(RATE);
    let (mut tap, watch) = tap(RATE);
    let mut columnist = Columnist::new(watch, stretch, RATE);
    columnist.set_watched(true);
    let sound = noise(16 * stretch);
    let silence = [vec![0.0; sound.len()]];
    let (mut spent, mut columns) = (Duration::ZERO, 0u32);
    let parts = (seconds * f64::from(RATE) / sound.len() as f64).ceil() as u32;
    for part in 0..parts + 2 {
        let mut wet = sound.clone();
        let all = 0..wet.len();
        tap.take(&silence, 0, &[&mut wet], all, || (0.5, 0.01));
        let begun = Instant::now();
        // The first two make tables, and fill what the axis looks at.
        columnist.take(Source::Output, axis, None, &mut |_| columns += u32::from(part >= 2));
        if part >= 2 {
            spent += begun.elapsed();
        }
    }
    100.0 * COLUMNS * spent.as_secs_f64() / f64::from(columns)
}

/// What an instance in real time, on the device, went through while somebody looked at an axis.
struct Looked {
    metrics: MetricsSnapshot,
    columns: u64,
    /// Hops missed, and those of them that were missed while the machine was there.
    missed: (u64, u64),
}

fn watch(engine: &Engine, axis: Option<Axis>, seconds: f64) -> Looked {
    let plan = stereo_plan(Quality::Live, RATE, BLOCK, Rule::Engaged);
    let Rig { mut processor, watch, control, .. } = {
        let rig = Rig::on_device(plan, engine).expect("a session");
        if let Err(reason) = rig.await_device(Duration::from_secs(20)) {
            eprintln!("no GPU: {reason}");
        }
        rig
    };
    let control: ControlEnd = control.expect("a session");
    let mut columnist = Columnist::new(watch, stretch_samples(RATE), RATE);
    columnist.set_watched(axis.is_some());
    let machine = machine::Watch::begin();
    let settled = Instant::now() + Duration::from_secs_f64(seconds / 4.0);
    let (stop, counts) = (AtomicBool::new(false), control.clone());
    let mut play = || {
        play_as_a_host_does();
        let (settings, transport, noise) = (settings(), Transport::new(RATE), noise(BLOCK));
        let period = Duration::from_secs_f64(BLOCK as f64 / f64::from(RATE));
        let mut pace = pace::Pace::new(period);
        let (mut late, mut before) = (Vec::new(), 0);
        while !stop.load(Ordering::Acquire) {
            pace.wait();
            let (mut left, mut right) = (noise.clone(), noise.clone());
            processor.process(&mut [&mut left, &mut right], &settings, &transport);
            let misses = counts.metrics().count(Counter::Misses);
            if misses > before && Instant::now() > settled {
                late.push((Instant::now(), misses - before));
            }
            before = misses;
        }
        late
    };
    std::thread::scope(|scope| {
        let audio = std::thread::Builder::new().name("audio".into()).spawn_scoped(scope, &mut play);
        let begun = Instant::now();
        let (mut columns, mut before) = (0, None);
        while begun.elapsed().as_secs_f64() < seconds {
            // As an editor's frames.
            std::thread::sleep(Duration::from_millis(16));
            let axis = axis.unwrap_or_default();
            columnist.take(Source::Output, axis, Some(&control), &mut |_| columns += 1);
            if before.is_none() && Instant::now() > settled {
                (before, columns) = (Some(control.metrics()), 0);
            }
        }
        stop.store(true, Ordering::Release);
        let late = audio.expect("a thread").join().expect("it only plays");
        let absences = machine.end();
        eprintln!("the machine was away for {:?}", absences.in_all());
        let metrics = control.metrics();
        let metrics = before.map_or(metrics, |before| metrics.since(&before));
        let there = late.iter().filter(|(at, _)| !absences.explain(*at));
        let there = there.map(|(_, hops)| hops).sum();
        let missed = (late.iter().map(|(_, hops)| hops).sum(), there);
        Looked { metrics, columns, missed }
    })
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let (spent, looked) = if quick { (1.0, 2.0) } else { (5.0, 8.0) };
    let mut figures: Vec<Value> = Vec::new();
    for (axis, name, _) in AXES {
        let cost = on_the_cpu(axis, spent);
        let id = format!("{name} axis at 60 columns a second, CPU engine");
        figures.push(at_most("views", &id, (cost, "% of a core"), None, 10.0));
    }
    let engine = Engine::isolated(EngineOptions::default()).expect("an engine");
    let (all, there) = watch(&engine, None, looked).missed;
    eprintln!("without a look: {all} hops missed, {there} while the machine was there");
    for (axis, name, _) in AXES {
        let Looked { metrics, columns, missed: (all, there) } = watch(&engine, Some(axis), looked);
        eprintln!(
            "{name}: {columns} columns in {:.0} s, {} Medium and {} Low commands, {all} hops \
             missed, {there} while the machine was there",
            looked * 0.75,
            metrics.count(Counter::commands(1)),
            metrics.count(Counter::commands(2)),
        );
        let id = format!("{name} axis watched, Live: hops missed, machine there");
        figures.push(at_most("views", &id, (there as f64, "hops"), None, 0.0));
    }
    println!("{}", serde_json::to_string_pretty(&figures).expect("figures"));
}
