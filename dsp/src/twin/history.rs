//! What the twin remembers of one channel: input, spectra and finished parts. Rings, made once.

use crate::intake::cleanse;
use crate::quality::WindowSpec;
use crate::stft::Spectrum;

pub(super) struct Channel {
    /// Input by absolute time, modulo the power-of-two length.
    input: Vec<f32>,
    spectra: Vec<Spectrum>,
    spectrum_frame: Vec<Option<u64>>,
    silence: Spectrum,
    parts: Vec<Vec<f32>>,
    part_frame: Vec<Option<u64>>,
    hop: usize,
}

impl Channel {
    pub fn new(spec: &WindowSpec, late_hops: usize) -> Self {
        let overlap = spec.overlap();
        let samples = spec.reach_samples() + (overlap + late_hops + 2) * spec.h;
        // Taps of two frames next to each other must not push each other out.
        let frames = spec.reach_hops() + overlap + 1;
        Self {
            input: vec![0.0; samples.next_power_of_two()],
            spectra: vec![Spectrum::zeroed(spec.bins()); frames],
            spectrum_frame: vec![None; frames],
            silence: Spectrum::zeroed(spec.bins()),
            parts: vec![vec![0.0; spec.m]; overlap],
            part_frame: vec![None; overlap],
            hop: spec.h,
        }
    }

    pub fn reset(&mut self) {
        self.input.fill(0.0);
        self.forget();
    }

    pub fn forget(&mut self) {
        self.spectrum_frame.fill(None);
        self.part_frame.fill(None);
    }

    pub fn push(&mut self, n: u64, samples: &[f32]) {
        let mask = self.input.len() as u64 - 1;
        let start = ((n * self.hop as u64) & mask) as usize;
        // A hop is a power of two that divides the ring, so it never wraps.
        let hop = self.hop.min(samples.len());
        let kept = &mut self.input[start..start + hop];
        kept.copy_from_slice(&samples[..hop]);
        cleanse(kept);
    }

    /// The `out.len()` samples before absolute time `end`; before time 0 they are silence, as the
    /// ring was silent when it was made.
    pub fn copy_before(&self, end: u64, out: &mut [f32]) {
        let mask = self.input.len() as u64 - 1;
        let start = (end.wrapping_sub(out.len() as u64) & mask) as usize;
        let first = out.len().min(self.input.len() - start);
        let (a, b) = out.split_at_mut(first);
        a.copy_from_slice(&self.input[start..start + first]);
        b.copy_from_slice(&self.input[..b.len()]);
    }

    /// The samples that end `delay` before `end`.
    pub fn copy_delayed(&self, end: u64, delay: u64, out: &mut [f32]) {
        self.copy_before(end.wrapping_sub(delay), out);
    }

    fn spectrum_slot(&self, frame: u64) -> usize {
        (frame % self.spectra.len() as u64) as usize
    }

    pub fn has_spectrum(&self, frame: u64) -> bool {
        self.spectrum_frame[self.spectrum_slot(frame)] == Some(frame)
    }

    pub fn spectrum(&self, frame: u64) -> &Spectrum {
        &self.spectra[self.spectrum_slot(frame)]
    }

    pub fn claim_spectrum(&mut self, frame: u64) -> &mut Spectrum {
        let slot = self.spectrum_slot(frame);
        self.spectrum_frame[slot] = Some(frame);
        &mut self.spectra[slot]
    }

    pub fn silence(&self) -> &Spectrum {
        &self.silence
    }

    fn part_slot(&self, frame: u64) -> usize {
        (frame % self.parts.len() as u64) as usize
    }

    pub fn has_part(&self, frame: u64) -> bool {
        self.part_frame[self.part_slot(frame)] == Some(frame)
    }

    pub fn part(&self, frame: u64) -> &[f32] {
        &self.parts[self.part_slot(frame)]
    }

    pub fn claim_part(&mut self, frame: u64) -> &mut [f32] {
        let slot = self.part_slot(frame);
        self.part_frame[slot] = Some(frame);
        &mut self.parts[slot]
    }
}
