//! Spectra to pictures (P5): RGBA8 with magnitude in red (a fixed range of dB under a slowly moving
//! top), phase in green, blue reserved, opaque. Rounded, not truncated. For displays: never on the
//! audio thread.

use crate::field::LOWEST_HZ;
use crate::math::wide;

/// Decibels shown from black to full.
pub const RANGE_DB: f32 = 90.0;

/// Seconds in which the top falls by `1/e` of the way to what is heard; it rises ten times faster.
const FALL_SECONDS: f32 = 4.0;
/// The top never falls below this, so that noise floors stay dark and silence is black.
const LOWEST_TOP_DB: f32 = -40.0;

/// The level that is shown as full, following the loudest of what is shown, slowly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutoGain {
    top_db: f32,
}

impl Default for AutoGain {
    fn default() -> Self {
        Self { top_db: 0.0 }
    }
}

impl AutoGain {
    pub fn top_db(&self) -> f32 {
        self.top_db
    }

    /// Takes note of a column whose loudest magnitude is `peak`, shown for `seconds`.
    pub fn observe(&mut self, peak: f32, seconds: f32) {
        let heard = if peak.is_finite() && peak > 0.0 { 20.0 * peak.log10() } else { f32::MIN };
        let heard = heard.clamp(LOWEST_TOP_DB, 40.0);
        let time = if heard > self.top_db { FALL_SECONDS / 10.0 } else { FALL_SECONDS };
        self.top_db += (1.0 - (-seconds.max(0.0) / time).exp()) * (heard - self.top_db);
    }
}

/// log2 for positive normal numbers, to 2e-4: a hundredth of a level of the picture.
#[inline(always)]
fn log2(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000) - 1.0;
    let curve = m * (1.441_41 + m * (-0.707_38 + m * (0.414_46 + m * (-0.192_73 + m * 0.044_25))));
    exponent as f32 + curve
}

/// The nearest whole level of 0..=255; adding 2^23 rounds, in any vector unit.
#[inline(always)]
fn level(x: f32) -> u32 {
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < 255.0 { x } else { 255.0 };
    (x + 8_388_608.0).to_bits() & 0xff
}

/// Red, green and opaque.
#[inline(always)]
fn pixel(red: f32, green: f32) -> [u8; 4] {
    (level(red) | level(green) << 8 | 0xff00_0000).to_le_bytes()
}

/// The levels of one texture: what a magnitude of one is worth, and the scale.
fn scale(top_db: f32) -> (f32, f32) {
    // 20 log10(x) = 6.0206 log2(x)
    let per_octave = 6.020_6 / RANGE_DB * 255.0;
    (per_octave, (RANGE_DB - top_db) / RANGE_DB * 255.0)
}

wide! {
    /// One pixel a bin: `phase` in radians, -pi..pi. `gain` turns magnitudes into amplitudes of a
    /// full-scale tone (2 over the sum of the window).
    fn pixels(gain: f32, top_db: f32, mag: &[f32], phase: &[f32], out: &mut [[u8; 4]]) {
        let len = out.len();
        let (mag, phase) = (&mag[..len], &phase[..len]);
        let (per_octave, offset) = scale(top_db);
        let per_radian = 255.0 / std::f32::consts::TAU;
        for k in 0..len {
            // The comparison takes care of zero and of what is not a number.
            let x = mag[k] * gain;
            let x = if x > 1e-15 { x } else { 1e-15 };
            out[k] = pixel(log2(x) * per_octave + offset, phase[k] * per_radian + 127.5);
        }
    }
}

/// Draws `out.len() / 4` bins.
pub fn draw(gain: f32, gain_control: &AutoGain, mag: &[f32], phase: &[f32], out: &mut [u8]) {
    let pixels_out = out.as_chunks_mut::<4>().0;
    pixels(gain, gain_control.top_db, mag, phase, pixels_out);
}

wide! {
    /// As `pixels`, from a complex spectrum.
    fn complex_pixels(gain: f32, top_db: f32, re: &[f32], im: &[f32], out: &mut [[u8; 4]]) {
        let len = out.len();
        let (re, im) = (&re[..len], &im[..len]);
        let (per_octave, offset) = scale(top_db);
        let per_radian = 255.0 / std::f32::consts::TAU;
        for k in 0..len {
            let power = (re[k] * re[k] + im[k] * im[k]) * (gain * gain);
            let power = if power > 1e-30 { power } else { 1e-30 };
            let red = log2(power) * (0.5 * per_octave) + offset;
            out[k] = pixel(red, angle(re[k], im[k]) * per_radian + 127.5);
        }
    }
}

