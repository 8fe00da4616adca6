//! Everything in `sync` that the audio thread may call neither allocates nor blocks (SPEC S13).
//!
//! In the usual build `assert_no_alloc` ends the process at the first allocation; with `--cfg rtsan`
//! RealtimeSanitizer does so at the first call that may block (docs/testing.md). Each is shown to
//! bite: the same program with a planted violation must die.
#![cfg(not(any(loom, tsan, miri)))]
#![cfg_attr(rtsan, feature(sanitize))]

mod sync_common;

use std::hint::black_box;
use std::process::{Command as Process, Output};
use std::sync::Mutex;
use std::time::Duration;

use scumble_gpu::sync::*;
use sync_common::{MODES, assert_sound, buffer, fill};

#[cfg(not(rtsan))]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// Runs `work` as the audio thread would.
#[cfg(not(rtsan))]
fn on_audio_thread<R>(work: impl FnOnce() -> R) -> R {
    assert_no_alloc::assert_no_alloc(work)
}

/// Runs `work` as the audio thread would.
#[cfg(rtsan)]
#[sanitize(realtime = "nonblocking")]
fn on_audio_thread<R>(work: impl FnOnce() -> R) -> R {
    work()
}

// S1, S2, S4: hits, misses, flips, late hops and withdrawn ones, in all modes.
#[test]
fn reading_hops_is_real_time() {
    for mode in MODES {
        let (mut writer, mut reader) = buffer(mode, 2, 16, 4);
        let (mut left, mut right) = ([0.0; 16], [0.0; 16]);
        let mut ready = 0;
        for hop in 0..200 {
            if hop % 7 != 0
                && let Some(mut half) = writer.begin()
            {
                // Two hops a half, one of them often too late.
                for hop in (hop.max(1) - 1)..=hop {
                    let _ = half.push_hop(hop, fill(hop));
                }
                half.publish();
            }
            let status = on_audio_thread(|| {
                black_box(reader.is_signalled());
                if hop % 2 == 0 {
                    black_box(reader.is_decided(hop));
                }
                black_box(reader.stats());
                black_box(reader.shape());
                reader.read_hop(hop, &mut [&mut left[..], &mut right[..]])
            });
            if status == HopStatus::Ready {
                ready += 1;
                let both: Vec<f32> = left.into_iter().chain(right).collect();
                assert_sound(hop, &both);
            }
        }
        assert!(ready > 50 && ready < 200, "{mode:?}: {ready} hits, no mixture");
    }
}

// S3: both ends, since either may be the audio thread's; full, empty, wrapping, skipping.
#[test]
fn frame_rings_are_real_time() {
    for overflow in [Overflow::RefuseNew, Overflow::SkipOldest] {
        let (mut writer, mut reader) = frame_ring::<u64>(4, 32, overflow);
        let samples = [0.5; 32];
        let mut refused = 0;
        for sequence in 0..500 {
            on_audio_thread(|| {
                for _ in 0..sequence % 4 {
                    refused += usize::from(
                        writer.push(sequence, &1, &[&samples[..12], &samples[12..]]).is_err(),
                    );
                }
                // In turn too seldom and too often.
                let pops = if sequence / 50 % 2 == 0 { sequence % 3 } else { 4 };
                for _ in 0..pops {
                    let mut out = [0.0; 32];
                    reader.pop(|frame| frame.copy_to(0, &mut out[..frame.len()]));
                }
                if sequence % 10 == 0 {
                    reader.pop_if_any(|frame| black_box(frame.len()));
                }
                black_box((reader.is_empty(), writer.is_abandoned(), reader.is_abandoned()));
            });
        }
        assert!(writer.frames() > 100 && reader.frames() > 100);
        assert!(reader.underflows() > 0 && writer.overflows() > 0);
        assert!(refused > 0 || reader.skipped() > 0);
    }
}

struct Job(u32);

impl Command for Job {
    fn cost(&self) -> u32 {
        self.0
    }
}

