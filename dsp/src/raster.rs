//! Strokes to field: dabs in order, clamped at every edge, wrapping at the ends of the loop (P4).

use std::sync::Arc;

use crate::field::{Column, FieldSpec, LOWEST_HZ, Lane, WarpPhases};
use crate::math::smoothstep;
use crate::stroke::{DAB_SPACING, Dab, Stroke, StrokeKind};

/// A run of columns, wrapping at the loop's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub first: usize,
    pub count: usize,
}

impl Region {
    pub const NONE: Self = Self { first: 0, count: 0 };

    pub fn all(columns: usize) -> Self {
        Self { first: 0, count: columns }
    }

    /// The columns that a stroke may touch.
    pub fn of(stroke: &Stroke, columns: usize) -> Self {
        let points = || stroke.points.iter().map(|p| p.x).filter(|x| x.is_finite());
        let low = points().fold(f32::INFINITY, f32::min);
        let high = points().fold(f32::NEG_INFINITY, f32::max);
        if low > high {
            return Self::NONE;
        }
        let radius = reach(stroke.radius_time);
        let first = (f64::from(low - radius) * columns as f64).floor() as i64;
        let last = (f64::from(high + radius) * columns as f64).ceil() as i64;
        if last - first + 1 >= columns as i64 {
            return Self::all(columns);
        }
        let first_wrapped = first.rem_euclid(columns as i64) as usize;
        Self { first: first_wrapped, count: (last - first + 1) as usize }
    }

    pub fn contains(&self, column: usize, columns: usize) -> bool {
        (column + columns - self.first) % columns < self.count
    }

    pub fn columns(self, columns: usize) -> impl Iterator<Item = usize> {
        (0..self.count.min(columns)).map(move |i| (self.first + i) % columns)
    }

    /// The smallest run that holds both.
    pub fn union(self, other: Self, columns: usize) -> Self {
        if self.count == 0 {
            return other;
        }
        if other.count == 0 {
            return self;
        }
        let spanning = |a: Self, b: Self| {
            let offset = (b.first + columns - a.first) % columns;
            Self { first: a.first, count: a.count.max(offset + b.count) }
        };
        let (ab, ba) = (spanning(self, other), spanning(other, self));
        let best = if ab.count <= ba.count { ab } else { ba };
        if best.count >= columns { Self::all(columns) } else { best }
    }
}

/// A radius that is a number and not negative.
fn reach(radius: f32) -> f32 {
    if radius.is_finite() { radius.abs().min(1e6) } else { 0.0 }
}

/// Full inside `hardness`, none from the rim on, smooth between; `distance` in radii.
pub fn falloff(distance: f32, hardness: f32) -> f32 {
    if distance >= 1.0 {
        return 0.0;
    }
    let core = hardness.clamp(0.0, 1.0);
    if distance <= core { 1.0 } else { 1.0 - smoothstep((distance - core) / (1.0 - core)) }
}

/// The lane that a kind paints and what a full stroke adds to it; erasing has none.
pub fn full_effect(kind: StrokeKind) -> Option<(Lane, f32)> {
    Some(match kind {
        StrokeKind::Gain => (Lane::Gain, 24.0),
        StrokeKind::BlurTime => (Lane::BlurTime, 0.12),
        StrokeKind::BlurFreq => (Lane::BlurFreq, 1.0),
        // An octave; the cell's own frequency makes it Hz.
        StrokeKind::WarpFreq => (Lane::WarpFreq, 1.0),
        StrokeKind::WarpTime => (Lane::WarpTime, 0.25),
        StrokeKind::ModLow => (Lane::ModLow, 16.0),
        StrokeKind::ModHigh => (Lane::ModHigh, 0.13),
        StrokeKind::Freeze => (Lane::Freeze, 1.0),
        StrokeKind::Erase => return None,
    })
}

/// Whether any of these strokes changes the running phases of a painted warp.
pub fn moves_frequency(strokes: &[Stroke]) -> bool {
    strokes.iter().any(|s| matches!(s.kind, StrokeKind::WarpFreq | StrokeKind::Erase))
}

/// What one dab does to one cell, at `weight` = strength times falloff. Dabs overlap at a quarter
/// radius, so each adds about a quarter of the full effect; a slow hand does not paint more.
#[inline]
pub fn dab_cell(cell: &mut [f32; 8], kind: StrokeKind, weight: f32, hz: f32) {
    match full_effect(kind) {
        None => {
            let keep = 1.0 - (2.0 * DAB_SPACING * weight.abs()).min(1.0);
            for value in cell.iter_mut() {
                *value *= keep;
                if value.abs() < 1e-6 {
                    *value = 0.0;
                }
            }
        }
        Some((lane, full)) => {
            let amount = full * DAB_SPACING * weight;
            let step = if lane == Lane::WarpFreq { hz * (amount.exp2() - 1.0) } else { amount };
            let (low, high) = lane.range();
            let value = &mut cell[lane as usize];
            *value = (*value + step).clamp(low, high);
        }
    }
}

