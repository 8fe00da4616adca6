//! The input that a session has pushed lately, for a device that joins late. The worker's alone.

use scumble_dsp::FrameParams;
use scumble_dsp::intake::cleanse;

use crate::backend::SlotSpec;

/// The newest hops of input, as many as a backend needs to start from.
pub(super) struct History {
    floats: usize,
    hops: usize,
    samples: Vec<f32>,
    params: Vec<FrameParams>,
    /// Hops from here to `next` are there.
    pub first: u64,
    pub next: u64,
}

impl History {
    pub fn new(spec: &SlotSpec) -> Self {
        let hops = spec.history_hops() + 2 * spec.max_hops;
        Self {
            floats: spec.hop_floats(),
            hops,
            samples: vec![0.0; hops * spec.hop_floats()],
            params: vec![FrameParams::neutral(0); hops],
            first: 0,
            next: 0,
        }
    }

    fn place(&self, hop: u64) -> usize {
        (hop % self.hops as u64) as usize
    }

    pub fn push(&mut self, hop: u64, params: &FrameParams, fill: impl FnOnce(&mut [f32])) {
        if hop != self.next {
            self.first = hop;
        }
        let at = self.place(hop);
        let samples = &mut self.samples[at * self.floats..][..self.floats];
        fill(samples);
        // As the twin does.
        cleanse(samples);
        self.params[at] = *params;
        self.next = hop + 1;
        self.first = self.first.max(self.next.saturating_sub(self.hops as u64));
    }

    pub fn get(&self, hop: u64) -> (&[f32], &FrameParams) {
        let at = self.place(hop);
        (&self.samples[at * self.floats..][..self.floats], &self.params[at])
    }
}
