//! What one session has on the device: its ranges in the arenas, and where its next frame goes.

use std::ops::Range;
use std::sync::Arc;

use scumble_dsp::effect::Frozen;
use scumble_dsp::effect::lanes::Lanes;
use scumble_dsp::stft::FramePlan;
use scumble_dsp::{Field, FrameParams, flag};

use crate::backend::layout::{Job, NONE};
use crate::backend::{HopJob, SlotSpec, Want};

/// Rows of a frozen spectrum in the held arena: re, im, advance.
pub const HELD_ROWS: usize = 3;

/// Ranges of a session, one in each arena.
#[derive(Clone, Debug)]
pub struct Places {
    pub tables: Range<u32>,
    pub history: Range<u32>,
    pub spectra: Range<u32>,
    pub frames: Range<u32>,
    pub held: Range<u32>,
}

/// Elements of each arena that a session needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub tables: usize,
    pub history: usize,
    pub spectra: usize,
    pub frames: usize,
    pub held: usize,
}

/// Sizes that follow from a session's windows.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    bins: usize,
    history_hops: usize,
    spectra_len: usize,
    frames_len: usize,
    /// Complex elements of scratch for one frame: two regions.
    scratch: usize,
}

impl Sizes {
    fn new(spec: &SlotSpec) -> Self {
        let w = &spec.window;
        Self {
            bins: w.bins(),
            // The hops of a table must not push each other's windows and taps out.
            history_hops: w.n / w.h + spec.max_hops,
            spectra_len: w.reach_hops() + spec.max_hops + 1,
            frames_len: w.overlap() + spec.max_hops,
            scratch: 2 * w.bins(),
        }
    }
}

pub struct Slot {
    pub spec: SlotSpec,
    sizes: Sizes,
    pub places: Places,
    pub fields: [Option<Arc<Field>>; 2],
    /// Frame numbers (low words) of the two captures that the device holds.
    pub captured: [Option<u32>; 2],
    pub plan: FramePlan,
    pub frozen: Frozen,
    lanes: Lanes,
    /// Bands for which the places of bins were uploaded.
    bands: usize,
    strides_per_second: f32,
    bins_per_rate: f32,
}

impl Slot {
    pub fn needs(spec: &SlotSpec) -> Needs {
        let (w, s, c) = (&spec.window, Sizes::new(spec), spec.channels);
        Needs {
            tables: w.n / 2 + w.m / 2 + s.bins,
            history: c * s.history_hops * w.h,
            spectra: c * s.spectra_len * s.bins,
            frames: c * (s.frames_len * w.m / 2 + spec.max_hops * s.scratch),
            held: 2 * c * HELD_ROWS * s.bins,
        }
    }

    pub fn new(spec: &SlotSpec, places: Places) -> Self {
        let w = spec.window;
        Self {
            spec: *spec,
            sizes: Sizes::new(spec),
            places,
            fields: [None, None],
            captured: [None, None],
            plan: FramePlan::new(&w),
            frozen: Frozen::zeroed(w.bins()),
            lanes: Lanes::new(&w, spec.sample_rate),
            bands: 0,
            strides_per_second: (spec.sample_rate / (w.stride_hops() * w.h) as f64) as f32,
            bins_per_rate: 256.0 * w.n as f32 / 4_294_967_296.0,
        }
    }

    /// Windows as they stand at the beginning of the session's tables.
    pub fn windows(&self) -> Vec<[f32; 2]> {
        let windows = self.spec.window.windows();
        super::tables::pairs(&windows.analysis)
            .chain(super::tables::pairs(&windows.synthesis))
            .collect()
    }

    /// Where the places of bins among bands begin in the tables arena.
    pub fn bin_places_at(&self) -> u32 {
        let w = &self.spec.window;
        self.places.tables.start + (w.n / 2 + w.m / 2) as u32
    }

    /// The places of bins for a field of `bands` bands, if the device does not have them yet.
    pub fn new_bin_places(&self, bands: usize) -> Option<Vec<[f32; 2]>> {
        (self.bands != bands).then(|| {
            (0..self.sizes.bins)
                .map(|k| {
                    let (band, fraction) = self.lanes.place_of(k, bands);
                    [band as f32, fraction]
                })
                .collect()
        })
    }

