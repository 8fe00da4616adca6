//! The bins of the Gabor frame at one time, for a picture that scrolls.

use super::core::LONGEST_BLOCK;
use super::{GaborSpec, TransformError};
use crate::transform::View;
use crate::transform::bank::Bank;
use crate::transform::block::BlockSpectrum;
use crate::transform::error::{view_room, within};

/// Magnitudes at the middle of a slice.
pub struct GaborView {
    frequencies: Vec<f64>,
    bank: Bank,
    block: BlockSpectrum,
    window: Vec<f32>,
}

impl GaborView {
    /// Bins that ring longer than the slice have the slice's resolution.
    pub fn new(spec: GaborSpec, slice_samples: usize) -> Result<Self, TransformError> {
        spec.check()?;
        within("slice", slice_samples as f64, 16.0..=LONGEST_BLOCK as f64)?;
        let mut bank = Bank::default();
        let windows = spec.windows(slice_samples);
        let scale = 2.0 / slice_samples as f64;
        for window in &windows[1..windows.len() - 1] {
            bank.push(window.first as isize, window.values.iter().map(|g| g * scale));
        }
        let fade = super::SliceWindow::Tukey(1.0).values(slice_samples)?;
        Ok(Self {
            frequencies: spec.frequencies_hz(),
            block: BlockSpectrum::new(slice_samples, &bank),
            bank,
            window: fade.into_iter().map(|w| w as f32).collect(),
        })
    }

    /// As short a slice as resolves the lowest bins: twice the reciprocal of their width.
    pub fn slice_for(spec: &GaborSpec) -> usize {
        let ring = 2.0 * spec.sample_rate / spec.narrowest_hz();
        crate::transform::sizes::even_fast_size(ring.clamp(16.0, (1 << 22) as f64) as usize)
    }
}

impl View for GaborView {
    fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    fn window_samples(&self) -> usize {
        self.window.len()
    }

    fn column(&mut self, window: &[f32], levels: &mut [f32]) -> Result<(), TransformError> {
        view_room(window.len(), self.window.len(), levels.len(), self.frequencies.len())?;
        let n = self.window.len();
        let fade = &self.window;
        // The middle of the slice is made the first sample, where the filters are read.
        self.block.of_filled(|time| {
            for (i, t) in time.iter_mut().enumerate() {
                let at = (i + n / 2) % n;
                *t = window[at] * fade[at];
            }
        });
        for (level, band) in levels.iter_mut().zip(self.bank.bands()) {
            *level = self.block.at_zero(&self.bank, band).norm();
        }
        Ok(())
    }
}
