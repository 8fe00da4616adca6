//! The field: the painting as numbers, columns (time) x bands (log frequency) x lanes.
//!
//! Immutable once published. A change makes a new field that shares all untouched columns with the
//! old one. Made on the editor's or the worker's side, read on the audio thread; the old one goes
//! home to be dropped (DESIGN 3).

use std::sync::Arc;

use crate::frame::FrameParams;
use crate::raster::{self, Region};
use crate::stroke::{Canvas, Stroke};

/// Numbers in a cell.
pub const LANES: usize = 8;
/// Lowest frequency of the canvas, Hz.
pub const LOWEST_HZ: f32 = 20.0;

/// The lanes of a cell, in order. Zero is neutral in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Lane {
    /// dB.
    Gain = 0,
    /// Sigma, seconds.
    BlurTime = 1,
    /// Sigma, octaves.
    BlurFreq = 2,
    /// Displacement, Hz.
    WarpFreq = 3,
    /// Displacement into the past, seconds.
    WarpTime = 4,
    /// Corner of the modulation high-pass, Hz.
    ModLow = 5,
    /// Sigma of the modulation low-pass, seconds.
    ModHigh = 6,
    /// 0..1.
    Freeze = 7,
}

impl Lane {
    pub const ALL: [Self; LANES] = [
        Self::Gain,
        Self::BlurTime,
        Self::BlurFreq,
        Self::WarpFreq,
        Self::WarpTime,
        Self::ModLow,
        Self::ModHigh,
        Self::Freeze,
    ];

    /// The lane's bit in a mask.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Smallest and largest value that a cell may hold.
    pub const fn range(self) -> (f32, f32) {
        match self {
            Self::Gain => (-96.0, 24.0),
            Self::BlurTime | Self::ModHigh => (0.0, 0.5),
            Self::BlurFreq => (0.0, 2.0),
            Self::WarpFreq => (-20_000.0, 20_000.0),
            Self::WarpTime => (0.0, 0.5),
            Self::ModLow => (0.0, 32.0),
            Self::Freeze => (0.0, 1.0),
        }
    }
}

/// Sizes of a field and what its hertz mean. How long the loop takes is the playhead's to know: tempo
/// changes, and a field stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldSpec {
    pub columns: usize,
    pub bands: usize,
    pub sample_rate: f64,
}

impl FieldSpec {
    /// 512 columns of 128 bands: a band is about a semitone.
    pub fn new(sample_rate: f64) -> Self {
        Self { columns: 512, bands: 128, sample_rate }
    }

    /// From the lowest frequency to Nyquist.
    pub fn octaves(&self) -> f32 {
        (self.sample_rate as f32 / 2.0 / LOWEST_HZ).log2()
    }

    /// Octaves above the lowest frequency at which band `b` stands.
    pub fn band_octaves(&self, b: usize) -> f32 {
        b as f32 * self.octaves() / (self.bands - 1) as f32
    }

    pub fn band_hz(&self, b: usize) -> f32 {
        LOWEST_HZ * self.band_octaves(b).exp2()
    }

    /// Time of one column in 1/256 samples, where the whole loop takes `loop_seconds`.
    pub fn ticks_per_column(&self, loop_seconds: f64) -> u32 {
        (loop_seconds * self.sample_rate * 256.0 / self.columns as f64).round() as u32
    }

    /// Turns that a displacement adds in 1/256 sample.
    pub fn warp_rate(&self, hz: f32) -> u32 {
        let turns = f64::from(hz) / (self.sample_rate * 256.0);
        ((turns * 4_294_967_296.0).round() as i64) as u32
    }
}

/// One moment of the loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Band by band, from low to high.
    pub cells: Box<[[f32; LANES]]>,
    /// Bit per lane that is not zero everywhere.
    pub lanes: u32,
}

impl Column {
    pub(crate) fn empty(bands: usize) -> Self {
        Self { cells: vec![[0.0; LANES]; bands].into(), lanes: 0 }
    }

    pub(crate) fn note_lanes(&mut self) {
        self.lanes = 0;
        for cell in &self.cells {
            for lane in Lane::ALL {
                if cell[lane as usize] != 0.0 {
                    self.lanes |= lane.bit();
                }
            }
        }
    }
}

