//! The words that host and GPU share, laid out as `shader/shared.wgsl` lays them out. A test parses
//! the WGSL with naga and compares every size and offset (DESIGN 5).

use bytemuck::{Pod, Zeroable};

/// An offset that leads nowhere; `NONE` in WGSL.
pub const NONE: u32 = u32::MAX;

/// Only analyse: the frame is part of a history being rebuilt.
pub const ANALYSE_ONLY: u32 = 1;

/// The frame leaves the spectrum as it is.
pub const NEUTRAL: u32 = 2;

/// The frame is not turned to the centre of its synthesis part: transforms of whole clips.
pub const STILL: u32 = 4;

/// One frame of one channel of one session. The fields are described in `shared.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Job {
    pub hop: u32,
    pub history: u32,
    pub history_len: u32,
    pub history_at: u32,
    pub spectra: u32,
    pub spectra_len: u32,
    pub spectra_at: u32,
    pub frames: u32,
    pub frames_len: u32,
    pub frames_at: u32,
    pub scratch: u32,
    pub params: u32,
    pub field: u32,
    pub output: u32,
    pub n: u32,
    pub m: u32,
    pub analysis: u32,
    pub synthesis: u32,
    pub places: u32,
    pub held: u32,
    pub stride: u32,
    pub strides_per_second: f32,
    pub bins_per_rate: f32,
    pub flags: u32,
}

/// Smallest and largest transform the kernels are built for.
pub const MIN_N: usize = 512;
pub const MAX_N: usize = 32_768;

/// Rows of [`Header::first`]: transform sizes are `MIN_N << class`.
pub const CLASSES: usize = 8;

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Header {
    /// Index of the first job of each size.
    pub first: [u32; CLASSES],
    pub jobs: u32,
    pub pad_0: u32,
    pub pad_1: u32,
    pub pad_2: u32,
}

/// The row of a transform size, or `None` where there is no kernel for it.
pub fn class_of(n: usize) -> Option<usize> {
    (n.is_power_of_two() && (MIN_N..=MAX_N).contains(&n))
        .then(|| (n.trailing_zeros() - MIN_N.trailing_zeros()) as usize)
}
