//! The sound that the preset's name stands for, to say whether what is heard is another.
//!
//! It is compared, not noted with each change: what was undone, or turned back by hand, is no change,
//! and a project that was saved with changes opens with them.

use super::link::Presets;
use crate::model::{ParamId, Sound};
use crate::stroke::Stroke;

/// What a preset does not change: the machine and the host's own switch.
pub const NOT_SOUND: [ParamId; 4] =
    [ParamId::Quality, ParamId::Engine, ParamId::Buffering, ParamId::Bypass];

/// What it does.
pub fn sounding() -> impl Iterator<Item = ParamId> {
    ParamId::ALL.into_iter().filter(|id| !NOT_SOUND.contains(id))
}

/// More than a host's way of keeping a value does to it.
const SAME: f32 = 1e-5;

#[derive(Debug, Default)]
pub struct Kept {
    name: String,
    /// None if it cannot be read (any more): then nothing can be said.
    sound: Option<Sound>,
}

impl Kept {
    pub fn read(name: &str, presets: &dyn Presets, neutral: impl FnOnce() -> Sound) -> Self {
        let sound = if name.is_empty() { Some(neutral()) } else { presets.load(name).ok() };
        Self { name: name.to_owned(), sound }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn differs(&self, value: impl Fn(ParamId) -> f32, strokes: &[Stroke]) -> bool {
        self.sound.as_ref().is_some_and(|kept| {
            let moved = |&(id, kept): &(ParamId, f32)| (value(id) - kept).abs() > SAME;
            kept.params.iter().any(moved) || kept.strokes != strokes
        })
    }
}
