//! Models of everything in `sync` that two threads touch, explored by loom: every interleaving, and
//! every stale value that the orderings allow. Built and run with `--cfg loom` (docs/testing.md).
//!
//! A half is guarded by a loom cell, so a model fails when a half is read and written at once, or
//! read without the write before it; besides, each model checks what it reads.
//!
//! Each ordering has a name in the code, and `SCUMBLE_WEAKEN=<name>` takes it away. The last test
//! runs the models once more with each of [`MUTANTS`] in turn and demands that the one beside it
//! fails: so every ordering is needed, and would be missed.
#![cfg(loom)]

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::{model::Builder, sync::Arc, thread};
use scumble_gpu::sync::*;

/// What is weakened, and the model that fails then.
const MUTANTS: &[(&str, &str)] = &[
    ("fence.signal", "flip_against_late_writer"),
    ("fence.reached", "flip_against_late_writer"),
    ("fence.hand_back", "halves_in_step"),
    ("fence.fate", "halves_in_step"),
    ("fence.given_up", "withdrawal_against_flip"),
    ("cursor.asked", "withdrawal_against_flip"),
    ("triple.give-release", "exchange_against_exchange"),
    ("triple.give-acquire", "exchanges_in_step"),
    ("triple.take-release", "exchanges_in_step"),
    ("triple.take-acquire", "exchange_against_exchange"),
    ("slots.publish", "queue_of_halves_wraps"),
    ("slots.look", "queue_of_halves_wraps"),
    ("slots.hand_back", "queue_of_halves_wraps"),
    ("slots.reclaim", "queue_of_halves_wraps"),
    ("timeline.set", "value_stands_for_the_work"),
    ("timeline.value", "value_stands_for_the_work"),
    ("timeline.set.lock", "set_against_wait"),
    ("device.complete", "completion_stands_for_the_results"),
    ("device.value", "completion_stands_for_the_results"),
    ("device.submit.watched", "ring_wraps_under_a_waiter"),
    ("doorbell.ring", "push_against_drain"),
    ("doorbell.stay_up", "push_against_drain"),
    ("doorbell.wake_up", "push_against_end_of_sleep"),
    ("doorbell.rang", "push_against_look"),
    ("metrics.begin", "update_against_snapshot"),
    ("metrics.end", "update_against_snapshot"),
    ("metrics.look", "update_against_snapshot"),
    ("metrics.look_again", "update_against_snapshot"),
];

fn model(preemptions: Option<usize>, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 20_000;
    builder.check(run);
}

/// One channel of one sample, one hop a half, so that every hop flips.
fn tiny(buffering: Buffering) -> (HopWriter, HopReader) {
    let hops = if buffering == Buffering::Triple { 2 } else { 1 };
    let shape = HopShape {
        channels: 1,
        hop_samples: 1,
        max_block_samples: 1,
        sample_rate_hz: 48_000.0,
        buffer_size_bytes: 4 * hops,
    };
    hop_buffer(buffering, shape).unwrap()
}

fn sound(hop: u64) -> f32 {
    hop as f32 + 0.5
}

/// Fills and publishes one half with one hop; false if none was free.
fn offer(writer: &mut HopWriter, hop: u64) -> bool {
    let Some(mut half) = writer.begin() else { return false };
    match half.push_hop(hop, |samples| samples.fill(sound(hop))) {
        Ok(_) => half.publish().is_some(),
        Err(error) => panic!("{error}"),
    }
}

/// Asks for a hop; what comes must be that hop.
fn ask(reader: &mut HopReader, hop: u64) -> bool {
    reader
        .with_hop(hop, |found| {
            assert_eq!((found.sequence, found.samples()), (hop, &[sound(hop)][..]))
        })
        .is_some()
}

// S1, S4
#[test]
fn flip_against_late_writer() {
    model(None, || {
        let (mut writer, mut reader) = tiny(Buffering::Double);
        let worker = thread::spawn(move || {
            for hop in 0..3 {
                offer(&mut writer, hop);
            }
            writer
        });
        let ready = (0..3).filter(|&hop| ask(&mut reader, hop)).count() as u64;
        let writer = worker.join().unwrap();
        let (read, written) = (reader.stats(), writer.stats());
        assert_eq!(read.misses, 3 - ready);
        assert!(read.swaps <= written.published, "one flip a generation at most");
        assert!(ready + read.late <= written.published);
    });
}

