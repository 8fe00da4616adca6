//! Painted displacement into the past: for these bins the taps of the time stage start later.
//!
//! Bins are done one by one, as each starts at its own tap. Magnitudes are interpolated between two
//! taps. The carrier is that of the nearer tap, with a short crossfade half way, so that a tone
//! between two taps does not cancel and nothing jumps where one tap gives way to the next.

use super::Work;
use super::time::{CARRIERS, Gaussians, NEGLIGIBLE, TimeTable};
use crate::math::smoothstep;
use crate::quality::TAPS;
use crate::stft::Spectrum;

type AllTaps<'a> = [&'a Spectrum; TAPS + 1];

pub(super) fn apply(table: &TimeTable, taps: &AllTaps, bins: usize, work: &mut Work) {
    for k in 0..bins {
        let delay = table.delay[k];
        if delay <= 0.0 {
            continue;
        }
        let first = (delay as usize).min(TAPS - 2);
        let fraction = delay - first as f32;
        work.target[k] = magnitude(table, taps, k, first, fraction);
        let nearer = smoothstep((fraction - 0.3) * 2.5);
        let (mut re, mut im) = (0.0, 0.0);
        for (start, share) in [(first, 1.0 - nearer), (first + 1, nearer)] {
            if share > 0.0 {
                let carrier = carrier(table, taps, k, start);
                re += share * carrier.0;
                im += share * carrier.1;
            }
        }
        work.re[k] = re;
        work.im[k] = im;
    }
}

fn magnitude(table: &TimeTable, taps: &AllTaps, k: usize, first: usize, fraction: f32) -> f32 {
    let mag = |m: usize| taps[m.min(TAPS - 1)].mag[k];
    let mean = |gaussians: &Gaussians| {
        let (mut sum, mut weight, mut step) = (0.0, 1.0, gaussians.ratio[k]);
        let growth = gaussians.growth[k];
        let mut here = mag(first);
        for m in 0..TAPS {
            let behind = mag(first + m + 1);
            sum += weight * (here + (behind - here) * fraction);
            here = behind;
            weight *= step;
            step *= growth;
            if weight < NEGLIGIBLE {
                break;
            }
        }
        sum * gaussians.scale[k]
    };
    let blurred = mean(&table.blur);
    if table.any_mean { (blurred - table.share[k] * mean(&table.mean)).max(0.0) } else { blurred }
}

fn carrier(table: &TimeTable, taps: &AllTaps, k: usize, start: usize) -> (f32, f32) {
    let now = taps[start];
    if !table.any_blur {
        return (now.re[k], now.im[k]);
    }
    let own = table.carrier_rows[0][k];
    let (mut re, mut im) = (own * now.re[k], own * now.im[k]);
    for (doublings, &m) in CARRIERS.iter().enumerate() {
        let weight = table.carrier_rows[doublings + 1][k];
        if weight < NEGLIGIBLE {
            break;
        }
        let at = (start + m).min(TAPS - 1);
        let (here, older) = (taps[at], taps[at + 1]);
        let size = 1.0 / (here.mag[k] * older.mag[k]).max(1e-30);
        let mut z_re = (here.re[k] * older.re[k] + here.im[k] * older.im[k]) * size;
        let mut z_im = (here.im[k] * older.re[k] - here.re[k] * older.im[k]) * size;
        for _ in 0..doublings {
            (z_re, z_im) = (z_re * z_re - z_im * z_im, 2.0 * z_re * z_im);
        }
        re += weight * (here.re[k] * z_re - here.im[k] * z_im);
        im += weight * (here.re[k] * z_im + here.im[k] * z_re);
    }
    (re, im)
}
