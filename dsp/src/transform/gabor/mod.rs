//! A constant-Q transform that loses nothing: a non-stationary Gabor frame on a logarithmic scale
//! (after Balazs, Doerfler, Jaillet, Holighaus and Velasco, 2011).
//!
//! Windows stand in the frequency domain, each from its lower to its upper neighbour, so that they
//! add up to one. Below the lowest and above the highest bin one wide window each keeps the rest.
//! Every window is sampled at least as densely as it is wide (the painless case), so the frame
//! operator is a plain product over frequency, and dividing by it gives the canonical dual.
//!
//! A coefficient is a sample of the sound filtered by its window, as an analytic signal: a sine of
//! amplitude 1 at a bin's centre has magnitude 1. Frame `j` of a block is centred on its sample
//! `j * hop`.

mod core;
mod sliced;
mod stream;
mod view;
mod whole;

use std::f64::consts::FRAC_PI_2;

pub use sliced::{SliceWindow, SlicedGabor};
pub use stream::GaborStream;
pub use view::GaborView;
pub use whole::Gabor;

use super::TransformError;
use super::error::{SAMPLE_RATES, within};

/// The scale: which bins there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaborSpec {
    pub sample_rate: f64,
    /// The lowest bin.
    pub low_hz: f64,
    /// No bin is higher.
    pub high_hz: f64,
    pub bins_per_octave: usize,
}

/// How much louder or softer than the sound its coefficients can be: with the energies of band `k`
/// weighed by half its hop, `lower |x|^2 <= sum_k (hop_k / 2) |c_k|^2 <= upper |x|^2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameBounds {
    pub lower: f64,
    pub upper: f64,
}

impl FrameBounds {
    /// 1 is a tight frame; rounding errors of the way back grow with this.
    pub fn ratio(&self) -> f64 {
        self.upper / self.lower
    }
}

/// Bins as near to half the sample rate as this leave no room for a window above them.
const HIGHEST_OF_NYQUIST: f64 = 0.98;

impl GaborSpec {
    /// Quarter tones from C1 to 16 kHz, or as far as the rate allows.
    pub fn new(sample_rate: f64) -> Self {
        Self {
            sample_rate,
            low_hz: 440.0 * 2f64.powf(-45.0 / 12.0),
            high_hz: (0.45 * sample_rate).min(16_000.0),
            bins_per_octave: 24,
        }
    }

    pub(super) fn check(&self) -> Result<(), TransformError> {
        within("sample rate", self.sample_rate, SAMPLE_RATES)?;
        within("bins per octave", self.bins_per_octave as f64, 1.0..=384.0)?;
        let highest = HIGHEST_OF_NYQUIST * self.sample_rate / 2.0;
        within("highest frequency", self.high_hz, 1.0..=highest)?;
        within("lowest frequency", self.low_hz, 1.0..=self.high_hz)
    }

    fn hz(&self, bin: f64) -> f64 {
        self.low_hz * 2f64.powf(bin / self.bins_per_octave as f64)
    }

    pub fn bins(&self) -> usize {
        let octaves = (self.high_hz / self.low_hz).log2();
        // A highest frequency that is meant to be a bin is one in spite of rounding.
        (octaves * self.bins_per_octave as f64 + 1e-9).floor() as usize + 1
    }

    pub fn frequencies_hz(&self) -> Vec<f64> {
        (0..self.bins()).map(|k| self.hz(k as f64)).collect()
    }

    /// The narrowest window, in Hz from end to end: the reciprocal of how long its sound rings.
    pub(super) fn narrowest_hz(&self) -> f64 {
        self.hz(1.0) - self.hz(-1.0)
    }

    /// The windows for an FFT of `n`: the rest below, the bins, the rest above.
    pub(super) fn windows(&self, n: usize) -> Vec<Window> {
        let bin_hz = self.sample_rate / n as f64;
        let nyquist = self.sample_rate / 2.0;
        let bins = self.bins();
        let above = self.hz(bins as f64).min(nyquist);
        let highest = self.hz(bins as f64 - 1.0);
        let last = n / 2;
        let fill = |low: f64, high: f64, value: &dyn Fn(f64) -> f64| {
            let first = (low / bin_hz).ceil().max(0.0) as usize;
            // Half the sample rate is a bin in spite of rounding.
            let end = ((high / bin_hz + 1e-9).floor() as usize).min(last) + 1;
            let values = (first..end).map(|i| {
                // 0 Hz and half the rate are their own mirrors and count once, not twice.
                let own = if i == 0 || 2 * i == n { 0.5f64.sqrt() } else { 1.0 };
                own * value(i as f64 * bin_hz)
            });
            Window { first, values: values.collect() }
        };
        let mut windows = Vec::with_capacity(bins + 2);
        let below = self.hz(-1.0);
        windows.push(fill(0.0, self.low_hz, &|hz| fall(below, self.low_hz, hz)));
        for k in 0..bins {
            let centre = self.hz(k as f64);
            let upper = if k + 1 == bins { above } else { self.hz(k as f64 + 1.0) };
            // In a short block neighbours may share a bin of the FFT; a window has some all the same.
            let low = self.hz(k as f64 - 1.0).min(centre - 2.0 * bin_hz);
            let high = upper.max(centre + 2.0 * bin_hz);
            windows.push(fill(low, high, &|hz| {
                if hz <= centre { 1.0 - fall(low, centre, hz) } else { fall(centre, high, hz) }
            }));
        }
        windows.push(fill(highest, nyquist, &|hz| 1.0 - fall(highest, above, hz)));
        windows
    }
}

/// A window over the bins of an FFT from `first` on.
pub(super) struct Window {
    pub first: usize,
    pub values: Vec<f64>,
}

/// From 1 at `from` to 0 at `to`, half a Hann window.
fn fall(from: f64, to: f64, hz: f64) -> f64 {
    let x = ((hz - from) / (to - from)).clamp(0.0, 1.0);
    (FRAC_PI_2 * x).cos().powi(2)
}
