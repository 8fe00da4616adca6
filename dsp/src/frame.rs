//! All that changes over time, for one frame. Mirrored in WGSL: `u32` and `f32` only, without gaps.

use bytemuck::{Pod, Zeroable};

/// Which effects of [`FrameParams::flags`] are at work. None and no painted lane: neutral.
pub mod flag {
    /// Time blur or a modulation filter: spectra of past frames are read.
    pub const TIME: u32 = 1;
    pub const FREEZE: u32 = 1 << 1;
    pub const BLUR_FREQ: u32 = 1 << 2;
    pub const DIFFUSE: u32 = 1 << 3;
    pub const WARP: u32 = 1 << 4;
    pub const FILTER: u32 = 1 << 5;
}

/// The parameters of one frame, smoothed and accumulated by the [`crate::Framer`].
///
/// Field order is the layout, offset = 4 bytes times the index in the comment. "Strides" are
/// distances of taps: `WindowSpec::stride_hops` hops. "Bins" are `sample_rate / n` Hz. "Turns" count
/// 2^32 to the turn and wrap.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct FrameParams {
    /// 0, 1: the frame's number.
    pub frame_lo: u32,
    pub frame_hi: u32,
    /// 2: see [`flag`].
    pub flags: u32,
    /// 3: bit per [`crate::Lane`] that the field's column under the playhead uses (0: no field).
    pub field_lanes: u32,
    /// 4: sigma of the time blur, strides.
    pub blur_time: f32,
    /// 5: sigma of the modulation low-pass, strides.
    pub mod_smooth: f32,
    /// 6: corner of the modulation high-pass, cycles per stride.
    pub mod_low: f32,
    /// 7: sigma of the frequency blur, octaves.
    pub blur_freq: f32,
    /// 8: amount of random phase, 0..1.
    pub diffuse: f32,
    /// 9, 10: lattice cell of the random phases, and how far the frame is through it, 0..1.
    pub noise_cell: u32,
    pub noise_fraction: f32,
    /// 11: seed of all random phases.
    pub seed: u32,
    /// 12: shift, bins.
    pub shift: f32,
    /// 13: stretch ratio less one.
    pub stretch: f32,
    /// 14: pivot of the stretch, bins.
    pub pivot: f32,
    /// 15: crossfade to the warped spectrum, 0..1.
    pub warp_mix: f32,
    /// 16, 17: running phase of the warp for band `b` (one bin wide) is `phase + b * per_band`, turns.
    pub warp_phase: u32,
    pub warp_phase_per_band: u32,
    /// 18: phase of the centre of bin `k` at this frame is `k * bin_phase`, turns.
    pub bin_phase: u32,
    /// 19: corner of the high-pass, bins; 0 is off.
    pub low_cut: f32,
    /// 20: one over the corner of the low-pass in bins; 0 is off.
    pub high_cut_inverse: f32,
    /// 21: crossfade to the frozen sound everywhere, 0..1.
    pub freeze: f32,
    /// 22: crossfade to the frozen sound where it is painted, 0..1; times the lane.
    pub freeze_paint: f32,
    /// 23: which of the two frozen spectra.
    pub freeze_slot: u32,
    /// 24: low word of the number of the frame at which it was captured.
    pub freeze_frame: u32,
    /// 25: hops since.
    pub freeze_age: u32,
    /// 26: how much of the field is heard, 0..1.
    pub paint: f32,
    /// 27: which of the two fields is in force.
    pub field_slot: u32,
    /// 28, 29: the field's column under the playhead, and how far to the next, 0..1.
    pub column: u32,
    pub column_fraction: f32,
    /// 30: time in this column, in 1/256 samples: the running phase of a painted warp is that of the
    /// column's start and `rate * column_ticks` more.
    pub column_ticks: u32,
    /// 31: time of a whole column, which follows the tempo.
    pub ticks_per_column: u32,
}

impl Default for FrameParams {
    fn default() -> Self {
        Self::neutral(0)
    }
}

impl FrameParams {
    /// Frame `n` untouched.
    pub fn neutral(n: u64) -> Self {
        Self { frame_lo: n as u32, frame_hi: (n >> 32) as u32, stretch: 0.0, ..Self::zeroed() }
    }

    pub fn frame(&self) -> u64 {
        u64::from(self.frame_hi) << 32 | u64::from(self.frame_lo)
    }

    /// Whether the frame is to come out as it went in; decided from these numbers alone, so that
    /// every engine skips the same transforms.
    pub fn is_neutral(&self) -> bool {
        self.flags == 0 && self.field_lanes == 0
    }

    /// Whether the effect is at work, from a knob or from paint.
    pub fn uses(&self, flag: u32, lanes: u32) -> bool {
        self.flags & flag != 0 || self.field_lanes & lanes != 0
    }

    /// Hops that the frame lies after `other`; wraps as numbers do.
    pub fn hops_since(&self, other: u64) -> u64 {
        self.frame().wrapping_sub(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // U3, S7: what the WGSL side relies on.
    #[test]
    fn the_layout_is_words_without_gaps() {
        assert_eq!(size_of::<FrameParams>(), 128);
        assert_eq!(align_of::<FrameParams>(), 4);
        assert_eq!(std::mem::offset_of!(FrameParams, flags), 8);
        assert_eq!(std::mem::offset_of!(FrameParams, shift), 48);
        assert_eq!(std::mem::offset_of!(FrameParams, warp_phase), 64);
        assert_eq!(std::mem::offset_of!(FrameParams, freeze_age), 100);
        assert_eq!(std::mem::offset_of!(FrameParams, ticks_per_column), 124);
    }

    #[test]
    fn the_default_is_neutral_and_knows_its_number() {
        let n = (7u64 << 32) + 3;
        assert!(FrameParams::neutral(n).is_neutral());
        assert_eq!(FrameParams::neutral(n).frame(), n);
    }
}