// S1
#[test]
fn flip_against_reader_that_never_comes() {
    model(None, || {
        let (mut writer, reader) = tiny(Buffering::Double);
        let worker = thread::spawn(move || {
            assert!(offer(&mut writer, 0));
            assert!(!offer(&mut writer, 1), "no half is free, and nobody spins");
            assert!(!offer(&mut writer, 1));
        });
        assert_eq!(reader.stats(), ReaderStats::default());
        worker.join().unwrap();
        drop(reader);
    });
}

// S1: the reader went on without the hop, so the worker may have its half back; who is first?
#[test]
fn flip_against_reader_that_has_given_up() {
    model(None, || {
        let (mut writer, mut reader) = tiny(Buffering::Double);
        let worker = thread::spawn(move || {
            offer(&mut writer, 0);
            // By now the reader may have read 0, given it up, or be about to take it.
            offer(&mut writer, 1);
            offer(&mut writer, 2);
        });
        // Asking for a later hop takes what is there and drops it.
        ask(&mut reader, 1);
        ask(&mut reader, 2);
        worker.join().unwrap();
    });
}

// S1: both sides always find what they need, so that the third half is the first one again and the
// worker writes where the reader has just read. Waiting is on relaxed words only: all that puts the
// two in order is what is being tested.
#[test]
fn halves_in_step() {
    in_step(Buffering::Double, 3);
}

// S2: the same with three halves; the fourth publication writes where the reader read first.
#[test]
fn exchanges_in_step() {
    in_step(Buffering::Triple, 4);
}

fn in_step(buffering: Buffering, hops: u64) {
    model(Some(3), move || {
        let (mut writer, mut reader) = tiny(buffering);
        let worker = thread::spawn(move || {
            for hop in 0..hops {
                assert!(offer(&mut writer, hop), "the reader has had all before");
                while hop < 2 && writer.asked_to() <= hop {
                    thread::yield_now();
                }
            }
        });
        for hop in 0..2 {
            while !reader.is_signalled() {
                thread::yield_now();
            }
            assert!(ask(&mut reader, hop));
        }
        worker.join().unwrap();
    });
}

// S1: hop 1 comes just too late. The worker wants its half back, and the reader, asking for hop 2,
// takes it and hands over the half that it has read hop 0 from.
#[test]
fn withdrawal_against_flip() {
    model(Some(4), || {
        let (mut writer, mut reader) = tiny(Buffering::Double);
        let worker = thread::spawn(move || {
            assert!(offer(&mut writer, 0));
            while writer.asked_to() == 0 {
                thread::yield_now();
            }
            offer(&mut writer, 1);
            offer(&mut writer, 2);
        });
        while !reader.is_signalled() {
            thread::yield_now();
        }
        assert!(ask(&mut reader, 0));
        ask(&mut reader, 1);
        ask(&mut reader, 2);
        worker.join().unwrap();
    });
}

// S2
#[test]
fn exchange_against_exchange() {
    model(Some(3), || {
        let (mut writer, mut reader) = tiny(Buffering::Triple);
        let worker = thread::spawn(move || {
            for hop in 0..3 {
                assert!(offer(&mut writer, hop) || writer.asked_to() > hop, "always a half");
            }
        });
        for hop in 0..3 {
            ask(&mut reader, hop);
        }
        worker.join().unwrap();
    });
}

// S2
#[test]
fn queue_of_halves_wraps() {
    model(None, || {
        let (mut writer, mut reader) = tiny(Buffering::Ring { blocks: 1 });
        let worker = thread::spawn(move || {
            for hop in 0..4 {
                offer(&mut writer, hop);
            }
        });
        for hop in 0..3 {
            ask(&mut reader, hop);
        }
        worker.join().unwrap();
    });
}

