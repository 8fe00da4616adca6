//! The engine with the CPU in the device's seat: sessions, faults and ends, without any GPU.
// What it shares with the other tests needs wgpu to build, though not to run.
#![cfg(all(feature = "wgpu", not(loom)))]

mod gpu_common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gpu_common::ordeal::Ordeal;
use gpu_common::player::{Player, config, everything};
use scumble_dsp::{
    Canvas, EffectSettings, Framer, Playhead, Quality, Stroke, StrokeKind, StrokePoint,
};
use scumble_gpu::backend::adapter::{AdapterError, AdapterWish};
use scumble_gpu::backend::cpu::OpenCpu;
use scumble_gpu::backend::faulty::{Fault, Faults, OpenFaulty};
use scumble_gpu::backend::wgpu::device::DeviceError;
use scumble_gpu::backend::{Backend, BackendError, NoBackend, OpenBackend};
use scumble_gpu::engine::{
    Configured, Engine, EngineChoice, EngineKind, EngineOptions, EngineState, Session,
    SessionConfig,
};
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
/// Longer than a machine is busy with others, and shorter than the longest stall.
const SOON: Duration = Duration::from_secs(3);
const LONGEST_STALL: Duration = Duration::from_millis(4500);

/// Plays until the session's state gives this reason.
fn told(player: &mut Player, reason: &str) -> EngineState {
    let start = Instant::now();
    loop {
        let state = player.control.state();
        if state.reason.contains(reason) {
            return state;
        }
        assert!(start.elapsed() < LONG, "{state:?}");
        player.block(Some(LONG));
        std::thread::sleep(Duration::from_millis(2));
    }
}

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
        let state = told(&mut player, "no GPU in this machine");
        assert_eq!(state.kind, EngineKind::Cpu); // P7
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
    // The longest outlasts the player's patience: it is covered, or there is a gap.
    for stall in [5, 50, 300].map(Duration::from_millis).into_iter().chain([LONGEST_STALL]) {
        player.play_until_served(LONG);
        faults.inject(Fault::Stall(stall));
        let end = Instant::now() + stall + Duration::from_millis(100);
        while Instant::now() < end {
            player.block(Some(SOON));
        }
    }
    player.play_until_served(LONG);
    faults.take_largest_table();
    for _ in 0..50 {
        player.block(Some(SOON));
    }
    let hops = player.config.max_block / player.config.spec.h;
    assert_eq!(faults.take_largest_table(), hops, "a block at a time");
    faults.inject(Fault::OutOfMemory);
    while faults.pending() > 0 {
        player.block(Some(SOON));
    }
    faults.take_largest_table();
    for _ in 0..50 {
        player.block(Some(SOON));
    }
    player.play_until_served(LONG);
    let largest = faults.take_largest_table();
    assert!((1..=hops / 2).contains(&largest), "{largest} hops of {hops}"); // P7
    assert_eq!(faults.happened(), (0, 4, 1));
    assert_eq!(faults.openings(), 1, "neither a stall nor one shortage costs the device");
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
    let timeouts = player.control.metrics().count(Counter::Timeouts);
    // One for each stall of a due table, unless the worker itself was held up for as long, as it may be
    // for the two short ones.
    let due_stalls = faults.due_stalls();
    assert!(timeouts <= due_stalls && timeouts + 2 >= due_stalls, "{timeouts} of {due_stalls}"); // S4
    assert!(timeouts >= 2, "{timeouts} timeouts");
}

#[test]
fn a_field_that_found_no_memory_comes_with_the_next_table() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 256), 14);
    player.play_until_served(LONG);
    faults.starve_fields(1);
    let stroke = Stroke {
        id: 1,
        kind: StrokeKind::Gain,
        points: vec![StrokePoint { x: 0.0, y: 5.0, pressure: 1.0 }],
        radius_time: 0.5,
        radius_octaves: 8.0,
        strength: 1.0,
        hardness: 0.5,
    };
    player.paint(&Canvas { strokes: vec![stroke], ..Canvas::default() });
    for _ in 0..10 {
        player.block(Some(LONG));
    }
    player.play_until_served(LONG);
    for _ in 0..50 {
        player.block(Some(LONG)); // S14: a device without the field would not have the twin's sound
    }
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
    assert_eq!(faults.openings(), 1, "a shortage does not cost the device"); // P7
}

