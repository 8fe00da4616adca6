//! A session as the worker has it: what came in, what is due, what waits to be published.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scumble_dsp::effect::Frozen;
use scumble_dsp::{Field, Twin, flag};

use super::commands::Work;
use super::history::History;
use crate::backend::cpu::{with_channels, with_channels_mut};
use crate::backend::{JobTable, SlotId, SlotSpec, Want};
use crate::engine::{EngineChoice, FieldMessage, HopHeader, SessionConfig, SharedState};
use crate::sync::command_queue::CommandReceiver;
use crate::sync::ring::FrameReader;
use crate::sync::{FenceTimeout, HopWriter, MetricsWriter, Placed, WriteHops};

/// The share of A after which the worker no longer waits for the device and computes itself.
const PATIENCE: f64 = 0.6;
/// What the device is given however short the block.
const LEAST_GIVEN: Duration = Duration::from_micros(500);
/// Results that may wait for a free half before the oldest are given up: nobody may read for hours
/// (a host that bypasses the plugin).
const RESULTS_LIMIT: usize = 512;
/// Empty ones that are kept for the next hops: those of one table.
const SPARE_LIMIT: usize = 128;

/// Where a session stands with the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no place there.
    Away,
    /// Its rings there are as of before this hop; it is served there when that is the next.
    Joined { next: u64 },
    /// It may not have a place before this time (a fault, or a run of misses).
    Barred { until: Instant },
}

/// A hop that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub hop: u64,
    pub pushed: Instant,
}

/// The input that a freeze holds, for the device; the twin keeps its own.
#[derive(Default)]
struct Capture {
    frame: Option<u64>,
    unsent: bool,
    samples: Vec<f32>,
}

pub struct WorkerSession {
    pub(super) id: u64,
    pub(super) spec: SlotSpec,
    pub(super) choice: EngineChoice,
    pub(super) state: Arc<SharedState>,
    pub(super) metrics: MetricsWriter,
    pub(super) commands: CommandReceiver<Work>,
    pub(super) standing: Standing,
    pub(super) due: VecDeque<Due>,
    /// Deadlines missed by the device lately, and when the count began.
    pub(super) misses: (u32, Instant),
    /// How long the next bar for missed deadlines lasts.
    pub(super) bar: Duration,
    /// Why it is barred, if not for missed deadlines.
    pub(super) barred_for: Option<String>,
    origin: Instant,
    /// The configured limit, and the share of the hops' own deadline that the device is given (S4).
    timeout: FenceTimeout,
    given: Duration,
    /// A limit of its own instead.
    patience: Option<Duration>,
    hops: FrameReader<HopHeader>,
    fields_in: rtrb::Consumer<FieldMessage>,
    fields: [Option<Arc<Field>>; 2],
    /// Fields that the device has not been given yet.
    fields_unsent: [bool; 2],
    captures: [Capture; 2],
    due_to: Arc<AtomicU64>,
    writer: HopWriter,
    history: History,
    twin: Twin,
    results: VecDeque<(u64, Vec<f32>)>,
    spare: Vec<Vec<f32>>,
    dropped: u64,
    /// Its due hops are on the device.
    in_flight: bool,
    /// When the oldest hop of this tick was pushed.
    pub(super) oldest_pushed: Option<Instant>,
}

impl WorkerSession {
    #[expect(clippy::too_many_arguments, reason = "made in one place, from parts")]
    pub(crate) fn new(
        id: u64,
        config: SessionConfig,
        origin: Instant,
        hops: FrameReader<HopHeader>,
        fields_in: rtrb::Consumer<FieldMessage>,
        due_to: Arc<AtomicU64>,
        writer: HopWriter,
        metrics: MetricsWriter,
        commands: CommandReceiver<Work>,
        state: Arc<SharedState>,
    ) -> Self {
        let spec = config.slot_spec();
        let given = config.async_samples as f64 / config.sample_rate * PATIENCE;
        Self {
            id,
            choice: config.engine_choice,
            state,
            metrics,
            commands,
            standing: Standing::Away,
            due: VecDeque::with_capacity(256),
            misses: (0, origin),
            bar: Duration::from_secs(2),
            barred_for: None,
            origin,
            timeout: config.sync.fence_timeout(),
            given: Duration::from_secs_f64(given).max(LEAST_GIVEN),
            patience: config.patience,
            hops,
            fields_in,
            fields: [None, None],
            fields_unsent: [false, false],
            captures: Default::default(),
            due_to,
            writer,
            history: History::new(&spec),
            twin: Twin::new(spec.window, spec.sample_rate, spec.channels, spec.max_hops),
            results: VecDeque::with_capacity(64),
            spare: Vec::new(),
            dropped: 0,
            in_flight: false,
            oldest_pushed: None,
            spec,
        }
    }

