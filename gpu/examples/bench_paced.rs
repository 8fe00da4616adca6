//! One stereo Live session on the device, paced in real time as a host does (`cargo xtask bench --only
//! paced`): one JSON array on stdout, notes on stderr. Adapters as in `bench_gpu`.

#[allow(dead_code)]
mod bench_common;
#[path = "bench_common/machine.rs"]
mod machine;
#[path = "bench_common/overhead.rs"]
mod overhead;
#[path = "bench_common/pace.rs"]
mod pace;
#[path = "bench_common/report.rs"]
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_common::wish;
use pace::Pace;
use report::Report;
use scumble_dsp::{EffectSettings, Framer, Playhead, Quality, WindowSpec};
use scumble_gpu::backend::wgpu::OpenWgpu;
use scumble_gpu::config::GpuSyncConfig;
use scumble_gpu::engine::{Engine, EngineChoice, EngineKind, EngineOptions, SessionConfig};
use scumble_gpu::sync::{Buffering, Counter, HopStatus, Stage};

fn main() {
    if let Err(why) = audio_thread_priority::promote_current_thread_to_real_time(128, 48_000) {
        eprintln!("no real-time rank: {why}");
    }
    let quick = std::env::args().any(|a| a == "--quick");
    let (seconds, settle) = if quick { (8.0, 3.0) } else { (60.0, 10.0) };
    let options = EngineOptions {
        adapter: wish(),
        opener: Some(Arc::new(OpenWgpu::new(wish()))),
        real_time: true,
    };
    let engine = Engine::isolated(options).expect("starts");
    let spec = WindowSpec::new(Quality::Live, 48_000.0);
    let block = 128;
    let config = SessionConfig {
        spec,
        sample_rate: 48_000.0,
        channels: 2,
        async_samples: block,
        max_block: block,
        buffering: Buffering::Double,
        engine_choice: EngineChoice::Gpu,
        sync: GpuSyncConfig::default(),
        patience: None,
    };
    let (mut audio, control) = engine.open(config).expect("opens");
    let mut framer = Framer::new(spec, 48_000.0);
    let settings = EffectSettings { low_cut_hz: 100.0, ..Default::default() };
    let input: Vec<f32> = (0..spec.h).map(|i| (i as f32 * 0.2).sin() * 0.5).collect();
    let mut out = [vec![0.0f32; spec.h], vec![0.0f32; spec.h]];
    let period = Duration::from_secs_f64(block as f64 / 48_000.0);
    let hops_a_block = (block / spec.h) as u64;
    let blocks = (seconds / period.as_secs_f64()) as u64;
    let (mut misses, mut settled, mut on_gpu) = (Vec::new(), None, 0u64);
    let watch = machine::Watch::begin();
    let start = Instant::now();
    let mut pace = Pace::new(period);
    for index in 0..blocks {
        pace.wait();
        let late = start.elapsed().as_secs_f64() > settle;
        if late && settled.is_none() {
            settled = Some(control.metrics());
        }
        for hop in 0..hops_a_block {
            let Some(n) = (index * hops_a_block + hop).checked_sub(hops_a_block) else { continue };
            let [left, right] = &mut out;
            if audio.read_hop(n, &mut [left, right]) == HopStatus::NotReady && late {
                misses.push(Instant::now());
            }
        }
        for hop in 0..hops_a_block {
            let params = framer.next(&settings, Playhead::default());
            let _ = audio.push_hop(index * hops_a_block + hop, &[&input, &input], &params);
        }
        audio.end_block();
        on_gpu += u64::from(late && audio.kind() == EngineKind::Gpu);
    }
    let absences = watch.end();
    let all = misses.len();
    misses.retain(|&at| !absences.explain(at));
    eprintln!(
        "paced: {all} hops missed, {} of them while the machine was there; it was away for {:?}; {} dropouts",
        misses.len(),
        absences.in_all(),
        pace.dropouts()
    );
    let end = control.metrics();
    let part = settled.map_or(end, |settled| end.since(&settled));
    let stats = part.stage(Stage::RoundTrip);
    let counted = blocks - (settle / period.as_secs_f64()) as u64;
    eprintln!(
        "paced: state {:?}; round trip p50 {:?} p99 {:?} max {:?}; {} timeouts; {:.1} % of blocks on the device",
        control.state(),
        stats.p50,
        stats.p99,
        stats.max,
        part.count(Counter::Timeouts),
        on_gpu as f64 * 100.0 / counted as f64
    );
    drop((audio, control));
    let mut report = Report::new("paced");
    overhead::measure(&mut report, &engine, config);
    report.ratio(
        "stereo Live, blocks of 128: p99 round trip / block period",
        "us",
        stats.p99.as_secs_f64() * 1e6,
        period.as_secs_f64() * 1e6,
        0.5,
    );
    report.value("hops missed, settled, machine there", "hops", misses.len() as f64, 0.0);
    report.value(
        "blocks not served by the device after the settling time",
        "%",
        100.0 - on_gpu as f64 * 100.0 / counted as f64,
        1.0,
    );
    println!("{}", report.into_json());
}
