//! One column at a time, for a picture that scrolls: the latest sound on any axis.

use super::TransformError;

/// Makes one column of levels from a window of sound. Called by whoever draws or feeds a drawing,
/// never by the audio thread.
pub trait View: Send {
    /// Centres of the bins in Hz, rising.
    fn frequencies(&self) -> &[f64];

    /// How many samples a column looks at.
    fn window_samples(&self) -> usize;

    /// From the sound that a column shows, the middle of the window, to the window's end.
    fn latency_samples(&self) -> usize {
        self.window_samples() / 2
    }

    /// The levels of all bins at the middle of `window`.
    fn column(&mut self, window: &[f32], levels: &mut [f32]) -> Result<(), TransformError>;
}

/// So that the axis can be chosen while the program runs.
impl<V: View + ?Sized> View for Box<V> {
    fn frequencies(&self) -> &[f64] {
        (**self).frequencies()
    }

    fn window_samples(&self) -> usize {
        (**self).window_samples()
    }

    fn latency_samples(&self) -> usize {
        (**self).latency_samples()
    }

    fn column(&mut self, window: &[f32], levels: &mut [f32]) -> Result<(), TransformError> {
        (**self).column(window, levels)
    }
}

/// Feeds a [`View`] from a stream of blocks of any size.
pub struct ColumnStream<V> {
    view: V,
    hop_samples: usize,
    /// The past, oldest first; room for a window and as much again, so that it is moved rarely.
    past: Vec<f32>,
    filled: usize,
    until_next: usize,
    levels: Vec<f32>,
}

impl<V: View> ColumnStream<V> {
    /// A column every `hop_samples`, the first after that many. Before the stream there is silence.
    pub fn new(view: V, hop_samples: usize) -> Result<Self, TransformError> {
        super::error::within("hop", hop_samples as f64, 1.0..=1_048_576.0)?;
        let window = view.window_samples();
        let levels = vec![0.0; view.frequencies().len()];
        let past = vec![0.0; 2 * window];
        Ok(Self { view, hop_samples, past, filled: window, until_next: hop_samples, levels })
    }

    pub fn view(&self) -> &V {
        &self.view
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.filled = self.view.window_samples();
        self.past[..self.filled].fill(0.0);
        self.until_next = self.hop_samples;
    }

    /// Takes a block and hands out each column that is due.
    pub fn push(
        &mut self,
        mut block: &[f32],
        mut show: impl FnMut(&[f32]),
    ) -> Result<(), TransformError> {
        let window = self.view.window_samples();
        while !block.is_empty() {
            if self.filled == self.past.len() {
                self.past.copy_within(self.filled - window.., 0);
                self.filled = window;
            }
            let take = block.len().min(self.until_next).min(self.past.len() - self.filled);
            let (now, rest) = block.split_at(take);
            self.past[self.filled..self.filled + take].copy_from_slice(now);
            block = rest;
            self.filled += take;
            self.until_next -= take;
            if self.until_next == 0 {
                self.until_next = self.hop_samples;
                self.view
                    .column(&self.past[self.filled - window..self.filled], &mut self.levels)?;
                show(&self.levels);
            }
        }
        Ok(())
    }
}
