//! The spectrogram store of a whole clip (P2): complex spectra with magnitudes, as they were and as
//! they are worked on, `[frame][bin]`. Strokes are applied in place to a region of interest (P4);
//! what changed is made into sound again, and nothing else. Off the audio thread.

mod apply;
mod edit;

use std::ops::Range;

pub use apply::Painter;
pub use edit::Edit;

use crate::quality::WindowSpec;
use crate::stft::{FramePlan, Spectrum};
use crate::stroke::Stroke;
use crate::texture::{self, AutoGain};

/// Frames and bins, both half open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roi {
    pub frames: Range<usize>,
    pub bins: Range<usize>,
}

impl Roi {
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() || self.bins.is_empty()
    }
}

/// A rectangle taken out of the store, row after row of bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    pub roi: Roi,
    pub re: Vec<f32>,
    pub im: Vec<f32>,
}

pub struct Store {
    spec: WindowSpec,
    sample_rate: f64,
    plan: FramePlan,
    original: Vec<Spectrum>,
    working: Vec<Spectrum>,
    /// Samples of the clip.
    len: usize,
    output: Vec<f32>,
    /// Frames that were changed since the last resynthesis.
    dirty: Range<usize>,
    brush: edit::Brush,
    painter: Painter,
    part: Vec<f32>,
}

impl Store {
    /// Analyses a clip. `spec` must be symmetric, as [`WindowSpec::custom`] makes sure. Frames begin
    /// before the clip and end after it, so that every sample has its full overlap.
    pub fn new(spec: WindowSpec, sample_rate: f64, clip: &[f32]) -> Self {
        assert_eq!(spec.n, spec.m, "a store needs a symmetric window");
        let lead = spec.overlap() - 1;
        let frames = clip.len().div_ceil(spec.h) + lead;
        let mut plan = FramePlan::new(&spec);
        let mut samples = vec![0.0; spec.n];
        let original: Vec<Spectrum> = (0..frames)
            .map(|f| {
                let mut spectrum = Spectrum::zeroed(spec.bins());
                for (i, x) in samples.iter_mut().enumerate() {
                    let t = (f * spec.h + i).checked_sub(lead * spec.h);
                    *x = t
                        .and_then(|t| clip.get(t))
                        .copied()
                        .filter(|x| x.is_finite())
                        .unwrap_or(0.0);
                }
                plan.analyse(&samples, &mut spectrum);
                spectrum
            })
            .collect();
        Self {
            brush: edit::Brush::new(&spec, sample_rate, frames, clip.len()),
            painter: Painter::new(&spec, sample_rate),
            part: vec![0.0; spec.m],
            working: original.clone(),
            original,
            len: clip.len(),
            output: clip.to_vec(),
            dirty: 0..0,
            plan,
            spec,
            sample_rate,
        }
    }

    pub fn spec(&self) -> &WindowSpec {
        &self.spec
    }

    pub fn frames(&self) -> usize {
        self.working.len()
    }

    pub fn bins(&self) -> usize {
        self.spec.bins()
    }

    /// The spectrum of a frame as it stands.
    pub fn frame(&self, frame: usize) -> &Spectrum {
        &self.working[frame]
    }

    /// As it was.
    pub fn original(&self, frame: usize) -> &Spectrum {
        &self.original[frame]
    }

    /// Phases of a frame, -pi..pi.
    pub fn phases(&self, frame: usize, out: &mut [f32]) {
        let spectrum = &self.working[frame];
        for (k, out) in out.iter_mut().enumerate().take(self.bins()) {
            *out = spectrum.im[k].atan2(spectrum.re[k]);
        }
    }

    /// Where in the clip a frame is centred, samples.
    pub fn centre(&self, frame: usize) -> i64 {
        (frame * self.spec.h + self.spec.n / 2) as i64 - (self.spec.n - self.spec.h) as i64
    }

    /// The clip as it sounds after the last resynthesis.
    pub fn output(&self) -> &[f32] {
        &self.output
    }

    /// A region of any size and place, clamped at every edge.
    pub fn clamp(&self, frames: Range<i64>, bins: Range<i64>) -> Roi {
        let clamp = |range: Range<i64>, end: usize| {
            let low = range.start.clamp(0, end as i64) as usize;
            low..(range.end.clamp(0, end as i64) as usize).max(low)
        };
        Roi { frames: clamp(frames, self.frames()), bins: clamp(bins, self.bins()) }
    }

    pub fn extract(&self, roi: &Roi) -> Patch {
        let roi = self.clamp(
            roi.frames.start as i64..roi.frames.end as i64,
            roi.bins.start as i64..roi.bins.end as i64,
        );
        let mut patch = Patch { re: Vec::new(), im: Vec::new(), roi: roi.clone() };
        for f in roi.frames {
            patch.re.extend_from_slice(&self.working[f].re[roi.bins.clone()]);
            patch.im.extend_from_slice(&self.working[f].im[roi.bins.clone()]);
        }
        patch
    }

