//! Where the GPU's time goes (P8): timestamps at the edges of each pass, and a Chrome trace
//! (`chrome://tracing`, Perfetto) of both the worker's and the GPU's spans.
//!
//! Touched by the worker only; the trace is handed out as text.

use std::fmt::Write as _;
use std::time::Instant;

/// One stretch of time on one track.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub name: &'static str,
    pub track: Track,
    /// Since the trace began.
    pub start_us: f64,
    pub duration_us: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    Worker,
    Gpu,
}

/// A bounded list of spans: the newest `capacity` are kept.
#[derive(Debug)]
pub struct Trace {
    origin: Instant,
    capacity: usize,
    spans: std::collections::VecDeque<Span>,
}

impl Trace {
    pub fn new(capacity: usize) -> Self {
        Self { origin: Instant::now(), capacity, spans: std::collections::VecDeque::new() }
    }

    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    pub fn push(&mut self, span: Span) {
        if self.spans.len() == self.capacity {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }

    pub fn worker(&mut self, name: &'static str, start: Instant, end: Instant) {
        let start_us = start.saturating_duration_since(self.origin).as_secs_f64() * 1e6;
        let duration_us = end.saturating_duration_since(start).as_secs_f64() * 1e6;
        self.push(Span { name, track: Track::Worker, start_us, duration_us });
    }

    /// Places the passes of one submission: the GPU's clock has an origin of its own, so the last
    /// pass is laid to end when the host saw the submission complete.
    pub fn passes(&mut self, passes: &[PassTime], seen: Instant) {
        let Some(end_ns) = passes.iter().map(|p| p.end_ns).max() else { return };
        let seen_us = seen.saturating_duration_since(self.origin).as_secs_f64() * 1e6;
        for pass in passes {
            let before_end = (end_ns - pass.start_ns) as f64 / 1e3;
            self.push(Span {
                name: pass.name,
                track: Track::Gpu,
                start_us: seen_us - before_end,
                duration_us: pass.duration_ns() as f64 / 1e3,
            });
        }
    }

    /// This trace and another, which may have begun at another time.
    pub fn with(&self, other: &Self) -> Self {
        let origin = self.origin.min(other.origin);
        let mut both = Self { origin, capacity: usize::MAX, spans: Default::default() };
        for trace in [self, other] {
            let shift_us = (trace.origin - origin).as_secs_f64() * 1e6;
            both.spans.extend(
                trace
                    .spans
                    .iter()
                    .map(|span| Span { start_us: span.start_us + shift_us, ..span.clone() }),
            );
        }
        both
    }

    /// The trace in Chrome's JSON format.
    pub fn to_chrome_json(&self) -> String {
        let mut text = String::from("{\"traceEvents\":[");
        for (tid, name) in [(0, "worker"), (1, "gpu")] {
            let _ = write!(
                text,
                "{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":{tid},\
                 \"args\":{{\"name\":\"{name}\"}}}},"
            );
        }
        for span in &self.spans {
            let tid = if span.track == Track::Worker { 0 } else { 1 };
            let _ = write!(
                text,
                "{{\"ph\":\"X\",\"name\":\"{}\",\"pid\":1,\"tid\":{tid},\"ts\":{:.3},\"dur\":{:.3}}},",
                span.name, span.start_us, span.duration_us
            );
        }
        text.pop();
        text.push_str("]}");
        text
    }
}

/// When one pass ran, by the device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassTime {
    pub name: &'static str,
    pub start_ns: u64,
    pub end_ns: u64,
}

impl PassTime {
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

#[cfg(feature = "wgpu")]
pub use clock::PassClock;

#[cfg(feature = "wgpu")]
mod clock {
    use super::PassTime;

    /// Two timestamps a pass for the submissions of one slot.
    pub struct PassClock {
        set: wgpu::QuerySet,
        resolve: wgpu::Buffer,
        period_ns: f32,
        capacity: u32,
        names: Vec<&'static str>,
    }

    impl PassClock {
        /// `None` where the adapter has no timestamps.
        pub fn new(gpu: &crate::backend::wgpu::device::Gpu, capacity: u32) -> Option<Self> {
            if !gpu.has_timestamps() {
                return None;
            }
            Some(Self {
                set: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("pass clock"),
                    ty: wgpu::QueryType::Timestamp,
                    count: capacity * 2,
                }),
                resolve: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("pass clock"),
                    size: Self::bytes(capacity),
                    usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                    mapped_at_creation: false,
                }),
                period_ns: gpu.queue.get_timestamp_period(),
                capacity,
                names: Vec::with_capacity(capacity as usize),
            })
        }

        pub const fn bytes(capacity: u32) -> u64 {
            capacity as u64 * 16
        }

        pub fn restart(&mut self) {
            self.names.clear();
        }

        pub fn next_pass(
            &mut self,
            name: &'static str,
        ) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
            let index = self.names.len() as u32;
            if index == self.capacity {
                return None;
            }
            self.names.push(name);
            Some(wgpu::ComputePassTimestampWrites {
                query_set: &self.set,
                beginning_of_pass_write_index: Some(index * 2),
                end_of_pass_write_index: Some(index * 2 + 1),
            })
        }

        /// Copies this submission's stamps to `target`, which the host will map.
        pub fn resolve(
            &self,
            encoder: &mut wgpu::CommandEncoder,
            target: &wgpu::Buffer,
            offset: u64,
        ) {
            let count = self.names.len() as u32 * 2;
            if count > 0 {
                encoder.resolve_query_set(&self.set, 0..count, &self.resolve, 0);
                encoder.copy_buffer_to_buffer(
                    &self.resolve,
                    0,
                    target,
                    offset,
                    u64::from(count) * 8,
                );
            }
        }

        /// Reads what [`Self::resolve`] left.
        pub fn read(&self, bytes: &[u8], times: &mut Vec<PassTime>) {
            times.clear();
            let stamp = |i: usize| {
                let raw: [u8; 8] = bytes[i * 8..i * 8 + 8].try_into().expect("eight bytes");
                (u64::from_le_bytes(raw) as f64 * f64::from(self.period_ns)) as u64
            };
            for (i, &name) in self.names.iter().enumerate() {
                times.push(PassTime { name, start_ns: stamp(2 * i), end_ns: stamp(2 * i + 1) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_keeps_the_newest_spans_and_parses_as_json() {
        let mut trace = Trace::new(3);
        let now = Instant::now();
        for _ in 0..4 {
            trace.worker("tick", now, now);
        }
        let passes = [
            PassTime { name: "forward", start_ns: 1_000, end_ns: 3_000 },
            PassTime { name: "inverse", start_ns: 3_000, end_ns: 4_500 },
        ];
        trace.passes(&passes, now);
        assert_eq!(trace.spans().count(), 3); // P8
        let json: serde_json::Value = serde_json::from_str(&trace.to_chrome_json()).unwrap();
        let events = json["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 5);
        assert_eq!(events[4]["name"], "inverse");
        assert!((events[4]["dur"].as_f64().unwrap() - 1.5).abs() < 1e-9);
        let gap = events[4]["ts"].as_f64().unwrap() - events[3]["ts"].as_f64().unwrap();
        assert!((gap - 2.0).abs() < 1e-3, "inverse starts 2 us after forward, found {gap}");
    }
}
