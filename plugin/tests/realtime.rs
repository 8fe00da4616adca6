//! S13: the audio thread neither allocates, locks, waits, logs nor calls the system, in any branch.
//!
//! One long random session of the processor (parameters, jumps of the transport, misses under every
//! policy, new fields, resets, sick input), watched three ways: by an allocator that aborts, by
//! RealtimeSanitizer (`--cfg rtsan`), and by `strace`. Each is shown to bite by a planted violation,
//! in a child process, for a violation aborts.

#![cfg_attr(rtsan, feature(sanitize))]

mod realtime_common;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::prelude::Transport;
use realtime_common::{Random, guarded};
use scumble::audio::{BlockSettings, Rule};
use scumble::rig::{Rig, stereo_plan};
use scumble_dsp::mix::BlendSettings;
use scumble_dsp::{
    Canvas, EffectSettings, Field, FieldSpec, Quality, Stroke, StrokeKind, StrokePoint,
};
use scumble_gpu::engine::{Engine, EngineOptions};
use scumble_gpu::sync::Counter;
use scumble_params::{CanvasSync, OnMiss};

struct Session {
    rig: Rig,
    random: Random,
    fields: Vec<Arc<Field>>,
    blocks: usize,
}

fn field(seed: u32) -> Arc<Field> {
    let mut random = Random(seed);
    let strokes = (0..10)
        .map(|id| Stroke {
            id,
            kind: StrokeKind::ALL[random.below(StrokeKind::ALL.len())],
            points: vec![StrokePoint { x: random.next(), y: 10.0 * random.next(), pressure: 1.0 }],
            radius_time: 0.2,
            radius_octaves: 2.0,
            strength: 1.0,
            hardness: 0.5,
        })
        .collect();
    let canvas = Canvas { strokes, ..Canvas::default() };
    Arc::new(Field::rasterise(&canvas, FieldSpec::new(48_000.0)))
}

impl Session {
    fn new(quality: Quality) -> Self {
        let plan = stereo_plan(quality, 48_000.0, 256, Rule::Engaged);
        let engine = Engine::isolated(EngineOptions::default()).expect("an engine");
        let rig = Rig::on_device(plan, &engine).expect("a session");
        // Whether it comes is for the counts below to say.
        let _ = rig.await_device(Duration::from_secs(20));
        rig.watch.set_watched(true);
        let fields = (1..9).map(field).collect();
        Self { rig, random: Random(3), fields, blocks: 0 }
    }

    /// One block with whatever chance brings. `pace` is waited for without a system call.
    fn block(&mut self, settings: &mut BlockSettings, transport: &mut Transport, due: Instant) {
        let random = &mut self.random;
        if random.below(8) == 0 {
            settings.effects = EffectSettings {
                blur_time_ms: [0.0, 300.0][random.below(2)] * random.next(),
                blur_freq_oct: [0.0, 1.0][random.below(2)] * random.next(),
                diffuse: [0.0, 1.0][random.below(2)],
                shift_hz: [0.0, 500.0][random.below(2)] * (random.next() - 0.5),
                stretch: [1.0, 1.3][random.below(2)],
                low_cut_hz: [0.0, 200.0][random.below(2)],
                high_cut_hz: [24_000.0, 3000.0][random.below(2)],
                mod_low_hz: [0.0, 4.0][random.below(2)],
                mod_high_hz: [100.0, 10.0][random.below(2)],
                freeze: random.below(4) == 0,
                ..EffectSettings::default()
            };
            settings.mix = BlendSettings {
                mix: random.next(),
                gain: random.next(),
                bypass: random.below(8) == 0,
                solo: random.below(8) == 0,
            };
            settings.on_miss = [OnMiss::Rescue, OnMiss::Hold, OnMiss::Dry][random.below(3)];
            settings.sync =
                [CanvasSync::HostBeats, CanvasSync::HostSeconds, CanvasSync::Free][random.below(3)];
        }
        if random.below(20) == 0 {
            transport.pos_beats = Some(f64::from(random.next()) * 100.0);
            transport.playing = random.below(4) != 0;
        }
        if random.below(30) == 0 {
            let field = self.fields[random.below(self.fields.len())].clone();
            let _ = self.rig.port.send_field(field);
        }
        self.rig.port.collect();
        // Longer than the async window now and then: what comes due too early is missed.
        let size = [256, 256, 256, 128, 17, 256, 1, 2048][random.below(8)];
        let sick = random.below(10) == 0;
        let mut left: Vec<f32> = (0..size).map(|_| random.next() - 0.5).collect();
        let mut right = left.clone();
        if sick {
            right[size / 2] = f32::NAN;
        }
        let reset = random.below(200) == 0;
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        let processor = &mut self.rig.processor;
        guarded(|| {
            if reset {
                processor.reset();
            }
            let mut channels = [left.as_mut_slice(), right.as_mut_slice()];
            processor.process(&mut channels, settings, transport);
        });
        assert!(left.iter().chain(&right).all(|x| x.is_finite()));
        self.blocks += 1;
    }

    fn run(&mut self, blocks: usize) {
        let mut settings = BlockSettings {
            effects: EffectSettings::default(),
            mix: BlendSettings::default(),
            on_miss: OnMiss::Rescue,
            sync: CanvasSync::HostBeats,
            canvas_length: 4.0,
        };
        let mut transport = Transport::new(48_000.0);
        transport.tempo = Some(120.0);
        transport.playing = true;
        let begun = Instant::now();
        for i in 0..blocks {
            let due = begun + Duration::from_micros(2000 * i as u64);
            self.block(&mut settings, &mut transport, due);
        }
    }
}