    pub fn write_back(&mut self, patch: &Patch) {
        let width = patch.roi.bins.len();
        if patch.roi.is_empty() {
            return;
        }
        let rows = patch.re.chunks_exact(width).zip(patch.im.chunks_exact(width));
        for (f, (re, im)) in patch.roi.frames.clone().zip(rows) {
            let row = &mut self.working[f];
            row.re[patch.roi.bins.clone()].copy_from_slice(re);
            row.im[patch.roi.bins.clone()].copy_from_slice(im);
            for k in patch.roi.bins.clone() {
                row.mag[k] = row.re[k].hypot(row.im[k]);
            }
        }
        self.touch(patch.roi.frames.clone());
    }

    fn touch(&mut self, frames: Range<usize>) {
        if frames.is_empty() {
            return;
        }
        self.dirty = if self.dirty.is_empty() {
            frames
        } else {
            self.dirty.start.min(frames.start)..self.dirty.end.max(frames.end)
        };
    }

    /// Applies a stroke in place; `x` of its points is the position in the clip, 0..1. Later strokes
    /// hear earlier ones. Returns what it touched.
    pub fn apply(&mut self, stroke: &Stroke) -> Roi {
        self.apply_before(stroke, &[])
    }

    /// As [`Store::apply`], knowing the strokes that will come after: what erases among them takes
    /// paint away from this one.
    pub fn apply_before(&mut self, stroke: &Stroke, later: &[Stroke]) -> Roi {
        let Some(edit) = self.edit(stroke, later) else {
            return Roi { frames: 0..0, bins: 0..0 };
        };
        for &f in &edit.touched {
            let row = &mut self.working[f];
            let (re, im) = self.painter.frame(&edit, f);
            for (k, (&re, &im)) in edit.roi.bins.clone().zip(re.iter().zip(im)) {
                (row.re[k], row.im[k]) = (re, im);
                row.mag[k] = (re * re + im * im).sqrt();
            }
        }
        let roi = edit.roi.clone();
        self.brush.done(edit);
        self.touch(roi.frames.clone());
        roi
    }

    /// What a stroke would do, for whoever computes it: a [`Painter`], or another engine. Its patch
    /// is written back with [`Store::write_back`]. `None` where it changes nothing.
    pub fn edit(&mut self, stroke: &Stroke, later: &[Stroke]) -> Option<Edit> {
        self.brush.edit(&self.working, stroke, later)
    }

    /// Several strokes in order.
    pub fn apply_all(&mut self, strokes: &[Stroke]) {
        for (i, stroke) in strokes.iter().enumerate() {
            self.apply_before(stroke, &strokes[i + 1..]);
        }
    }

    /// Back to the original where it was changed, and `strokes` anew: what undo comes to.
    pub fn rebuild(&mut self, strokes: &[Stroke]) {
        for f in 0..self.frames() {
            if self.working[f] != self.original[f] {
                self.working[f].clone_from(&self.original[f]);
                self.touch(f..f + 1);
            }
        }
        self.apply_all(strokes);
    }

    /// Makes sound of what changed since the last time; the samples that changed.
    pub fn resynthesise(&mut self) -> Range<usize> {
        if self.dirty.is_empty() {
            return 0..0;
        }
        let (n, h) = (self.spec.n, self.spec.h);
        // Sample 0 of frame `f` is sample `f h - lead` of the clip.
        let lead = n - h;
        let start = (self.dirty.start * h).saturating_sub(lead).min(self.len);
        let end = ((self.dirty.end - 1) * h + n - lead).min(self.len);
        self.output[start..end].fill(0.0);
        // All frames that reach into the range, changed or not.
        let first = (start + lead + 1).saturating_sub(n).div_ceil(h);
        let last = ((end + lead).saturating_sub(1) / h).min(self.frames() - 1);
        for f in first..=last {
            let row = &self.working[f];
            self.plan.synthesise(&row.re, &row.im, &mut self.part);
            for (i, p) in self.part.iter().enumerate() {
                let t = (f * h + i).wrapping_sub(lead);
                if (start..end).contains(&t) {
                    self.output[t] += p;
                }
            }
        }
        self.dirty = 0..0;
        start..end
    }

    /// RGBA8 of a region, one row of pixels a frame (P5).
    pub fn texture(&self, roi: &Roi, auto_gain: &AutoGain, out: &mut [u8]) {
        let width = roi.bins.len();
        if width == 0 {
            return;
        }
        let gain = 4.0 / self.spec.n as f32;
        for (f, row) in roi.frames.clone().zip(out.chunks_exact_mut(4 * width)) {
            let spectrum = &self.working[f];
            let (re, im) = (&spectrum.re[roi.bins.clone()], &spectrum.im[roi.bins.clone()]);
            texture::draw_complex(gain, auto_gain, re, im, row);
        }
    }

    pub fn sample_rate(&self) -> f64 {
        self.sample_rate
    }
}
