//! Gives a spectrum new magnitudes and keeps its phases as far as they mean anything.
//!
//! Where the carrier is much smaller than the magnitude wanted, its phase is mostly rounding noise.
//! Taking it would make the result depend on the last bit of an FFT, differently on every machine.
//! So below `FLOOR` times the wanted magnitude the carrier fades out and a seeded phasor fades in.

use crate::math::wide;

/// Carriers stronger than this part of the wanted magnitude keep their phase exactly.
pub const FLOOR: f32 = 0.1;
/// Below this a magnitude is silence; keeps 0 / 0 away.
pub const SILENCE: f32 = 1e-20;

wide! {
    /// (re, im): carrier in, result out. With `target == |carrier|` nothing changes.
    pub fn set_magnitude(
        target: &[f32],
        fill_re: &[f32],
        fill_im: &[f32],
        re: &mut [f32],
        im: &mut [f32],
    ) {
        let len = target.len();
        let (fill_re, fill_im) = (&fill_re[..len], &fill_im[..len]);
        let (re, im) = (&mut re[..len], &mut im[..len]);
        for k in 0..len {
            let carrier = (re[k] * re[k] + im[k] * im[k]).sqrt();
            let t = target[k];
            let full = carrier.max(FLOOR * t).max(SILENCE);
            let gain = t / full;
            let missing = (t - carrier * gain).max(0.0);
            re[k] = re[k] * gain + fill_re[k] * missing;
            im[k] = im[k] * gain + fill_im[k] * missing;
        }
    }
}
