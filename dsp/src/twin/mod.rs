//! The CPU engine of one instance, all channels: the reference, the rescue and the offline renderer.
//!
//! All memory is made in [`Twin::new`]; after that nothing allocates, locks or waits, so that the
//! audio thread may call everything here. A hop is a pure function of the input history, the frame
//! parameters and the field: it has the same bits however often, in whatever order and in whatever
//! grouping hops are computed. What is cached (spectra, parts) is only ever what would be computed.

mod history;

use std::sync::Arc;

use crate::denormals::FlushDenormals;
use crate::effect::{self, Frozen, Tables, Taps, Work};
use crate::field::{Field, FieldSpec};
use crate::frame::{FrameParams, flag};
use crate::quality::WindowSpec;
use crate::stft::{FramePlan, Spectrum};
use history::Channel;

/// Why a hop could not be computed. The output is silent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    #[error("hop {asked} has not been pushed yet; the newest is {newest:?}")]
    NotPushed { asked: u64, newest: Option<u64> },
    #[error("hop {asked} is too old: history reaches back to hop {oldest}")]
    TooOld { asked: u64, oldest: u64 },
    #[error("{found} channels of output for {channels} channels")]
    Channels { found: usize, channels: usize },
}

/// A capture of the input for freezing, and its analysis once it is needed.
struct Capture {
    frame: Option<u64>,
    analysed: bool,
    input: Vec<Vec<f32>>,
    frozen: Vec<Frozen>,
}

pub struct Twin {
    spec: WindowSpec,
    plan: FramePlan,
    channels: Vec<Channel>,
    captures: [Capture; 2],
    fields: [Arc<Field>; 2],
    /// Parameters by frame number, modulo the length.
    params: Vec<FrameParams>,
    newest: Option<u64>,
    /// The first frame pushed since the last reset.
    first: u64,
    late_hops: usize,
    tables: Tables,
    /// The frame that `tables` stands for.
    prepared: Option<u64>,
    work: Work,
    frame: Vec<f32>,
}

/// Spectra of one channel, stride by stride back from a frame.
struct StridedTaps<'a> {
    channel: &'a Channel,
    frame: u64,
    stride: u64,
}

impl Taps for StridedTaps<'_> {
    fn tap(&self, m: usize) -> &Spectrum {
        match self.frame.checked_sub(m as u64 * self.stride) {
            Some(frame) => self.channel.spectrum(frame),
            None => self.channel.silence(),
        }
    }
}

impl Twin {
    /// `late_hops`: how far behind the newest pushed hop a hop may still be asked for.
    pub fn new(spec: WindowSpec, sample_rate: f64, channels: usize, late_hops: usize) -> Self {
        let field = Arc::new(Field::empty(FieldSpec::new(sample_rate)));
        let bins = spec.bins();
        let capture = || Capture {
            frame: None,
            analysed: false,
            input: vec![vec![0.0; Frozen::samples(&spec)]; channels],
            frozen: vec![Frozen::zeroed(bins); channels],
        };
        Self {
            plan: FramePlan::new(&spec),
            channels: (0..channels).map(|_| Channel::new(&spec, late_hops)).collect(),
            captures: [capture(), capture()],
            fields: [Arc::clone(&field), field],
            params: vec![FrameParams::neutral(0); late_hops + spec.overlap() + 1],
            newest: None,
            first: 0,
            late_hops,
            tables: Tables::new(&spec, sample_rate),
            prepared: None,
            work: Work::new(bins),
            frame: vec![0.0; spec.n.max(Frozen::samples(&spec))],
            spec,
        }
    }

    pub fn spec(&self) -> &WindowSpec {
        &self.spec
    }

    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Puts a field into a slot (see [`crate::Framer::switch_field`]) and hands back the one that
    /// was there, to be dropped where dropping is allowed.
    pub fn set_field(&mut self, slot: u32, field: Arc<Field>) -> Arc<Field> {
        self.prepared = None;
        std::mem::replace(&mut self.fields[slot as usize & 1], field)
    }

    pub fn field(&self, slot: u32) -> &Arc<Field> {
        &self.fields[slot as usize & 1]
    }

    /// Hop `n` of each channel, `h` samples each, and the parameters of frame `n`. Numbers go up by
    /// one; any other number starts anew, with silence before it. What is not a number is silence.
    pub fn push(&mut self, n: u64, inputs: &[&[f32]], params: &FrameParams) {
        if self.newest.is_none_or(|newest| newest.wrapping_add(1) != n) {
            self.reset();
            self.first = n;
        }
        for (channel, input) in self.channels.iter_mut().zip(inputs) {
            channel.push(n, input);
        }
        self.newest = Some(n);
        let len = self.params.len() as u64;
        self.params[(n % len) as usize] = *params;
        if params.flags & flag::FREEZE != 0 && params.freeze_age == 0 {
            let capture = &mut self.captures[params.freeze_slot as usize & 1];
            capture.frame = Some(n);
            capture.analysed = false;
            for (channel, input) in self.channels.iter().zip(&mut capture.input) {
                channel.copy_before((n + 1) * self.spec.h as u64, input);
            }
        }
    }