    /// The device has the places of bins for so many bands.
    pub fn bin_places_sent(&mut self, bands: usize) {
        self.bands = bands;
    }

    /// Where the frozen spectrum of a channel begins in the held arena.
    pub fn held_at(&self, which: u32, channel: usize) -> u32 {
        let row = (which as usize & 1) * self.spec.channels + channel;
        self.places.held.start + (row * HELD_ROWS * self.sizes.bins) as u32
    }

    fn held(&self, params: &FrameParams, channel: usize) -> u32 {
        let which = params.freeze_slot & 1;
        let held = params.flags & flag::FREEZE != 0
            && self.captured[which as usize] == Some(params.freeze_frame);
        if held { self.held_at(which, channel) } else { NONE }
    }

    /// The job of one channel of a hop; `index` counts the session's hops in the table.
    pub fn job(&self, hop: &HopJob, channel: usize, index: usize, inbox: Inbox) -> Job {
        let (w, s) = (&self.spec.window, &self.sizes);
        let ring = |start: u32, len: usize| start + (channel * len) as u32;
        let frames_ring = s.frames_len * w.m / 2;
        let scratch_start = self.places.frames.start as usize + self.spec.channels * frames_ring;
        let scratch = scratch_start + (channel * self.spec.max_hops + index) * s.scratch;
        Job {
            hop: w.h as u32,
            history: ring(self.places.history.start, s.history_hops * w.h),
            history_len: (s.history_hops * w.h) as u32,
            history_at: (hop.hop % s.history_hops as u64) as u32 * w.h as u32,
            spectra: ring(self.places.spectra.start, s.spectra_len * s.bins),
            spectra_len: s.spectra_len as u32,
            spectra_at: (hop.hop % s.spectra_len as u64) as u32,
            frames: ring(self.places.frames.start, frames_ring),
            frames_len: s.frames_len as u32,
            frames_at: (hop.hop % s.frames_len as u64) as u32,
            scratch: scratch as u32,
            params: inbox.params,
            field: inbox.field,
            output: if hop.want == Want::Output {
                inbox.output + (channel * w.h) as u32
            } else {
                NONE
            },
            n: w.n as u32,
            m: w.m as u32,
            analysis: self.places.tables.start,
            synthesis: self.places.tables.start + (w.n / 2) as u32,
            places: self.bin_places_at(),
            held: self.held(&hop.params, channel),
            stride: w.stride_hops() as u32,
            strides_per_second: self.strides_per_second,
            bins_per_rate: self.bins_per_rate,
            flags: inbox.flags,
        }
    }

    /// Where a channel's samples of a hop stand in the history arena.
    pub fn history_at(&self, hop: u64, channel: usize) -> usize {
        let (s, h) = (&self.sizes, self.spec.window.h);
        let ring = channel * s.history_hops * h;
        self.places.history.start as usize + ring + (hop % s.history_hops as u64) as usize * h
    }

    /// Words of the painted columns under a frame's playhead, as `shared.wgsl` describes them.
    /// Adds nothing and gives `NONE` when the frame does not look at the field.
    pub fn add_columns(&self, params: &FrameParams, inbox: &mut Vec<u32>) -> u32 {
        let field = &self.fields[params.field_slot as usize & 1];
        let (Some(field), true) = (field, params.field_lanes != 0) else { return NONE };
        let start = inbox.len() as u32;
        let spec = field.spec();
        inbox.push(spec.bands as u32);
        for column in [params.column as usize, params.column as usize + 1] {
            inbox.extend_from_slice(bytemuck::cast_slice(&field.column(column).cells));
        }
        match field.warp_phases() {
            Some(phases) => {
                let at = params.column as usize % spec.columns * spec.bands;
                inbox.extend((at..at + spec.bands).map(|at| phases.phase(at, params)));
                inbox.extend_from_slice(&phases.rate[at..at + spec.bands]);
            }
            None => inbox.resize(inbox.len() + 2 * spec.bands, 0),
        }
        start
    }
}

/// Where a hop's data stand in the inbox, and where its result goes in the outbox.
#[derive(Clone, Copy, Debug)]
pub struct Inbox {
    pub params: u32,
    pub field: u32,
    pub output: u32,
    /// Flags of the job.
    pub flags: u32,
}
