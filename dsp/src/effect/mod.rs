//! The effects: what is done to one spectrum, as continuous functions of its inputs.
//!
//! Order: time (blur, modulation filters, displacement) - freeze - blur in frequency - diffuse -
//! warp - filter and painted gain. Each stage is the identity at neutral and is skipped then, which
//! is decided from [`FrameParams`] alone.
//!
//! What depends on the parameters but not on the sound is computed once per frame into [`Tables`]
//! and serves all channels. Where the neighbouring frames come from is the caller's affair
//! ([`Taps`]): the live path looks back, the store looks both ways.

pub mod blur;
pub mod diffuse;
mod displace;
pub mod filter;
pub mod freeze;
pub mod lanes;
pub mod noise;
pub mod phasor;
pub mod tables;
pub mod time;
pub mod warp;

pub use freeze::Frozen;
pub use tables::Tables;

use crate::field::Lane;
use crate::frame::{FrameParams, flag};
use crate::stft::Spectrum;

/// Neighbouring frames of the one being computed.
pub trait Taps {
    /// The spectrum `m` strides back, 0 being the current frame; `m` is at most `TAPS`.
    fn tap(&self, m: usize) -> &Spectrum;
}

/// The spectrum being worked on, and rows to work in. Made once.
pub struct Work {
    pub re: Vec<f32>,
    pub im: Vec<f32>,
    pub(crate) target: Vec<f32>,
    pub(crate) rows: [Vec<f32>; 6],
    pub(crate) warp: warp::WarpWork,
}

impl Work {
    pub fn new(bins: usize) -> Self {
        let row = || vec![0.0; crate::math::padded(bins) + crate::math::RUN];
        Self {
            re: row(),
            im: row(),
            target: row(),
            rows: [row(), row(), row(), row(), row(), row()],
            warp: warp::WarpWork::new(bins),
        }
    }
}

/// Lanes that make the time stage work.
pub const TIME_LANES: u32 =
    Lane::BlurTime.bit() | Lane::WarpTime.bit() | Lane::ModLow.bit() | Lane::ModHigh.bit();

/// How many taps beyond the current frame this frame reads; the same for every engine.
pub fn taps_needed(params: &FrameParams) -> usize {
    if params.uses(flag::TIME, TIME_LANES) { crate::quality::TAPS } else { 0 }
}

/// Applies all effects of `params` (prepared in `tables`) and leaves the result in `work`.
pub fn apply(
    params: &FrameParams,
    tables: &Tables,
    taps: &impl Taps,
    frozen: Option<&Frozen>,
    work: &mut Work,
) {
    let bins = tables.bins();
    if params.uses(flag::TIME, TIME_LANES) {
        time::apply(tables, taps, work);
    } else {
        let current = taps.tap(0);
        work.re[..bins].copy_from_slice(&current.re[..bins]);
        work.im[..bins].copy_from_slice(&current.im[..bins]);
    }
    if let Some(frozen) = frozen {
        freeze::apply(params, tables, frozen, work);
    }
    if params.uses(flag::BLUR_FREQ, Lane::BlurFreq.bit()) {
        blur::apply(tables, work);
    }
    if params.uses(flag::DIFFUSE, 0) {
        diffuse::apply(tables, work);
    }
    if params.uses(flag::WARP, Lane::WarpFreq.bit()) {
        warp::apply(tables, work);
    }
    if params.uses(flag::FILTER, Lane::Gain.bit()) {
        filter::apply(tables, work);
    }
}
