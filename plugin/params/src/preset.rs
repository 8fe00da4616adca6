//! A preset: a sound by its name. The effect parameters and the strokes, but not what belongs to
//! the session (bypass, quality, engine, buffering, on miss).
//!
//! Files are JSON that a person can read: values are in the parameter's own unit, choices by their
//! stable names. What a file does not mention is at its default, so that old presets sound the same
//! when parameters are added.

use std::collections::BTreeMap;

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{ParamPtr, Params};
use scumble_dsp::Stroke;
use serde::{Deserialize, Serialize};

use crate::ScumbleParams;
use crate::document::check_strokes;
use crate::state::{Allowed, allowed, judge_value};

/// The version of the file format.
pub const PRESET_VERSION: u32 = 1;

/// Parameters that a preset leaves alone.
const OF_THE_SESSION: [&str; 5] = ["bypass", "quality", "engine", "buffering", "on_miss"];

/// Why a preset was not taken. Names what was found and what is allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct PresetError(pub String);

/// A parameter's value as a person writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Switch(bool),
    Number(f32),
    Choice(String),
}

impl Value {
    fn as_param_value(&self) -> ParamValue {
        match self {
            Value::Switch(v) => ParamValue::Bool(*v),
            Value::Number(v) => ParamValue::F32(*v),
            Value::Choice(v) => ParamValue::String(v.clone()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub version: u32,
    pub name: String,
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    #[serde(default)]
    pub strokes: Vec<Stroke>,
}

impl Preset {
    pub fn new(name: &str) -> Self {
        Self {
            version: PRESET_VERSION,
            name: name.to_string(),
            params: BTreeMap::new(),
            strokes: Vec::new(),
        }
    }

    /// The sound of this moment.
    pub fn of(name: &str, params: &ScumbleParams, strokes: Vec<Stroke>) -> Self {
        let mut preset = Self::new(name);
        preset.strokes = strokes;
        for (id, ptr, _) in params.param_map() {
            if OF_THE_SESSION.contains(&id.as_str()) {
                continue;
            }
            // SAFETY: the pointers are into `params`, which is borrowed for this call.
            let value = unsafe {
                match ptr {
                    ParamPtr::BoolParam(p) => Value::Switch((*p).value()),
                    ParamPtr::EnumParam(p) => {
                        Value::Choice((*p).unmodulated_plain_id().unwrap_or_default().to_string())
                    }
                    ParamPtr::FloatParam(_) | ParamPtr::IntParam(_) => {
                        Value::Number(ptr.unmodulated_plain_value())
                    }
                }
            };
            preset.params.insert(id, value);
        }
        preset
    }

    /// Reads a preset and says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PresetError> {
        let preset: Preset =
            serde_json::from_str(text).map_err(|e| PresetError(format!("not a preset: {e}")))?;
        preset.check()?;
        Ok(preset)
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a preset has no maps with non-string keys")
    }

    fn check(&self) -> Result<(), PresetError> {
        if self.version == 0 || self.version > PRESET_VERSION {
            return Err(PresetError(format!(
                "version {}; this Scumble reads 1 to {PRESET_VERSION}",
                self.version
            )));
        }
        for (id, value) in &self.params {
            let rule = allowed()
                .get(id)
                .filter(|_| !OF_THE_SESSION.contains(&id.as_str()))
                .ok_or_else(|| PresetError(format!("{id:?} is not a parameter of a sound")))?;
            judge_value(id, &value.as_param_value(), rule).map_err(PresetError)?;
        }
        check_strokes(&self.strokes).map_err(PresetError)
    }

    /// Every parameter of a sound with the normalised value that this preset gives it.
    pub fn normalised(&self, params: &ScumbleParams) -> Vec<(String, ParamPtr, f32)> {
        let sound = |id: &String| !OF_THE_SESSION.contains(&id.as_str());
        let map = params.param_map().into_iter().filter(|(id, _, _)| sound(id));
        map.map(|(id, ptr, _)| {
            let value = self.normalised_value(&id, ptr);
            (id, ptr, value)
        })
        .collect()
    }

    fn normalised_value(&self, id: &str, ptr: ParamPtr) -> f32 {
        match (self.params.get(id), allowed().get(id)) {
            // SAFETY: the pointer comes from a `param_map` of parameters that the caller borrows.
            (Some(Value::Number(v)), _) => unsafe { ptr.preview_normalized(*v) },
            (Some(Value::Switch(v)), _) => f32::from(u8::from(*v)),
            (Some(Value::Choice(v)), Some(Allowed::Choice(ids))) => {
                let index = ids.iter().position(|id| id == v).unwrap_or(0);
                index as f32 / (ids.len().max(2) - 1) as f32
            }
            // SAFETY: as above.
            _ => unsafe { ptr.default_normalized_value() },
        }
    }

    /// Sets the parameters where no host looks on: for the command line and for a new instance.
    pub fn apply(&self, params: &ScumbleParams) {
        let known = params.document.generation();
        for (_, ptr, value) in self.normalised(params) {
            // SAFETY: the pointers are into `params`, whose values are atomics.
            unsafe { ptr._internal_set_normalized_value(value) };
        }
        // A state that the host loads meanwhile is stronger.
        params.document.edit(known, |document| {
            document.strokes = self.strokes.clone();
            document.preset = self.name.clone();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_comes_back_from_its_file() {
        let params = ScumbleParams::default();
        let fog = crate::factory_presets().into_iter().find(|p| !p.strokes.is_empty());
        let fog = fog.expect("a factory preset with strokes");
        fog.apply(&params);
        let saved = Preset::of("Mine", &params, params.document.get().strokes.clone());
        let again = Preset::parse(&saved.to_text()).expect("our own file");
        assert_eq!(saved, again);
        let other = ScumbleParams::default();
        again.apply(&other);
        for ((id, a, _), (_, b, _)) in params.param_map().into_iter().zip(other.param_map()) {
            // SAFETY: both sets of parameters are alive.
            let (a, b) = unsafe { (a.unmodulated_plain_value(), b.unmodulated_plain_value()) };
            assert!((a - b).abs() <= 1e-4 * a.abs().max(1.0), "{id}: {a} and {b}");
        }
    }

    #[test]
    fn a_broken_preset_is_named() {
        for (text, words) in [
            ("", "not a preset"),
            (r#"{"version": 2, "name": "x"}"#, "version 2"),
            (r#"{"version": 1, "name": "x", "params": {"mix": 7}}"#, "mix is 7"),
            (r#"{"version": 1, "name": "x", "params": {"quality": "live"}}"#, "quality"),
            (r#"{"version": 1, "name": "x", "params": {"canvas_sync": "moon"}}"#, "beats"),
            (r#"{"version": 1, "name": "x", "colour": 1}"#, "colour"),
        ] {
            let error = Preset::parse(text).expect_err(text);
            assert!(error.0.contains(words), "{text}: {error}");
        }
    }
}