#[test]
fn a_long_random_session_stays_within_the_rules() {
    for quality in [Quality::Live, Quality::Balanced] {
        let mut session = Session::new(quality);
        session.run(1500);
        let figures = session.rig.metrics();
        let count = |counter| figures.count(counter);
        println!(
            "{quality:?}: swaps {}, rescues {}, holds {}, drys {}, misses {}",
            count(Counter::BufferSwaps),
            count(Counter::Rescues),
            count(Counter::Holds),
            count(Counter::Drys),
            count(Counter::Misses)
        );
        // Every branch of the ladder was taken, and the engine played too.
        for counter in [Counter::BufferSwaps, Counter::Rescues, Counter::Holds, Counter::Drys] {
            assert!(count(counter) > 0, "{counter:?} never happened");
        }
    }
}

/// Runs this test binary again with `SCUMBLE_PLANT` set, so that only `planted` does anything.
fn planted_child(kind: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().expect("this binary"));
    child.args(["--exact", "planted", "--nocapture"]).env("SCUMBLE_PLANT", kind);
    child
}

#[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
fn plant(kind: &str) {
    guarded(|| match kind {
        "allocation" => drop(std::hint::black_box(vec![0u8; 100])),
        "log" => eprintln!("a message"),
        _ => {}
    });
}

/// Does nothing unless it runs as a child of the tests below.
#[test]
fn planted() {
    match std::env::var("SCUMBLE_PLANT").as_deref() {
        Ok("session") => traced_session(false),
        Ok("session-sleep") => traced_session(true),
        Ok(kind) => plant(kind),
        Err(_) => {}
    }
}

#[test]
fn the_guard_bites() {
    let ok = planted_child("nothing").output().expect("a child");
    assert!(ok.status.success(), "{}", String::from_utf8_lossy(&ok.stderr));
    let kinds: &[&str] = if cfg!(rtsan) { &["allocation", "log"] } else { &["allocation"] };
    for kind in kinds {
        let output = planted_child(kind).output().expect("a child");
        assert!(!output.status.success(), "a planted {kind} was not noticed");
    }
}

/// Between two marks that `strace` sees, an audio thread of its own plays.
fn traced_session(planted: bool) {
    let mut session = Session::new(Quality::Live);
    let audio = std::thread::Builder::new().name("scumble-audio".into()).spawn(move || {
        session.run(50);
        // The blocks' input is made before the marks: only process() is between them.
        let mut settings = BlockSettings {
            effects: EffectSettings { blur_time_ms: 50.0, ..EffectSettings::default() },
            mix: BlendSettings::default(),
            on_miss: OnMiss::Rescue,
            sync: CanvasSync::HostBeats,
            canvas_length: 4.0,
        };
        let transport = Transport::new(48_000.0);
        let mut blocks = vec![vec![0.25f32; 256]; 2 * 600];
        mark("scumble-begin");
        let begun = Instant::now();
        for (i, pair) in blocks.chunks_exact_mut(2).enumerate() {
            let due = begun + Duration::from_micros(5333 * i as u64);
            // Every tenth block comes without a pause: its hops are missed.
            while i % 10 != 9 && Instant::now() < due {
                std::hint::spin_loop();
            }
            settings.effects.shift_hz = i as f32;
            let [left, right] = pair else { continue };
            session.rig.processor.process(&mut [left, right], &settings, &transport);
            if planted && i == 300 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        mark("scumble-end");
    });
    audio.expect("a thread").join().expect("it plays");
}

/// A system call that does nothing but show in a trace.
fn mark(name: &str) {
    let _ = std::fs::metadata(format!("/{name}"));
}

/// The audio thread's system calls between the marks.
#[cfg(all(target_os = "linux", not(rtsan)))]
fn trace(kind: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("scumble-trace-{kind}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let prefix = folder.join("trace");
    let child = planted_child(kind);
    let status = Command::new("strace")
        .args(["-ff", "-o"])
        .arg(&prefix)
        .arg(child.get_program())
        .args(child.get_args())
        .env("SCUMBLE_PLANT", kind)
        .output()
        .expect("strace is installed by `cargo xtask setup`");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let files = std::fs::read_dir(&folder).expect("the traces");
    let traces = files.flatten().filter_map(|file| std::fs::read_to_string(file.path()).ok());
    let audio = traces.into_iter().find(|text| text.contains("scumble-begin"));
    let audio = audio.expect("the audio thread's trace");
    let _ = std::fs::remove_dir_all(&folder);
    audio
        .lines()
        .skip_while(|line| !line.contains("scumble-begin"))
        .skip(1)
        .take_while(|line| !line.contains("scumble-end"))
        .map(str::to_owned)
        .collect()
}

#[cfg(all(target_os = "linux", not(rtsan)))]
#[test]
fn the_audio_thread_calls_the_system_for_nothing_but_to_wake_the_worker() {
    let wake = |line: &String| line.starts_with("futex(") && line.contains("FUTEX_WAKE");
    let calls = trace("session");
    let others: Vec<&String> = calls.iter().filter(|line| !wake(line)).collect();
    assert!(others.is_empty(), "{} calls, among them {:?}", others.len(), &others[0]);
    println!("{} wakes in 600 blocks, and nothing else", calls.len());
    let planted = trace("session-sleep");
    assert!(planted.iter().any(|line| !wake(line)), "a planted sleep was not seen");
}
