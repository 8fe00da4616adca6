//! `scumble render --engine gpu`: through the engine that plays live, at the engine's own pace.
//!
//! Hop by hop: a hop is asked for only when it is there, so that nothing is missed or rescued. A
//! few are on their way meanwhile, so that the device has tables worth its while. The engine waits
//! for the device as long as it takes; only for one that is lost does its twin step in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use scumble_gpu::backend::adapter::choose;
use scumble_gpu::backend::wgpu::device::candidates;
use scumble_gpu::engine::{Engine, EngineChoice, SessionConfig};
use scumble_gpu::sync::{Buffering, Counter, MetricsSnapshot};
use scumble_params::ScumbleParams;

use super::files::Sound;
use super::progress;
use super::render::{offline_plan, painted, total_samples, transport_at};
use crate::audio::{Plan, Rule};
use crate::rig::{Rig, session_config};
use crate::{block_settings, user};

/// Hops on their way at once.
const IN_FLIGHT: usize = 8;
/// A device that does not serve by then is not usable.
const WARM_UP: Duration = Duration::from_secs(30);
/// How long the engine waits for the device.
const DEVICE_PATIENCE: Duration = Duration::from_secs(5);
/// A hop that has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked for a hop.
const LOOK: Duration = Duration::from_micros(50);

/// The whole sound through the engine, aligned with the input; or why the device cannot do it.
pub fn render(
    sound: &Sound,
    params: &ScumbleParams,
    bpm: f64,
    tail_seconds: f64,
) -> Result<Sound, String> {
    // The engine's own wish (`user::engine_options`): a device that is not there is said at once.
    choose(&user::device_wish(), &candidates()).map_err(|error| error.to_string())?;
    let mut plan = offline_plan(sound, params, 1);
    let hop = plan.spec.h;
    let buffering = Buffering::Ring { blocks: IN_FLIGHT };
    plan = Plan {
        channels: sound.channels.len(),
        async_samples: buffering.async_samples(hop, hop),
        max_block: hop,
        rule: Rule::Engaged,
        ..plan
    };
    let engine = Engine::isolated(user::engine_options()).map_err(|error| error.to_string())?;
    let config = SessionConfig {
        patience: Some(DEVICE_PATIENCE),
        ..session_config(&plan, buffering, EngineChoice::Gpu, Default::default())
    };
    let mut rig = Rig::on_engine(plan, &engine, config).map_err(|error| error.to_string())?;
    rig.await_device(WARM_UP)?;
    rig.processor.begin_with(painted(plan.sample_rate, params).field().clone());
    let total = total_samples(sound, tail_seconds);
    let done = AtomicUsize::new(0);
    let played = std::thread::scope(|scope| {
        let job = || play(&mut rig, sound, params, bpm, total, &done);
        let builder = std::thread::Builder::new().name("scumble-render".into());
        let thread = builder.spawn_scoped(scope, job).expect("a thread can be started");
        progress::show(&done, total, || !thread.is_finished());
        thread.join().expect("rendering does not panic")
    });
    let channels = played?;
    let figures = rig.metrics();
    if figures.count(Counter::Misses) > 0 {
        let missed = figures.count(Counter::Misses);
        return Err(format!("the engine lost {missed} hops; please report this"));
    }
    let covered = failures(&figures);
    if covered > 0 {
        super::tell(format_args!(
            "The GPU failed {covered} times; the CPU covered, within the same tolerance."
        ));
    }
    Ok(Sound { sample_rate: sound.sample_rate, channels })
}

/// How often the device did not bring what it was given.
fn failures(figures: &MetricsSnapshot) -> u64 {
    figures.count(Counter::Timeouts) + figures.count(Counter::DeviceLosses)
}

fn play(
    rig: &mut Rig,
    sound: &Sound,
    params: &ScumbleParams,
    bpm: f64,
    total: usize,
    done: &AtomicUsize,
) -> Result<Vec<Vec<f32>>, String> {
    let plan = *rig.processor.plan();
    let (hop, latency) = (plan.spec.h, plan.latency_samples());
    let mut output = sound.channels.clone();
    // Whole hops to the end; what is beyond is cut off.
    output.iter_mut().for_each(|c| c.resize((total + latency).next_multiple_of(hop), 0.0));
    let settings = block_settings(params, false);
    for at in (0..output[0].len()).step_by(hop) {
        let asked = Instant::now();
        while !rig.processor.is_supplied() {
            if asked.elapsed() > PATIENCE {
                return Err(format!("the engine has not answered for {} s", PATIENCE.as_secs()));
            }
            std::thread::sleep(LOOK);
        }
        let mut block: Vec<&mut [f32]> = output.iter_mut().map(|c| &mut c[at..at + hop]).collect();
        rig.processor.process(&mut block, &settings, &transport_at(at, plan.sample_rate, bpm));
        done.store(at.min(total), Ordering::Relaxed);
    }
    for channel in &mut output {
        channel.drain(..latency);
        channel.truncate(total);
    }
    Ok(output)
}
