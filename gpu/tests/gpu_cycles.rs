//! Sessions that come and go (X7): alone in its process, since it counts the process's threads and
//! memory.
#![cfg(all(feature = "wgpu", not(loom)))]

mod gpu_common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpu_common::player::{Player, config};
use scumble_dsp::Quality;
use scumble_gpu::backend::adapter::AdapterWish;
use scumble_gpu::backend::cpu::OpenCpu;
use scumble_gpu::engine::{Engine, EngineOptions};

const LONG: Duration = Duration::from_secs(20);

/// A figure of this process as Linux gives it; `None` elsewhere.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Seven sessions, of the 800 between the two looks: more than an allocator keeps for itself.
const MEMORY_BOUND_KIB: u64 = 64 << 10;

#[test]
fn sessions_come_and_go_a_thousand_times_while_audio_runs() {
    let options = EngineOptions {
        adapter: AdapterWish::None,
        opener: Some(Arc::new(OpenCpu)),
        real_time: false,
    };
    let threads_before = status("Threads");
    let mut settled = None;
    {
        let engine = Engine::acquire(options).unwrap();
        let mut steady = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 5);
        let threads_playing = status("Threads");
        for i in 0..1000u32 {
            let mut guest = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), i);
            guest.block(None);
            guest.block(None);
            // Waits for the hop before: the worker has let go of all guests but the last.
            steady.block(Some(LONG));
            if i % 10 == 0 {
                assert_eq!(status("Threads"), threads_playing, "after {i} sessions");
            }
            if i == 200 {
                steady.block(Some(LONG));
                settled = status("VmRSS");
            }
        }
        steady.block(Some(LONG));
        steady.block(Some(LONG));
        assert_eq!(steady.tally.rescued, 0);
        if let (Some(before), Some(after)) = (settled, status("VmRSS")) {
            eprintln!("{before} KiB after 200 sessions, {after} KiB after 1000");
            assert!(after < before + MEMORY_BOUND_KIB, "{before} KiB became {after}");
        }
        drop(engine); // the sessions hold shares of their own
        assert!(Engine::is_running());
    }
    assert!(!Engine::is_running()); // X7: the last share joined the worker
    // A thread that was joined may be counted for a moment longer.
    let start = Instant::now();
    while status("Threads") != threads_before {
        assert!(start.elapsed() < LONG, "a thread outlives the engine: {:?}", status("Threads"));
        std::thread::sleep(Duration::from_millis(1));
    }
}