    pub(super) fn has_results(&self) -> bool {
        !self.results.is_empty()
    }

    pub(super) fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    pub(super) fn enter_flight(&mut self) {
        self.in_flight = true;
    }

    pub(super) fn leave_flight(&mut self) {
        self.in_flight = false;
    }

    /// When the hop that has waited longest shall be computed by the twin at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let pushed = self.due.front()?.pushed;
        Some(match self.patience {
            Some(patience) => pushed + patience,
            None => self.timeout.overdue_at(pushed, pushed + self.given),
        })
    }

    /// Takes the hops that are due, as many as fit into a table, into history and twin.
    pub(super) fn gather(&mut self) {
        // Acquire: hops below the mark are in the ring.
        let due_to = self.due_to.load(Ordering::Acquire);
        while self.due.len() < self.spec.max_hops && self.history.next < due_to && self.take_hop() {
        }
    }

    fn take_hop(&mut self) -> bool {
        let Self { hops, history, due, origin, .. } = self;
        let taken = hops.pop_if_any(|frame| {
            let (hop, params) = (frame.sequence, frame.header.params);
            history.push(hop, &params, |samples| frame.copy_to(0, samples));
            due.push_back(Due {
                hop,
                pushed: *origin + Duration::from_nanos(frame.header.nanos()),
            });
            hop
        });
        let Some(hop) = taken else { return false };
        self.take_fields(hop);
        let (samples, params) = self.history.get(hop);
        let twin = &mut self.twin;
        with_channels(samples, self.spec.window.h, |input| twin.push(hop, input, params));
        if params.flags & flag::FREEZE != 0 && params.freeze_age == 0 {
            let which = params.freeze_slot as usize & 1;
            self.capture(hop, which);
        }
        true
    }

    /// Keeps what frame `hop` freezes: the samples that end with the hop, as the twin does.
    fn capture(&mut self, hop: u64, which: usize) {
        let window = &self.spec.window;
        let (len, h) = (Frozen::samples(window), window.h);
        let Self { captures, history, .. } = self;
        let capture = &mut captures[which];
        capture.samples.clear();
        capture.samples.resize(self.spec.channels * len, 0.0);
        let hops = (len / h) as u64;
        for back in 0..hops.min(hop + 1 - history.first.min(hop + 1)) {
            let (samples, _) = history.get(hop - back);
            let to = len - (back as usize + 1) * h;
            for (channel, samples) in samples.chunks_exact(h).enumerate() {
                capture.samples[channel * len + to..][..h].copy_from_slice(samples);
            }
        }
        capture.frame = Some(hop);
        capture.unsent = true;
    }

    /// The capture in slot `which`, if the device still needs it: its frame and samples.
    pub(super) fn unsent_capture(&self, which: usize) -> Option<(u64, &[f32])> {
        let capture = &self.captures[which];
        let frame = capture.frame.filter(|_| capture.unsent)?;
        Some((frame, capture.samples.as_slice()))
    }

    pub(super) fn capture_sent(&mut self, which: usize) {
        self.captures[which].unsent = false;
    }

    /// Fields that must be in force from `hop` on.
    fn take_fields(&mut self, hop: u64) {
        while let Ok(message) = self.fields_in.peek() {
            if message.before_hop > hop {
                return;
            }
            let Ok(FieldMessage { slot, field, .. }) = self.fields_in.pop() else { return };
            let which = slot as usize & 1;
            self.twin.set_field(slot, Arc::clone(&field));
            self.fields[which] = Some(field);
            self.fields_unsent[which] = true;
        }
    }

    /// The field in slot `which`, if the device still needs it.
    pub(super) fn unsent_field(&self, which: usize) -> Option<&Arc<Field>> {
        self.fields[which].as_ref().filter(|_| self.fields_unsent[which])
    }

    pub(super) fn field_sent(&mut self, which: usize) {
        self.fields_unsent[which] = false;
    }

    /// The device has lost what it was given.
    pub(super) fn forget_device(&mut self, standing: Standing) {
        self.standing = standing;
        self.fields_unsent = [self.fields[0].is_some(), self.fields[1].is_some()];
        for capture in &mut self.captures {
            capture.unsent = capture.frame.is_some();
        }
    }

    /// The device will not do for this session before `until`.
    pub(super) fn bar_for(&mut self, reason: String, until: Instant) {
        self.forget_device(Standing::Barred { until });
        self.barred_for = Some(reason);
    }

    /// Whether the device can compute the next due hop.
    pub(super) fn is_served_by_device(&self) -> bool {
        let Standing::Joined { next } = self.standing else { return false };
        self.due.front().map_or(self.history.next, |due| due.hop) == next
    }

    /// The hop from which a device that starts anew must be fed, so that the next due hop is right.
    pub(super) fn join_from(&self) -> u64 {
        let next = self.due.front().map_or(self.history.next, |due| due.hop);
        next.saturating_sub(self.spec.history_hops() as u64).max(self.history.first)
    }

    /// Adds the due hops to `table`, up to a jump: what comes after it begins with silence, and the
    /// device's rings hold sound.
    pub(super) fn add_due(&mut self, slot: SlotId, table: &mut JobTable, limit: usize) {
        let Some(first) = self.due.front().map(|due| due.hop) else { return };
        let steady = self.due.iter().zip(first..).take_while(|(due, hop)| due.hop == *hop);
        for (due, _) in steady.take(limit) {
            let (samples, params) = self.history.get(due.hop);
            table.push(slot, due.hop, Want::Output, *params, samples);
        }
    }

    /// Adds up to `limit` hops of history that the device lacks. The last ones before the next due
    /// hop are computed, since that hop's output overlaps with them. False if there are none.
    pub(super) fn add_history(&mut self, slot: SlotId, table: &mut JobTable, limit: usize) -> bool {
        let Standing::Joined { next } = self.standing else { return false };
        let end = self.due.front().map_or(self.history.next, |due| due.hop);
        let whole_from = end.saturating_sub(self.spec.window.overlap() as u64);
        let last = end.min(next + limit as u64);
        for hop in next..last {
            let (samples, params) = self.history.get(hop);
            let want = if hop >= whole_from { Want::Frame } else { Want::History };
            table.push(slot, hop, want, *params, samples);
        }
        next < last
    }

    /// Whether history still holds the hop that the device needs next.
    pub(super) fn can_catch_up(&self) -> bool {
        matches!(self.standing, Standing::Joined { next } if next >= self.history.first)
    }

    /// Hop `hop` is finished; `samples` channel after channel. It leaves the list of what is due.
    pub(super) fn finish(&mut self, hop: u64, samples: &[f32]) -> Option<Due> {
        let due = *self.due.front().filter(|due| due.hop == hop)?;
        self.due.pop_front();
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(samples);
        self.keep(hop, kept);
        Some(due)
    }

    /// Computes the next due hop with the twin; a hop that the audio thread no longer waits for only
    /// leaves the list. A worker that is behind would else stay behind: it would spend its time on what
    /// nobody hears.
    pub(super) fn compute(&mut self) -> Option<Due> {
        let hop = self.due.front()?.hop;
        if hop < self.writer.asked_to() {
            self.dropped += 1;
            return self.due.pop_front();
        }
        let mut out = self.spare.pop().unwrap_or_default();
        out.clear();
        out.resize(self.spec.hop_floats(), 0.0);
        let twin = &mut self.twin;
        let computed =
            with_channels_mut(&mut out, self.spec.window.h, |out| twin.process_hop(hop, out));
        let due = self.due.pop_front();
        match computed {
            Ok(()) => self.keep(hop, out),
            Err(_) => {
                // A hop after this one was lost (the ring overflowed), and the twin began anew behind
                // it: this one will not come.
                put_by(&mut self.spare, out);
                self.dropped += 1;
            }
        }
        due
    }

    /// A finished hop waits for a free half. Where none comes free, the oldest give way.
    fn keep(&mut self, hop: u64, samples: Vec<f32>) {
        self.results.push_back((hop, samples));
        if self.results.len() > RESULTS_LIMIT
            && let Some((_, oldest)) = self.results.pop_front()
        {
            put_by(&mut self.spare, oldest);
            self.dropped += 1;
        }
    }

    /// Moves finished hops into a free half and signals it; how long the moving took. Late ones are
    /// dropped and counted by the half's writer.
    pub(super) fn publish(&mut self) -> Duration {
        if self.results.is_empty() {
            return Duration::ZERO;
        }
        let begun = Instant::now();
        let Some(mut half) = self.writer.begin() else { return Duration::ZERO };
        while let Some((hop, samples)) = self.results.front() {
            let placed = half.push_hop(*hop, |out| out.copy_from_slice(samples));
            match placed {
                Ok(Placed::Stored | Placed::Late) => {}
                // The half is full: the rest goes into the next.
                Err(crate::sync::PlaceError::Full { .. }) => break,
                Err(crate::sync::PlaceError::OutOfOrder { .. }) => self.dropped += 1,
            }
            if let Some((_, samples)) = self.results.pop_front() {
                put_by(&mut self.spare, samples);
            }
        }
        let moved = begun.elapsed();
        half.publish();
        moved
    }

    /// Results dropped by the worker itself, and the writer's counts.
    pub(super) fn writer_stats(&self) -> crate::sync::WriterStats {
        let mut stats = self.writer.stats();
        stats.late += self.dropped;
        stats
    }
}

