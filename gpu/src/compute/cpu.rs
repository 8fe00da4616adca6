//! Tasks by `scumble-dsp`: the twin of the kernels, and the only engine for what has none.
//!
//! Used by the analyst's thread, one task at a time, never by the worker: a hop does not wait for it.

use std::sync::Arc;

use scumble_dsp::stft::{FramePlan, Spectrum};
use scumble_dsp::texture;
use scumble_dsp::transform::{
    Complex, Cqt, Gabor, Mel, Shape, SlicedGabor, Transform, TransformError,
};

use super::edit::Painters;
use super::{Analysis, Outcome, Picture, PictureRows, Task, TaskError};

/// Transforms that are kept for the next task; plans and filters take longer than a short clip.
const KEPT: usize = 4;

/// A transform with its plans.
pub enum Made {
    Mel(Mel),
    Cqt(Cqt),
    /// With its longest signal.
    Gabor(Gabor, usize),
    Slices(SlicedGabor),
}

impl Made {
    pub fn new(analysis: &Analysis) -> Result<Self, TransformError> {
        Ok(match *analysis {
            Analysis::Mel(spec) => Self::Mel(Mel::new(spec)?),
            Analysis::Cqt(spec) => Self::Cqt(Cqt::new(spec)?),
            Analysis::Gabor { spec, longest } => Self::Gabor(Gabor::new(spec, longest)?, longest),
            Analysis::Slices { spec, slice_samples, window } => {
                Self::Slices(SlicedGabor::new(spec, slice_samples, window)?)
            }
        })
    }

    fn analyse(&mut self, sound: &[f32]) -> Result<Outcome, TransformError> {
        match self {
            Self::Mel(mel) => {
                let levels = mel.analyse(sound)?;
                Ok(Outcome::Levels { shape: mel.shape(sound.len()), levels })
            }
            Self::Cqt(cqt) => values(cqt, sound),
            Self::Gabor(gabor, _) => values(gabor, sound),
            Self::Slices(sliced) => values(sliced, sound),
        }
    }

    fn synthesise(
        &mut self,
        values: &[Complex<f32>],
        samples: usize,
    ) -> Result<Outcome, TransformError> {
        let mut sound = vec![0.0; samples];
        match self {
            Self::Mel(mel) => return Err(TransformError::NoInverse { transform: mel.name() }),
            Self::Cqt(cqt) => cqt.inverse(values, &mut sound)?,
            Self::Gabor(gabor, _) => gabor.inverse(values, &mut sound)?,
            Self::Slices(sliced) => sliced.inverse(values, &mut sound)?,
        }
        Ok(Outcome::Sound(sound))
    }
}

fn values<T: Transform<Value = Complex<f32>>>(
    transform: &mut T,
    sound: &[f32],
) -> Result<Outcome, TransformError> {
    let shape: Shape = transform.shape(sound.len());
    let values = transform.analyse(sound)?;
    Ok(Outcome::Values { shape, values })
}

/// Computes tasks, and keeps the transforms that it made for them.
#[derive(Default)]
pub struct CpuTasks {
    /// The newest last.
    made: Vec<(Analysis, Made)>,
    /// What the last picture was made with.
    spectra: Option<(FramePlan, Spectrum)>,
    painters: Painters,
}

impl CpuTasks {
    pub fn run(&mut self, task: &Task) -> Result<Outcome, TaskError> {
        match task {
            Task::Analyse { analysis, sound } => Ok(self.made(analysis)?.analyse(sound)?),
            Task::Synthesise { analysis, values, samples } => {
                Ok(self.made(analysis)?.synthesise(values, *samples)?)
            }
            Task::Picture { picture, sound } => self.draw(picture, sound),
            Task::Edit(edit) => Ok(Outcome::Patch(self.painters.of(edit).patch(edit))),
            Task::Field { before, change } => Ok(Outcome::Field(Arc::new(change.by_twin(before)))),
        }
    }

    fn made(&mut self, analysis: &Analysis) -> Result<&mut Made, TransformError> {
        let kept = self.made.iter().position(|(spec, _)| spec == analysis);
        let entry = match kept {
            Some(at) => self.made.remove(at),
            None => (*analysis, Made::new(analysis)?),
        };
        if self.made.len() >= KEPT {
            self.made.remove(0);
        }
        self.made.push(entry);
        let last = self.made.len() - 1;
        Ok(&mut self.made[last].1)
    }
}

impl CpuTasks {
    fn draw(&mut self, picture: &Picture, sound: &[f32]) -> Result<Outcome, TaskError> {
        picture.check()?;
        let spec = picture.window()?;
        let kept = self.spectra.take().filter(|(plan, _)| *plan.spec() == spec);
        let (mut plan, mut spectrum) =
            kept.unwrap_or_else(|| (FramePlan::new(&spec), Spectrum::zeroed(spec.bins())));
        let (frames, width) = (picture.frames(sound.len()), picture.width());
        let mut pixels = vec![0u8; 4 * frames * width];
        let (mut magnitudes, mut phases) = (vec![0.0; width], vec![0.0; width]);
        for (f, row) in pixels.chunks_exact_mut(4 * width.max(1)).enumerate() {
            plan.analyse(&sound[f * spec.h..][..spec.n], &mut spectrum);
            let (re, im) = (&spectrum.re[..spec.bins()], &spectrum.im[..spec.bins()]);
            match &picture.rows {
                PictureRows::Bins => {
                    texture::draw_complex(picture.gain, &picture.level, re, im, row)
                }
                PictureRows::Mapped(map) => {
                    map.resample(&spectrum.mag, &mut magnitudes);
                    for (phase, bin) in phases.iter_mut().zip(map.bins()) {
                        *phase = texture::angle(re[bin], im[bin]);
                    }
                    texture::draw(picture.gain, &picture.level, &magnitudes, &phases, row);
                }
            }
        }
        self.spectra = Some((plan, spectrum));
        Ok(Outcome::Pixels(pixels))
    }
}
