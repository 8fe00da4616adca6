//! S13 over the plugin as a host calls it: presets, states and automation come from other threads while
//! the device stalls and is lost, and `Scumble::process` neither allocates, locks nor calls the system.
//!
//! Watched by an allocator that aborts and, with `--cfg rtsan`, by RealtimeSanitizer. What befalls the
//! device is decided by the environment when the engine starts, so the session is a process of its own.

#![cfg_attr(rtsan, feature(sanitize))]

mod realtime_common;

use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nice_plug::context::process::SendEventError;
use nice_plug::prelude::*;
use realtime_common::{Random, guarded};
use scumble::Scumble;
use scumble_gpu::sync::Counter;
use scumble_params::{ScumbleParams, factory_presets};

/// What must have happened before the session is long enough.
const WANTED: [Counter; 7] = [
    Counter::BufferSwaps,
    Counter::Submissions,
    Counter::DeviceLosses,
    Counter::Timeouts,
    Counter::Rescues,
    Counter::Holds,
    Counter::Drys,
];
/// Blocks at least, and the longest time: a busy machine is long in compiling the kernels.
const BLOCKS: usize = 3000;
const LIMIT: Duration = Duration::from_secs(90);
const BLOCK: usize = 256;
const RATE: f32 = 48_000.0;

/// A host that does nothing but count.
struct Host {
    transport: Transport,
    restarts: Cell<u32>,
}

impl ActivateContext<Scumble> for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute(&self, _: <Scumble as Plugin>::BackgroundTask) {}
    fn set_latency_samples(&self, _: u32) {}
    fn set_current_voice_capacity(&self, _: u32) {}
}

impl ProcessContext<Scumble> for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute_background(&self, _: <Scumble as Plugin>::BackgroundTask) {}
    fn execute_gui(&self, _: <Scumble as Plugin>::BackgroundTask) {}
    fn transport(&self) -> &Transport {
        &self.transport
    }
    fn next_event(&mut self) -> Option<NoteEvent<()>> {
        None
    }
    fn try_send_event(
        &mut self,
        event: NoteEvent<()>,
    ) -> Result<(), (NoteEvent<()>, SendEventError)> {
        Err((event, SendEventError::NoOutputBuffer))
    }
    fn set_latency_samples(&self, _: u32) {}
    fn request_restart(&self) {
        self.restarts.set(self.restarts.get() + 1);
    }
    fn set_current_voice_capacity(&self, _: u32) {}
}

/// Parameters by their ids, to be set as a host does.
struct Knobs {
    params: Arc<dyn Params>,
    map: Vec<(String, ParamPtr, String)>,
}

impl Knobs {
    fn of(params: Arc<dyn Params>) -> Self {
        Self { map: params.param_map(), params }
    }

    fn set(&self, id: &str, normalised: f32) {
        let (_, ptr, _) = self.map.iter().find(|(known, _, _)| known == id).expect("it is known");
        // SAFETY: the pointers are into `params`, which lives as long as this.
        unsafe { ptr._internal_set_normalized_value(normalised) };
    }
}

// SAFETY: the parameters that the pointers lead to are shared between threads by design.
unsafe impl Send for Knobs {}

