//! The engine with the CPU in the device's seat: sessions, faults and ends, without any GPU.
// What it shares with the other tests needs wgpu to build, though not to run.
#![cfg(all(feature = "wgpu", not(loom)))]

mod gpu_common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gpu_common::ordeal::Ordeal;
use gpu_common::player::{Player, config, everything};
use scumble_dsp::{EffectSettings, Quality};
use scumble_gpu::backend::adapter::AdapterWish;
use scumble_gpu::backend::cpu::OpenCpu;
use scumble_gpu::backend::faulty::{Fault, Faults, OpenFaulty};
use scumble_gpu::backend::wgpu::device::DeviceError;
use scumble_gpu::backend::{Backend, BackendError, NoBackend, OpenBackend};
use scumble_gpu::engine::{Configured, Engine, EngineChoice, EngineKind, EngineOptions, Session};
use scumble_gpu::sync::Counter;

fn options(opener: impl scumble_gpu::backend::OpenBackend + 'static) -> EngineOptions {
    EngineOptions { adapter: AdapterWish::None, opener: Some(Arc::new(opener)), real_time: false }
}

fn faulty() -> (Engine, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let opener = OpenFaulty { inner: OpenCpu, faults: Arc::clone(&faults) };
    (Engine::isolated(options(opener)).unwrap(), faults)
}

const LONG: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(500);

#[test]
fn without_a_device_the_worker_computes_and_says_why() {
    let engine = Engine::isolated(options(NoBackend("no GPU in this machine".into()))).unwrap();
    for quality in Quality::ALL {
        let block = scumble_dsp::WindowSpec::new(quality, 48_000.0).h.max(128);
        let mut player = Player::new(&engine, config(quality, 48_000.0, 2, block), 1);
        player.settings = everything();
        for _ in 0..40 {
            player.block(Some(LONG));
        }
        assert_eq!(player.tally.rescued, 0);
        assert!(player.tally.ready > 30);
        std::thread::sleep(Duration::from_millis(60));
        let state = player.control.state();
        assert_eq!(state.kind, EngineKind::Cpu); // P7
        assert!(state.reason.contains("no GPU in this machine"), "{state:?}");
    }
}

#[test]
fn a_session_moves_to_the_device_and_back_without_a_wrong_hop() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 2);
    player.settings = everything();
    for fault in [Fault::LoseAtSubmit, Fault::LoseInFlight, Fault::Destroy, Fault::PassError] {
        player.play_until_served(LONG);
        faults.inject(fault);
        let start = Instant::now();
        while faults.pending() > 0 {
            assert!(start.elapsed() < LONG);
            player.block(Some(SOON));
        }
        for _ in 0..20 {
            player.block(Some(SOON)); // S8
        }
    }
    player.play_until_served(LONG);
    assert_eq!(faults.happened(), (3, 0, 1));
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
    assert!(faults.openings() >= 5);
}

#[test]
fn stalls_are_covered_and_memory_shortage_makes_smaller_tables() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 256), 3);
    player.settings = everything();
    for stall in [5, 50, 300] {
        player.play_until_served(LONG);
        faults.inject(Fault::Stall(Duration::from_millis(stall)));
        let end = Instant::now() + Duration::from_millis(stall + 100);
        while Instant::now() < end {
            player.block(Some(SOON));
        }
    }
    player.play_until_served(LONG);
    faults.inject(Fault::OutOfMemory);
    for _ in 0..50 {
        player.block(Some(SOON));
    }
    player.play_until_served(LONG);
    assert_eq!(faults.happened(), (0, 3, 1));
    assert_eq!(faults.openings(), 1, "neither a stall nor one shortage costs the device");
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
    let timeouts = player.control.metrics().count(Counter::Timeouts);
    assert!(timeouts >= 3, "{timeouts} timeouts"); // S4
}

#[test]
fn an_adapter_that_stays_away_is_asked_for_again() {
    let (engine, faults) = faulty();
    faults.refuse_openings(3);
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 4);
    player.play_until_served(LONG);
    assert_eq!(faults.openings(), 1);
    assert_eq!(player.tally.rescued, 0);
}

#[test]
fn many_sessions_of_all_qualities_share_one_table() {
    let (engine, _) = faulty();
    let mut players: Vec<_> = (0..12)
        .map(|i| {
            let quality = Quality::ALL[i % 4];
            let rate = [44_100.0, 48_000.0, 96_000.0][i % 3];
            let block = scumble_dsp::WindowSpec::new(quality, rate).h.max(256);
            Player::new(&engine, config(quality, rate, 1 + i % 2, block), i as u32)
        })
        .collect();
    for round in 0..60 {
        if round == 30 {
            players.truncate(7); // X7: closing one never disturbs another
        }
        for player in &mut players {
            player.block(Some(LONG));
        }
    }
    for player in &players {
        assert_eq!(player.tally.rescued, 0);
        assert!(player.tally.ready >= 50);
    }
}