/// Keeps memory for the next hops, but no more than a table needs.
fn put_by(spare: &mut Vec<Vec<f32>>, samples: Vec<f32>) {
    if spare.len() < SPARE_LIMIT {
        spare.push(samples);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use bytemuck::Zeroable;
    use scumble_dsp::{FrameParams, Quality, WindowSpec};

    use super::super::commands;
    use super::*;
    use crate::sync::ring::{Overflow, frame_ring};
    use crate::sync::{Buffering, HopShape, LatencyShape, Metrics, ReadHops, hop_buffer};

    #[test]
    fn what_nobody_waits_for_any_more_is_not_computed() {
        // S5: a worker that is behind comes back to what is heard.
        let spec = WindowSpec::new(Quality::Live, 48_000.0);
        let config = SessionConfig {
            spec,
            sample_rate: 48_000.0,
            channels: 1,
            async_samples: 128,
            max_block: 128,
            buffering: Buffering::Double,
            engine_choice: EngineChoice::Cpu,
            sync: Default::default(),
            patience: None,
        };
        let shape = HopShape {
            channels: 1,
            hop_samples: spec.h,
            max_block_samples: 128,
            sample_rate_hz: 48_000.0,
            buffer_size_bytes: 65_536,
        };
        let (writer, mut reader) = hop_buffer(Buffering::Double, shape).unwrap();
        let (mut hops_in, hops) = frame_ring(64, spec.h, Overflow::RefuseNew);
        let (_fields_in, fields) = rtrb::RingBuffer::new(1);
        let due_to = Arc::new(AtomicU64::new(0));
        let metrics = Metrics::new(LatencyShape::default()).worker;
        let (_commands_in, commands) = commands::queue(3).unwrap();
        let (state, now) = (Arc::new(SharedState::new()), Instant::now());
        let mut session = WorkerSession::new(
            0,
            config,
            now,
            hops,
            fields,
            due_to.clone(),
            writer,
            metrics,
            commands,
            state,
        );
        let sound: Vec<f32> = (0..spec.h).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut twin = Twin::new(spec, 48_000.0, 1, 16);
        for n in 0..8 {
            let params = FrameParams::neutral(n);
            let mut header = HopHeader::zeroed();
            header.params = params;
            hops_in.push(n, &header, &[&sound]).unwrap();
            twin.push(n, &[&sound], &params);
        }
        due_to.store(8, Ordering::Release);
        session.gather();
        reader.give_up_below(6);
        while session.compute().is_some() {}
        let kept: Vec<u64> = session.results.iter().map(|(hop, _)| *hop).collect();
        assert_eq!((kept, session.dropped), (vec![6, 7], 6));
        for (hop, samples) in &session.results {
            let mut expected = vec![0.0; spec.h];
            twin.process_hop(*hop, &mut [&mut expected]).unwrap();
            assert_eq!(samples, &expected, "the hops before were not missed");
        }
    }
}
