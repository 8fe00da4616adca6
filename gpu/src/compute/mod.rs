//! Work beside the hops that others ask the engine for: transforms, pictures, fields, strokes on a store
//! (S5, P1, P4, P5).
//!
//! A [`Task`] says what, an [`Answer`] is where the result will stand. Tasks go through the session's
//! command queue; the worker has them computed on the device, portion by portion when no hop is due,
//! or by the twin on a thread of its own where there is no device. Both give the same result (S14).
//!
//! [`plan`] turns a task into the steps that kernels take; [`cpu`] computes it with `scumble-dsp`.

mod answer;
pub mod cpu;
pub mod edit;
pub mod field;
pub mod plan;
pub mod recipe;
pub mod steps;

use std::sync::Arc;

use scumble_dsp::store::{Edit, Patch};
use scumble_dsp::texture::{AutoGain, RowMap};
use scumble_dsp::transform::{
    Complex, CqtSpec, GaborSpec, MelSpec, Shape, SliceWindow, TransformError,
};
use scumble_dsp::{Field, WindowShape, WindowSpec};

pub(crate) use answer::Reply;
pub use answer::{Answer, Done};
pub use field::FieldChange;

use crate::backend::BackendError;

/// A transform and all that it depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Analysis {
    Mel(MelSpec),
    /// Constant Q, or variable Q where the spec has a gamma.
    Cqt(CqtSpec),
    /// Whole signals of at most so many samples.
    Gabor {
        spec: GaborSpec,
        longest: usize,
    },
    /// Signals of any length in slices that overlap by half.
    Slices {
        spec: GaborSpec,
        slice_samples: usize,
        window: SliceWindow,
    },
}

/// What the rows of a picture are.
#[derive(Clone, Debug)]
pub enum PictureRows {
    /// The bins of the transform, from 0 Hz up.
    Bins,
    /// Rows of a display.
    Mapped(Arc<RowMap>),
}

/// Sound as RGBA8 (P5): a row of pixels a frame, from low to high. Sound of one window is one
/// column of a spectrogram, of many the whole texture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Samples of a window, Hann; frame `f` is samples `f * hop ..`, its phases those of its middle.
    pub window_samples: usize,
    pub hop_samples: usize,
    pub rows: PictureRows,
    /// What turns magnitudes into amplitudes of a full-scale tone.
    pub gain: f32,
    /// The level that is shown as full.
    pub level: AutoGain,
}

impl Picture {
    pub(crate) fn window(&self) -> Result<WindowSpec, TaskError> {
        let n = self.window_samples;
        WindowSpec::custom(n, n, self.hop_samples, WindowShape::Hann)
            .map_err(|error| TaskError::Picture(error.to_string()))
    }

    /// Pixels of a row.
    pub fn width(&self) -> usize {
        match &self.rows {
            PictureRows::Bins => self.window_samples / 2 + 1,
            PictureRows::Mapped(map) => map.len(),
        }
    }

    /// Frames of sound of so many samples.
    pub fn frames(&self, samples: usize) -> usize {
        (samples + self.hop_samples).saturating_sub(self.window_samples) / self.hop_samples.max(1)
    }

    fn check(&self) -> Result<(), TaskError> {
        self.window()?;
        match &self.rows {
            PictureRows::Mapped(map) => {
                let bins = self.window_samples as u32 / 2 + 1;
                // A row between two bins reads both.
                let fits = |(first, end, _): (u32, u32, f32)| end.max(first + 2) <= bins;
                if map.rows().all(|row| row.is_some_and(fits)) {
                    return Ok(());
                }
                Err(TaskError::Picture(format!(
                    "the rows look at bins that a window of {} samples has not",
                    self.window_samples
                )))
            }
            PictureRows::Bins => Ok(()),
        }
    }
}

/// A piece of work. Cheap to clone: sound is shared.
#[derive(Clone, Debug)]
pub enum Task {
    /// The transform of a clip.
    Analyse {
        analysis: Analysis,
        sound: Arc<[f32]>,
    },
    /// Back to `samples` samples of sound, for transforms that keep all of it.
    Synthesise {
        analysis: Analysis,
        values: Arc<[Complex<f32>]>,
        samples: usize,
    },
    Picture {
        picture: Picture,
        sound: Arc<[f32]>,
    },
    /// The field after a change (P4).
    Field {
        before: Arc<Field>,
        change: FieldChange,
    },
    /// A stroke on the spectrogram store (P2, P4), as [`scumble_dsp::store::Store::edit`] finds it.
    Edit(Arc<Edit>),
}

impl Task {
    /// What the queue counts it for, in its units of about 100 microseconds: the first portion.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Picture { picture, sound } if picture.frames(sound.len()) <= 4 => 1,
            _ => crate::worker::commands::BATCH_COST,
        }
    }
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A transform that keeps no phase.
    Levels {
        shape: Shape,
        levels: Vec<f32>,
    },
    Values {
        shape: Shape,
        values: Vec<Complex<f32>>,
    },
    Sound(Vec<f32>),
    /// Four bytes a pixel.
    Pixels(Vec<u8>),
    Field(Arc<Field>),
    /// To be written back to the store.
    Patch(Patch),
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TaskError {
    #[error(transparent)]
    Transform(#[from] TransformError),
    #[error("no picture: {0}")]
    Picture(String),
    #[error("the engine ended before the task was done")]
    Closed,
}

/// Number of a task in the worker.
pub type TaskId = u64;

/// Work to be done beside the worker, on the analyst's thread.
pub type Aside<T> = Box<dyn FnOnce() -> Result<T, BackendError> + Send>;

/// A device that takes tasks, beside its hops. At most one portion is in flight, so that no hop
/// waits for more than one. Worker thread.
pub trait Compute {
    /// What makes a task ready: kernels, tables, buffers. To be done aside; then [`Self::start`].
    fn prepare(&mut self, id: TaskId, task: &Task) -> Aside<()>;

    /// A prepared task may be portioned from now on.
    fn start(&mut self, id: TaskId);

    /// Forgets a task; what of it is in flight is left to end by itself.
    fn cancel(&mut self, id: TaskId);

    /// Submits one portion, bounded in size, of the tasks that have been started, if none is in
    /// flight. Tasks take turns: none waits for more portions than there are tasks before it. False if
    /// there was nothing to submit.
    fn submit_portion(&mut self) -> Result<bool, BackendError>;

    /// Whether a portion is in flight.
    fn is_busy(&mut self) -> bool;

    /// Looks, without waiting, whether the portion in flight has ended. Hands out what ended with
    /// it: how its result is read, to be done aside.
    fn poll(&mut self, done: &mut dyn FnMut(TaskId, Aside<Outcome>)) -> Result<(), BackendError>;

    /// Portions submitted since the device was opened.
    fn portions(&mut self) -> u64;
}
