//! Small exact building blocks that the CPU and the WGSL share, function by function.
//!
//! Angles are *turns*: an `u32` counts 2^32 to the turn and wraps as angles do, so that running
//! phases never lose precision; as `f32` a turn lies in -0.5..0.5.

/// Runs a loop over slices with the widest vectors that this processor has.
///
/// The body is compiled once for the baseline and once for AVX2 and the better one is taken at run
/// time. No fused multiply-add is enabled: both give the same bits.
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[inline(always)]
            fn body($($arg: $type),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn with_avx2($($arg: $type),*) $(-> $ret)? { body($($arg),*) }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: AVX2 was detected in the line above.
                    return unsafe { with_avx2($($arg),*) };
                }
            }
            #[allow(unreachable_code)]
            body($($arg),*)
        }
    };
}
pub(crate) use wide;

/// Turns, as f32 in -0.5..0.5, of a phase that counts 2^32 to the turn.
#[inline(always)]
pub fn turns_f32(phase: u32) -> f32 {
    (phase as i32) as f32 * (1.0 / 4_294_967_296.0)
}

/// What `x` has above the whole number below it, 0..1; 0 for what is not a finite number. Where the
/// processor is not known to round, `floor` is a call of some length.
pub fn fraction(x: f64) -> f64 {
    // From here on all numbers are whole.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    if !(-WHOLE..WHOLE).contains(&x) {
        return 0.0;
    }
    let part = x - (x as i64) as f64;
    let part = if part < 0.0 { part + 1.0 } else { part };
    // A tiny negative number rounds to 1.
    if part < 1.0 { part } else { 0.0 }
}

/// Phase that counts 2^32 to the turn, of any number of turns.
pub fn turns_u32(turns: f64) -> u32 {
    (fraction(turns) * 4_294_967_296.0) as u32
}

// The first coefficients are fitted, not the constants that they come near.
#[allow(clippy::approx_constant)]
/// sin(2 pi t) for t in -0.5..=0.5, to 4e-9 before rounding. The same polynomial is in WGSL.
#[inline(always)]
pub fn sin_turns(t: f32) -> f32 {
    let half = if t < 0.0 { -0.5 } else { 0.5 };
    let x = if t.abs() > 0.25 { half - t } else { t };
    let y = x * x;
    x * (6.283_185 + y * (-41.341_656 + y * (81.601_006 + y * (-76.549_78 + y * 39.536_705))))
}

/// cos(2 pi t) for t in -0.5..=0.5.
#[inline(always)]
pub fn cos_turns(t: f32) -> f32 {
    sin_turns(0.25 - t.abs())
}

#[allow(clippy::approx_constant)]
/// 2^x for x in -126..126, to 2e-7 relative; outside it clamps.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let x = x.clamp(-126.0, 126.0);
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer in any vector unit.
    let whole = (x + 12_582_912.0) - 12_582_912.0;
    let f = x - whole;
    let power = f32::from_bits(((whole as i32 + 127) as u32) << 23);
    power
        * (1.0
            + f * (0.693_147_2
                + f * (0.240_226_5
                    + f * (0.055_503_27
                        + f * (0.009_618_036 + f * (0.001_340_043_3 + f * 0.000_154_673_65))))))
}

/// A well mixed 32-bit hash (the finaliser "lowbias32"); integer only, so that WGSL gives the same.
#[inline(always)]
pub fn hash(x: u32) -> u32 {
    let mut x = x;
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Zero slope at both ends, 0 below 0 and 1 above 1.
#[inline(always)]
pub fn smoothstep(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// Rows of spectra are padded to a multiple of this, so that loops need no remainder.
pub const RUN: usize = 32;

/// Rounds a length up to whole runs.
pub const fn padded(len: usize) -> usize {
    len.div_ceil(RUN) * RUN
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn sine_and_cosine_agree_with_the_library() {
        for i in -5000..=5000 {
            let t = i as f32 / 10_000.0;
            let exact = f64::from(t) * TAU;
            assert!((f64::from(sin_turns(t)) - exact.sin()).abs() < 3e-7, "sin at {t}");
            assert!((f64::from(cos_turns(t)) - exact.cos()).abs() < 3e-7, "cos at {t}");
        }
    }

    #[test]
    fn exp2_agrees_with_the_library_and_is_exact_at_zero() {
        assert_eq!(exp2(0.0), 1.0);
        for i in -1200..=1200 {
            let x = i as f32 / 10.0;
            let exact = f64::from(x).exp2();
            assert!((f64::from(exp2(x)) / exact - 1.0).abs() < 3e-7, "2^{x}");
        }
    }

    #[test]
    fn fractions_are_those_of_floor() {
        let mut x = -3.0;
        for i in 0..2000 {
            assert_eq!(fraction(x), x - x.floor(), "{x}");
            x += 0.003 + f64::from(i) * 1e-9;
        }
        for x in [1e15 + 0.5, -1e15 - 0.25, 4_503_599_627_370_495.5, 0.0, -0.0, 1.0, -7.0] {
            assert_eq!(fraction(x), x - x.floor(), "{x}");
        }
        for x in [-1e-30, 1e16, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(fraction(x), 0.0, "{x}");
        }
    }

    #[test]
    fn phases_wrap_as_angles_do() {
        assert_eq!(turns_u32(0.25), 1 << 30);
        assert_eq!(turns_u32(-0.25), 3 << 30);
        assert_eq!(turns_u32(1e9 + 0.5), 1 << 31);
        assert_eq!(turns_f32(3 << 30), -0.25);
    }
}
