//! What really happened, counted where it happens (SPEC S9, S10). Nothing is simulated.
//!
//! **Who touches it.** Each side writes a group of its own, on cache lines of its own: the audio
//! thread one, the worker one. A group has one writer, so a count is a relaxed load and store. The
//! control side takes snapshots from all groups; it never writes.
//!
//! **What a snapshot promises.** A writer brackets each update by a number that is odd while the
//! update lasts. A snapshot reads all numbers, all groups, and all numbers again, and tries once more
//! if anything moved. What it returns says how well that went ([`Consistency`]): as a rule the state
//! of all groups at one instant; if the writers were busy throughout, of each group at an instant
//! of its own. A writer never waits and never repeats.
//!
//! **What the orderings prevent.** The Release fence after the odd number keeps the counts of an
//! update from being seen before it; the Release store of the even number keeps them from being
//! seen after it. The reader's Acquire load and Acquire fence do the same on its side. Without any
//! of them a snapshot could show a block's rescue without its miss.

use std::time::Duration;

use super::histogram::{Histogram, StageHistogram, StageStats};
use super::layout::CacheLine;
use super::primitive::{Arc, AtomicU64, Ordering, order, order_fence};
use super::transport::{ReaderStats, WriterStats};

/// Levels that a command queue can have at most.
pub const LEVELS_MAX: usize = 5;

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Counter {
    /// Blocks of the host that were processed.
    Blocks,
    /// Halves that changed hands.
    BufferSwaps,
    /// Hops or frames that found no room.
    Overflows,
    /// Blocks of the host that found fewer hops than they asked for; [`Self::Misses`] counts the hops.
    Underflows,
    /// Work that was overdue (SPEC S4).
    Timeouts,
    /// Hops asked for and not there.
    Misses,
    /// Misses covered by the CPU twin on the audio thread.
    Rescues,
    /// Misses covered by the previous buffer.
    Holds,
    /// Misses covered by the aligned input.
    Drys,
    /// Results dropped because they came too late.
    LateResults,
    Submissions,
    BytesCopied,
    DeviceLosses,
    /// Commands handed back to who sent them; counted where they are sent.
    CommandsRefused,
    /// Commands handed to the worker, by level.
    CommandsLevel0,
    CommandsLevel1,
    CommandsLevel2,
    CommandsLevel3,
    CommandsLevel4,
    /// States, not counts. Which half the audio thread reads and which was published last, with
    /// their generations; hops on their way in; sessions that went out in one submission.
    HalfRead,
    GenerationRead,
    HalfPublished,
    GenerationPublished,
    HopsWaiting,
    SessionsBatched,
    /// Time in which the GPU had work, and the time in which that was measured.
    GpuBusyNanos,
    GpuObservedNanos,
}

/// Number of counters.
pub const COUNTERS: usize = Counter::GpuObservedNanos as usize + 1;

impl Counter {
    pub const ALL: [Self; COUNTERS] = [
        Self::Blocks,
        Self::BufferSwaps,
        Self::Overflows,
        Self::Underflows,
        Self::Timeouts,
        Self::Misses,
        Self::Rescues,
        Self::Holds,
        Self::Drys,
        Self::LateResults,
        Self::Submissions,
        Self::BytesCopied,
        Self::DeviceLosses,
        Self::CommandsRefused,
        Self::CommandsLevel0,
        Self::CommandsLevel1,
        Self::CommandsLevel2,
        Self::CommandsLevel3,
        Self::CommandsLevel4,
        Self::HalfRead,
        Self::GenerationRead,
        Self::HalfPublished,
        Self::GenerationPublished,
        Self::HopsWaiting,
        Self::SessionsBatched,
        Self::GpuBusyNanos,
        Self::GpuObservedNanos,
    ];

    /// The counter of commands at `level`, 0 being the most urgent.
    pub fn commands(level: usize) -> Self {
        Self::ALL[Self::CommandsLevel0 as usize + level.min(LEVELS_MAX - 1)]
    }
}

/// A part of the way of a block, as the budget of SPEC S10 divides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Stage {
    /// The whole `process()` call.
    Callback,
    /// From the start to the end of the GPU's (or CPU engine's) work on a tick.
    GpuCompute,
    /// From the end of that work to the signal of the fence, but for the copies in between.
    FenceWait,
    /// Moving the results of a tick into the halves, out of the device's memory or of the twin's.
    Copy,
    /// From a hop's push by the audio thread to the start of the tick that takes it.
    Overhead,
    /// From a hop's push by the audio thread to the signal of its result: the sum of the four above.
    RoundTrip,
}

/// Number of stages.
pub const STAGES: usize = Stage::RoundTrip as usize + 1;

