//! Refusing a state that is newer, broken or out of bounds before any of it is applied (X4).
//!
//! The wrapper applies what it is given and does not clamp, and its hook for migrations has no
//! instance at hand. So a bad state is emptied here, which leaves the running state as it was,
//! and the reason travels to the instance in the field `refusal`.
//!
//! Runs where the host loads a state: its main thread, for the editor never loads through the
//! wrapper (DESIGN 9), but for an empty state in the standalone.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use nice_plug::params::enums::Enum;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{Param, ParamPtr, Params, PluginState};

use crate::{Buffering, CanvasSync, Document, EngineChoice, OnMiss, Quality, ScumbleParams};

/// The newest plugin version whose states are understood, as `(major, minor)`. Patch releases
/// never change the format.
pub const STATE_VERSION: (u32, u32) = (0, 1);

/// What a parameter's plain value may be.
pub(crate) enum Allowed {
    Number { low: f32, high: f32 },
    Switch,
    Choice(&'static [&'static str]),
}

/// What the choices of a stepped parameter are called in files, in their order; of another, none.
pub fn choices(id: &str) -> &'static [&'static str] {
    match id {
        "quality" => Quality::ids(),
        "engine" => EngineChoice::ids(),
        "buffering" => Buffering::ids(),
        "on_miss" => OnMiss::ids(),
        "canvas_sync" => CanvasSync::ids(),
        _ => None,
    }
    .unwrap_or_default()
}

pub(crate) fn allowed() -> &'static BTreeMap<String, Allowed> {
    static TABLE: OnceLock<BTreeMap<String, Allowed>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let params = ScumbleParams::default();
        let rule = |id: &str, ptr: ParamPtr| match ptr {
            ParamPtr::FloatParam(p) => {
                // SAFETY: the pointer is into `params`, which outlives this closure.
                let p = unsafe { &*p };
                Allowed::Number { low: p.preview_plain(0.0), high: p.preview_plain(1.0) }
            }
            ParamPtr::IntParam(p) => {
                // SAFETY: as above.
                let p = unsafe { &*p };
                Allowed::Number {
                    low: p.preview_plain(0.0) as f32,
                    high: p.preview_plain(1.0) as f32,
                }
            }
            ParamPtr::BoolParam(_) => Allowed::Switch,
            ParamPtr::EnumParam(_) => Allowed::Choice(choices(id)),
        };
        params
            .param_map()
            .into_iter()
            .map(|(id, ptr, _)| (rule(&id, ptr), id))
            .map(|(r, id)| (id, r))
            .collect()
    })
}

/// Empties `state` when it cannot be taken as a whole, and leaves the reason in it.
pub fn check_state(state: &mut PluginState) {
    // Only this function may speak through the field.
    state.fields.remove("refusal");
    if let Err(message) = judge(state) {
        state.params.clear();
        state.fields.clear();
        let text = serde_json::to_string(&message).expect("a string is always JSON");
        state.fields.insert("refusal".to_string(), text);
        nice_plug::nice_warn!("State refused: {message}. The running state was kept.");
    }
}

fn judge(state: &PluginState) -> Result<(), String> {
    judge_version(&state.version)?;
    for (id, value) in &state.params {
        let Some(rule) = allowed().get(id) else {
            return Err(format!("it has a parameter {id:?}, which is not known"));
        };
        judge_value(id, value, rule)?;
    }
    match state.fields.get("document") {
        None => Ok(()),
        Some(field) => {
            let text: String = serde_json::from_str(field)
                .map_err(|e| format!("its document is not a string: {e}"))?;
            Document::parse(&text).map(drop)
        }
    }
}

fn judge_version(version: &str) -> Result<(), String> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>());
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(format!("its version {version:?} cannot be read"));
    };
    if (major, minor) > STATE_VERSION {
        let (a, b) = STATE_VERSION;
        return Err(format!("it comes from version {version}; this Scumble reads up to {a}.{b}"));
    }
    Ok(())
}

pub(crate) fn judge_value(id: &str, value: &ParamValue, rule: &Allowed) -> Result<(), String> {
    match (value, rule) {
        (ParamValue::F32(v), Allowed::Number { low, high }) => {
            // The tolerance is for ranges whose ends are computed in another order.
            let slack = 1e-3 * (high - low).abs();
            if v.is_finite() && (low - slack..=high + slack).contains(v) {
                Ok(())
            } else {
                Err(format!("{id} is {v}; allowed is {low} to {high}"))
            }
        }
        (ParamValue::I32(v), Allowed::Number { low, high })
            if (*low..=*high).contains(&(*v as f32)) =>
        {
            Ok(())
        }
        (ParamValue::Bool(_), Allowed::Switch) => Ok(()),
        (ParamValue::String(v), Allowed::Choice(ids)) => {
            if ids.contains(&v.as_str()) {
                Ok(())
            } else {
                Err(format!("{id} is {v:?}; allowed is one of {ids:?}"))
            }
        }
        (value, _) => Err(format!("{id} has a value of the wrong kind: {value:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(version: &str, params: &[(&str, ParamValue)], document: Option<&str>) -> PluginState {
        let params = params.iter().map(|(id, v)| (id.to_string(), v.clone())).collect();
        let fields = document
            .map(|d| ("document".to_string(), serde_json::to_string(d).expect("a string")))
            .into_iter()
            .collect();
        PluginState { version: version.to_string(), params, fields }
    }

    #[test]
    fn a_good_state_passes_untouched() {
        let mut good = state(
            "0.1.7",
            &[
                ("mix", ParamValue::F32(0.5)),
                ("bypass", ParamValue::Bool(true)),
                ("quality", ParamValue::String("studio".into())),
            ],
            Some(r#"{"version":1}"#),
        );
        check_state(&mut good);
        assert_eq!(good.params.len(), 3);
        assert!(!good.fields.contains_key("refusal"));
    }

    #[test]
    fn a_bad_state_is_emptied_and_the_fault_is_named() {
        // X4: newer, broken or out of bounds.
        let f = ParamValue::F32;
        for (mut bad, words) in [
            (state("0.2.0", &[], None), "version 0.2.0"),
            (state("1.0.0", &[], None), "up to 0.1"),
            (state("", &[], None), "cannot be read"),
            (state("0.1.0", &[("mix", f(f32::NAN))], None), "mix is NaN"),
            (state("0.1.0", &[("output", f(400.0))], None), "-48 to 12"),
            (state("0.1.0", &[("loudness", f(1.0))], None), "loudness"),
            (state("0.1.0", &[("mix", ParamValue::Bool(true))], None), "wrong kind"),
            (state("0.1.0", &[("quality", ParamValue::String("hifi".into()))], None), "studio"),
            (state("0.1.0", &[], Some("{")), "broken"),
            (state("0.1.0", &[("mix", f(0.5))], Some(r#"{"version":7}"#)), "version 7"),
        ] {
            check_state(&mut bad);
            assert!(bad.params.is_empty());
            let message = &bad.fields["refusal"];
            assert!(message.contains(words), "{message} should say {words}");
        }
    }

    #[test]
    fn a_state_cannot_speak_in_the_voice_of_a_refusal() {
        let mut good = state("0.1.0", &[], None);
        good.fields.insert("refusal".into(), "\"boo\"".into());
        check_state(&mut good);
        assert!(good.fields.is_empty());
    }
}
