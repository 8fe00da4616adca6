//! Two threads at full speed with random stalls: no torn, repeated or reordered hop (SPEC S1 to S5,
//! T2, T5). The short runs are part of every test run and of the sanitizers'; the long ones, ten
//! million hops each, are run in release by name (docs/testing.md).
#![cfg(not(loom))]

mod sync_common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle, yield_now};
use std::time::{Duration, Instant};

use scumble_gpu::sync::*;
use sync_common::{Dice, MODES, assert_sound, buffer, fill, sound};

const LONG: u64 = 10_000_000;
const SHORT: u64 = if cfg!(miri) {
    300
} else if cfg!(any(tsan, rtsan)) {
    50_000
} else {
    200_000
};

fn named<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().name(name.into()).spawn(run).unwrap()
}

/// Waits a little for the other thread: first awake, since a time slice given away on a busy machine
/// is gone for milliseconds.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    fn wait(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(4096) || cfg!(miri) {
            yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Mostly nothing, sometimes the rest of a time slice, rarely a real sleep.
fn stall(dice: &mut Dice) {
    if dice.one_in(32_768) {
        yield_now();
    }
    if dice.one_in(65_536) {
        thread::sleep(Duration::from_micros(200));
    }
}

fn hops_between_threads(buffering: Buffering, hops: u64) {
    let (mut writer, mut reader) = buffer(buffering, 2, 8, 4);
    let worker = named("worker", move || {
        let (mut dice, mut hop, mut stored) = (Dice(7), 0, 0u64);
        let mut pause = Pause::default();
        let ahead = match buffering {
            Buffering::Ring { blocks } => 4 * blocks as u64,
            Buffering::Double | Buffering::Triple => 4,
        };
        while writer.asked_to() < hops {
            let due = writer.asked_to();
            let Some(mut half) = writer.begin() else {
                pause.wait();
                continue;
            };
            // A worker that knows what has been given up does not compute it, but often it is late.
            if !dice.one_in(4) {
                hop = hop.max(due);
            }
            for _ in 0..=dice.roll() % 4 {
                match half.push_hop(hop, fill(hop)).unwrap() {
                    Placed::Stored => stored += 1,
                    Placed::Late => {}
                }
                hop += 1;
                stall(&mut dice);
            }
            half.publish();
            // Not further ahead than the pipeline allows.
            while hop >= writer.asked_to() + ahead && writer.asked_to() < hops {
                pause.wait();
            }
        }
        (writer.stats(), stored)
    });
    let (mut dice, mut ready, mut last) = (Dice(11), 0u64, None);
    let mut misses_in_a_row = 0;
    for hop in 0..hops {
        let found = reader.with_hop(hop, |found| {
            assert_sound(hop, found.samples());
            found.generation
        });
        if let Some(generation) = found {
            assert!(last.is_none_or(|last| last <= generation), "generations fell back");
            last = Some(generation);
            ready += 1;
            misses_in_a_row = 0;
        } else {
            // Give the worker a chance, for a while. If that was in vain often, it has no core to
            // run on: wait for it, or the whole run is over in one time slice of ours.
            misses_in_a_row += 1;
            for _ in 0..dice.roll() % 128 {
                if reader.is_signalled() {
                    break;
                }
                std::hint::spin_loop();
            }
            // (For the next hop: a half that waits may be none, as the next is in the one just taken.)
            if (misses_in_a_row % 64 == 0 || cfg!(miri)) && hop + 1 < hops {
                let begun = Instant::now();
                while !reader.is_decided(hop + 1) {
                    assert!(begun.elapsed() < Duration::from_secs(60), "the worker is stuck");
                    yield_now();
                }
            }
        }
        stall(&mut dice);
    }
    let (written, stored) = worker.join().unwrap();
    let read = reader.stats();
    assert_eq!(ready + read.misses, hops);
    assert!(read.swaps <= written.published);
    assert!(ready + read.late <= stored);
    // At the worst, one of 64 comes, or two of three of those that were waited for.
    assert!(ready >= hops / 200, "only {ready} of {hops} came: {read:?} {written:?}");
    eprintln!("{buffering:?}: {ready} of {hops} hops ready, {read:?}, {written:?}");
}

// S1, S2, S4
#[test]
fn hops_arrive_whole_and_in_order() {
    for mode in MODES {
        hops_between_threads(mode, SHORT);
    }
}

#[test]
#[ignore = "ten million hops; run in release by name"]
fn long_double() {
    hops_between_threads(Buffering::Double, LONG);
}

#[test]
#[ignore = "ten million hops; run in release by name"]
fn long_triple() {
    hops_between_threads(Buffering::Triple, LONG);
}

#[test]
#[ignore = "ten million hops; run in release by name"]
fn long_ring() {
    hops_between_threads(Buffering::Ring { blocks: 3 }, LONG);
}

