//! Sound through the sliced transform and back, in blocks of any size.

use realfft::num_complex::Complex;

use super::{SlicedGabor, TransformError};
use crate::transform::Transform;

/// Gives back what comes in, one slice late, unless the coefficients are changed on the way.
pub struct GaborStream {
    transform: SlicedGabor,
    /// The last slice of input, oldest first; the end of it is still to come.
    input: Vec<f32>,
    /// What has been added up, from the oldest sample that has not gone out.
    output: Vec<f32>,
    part: Vec<f32>,
    values: Vec<Complex<f32>>,
    /// How far the current step has come.
    filled: usize,
}

impl GaborStream {
    pub fn new(transform: SlicedGabor) -> Self {
        let n = transform.slice_samples();
        let values = vec![Complex::default(); transform.slice_shape().values()];
        let row = vec![0.0; n];
        Self { input: row.clone(), output: row.clone(), part: row, values, filled: 0, transform }
    }

    pub fn transform(&self) -> &SlicedGabor {
        &self.transform
    }

    pub fn latency_samples(&self) -> usize {
        self.transform.latency_samples()
    }

    /// Replaces the block by the sound of `latency_samples` ago. `change` sees each slice's
    /// coefficients, bin by bin, then the rest below and above.
    pub fn process(
        &mut self,
        block: &mut [f32],
        mut change: impl FnMut(&mut [Complex<f32>]),
    ) -> Result<(), TransformError> {
        let (n, step) = (self.transform.slice_samples(), self.transform.step_samples());
        let mut rest = block;
        while !rest.is_empty() {
            let take = rest.len().min(step - self.filled);
            let (now, later) = rest.split_at_mut(take);
            let at = self.filled;
            self.input[n - step + at..][..take].copy_from_slice(now);
            now.copy_from_slice(&self.output[at..at + take]);
            self.filled += take;
            rest = later;
            if self.filled == step {
                self.filled = 0;
                self.output.copy_within(step.., 0);
                self.output[n - step..].fill(0.0);
                self.transform.forward_slice(&self.input, &mut self.values)?;
                change(&mut self.values);
                self.transform.inverse_slice(&self.values, &mut self.part)?;
                for (o, p) in self.output.iter_mut().zip(&self.part) {
                    *o += p;
                }
                self.input.copy_within(step.., 0);
            }
        }
        Ok(())
    }
}