#[test]
fn history_that_found_no_memory_comes_in_smaller_tables() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 256), 21);
    player.settings = everything();
    player.play_until_served(LONG);
    // After a stall the device lags behind: the next table brings it up to date.
    faults.inject(Fault::Stall(Duration::from_millis(100)));
    faults.inject(Fault::OutOfMemory);
    while faults.pending() > 0 {
        player.block(Some(SOON));
        std::thread::sleep(Duration::from_millis(1));
    }
    player.play_until_served(LONG);
    assert_eq!((faults.happened(), faults.openings()), ((0, 1, 1), 1)); // P7
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
}

#[test]
fn an_adapter_that_goes_away_is_asked_for_until_it_is_back() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 4);
    player.play_until_served(LONG);
    // As when a card on a cable is pulled: the driver has no adapter until it is back.
    faults.refuse_openings(3);
    faults.inject(Fault::LoseAtSubmit);
    while faults.pending() > 0 {
        player.block(Some(LONG));
    }
    player.play_until_served(LONG); // S8
    assert_eq!(faults.openings(), 2);
    assert_eq!(player.tally.rescued, 0);
}

/// No adapter, as the system tells it.
#[derive(Clone, Default)]
struct NeverThere(Arc<AtomicU64>);

impl OpenBackend for NeverThere {
    fn open(&self, _sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let (wish, found) = (AdapterWish::Best, "none".to_owned());
        Err(AdapterError::NotFound { wish, found }.into())
    }
}

#[test]
fn an_adapter_that_was_never_there_is_asked_for_once() {
    let opener = NeverThere::default();
    let engine = Engine::isolated(options(opener.clone())).unwrap();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 15);
    let found = told(&mut player, "the system has: none");
    assert_eq!(found.kind, EngineKind::Cpu);
    let start = Instant::now();
    // Longer than the first two pauses together.
    while start.elapsed() < Duration::from_millis(700) {
        player.block(Some(LONG));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(opener.0.load(Ordering::Relaxed), 1); // P7
}

#[test]
fn a_size_that_does_not_compile_leaves_the_others_their_device() {
    let (engine, faults) = faulty();
    let studio = config(Quality::Studio, 48_000.0, 2, 1024);
    faults.refuse_size(studio.spec.n);
    // It comes first, so that it is asked for first.
    let mut refused = Player::new(&engine, studio, 16);
    refused.block(Some(LONG));
    let mut served = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 17);
    served.play_until_served(LONG);
    told(&mut refused, "does not compile"); // P7
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        served.block(Some(LONG));
        refused.block(Some(LONG));
        std::thread::sleep(Duration::from_millis(2));
    }
    let state = refused.control.state();
    assert_eq!(state.kind, EngineKind::Cpu);
    assert!(state.reason.contains("does not compile"), "{state:?}");
    assert_eq!(faults.warm_ups(), 1, "compiling takes tenths of seconds each time");
    assert_eq!((refused.tally.rescued, served.tally.rescued), (0, 0));
}