fn frames_between_threads(overflow: Overflow, frames: u64) {
    let (mut writer, mut reader) = frame_ring::<u64>(16, 8, overflow);
    let producer = named("producer", move || {
        let (mut dice, mut pause) = (Dice(3), Pause::default());
        let mut lost = 0u64;
        for sequence in 0..frames {
            let len = (dice.roll() % 9) as usize;
            let samples: [f32; 8] = std::array::from_fn(|place| sound(sequence, place));
            let (left, right) = samples[..len].split_at(len / 2);
            let mut attempts = 0;
            while writer.push(sequence, &!sequence, &[left, right]).is_err() {
                attempts += 1;
                if attempts == 20_000 {
                    lost += 1;
                    break;
                }
                pause.wait();
            }
            stall(&mut dice);
        }
        lost
    });
    let (mut dice, mut next, mut seen) = (Dice(5), 0, 0u64);
    let mut pause = Pause::default();
    loop {
        let abandoned = reader.is_abandoned();
        let popped = reader.pop_if_any(|frame| {
            assert_eq!(frame.header, !frame.sequence);
            let mut samples = [0.0; 8];
            frame.copy_to(0, &mut samples[..frame.len()]);
            assert_sound(frame.sequence, &samples[..frame.len()]);
            frame.sequence
        });
        match popped {
            Some(sequence) => {
                assert!(sequence >= next, "frame {sequence} after {next}");
                next = sequence + 1;
                seen += 1;
            }
            None if abandoned => break,
            None => pause.wait(),
        }
        stall(&mut dice);
    }
    let lost = producer.join().unwrap();
    assert_eq!(seen + reader.skipped() + lost, frames);
    assert!(overflow == Overflow::SkipOldest || reader.skipped() == 0);
    assert!(seen >= frames / 20, "only {seen} of {frames} were read");
    eprintln!("{overflow:?}: {seen} of {frames} frames, {} skipped, {lost} lost", reader.skipped());
}

// S3
#[test]
fn frames_arrive_whole_and_in_order() {
    frames_between_threads(Overflow::RefuseNew, SHORT);
    frames_between_threads(Overflow::SkipOldest, SHORT);
}

#[test]
#[ignore = "ten million frames; run in release by name"]
fn long_frames() {
    frames_between_threads(Overflow::RefuseNew, LONG);
    frames_between_threads(Overflow::SkipOldest, LONG);
}

struct Job {
    from_editor: bool,
    number: u64,
}

impl Command for Job {}

/// Both sides push and ring; the worker sleeps for ever whenever its queues are empty. A lost
/// wake-up hangs this test.
fn commands_wake_the_worker(commands: u64) {
    let CommandQueue { mut audio, mut editor, mut worker } =
        CommandQueue::<Job>::new(QueueShape::new(3).unwrap());
    let (bell, mut sleeper) = doorbell();
    let drained = named("worker", move || {
        let mut batch = Batch::new(32, 32);
        let (mut next, mut found) = ([[0u64; 3]; 2], 0);
        while found < 2 * commands {
            worker.drain(false, &mut batch);
            if batch.is_empty() {
                assert!(sleeper.sleep(Duration::from_secs(60)), "a wake-up was lost");
            }
            for (level, job) in batch.take() {
                let next = &mut next[usize::from(job.from_editor)][level];
                assert!(job.number >= *next, "out of order");
                *next = job.number + 1;
                found += 1;
            }
        }
    });
    let bell = bell.bind(drained.thread().clone());
    let side = move |from_editor: bool, sender: &mut CommandSender<Job>, bell: &Doorbell| {
        let (mut dice, mut pause) = (Dice(if from_editor { 13 } else { 17 }), Pause::default());
        for number in 0..commands {
            let level = 1 + (dice.roll() % 2) as usize - usize::from(!from_editor);
            let mut job = Job { from_editor, number };
            while let Err(refused) = sender.push(level, job) {
                assert!(matches!(refused.reason, Refusal::Full { .. }));
                job = refused.command;
                pause.wait();
            }
            bell.ring();
            stall(&mut dice);
        }
    };
    let editor_bell = bell.clone();
    let other = named("editor", move || side(true, &mut editor, &editor_bell));
    side(false, &mut audio, &bell);
    other.join().unwrap();
    drained.join().unwrap();
}

// S5, S13
#[test]
fn no_command_is_lost_and_every_ring_wakes() {
    commands_wake_the_worker(SHORT / 4);
}

#[test]
#[ignore = "long; run in release by name"]
fn long_commands() {
    commands_wake_the_worker(LONG / 10);
}

