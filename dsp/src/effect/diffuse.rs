//! Diffuse: turns each bin by a slowly moving random phase. Magnitudes stay.

use super::{Tables, Work};
use crate::math::{cos_turns, sin_turns, wide};

wide! {
    pub(super) fn prepare(amount: f32, turns: &[f32], re: &mut [f32], im: &mut [f32]) {
        let len = turns.len();
        let (re, im) = (&mut re[..len], &mut im[..len]);
        for k in 0..len {
            let t = amount * turns[k];
            re[k] = cos_turns(t);
            im[k] = sin_turns(t);
        }
    }
}

wide! {
    fn rotate(by_re: &[f32], by_im: &[f32], re: &mut [f32], im: &mut [f32]) {
        let len = by_re.len();
        let (by_im, re, im) = (&by_im[..len], &mut re[..len], &mut im[..len]);
        for k in 0..len {
            let (a, b) = (re[k], im[k]);
            re[k] = a * by_re[k] - b * by_im[k];
            im[k] = a * by_im[k] + b * by_re[k];
        }
    }
}

pub(super) fn apply(tables: &Tables, work: &mut Work) {
    rotate(&tables.turn_re, &tables.turn_im, &mut work.re, &mut work.im);
}
