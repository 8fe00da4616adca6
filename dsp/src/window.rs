//! Analysis and synthesis windows that reconstruct perfectly. Computed once, in f64.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::quality::WindowSpec;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WindowShape {
    Hann,
    BlackmanHarris,
    Kaiser {
        beta: f32,
    },
    /// Long analysis, short synthesis (Mauler and Martin, EUSIPCO 2007): their product is a short
    /// Hann window, so that latency is that of the short one. The price is leakage, with side lobes
    /// near -15 dB.
    Asymmetric,
}

/// The two windows of a [`WindowSpec`], scaled so that overlap-add of their product at the hop is
/// exactly one.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// `n` samples.
    pub analysis: Vec<f32>,
    /// `m` samples, for the last `m` of the frame.
    pub synthesis: Vec<f32>,
}

impl Windows {
    pub fn new(spec: &WindowSpec) -> Self {
        let (analysis, synthesis) = match spec.shape {
            WindowShape::Asymmetric => asymmetric(spec.n, spec.m, spec.h),
            WindowShape::Hann => with_dual(hann(spec.n), spec.h),
            WindowShape::BlackmanHarris => with_dual(blackman_harris(spec.n), spec.h),
            WindowShape::Kaiser { beta } => with_dual(kaiser(spec.n, f64::from(beta)), spec.h),
        };
        let f32s = |w: Vec<f64>| w.into_iter().map(|x| x as f32).collect();
        Self { analysis: f32s(analysis), synthesis: f32s(synthesis) }
    }
}

/// Periodic Hann window.
pub fn hann(n: usize) -> Vec<f64> {
    (0..n).map(|i| (PI * i as f64 / n as f64).sin().powi(2)).collect()
}

/// Periodic four-term Blackman-Harris window (side lobes at -92 dB).
pub fn blackman_harris(n: usize) -> Vec<f64> {
    const TERMS: [f64; 4] = [0.35875, -0.48829, 0.14128, -0.01168];
    let turn = 2.0 * PI / n as f64;
    (0..n)
        .map(|i| (0..4).map(|k| TERMS[k] * (turn * (k * i) as f64).cos()).sum::<f64>().max(0.0))
        .collect()
}

/// Periodic Kaiser window.
pub fn kaiser(n: usize, beta: f64) -> Vec<f64> {
    let peak = bessel_i0(beta);
    (0..n)
        .map(|i| {
            let x = 2.0 * i as f64 / n as f64 - 1.0;
            bessel_i0(beta * (1.0 - x * x).max(0.0).sqrt()) / peak
        })
        .collect()
}

/// Modified Bessel function of the first kind, order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-18 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// The canonical dual: the synthesis window of least norm that reconstructs `analysis` at `hop`.
fn with_dual(analysis: Vec<f64>, hop: usize) -> (Vec<f64>, Vec<f64>) {
    let mut energy = vec![0.0; hop];
    for (i, w) in analysis.iter().enumerate() {
        energy[i % hop] += w * w;
    }
    let dual = analysis.iter().enumerate().map(|(i, w)| w / energy[i % hop]).collect();
    (analysis, dual)
}

/// Rises over `n - m/2` samples, falls over `m/2`; the product with the synthesis window is a Hann
/// window of `m` samples.
fn asymmetric(n: usize, m: usize, hop: usize) -> (Vec<f64>, Vec<f64>) {
    let rise = n - m / 2;
    let product = hann(m);
    let analysis: Vec<f64> = (0..n)
        .map(|i| {
            if i < rise {
                (PI * i as f64 / (2 * rise) as f64).sin()
            } else {
                product[i - (n - m)].sqrt()
            }
        })
        .collect();
    // Hann windows of m samples at this hop add up to m / (2 hop).
    let scale = (2 * hop) as f64 / m as f64;
    let synthesis = (0..m)
        .map(|j| {
            let w = analysis[n - m + j];
            if w > 0.0 { scale * product[j] / w } else { 0.0 }
        })
        .collect();
    (analysis, synthesis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::Quality;

    fn reconstruction_error(spec: &WindowSpec) -> f64 {
        let windows = spec.windows();
        let mut sum = vec![0.0f64; spec.h];
        for j in 0..spec.m {
            sum[j % spec.h] +=
                f64::from(windows.analysis[spec.n - spec.m + j]) * f64::from(windows.synthesis[j]);
        }
        sum.into_iter().map(|s| (s - 1.0).abs()).fold(0.0, f64::max)
    }

    // X2: what every neutral output rests on.
    #[test]
    fn every_quality_reconstructs_at_every_rate() {
        for quality in Quality::ALL {
            for rate in [22_050.0, 44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0] {
                let spec = WindowSpec::new(quality, rate);
                let error = reconstruction_error(&spec);
                assert!(error < 3e-7, "{} at {rate}: off by {error}", quality.name());
            }
        }
    }

    // P1: every symmetric shape, at every overlap that it allows.
    #[test]
    fn every_shape_reconstructs() {
        for (shape, hops) in [
            (WindowShape::Hann, vec![1024, 512, 256, 64]),
            (WindowShape::BlackmanHarris, vec![512, 256, 64]),
            (WindowShape::Kaiser { beta: 8.0 }, vec![512, 256, 64]),
        ] {
            for hop in hops {
                let spec = WindowSpec::custom(2048, 2048, hop, shape).expect("a legal size");
                let error = reconstruction_error(&spec);
                assert!(error < 3e-7, "{shape:?} at hop {hop}: off by {error}");
            }
        }
    }

    #[test]
    fn the_asymmetric_synthesis_window_stays_bounded() {
        for quality in [Quality::Live, Quality::Balanced] {
            let windows = WindowSpec::new(quality, 48_000.0).windows();
            let peak = windows.synthesis.iter().fold(0.0f32, |a, &b| a.max(b));
            assert!(peak <= 1.0, "an error of a bin must not grow: {peak}");
            assert!(windows.analysis.iter().all(|w| (0.0..=1.0).contains(w)));
        }
    }
}
