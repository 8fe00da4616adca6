//! A bank of filters that are short and real in the frequency domain: the sparse product that the
//! constant-Q transforms share, whole blocks or one column at a time.

use realfft::num_complex::Complex;

use crate::math::wide;

/// One filter: weights of neighbouring bins of a spectrum of `n` bins that goes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// The first bin; below 0 are the negative frequencies, from `n / 2` on as well.
    pub first: isize,
    /// Where its weights lie among [`Bank::weights`].
    pub at: usize,
    pub len: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Bank {
    bands: Vec<Band>,
    weights: Vec<f32>,
}

impl Bank {
    pub fn push(&mut self, first: isize, weights: impl IntoIterator<Item = f64>) {
        let at = self.weights.len();
        self.weights.extend(weights.into_iter().map(|w| w as f32));
        self.bands.push(Band { first, at, len: self.weights.len() - at });
    }

    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub fn weights_of(&self, band: &Band) -> &[f32] {
        &self.weights[band.at..band.at + band.len]
    }

    /// All the bins that some band looks at.
    pub fn reach(&self) -> std::ops::Range<isize> {
        let low = self.bands.iter().map(|b| b.first).min().unwrap_or(0);
        let high = self.bands.iter().map(|b| b.first + b.len as isize).max().unwrap_or(0);
        low..high
    }

    /// The band's part of `spectrum`, whose first bin is number `low`.
    fn part<'a>(band: &Band, spectrum: &'a [Complex<f32>], low: isize) -> &'a [Complex<f32>] {
        &spectrum[(band.first - low) as usize..][..band.len]
    }

    /// The filter's output at the spectrum's time zero.
    pub fn at_zero(&self, band: &Band, spectrum: &[Complex<f32>], low: isize) -> Complex<f32> {
        let (mut re, mut im) = (0.0, 0.0);
        dot(self.weights_of(band), Self::part(band, spectrum, low), &mut re, &mut im);
        Complex { re, im }
    }

    /// The filtered spectrum folded into `folded.len()` bins, whose inverse transform is the
    /// filter's output at as many times, evenly spread.
    pub fn fold(
        &self,
        band: &Band,
        spectrum: &[Complex<f32>],
        low: isize,
        folded: &mut [Complex<f32>],
    ) {
        folded.fill(Complex::default());
        let mut weights = self.weights_of(band);
        let mut part = Self::part(band, spectrum, low);
        let mut to = band.first.rem_euclid(folded.len() as isize) as usize;
        while !weights.is_empty() {
            let run = weights.len().min(folded.len() - to);
            accumulate(&weights[..run], &part[..run], &mut folded[to..to + run]);
            weights = &weights[run..];
            part = &part[run..];
            to = 0;
        }
    }

    /// Adds the band, spread out again from a spectrum that [`Self::fold`] gave, to half a spectrum
    /// that the band does not leave.
    pub fn unfold(&self, band: &Band, folded: &[Complex<f32>], half: &mut [Complex<f32>]) {
        let mut weights = self.weights_of(band);
        let mut out = &mut half[band.first as usize..][..band.len];
        let mut from = band.first as usize % folded.len();
        while !weights.is_empty() {
            let run = weights.len().min(folded.len() - from);
            let (now, later) = out.split_at_mut(run);
            accumulate(&weights[..run], &folded[from..from + run], now);
            weights = &weights[run..];
            out = later;
            from = 0;
        }
    }
}

/// Continues half a spectrum of a real signal of `n` samples to the bins `low ..`, as it goes round.
pub fn extend(half: &[Complex<f32>], n: usize, low: isize, out: &mut [Complex<f32>]) {
    let mut bin = low.rem_euclid(n as isize) as usize;
    let mut rest = out;
    while !rest.is_empty() {
        // Positive frequencies run upwards, the negative ones mirrored and conjugate.
        let run = if bin < half.len() { half.len() - bin } else { n - bin }.min(rest.len());
        let (now, later) = rest.split_at_mut(run);
        if bin < half.len() {
            now.copy_from_slice(&half[bin..bin + run]);
        } else {
            for (out, x) in now.iter_mut().zip(half[..=n - bin].iter().rev()) {
                *out = x.conj();
            }
        }
        bin = (bin + run) % n;
        rest = later;
    }
}

wide! {
    fn accumulate(weights: &[f32], part: &[Complex<f32>], out: &mut [Complex<f32>]) {
        let len = out.len();
        let (weights, part) = (&weights[..len], &part[..len]);
        for i in 0..len {
            out[i].re += weights[i] * part[i].re;
            out[i].im += weights[i] * part[i].im;
        }
    }
}

wide! {
    fn dot(weights: &[f32], part: &[Complex<f32>], re: &mut f32, im: &mut f32) {
        // Sums side by side: a vector unit keeps them apart, and so do their rounding errors.
        let mut sums = [[0.0f32; 16]; 2];
        let whole = weights.len() / 16 * 16;
        let mut i = 0;
        while i < whole {
            let (w, x) = (&weights[i..i + 16], &part[i..i + 16]);
            for j in 0..16 {
                sums[0][j] += w[j] * x[j].re;
                sums[1][j] += w[j] * x[j].im;
            }
            i += 16;
        }
        for (w, x) in weights[whole..].iter().zip(&part[whole..weights.len()]) {
            sums[0][0] += w * x.re;
            sums[1][0] += w * x.im;
        }
        *re = sums[0].iter().sum();
        *im = sums[1].iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spectrum_goes_round_with_its_mirror() {
        for n in [7usize, 8] {
            let value = |k: usize| {
                let m = k.min(n - k) as f32;
                Complex::new(m, if 2 * k > n { -m } else { m })
            };
            let half: Vec<_> = (0..n / 2 + 1).map(value).collect();
            for low in -20..20isize {
                let mut out = vec![Complex::default(); 23];
                extend(&half, n, low, &mut out);
                for (i, x) in out.iter().enumerate() {
                    let k = (low + i as isize).rem_euclid(n as isize) as usize;
                    assert_eq!(*x, value(k), "bin {k} of {n} from {low}");
                }
            }
        }
    }
}
