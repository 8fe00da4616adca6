//! Work below High (S5): its order against the hops, who computes it, and that each question is
//! answered. Asserted on order, counts and results, never on times.
#![cfg(all(feature = "wgpu", not(loom)))]

mod gpu_common;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gpu_common::player::{Player, Sound, config, roomy};
use gpu_common::recorder::{Event, Log, OpenRecorder};
use gpu_common::wish;
use scumble_dsp::store::Store;
use scumble_dsp::transform::{CqtSpec, MelSpec};
use scumble_dsp::{Quality, Stroke, StrokeKind, StrokePoint, WindowShape, WindowSpec};
use scumble_gpu::backend::adapter::AdapterWish;
use scumble_gpu::backend::cpu::OpenCpu;
use scumble_gpu::backend::faulty::{Fault, Faults, OpenFaulty};
use scumble_gpu::backend::wgpu::OpenWgpu;
use scumble_gpu::backend::{NoBackend, OpenBackend};
use scumble_gpu::compute::cpu::CpuTasks;
use scumble_gpu::compute::{
    Analysis, Answer, Done, Outcome, Picture, PictureRows, Task, TaskError,
};
use scumble_gpu::engine::{ControlEnd, Engine, EngineKind, EngineOptions};
use scumble_gpu::sync::Counter;

const LONG: Duration = Duration::from_secs(60);

fn engine(opener: impl OpenBackend + 'static) -> Engine {
    let opener: Option<Arc<dyn OpenBackend>> = Some(Arc::new(opener));
    Engine::isolated(EngineOptions { adapter: AdapterWish::None, opener, real_time: false })
        .expect("starts")
}

fn sound(samples: usize) -> Arc<[f32]> {
    let mut sound = vec![vec![0.0; samples]];
    Sound::new(5, 48_000.0).fill(&mut sound);
    sound.remove(0).into()
}

fn mel(samples: usize) -> Task {
    Task::Analyse { analysis: Analysis::Mel(MelSpec::new(48_000.0)), sound: sound(samples) }
}

fn cqt(samples: usize) -> Task {
    Task::Analyse { analysis: Analysis::Cqt(CqtSpec::new(48_000.0)), sound: sound(samples) }
}

fn column() -> Task {
    let picture = Picture {
        window_samples: 2048,
        hop_samples: 512,
        rows: PictureRows::Bins,
        gain: 2.0 / 1024.0,
        level: Default::default(),
    };
    Task::Picture { picture, sound: sound(2048) }
}

/// A blur on the store of a second.
fn stroke() -> Task {
    let spec = WindowSpec::custom(1024, 1024, 256, WindowShape::Hann).expect("legal");
    let stroke = Stroke {
        id: 1,
        kind: StrokeKind::BlurTime,
        points: vec![StrokePoint { x: 0.5, y: 5.0, pressure: 1.0 }],
        radius_time: 0.1,
        radius_octaves: 1.0,
        strength: 0.5,
        hardness: 0.5,
    };
    let edit = Store::new(spec, 48_000.0, &sound(48_000)).edit(&stroke, &[]);
    Task::Edit(Arc::new(edit.expect("paint")))
}

fn take(answer: &Answer) -> Result<Done, TaskError> {
    answer.wait(LONG).expect("every question is answered")
}

/// Asks for tasks until both levels are full.
fn fill(control: &ControlEnd, answers: &mut Vec<Answer>) -> u64 {
    let mut refused = 0;
    for task in [mel(0), column()] {
        loop {
            match control.ask(task.clone()) {
                Ok(answer) => answers.push(answer),
                Err(_) => break refused += 1,
            }
        }
    }
    refused
}

#[test]
fn no_hop_waits_for_more_than_one_portion_of_lower_priority() {
    let log = Log::default();
    let engine = engine(OpenRecorder { log: Arc::clone(&log), ..OpenRecorder::default() });
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 8);
    player.play_until_served(LONG);
    log.lock().clear();
    let (mut answers, mut refused) = (Vec::new(), 0);
    for _ in 0..300 {
        refused += fill(&player.control, &mut answers);
        player.block(Some(LONG));
        log.lock().push(Event::Due(player.pushed()));
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(player.tally.rescued, 0);
    assert!(refused >= 600, "both levels were full all the time: {refused}"); // S5
    let events = log.lock().clone();
    // At most one portion at a time: a device that works in order makes a hop wait for no more.
    let mut in_flight = 0;
    for event in &events {
        match event {
            Event::Portion => in_flight += 1,
            Event::PortionEnded => in_flight -= 1,
            _ => {}
        }
        assert!(in_flight <= 1, "{in_flight} portions in flight");
    }
    // Once hops are due, at most the portion that was being submitted goes before them.
    let (mut computed, mut waited_for) = (0, Vec::new());
    for (at, event) in events.iter().enumerate() {
        match *event {
            Event::Table(to) => computed = computed.max(to),
            Event::Due(to) if computed < to => {
                let until = events[at..]
                    .iter()
                    .position(|event| matches!(event, Event::Table(done) if *done >= to));
                let Some(until) = until else { continue };
                let between = &events[at..at + until];
                waited_for.push(between.iter().filter(|e| **e == Event::Portion).count());
            }
            _ => {}
        }
    }
    assert!(waited_for.iter().all(|&portions| portions <= 1), "{waited_for:?}"); // S5
    let portions = events.iter().filter(|e| **e == Event::Portion).count();
    assert!(portions >= 3, "work below went on meanwhile: {portions}");
    // Nothing starves, and nothing is lost.
    let start = Instant::now();
    for answer in &answers {
        let done = take(answer).expect("the recorder refuses nothing");
        assert_eq!(done.by, EngineKind::Gpu);
        assert!(start.elapsed() < LONG);
    }
    let taken = player.control.metrics();
    assert_eq!(taken.count(Counter::CommandsRefused), refused); // S9
    let levels: Vec<u64> = (0..3).map(|level| taken.count(Counter::commands(level))).collect();
    assert!(levels[1] > 0 && levels[2] > 0, "{levels:?}");
}