impl Stage {
    pub const ALL: [Self; STAGES] = [
        Self::Callback,
        Self::GpuCompute,
        Self::FenceWait,
        Self::Copy,
        Self::Overhead,
        Self::RoundTrip,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Callback => "callback",
            Self::GpuCompute => "gpu_compute",
            Self::FenceWait => "fence_wait",
            Self::Copy => "copy",
            Self::Overhead => "overhead",
            Self::RoundTrip => "round_trip",
        }
    }

    /// Its share of the budget; the round trip has the whole.
    pub fn budget(self) -> Duration {
        Duration::from_millis(match self {
            Self::Callback | Self::FenceWait | Self::Overhead => 1,
            Self::Copy => 2,
            Self::GpuCompute => 5,
            Self::RoundTrip => 10,
        })
    }
}

/// The fixed latencies of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LatencyShape {
    pub sample_rate_hz: f32,
    /// M - H: what the windows cost.
    pub window_samples: u32,
    /// A: what the pipeline is given.
    pub async_samples: u32,
}

impl LatencyShape {
    fn millis(&self, samples: u32) -> f64 {
        if self.sample_rate_hz > 0.0 {
            f64::from(samples) * 1e3 / f64::from(self.sample_rate_hz)
        } else {
            0.0
        }
    }

    /// The latency of the windows alone.
    pub fn window_ms(&self) -> f64 {
        self.millis(self.window_samples)
    }

    /// The latency of the pipeline alone.
    pub fn async_ms(&self) -> f64 {
        self.millis(self.async_samples)
    }

    /// What the host is told.
    pub fn total_ms(&self) -> f64 {
        self.millis(self.window_samples + self.async_samples)
    }
}

/// What one side writes.
#[derive(Debug)]
struct Group {
    /// Odd while an update is under way.
    epoch: CacheLine<AtomicU64>,
    counters: CacheLine<[AtomicU64; COUNTERS]>,
    stages: [Histogram; STAGES],
}

impl Group {
    fn new() -> Self {
        Self {
            epoch: CacheLine(AtomicU64::new(0)),
            counters: CacheLine(std::array::from_fn(|_| AtomicU64::new(0))),
            stages: std::array::from_fn(|_| Histogram::new()),
        }
    }

    fn add_to(&self, sum: &mut MetricsSnapshot) {
        for (sum, counter) in sum.counters.iter_mut().zip(&self.counters.0) {
            *sum += counter.load(Ordering::Relaxed);
        }
        for (sum, stage) in sum.stages.iter_mut().zip(&self.stages) {
            stage.add_to(sum);
        }
    }
}

const GROUPS: usize = 2;

#[derive(Debug)]
struct Shared {
    latency: LatencyShape,
    groups: [Group; GROUPS],
}

/// The three ends of a session's metrics.
#[derive(Debug)]
pub struct Metrics {
    /// For the audio thread.
    pub audio: MetricsWriter,
    /// For the worker.
    pub worker: MetricsWriter,
    /// For the editor and the host's main thread; can be cloned.
    pub reader: MetricsReader,
}

impl Metrics {
    /// All memory is allocated here.
    pub fn new(latency: LatencyShape) -> Self {
        let groups = std::array::from_fn(|_| Group::new());
        let shared = Arc::new(Shared { latency, groups });
        let writer = |group| MetricsWriter { shared: Arc::clone(&shared), group, epoch: 0 };
        Self { audio: writer(0), worker: writer(1), reader: MetricsReader(Arc::clone(&shared)) }
    }
}

/// One side's pen. Wait-free; for the audio thread as well.
#[derive(Debug)]
pub struct MetricsWriter {
    shared: Arc<Shared>,
    group: usize,
    epoch: u64,
}

impl MetricsWriter {
    /// Writes counts that belong together: a snapshot shows all of them or none.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    pub fn update(&mut self, write: impl FnOnce(&MetricsUpdate<'_>)) {
        let group = &self.shared.groups[self.group];
        group.epoch.store(self.epoch + 1, Ordering::Relaxed);
        // No count of this update is seen by someone who does not see the odd number.
        order_fence("metrics.begin", Ordering::Release);
        write(&MetricsUpdate { group });
        self.epoch += 2;
        // Release: who sees the even number sees the whole update.
        group.epoch.store(self.epoch, order("metrics.end", Ordering::Release));
    }
}

/// An update under way.
#[derive(Debug)]
pub struct MetricsUpdate<'a> {
    group: &'a Group,
}

impl MetricsUpdate<'_> {
    #[inline]
    pub fn add(&self, counter: Counter, count: u64) {
        let counter = &self.group.counters[counter as usize];
        counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }

    /// For counts that are kept elsewhere as totals.
    #[inline]
    pub fn set(&self, counter: Counter, total: u64) {
        self.group.counters[counter as usize].store(total, Ordering::Relaxed);
    }

    #[inline]
    pub fn time(&self, stage: Stage, duration: Duration) {
        self.group.stages[stage as usize].record(duration);
    }

    /// The counts of a hop buffer's reading end; for the audio thread's group.
    #[inline]
    pub fn reader(&self, stats: ReaderStats) {
        self.set(Counter::BufferSwaps, stats.swaps);
        self.set(Counter::LateResults, stats.late);
        self.set(Counter::Misses, stats.misses);
        self.set(Counter::HalfRead, stats.half);
        self.set(Counter::GenerationRead, stats.generation);
    }

    /// The counts of a hop buffer's writing end; for the worker's group.
    #[inline]
    pub fn writer(&self, stats: WriterStats) {
        self.set(Counter::LateResults, stats.late);
        self.set(Counter::Overflows, stats.overflows);
        self.set(Counter::HalfPublished, stats.half);
        self.set(Counter::GenerationPublished, stats.published);
    }
}