// S5, S13: pushing, being refused for every reason, and ringing.
#[test]
fn pushing_and_ringing_is_real_time() {
    let CommandQueue { mut audio, mut worker, .. } =
        CommandQueue::<Job>::new(QueueShape::new(2).unwrap());
    let (bell, mut sleeper) = doorbell();
    let thread = std::thread::Builder::new()
        .spawn(move || {
            let (mut batch, mut found) = (Batch::new(16, 16), 0);
            while found < 1000 {
                worker.drain(false, &mut batch);
                if batch.is_empty() {
                    sleeper.sleep(Duration::from_millis(50));
                }
                found += batch.take().count();
            }
        })
        .unwrap();
    let bell = bell.bind(thread.thread().clone());
    let mut pushed = 0;
    while pushed < 1000 {
        on_audio_thread(|| {
            for level in [0, 1, 9] {
                for cost in [1, 1000] {
                    pushed += usize::from(audio.push(level, Job(cost)).is_ok());
                }
            }
            bell.ring();
        });
        // Lets the worker fall asleep, so that some rings have to wake it.
        std::thread::sleep(Duration::from_micros(20));
    }
    thread.join().unwrap();
    assert!(audio.refused() > 0);
}

// T1, S9
#[test]
fn looking_and_counting_is_real_time() {
    let timeline = CpuTimeline::new();
    timeline.set(3);
    let (mut queue, device) = device_timeline(2);
    queue.submit().unwrap().complete();
    let Metrics { mut audio, reader, .. } = Metrics::new(LatencyShape::default());
    on_audio_thread(|| {
        assert!(timeline.is_reached(3) && !timeline.is_reached(4));
        assert!(device.is_reached(1) && device.in_flight() == 0);
        audio.update(|update| {
            update.add(Counter::Rescues, 1);
            update.set(Counter::Misses, 1);
            update.reader(ReaderStats::default());
            for stage in Stage::ALL {
                update.time(stage, Duration::from_micros(250));
            }
        });
        // S9: without allocation, here with the strictest of judges.
        let seen = reader.snapshot();
        assert_eq!(seen.count(Counter::Rescues), 1);
        black_box((seen.budget(), seen.since(&seen).stage(Stage::Callback)));
    });
}

/// What must not happen on the audio thread, one name each.
// RealtimeSanitizer does not know `clock_nanosleep`, so a sleep is no plant: `strace` sees those
// (plugin/tests/realtime.rs).
const VIOLATIONS: &[&str] = if cfg!(rtsan) { &["allocate", "lock"] } else { &["allocate", "free"] };

fn violate(name: &str) {
    match name {
        "allocate" => on_audio_thread(|| drop(black_box(vec![1u8; 64]))),
        "free" => {
            let boxed = Box::new(7u64);
            on_audio_thread(move || drop(black_box(boxed)));
        }
        "lock" => {
            let held = Mutex::new(0);
            let (taken, wait) = std::sync::mpsc::sync_channel(0);
            std::thread::scope(|scope| {
                let other = std::thread::Builder::new().name("other".into());
                let holds = || {
                    let _guard = held.lock();
                    taken.send(()).unwrap();
                    // However long the other is held up. The judge ends the process at once.
                    std::thread::sleep(Duration::from_secs(30));
                };
                other.spawn_scoped(scope, holds).unwrap();
                wait.recv().unwrap();
                on_audio_thread(|| drop(black_box(held.lock())));
            });
        }
        _ => unreachable!("unknown violation {name}"),
    }
}

fn child(test: &str, planted: &str) -> Output {
    Process::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("SCUMBLE_PLANT", planted)
        .output()
        .unwrap()
}

// S13: the judge is awake. The same run without a violation passes, so it is the violation.
#[test]
fn planted_violations_are_found() {
    const THIS: &str = "planted_violations_are_found";
    match std::env::var("SCUMBLE_PLANT").as_deref() {
        Ok("nothing") => return on_audio_thread(|| black_box(())),
        Ok(name) => return violate(name),
        Err(_) => {}
    }
    assert!(child(THIS, "nothing").status.success());
    for name in VIOLATIONS {
        let found = child(THIS, name);
        let report = String::from_utf8_lossy(&found.stderr);
        assert!(!found.status.success(), "{name} went unnoticed: {report}");
        if cfg!(rtsan) {
            assert!(report.contains("RealtimeSanitizer"), "{name}: {report}");
        }
    }
}
