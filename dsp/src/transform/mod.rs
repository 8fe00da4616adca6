//! Other ways to hear (SPEC P1): the same sound on musical axes.
//!
//! Every transform makes its plans, tables and memory when it is constructed; tables are computed
//! in f64 and used in f32. None has a thread of its own: each is used by whoever owns it, an
//! analysis worker, a command line or a test, and after construction none allocates or locks.
//!
//! [`Transform`] is for whole signals, [`View`] for one column at a time.

mod bank;
mod block;
pub mod cqt;
mod error;
mod frames;
pub mod gabor;
pub mod mel;
mod sizes;
pub mod spectrum;
pub mod view;

pub use bank::{Band, Bank};
pub use cqt::{Cqt, CqtSpec, CqtView, Gamma};
pub use error::TransformError;
pub use gabor::{FrameBounds, Gabor, GaborSpec, GaborStream, GaborView, SliceWindow, SlicedGabor};
pub use mel::{Mel, MelNorm, MelScale, MelSpec, MelView};
pub use realfft::num_complex::Complex;
pub use spectrum::{Spectrogram, SpectrogramView, StftSpec};
pub use view::{ColumnStream, View};

/// How a transform of a signal lies in memory: bin by bin, the lowest first, `frames` values each;
/// then `extra` values that belong to no bin and that only the inverse needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub bins: usize,
    pub frames: usize,
    pub extra: usize,
}

impl Shape {
    pub fn values(&self) -> usize {
        self.bins * self.frames + self.extra
    }
}

/// What a transform gives for a bin at a time.
pub trait Value: Copy + Default + Send + Sync + 'static {
    /// How much there is, without its phase.
    fn level(self) -> f32;
}

impl Value for f32 {
    fn level(self) -> f32 {
        self
    }
}

impl Value for Complex<f32> {
    fn level(self) -> f32 {
        self.norm()
    }
}

/// A transform of whole signals.
pub trait Transform {
    /// `f32` where the transform keeps no phase.
    type Value: Value;

    fn name(&self) -> &'static str;

    /// The shape of the transform of so many samples.
    fn shape(&self, samples: usize) -> Shape;

    /// Distance of neighbouring frames; a fraction where a signal's length is not a multiple.
    fn hop_samples(&self) -> f64;

    /// How many samples after its own time a frame depends on: what a stream has to wait.
    fn latency_samples(&self) -> usize;

    /// Centres of the bins in Hz, rising.
    fn frequencies(&self) -> &[f64];

    /// Fills `out`, which has to have room for exactly [`Shape::values`].
    fn forward(&mut self, signal: &[f32], out: &mut [Self::Value]) -> Result<(), TransformError>;

    /// Back to sound, for transforms that keep all of it.
    fn inverse(
        &mut self,
        values: &[Self::Value],
        signal: &mut [f32],
    ) -> Result<(), TransformError> {
        let _ = (values, signal);
        Err(TransformError::NoInverse { transform: self.name() })
    }

    /// [`Transform::forward`] into memory of its own.
    fn analyse(&mut self, signal: &[f32]) -> Result<Vec<Self::Value>, TransformError> {
        let mut out = vec![Self::Value::default(); self.shape(signal.len()).values()];
        self.forward(signal, &mut out)?;
        Ok(out)
    }
}