#[test]
fn a_host_that_does_not_read_for_long_costs_no_more_and_is_served_again() {
    // The worker's own hops, and those of a device.
    for opener in [None, Some(OpenCpu)] {
        let has_device = opener.is_some();
        let engine = match opener {
            Some(device) => Engine::isolated(options(device)).unwrap(),
            None => Engine::isolated(options(NoBackend("none".into()))).unwrap(),
        };
        let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 18);
        if has_device {
            player.play_until_served(LONG);
        }
        let first = player.pushed();
        // Bypassed: pushed all the same, so that it can come back at any time.
        let start = Instant::now();
        while player.pushed() < first + 6000 {
            assert!(start.elapsed() < LONG);
            player.block_unread();
            while player.control.metrics().count(Counter::HopsWaiting) > 200 {
                player.audio.end_block();
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        // What the worker keeps for a reader is bounded: the rest it has given up, and says so.
        let given_up = || player.control.metrics().count(Counter::LateResults);
        while given_up() < 5000 {
            assert!(start.elapsed() < LONG, "6000 hops for nobody, {} given up", given_up()); // S15
            std::thread::sleep(Duration::from_millis(1));
        }
        // The half that waited all the while is old: the first block finds nothing in it.
        player.block(Some(LONG));
        player.block(Some(LONG));
        assert!(player.tally.rescued <= 4, "{:?}", player.tally);
        player.tally = Default::default();
        for _ in 0..100 {
            player.block(Some(LONG)); // S14: and each is right
        }
        assert_eq!((player.tally.ready, player.tally.rescued), (200, 0));
    }
}

#[test]
fn the_devices_figures_go_on_while_it_stalls_and_when_it_is_another() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 256), 19);
    let (mut last, mut rises) = (0, 0);
    for fault in [Fault::Stall(Duration::from_millis(200)), Fault::LoseInFlight] {
        player.play_until_served(LONG);
        for _ in 0..200 {
            player.block(Some(LONG));
        }
        let before = player.control.metrics().count(Counter::Submissions);
        assert!(before > last + 100, "{last} submissions, {before} after 200 blocks");
        last = before;
        faults.inject(fault);
        for _ in 0..300 {
            player.block(Some(LONG));
            let count = player.control.metrics().count(Counter::Submissions);
            assert!(count >= last, "{last} submissions became {count} after {fault:?}"); // S9
            // A block, and history in the pauses, a few tables at a time.
            assert!(count - last < 60, "{last} submissions became {count} at once");
            rises += u32::from(count > last);
            last = count;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(rises > 50, "{rises}");
}

#[test]
fn blocks_that_find_too_little_are_underflows_and_their_hops_misses() {
    let (engine, faults) = faulty();
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 256), 20);
    player.play_until_served(LONG);
    faults.hold();
    let (mut rescued, mut blocks) = (player.tally.rescued, 0);
    for _ in 0..30 {
        player.block(None);
        blocks += u64::from(player.tally.rescued > rescued);
        rescued = player.tally.rescued;
    }
    faults.release();
    let figures = player.control.metrics();
    assert!(blocks >= 25, "{blocks} of 30 blocks while the driver held the worker up");
    assert_eq!(figures.count(Counter::Misses), player.tally.rescued);
    assert_eq!(figures.count(Counter::Underflows), blocks); // S3, S9
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
    // All of them much longer than the worker waits for the device.
    let (mut ordeal, mut blocks) = (Ordeal::new(100, 1000, 6..=11), 0u32);
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
    // Each hop came, and was compared with the twin's hop for the moment at which it was due, which
    // the player keeps count of: a gap, or another latency, would be another hop.
    assert_eq!((player.tally.rescued, player.tally.ready + 2), (0, player.pushed()));
    let metrics = player.control.metrics();
    assert_eq!(metrics.count(Counter::DeviceLosses), 100); // S8, S9
    // Each stall that kept due hops waiting is one timeout; history in a pause keeps nobody waiting.
    let (timeouts, due_stalls) = (metrics.count(Counter::Timeouts), faults.due_stalls());
    assert!(due_stalls >= 250 && timeouts <= due_stalls, "{timeouts} of {due_stalls}"); // S4, S9
    // On a busy machine the worker may be held up for longer than the device.
    assert!(timeouts >= due_stalls * 3 / 4, "{timeouts} of {due_stalls}");
    eprintln!("{blocks} blocks in {:?}, {:?}", start.elapsed(), player.tally);
    eprintln!("{timeouts} timeouts, {due_stalls} stalls of due tables");
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

#[test]
fn a_worker_with_more_to_do_than_it_can_still_opens_the_device() {
    // S8: one session pushes as fast as it can, so that there is no turn without a due hop.
    let engine = Engine::isolated(options(OpenCpu)).unwrap();
    let flood = SessionConfig {
        engine_choice: EngineChoice::Cpu,
        ..config(Quality::Live, 48_000.0, 2, 128)
    };
    let (mut audio, _control) = engine.open(flood).unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut framer = Framer::new(flood.spec, flood.sample_rate);
            let hop = vec![0.25; flood.spec.h];
            for n in 0.. {
                let params = framer.next(&everything(), Playhead::default());
                // What finds no room is lost.
                let _ = audio.push_hop(n, &[&hop, &hop], &params);
                audio.end_block();
                if ended.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let (_audio, control) = engine.open(config(Quality::Live, 48_000.0, 2, 128)).unwrap();
        let start = Instant::now();
        while control.state().kind != EngineKind::Gpu && start.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(2));
        }
        ended.store(true, Ordering::Relaxed);
        assert_eq!(control.state().kind, EngineKind::Gpu, "{:?}", control.state());
    });
}
