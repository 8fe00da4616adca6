//! Qualities and the sizes that follow from them (DESIGN 2). No thread, no state.

use serde::{Deserialize, Serialize};

use crate::window::{WindowShape, Windows};

/// How many taps the effects that look back in time may read, the current frame included.
///
/// A tap is a frame `stride_hops` before the one after it. 32 taps of a quarter window reach
/// 0.33 s back at Live and 0.68 s at Studio: enough for a smear, cheap enough for one dispatch.
pub const TAPS: usize = 32;

/// The trade between latency and frequency resolution that the user picks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    #[default]
    Live,
    Balanced,
    Studio,
    Ultra,
}

impl Quality {
    pub const ALL: [Self; 4] = [Self::Live, Self::Balanced, Self::Studio, Self::Ultra];

    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Balanced => "Balanced",
            Self::Studio => "Studio",
            Self::Ultra => "Ultra",
        }
    }
}

/// Why a custom window specification was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    #[error("analysis window of {0} samples: must be a power of two from 64 to 65536")]
    Analysis(usize),
    #[error("synthesis window of {m} samples: must be a power of two, at most the {n} of analysis")]
    Synthesis { m: usize, n: usize },
    #[error("hop of {h} samples: must be a power of two, at most half of the {m} of synthesis")]
    Hop { h: usize, m: usize },
    #[error("a symmetric window needs equal lengths, found {n} for analysis and {m} for synthesis")]
    Symmetric { n: usize, m: usize },
    #[error("Blackman-Harris and Kaiser windows need a hop of at most a quarter, found {h} of {n}")]
    Overlap { h: usize, n: usize },
}

/// The sizes of one quality at one sample rate. Immutable from activation to deactivation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// Analysis window, samples.
    pub n: usize,
    /// Synthesis window, samples: the last `m` of the analysis window.
    pub m: usize,
    /// Hop, samples.
    pub h: usize,
    pub shape: WindowShape,
    pub quality: Quality,
}

impl WindowSpec {
    /// The sizes of DESIGN 2, scaled by the power of two nearest to `sample_rate` / 48 kHz.
    pub fn new(quality: Quality, sample_rate: f64) -> Self {
        let (n, m, h, shape) = match quality {
            Quality::Live => (2048, 256, 64, WindowShape::Asymmetric),
            Quality::Balanced => (2048, 1024, 256, WindowShape::Asymmetric),
            Quality::Studio => (4096, 4096, 1024, WindowShape::Hann),
            Quality::Ultra => (8192, 8192, 2048, WindowShape::Hann),
        };
        let octave = (sample_rate / 48_000.0).max(1e-3).log2().round().clamp(-3.0, 3.0) as i32;
        let scale = |x: usize| if octave >= 0 { x << octave } else { x >> -octave };
        Self { n: scale(n), m: scale(m), h: scale(h), shape, quality }
    }

    /// Any sizes and shape that reconstruct perfectly; for analysis, tests and offline work.
    pub fn custom(n: usize, m: usize, h: usize, shape: WindowShape) -> Result<Self, SpecError> {
        if !n.is_power_of_two() || !(64..=65_536).contains(&n) {
            return Err(SpecError::Analysis(n));
        }
        if !m.is_power_of_two() || m > n {
            return Err(SpecError::Synthesis { m, n });
        }
        if !h.is_power_of_two() || 2 * h > m {
            return Err(SpecError::Hop { h, m });
        }
        match shape {
            WindowShape::Asymmetric => {}
            _ if n != m => return Err(SpecError::Symmetric { n, m }),
            WindowShape::Hann => {}
            WindowShape::BlackmanHarris | WindowShape::Kaiser { .. } if 4 * h > n => {
                return Err(SpecError::Overlap { h, n });
            }
            WindowShape::BlackmanHarris | WindowShape::Kaiser { .. } => {}
        }
        Ok(Self { n, m, h, shape, quality: Quality::Studio })
    }

    /// Bins of a real spectrum, from 0 Hz to Nyquist, both included.
    pub fn bins(&self) -> usize {
        self.n / 2 + 1
    }

    /// How many frames overlap in one output hop.
    pub fn overlap(&self) -> usize {
        self.m / self.h
    }

    /// Distance of two neighbouring taps of the effects that look back, in hops.
    pub fn stride_hops(&self) -> usize {
        (self.n / 4 / self.h).max(1)
    }

    /// Frames before the current one that an effect may read: `TAPS - 1` strides back, and one
    /// more for the phase advance of the oldest tap.
    pub fn reach_hops(&self) -> usize {
        TAPS * self.stride_hops()
    }

    /// Input samples that one frame may depend on, counted back from its last sample.
    pub fn reach_samples(&self) -> usize {
        self.n + self.reach_hops() * self.h
    }

    /// Latency of windowing alone, samples.
    pub fn window_latency(&self) -> usize {
        self.m - self.h
    }

    /// Latency from input to output when an engine is given `async_samples` to answer.
    pub fn latency(&self, async_samples: usize) -> usize {
        async_samples + self.window_latency()
    }

    /// Where, in the analysis window, spectra have their phase reference: the centre of the
    /// synthesis part. A frame is rotated so that this sample comes first before its FFT. Moving a
    /// spectrum by a fraction of a bin is then exact where the synthesis window looks.
    pub fn centre(&self) -> usize {
        self.n - self.m / 2
    }

    pub fn windows(&self) -> Windows {
        Windows::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_design_and_scale_with_the_rate() {
        let live = WindowSpec::new(Quality::Live, 48_000.0);
        assert_eq!((live.n, live.m, live.h), (2048, 256, 64));
        assert_eq!(live.latency(128), 320);
        assert_eq!(live.stride_hops(), 8);
        assert_eq!(WindowSpec::new(Quality::Balanced, 44_100.0).latency(256), 1024);
        assert_eq!(WindowSpec::new(Quality::Studio, 48_000.0).latency(1024), 4096);
        assert_eq!(WindowSpec::new(Quality::Ultra, 48_000.0).latency(2048), 8192);
        let fast = WindowSpec::new(Quality::Live, 96_000.0);
        assert_eq!((fast.n, fast.m, fast.h), (4096, 512, 128));
        assert_eq!(WindowSpec::new(Quality::Ultra, 192_000.0).n, 32_768);
    }

    #[test]
    fn sizes_that_cannot_reconstruct_are_refused_with_what_was_found() {
        let refused = WindowSpec::custom(2048, 256, 256, WindowShape::Asymmetric);
        assert_eq!(refused, Err(SpecError::Hop { h: 256, m: 256 }));
        let refused = WindowSpec::custom(1000, 500, 100, WindowShape::Hann);
        assert_eq!(refused, Err(SpecError::Analysis(1000)));
        assert!(WindowSpec::custom(2048, 1024, 256, WindowShape::Hann).is_err());
        assert!(WindowSpec::custom(2048, 2048, 1024, WindowShape::BlackmanHarris).is_err());
    }
}
