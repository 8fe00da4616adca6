//! Gaussian blur of magnitudes over frequency, its width constant in octaves.
//!
//! The Gaussian is a sum of four boxes over one prefix sum (a stacked integral), so that the cost
//! does not grow with the radius and each bin may have its own. The boxes' widths and weights fit
//! the Gaussian's distribution to 0.6 %; their variance is that of the Gaussian.

use super::{Tables, Work, phasor};
use crate::math::wide;

/// Half widths of the boxes in sigmas, and their weights.
pub const BOXES: [(f32, f32); 4] = [
    (0.634_314_5, 0.154_624_62),
    (1.199_674_1, 0.316_898_52),
    (1.815_338_3, 0.351_041_64),
    (2.725_697_5, 0.177_435_22),
];

/// Bins per octave at bin 1.
const LN_2: f32 = std::f32::consts::LN_2;

/// One edge of a box: `prefix[at] + part * row[at]` is the sum of all that lies below it.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    at: u32,
    part: f32,
}

/// One box around one bin.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    low: Edge,
    high: Edge,
    /// The box's weight over its width.
    scale: f32,
}

/// The boxes of all bins for one width of blur; the same for all channels, and from frame to frame
/// while the width stands still.
pub struct BlurTable {
    spans: Vec<[Span; BOXES.len()]>,
    sigma: Vec<f32>,
    /// The uniform width, octaves, that the spans stand for.
    octaves: Option<f32>,
}

impl BlurTable {
    pub fn new(bins: usize) -> Self {
        Self {
            spans: vec![[Span::default(); BOXES.len()]; bins],
            sigma: vec![0.0; bins],
            octaves: None,
        }
    }

    /// Sigma in octaves: constant plus painted.
    pub(super) fn prepare(&mut self, octaves: f32, painted: Option<&[f32]>) {
        if painted.is_none() && self.octaves == Some(octaves) {
            return;
        }
        self.octaves = painted.is_none().then_some(octaves);
        for (k, s) in self.sigma.iter_mut().enumerate() {
            *s = k as f32 * LN_2 * (octaves + painted.map_or(0.0, |lane| lane[k]));
        }
        spans(&self.sigma, &mut self.spans);
    }

    /// A table for a sigma in bins of its own for each bin.
    pub fn with_sigma_bins(sigma: &[f32]) -> Self {
        let mut table = Self::new(sigma.len());
        table.sigma.copy_from_slice(sigma);
        spans(&table.sigma, &mut table.spans);
        table
    }

    /// Blurs `row`; `prefix` has one element more. Boxes end at the edges and are averages of what
    /// is inside.
    pub fn blur(&self, row: &[f32], prefix: &mut [f32], out: &mut [f32]) {
        prefix_sums(row, prefix);
        gather(&self.spans, row, prefix, out);
    }
}

wide! {
    fn spans(sigma: &[f32], spans: &mut [[Span; BOXES.len()]]) {
        let end = sigma.len() as f32;
        let last = sigma.len() as u32 - 1;
        for (k, (sigma, spans)) in sigma.iter().zip(spans).enumerate() {
            let centre = k as f32 + 0.5;
            for ((width, weight), span) in BOXES.into_iter().zip(spans) {
                let radius = width * sigma;
                // A box of n whole bins has a variance of (n^2 - 1) / 12: the quarter makes a
                // radius of zero exactly one bin.
                let half = (radius * radius + 0.25).sqrt();
                let (low, high) = ((centre - half).max(0.0), (centre + half).min(end));
                let edge = |x: f32| {
                    let at = (x as u32).min(last);
                    Edge { at, part: x - at as f32 }
                };
                *span = Span { low: edge(low), high: edge(high), scale: weight / (high - low) };
            }
        }
    }
}

wide! {
    fn prefix_sums(row: &[f32], prefix: &mut [f32]) {
        let prefix = &mut prefix[..row.len() + 1];
        let mut sum = 0.0f32;
        prefix[0] = 0.0;
        for k in 0..row.len() {
            sum += row[k];
            prefix[k + 1] = sum;
        }
    }
}

wide! {
    fn gather(spans: &[[Span; BOXES.len()]], row: &[f32], prefix: &[f32], out: &mut [f32]) {
        let len = row.len();
        let (out, prefix) = (&mut out[..len], &prefix[..len]);
        for (spans, out) in spans[..len].iter().zip(out) {
            let mut value = 0.0;
            for span in spans {
                let (i, j) = (span.low.at as usize, span.high.at as usize);
                let below = prefix[i] + span.low.part * row[i];
                let above = prefix[j] + span.high.part * row[j];
                value += span.scale * (above - below);
            }
            *out = value.max(0.0);
        }
    }
}

wide! {
    fn magnitudes(re: &[f32], im: &[f32], mag: &mut [f32]) {
        let len = mag.len();
        let (re, im) = (&re[..len], &im[..len]);
        for k in 0..len {
            mag[k] = (re[k] * re[k] + im[k] * im[k]).sqrt();
        }
    }
}

pub(super) fn apply(tables: &Tables, work: &mut Work) {
    let bins = tables.bins();
    let [mag, prefix, ..] = &mut work.rows;
    magnitudes(&work.re, &work.im, &mut mag[..bins]);
    tables.blur.blur(&mag[..bins], &mut prefix[..bins + 1], &mut work.target[..bins]);
    phasor::set_magnitude(
        &work.target[..bins],
        &tables.fill_re,
        &tables.fill_im,
        &mut work.re,
        &mut work.im,
    );
}