// T1, T2, T4: two threads throw a number to and fro; each waits for the other, for ever.
#[test]
fn timelines_wake_whoever_waits() {
    let rounds = SHORT / 20;
    let [there, back] = [(); 2].map(|()| std::sync::Arc::new(CpuTimeline::new()));
    let other = {
        let (there, back) = (there.clone(), back.clone());
        named("other", move || {
            for round in 1..=rounds {
                assert!(there.wait(round, Patience::Forever).unwrap() >= round);
                back.set(round);
            }
        })
    };
    for round in 1..=rounds {
        there.set(round);
        back.wait(round, Patience::AtMost(Duration::from_secs(60))).unwrap();
    }
    other.join().unwrap();
}

// T3, T5: a device that ends its work out of order, a worker that runs into the end of the ring,
// and waiters that must each see how their own submission ended.
#[test]
fn waiters_see_their_own_submission() {
    let submissions = SHORT / 40;
    let (mut queue, timeline) = device_timeline(4);
    let (mut to_device, mut device_end) = rtrb::RingBuffer::<Ticket>::new(4);
    let device = named("device", move || {
        let (mut dice, mut pause) = (Dice(23), Pause::default());
        let mut open = Vec::new();
        while !(open.is_empty() && device_end.is_abandoned() && device_end.is_empty()) {
            open.extend(std::iter::from_fn(|| device_end.pop().ok()));
            if open.is_empty() {
                pause.wait();
                continue;
            }
            let ticket: Ticket = open.swap_remove((dice.roll() % open.len() as u64) as usize);
            if ticket.value().is_multiple_of(3) { drop(ticket) } else { ticket.complete() }
        }
    });
    let waiters: Vec<_> = (0..2)
        .map(|start| {
            let timeline = timeline.clone();
            named("waiter", move || {
                let mut own = 0;
                let mut wanted = 1 + start;
                while wanted <= submissions {
                    let ended =
                        timeline.wait_outcome(wanted, Patience::AtMost(Duration::from_secs(60)));
                    let expected =
                        if wanted.is_multiple_of(3) { Outcome::Failed } else { Outcome::Completed };
                    match ended.unwrap() {
                        Some(outcome) => {
                            assert_eq!(outcome, expected, "of submission {wanted}");
                            own += 1;
                        }
                        // Its place was free for the next one as soon as it had ended.
                        None => assert!(timeline.value() >= wanted),
                    }
                    wanted = (wanted + 2).max(timeline.value() + 1);
                }
                own
            })
        })
        .collect();
    // Whoever waits already sees the end of what he waits for.
    let begun = Instant::now();
    while timeline.waiting() < waiters.len() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody waits");
        thread::yield_now();
    }
    let mut pause = Pause::default();
    for _ in 0..submissions {
        let ticket = loop {
            match queue.submit() {
                Ok(ticket) => break ticket,
                Err(_) => pause.wait(),
            }
        };
        to_device.push(ticket).unwrap();
    }
    drop(to_device);
    timeline.wait(submissions, Patience::AtMost(Duration::from_secs(60))).unwrap();
    device.join().unwrap();
    let own: u64 = waiters.into_iter().map(|waiter| waiter.join().unwrap()).sum();
    assert!(own > 0, "no waiter ever saw an outcome");
    assert_eq!(timeline.in_flight(), 0);
}

// S9: figures that are written together are read together, from both sides at once.
#[test]
fn snapshots_are_whole() {
    let Metrics { audio, worker, reader } = Metrics::new(LatencyShape::default());
    static STOP: AtomicBool = AtomicBool::new(false);
    static UPDATES: AtomicU64 = AtomicU64::new(0);
    let writers = [audio, worker].map(|mut writer| {
        named("writer", move || {
            while !STOP.load(Ordering::Relaxed) {
                writer.update(|update| {
                    update.add(Counter::Misses, 1);
                    update.time(Stage::Callback, Duration::from_micros(100));
                    update.add(Counter::Rescues, 1);
                });
                UPDATES.fetch_add(1, Ordering::Relaxed);
                for _ in 0..64 {
                    std::hint::spin_loop();
                }
            }
        })
    });
    let (mut whole, mut last) = (0u64, 0);
    for _ in 0..SHORT / 100 {
        let seen = reader.snapshot();
        assert!(seen.count(Counter::Misses) >= last);
        if seen.consistency != Consistency::Torn {
            whole += 1;
            last = seen.count(Counter::Misses);
            assert_eq!(last, seen.count(Counter::Rescues));
            assert_eq!(last, seen.stage(Stage::Callback).count);
        }
    }
    STOP.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    assert!(whole > 0, "not one whole snapshot");
    let seen = reader.snapshot();
    assert_eq!(seen.consistency, Consistency::Instant);
    assert_eq!(seen.count(Counter::Misses), UPDATES.load(Ordering::Relaxed));
}