#[test]
fn a_picture_passes_long_work_that_takes_every_place_above_it() {
    let (log, endless) = (Log::default(), Arc::new(AtomicBool::new(true)));
    let opener = OpenRecorder { log: Arc::clone(&log), endless: Arc::clone(&endless) };
    let engine = engine(opener);
    let mut player = Player::new(&engine, config(Quality::Live, 48_000.0, 2, 128), 8);
    player.play_until_served(LONG);
    // Long work runs wherever it may, and waits wherever it may; none of it ends.
    let mut long = Vec::new();
    let start = Instant::now();
    let started = |log: &Log| {
        let is_long = |e: &&Event| matches!(e, Event::Started { short: false, .. });
        log.lock().iter().filter(is_long).count()
    };
    loop {
        assert!(start.elapsed() < LONG);
        match player.control.ask(mel(0)) {
            Ok(answer) => long.push(answer),
            Err(_) if started(&log) >= 8 => break,
            Err(_) => std::thread::yield_now(),
        }
    }
    for _ in 0..5 {
        let picture = player.control.ask(column()).expect("room at the Low level");
        take(&picture).expect("the recorder refuses nothing");
    }
    assert!(long.iter().all(|answer| answer.try_take().is_none()), "nothing long has ended");
    // Counted from where it joined the running ones: a portion for each of those, one for itself,
    // and one that was in flight.
    let events = log.lock().clone();
    let mut pictures = 0;
    for (at, event) in events.iter().enumerate() {
        let Event::Started { short: true, before } = *event else { continue };
        let until = events[at..].iter().position(|e| *e == Event::ShortEnded).expect("has ended");
        let portions = events[at..at + until].iter().filter(|e| **e == Event::Portion).count();
        assert!(before <= 8 && portions <= before + 2, "{portions} portions, {before} before"); // S5
        pictures += 1;
    }
    assert_eq!((pictures, started(&log)), (5, 8));
    endless.store(false, Ordering::Relaxed);
    for answer in &long {
        take(answer).expect("the recorder refuses nothing");
    }
}

#[test]
fn without_a_device_the_twin_answers_and_says_what_is_wrong() {
    let engine = engine(NoBackend("no GPU in this machine".into()));
    let player = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 1);
    let mut twin = CpuTasks::default();
    for task in [mel(20_000), cqt(20_000), column(), stroke()] {
        let done = take(&player.control.ask(task.clone()).expect("room")).expect("done");
        assert_eq!(done.by, EngineKind::Cpu); // P7
        assert_eq!(done.outcome, twin.run(&task).expect("the twin"));
    }
    let mut bad = MelSpec::new(48_000.0);
    bad.bins = 0;
    let task = Task::Analyse { analysis: Analysis::Mel(bad), sound: sound(10) };
    let error = take(&player.control.ask(task).expect("room")).expect_err("no bins");
    assert!(error.to_string().contains("number of Mel bins"), "{error}");
}

#[test]
fn a_question_is_answered_when_the_engine_ends_and_forgotten_when_nobody_waits() {
    let engine = engine(OpenCpu);
    let player = Player::new(&engine, config(Quality::Live, 48_000.0, 1, 128), 2);
    let mut answers = Vec::new();
    fill(&player.control, &mut answers);
    // Half of them are taken back.
    answers.truncate(answers.len() / 2);
    drop(player);
    drop(engine);
    for answer in &answers {
        let result = take(answer);
        assert!(matches!(result, Ok(_) | Err(TaskError::Closed)), "{result:?}");
    }
}

/// Asks, and plays in about real time until the answer is there.
fn ask_while_playing(player: &mut Player, task: Task, until: Instant) -> Done {
    let answer = player.control.ask(task).expect("room");
    loop {
        assert!(Instant::now() < until, "no answer");
        player.block(Some(LONG));
        std::thread::sleep(player.block_time());
        if let Some(result) = answer.try_take() {
            return result.expect("nothing is wrong with it");
        }
    }
}

