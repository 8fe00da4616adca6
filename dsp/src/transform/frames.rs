//! Spectra of windowed frames that are centred on their time, silence beyond the signal's ends.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::stft::multiply;

pub struct Frames {
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    time: Vec<f32>,
    freq: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Frames {
    pub fn new(window: Vec<f32>) -> Self {
        let n = window.len();
        let forward = RealFftPlanner::new().plan_fft_forward(n);
        let scratch = forward.get_scratch_len();
        Self {
            window,
            forward,
            time: vec![0.0; n],
            freq: vec![Complex::default(); n / 2 + 1],
            scratch: vec![Complex::default(); scratch],
        }
    }

    pub fn n(&self) -> usize {
        self.window.len()
    }

    pub fn window(&self) -> &[f32] {
        &self.window
    }

    /// The spectrum of the `n` samples that begin at `start`, which may lie outside the signal.
    pub fn at(&mut self, signal: &[f32], start: isize) -> &[Complex<f32>] {
        let n = self.n();
        copy_part(signal, start, &mut self.time);
        if let Some(frame) = usize::try_from(start).ok().and_then(|s| signal.get(s..s + n)) {
            multiply(frame, &self.window, &mut self.time);
        } else {
            for (t, w) in self.time.iter_mut().zip(&self.window) {
                *t *= w;
            }
        }
        let done =
            self.forward.process_with_scratch(&mut self.time, &mut self.freq, &mut self.scratch);
        debug_assert!(done.is_ok(), "lengths were fixed at construction");
        &self.freq
    }
}

/// Samples from `start` on, silence where the signal is not.
pub fn copy_part(signal: &[f32], start: isize, out: &mut [f32]) {
    let len = signal.len() as isize;
    let from = start.clamp(0, len);
    let to = (start + out.len() as isize).clamp(from, len);
    let at = (from - start).clamp(0, out.len() as isize) as usize;
    let count = (to - from) as usize;
    out[..at].fill(0.0);
    out[at..at + count].copy_from_slice(&signal[from as usize..to as usize]);
    out[at + count..].fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_beyond_the_ends_are_silent() {
        let signal: Vec<f32> = (1..=5).map(|x| x as f32).collect();
        for start in -12..12isize {
            let mut out = [9.0; 7];
            copy_part(&signal, start, &mut out);
            for (i, x) in out.iter().enumerate() {
                let t = start + i as isize;
                let expected = if (0..5).contains(&t) { (t + 1) as f32 } else { 0.0 };
                assert_eq!(*x, expected, "from {start}, sample {i}");
            }
        }
    }
}