/// What a host's and an editor's threads do meanwhile: automation, presets, whole states.
fn meddle(knobs: &Knobs, stop: &AtomicBool) {
    let mut random = Random(11);
    let presets = factory_presets();
    let states: Vec<_> = presets
        .iter()
        .map(|preset| {
            let params = ScumbleParams::default();
            preset.apply(&params);
            params.serialize_fields()
        })
        .collect();
    let of_the_session = ["quality", "buffering", "engine"];
    while !stop.load(Ordering::Relaxed) {
        match random.below(6) {
            0 => knobs.params.deserialize_fields(&states[random.below(states.len())]),
            1 => {
                // A preset's values, one after the other, as the editor sets them.
                let params = ScumbleParams::default();
                presets[random.below(presets.len())].apply(&params);
                for (id, ptr, _) in params.param_map() {
                    if !of_the_session.contains(&id.as_str()) {
                        // SAFETY: the pointer is into `params`, which is alive.
                        knobs.set(&id, unsafe { ptr.unmodulated_normalized_value() });
                    }
                }
            }
            2 => knobs.set("on_miss", random.below(3) as f32 / 2.0),
            3 => knobs.set("quality", random.below(4) as f32 / 3.0),
            _ => {
                let (id, _, _) = &knobs.map[random.below(knobs.map.len())];
                if !of_the_session.contains(&id.as_str()) {
                    knobs.set(id, random.next());
                }
            }
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Does nothing unless it runs as a child of the test below.
#[test]
fn session() {
    if std::env::var_os("SCUMBLE_CHILD").is_none() {
        return;
    }
    let mut plugin = Scumble::default();
    let knobs = Knobs::of(plugin.params());
    // The GPU, from the first block on.
    knobs.set("engine", 0.5);
    let mut host = Host { transport: Transport::new(RATE), restarts: Cell::new(0) };
    host.transport.playing = true;
    host.transport.tempo = Some(97.0);
    let config = BufferConfig {
        sample_rate: RATE,
        min_buffer_size: None,
        max_buffer_size: BLOCK as u32,
        process_mode: ProcessMode::Realtime,
    };
    assert!(plugin.activate(&Scumble::AUDIO_IO_LAYOUTS[0], &config, &mut host));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let meddler = std::thread::Builder::new().name("host".into());
        meddler.spawn_scoped(scope, || meddle(&knobs, &stop)).expect("a thread");
        play(&mut plugin, &mut host);
        stop.store(true, Ordering::Relaxed);
    });
    let figures = plugin.figures().expect("it is active");
    for counter in WANTED {
        println!("{counter:?}: {}", figures.count(counter));
        assert!(figures.count(counter) > 0, "{counter:?} never happened");
    }
    assert_eq!(host.restarts.get(), 1, "another quality asks for one restart");
    plugin.deactivate();
}

fn play(plugin: &mut Scumble, host: &mut Host) {
    let mut random = Random(5);
    let begun = Instant::now();
    let mut played = 0;
    let happened = |plugin: &Scumble| {
        let figures = plugin.figures().expect("it is active");
        WANTED.iter().all(|&counter| figures.count(counter) > 0)
    };
    for block in 0.. {
        let asked = block >= BLOCKS && block % 100 == 0;
        if (asked && happened(plugin)) || begun.elapsed() > LIMIT {
            break;
        }
        // Longer than the async window now and then: what comes due too early is missed.
        let size = [BLOCK, BLOCK, 128, 1, 17, BLOCK][random.below(6)];
        let burst = random.below(12) == 0;
        let mut left: Vec<f32> = (0..size).map(|_| random.next() - 0.5).collect();
        let mut right = left.clone();
        if random.below(10) == 0 {
            right[size / 2] = f32::NAN;
        }
        if random.below(40) == 0 {
            host.transport.pos_beats = Some(f64::from(random.next()) * 64.0);
            host.transport.tempo = Some(60.0 + 100.0 * f64::from(random.next()));
            host.transport.playing = random.below(4) != 0;
        }
        let reset = random.below(400) == 0;
        let mut buffer = Buffer::default();
        // SAFETY: both slices are as long as said, and outlive the buffer.
        unsafe {
            buffer.set_slices(size, |slices| {
                slices.push(std::mem::transmute::<&mut [f32], &mut [f32]>(&mut left[..]));
                slices.push(std::mem::transmute::<&mut [f32], &mut [f32]>(&mut right[..]));
            });
        }
        let mut aside = AuxiliaryBuffers { inputs: &mut [], outputs: &mut [] };
        let due = begun + Duration::from_secs_f64(f64::from(played) / f64::from(RATE));
        while !burst && Instant::now() < due {
            std::hint::spin_loop();
        }
        let status = guarded(|| {
            if reset {
                plugin.reset();
            }
            plugin.process(&mut buffer, &mut aside, host)
        });
        assert!(!matches!(status, ProcessStatus::Error(_)));
        drop(buffer);
        assert!(left.iter().chain(&right).all(|x| x.is_finite()));
        played += size as u32;
    }
}

#[test]
fn the_plugin_stays_within_the_rules_whatever_its_host_and_its_device_do() {
    let mut child = Command::new(std::env::current_exe().expect("this binary"));
    child.args(["--exact", "session", "--nocapture"]);
    child.env("SCUMBLE_CHILD", "1").env("SCUMBLE_FAULTS", "stall=0.02 lose=0.01");
    if std::env::var_os("SCUMBLE_ADAPTER").is_none() {
        child.env("SCUMBLE_ADAPTER", "software");
    }
    let output = child.output().expect("a child");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}", said(&output.stdout));
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
}
