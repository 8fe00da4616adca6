//! What one stroke does to which part of a store: found here, done by [`super::Painter`] or by the
//! kernels of another engine. All that decides (which frames and bins have paint, which peaks a
//! freeze holds, how far a blur reaches) is decided here, once.

use std::ops::Range;

use super::Roi;
use crate::effect::time::{GAUSSIAN_REACH, high_pass_share};
use crate::effect::{Frozen, TIME_LANES};
use crate::field::{Column, Field, FieldSpec, Lane};
use crate::frame::{FrameParams, flag};
use crate::quality::WindowSpec;
use crate::raster::Region;
use crate::stft::Spectrum;
use crate::stroke::{Stroke, StrokeKind};

/// One stroke on a region, with everything that it needs: whoever computes it needs no store.
#[derive(Clone, Debug)]
pub struct Edit {
    pub spec: WindowSpec,
    pub sample_rate: f64,
    /// What changes.
    pub roi: Roi,
    /// Frames that have paint, in order; the first and the last are those of `roi`.
    pub touched: Vec<usize>,
    /// Spectra before the stroke, of the region and of all that reaches into it, and which frame of
    /// the store the first is. Beyond their ends, which are the store's or out of reach, they repeat.
    pub before: Vec<Spectrum>,
    pub from: usize,
    /// What a freeze holds.
    pub frozen: Option<Frozen>,
    pub(super) field: Field,
    pub(super) lanes: u32,
    /// The field's column of the store's first frame.
    first_column: usize,
}

impl Edit {
    /// The lane that the stroke paints: it has one kind, and erasers bring none.
    pub fn lane(&self) -> Lane {
        Lane::ALL[self.lanes.trailing_zeros() as usize % Lane::ALL.len()]
    }

    pub fn seconds_per_frame(&self) -> f32 {
        (self.spec.h as f64 / self.sample_rate) as f32
    }

    /// The spectrum of a frame before the stroke.
    pub fn frame_before(&self, frame: usize) -> &Spectrum {
        &self.before[frame - self.from]
    }

    /// What the effects are told of a frame.
    pub fn params(&self, f: usize) -> FrameParams {
        let lanes = self.field.column(self.first_column + f).lanes;
        let mut params = FrameParams::neutral(f as u64);
        params.field_lanes = lanes;
        params.paint = 1.0;
        params.column = (self.first_column + f) as u32;
        params.ticks_per_column = 256 * self.spec.h as u32;
        let cells = self.noise_frames() as usize;
        params.noise_cell = (f / cells) as u32;
        params.noise_fraction = (f % cells) as f32 / cells as f32;
        params.bin_phase = (f as u32).wrapping_mul(self.phase_per_frame());
        if lanes & Lane::Freeze.bit() != 0 {
            params.flags = flag::FREEZE;
            params.freeze_paint = 1.0;
            params.freeze_age = (f - self.roi.frames.start) as u32;
        }
        params
    }

    /// Frames of a cell of the noise.
    pub fn noise_frames(&self) -> u32 {
        (self.spec.n / 2 / self.spec.h).max(1) as u32
    }

    /// Turns of bin 1 from frame to frame, 2^32 to the turn.
    pub fn phase_per_frame(&self) -> u32 {
        (((self.spec.h as u64) << 32) / self.spec.n as u64) as u32
    }
}

/// Finds what strokes do; made once for a store.
pub(super) struct Brush {
    spec: WindowSpec,
    field: Field,
    frames: usize,
    /// Length of the clip, and the column of its start.
    clip_columns: f32,
    /// Memory of the last edit's spectra, for the next.
    spare: Vec<Spectrum>,
}

impl Brush {
    pub fn new(spec: &WindowSpec, sample_rate: f64, frames: usize, samples: usize) -> Self {
        // Twice as long as the clip, which lies in the middle: a stroke over an end of the clip
        // must not come in at the other, as it does in a loop.
        let columns = 2 * frames;
        let field = FieldSpec { columns, bands: 256, sample_rate };
        Self {
            spec: *spec,
            field: Field::empty(field),
            frames,
            clip_columns: samples as f32 / spec.h as f32,
            spare: Vec::new(),
        }
    }

    /// Column of a frame.
    fn column(&self, frame: usize) -> usize {
        self.frames / 2 + frame
    }