/// Running phases of the painted warp, `[column * bands + band]`.
///
/// A band's phase starts at zero where its displacement starts and runs on while it lasts, so that
/// a moved tone is a tone. All columns take the same time, so the phase at a column is that time times
/// the sum of the rates before it: exact, as 2^32 are a turn, and the same field serves every tempo.
#[derive(Clone, Debug, PartialEq)]
pub struct WarpPhases {
    /// Rates of the earlier columns of the run, summed.
    pub before: Vec<u32>,
    /// Turns per 1/256 sample within the column.
    pub rate: Vec<u32>,
}

impl WarpPhases {
    /// Phase at the start of a column.
    pub fn phase(&self, at: usize, params: &FrameParams) -> u32 {
        self.before[at].wrapping_mul(params.ticks_per_column)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    spec: FieldSpec,
    columns: Vec<Arc<Column>>,
    warp: Option<Arc<WarpPhases>>,
    generation: u64,
}

impl Field {
    /// No paint.
    pub fn empty(spec: FieldSpec) -> Self {
        let blank = Arc::new(Column::empty(spec.bands));
        Self { spec, columns: vec![blank; spec.columns], warp: None, generation: 0 }
    }

    /// The whole canvas.
    pub fn rasterise(canvas: &Canvas, spec: FieldSpec) -> Self {
        let mut field = Self::empty(spec);
        for stroke in &canvas.strokes {
            raster::paint(&mut field.columns, &spec, stroke, None);
        }
        field.finish(raster::moves_frequency(&canvas.strokes));
        field
    }

    /// This field with one stroke more, which must come last in the canvas.
    pub fn with_stroke(&self, stroke: &Stroke) -> Self {
        let mut next = self.clone();
        raster::paint(&mut next.columns, &self.spec, stroke, None);
        next.finish(raster::moves_frequency(std::slice::from_ref(stroke)));
        next
    }

    /// This field with the columns of `dirty` painted again from the canvas (after an undo, say).
    pub fn update(&self, canvas: &Canvas, dirty: Region) -> Self {
        let mut next = self.clone();
        let blank = Arc::new(Column::empty(self.spec.bands));
        for column in dirty.columns(self.spec.columns) {
            next.columns[column] = Arc::clone(&blank);
        }
        for stroke in &canvas.strokes {
            raster::paint(&mut next.columns, &self.spec, stroke, Some(dirty));
        }
        next.finish(next.warp.is_some() || raster::moves_frequency(&canvas.strokes));
        next
    }

    /// This field with other cells in the columns of `region`, as another engine has painted them;
    /// `moves_frequency` as [`raster::moves_frequency`] says of the strokes. Columns that come out as
    /// they were stay shared.
    pub fn with_cells(
        &self,
        region: Region,
        cells: &[[f32; LANES]],
        moves_frequency: bool,
    ) -> Self {
        let mut next = self.clone();
        let blank = Arc::new(Column::empty(self.spec.bands));
        let columns = region.columns(self.spec.columns);
        for (column, cells) in columns.zip(cells.chunks_exact(self.spec.bands)) {
            let slot = &mut next.columns[column];
            if *slot.cells == *cells {
                continue;
            }
            let mut painted = Column { cells: cells.into(), lanes: 0 };
            painted.note_lanes();
            *slot = if painted.lanes == 0 { Arc::clone(&blank) } else { Arc::new(painted) };
        }
        next.finish(moves_frequency);
        next
    }

    fn finish(&mut self, phases: bool) {
        if phases {
            self.warp = raster::warp_phases(&self.columns, &self.spec).map(Arc::new);
        }
        self.generation += 1;
    }

    pub fn spec(&self) -> &FieldSpec {
        &self.spec
    }

    pub fn column(&self, column: usize) -> &Column {
        &self.columns[column % self.columns.len()]
    }

    /// Whether two fields share this column, which then need not be copied again.
    pub fn shares_column(&self, other: &Self, column: usize) -> bool {
        self.spec == other.spec && Arc::ptr_eq(&self.columns[column], &other.columns[column])
    }

    pub fn warp_phases(&self) -> Option<&WarpPhases> {
        self.warp.as_deref()
    }

    /// Lanes at work between this column and the next.
    pub fn lanes_at(&self, column: usize) -> u32 {
        self.column(column).lanes | self.column(column + 1).lanes
    }

    pub fn is_empty(&self) -> bool {
        self.columns.iter().all(|c| c.lanes == 0)
    }

    /// Counts the changes since the field was empty.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
