//! `scumble devices`: the adapters, what `Auto` would choose and why, and how fast it answers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use scumble_dsp::{EffectSettings, Framer, Playhead, Quality, WindowSpec};
use scumble_gpu::backend::adapter::{AdapterWish, Candidate, choose};
use scumble_gpu::backend::wgpu::device::candidates;
use scumble_gpu::engine::{Engine, EngineChoice, EngineKind, SessionConfig};
use scumble_gpu::sync::{Buffering, Stage};

use super::output::Unfinished;
use super::{CliError, say};
use crate::user;

/// How long the round trip is measured, in real time.
const MEASURED: Duration = Duration::from_secs(1);
/// A device that is not ready by then is not usable.
const WARM_UP: Duration = Duration::from_secs(30);
const RATE: f64 = 48_000.0;
const BLOCK: usize = 128;

#[derive(Args)]
pub struct DevicesArgs {
    /// Do not measure the round trip.
    #[arg(long)]
    quick: bool,
    /// Write what worker and device did while it was measured, for chrome://tracing or Perfetto.
    #[arg(long, value_name = "FILE.json", conflicts_with = "quick")]
    trace: Option<PathBuf>,
}

pub fn run(args: &DevicesArgs) -> Result<(), CliError> {
    let found = candidates();
    let wish = user::device_wish();
    let chosen = choose(&wish, &found);
    if found.is_empty() {
        say("no adapters: is a Vulkan driver installed?")?;
    }
    for (index, adapter) in found.iter().enumerate() {
        let mark = if chosen.as_ref() == Ok(&index) { "*" } else { " " };
        say(format_args!("{mark} {}", describe(adapter)))?;
    }
    match &chosen {
        Ok(index) => {
            let why = match wish {
                AdapterWish::Best => "the real GPU with the most memory",
                _ if user::device_of_environment().is_some() => "SCUMBLE_ADAPTER asks for it",
                _ => "it was chosen in the settings",
            };
            say(format_args!("Auto takes {}: {why}.", found[*index].name))?;
            if !args.quick {
                measure(args.trace.as_deref())?;
            }
        }
        Err(reason) => {
            say(format_args!("Auto takes the CPU engine: {reason}."))?;
            if args.trace.is_some() {
                return Err(CliError::new("--trace: no device, so there is nothing to trace"));
            }
        }
    }
    Ok(())
}

fn describe(adapter: &Candidate) -> String {
    let kind = match (adapter.software, adapter.discrete) {
        (true, _) => "software, used only when asked for (SCUMBLE_ADAPTER=software)",
        (false, true) => "discrete GPU",
        (false, false) => "integrated GPU",
    };
    let memory = match adapter.memory_bytes {
        0 => "memory unknown".to_string(),
        bytes => format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64),
    };
    format!("{}: {kind}, {memory}", adapter.name)
}

/// One stereo Live session with every effect on, paced in real time.
fn measure(trace: Option<&Path>) -> Result<(), CliError> {
    let trace = trace.map(Unfinished::new).transpose()?;
    let fail = |e: String| CliError::new(format!("the round trip could not be measured: {e}"));
    let spec = WindowSpec::new(Quality::Live, RATE);
    let engine = Engine::isolated(user::engine_options()).map_err(|e| fail(e.to_string()))?;
    let config = SessionConfig {
        spec,
        sample_rate: RATE,
        channels: 2,
        async_samples: Buffering::Double.async_samples(BLOCK, spec.h),
        max_block: BLOCK,
        buffering: Buffering::Double,
        engine_choice: EngineChoice::Gpu,
        sync: Default::default(),
        // What the device takes is asked for, however long: nobody covers for it.
        patience: Some(MEASURED),
    };
    let (mut audio, control) = engine.open(config).map_err(|e| fail(e.to_string()))?;
    let settings = EffectSettings {
        blur_time_ms: 100.0,
        blur_freq_oct: 0.3,
        shift_hz: 20.0,
        ..EffectSettings::default()
    };
    let mut framer = Framer::new(spec, RATE);
    let hop: Vec<f32> = (0..spec.h).map(|i| (i as f32 * 0.37).sin() * 0.5).collect();
    let mut out = [vec![0.0f32; spec.h], vec![0.0f32; spec.h]];
    let late = (BLOCK / spec.h) as u64;
    let begun = Instant::now();
    let mut before = None;
    let mut blocks = 0u32;
    loop {
        let now = begun.elapsed();
        if before.is_none() && control.state().kind == EngineKind::Gpu {
            before = Some((control.metrics(), now));
        }
        match &before {
            Some((_, since)) if now > *since + MEASURED => break,
            None if now > WARM_UP => return Err(fail(control.state().reason)),
            _ => {}
        }
        for _ in 0..BLOCK / spec.h {
            let n = framer.next_frame();
            let params = framer.next(&settings, Playhead::default());
            if n >= late {
                let [left, right] = &mut out;
                let _ = audio.read_hop(n - late, &mut [left, right]);
            }
            // A refusal shows in the figures.
            let _ = audio.push_hop(n, &[&hop, &hop], &params);
        }
        audio.end_block();
        blocks += 1;
        let due = Duration::from_secs_f64(f64::from(blocks) * BLOCK as f64 / RATE);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    let Some((before, _)) = before else { return Ok(()) };
    let round_trip = control.metrics().since(&before).stage(Stage::RoundTrip);
    let period = BLOCK as f64 / RATE * 1e3;
    say(format_args!(
        "Round trip, one stereo Live session, {BLOCK} samples: p50 {:.2} ms, p99 {:.2} ms of {period:.2} ms.",
        round_trip.p50.as_secs_f64() * 1e3,
        round_trip.p99.as_secs_f64() * 1e3,
    ))?;
    let Some(file) = trace else { return Ok(()) };
    let text = control.trace().ok_or_else(|| fail("the engine gave no trace".into()))?;
    file.fill(|to| to.write_all(text.as_bytes()))
}