// T2: the lost wake-up. A waiter that is not woken is a deadlock, which loom reports.
#[test]
fn set_against_wait() {
    model(None, || {
        let timeline = Arc::new(CpuTimeline::new());
        let waiter = {
            let timeline = Arc::clone(&timeline);
            thread::spawn(move || timeline.wait(1, Patience::Forever).unwrap())
        };
        assert!(timeline.set(1));
        assert_eq!(waiter.join().unwrap(), 1);
    });
}

// T1, T2: who sees the number sees the work, also without waiting.
#[test]
fn value_stands_for_the_work() {
    model(None, || {
        let timeline = Arc::new(CpuTimeline::new());
        let work = Arc::new(AtomicU64::new(0));
        let worker = {
            let (timeline, work) = (Arc::clone(&timeline), Arc::clone(&work));
            thread::spawn(move || {
                work.store(7, Relaxed);
                timeline.set(1);
                assert!(!timeline.set(1), "a value is set once");
            })
        };
        if timeline.is_reached(1) {
            assert_eq!(work.load(Relaxed), 7);
        }
        worker.join().unwrap();
    });
}

/// What a device computed; loom fails the model if it is read before it was written.
struct Results(UnsafeCell<u64>);

// SAFETY: a loom cell checks every access, which is what the model is for.
unsafe impl Sync for Results {}

// T3
#[test]
fn completion_stands_for_the_results() {
    model(Some(3), || {
        let (mut queue, timeline) = device_timeline(2);
        let results = Arc::new(Results(UnsafeCell::new(0)));
        let ticket = queue.submit().unwrap();
        let device = {
            let results = Arc::clone(&results);
            thread::spawn(move || {
                // SAFETY: nobody reads before the ticket is complete, or the model fails.
                results.0.with_mut(|place| unsafe { *place = 7 });
                ticket.complete();
            })
        };
        while !timeline.is_reached(1) {
            thread::yield_now();
        }
        // SAFETY: the device wrote before it completed the ticket, or the model fails.
        assert_eq!(results.0.with(|place| unsafe { *place }), 7);
        device.join().unwrap();
        assert_eq!((timeline.submitted(), timeline.value()), (1, 1));
    });
}

// T4, T5: one place, so the second submission needs the place that the waiter looks at.
#[test]
fn ring_wraps_under_a_waiter() {
    model(Some(3), || {
        let (mut queue, timeline) = device_timeline(1);
        let ticket = queue.submit().unwrap();
        let waiter = {
            let timeline = timeline.clone();
            thread::spawn(move || timeline.wait_outcome(1, Patience::Forever).unwrap())
        };
        while timeline.waiting() == 0 {
            thread::yield_now();
        }
        drop(ticket);
        match queue.submit() {
            Ok(ticket) => ticket.complete(),
            Err(error) => assert_eq!(error, SubmitError::Watched { submission: 1 }),
        }
        // Its own outcome, however late it wakes.
        assert_eq!(waiter.join().unwrap(), Some(Outcome::Failed));
    });
}

// T4: nobody has submitted what is waited for; the waiter sleeps until someone does.
#[test]
fn wait_before_submission() {
    model(None, || {
        let (mut queue, timeline) = device_timeline(2);
        let waiter = thread::spawn(move || timeline.wait(2, Patience::Forever).unwrap());
        let first = queue.submit().unwrap();
        let second = queue.submit().unwrap();
        // Out of order: the value must not jump over the first.
        second.complete();
        first.complete();
        assert_eq!(waiter.join().unwrap(), 2);
    });
}

#[derive(Debug)]
struct Work(u64);

impl Command for Work {}

fn small_queue() -> CommandQueue<Work> {
    let shape = QueueShape::new(2).unwrap();
    let level = LevelShape { limit: 2, batch_cost: 8, patience_drains: 0 };
    CommandQueue::new(shape.with_level(0, level).unwrap().with_level(1, level).unwrap())
}

/// Sleeps and drains until `count` commands have come. A ring that is lost, or that does not bring
/// its command along, leaves it asleep for ever.
fn drain_until(sleeper: &mut Sleeper, queue: &mut CommandReceiver<Work>, count: usize) -> u64 {
    let (mut batch, mut sum, mut found) = (Batch::new(8, 8), 0, 0);
    while found < count {
        assert!(sleeper.sleep(std::time::Duration::from_secs(1)));
        queue.drain(false, &mut batch);
        for (_, Work(value)) in batch.take() {
            sum += value;
            found += 1;
        }
    }
    sum
}

