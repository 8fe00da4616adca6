//! The audio thread's way to the engine: what is pushed, and whether what comes back can be used.
//!
//! The engine begins with silence before the first hop that it is given, and again after a hop
//! that it had to refuse. A frame reads a finite stretch of the past, so its hops are right as
//! soon as that stretch has been pushed; until then the twin plays.

use std::sync::Arc;

use scumble_dsp::{Field, FrameParams, WindowSpec, flag};
use scumble_gpu::engine::{AudioEnd, EngineKind};
use scumble_gpu::sync::{HopStatus, MetricsWriter};

/// From one stream of hops to the next, in the engine's numbers: they only ever rise, while a host that
/// resets begins with hop 0 again. The low words, by which a capture is known, stay as they are.
const NEXT_STREAM: u64 = 1 << 40;

/// Audio thread; made and dropped elsewhere.
pub struct Link {
    end: AudioEnd,
    /// The engine's number of this stream's hop 0.
    stream: u64,
    /// Hops of input in a window, and hops of input that a frame and its overlap read.
    window_hops: u64,
    settle_hops: u64,
    pushing: bool,
    /// The first hop that the engine was given since it listens, the first hop whose own window the engine has, and the first
    /// whose whole past it has.
    given_from: u64,
    known_from: u64,
    valid_from: u64,
    /// A field that the engine had no room for yet.
    waiting: Option<(u32, Arc<Field>)>,
}

impl Link {
    pub fn new(end: AudioEnd, spec: &WindowSpec) -> Self {
        let window_hops = spec.n.div_ceil(spec.h) as u64 + 1;
        let settle_hops = (spec.reach_hops() + spec.overlap()) as u64 + window_hops;
        Self {
            end,
            stream: 0,
            window_hops,
            settle_hops,
            pushing: false,
            given_from: 0,
            known_from: 0,
            valid_from: 0,
            waiting: None,
        }
    }

    pub fn metrics(&mut self) -> &mut MetricsWriter {
        self.end.metrics()
    }

    /// True if a GPU computes at the other end.
    pub fn on_gpu(&self) -> bool {
        self.end.kind() == EngineKind::Gpu
    }

    /// Nothing is pushed for a while.
    pub fn pause(&mut self) {
        self.pushing = false;
    }

    /// The next hop is hop 0 again, with silence before it.
    pub fn rewind(&mut self) {
        self.pause();
        self.stream += NEXT_STREAM;
        self.end.skip_to(self.stream);
    }

    /// Hop `n` of the input. Before hop 0 there is silence.
    pub fn push(&mut self, n: u64, inputs: &[&[f32]], params: &FrameParams) {
        if !self.pushing {
            self.pushing = true;
            self.given_from = n;
            self.listens_from(n);
        }
        // What was frozen before the engine listened is unknown to it.
        let frozen_at = n - u64::from(params.freeze_age).min(n);
        if params.flags & flag::FREEZE != 0 && frozen_at < self.known_from {
            self.valid_from = self.valid_from.max(n + self.settle_hops);
        }
        if self.waiting.is_some() {
            self.valid_from = n + self.settle_hops;
        }
        if self.end.push_hop(self.stream + n, inputs, params).is_err() {
            self.listens_from(n + 1);
        }
    }

    fn listens_from(&mut self, n: u64) {
        let from_the_start = n == 0;
        self.known_from = if from_the_start { 0 } else { n + self.window_hops };
        self.valid_from = if from_the_start { 0 } else { n + self.settle_hops };
    }

    /// Replaces the field in `slot`.
    pub fn set_field(&mut self, slot: u32, field: Arc<Field>) {
        self.waiting = self.end.set_field(slot, field).err().map(|field| (slot, field));
    }

    /// Whether hop `n` of the engine would be right. (One that is not there yet may still be.)
    pub fn covers(&self, n: u64) -> bool {
        self.pushing && n >= self.valid_from
    }

    /// Copies output hop `n`, if it is there. One that the engine was never given is not asked for: it
    /// would count as missed.
    pub fn read(&mut self, n: u64, out: &mut [&mut [f32]]) -> bool {
        n >= self.given_from && self.end.read_hop(self.stream + n, out) == HopStatus::Ready
    }

    /// Whether reading hop `n` need not wait. Where waiting is allowed: a hop that was once asked for
    /// and was not there is given up.
    pub fn is_ready(&mut self, n: u64) -> bool {
        self.end.is_ready(self.stream + n)
    }

    /// Whether something waits to be taken: one load.
    pub fn is_signalled(&self) -> bool {
        self.end.is_signalled()
    }

    /// The block is over: what was pushed is due.
    pub fn end_block(&mut self) {
        if let Some((slot, field)) = self.waiting.take() {
            self.set_field(slot, field);
        }
        if self.pushing {
            self.end.end_block();
        }
    }
}
