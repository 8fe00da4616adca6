//! Spectral low and high cut with smooth slopes, and painted gain. Acts on what comes out last.

use super::{Tables, Work};
use crate::field::Lane;
use crate::frame::{FrameParams, flag};
use crate::math::{exp2, wide};

/// log2(10) / 20: decibels to powers of two.
const OCTAVES_PER_DB: f32 = 0.166_096_4;

wide! {
    /// 24 dB an octave, -3 dB at the corner, flat beyond it: `1 / sqrt(1 + r^8)` for each cut. A
    /// cut of zero multiplies by exactly one.
    fn slopes(low_cut: f32, high_cut_inverse: f32, gain: &mut [f32]) {
        for (k, g) in gain.iter_mut().enumerate() {
            let bin = k as f32;
            let low = (low_cut / bin.max(1e-3)).min(1e4);
            let high = (bin * high_cut_inverse).min(1e4);
            let (low, high) = (low * low, high * high);
            let (low, high) = (low * low, high * high);
            *g = 1.0 / ((1.0 + low * low) * (1.0 + high * high)).sqrt();
        }
    }
}

wide! {
    fn painted(db: &[f32], gain: &mut [f32]) {
        let db = &db[..gain.len()];
        for k in 0..gain.len() {
            gain[k] *= exp2(db[k] * OCTAVES_PER_DB);
        }
    }
}

pub(super) fn prepare(params: &FrameParams, lanes: &super::lanes::Lanes, gain: &mut [f32]) {
    if params.flags & flag::FILTER != 0 {
        slopes(params.low_cut, params.high_cut_inverse, gain);
    } else {
        gain.fill(1.0);
    }
    if params.field_lanes & Lane::Gain.bit() != 0 {
        painted(lanes.row(Lane::Gain), gain);
    }
}

wide! {
    fn scale(gain: &[f32], re: &mut [f32], im: &mut [f32]) {
        let (re, im) = (&mut re[..gain.len()], &mut im[..gain.len()]);
        for k in 0..gain.len() {
            re[k] *= gain[k];
            im[k] *= gain[k];
        }
    }
}

pub(super) fn apply(tables: &Tables, work: &mut Work) {
    scale(&tables.gain, &mut work.re, &mut work.im);
}