// S5, S13
#[test]
fn push_against_drain() {
    model(None, || {
        let CommandQueue { mut audio, mut worker, .. } = small_queue();
        let (bell, mut sleeper) = doorbell();
        let thread = thread::spawn(move || drain_until(&mut sleeper, &mut worker, 2));
        let bell = bell.bind(thread.thread().clone());
        audio.push(0, Work(3)).unwrap();
        bell.ring();
        audio.push(1, Work(4)).unwrap();
        bell.ring();
        assert_eq!(thread.join().unwrap(), 7);
    });
}

// S5: both sides push at once.
#[test]
fn two_pushes_against_drain() {
    model(Some(3), || {
        let CommandQueue { mut audio, mut editor, mut worker } = small_queue();
        let (bell, mut sleeper) = doorbell();
        let thread = thread::spawn(move || drain_until(&mut sleeper, &mut worker, 2));
        let bell = bell.bind(thread.thread().clone());
        let other = {
            let bell = bell.clone();
            thread::spawn(move || {
                editor.push(1, Work(4)).unwrap();
                bell.ring();
            })
        };
        audio.push(0, Work(3)).unwrap();
        bell.ring();
        assert_eq!(thread.join().unwrap(), 7);
        other.join().unwrap();
    });
}

// S13: the sleeper's time is over while somebody rings. If it says that someone rang, the command
// must be there.
#[test]
fn push_against_end_of_sleep() {
    model(None, || {
        let CommandQueue { mut audio, mut worker, .. } = small_queue();
        let (bell, mut sleeper) = doorbell();
        let thread = thread::spawn(move || {
            let mut batch = Batch::new(8, 8);
            if sleeper.sleep(std::time::Duration::ZERO) {
                worker.drain(false, &mut batch);
                assert_eq!(batch.commands().len(), 1, "a ring brings its command along");
            }
        });
        let bell = bell.bind(thread.thread().clone());
        audio.push(0, Work(3)).unwrap();
        bell.ring();
        thread.join().unwrap();
    });
}

// S13: a busy worker only looks.
#[test]
fn push_against_look() {
    model(None, || {
        let CommandQueue { mut audio, mut worker, .. } = small_queue();
        let (bell, mut sleeper) = doorbell();
        let thread = thread::spawn(move || {
            let mut batch = Batch::new(8, 8);
            if sleeper.rang() {
                worker.drain(false, &mut batch);
                assert_eq!(batch.commands().len(), 1, "a ring brings its command along");
            }
        });
        let bell = bell.bind(thread.thread().clone());
        audio.push(0, Work(3)).unwrap();
        bell.ring();
        thread.join().unwrap();
    });
}

// S9: counts that were written together are seen together.
#[test]
fn update_against_snapshot() {
    model(Some(2), || {
        let Metrics { mut audio, reader, .. } = Metrics::new(LatencyShape::default());
        let writer = thread::spawn(move || {
            for _ in 0..2 {
                audio.update(|update| {
                    update.add(Counter::Misses, 1);
                    update.add(Counter::Rescues, 1);
                });
            }
        });
        let seen = reader.snapshot();
        if seen.consistency != Consistency::Torn {
            assert_eq!(seen.count(Counter::Misses), seen.count(Counter::Rescues));
        }
        writer.join().unwrap();
    });
}

#[test]
fn every_weakened_ordering_fails_its_model() {
    if std::env::var_os("SCUMBLE_WEAKEN").is_some() {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let survivors: Vec<_> = MUTANTS
        .iter()
        .filter(|(weakened, model)| {
            let status = std::process::Command::new(&program)
                .args([model, "--exact"])
                .env("SCUMBLE_WEAKEN", weakened)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .unwrap();
            status.success()
        })
        .collect();
    assert!(survivors.is_empty(), "weakened without any model failing: {survivors:?}");
}
