//! From the engine's metrics to what the sync panel shows: figures of the last seconds, and the
//! plots' curves.
//!
//! Control side only. [`Gauge::fill`] is meant to be called once a frame while the editor is open.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use scumble_gpu::sync::{Counter, MetricsSnapshot, Stage};

use crate::model::{Counters, LatencyView, PlotView, STAGE_LIMITS_MS, Snapshot, StageView};

/// Points of a curve, and the time that each stands for.
const POINTS: usize = 200;
const POINT: Duration = Duration::from_millis(50);
/// The figures are about this much of the past: long enough for a p99, short enough to be news.
const PAST: Duration = Duration::from_secs(5);

/// Keeps what is needed of the past.
pub struct Gauge {
    /// Total figures with their times, oldest first.
    past: VecDeque<(Instant, MetricsSnapshot)>,
    round_trip: VecDeque<f32>,
    fence_wait: VecDeque<f32>,
    /// Counts before this are forgotten by the user's wish.
    zero: Option<MetricsSnapshot>,
}

impl Default for Gauge {
    fn default() -> Self {
        Self {
            past: VecDeque::new(),
            round_trip: VecDeque::from(vec![0.0; POINTS]),
            fence_wait: VecDeque::from(vec![0.0; POINTS]),
            zero: None,
        }
    }
}

impl Gauge {
    /// Counters start from nothing; curves and percentiles too.
    pub fn reset(&mut self, now: &MetricsSnapshot) {
        *self = Self { zero: Some(*now), ..Self::default() };
    }

    /// Counters since the last reset.
    fn counters(&self, now: &MetricsSnapshot) -> MetricsSnapshot {
        // A session that was opened anew counts from nothing itself.
        match &self.zero {
            Some(zero) if zero.count(Counter::Blocks) <= now.count(Counter::Blocks) => {
                now.since(zero)
            }
            _ => *now,
        }
    }

    /// Fills in latency, stages, plots and counters from the engine's totals `now` at `at`.
    pub fn fill(&mut self, at: Instant, now: &MetricsSnapshot, to: &mut Snapshot) {
        let restarted = self
            .past
            .back()
            .is_some_and(|(_, m)| m.count(Counter::Blocks) > now.count(Counter::Blocks));
        if restarted {
            self.past.clear();
            self.zero = None;
        }
        match self.past.back() {
            Some((last, before)) if at.duration_since(*last) >= POINT => {
                let step = now.since(before);
                // The slowest of each step: a spike must be seen.
                push(&mut self.round_trip, ms(step.stage(Stage::RoundTrip).max));
                push(&mut self.fence_wait, ms(step.stage(Stage::FenceWait).max));
                self.past.push_back((at, *now));
            }
            Some(_) => {}
            None => self.past.push_back((at, *now)),
        }
        while self.past.len() > 2 && at.duration_since(self.past[1].0) > PAST {
            self.past.pop_front();
        }
        let recent = now.since(&self.past[0].1);
        let stages =
            [Stage::Callback, Stage::GpuCompute, Stage::FenceWait, Stage::Copy, Stage::Overhead];
        for (i, stage) in stages.into_iter().enumerate() {
            let p99_ms = ms(recent.stage(stage).p99);
            to.stages[i] = StageView { p99_ms, limit_ms: STAGE_LIMITS_MS[i] };
        }
        let round_trip = recent.stage(Stage::RoundTrip);
        to.latency = LatencyView {
            window_samples: now.latency.window_samples,
            pipeline_samples: now.latency.async_samples,
            measured_ms: (round_trip.count > 0).then(|| ms(round_trip.p99)),
        };
        let deadline = now.latency.async_ms() as f32;
        fill_plot(&mut to.round_trip, &self.round_trip, &recent, Stage::RoundTrip, deadline);
        fill_plot(&mut to.fence_wait, &self.fence_wait, &recent, Stage::FenceWait, 1.0);
        let c = self.counters(now);
        to.counters = Counters {
            swaps: c.count(Counter::BufferSwaps),
            rescued: c.count(Counter::Rescues),
            held: c.count(Counter::Holds),
            dry: c.count(Counter::Drys),
            timeouts: c.count(Counter::Timeouts),
            overflow: c.count(Counter::Overflows),
            underflow: c.count(Counter::Underflows),
            late: c.count(Counter::LateResults),
            gpu_utilisation: recent.gpu_utilization_percent() as f32 / 100.0,
        };
    }
}

fn ms(d: Duration) -> f32 {
    d.as_secs_f32() * 1000.0
}

fn push(curve: &mut VecDeque<f32>, value: f32) {
    curve.pop_front();
    curve.push_back(value);
}

fn fill_plot(
    to: &mut PlotView,
    curve: &VecDeque<f32>,
    recent: &MetricsSnapshot,
    stage: Stage,
    limit_ms: f32,
) {
    let stats = recent.stage(stage);
    to.history_ms.clear();
    to.history_ms.extend(curve);
    to.p50_ms = ms(stats.p50);
    to.p99_ms = ms(stats.p99);
    to.max_ms = ms(stats.max);
    // Without a pipeline there is no deadline of its own: the block's millisecond stands in.
    to.limit_ms = if limit_ms > 0.0 { limit_ms } else { 1.0 };
}

#[cfg(test)]
mod tests {
    use super::*;
    use scumble_gpu::sync::{LatencyShape, Metrics};

    #[test]
    fn the_panel_shows_what_was_counted_and_forgets_on_request() {
        // S9, S10
        let shape =
            LatencyShape { sample_rate_hz: 48_000.0, window_samples: 192, async_samples: 128 };
        let mut metrics = Metrics::new(shape);
        let mut gauge = Gauge::default();
        let mut to = Snapshot { sample_rate: 48_000.0, ..Snapshot::default() };
        let start = Instant::now();
        let mut totals = |swaps: u64, round_trip: u64| {
            metrics.worker.update(|u| {
                u.add(Counter::BufferSwaps, swaps);
                u.add(Counter::Blocks, 1);
                u.time(Stage::RoundTrip, Duration::from_micros(round_trip));
                u.time(Stage::GpuCompute, Duration::from_millis(6));
            });
            metrics.reader.snapshot()
        };
        gauge.fill(start, &totals(1, 300), &mut to);
        let now = totals(7, 900);
        gauge.fill(start + Duration::from_millis(60), &now, &mut to);
        assert_eq!(to.counters.swaps, 8);
        assert_eq!(to.latency.total_samples(), 320);
        assert!(to.stages[1].over() && !to.stages[0].over());
        let last = *to.round_trip.history_ms.last().expect("a point");
        assert!((0.8..1.1).contains(&last), "{last}");
        assert!((to.round_trip.limit_ms - 2.667).abs() < 0.01);
        gauge.reset(&now);
        gauge.fill(start + Duration::from_millis(120), &totals(2, 100), &mut to);
        assert_eq!(to.counters.swaps, 2);
        // Old figures leave the percentiles.
        let now = totals(0, 100);
        gauge.fill(start + Duration::from_secs(1), &now, &mut to);
        gauge.fill(start + Duration::from_secs(9), &now, &mut to);
        gauge.fill(start + Duration::from_secs(20), &now, &mut to);
        assert_eq!(to.latency.measured_ms, None);
    }
}