fn largest_difference(a: &Outcome, b: &Outcome) -> f32 {
    let flat = |outcome: &Outcome| -> Vec<f32> {
        match outcome {
            Outcome::Levels { levels, .. } => levels.clone(),
            Outcome::Values { values, .. } => values.iter().flat_map(|v| [v.re, v.im]).collect(),
            Outcome::Sound(sound) => sound.clone(),
            Outcome::Field(_) => panic!("a field is compared cell by cell"),
            Outcome::Patch(patch) => [patch.re.as_slice(), &patch.im].concat(),
            // Red alone, one level being less than the tolerance; the angle of what is dark is noise.
            Outcome::Pixels(pixels) => {
                pixels.chunks_exact(4).map(|p| f32::from(p[0]) * 0.9e-5).collect()
            }
        }
    };
    let (a, b) = (flat(a), flat(b));
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0f32, |m, x| m.max(x.abs())).max(1e-9);
    let worst = a.iter().zip(&b).fold(0.0f32, |m, (x, y)| m.max((x - y).abs()));
    if largest < 0.01 { worst } else { worst / largest }
}

#[test]
fn hops_and_tasks_share_a_device_and_all_are_right() {
    let faults = Arc::new(Faults::default());
    let opener = OpenFaulty { inner: OpenWgpu::new(wish()), faults: Arc::clone(&faults) };
    let engine = engine(opener);
    let mut player = Player::new(&engine, roomy(Quality::Live, 48_000.0, 2, 128), 3);
    player.play_until_served(LONG);
    let tasks = [mel(48_000), cqt(40_000), column(), mel(300), column(), stroke()];
    let mut twin = CpuTasks::default();
    let wanted: Vec<_> = tasks.iter().map(|task| twin.run(task).expect("the twin")).collect();
    let mut waiting: VecDeque<(usize, Answer)> = VecDeque::new();
    let (mut asked, mut by_device, mut by_twin) = (0, 0, 0);
    let start = Instant::now();
    let mut stalls = 0;
    // Until the device has answered each kind several times over.
    while by_device < 20 {
        assert!(start.elapsed() < 6 * LONG, "{asked} asked, {by_device} by the device");
        if by_device / 4 > stalls {
            // A device that keeps hops waiting keeps tasks waiting, no more.
            stalls += 1;
            faults.inject(Fault::Stall(Duration::from_millis(30)));
        }
        if waiting.len() < 4 {
            let which = asked % tasks.len();
            let answer = player.control.ask(tasks[which].clone()).expect("room");
            waiting.push_back((which, answer));
            asked += 1;
        }
        player.block(Some(LONG)); // S14: compares every hop
        std::thread::sleep(player.block_time());
        while let Some((which, answer)) = waiting.front() {
            let Some(result) = answer.try_take() else { break };
            let done = result.expect("nothing is wrong with these");
            let error = largest_difference(&done.outcome, &wanted[*which]);
            assert!(error <= 1e-5, "task {which}: {error}"); // S14
            match done.by {
                EngineKind::Gpu => by_device += 1,
                EngineKind::Cpu => by_twin += 1,
            }
            waiting.pop_front();
        }
    }
    eprintln!("{asked} tasks, {by_device} by the device, {by_twin} by the twin");
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);
    assert_eq!(player.control.metrics().count(Counter::DeviceLosses), 0);

    // A device that is lost under a task: the twin answers, the device comes back.
    let start = Instant::now();
    faults.lose_portions(1);
    let done = loop {
        assert!(start.elapsed() < 2 * LONG);
        let done = ask_while_playing(&mut player, cqt(40_000), start + 2 * LONG);
        if faults.happened().0 == 1 {
            break done;
        }
    };
    assert_eq!(done.by, EngineKind::Cpu); // S8
    assert!(largest_difference(&done.outcome, &wanted[1]) <= 1e-5);
    player.play_until_served(LONG);
    assert_eq!(player.tally.rescued, 0, "{:?}", player.tally);

    // No memory for a portion: that task is the twin's, and the hops keep their device.
    let (openings, losses) = (faults.openings(), faults.happened().0);
    faults.starve_portions(1);
    // A device that is late with its hops is given no task, so one may not get as far.
    while faults.starving_portions() > 0 {
        let done = ask_while_playing(&mut player, cqt(40_000), start + 3 * LONG);
        assert_eq!(done.by, EngineKind::Cpu); // P7
        assert!(largest_difference(&done.outcome, &wanted[1]) <= 1e-5);
    }
    assert_eq!((faults.openings(), faults.happened().0), (openings, losses));
    // The next one finds memory again.
    loop {
        assert!(start.elapsed() < 3 * LONG, "the device is given no task any more");
        let done = ask_while_playing(&mut player, cqt(40_000), start + 3 * LONG);
        assert!(largest_difference(&done.outcome, &wanted[1]) <= 1e-5);
        if done.by == EngineKind::Gpu {
            break;
        }
    }
}