/// Puts a stroke's dabs down in order, in the columns of `only` if given.
pub(crate) fn paint(
    columns: &mut [Arc<Column>],
    spec: &FieldSpec,
    stroke: &Stroke,
    only: Option<Region>,
) {
    let count = columns.len();
    let region = Region::of(stroke, count);
    let dabs = stroke.dabs();
    if dabs.is_empty() || dabs.iter().all(|d| d.strength == 0.0) {
        return;
    }
    // Column by column, so that each is copied once and stays in cache; the order of dabs within a
    // cell is the stroke's own.
    for column in region.columns(count) {
        if only.is_some_and(|only| !only.contains(column, count)) {
            continue;
        }
        paint_column(&mut columns[column], column, spec, stroke, &dabs);
    }
}

/// A dab where it meets a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    /// How far the column is from the dab's middle, in its radii.
    pub across: f32,
    /// Octaves above the lowest frequency.
    pub y: f32,
    pub strength: f32,
    /// The bands that it reaches, both ends included.
    pub low: usize,
    pub high: usize,
}

/// A stroke on the grid of a field: its radii, at least as large as the grid is fine.
#[derive(Clone, Copy, Debug)]
pub struct Tip {
    columns: usize,
    bands: usize,
    radius_time: f32,
    pub radius_octaves: f32,
    /// Octaves from band to band.
    pub band_step: f32,
}

impl Tip {
    pub fn new(spec: &FieldSpec, stroke: &Stroke) -> Self {
        let band_step = spec.octaves() / (spec.bands - 1) as f32;
        Self {
            columns: spec.columns,
            bands: spec.bands,
            radius_time: reach(stroke.radius_time).max(0.5 / spec.columns as f32),
            radius_octaves: reach(stroke.radius_octaves).max(0.5 * band_step),
            band_step,
        }
    }

    /// The dabs that meet a column, in order. Engines share this, so that they agree on which.
    pub fn touches(self, dabs: &[Dab], column: usize) -> impl Iterator<Item = Touch> + '_ {
        let position = column as f32 / self.columns as f32;
        dabs.iter().filter_map(move |dab| {
            let mut dx = (dab.x - position).rem_euclid(1.0);
            if dx > 0.5 {
                dx -= 1.0;
            }
            let across = dx / self.radius_time;
            if across.abs() >= 1.0 || dab.strength == 0.0 {
                return None;
            }
            let half = self.radius_octaves * (1.0 - across * across).sqrt();
            let low = ((dab.y - half) / self.band_step).ceil().max(0.0) as usize;
            let high = ((dab.y + half) / self.band_step).floor().min((self.bands - 1) as f32);
            let reached = high >= low as f32;
            let (y, strength) = (dab.y, dab.strength);
            reached.then_some(Touch { across, y, strength, low, high: high as usize })
        })
    }
}

fn paint_column(
    slot: &mut Arc<Column>,
    column: usize,
    spec: &FieldSpec,
    stroke: &Stroke,
    dabs: &[Dab],
) {
    let tip = Tip::new(spec, stroke);
    let mut touched: Option<&mut Column> = None;
    let mut slot = Some(slot);
    for touch in tip.touches(dabs, column) {
        let cells = match &mut touched {
            Some(column) => &mut column.cells,
            None => {
                let Some(slot) = slot.take() else { return };
                &mut touched.insert(Arc::make_mut(slot)).cells
            }
        };
        for band in touch.low..=touch.high {
            let octaves = band as f32 * tip.band_step;
            let up = (octaves - touch.y) / tip.radius_octaves;
            let distance = (touch.across * touch.across + up * up).sqrt();
            let weight = touch.strength * falloff(distance, stroke.hardness);
            if weight != 0.0 {
                let hz = match stroke.kind {
                    StrokeKind::WarpFreq => LOWEST_HZ * octaves.exp2(),
                    _ => 0.0,
                };
                dab_cell(&mut cells[band], stroke.kind, weight, hz);
            }
        }
    }
    if let Some(column) = touched {
        column.note_lanes();
    }
}

/// Prefix sums of the painted displacement, band by band; none if nothing is displaced.
pub(crate) fn warp_phases(columns: &[Arc<Column>], spec: &FieldSpec) -> Option<WarpPhases> {
    if columns.iter().all(|c| c.lanes & Lane::WarpFreq.bit() == 0) {
        return None;
    }
    let (count, bands) = (columns.len(), spec.bands);
    let mut before = vec![0u32; count * bands];
    let mut rate = vec![0u32; count * bands];
    for (c, column) in columns.iter().enumerate() {
        for (b, cell) in column.cells.iter().enumerate() {
            rate[c * bands + b] = spec.warp_rate(cell[Lane::WarpFreq as usize]);
        }
    }
    for b in 0..bands {
        // Start behind a column without displacement, so that a run over the loop's end is whole.
        let start = (0..count).find(|c| rate[c * bands + b] == 0).unwrap_or(0);
        let mut sum = 0u32;
        for i in 0..count {
            let at = (start + i) % count * bands + b;
            if rate[at] == 0 {
                sum = 0;
            }
            before[at] = sum;
            sum = sum.wrapping_add(rate[at]);
        }
    }
    Some(WarpPhases { before, rate })
}