#[test]
fn configuring_twice_with_the_same_config_changes_nothing() {
    let engine = Engine::isolated(options(OpenCpu)).unwrap();
    let mut session = Session::new(engine);
    let first = config(Quality::Live, 48_000.0, 2, 128);
    let Configured::Opened(ends) = session.configure(first).unwrap() else {
        panic!("the first time opens")
    };
    assert!(matches!(session.configure(first).unwrap(), Configured::Unchanged));
    let other = config(Quality::Studio, 48_000.0, 2, 1024);
    assert!(matches!(session.configure(other).unwrap(), Configured::Opened(_)));
    drop(ends);
}

#[test]
fn a_minute_of_sound_with_a_hundred_losses_and_a_thousand_stalls_has_no_wrong_hop() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 7);
    player.settings = EffectSettings { low_cut_hz: 200.0, shift_hz: 40.0, ..Default::default() };
    let (mut ordeal, mut blocks) = (Ordeal::new(100, 1000, 5), 0u32);
    let latency = player.config.spec.latency(player.config.async_samples);
    let start = Instant::now();
    let minute = 60 * 48_000 / 128;
    while blocks < minute || !ordeal.is_over(&faults) {
        assert!(start.elapsed() < Duration::from_secs(400), "{ordeal} in {blocks} blocks");
        ordeal.go_on(&player, &faults);
        player.block(Some(LONG));
        blocks += 1;
        if player.audio.kind() != EngineKind::Gpu {
            std::thread::sleep(Duration::from_micros(300));
        }
    }
    assert_eq!(faults.happened(), ordeal.all()); // every one that was injected
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally); // no gap
    assert_eq!(player.config.spec.latency(player.config.async_samples), latency);
    let metrics = player.control.metrics();
    assert_eq!(metrics.count(Counter::DeviceLosses), 100); // S8, S9
    eprintln!("{blocks} blocks in {:?}, {:?}", start.elapsed(), player.tally);
}

/// An adapter that is there, and whose driver refuses what the kernels need.
struct RefusesALimit;

impl OpenBackend for RefusesALimit {
    fn open(&self, _sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        Err(DeviceError::Limit {
            device: "a small GPU".to_owned(),
            what: "bytes of workgroup memory",
            needed: 32_768,
            found: 16_384,
        }
        .into())
    }
}

#[test]
fn a_driver_that_refuses_a_limit_leaves_the_cpu_playing_and_the_user_told() {
    let engine = Engine::isolated(options(RefusesALimit)).unwrap();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 11);
    player.settings = everything();
    let told = "a small GPU allows 16384 bytes of workgroup memory, 32768 are needed";
    let start = Instant::now();
    while player.control.state().reason != told {
        assert!(start.elapsed() < LONG, "{:?}", player.control.state());
        player.block(Some(LONG));
        std::thread::sleep(Duration::from_millis(1));
    }
    for _ in 0..100 {
        player.block(Some(LONG));
    }
    assert_eq!(player.audio.kind(), EngineKind::Cpu); // P7
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
    assert_eq!(player.control.metrics().count(Counter::DeviceLosses), 0);
}

/// Lets the device miss deadlines until the session leaves it, at most `most`; whether it did.
fn miss_deadlines(player: &mut Player, faults: &Faults, most: u32) -> bool {
    for _ in 0..most {
        let start = Instant::now();
        // Only a hop that is due can be late: what brings a device up to date is not.
        while player.audio.kind() != EngineKind::Gpu {
            assert!(start.elapsed() < LONG, "{:?}", player.control.state());
            if player.control.state().reason.contains("missed too many deadlines") {
                return true;
            }
            player.block(Some(LONG));
            std::thread::sleep(Duration::from_micros(300));
        }
        faults.inject(Fault::Stall(Duration::from_millis(8)));
        while faults.pending() > 0 {
            assert!(start.elapsed() < LONG, "{:?}", player.control.state());
            player.block(Some(LONG));
        }
    }
    false
}

#[test]
fn a_run_of_misses_takes_a_session_of_auto_off_the_device_and_a_probe_brings_it_back() {
    let (engine, faults) = faulty();
    let mut auto = config(Quality::Live, 48_000.0, 1, 128);
    auto.engine_choice = EngineChoice::Auto;
    let mut player = Player::new(&engine, auto, 12);
    player.play_until_served(LONG);
    assert!(!miss_deadlines(&mut player, &faults, 20), "twenty misses are borne");
    player.play_until_served(LONG);
    assert!(miss_deadlines(&mut player, &faults, 2000), "a run of them is not");
    assert_eq!(player.audio.kind(), EngineKind::Cpu);
    // The bar ends by itself: the device is tried again, and serves.
    player.play_until_served(LONG);
    assert_eq!(faults.openings(), 1, "it was not the device's fault alone");
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);

    // Who asks for the GPU gets it, whatever it misses.
    let mut always = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 13);
    drop(player);
    always.play_until_served(LONG);
    assert!(!miss_deadlines(&mut always, &faults, 100));
    assert_eq!(always.tally.rescued, 0, "{:?}", always.tally);
}
