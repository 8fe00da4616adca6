//! Figures of group `plugin` (`cargo xtask bench --only plugin`): what a block costs the audio
//! thread, and how fast a file is rendered. Prints one JSON array.

mod bench_common;

use std::time::{Duration, Instant};

use bench_common::{RATE, at, at_least, at_most, play_as_a_host_does};
use nice_plug::prelude::{Param, Transport};
use scumble::audio::{BlockSettings, Plan, Rule};
use scumble::cli::render_sound;
use scumble::rig::{Rig, stereo_plan};
use scumble_dsp::{EffectSettings, Quality};
use scumble_gpu::engine::{Engine, EngineOptions};
use scumble_gpu::sync::Counter;
use scumble_params::{Preset, ScumbleParams};
use serde_json::Value;

const BLOCK: usize = 128;

fn everything() -> EffectSettings {
    EffectSettings {
        blur_time_ms: 100.0,
        blur_freq_oct: 0.3,
        diffuse: 0.3,
        shift_hz: 35.0,
        stretch: 1.1,
        low_cut_hz: 60.0,
        high_cut_hz: 9000.0,
        mod_low_hz: 0.5,
        mod_high_hz: 30.0,
        ..EffectSettings::default()
    }
}

fn settings() -> BlockSettings {
    BlockSettings { effects: everything(), ..bench_common::settings() }
}

fn plan(rule: Rule) -> Plan {
    stereo_plan(Quality::Live, RATE, BLOCK, rule)
}

fn on_engine(engine: &Engine) -> Rig {
    let plan = plan(Rule::Engaged);
    Rig::on_device(plan, engine).expect("a session")
}

/// Plays so that every hop is there when it is asked for, no faster than real time; the times of each
/// `process()` of the first instance, microseconds. Stretches in which a hop was missed, as
/// when the machine took the worker away, do not count: those are other branches.
///
/// Between blocks the core is kept busy, as it is in a session of thirty tracks. One that slept has
/// to be got out of its sleep first, which is what would be measured: 5 of 8 microseconds here. (Linux
/// takes a rank that never rests away for 50 ms of each second: one call in 375 comes late.)
fn on_time(rigs: &mut [Rig], seconds: f64) -> Vec<f64> {
    const STRETCH: usize = 32;
    let transport = Transport::new(RATE);
    let noise: Vec<f32> = (0..BLOCK).map(|i| ((i * i) as f32 * 0.37).sin() * 0.3).collect();
    let period = Duration::from_secs_f64(BLOCK as f64 / f64::from(RATE));
    let begun = Instant::now();
    let (mut times, mut stretch) = (Vec::new(), Vec::with_capacity(STRETCH));
    let (mut before, mut missed) = (rigs[0].metrics().count(Counter::Misses), 0);
    while begun.elapsed().as_secs_f64() < seconds {
        let asked = Instant::now();
        while !rigs.iter().all(|rig| rig.processor.is_signalled())
            && asked.elapsed() < Duration::from_secs(1)
        {
            std::hint::spin_loop();
        }
        // A host that was held up does not call twice in a row to make up for it.
        let due = Instant::now() + period;
        for (i, rig) in rigs.iter_mut().enumerate() {
            let (mut left, mut right) = (noise.clone(), noise.clone());
            let start = Instant::now();
            rig.processor.process(&mut [&mut left, &mut right], &settings(), &transport);
            if i == 0 {
                stretch.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        if stretch.len() == STRETCH {
            let misses = rigs[0].metrics().count(Counter::Misses);
            if misses == before {
                times.append(&mut stretch);
            }
            stretch.clear();
            missed += misses - before;
            before = misses;
        }
        while Instant::now() < due {
            std::hint::spin_loop();
        }
    }
    eprintln!("{} instance(s): {} blocks, {missed} hops missed", rigs.len(), times.len());
    times.drain(..times.len() / 4);
    times
}

/// What a block costs, on a thread of a host's rank.
fn blocks(seconds: f64) -> Vec<Value> {
    play_as_a_host_does();
    let mut figures = Vec::new();
    let mut inline = [Rig::on_twin(plan(Rule::Twin))];
    let mut twin = on_time(&mut inline, seconds);
    let engine = Engine::isolated(EngineOptions::default()).expect("an engine");
    for instances in [1usize, 16] {
        let mut rigs: Vec<Rig> = (0..instances).map(|_| on_engine(&engine)).collect();
        if let Err(reason) = rigs[0].await_device(Duration::from_secs(20)) {
            eprintln!("{instances} instance(s) without a GPU: {reason}");
        }
        let mut times = on_time(&mut rigs, seconds);
        let name = |what: &str| format!("process 128 stereo Live, {instances} on GPU, {what}");
        let (median, p99) = (at(&mut times, 0.5), at(&mut times, 0.99));
        figures.push(at_most("plugin", &name("median"), (median, "us"), None, 3.0));
        figures.push(at_most("plugin", &name("p99"), (p99, "us"), None, 15.0));
        if instances == 1 {
            let id = "twin inline over GPU, audio thread time, at least";
            let inline = Some(at(&mut twin, 0.5));
            figures.push(at_least("plugin", id, (median, "us"), inline, 10.0));
        }
    }
    figures
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let seconds = if quick { 6.0 } else { 8.0 };
    let mut figures = Vec::new();

    let playing = std::thread::Builder::new().name("audio".into()).spawn(move || blocks(seconds));
    figures.extend(playing.expect("a thread").join().expect("the blocks are played"));

    // A file with every effect on, as `scumble render` plays it.
    let minutes = if quick { 0.25 } else { 3.0 };
    let samples = (minutes * 60.0 * f64::from(RATE)) as usize;
    let channel: Vec<f32> = (0..samples).map(|i| ((i % 4801) as f32 * 0.13).sin() * 0.3).collect();
    for (quality, position, bar) in [("Studio", 2.0 / 3.0, 100.0), ("Live", 0.0, 20.0)] {
        let params = ScumbleParams::default();
        let text = r#"{"version": 1, "name": "All", "params": {"blur_time": 100.0,
            "blur_freq": 0.3, "diffuse": 0.3, "warp_shift": 35.0, "warp_stretch": 1.1,
            "low_cut": 60.0, "high_cut": 9000.0, "mod_low": 0.5, "mod_high": 30.0}}"#;
        Preset::parse(text).expect("a preset").apply(&params);
        // SAFETY: the parameters are alive, and nobody else uses them.
        unsafe { params.quality.as_ptr()._internal_set_normalized_value(position) };
        let begun = Instant::now();
        render_sound(RATE, vec![channel.clone(), channel.clone()], &params);
        let speed = minutes * 60.0 / begun.elapsed().as_secs_f64();
        let id = format!("render stereo {quality}, all effects, times real time, at least");
        figures.push(at_least("plugin", &id, (speed, "x"), None, bar));
    }
    println!("{}", serde_json::to_string_pretty(&figures).expect("figures"));
}