/// Draws `out.len() / 4` bins of a complex spectrum.
pub fn draw_complex(gain: f32, gain_control: &AutoGain, re: &[f32], im: &[f32], out: &mut [u8]) {
    let pixels_out = out.as_chunks_mut::<4>().0;
    complex_pixels(gain, gain_control.top_db, re, im, pixels_out);
}

/// Angle of a complex number in -pi..pi, to 1e-5: enough for pictures, quick in vectors.
#[inline(always)]
pub fn angle(re: f32, im: f32) -> f32 {
    let (a, b) = (re.abs(), im.abs());
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let t = small / (large + 1e-30);
    let s = t * t;
    let mut r = t
        * (0.999_977_2
            + s * (-0.332_623_5
                + s * (0.193_543_5 + s * (-0.116_432_9 + s * (0.052_653_3 - s * 0.011_721_2)))));
    r = if b > a { std::f32::consts::FRAC_PI_2 - r } else { r };
    r = if re < 0.0 { std::f32::consts::PI - r } else { r };
    if im < 0.0 { -r } else { r }
}

/// What a row of a display shows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    /// The loudest of several bins: the first, and one past the last.
    Loudest(u32, u32),
    /// A place between a bin and the next, as a fraction.
    Between(u32, f32),
    /// Nothing: the bins begin above it, or end below it.
    Outside,
}

/// From bins to the rows of a display, bottom up.
#[derive(Clone, Debug)]
pub struct RowMap {
    rows: Vec<Row>,
}

impl RowMap {
    /// Rows even in octaves from 20 Hz to Nyquist, of a spectrum's evenly spaced bins.
    pub fn new(rows: usize, bins: usize, sample_rate: f32) -> Self {
        let octaves = (sample_rate / 2.0 / LOWEST_HZ).log2();
        let edge = |row: usize| LOWEST_HZ * (row as f32 / rows as f32 * octaves).exp2();
        let edges: Vec<f32> = (0..=rows).map(edge).collect();
        let step = f64::from(sample_rate) / 2.0 / (bins - 1) as f64;
        let frequencies: Vec<f64> = (0..bins).map(|bin| bin as f64 * step).collect();
        Self::on(&edges, &frequencies)
    }

    /// Rows between each edge and the next, in Hz, of bins at these rising frequencies.
    pub fn on(edges_hz: &[f32], frequencies: &[f64]) -> Self {
        let below = |hz: f64| frequencies.partition_point(|&f| f < hz);
        let row = |edges: &[f32]| {
            let (low, high) = (f64::from(edges[0]), f64::from(edges[1]));
            let (first, end) = (below(low), below(high));
            if end > first {
                Row::Loudest(first as u32, end as u32)
            } else if first == 0 || first == frequencies.len() {
                Row::Outside
            } else {
                let (before, after) = (frequencies[first - 1], frequencies[first]);
                let middle = (low + high) / 2.0;
                Row::Between(first as u32 - 1, ((middle - before) / (after - before)) as f32)
            }
        };
        Self { rows: edges_hz.windows(2).map(row).collect() }
    }

