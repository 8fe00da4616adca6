//! The WGSL of every kernel, put together from the files of `gpu/shader`.
//!
//! A kernel is `shared.wgsl`, the constants of its transform size, and its own files. Assembly is
//! plain text so that a test can validate each variant without a GPU.

use crate::backend::layout::{CLASSES, MAX_N, MIN_N, class_of};

const SHARED: &str = include_str!("../../../shader/shared.wgsl");
const FFT: &str = include_str!("../../../shader/fft.wgsl");
const SPLIT: &str = include_str!("../../../shader/split.wgsl");
const FORWARD: &str = include_str!("../../../shader/forward.wgsl");
const INVERSE: &str = include_str!("../../../shader/inverse.wgsl");
pub(super) const MATH: &str = include_str!("../../../shader/math.wgsl");
const FRAME: &str = include_str!("../../../shader/frame.wgsl");
const EFFECT: &str = include_str!("../../../shader/effect.wgsl");
const TIME: &str = include_str!("../../../shader/time.wgsl");
const BLUR: &str = include_str!("../../../shader/blur.wgsl");
const WARP: &str = include_str!("../../../shader/warp.wgsl");
const BARE: &str = include_str!("../../../shader/bare.wgsl");
pub(super) const COLOUR: &str = include_str!("../../../shader/colour.wgsl");
const TEXTURE: &str = include_str!("../../../shader/texture.wgsl");
const STREAM: &str = include_str!("../../../shader/stream.wgsl");

const FRAMES_AS_COMPLEX: &str = "frames: array<vec2<f32>>;";
const FRAMES_AS_ATOMIC: &str = "frames: array<atomic<i32>>;";

/// Element of the tables buffer where the warp's kernels begin: behind all twiddles.
pub const WARP_KERNELS: usize = 2 * MAX_N - MIN_N;

/// One unit of compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// Window, FFT and split for one transform size.
    Forward { n: usize },
    /// Inverse FFT and window for one transform size.
    Inverse { n: usize },
    /// The FFT alone, for comparison; for the sizes that one workgroup transforms.
    Bare { n: usize },
    /// Spectra to pictures, any size.
    Texture,
    /// Overlap-add, any size.
    Stream,
    /// The effects along time, any size.
    Time,
    /// The other effects that act on each bin alone, any size.
    Effect,
    /// The blur over frequency, any size.
    Blur,
    /// The warp, any size.
    Warp,
}

/// Points that one workgroup transforms in its own memory: 32 KiB of complex f32.
pub const TILE_POINTS: usize = 4096;

/// Sizes of the transform of `n` real samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transform {
    /// Workgroups that share one transform.
    pub parts: usize,
    /// Points of one workgroup.
    pub points: usize,
    pub first_radix: usize,
    /// Element of the tables buffer where the twiddles begin.
    pub twiddles: usize,
    pub class: usize,
}

impl Transform {
    /// `None` where there is no kernel of this size.
    pub fn new(n: usize) -> Option<Self> {
        let class = class_of(n)?;
        let packed = n / 2;
        let points = packed.min(TILE_POINTS);
        let first_radix = match points.trailing_zeros() % 3 {
            0 => 8,
            1 => 2,
            _ => 4,
        };
        Some(Self { parts: packed / points, points, first_radix, twiddles: n - MIN_N, class })
    }

    /// As [`Self::new`], on a device whose workgroups may have so many invocations.
    pub fn within(invocations: u32, n: usize) -> Option<Self> {
        Self::new(n).filter(|transform| transform.width() <= invocations as usize)
    }

    pub fn all() -> impl Iterator<Item = usize> {
        (0..CLASSES).map(|class| MIN_N << class).take_while(|&n| n <= MAX_N)
    }

    /// Invocations of one workgroup: eight points each.
    pub fn width(&self) -> usize {
        self.points / 8
    }
}

impl Module {
    /// Every module that exists, for the validation test and for warm-up.
    pub fn all() -> Vec<Self> {
        let mut modules =
            vec![Self::Stream, Self::Texture, Self::Time, Self::Effect, Self::Blur, Self::Warp];
        for n in Transform::all() {
            modules.extend([Self::Forward { n }, Self::Inverse { n }]);
            if Transform::new(n).is_some_and(|transform| transform.parts == 1) {
                modules.push(Self::Bare { n });
            }
        }
        modules
    }

    /// Entry points of the module, each a pipeline.
    pub fn entry_points(self) -> &'static [&'static str] {
        match self {
            Self::Forward { .. } => &["forward", "split_bins"],
            Self::Inverse { .. } => &["inverse"],
            Self::Bare { .. } => &["bare_real", "bare_packed"],
            Self::Stream => &["overlap_add"],
            Self::Time => &["time"],
            Self::Effect => &["effect"],
            Self::Texture => &["texture"],
            Self::Blur => &["blur"],
            Self::Warp => &["warp"],
        }
    }

    pub fn source(self) -> String {
        match self {
            Self::Forward { n } => [SHARED, &constants(n), FFT, SPLIT, FORWARD].concat(),
            Self::Inverse { n } => [SHARED, &constants(n), FFT, INVERSE].concat(),
            Self::Bare { n } => [SHARED, &constants(n), FFT, SPLIT, BARE].concat(),
            Self::Stream => [SHARED, STREAM].concat(),
            Self::Time => [SHARED, MATH, FRAME, TIME].concat(),
            Self::Effect => [SHARED, MATH, FRAME, EFFECT].concat(),
            Self::Texture => {
                let shared = SHARED.replace("outbox: array<f32>;", "outbox: array<u32>;");
                [&shared, COLOUR, TEXTURE].concat()
            }
            Self::Blur => [SHARED, MATH, FRAME, BLUR].concat(),
            Self::Warp => {
                // The same buffer as in the other kernels, bound as integers that can be added to
                // by many invocations in any order with one result.
                let shared = SHARED.replace(FRAMES_AS_COMPLEX, FRAMES_AS_ATOMIC);
                [&shared, MATH, FRAME, WARP].concat()
            }
        }
    }
}

fn constants(n: usize) -> String {
    let t = Transform::new(n).expect("modules are only named for sizes that exist");
    format!(
        "const N: u32 = {n}u;\nconst K: u32 = {}u;\nconst L: u32 = {}u;\nconst R: u32 = {}u;\n\
         const CLASS: u32 = {}u;\nconst FIRST: u32 = {}u;\nconst TWIDDLES: u32 = {}u;\n",
        n / 2,
        t.points,
        t.parts,
        t.class,
        t.first_radix,
        t.twiddles
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_with_small_workgroups_has_the_sizes_that_fit() {
        let sizes = |invocations| -> Vec<usize> {
            Transform::all().filter(|&n| Transform::within(invocations, n).is_some()).collect()
        };
        let all: Vec<usize> = Transform::all().collect();
        // Eight points each, two samples a point: 256 invocations do 4096 samples.
        let small: Vec<usize> = all.iter().copied().filter(|&n| n <= 4096).collect();
        assert!(small.len() < all.len() && !small.is_empty());
        assert_eq!((sizes(256), sizes(512)), (small, all));
    }
}