    /// Output hop `n`, `h` samples for each channel: absolute times `(n+1)h - m .. (n+2)h - m`.
    pub fn process_hop(&mut self, n: u64, out: &mut [&mut [f32]]) -> Result<(), TwinError> {
        let asked = self.check(n, out.len());
        if asked.is_err() {
            out.iter_mut().for_each(|channel| channel.fill(0.0));
            return asked;
        }
        let _flush = FlushDenormals::new();
        let overlap = self.spec.overlap() as u64;
        let oldest = n.saturating_sub(overlap - 1).max(self.first);
        if (oldest..=n).all(|frame| self.params_of(frame).is_neutral()) {
            // Untouched frames add up to the input itself.
            let end = (n + 2) * self.spec.h as u64;
            for (channel, out) in self.channels.iter().zip(out) {
                channel.copy_delayed(end, self.spec.m as u64, &mut out[..self.spec.h]);
            }
            return Ok(());
        }
        for frame in oldest..=n {
            self.ensure_parts(frame);
        }
        for (channel, out) in self.channels.iter().zip(out) {
            let out = &mut out[..self.spec.h];
            out.fill(0.0);
            for frame in oldest..=n {
                let from = (n - frame) as usize * self.spec.h;
                let part = &channel.part(frame)[from..from + self.spec.h];
                for (o, p) in out.iter_mut().zip(part) {
                    *o += p;
                }
            }
        }
        Ok(())
    }

    /// Computes the spectrum of frame `n` if effects will look back at it, so that a rescue within
    /// the next third of a second finds it ready: one transform a channel now instead of 33 at once
    /// then. For a twin that only stands by; one that computes every hop needs no warming.
    pub fn warm(&mut self, n: u64) {
        let kept = self.newest.is_some_and(|newest| {
            n <= newest && n >= self.first && newest - n <= self.late_hops as u64
        });
        if kept && effect::taps_needed(self.params_of(n)) > 0 {
            let _flush = FlushDenormals::new();
            for c in 0..self.channels.len() {
                self.ensure_spectrum(c, n);
            }
        }
    }

    /// Forgets all history; memory stays. Fields stay in force.
    pub fn reset(&mut self) {
        self.channels.iter_mut().for_each(Channel::reset);
        for capture in &mut self.captures {
            capture.frame = None;
        }
        self.newest = None;
        self.first = 0;
        self.prepared = None;
    }

    /// Forgets what was computed but not what was pushed; for tests of purity.
    pub fn forget(&mut self) {
        self.channels.iter_mut().for_each(Channel::forget);
        for capture in &mut self.captures {
            capture.analysed = false;
        }
        self.prepared = None;
    }

    fn check(&self, n: u64, outputs: usize) -> Result<(), TwinError> {
        if outputs != self.channels.len() {
            return Err(TwinError::Channels { found: outputs, channels: self.channels.len() });
        }
        let newest = self.newest.filter(|&newest| n <= newest && n >= self.first);
        let Some(newest) = newest else {
            return Err(TwinError::NotPushed { asked: n, newest: self.newest });
        };
        if newest - n > self.late_hops as u64 {
            return Err(TwinError::TooOld { asked: n, oldest: newest - self.late_hops as u64 });
        }
        Ok(())
    }

    fn params_of(&self, frame: u64) -> &FrameParams {
        &self.params[(frame % self.params.len() as u64) as usize]
    }

    /// Makes the synthesis part of a frame in every channel.
    fn ensure_parts(&mut self, frame: u64) {
        if self.channels.iter().all(|channel| channel.has_part(frame)) {
            return;
        }
        let params = *self.params_of(frame);
        let end = (frame + 1) * self.spec.h as u64;
        if params.is_neutral() {
            let samples = &mut self.frame[..self.spec.n];
            for channel in &mut self.channels {
                channel.copy_before(end, samples);
                self.plan.pass(samples, channel.claim_part(frame));
            }
            return;
        }
        if self.prepared != Some(frame) {
            let field = &self.fields[params.field_slot as usize & 1];
            self.tables.prepare(&params, field);
            self.prepared = Some(frame);
        }
        self.ensure_capture(&params);
        let strides = effect::taps_needed(&params) as u64;
        let stride = self.spec.stride_hops() as u64;
        for c in 0..self.channels.len() {
            for m in 0..=strides {
                if let Some(tap) = frame.checked_sub(m * stride) {
                    self.ensure_spectrum(c, tap);
                }
            }
            let channel = &self.channels[c];
            let frozen = Self::held(&self.captures, &params).map(|capture| &capture.frozen[c]);
            let taps = StridedTaps { channel, frame, stride };
            effect::apply(&params, &self.tables, &taps, frozen, &mut self.work);
            let part = self.channels[c].claim_part(frame);
            self.plan.synthesise(&self.work.re, &self.work.im, part);
        }
    }

    fn ensure_spectrum(&mut self, channel: usize, frame: u64) {
        let channel = &mut self.channels[channel];
        if channel.has_spectrum(frame) {
            return;
        }
        let samples = &mut self.frame[..self.spec.n];
        channel.copy_before((frame + 1) * self.spec.h as u64, samples);
        self.plan.analyse(samples, channel.claim_spectrum(frame));
    }

    /// The capture that these parameters hold, if it was made.
    fn held<'a>(captures: &'a [Capture; 2], params: &FrameParams) -> Option<&'a Capture> {
        let capture = &captures[params.freeze_slot as usize & 1];
        let held = params.flags & flag::FREEZE != 0
            && capture.frame.is_some_and(|frame| frame as u32 == params.freeze_frame);
        held.then_some(capture)
    }

    fn ensure_capture(&mut self, params: &FrameParams) {
        if Self::held(&self.captures, params).is_none() {
            return;
        }
        let capture = &mut self.captures[params.freeze_slot as usize & 1];
        if !capture.analysed {
            for (frozen, input) in capture.frozen.iter_mut().zip(&capture.input) {
                frozen.capture(&mut self.plan, input);
            }
            capture.analysed = true;
        }
    }
}