    /// The stroke where it lies in the field, which is twice as long as the clip.
    fn placed(&self, stroke: &Stroke) -> Stroke {
        let columns = self.field.spec().columns as f32;
        let scale = self.clip_columns / columns;
        // The frame centred on the clip's first sample.
        let start = (self.spec.n / 2 - self.spec.h) as f32 / self.spec.h as f32;
        let offset = (self.column(0) as f32 + start) / columns;
        let mut placed = stroke.clone();
        placed.radius_time *= scale;
        // A stroke may reach half a clip beyond either end before it would come round.
        placed.points.iter_mut().for_each(|p| p.x = offset + p.x.clamp(-0.49, 1.49) * scale);
        placed
    }

    /// One stroke, less what `later` takes away from its paint: the erasers among the strokes
    /// that come after it. (An eraser itself has no paint to apply.) `None` where nothing changes.
    pub fn edit(
        &mut self,
        working: &[Spectrum],
        stroke: &Stroke,
        later: &[Stroke],
    ) -> Option<Edit> {
        let placed = self.placed(stroke);
        let mut field = self.field.with_stroke(&placed);
        for eraser in later.iter().filter(|s| s.kind == StrokeKind::Erase) {
            field = field.with_stroke(&self.placed(eraser));
        }
        let region = Region::of(&placed, field.spec().columns);
        let touched = |f: &usize| {
            region.contains(self.column(*f), field.spec().columns)
                && field.column(self.column(*f)).lanes != 0
        };
        let touched: Vec<usize> = (0..self.frames).filter(touched).collect();
        let (&first, &last) = (touched.first()?, touched.last()?);
        let bins = self.bins(&field, first..last + 1);
        let lanes = touched.iter().fold(0, |l, &f| l | field.column(self.column(f)).lanes);
        let reach = if lanes & TIME_LANES != 0 { self.reach(&field, &touched) } else { 0 };
        let from = first.saturating_sub(reach);
        let to = (last + reach + 1).min(self.frames);
        let mut before = std::mem::take(&mut self.spare);
        before.resize_with(to - from, Spectrum::default);
        for (kept, row) in before.iter_mut().zip(&working[from..to]) {
            kept.clone_from(row);
        }
        let frozen = (lanes & Lane::Freeze.bit() != 0).then(|| {
            let mut frozen = Frozen::zeroed(self.spec.bins());
            let earlier = &working[first.saturating_sub(1)];
            frozen.hold(self.spec.bins(), earlier, &working[first]);
            frozen
        });
        Some(Edit {
            spec: self.spec,
            sample_rate: field.spec().sample_rate,
            roi: Roi { frames: first..last + 1, bins },
            touched,
            before,
            from,
            frozen,
            lanes,
            first_column: self.column(0),
            field,
        })
    }

    /// Takes an edit's memory back.
    pub fn done(&mut self, edit: Edit) {
        self.spare = edit.before;
    }

    /// Bins that any of these frames has paint at, with the blur's and the warp's surroundings.
    fn bins(&self, field: &Field, frames: Range<usize>) -> Range<usize> {
        let spec = field.spec();
        let (mut low, mut high) = (spec.bands, 0);
        let mut spreads = false;
        for f in frames {
            let column: &Column = field.column(self.column(f));
            spreads |= column.lanes & Lane::WarpFreq.bit() != 0;
            for (b, cell) in column.cells.iter().enumerate() {
                if cell.iter().any(|&v| v != 0.0) {
                    low = low.min(b);
                    high = high.max(b + 1);
                }
            }
        }
        if spreads {
            return 0..self.spec.bins();
        }
        let per_bin = spec.sample_rate as f32 / self.spec.n as f32;
        let bin = |band: usize| spec.band_hz(band.min(spec.bands - 1)) / per_bin;
        // The lowest band stands for all that lies below it.
        let low = if low <= 1 { 0 } else { bin(low - 1) as usize };
        low..((bin(high) as usize) + 2).min(self.spec.bins())
    }

    /// How many frames away the widest of the blurs and displacements reaches.
    fn reach(&self, field: &Field, touched: &[usize]) -> usize {
        let mut widest = 0.0f32;
        for &f in touched {
            for cell in &field.column(self.column(f)).cells {
                let sigma = cell[Lane::BlurTime as usize].hypot(cell[Lane::ModHigh as usize]);
                let mean = match cell[Lane::ModLow as usize] {
                    0.0 => 0.0,
                    hz => high_pass_share(hz).0,
                };
                let delay = cell[Lane::WarpTime as usize];
                widest = widest.max(GAUSSIAN_REACH * sigma.max(mean) + delay);
            }
        }
        let seconds_per_frame = (self.spec.h as f64 / field.spec().sample_rate) as f32;
        (widest / seconds_per_frame) as usize + 2
    }
}
