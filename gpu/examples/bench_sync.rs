//! What synchronisation costs, each figure beside the least that the same job can cost, measured in
//! the same run (SPEC S1, S3, S4, S5, S7). Prints one JSON array on stdout and notes on stderr.
//!
//! Contenders take turns (A B A B ...) and medians are compared, since machines are noisy.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use scumble_gpu::sync::*;
use serde_json::{Value, json};

/// One contender: does its job `count` times and returns how long that took.
type Contender<'a> = Box<dyn FnMut() -> Duration + 'a>;

struct Rounds {
    rounds: usize,
}

#[derive(Clone, Copy)]
struct Median {
    nanos: f64,
    /// How far apart the middle half of the rounds lies, in parts of the median.
    spread: f64,
}

impl Median {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |part: usize| {
            times.get(times.len().saturating_sub(1) * part / 4).copied().unwrap_or(f64::NAN)
        };
        Self { nanos: at(2), spread: (at(3) - at(1)) / at(2) }
    }

    /// Without what the clock takes.
    fn less(self, clock: Self) -> Self {
        let nanos = self.nanos - clock.nanos;
        Self { nanos, spread: self.spread * self.nanos / nanos }
    }
}

impl Rounds {
    /// Nanoseconds per operation of each contender, in turns.
    fn medians<const N: usize>(
        &self,
        per_round: f64,
        contenders: [Contender<'_>; N],
    ) -> [Median; N] {
        let mut contenders = contenders;
        let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
        for round in 0..self.rounds + 3 {
            for (contender, times) in contenders.iter_mut().zip(&mut times) {
                let time = contender();
                // The first rounds warm caches and clocks.
                if round >= 3 && time != Duration::MAX {
                    let time = time.as_nanos() as f64 / per_round;
                    times.push(time);
                }
            }
        }
        times.map(Median::of)
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn row(id: &str, value: Median, reference: Median, bar: f64) -> Value {
    let mut row = shown(id, value, reference);
    row["pass"] = json!(row["ratio"].as_f64().is_some_and(|ratio| ratio <= bar));
    row["bar"] = json!(bar);
    row
}

/// A figure that promises nothing.
fn shown(id: &str, value: Median, reference: Median) -> Value {
    let (spread, value, reference) = (value.spread, value.nanos, reference.nanos);
    let ratio = value / reference;
    eprintln!("{id:50} {value:9.2} ns  reference {reference:9.2} ns  ratio {ratio:.3}");
    json!({
        "id": id, "group": "sync", "value": value, "unit": "ns", "reference": reference,
        "ratio": ratio, "spread": spread, "bar": null, "pass": null,
    })
}

const CHANNELS: usize = 2;
const HOP: usize = 128;

fn shape(hops: usize) -> HopShape {
    HopShape {
        channels: CHANNELS,
        hop_samples: HOP,
        max_block_samples: HOP,
        sample_rate_hz: 48_000.0,
        buffer_size_bytes: 4 * CHANNELS * HOP * hops,
    }
}

fn pair(buffering: Buffering) -> (HopWriter, HopReader) {
    let hops = if buffering == Buffering::Triple { 2 } else { 1 };
    hop_buffer(buffering, shape(hops)).expect("the shape holds one hop")
}

/// S4: the check that is made when nothing is ready, against one bare atomic load. Of the double
/// buffer itself: which mode it is, is a branch that a callback takes once.
fn fence_check(rounds: &Rounds) -> Value {
    const CHECKS: usize = 20_000;
    let (_writer, reader) = double_buffer::double_buffer(shape(1)).expect("it holds one hop");
    let word = AtomicU64::new(0);
    let [value, reference] = rounds.medians(
        CHECKS as f64,
        [
            Box::new(|| {
                timed(|| {
                    for _ in 0..CHECKS {
                        black_box(black_box(&reader).is_signalled());
                    }
                })
            }),
            Box::new(|| {
                timed(|| {
                    for _ in 0..CHECKS {
                        black_box(black_box(&word).load(Ordering::Relaxed) & 1 != 0);
                    }
                })
            }),
        ],
    );
    row("fence check / bare atomic load", value, reference, 2.0)
}

/// On lines of its own, as a half is.
#[repr(C, align(128))]
#[derive(Clone, Copy)]
struct Samples([[f32; HOP]; CHANNELS]);

/// Fills the halves and the plain memory that are then read.
enum Writes {
    /// On the reader's own core: everything is in its first cache.
    Here(Vec<HopWriter>),
    /// On another core, as in use.
    Elsewhere { jobs: SyncSender<Fill>, done: Receiver<Vec<Samples>> },
}

enum Fill {
    Hops(u64),
    Plain(Vec<Samples>),
}

fn fill(writers: &mut [HopWriter], job: Fill) -> Vec<Samples> {
    match job {
        Fill::Hops(hop) => {
            for writer in writers {
                let mut half = writer.begin().expect("the reader took the last");
                let _ = half.push_hop(hop, |samples| samples.fill(hop as f32));
                half.publish();
            }
            Vec::new()
        }
        Fill::Plain(mut plain) => {
            for samples in &mut plain {
                black_box(samples).0.as_flattened_mut().fill(0.5);
            }
            plain
        }
    }
}

impl Writes {
    fn elsewhere(mut writers: Vec<HopWriter>) -> Self {
        let ((jobs, next), (tell, done)) = (sync_channel(1), sync_channel(1));
        // Both sides spin, so that neither is moved and no clock slows down. It ends with `jobs`.
        let run = move || {
            loop {
                match next.try_recv() {
                    // Nobody asks for what nobody waits for.
                    Ok(job) => tell.send(fill(&mut writers, job)).unwrap_or(()),
                    Err(TryRecvError::Empty) => std::hint::spin_loop(),
                    Err(TryRecvError::Disconnected) => break,
                }
            }
        };
        std::thread::Builder::new().name("writer".into()).spawn(run).expect("a thread");
        Self::Elsewhere { jobs, done }
    }

    fn fill(&mut self, job: Fill) -> Vec<Samples> {
        match self {
            Self::Here(writers) => fill(writers, job),
            Self::Elsewhere { jobs, done } => {
                jobs.send(job).expect("the writer runs");
                loop {
                    match done.try_recv() {
                        Ok(plain) => return plain,
                        Err(TryRecvError::Empty) => std::hint::spin_loop(),
                        Err(TryRecvError::Disconnected) => panic!("the writer is gone"),
                    }
                }
            }
        }
    }
}

/// S1: taking a half and reading 2 x 128 samples from it, against copying the same from plain memory
/// that was written in the same place, to the same place, with a length known only when it runs.
/// In use another core writes, and both sides pay for fetching what it wrote; on one core what is
/// compared is instructions alone, with a copy of 1 KiB that takes as long as twenty of them.
/// One buffer at a time, as one is read in a block. On one core eight, so that the clock is read once
/// for all of them while they still fit the first cache; what the clock itself takes is measured as
/// well and taken off both.
fn flip_and_read(rounds: &Rounds, buffering: Buffering, warm: bool) -> Value {
    let buffers = if warm { 8 } else { 1 };
    let pairs = (0..buffers).map(|_| pair(buffering));
    let (writers, mut readers): (Vec<_>, Vec<_>) = pairs.unzip();
    let writes = if warm { Writes::Here(writers) } else { Writes::elsewhere(writers) };
    let writes = std::cell::RefCell::new(writes);
    let mut plain = vec![Samples([[0.25; HOP]; CHANNELS]); buffers];
    let out = std::cell::RefCell::new(Samples([[0.0; HOP]; CHANNELS]));
    let mut hop = 0;
    let [value, reference, clock] = rounds.medians(
        buffers as f64,
        [
            Box::new(|| {
                writes.borrow_mut().fill(Fill::Hops(hop));
                let [left, right] = &mut out.borrow_mut().0;
                let time = timed(|| {
                    for reader in &mut readers {
                        let mut out = [&mut left[..], &mut right[..]];
                        let status = black_box(reader).read_hop(hop, black_box(&mut out));
                        assert!(status == HopStatus::Ready);
                    }
                });
                hop += 1;
                time
            }),
            Box::new(|| {
                plain = writes.borrow_mut().fill(Fill::Plain(std::mem::take(&mut plain)));
                let [left, right] = &mut out.borrow_mut().0;
                timed(|| {
                    for samples in &plain {
                        let from = black_box([&samples.0[0][..], &samples.0[1][..]]);
                        let mut out = [&mut left[..], &mut right[..]];
                        for (out, from) in black_box(&mut out).iter_mut().zip(from) {
                            out.copy_from_slice(from);
                        }
                    }
                })
            }),
            Box::new(|| timed(|| {})),
        ],
    );
    let (mode, value, reference) = (buffering.name(), value.less(clock), reference.less(clock));
    match warm {
        true => shown(&format!("the same on one core, {mode} / memcpy"), value, reference),
        false => row(&format!("flip and read 2x128, {mode} / memcpy"), value, reference, 1.5),
    }
}

/// S3: frames of 2 x 128 samples through our ring, against the same samples through bare rtrb. Both
/// learn the lengths when they run, and write to the same place.
fn ring(rounds: &Rounds) -> Value {
    const FRAMES: usize = 64;
    let (mut writer, mut reader) = frame_ring::<[u32; 4]>(4, CHANNELS * HOP, Overflow::RefuseNew);
    let (mut producer, mut consumer) = rtrb::RingBuffer::<f32>::new(2048);
    let input = Samples([[0.5; HOP]; CHANNELS]);
    let out = std::cell::RefCell::new(Samples([[0.0; HOP]; CHANNELS]));
    let mut sequence = 0;
    let [value, reference] = rounds.medians(
        FRAMES as f64,
        [
            Box::new(|| {
                let out = &mut out.borrow_mut().0;
                timed(|| {
                    for _ in 0..FRAMES {
                        let channels = black_box([&input.0[0][..], &input.0[1][..]]);
                        let pushed = writer.push(sequence, &[1, 2, 3, 4], &channels);
                        pushed.expect("room for a frame");
                        sequence += 1;
                        let out = black_box(out.as_flattened_mut());
                        reader.pop(|frame| frame.copy_to(0, out));
                    }
                })
            }),
            Box::new(|| {
                let out = &mut out.borrow_mut().0;
                timed(|| {
                    for _ in 0..FRAMES {
                        for channel in black_box([&input.0[0][..], &input.0[1][..]]) {
                            producer.push_entire_slice(channel).expect("room for a channel");
                        }
                        let [left, right] = &mut *out;
                        for channel in black_box([&mut left[..], &mut right[..]]) {
                            consumer.pop_entire_slice(channel).expect("a channel is there");
                        }
                    }
                })
            }),
        ],
    );
    row("ring, frame of 2x128 / bare rtrb", value, reference, 1.2)
}

#[derive(Clone, Copy)]
struct Job([u64; 4]);

impl Command for Job {}

/// S5: pushing a command, against a bare rtrb push of the same; the rings are emptied in between.
fn queue_push(rounds: &Rounds) -> Value {
    const COMMANDS: usize = 200;
    let CommandQueue { mut audio, mut worker, .. } =
        CommandQueue::<Job>::new(QueueShape::new(3).expect("3 levels"));
    let mut batch = Batch::new(256, 256);
    let (mut producer, mut consumer) = rtrb::RingBuffer::<Job>::new(256);
    let [value, reference] = rounds.medians(
        COMMANDS as f64,
        [
            Box::new(|| {
                let time = timed(|| {
                    for number in 0..COMMANDS as u64 {
                        let pushed = audio.push(black_box(0), black_box(Job([number; 4])));
                        assert!(pushed.is_ok());
                    }
                });
                worker.drain(false, &mut batch);
                assert_eq!(batch.take().map(|(_, job)| job.0[0]).max(), Some(COMMANDS as u64 - 1));
                time
            }),
            Box::new(|| {
                let time = timed(|| {
                    for number in 0..COMMANDS as u64 {
                        let pushed = producer.push(black_box(Job([number; 4])));
                        assert!(pushed.is_ok());
                    }
                });
                while consumer.pop().is_ok() {}
                time
            }),
        ],
    );
    row("queue push / bare rtrb push", value, reference, 3.0)
}

#[repr(C, align(64))]
struct OneLine([AtomicU64; 2]);

struct TwoLines([CacheLine<AtomicU64>; 2]);

trait Words: Send + Sync + 'static {
    fn word(&self, side: usize) -> &AtomicU64;
}

impl Words for OneLine {
    fn word(&self, side: usize) -> &AtomicU64 {
        &self.0[side]
    }
}

impl Words for TwoLines {
    fn word(&self, side: usize) -> &AtomicU64 {
        &self.0[side]
    }
}

/// Another core counts in its word all the while; measured is how long this one takes to store to
/// and load from its own.
struct Neighbour {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<u64>>,
    words: Arc<dyn Words>,
}

impl Neighbour {
    fn start(words: Arc<dyn Words>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (stop, words) = (Arc::clone(&stop), Arc::clone(&words));
            std::thread::Builder::new().name("neighbour".into()).spawn(move || {
                let (word, mut count) = (words.word(1), 0);
                while !stop.load(Ordering::Relaxed) {
                    for _ in 0..256 {
                        count += 1;
                        word.store(count, Ordering::Release);
                    }
                }
                count
            })
        };
        // A thread takes longer to start than the whole measurement.
        while words.word(1).load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        Self { stop, thread: Some(thread.expect("a thread")), words }
    }

    /// Only a time in which the neighbour really ran on another core counts: at least a quarter as
    /// many stores as ours. On a busy machine that takes a few attempts.
    fn measure(&self, stores: u64) -> Duration {
        let (word, other) = (self.words.word(0), self.words.word(1));
        for _ in 0..20 {
            let before = other.load(Ordering::Relaxed);
            let time = timed(|| {
                for _ in 0..stores {
                    let value = word.load(Ordering::Acquire);
                    word.store(black_box(value + 1), Ordering::Release);
                }
            });
            if other.load(Ordering::Relaxed) - before > stores / 4 {
                return time;
            }
            std::thread::yield_now();
        }
        // A machine too busy, or with one core: this round says nothing.
        Duration::MAX
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it only counts");
        }
    }
}

