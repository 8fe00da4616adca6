//! What the user set, in musical units, for one instant. Plain numbers; the default is neutral.

use serde::{Deserialize, Serialize};

/// Effect parameters as knobs and automation give them. The [`crate::Framer`] smooths them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EffectSettings {
    /// Width (one sigma) of the smear into the past, milliseconds; 0 is off. Beyond a third of the
    /// reach of the taps (110 ms at Live, 220 ms at Studio) the smear becomes flat.
    pub blur_time_ms: f32,
    /// Width (one sigma) of the blur over frequency, octaves; 0 is off.
    pub blur_freq_oct: f32,
    /// Random phase, 0 (off) to 1 (all phase is lost).
    pub diffuse: f32,
    /// Shift of all frequencies, Hz; 0 is off.
    pub shift_hz: f32,
    /// Distance of all frequencies from `pivot_hz` is multiplied by this, 0.25 to 4; 1 is off.
    pub stretch: f32,
    pub pivot_hz: f32,
    /// High-pass corner, Hz; 0 is off.
    pub low_cut_hz: f32,
    /// Low-pass corner, Hz; at `HIGH_CUT_OFF_HZ` and above it is off.
    pub high_cut_hz: f32,
    /// High-pass corner for the movement of each bin's magnitude, Hz; 0 is off.
    pub mod_low_hz: f32,
    /// Low-pass corner for the same; at `MOD_HIGH_OFF_HZ` and above it is off.
    pub mod_high_hz: f32,
    /// Holds the sound of the instant at which it was switched on.
    pub freeze: bool,
    /// How much of the painted field is heard, 0 to 1.
    pub paint: f32,
    /// Seed of everything random.
    pub seed: u32,
}

/// From here up the low-pass is off, and a sweep up to here opens without a step.
pub const HIGH_CUT_OFF_HZ: f32 = 24_000.0;
/// From here up the modulation low-pass is off.
pub const MOD_HIGH_OFF_HZ: f32 = 100.0;
/// Limits of the stretch ratio.
pub const STRETCH_RANGE: (f32, f32) = (0.25, 4.0);

impl Default for EffectSettings {
    fn default() -> Self {
        Self {
            blur_time_ms: 0.0,
            blur_freq_oct: 0.0,
            diffuse: 0.0,
            shift_hz: 0.0,
            stretch: 1.0,
            pivot_hz: 440.0,
            low_cut_hz: 0.0,
            high_cut_hz: HIGH_CUT_OFF_HZ,
            mod_low_hz: 0.0,
            mod_high_hz: MOD_HIGH_OFF_HZ,
            freeze: false,
            paint: 1.0,
            seed: 0,
        }
    }
}

impl EffectSettings {
    /// The same settings with everything that is not a number, or out of range, made legal.
    pub fn sanitised(&self) -> Self {
        let neutral = Self::default();
        let pick = |x: f32, low: f32, high: f32, otherwise: f32| {
            if x.is_finite() { x.clamp(low, high) } else { otherwise }
        };
        Self {
            blur_time_ms: pick(self.blur_time_ms, 0.0, 10_000.0, 0.0),
            blur_freq_oct: pick(self.blur_freq_oct, 0.0, 10.0, 0.0),
            diffuse: pick(self.diffuse, 0.0, 1.0, 0.0),
            shift_hz: pick(self.shift_hz, -96_000.0, 96_000.0, 0.0),
            stretch: pick(self.stretch, STRETCH_RANGE.0, STRETCH_RANGE.1, 1.0),
            pivot_hz: pick(self.pivot_hz, 0.0, 96_000.0, neutral.pivot_hz),
            low_cut_hz: pick(self.low_cut_hz, 0.0, 96_000.0, 0.0),
            high_cut_hz: pick(self.high_cut_hz, 20.0, 1e6, neutral.high_cut_hz),
            mod_low_hz: pick(self.mod_low_hz, 0.0, 1_000.0, 0.0),
            mod_high_hz: pick(self.mod_high_hz, 0.1, 1e6, neutral.mod_high_hz),
            paint: pick(self.paint, 0.0, 1.0, 1.0),
            ..*self
        }
    }
}