    /// The bin whose phase stands for each row: the first of those it shows.
    pub fn bins(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|row| match *row {
            Row::Loudest(first, _) | Row::Between(first, _) => first as usize,
            Row::Outside => 0,
        })
    }

    /// For each row the first bin, one past the last, and where it lies between the first bin and
    /// the next if it holds none; nothing for a row beyond the bins. For other engines.
    pub fn rows(&self) -> impl Iterator<Item = Option<(u32, u32, f32)>> {
        self.rows.iter().map(|row| match *row {
            Row::Loudest(first, end) => Some((first, end, 0.0)),
            Row::Between(below, fraction) => Some((below, below, fraction)),
            Row::Outside => None,
        })
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The loudest of the bins of each row, so that no partial is lost; between bins, linear.
    pub fn resample(&self, mag: &[f32], out: &mut [f32]) {
        for (row, out) in self.rows.iter().zip(out) {
            *out = match *row {
                Row::Loudest(first, end) => {
                    mag[first as usize..end as usize].iter().fold(0.0f32, |a, &b| a.max(b))
                }
                Row::Between(below, fraction) => {
                    let below = below as usize;
                    mag[below] + (mag[below + 1] - mag[below]) * fraction
                }
                Row::Outside => 0.0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::PI;

    fn pixel(mag: f32, phase: f32, top_db: f32) -> [u8; 4] {
        let mut out = [0; 4];
        draw(1.0, &AutoGain { top_db }, &[mag], &[phase], &mut out);
        out
    }

    // P5: rounding, ends, and what is not a number.
    #[test]
    fn levels_are_rounded_decibels() {
        for db in -900..=0 {
            let db = db as f32 / 10.0;
            let exact = (db + RANGE_DB) / RANGE_DB * 255.0;
            let [r, _, b, a] = pixel(10f32.powf(db / 20.0), 0.0, 0.0);
            assert!((f32::from(r) - exact).abs() <= 0.52, "{db} dB: {r} for {exact}");
            assert_eq!((b, a), (0, 255));
        }
        assert_eq!(pixel(1.0, 0.0, 0.0)[0], 255);
        assert_eq!(pixel(100.0, 0.0, 0.0)[0], 255);
        for nothing in [0.0, -1.0, f32::NAN, f32::MIN_POSITIVE / 2.0] {
            assert_eq!(pixel(nothing, 0.0, 0.0)[0], 0, "{nothing}");
        }
        assert_eq!(pixel(0.01, 0.0, -40.0)[0], 255);
    }

    // P5: -pi..pi to 0..1.
    #[test]
    fn phases_are_rounded_turns() {
        for (phase, green) in [(-PI, 0), (0.0, 128), (PI, 255), (PI / 2.0, 191), (-PI / 2.0, 64)] {
            assert_eq!(pixel(1.0, phase, 0.0)[1], green, "{phase}");
        }
    }

    // P5: slow auto-gain, no flicker; silence is black.
    #[test]
    fn the_top_moves_slowly_and_silence_stays_black() {
        let mut gain = AutoGain::default();
        for _ in 0..60 {
            let before = gain.top_db();
            gain.observe(1e-3, 1.0 / 60.0);
            assert!((gain.top_db() - before).abs() < 0.3, "no jump from frame to frame");
        }
        for _ in 0..6000 {
            gain.observe(0.0, 1.0 / 60.0);
        }
        assert_eq!(gain.top_db().round(), LOWEST_TOP_DB);
        gain.observe(f32::NAN, 1.0);
        gain.observe(f32::INFINITY, 1.0);
        assert!(gain.top_db().is_finite());
        let mut out = [9; 4];
        draw(1.0, &gain, &[0.0], &[0.0], &mut out);
        assert_eq!(out[0], 0);
    }

    #[test]
    fn a_complex_spectrum_draws_as_its_magnitude_and_phase() {
        let auto = AutoGain::default();
        for i in 0..500 {
            let (mag, phase) = (0.5f32.powf(i as f32 * 0.03), (i as f32 * 0.7).sin() * 3.0);
            let (mut a, mut b) = ([0; 4], [0; 4]);
            draw(2.0, &auto, &[mag], &[phase], &mut a);
            let (re, im) = (mag * phase.cos(), mag * phase.sin());
            draw_complex(2.0, &auto, &[re], &[im], &mut b);
            assert!(a[0].abs_diff(b[0]) <= 1 && a[1].abs_diff(b[1]) <= 1, "{a:?} {b:?}");
        }
    }

    #[test]
    fn angles_agree_with_the_library() {
        for i in -999..1000 {
            let exact = i as f32 * PI / 1000.0;
            let (im, re) = exact.sin_cos();
            assert!((angle(3.0 * re, 3.0 * im) - exact).abs() < 2e-5, "{exact}");
        }
        assert_eq!(angle(0.0, 0.0), 0.0);
    }

    #[test]
    fn rows_beyond_the_bins_are_silent_and_those_between_are_linear() {
        let map = RowMap::on(
            &[10.0, 20.0, 90.0, 130.0, 170.0, 210.0, 400.0, 500.0],
            &[100.0, 200.0, 300.0, 350.0],
        );
        let mut out = [9.0; 7];
        map.resample(&[1.0, 3.0, 5.0, 4.0], &mut out);
        // 130..170 lies half-way between the first bin and the second; 210..400 holds two bins.
        assert_eq!(out, [0.0, 0.0, 1.0, 2.0, 3.0, 5.0, 0.0]);
    }

    #[test]
    fn rows_cover_every_bin_and_are_even_in_octaves() {
        let (bins, rate) = (1025, 48_000.0);
        let map = RowMap::new(512, bins, rate);
        let octaves = (rate / 2.0 / LOWEST_HZ).log2();
        let mut mag = vec![0.0; bins];
        for k in (2..bins - 1).step_by(7) {
            mag[k] = 1.0;
            let mut rows = vec![0.0; 512];
            map.resample(&mag, &mut rows);
            let (row, level) =
                rows.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).expect("rows");
            assert!(level > 0.9, "bin {k} is seen: {level}");
            let octave = (k as f32 * rate / 2.0 / (bins - 1) as f32 / LOWEST_HZ).log2();
            assert!((row as f32 - octave / octaves * 512.0).abs() < 8.0, "bin {k} at row {row}");
            mag[k] = 0.0;
        }
    }
}
