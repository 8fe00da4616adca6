//! What a frame's parameters and paint come to, bin by bin; computed once for all channels.

use super::blur::BlurTable;
use super::lanes::Lanes;
use super::time::TimeTable;
use super::warp::WarpTable;
use super::{TIME_LANES, diffuse, filter, freeze, noise};
use crate::field::{Field, Lane};
use crate::frame::{FrameParams, flag};
use crate::quality::WindowSpec;

/// All memory is made in `new`; [`Tables::prepare`] runs on the audio thread.
pub struct Tables {
    pub(super) gain: Vec<f32>,
    pub(super) fill_re: Vec<f32>,
    pub(super) fill_im: Vec<f32>,
    pub(super) turn_re: Vec<f32>,
    pub(super) turn_im: Vec<f32>,
    pub(super) blur: BlurTable,
    pub(super) freeze_mix: Vec<f32>,
    pub(super) time: TimeTable,
    pub(super) warp: WarpTable,
    lanes: Lanes,
    noise: Vec<f32>,
}

impl Tables {
    pub fn new(spec: &WindowSpec, sample_rate: f64) -> Self {
        let row = || vec![0.0; spec.bins()];
        let strides_per_second = sample_rate / (spec.stride_hops() * spec.h) as f64;
        Self {
            gain: row(),
            fill_re: row(),
            fill_im: row(),
            turn_re: row(),
            turn_im: row(),
            blur: BlurTable::new(spec.bins()),
            freeze_mix: row(),
            time: TimeTable::new(spec.bins(), strides_per_second as f32),
            warp: WarpTable::new(spec),
            lanes: Lanes::new(spec, sample_rate),
            noise: row(),
        }
    }

    pub fn bins(&self) -> usize {
        self.gain.len()
    }

    /// Gain of the filter and of painted gain at each bin, as last prepared.
    pub fn gain(&self) -> &[f32] {
        &self.gain
    }

    /// A painted lane at each bin; current only where `FrameParams::field_lanes` has it.
    pub fn lane(&self, lane: Lane) -> &[f32] {
        self.lanes.row(lane)
    }

    /// Displacement in bins and running phase in turns of each band of the warp, as last prepared.
    pub fn moves(&self) -> impl Iterator<Item = [f32; 2]> + '_ {
        self.warp.moves()
    }

    /// The seeded phasors that take the place of phases that mean nothing.
    pub fn fill(&self) -> (&[f32], &[f32]) {
        (&self.fill_re, &self.fill_im)
    }

    /// Only the painted lanes, and the seeded phasors: for a caller with a time stage of its own.
    pub fn prepare_paint(&mut self, params: &FrameParams, field: &Field) {
        self.lanes.prepare(params, field);
        noise::prepare(params, &mut self.noise);
        noise::prepare_fill(params.bin_phase, &self.noise, &mut self.fill_re, &mut self.fill_im);
    }

    pub fn prepare(&mut self, params: &FrameParams, field: &Field) {
        if params.field_lanes != 0 {
            self.lanes.prepare(params, field);
        }
        let painted = |lane: Lane| params.field_lanes & lane.bit() != 0;
        let time = params.uses(flag::TIME, TIME_LANES);
        let blurred = params.uses(flag::BLUR_FREQ, Lane::BlurFreq.bit());
        let diffused = params.flags & flag::DIFFUSE != 0;
        if time || blurred || diffused {
            noise::prepare(params, &mut self.noise);
        }
        if time || blurred {
            let (re, im) = (&mut self.fill_re, &mut self.fill_im);
            noise::prepare_fill(params.bin_phase, &self.noise, re, im);
        }
        if time {
            self.time.prepare(params, &self.lanes);
        }
        if params.flags & flag::FREEZE != 0 {
            let lane = painted(Lane::Freeze).then(|| self.lanes.row(Lane::Freeze));
            freeze::prepare(params.freeze, params.freeze_paint, lane, &mut self.freeze_mix);
        }
        if blurred {
            let lane = painted(Lane::BlurFreq).then(|| self.lanes.row(Lane::BlurFreq));
            self.blur.prepare(params.blur_freq, lane);
        }
        if diffused {
            let (re, im) = (&mut self.turn_re, &mut self.turn_im);
            diffuse::prepare(params.diffuse, &self.noise, re, im);
        }
        if params.uses(flag::WARP, Lane::WarpFreq.bit()) {
            self.warp.prepare(params, &self.lanes, field);
        }
        if params.uses(flag::FILTER, Lane::Gain.bit()) {
            filter::prepare(params, &self.lanes, &mut self.gain);
        }
    }
}
