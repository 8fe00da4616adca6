//! How long a stage takes: a histogram of durations in fixed memory (SPEC S9).
//!
//! Sixteen buckets to an octave, from one nanosecond to 17 seconds: a percentile is right within
//! 1/16 of its value, and recording is two additions. **Who touches it:** one thread records, with
//! plain relaxed stores; others read within the snapshot of [`super::metrics`], which is what makes
//! the numbers belong together.

use std::time::Duration;

use super::primitive::{AtomicU32, AtomicU64, Ordering};

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;
const OCTAVES: usize = 30;
/// Buckets of a histogram. A model follows every single word, so it gets by with one.
pub const BUCKETS: usize = if cfg!(loom) { 1 } else { (OCTAVES + 1) * SUB };

fn bucket(nanos: u64) -> usize {
    if nanos < SUB as u64 {
        return (nanos as usize).min(BUCKETS - 1);
    }
    let octave = u64::BITS - 1 - nanos.leading_zeros() - SUB_BITS;
    let sub = (nanos >> octave) as usize & (SUB - 1);
    ((octave as usize + 1) * SUB + sub).min(BUCKETS - 1)
}

/// The largest duration in nanoseconds that falls into a bucket.
fn upper_end(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let octave = bucket / SUB - 1;
    ((SUB + bucket % SUB + 1) as u64) << octave as u32
}

/// Written by one thread.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU32; BUCKETS],
    last_nanos: AtomicU64,
    max_nanos: AtomicU64,
}

impl Histogram {
    pub fn new() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU32::new(0)),
            last_nanos: AtomicU64::new(0),
            max_nanos: AtomicU64::new(0),
        }
    }

    #[inline]
    pub fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = &self.buckets[bucket(nanos)];
        // One writer, so no read-modify-write is needed.
        bucket.store(bucket.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        self.last_nanos.store(nanos, Ordering::Relaxed);
        if nanos > self.max_nanos.load(Ordering::Relaxed) {
            self.max_nanos.store(nanos, Ordering::Relaxed);
        }
    }

    /// Adds what stands here to `sum`; the latest of several writers gives `last`.
    pub fn add_to(&self, sum: &mut StageHistogram) {
        for (sum, bucket) in sum.buckets.iter_mut().zip(&self.buckets) {
            *sum = sum.saturating_add(bucket.load(Ordering::Relaxed));
        }
        let last = self.last_nanos.load(Ordering::Relaxed);
        if last != 0 {
            sum.last_nanos = last;
        }
        sum.max_nanos = sum.max_nanos.max(self.max_nanos.load(Ordering::Relaxed));
    }
}

/// A histogram as it stood in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageHistogram {
    pub(crate) buckets: [u32; BUCKETS],
    pub(crate) last_nanos: u64,
    pub(crate) max_nanos: u64,
}

impl StageHistogram {
    pub(crate) const EMPTY: Self = Self { buckets: [0; BUCKETS], last_nanos: 0, max_nanos: 0 };

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|&bucket| u64::from(bucket)).sum()
    }

    /// The duration that a share `quantile` (0 to 1) of all records does not exceed, at most 1/16
    /// too long; zero without records.
    pub fn percentile(&self, quantile: f64) -> Duration {
        let count = self.count();
        if count == 0 {
            return Duration::ZERO;
        }
        let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count);
        let mut below = 0;
        for (bucket, &records) in self.buckets.iter().enumerate() {
            below += u64::from(records);
            if below >= rank {
                return Duration::from_nanos(upper_end(bucket).min(self.max_nanos));
            }
        }
        Duration::from_nanos(self.max_nanos)
    }

    /// What was recorded after `earlier`. `max` is then known to 1/16.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut part = *self;
        for (part, earlier) in part.buckets.iter_mut().zip(&earlier.buckets) {
            *part = part.saturating_sub(*earlier);
        }
        let highest = part.buckets.iter().rposition(|&records| records > 0);
        part.max_nanos = highest.map_or(0, |bucket| upper_end(bucket).min(self.max_nanos));
        part
    }

    pub fn stats(&self) -> StageStats {
        StageStats {
            count: self.count(),
            last: Duration::from_nanos(self.last_nanos),
            p50: self.percentile(0.5),
            p99: self.percentile(0.99),
            max: Duration::from_nanos(self.max_nanos),
        }
    }
}

/// The figures of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageStats {
    pub count: u64,
    pub last: Duration,
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_without_gap_and_hold_their_value() {
        let mut last = 0;
        for nanos in (0..4096u64).chain((12..34).flat_map(|bit| {
            let top = 1u64 << bit;
            [top - 1, top, top + 1, top + top / 3]
        })) {
            let found = bucket(nanos);
            assert!(found == last || found == last + 1 || nanos > 4096, "{nanos}");
            assert!(upper_end(found) >= nanos, "{nanos} above its bucket");
            assert!(upper_end(found) as f64 <= nanos as f64 * (1.0 + 1.0 / 16.0) + 1.0, "{nanos}");
            last = found;
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    // S9: against percentiles from sorting.
    #[test]
    fn percentiles_agree_with_sorting_to_a_sixteenth() {
        let histogram = Histogram::new();
        let mut values = Vec::new();
        let mut state = 1u64;
        for _ in 0..10_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let nanos = 1 + (state >> 33) % (1 << (8 + (state >> 60)));
            values.push(nanos);
            histogram.record(Duration::from_nanos(nanos));
        }
        values.sort_unstable();
        let mut seen = StageHistogram::EMPTY;
        histogram.add_to(&mut seen);
        for quantile in [0.01, 0.5, 0.9, 0.99, 1.0] {
            let exact = values[((quantile * 10_000.0) as usize).max(1) - 1] as f64;
            let found = seen.percentile(quantile).as_nanos() as f64;
            assert!(found >= exact && found <= exact * (1.0 + 1.0 / 16.0) + 1.0, "{quantile}");
        }
        assert_eq!(seen.stats().max.as_nanos() as u64, values[9_999]);
        assert_eq!(seen.count(), 10_000);
    }

    #[test]
    fn the_part_since_an_earlier_snapshot_stands_alone() {
        let histogram = Histogram::new();
        histogram.record(Duration::from_millis(50));
        let mut before = StageHistogram::EMPTY;
        histogram.add_to(&mut before);
        histogram.record(Duration::from_micros(10));
        let mut after = StageHistogram::EMPTY;
        histogram.add_to(&mut after);
        let part = after.since(&before).stats();
        assert_eq!(part.count, 1);
        assert!(part.max >= Duration::from_micros(10) && part.max < Duration::from_micros(11));
        assert_eq!(StageHistogram::EMPTY.stats(), StageStats::default());
    }
}