/// How well the parts of a snapshot belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// All groups as they stood at one instant.
    Instant,
    /// Each group as it stood at some instant: whole updates, but of slightly different times.
    PerSide,
    /// A writer was busy throughout; counts of one update may be missing.
    Torn,
}

/// The control side's end.
#[derive(Debug, Clone)]
pub struct MetricsReader(Arc<Shared>);

#[cfg(not(loom))]
const ATTEMPTS: usize = 32;
#[cfg(loom)]
const ATTEMPTS: usize = 2;

impl MetricsReader {
    /// Reads everything without waiting or allocating.
    pub fn snapshot(&self) -> MetricsSnapshot {
        for _ in 0..ATTEMPTS {
            let before = self.epochs(order("metrics.look", Ordering::Acquire));
            let mut snapshot = MetricsSnapshot::empty(self.0.latency);
            for group in &self.0.groups {
                group.add_to(&mut snapshot);
            }
            // The counts are read before the numbers are looked at again.
            order_fence("metrics.look_again", Ordering::Acquire);
            if self.epochs(Ordering::Relaxed) == before && before.iter().all(|epoch| epoch % 2 == 0)
            {
                return snapshot;
            }
            std::hint::spin_loop();
        }
        self.per_side()
    }

    fn epochs(&self, ordering: Ordering) -> [u64; GROUPS] {
        std::array::from_fn(|group| self.0.groups[group].epoch.load(ordering))
    }

    fn per_side(&self) -> MetricsSnapshot {
        let mut sum = MetricsSnapshot::empty(self.0.latency);
        sum.consistency = Consistency::PerSide;
        for group in &self.0.groups {
            let mut whole = None;
            for _ in 0..ATTEMPTS {
                let before = group.epoch.load(order("metrics.look", Ordering::Acquire));
                let mut part = sum;
                group.add_to(&mut part);
                order_fence("metrics.look_again", Ordering::Acquire);
                if group.epoch.load(Ordering::Relaxed) == before && before.is_multiple_of(2) {
                    whole = Some(part);
                    break;
                }
                std::hint::spin_loop();
            }
            match whole {
                Some(part) => sum = part,
                None => {
                    group.add_to(&mut sum);
                    sum.consistency = Consistency::Torn;
                }
            }
        }
        sum
    }
}

/// All figures at one time. Holds no pointer: copy it, keep it, compare it with a later one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricsSnapshot {
    pub consistency: Consistency,
    pub latency: LatencyShape,
    counters: [u64; COUNTERS],
    stages: [StageHistogram; STAGES],
}

/// One line of the latency budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetLine {
    pub stage: Stage,
    pub limit: Duration,
    pub stats: StageStats,
    /// The 99th percentile is above the limit: shown in red.
    pub over: bool,
}

impl MetricsSnapshot {
    /// All zero, for a session that does not run.
    pub fn empty(latency: LatencyShape) -> Self {
        Self {
            consistency: Consistency::Instant,
            latency,
            counters: [0; COUNTERS],
            stages: [StageHistogram::EMPTY; STAGES],
        }
    }

    pub fn count(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }

    /// With a count that is kept by neither side of the audio path.
    #[cfg(not(loom))]
    #[must_use]
    pub(crate) fn with(mut self, counter: Counter, count: u64) -> Self {
        self.counters[counter as usize] = count;
        self
    }

    pub fn stage(&self, stage: Stage) -> StageStats {
        self.stages[stage as usize].stats()
    }

    pub fn histogram(&self, stage: Stage) -> &StageHistogram {
        &self.stages[stage as usize]
    }

    /// What happened after `earlier`, for figures of the last seconds.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            consistency: self.consistency,
            latency: self.latency,
            counters: std::array::from_fn(|counter| {
                self.counters[counter].saturating_sub(earlier.counters[counter])
            }),
            stages: std::array::from_fn(|stage| self.stages[stage].since(&earlier.stages[stage])),
        }
    }

    /// Share of the observed time in which the GPU had work, 0 to 100.
    pub fn gpu_utilization_percent(&self) -> f64 {
        let observed = self.count(Counter::GpuObservedNanos);
        if observed == 0 {
            return 0.0;
        }
        (self.count(Counter::GpuBusyNanos) as f64 * 100.0 / observed as f64).min(100.0)
    }

    /// The budget of SPEC S10, stage by stage, the round trip last.
    pub fn budget(&self) -> [BudgetLine; STAGES] {
        Stage::ALL.map(|stage| {
            let (limit, stats) = (stage.budget(), self.stage(stage));
            BudgetLine { stage, limit, stats, over: stats.p99 > limit }
        })
    }
}
