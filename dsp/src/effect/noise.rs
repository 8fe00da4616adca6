//! Seeded random phases that move slowly, the same for every channel and every engine.
//!
//! Each bin has a random value at each cell of a lattice in time (half a window long) and glides
//! from one to the next, so that overlapping frames agree.

use crate::frame::FrameParams;
use crate::math::{cos_turns, hash, sin_turns, smoothstep, turns_f32, wide};

/// The value of bin `k` in lattice cell `cell`, as turns in -0.5..0.5.
#[inline(always)]
pub fn lattice(seed: u32, k: u32, cell: u32) -> f32 {
    turns_f32(hash(hash(cell ^ seed).wrapping_add(k.wrapping_mul(0x9e37_79b9))))
}

wide! {
    /// Turns in -0.5..0.5 for each bin.
    fn glide(seed: u32, cell: u32, fraction: f32, turns: &mut [f32]) {
        let s = smoothstep(fraction);
        let (here, next) = (hash(cell ^ seed), hash(cell.wrapping_add(1) ^ seed));
        for (k, turn) in turns.iter_mut().enumerate() {
            let step = (k as u32).wrapping_mul(0x9e37_79b9);
            let a = turns_f32(hash(here.wrapping_add(step)));
            let b = turns_f32(hash(next.wrapping_add(step)));
            *turn = a + (b - a) * s;
        }
    }
}

wide! {
    /// Unit phasors that turn with their bins' centre frequencies and wander by `turns`.
    fn phasors(bin_phase: u32, turns: &[f32], re: &mut [f32], im: &mut [f32]) {
        let len = turns.len();
        let (re, im) = (&mut re[..len], &mut im[..len]);
        for k in 0..len {
            let mut t = turns_f32((k as u32).wrapping_mul(bin_phase)) + turns[k];
            t = if t >= 0.5 { t - 1.0 } else { t };
            t = if t < -0.5 { t + 1.0 } else { t };
            re[k] = cos_turns(t);
            im[k] = sin_turns(t);
        }
    }
}

pub(super) fn prepare(params: &FrameParams, turns: &mut [f32]) {
    glide(params.seed, params.noise_cell, params.noise_fraction, turns);
}

pub(super) fn prepare_fill(bin_phase: u32, turns: &[f32], re: &mut [f32], im: &mut [f32]) {
    phasors(bin_phase, turns, re, im);
}
