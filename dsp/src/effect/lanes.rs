//! From the field's bands to a spectrum's bins.

use crate::field::{Field, LANES, LOWEST_HZ, Lane};
use crate::frame::FrameParams;
use crate::math::{padded, wide};
use crate::quality::WindowSpec;

/// Where each bin lies among the bands, and the lanes of the column in force, bin by bin.
pub struct Lanes {
    hz_per_bin: f32,
    nyquist_octaves: f32,
    bins: usize,
    bands: usize,
    /// Lower neighbouring band of each bin.
    band: Vec<u32>,
    /// How far to the next band, 0..1.
    fraction: Vec<f32>,
    /// Band by band, lane after lane, between two columns.
    column: [Vec<f32>; LANES],
    rows: [Vec<f32>; LANES],
}

/// More bands than this a field cannot have.
pub const MAX_BANDS: usize = 1024;

impl Lanes {
    pub fn new(spec: &WindowSpec, sample_rate: f64) -> Self {
        let bins = spec.bins();
        let row = || vec![0.0; padded(bins)];
        let column = || vec![0.0; MAX_BANDS];
        Self {
            hz_per_bin: (sample_rate / spec.n as f64) as f32,
            nyquist_octaves: (sample_rate as f32 / 2.0 / LOWEST_HZ).log2(),
            bins,
            bands: 0,
            band: vec![0; padded(bins)],
            fraction: row(),
            column: std::array::from_fn(|_| column()),
            rows: std::array::from_fn(|_| row()),
        }
    }

    /// Values of a lane at each bin, times `paint`; only lanes of `params.field_lanes` are current.
    pub fn row(&self, lane: Lane) -> &[f32] {
        &self.rows[lane as usize]
    }

    /// The band whose running phase a bin takes: the nearest.
    pub fn nearest_band(&self, bin: usize) -> usize {
        self.band[bin] as usize + usize::from(self.fraction[bin] >= 0.5)
    }

    pub fn prepare(&mut self, params: &FrameParams, field: &Field) {
        let bands = field.spec().bands.min(MAX_BANDS);
        if bands != self.bands {
            self.place(bands);
        }
        let (here, next) =
            (field.column(params.column as usize), field.column(params.column as usize + 1));
        let t = params.column_fraction;
        for lane in Lane::ALL {
            // The displacement of a warp must hold still while its phase runs: see `warp`.
            if params.field_lanes & lane.bit() == 0 || lane == Lane::WarpFreq {
                continue;
            }
            let l = lane as usize;
            for b in 0..bands {
                let (a, z) = (here.cells[b][l], next.cells[b][l]);
                self.column[l][b] = (a + (z - a) * t) * params.paint;
            }
            spread(&self.column[l], &self.band, &self.fraction, &mut self.rows[l]);
        }
    }

    fn place(&mut self, bands: usize) {
        self.bands = bands;
        for k in 0..self.bins {
            (self.band[k], self.fraction[k]) = self.place_of(k, bands);
        }
    }

    /// The band below bin `k` among `bands`, and how far it is to the next.
    pub fn place_of(&self, k: usize, bands: usize) -> (u32, f32) {
        let per_octave = (bands - 1) as f32 / self.nyquist_octaves;
        let hz = (k as f32 * self.hz_per_bin).max(LOWEST_HZ);
        let at = ((hz / LOWEST_HZ).log2() * per_octave).clamp(0.0, (bands - 1) as f32);
        let band = (at as usize).min(bands - 2);
        (band as u32, at - band as f32)
    }
}

wide! {
    fn spread(column: &[f32], band: &[u32], fraction: &[f32], row: &mut [f32]) {
        let len = row.len();
        let (band, fraction) = (&band[..len], &fraction[..len]);
        for k in 0..len {
            let b = band[k] as usize;
            let (low, high) = (column[b], column[b + 1]);
            row[k] = low + (high - low) * fraction[k];
        }
    }
}