/// S7: why words of different threads stand on different lines.
fn control_words(rounds: &Rounds) -> Value {
    const STORES: u64 = 20_000;
    let words = || [AtomicU64::new(0), AtomicU64::new(0)];
    let apart = Arc::new(TwoLines(words().map(CacheLine)));
    let together = Arc::new(OneLine(words()));
    let [value, reference] = rounds.medians(
        STORES as f64,
        [
            Box::new(|| Neighbour::start(apart.clone()).measure(STORES)),
            Box::new(|| Neighbour::start(together.clone()).measure(STORES)),
        ],
    );
    row("control words on lines apart / in one line", value, reference, 1.0)
}

fn main() {
    // A second in all: nothing to be quicker about.
    let (rounds, few) = (Rounds { rounds: 501 }, Rounds { rounds: 41 });
    let rows = [
        fence_check(&rounds),
        flip_and_read(&rounds, Buffering::Double, false),
        flip_and_read(&rounds, Buffering::Triple, false),
        flip_and_read(&rounds, Buffering::Ring { blocks: 1 }, false),
        flip_and_read(&rounds, Buffering::Double, true),
        flip_and_read(&rounds, Buffering::Triple, true),
        flip_and_read(&rounds, Buffering::Ring { blocks: 1 }, true),
        ring(&rounds),
        queue_push(&rounds),
        control_words(&few),
    ];
    println!("{}", Value::from(rows.to_vec()));
}
