//! Scumble's host parameters and its persisted document.
//!
//! A crate of its own, for both the editor and the plugin need them. The audio thread reads
//! parameter values (atomics); the host and the editor write them.

mod document;
mod factory;
mod preset;
mod state;
mod store;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use nice_plug::prelude::*;

pub use document::{
    Axis, Document, DocumentCell, EditorLook, MAX_POINTS, MAX_STROKES, Refusal, Settings,
    check_strokes,
};
pub use factory::{factory_preset, factory_presets};
pub use preset::{Preset, PresetError};
pub use state::{STATE_VERSION, check_state, choices};
pub use store::{PresetStore, StoreError, read as read_preset, write as write_preset};
pub use values::{Buffering, CanvasSync, EngineChoice, OnMiss, Quality};

/// Frequency at which Low Cut, turned down, is out of the way.
pub const LOW_CUT_OFF_HZ: f32 = 20.0;
/// Frequency at which High Cut, turned up, is out of the way.
pub const HIGH_CUT_OFF_HZ: f32 = 20_000.0;
/// Modulation frequency at which Mod High, turned up, is out of the way.
pub const MOD_HIGH_OFF_HZ: f32 = 50.0;

/// All host parameters. The ids are what projects store: they never change.
#[derive(Params)]
pub struct ScumbleParams {
    /// The strokes, the editor's size and the settings (X4).
    #[persist = "document"]
    pub document: DocumentCell,
    /// Why the last state was refused; never stored, only carried (see [`check_state`]).
    #[persist = "refusal"]
    pub refusal: Refusal,

    #[id = "bypass"]
    pub bypass: BoolParam,
    #[id = "mix"]
    pub mix: FloatParam,
    #[id = "output"]
    pub output: FloatParam,
    #[id = "quality"]
    pub quality: EnumParam<Quality>,
    #[id = "engine"]
    pub engine: EnumParam<EngineChoice>,
    #[id = "buffering"]
    pub buffering: EnumParam<Buffering>,
    #[id = "on_miss"]
    pub on_miss: EnumParam<OnMiss>,
    #[id = "blur_time"]
    pub blur_time: FloatParam,
    #[id = "blur_freq"]
    pub blur_freq: FloatParam,
    #[id = "diffuse"]
    pub diffuse: FloatParam,
    #[id = "warp_shift"]
    pub warp_shift: FloatParam,
    #[id = "warp_stretch"]
    pub warp_stretch: FloatParam,
    #[id = "low_cut"]
    pub low_cut: FloatParam,
    #[id = "high_cut"]
    pub high_cut: FloatParam,
    #[id = "mod_low"]
    pub mod_low: FloatParam,
    #[id = "mod_high"]
    pub mod_high: FloatParam,
    #[id = "freeze"]
    pub freeze: BoolParam,
    #[id = "paint"]
    pub paint: FloatParam,
    #[id = "canvas_length"]
    pub canvas_length: FloatParam,
    #[id = "canvas_sync"]
    pub canvas_sync: EnumParam<CanvasSync>,

    /// How the texts of the float parameters are read, by name.
    readers: Vec<(&'static str, values::FromText)>,
}

impl ScumbleParams {
    /// Whether a text that a parameter reads as its lowest or highest value means something beyond.
    pub fn is_beyond(&self, id: &str, text: &str) -> bool {
        let map = self.param_map();
        let Some((_, ParamPtr::FloatParam(param), _)) = map.iter().find(|(i, ..)| i == id) else {
            return false;
        };
        // SAFETY: the pointer is into `self`.
        let param = unsafe { &**param };
        let (low, high) = (param.preview_plain(0.0), param.preview_plain(1.0));
        // For ends that are computed in another order.
        let slack = 1e-6 * (high - low);
        let reader = self.readers.iter().find(|(name, _)| *name == param.name());
        let value = reader.and_then(|(_, read)| read(text));
        value.is_some_and(|value| !(low - slack..=high + slack).contains(&value))
    }
}

/// A float parameter with its texts.
fn float(
    name: &str,
    default: f32,
    range: FloatRange,
    (to, from): (values::ToText, values::FromText),
) -> FloatParam {
    FloatParam::new(name, default, range).with_value_to_string(to).with_string_to_value(from)
}

/// A switch that is off at first.
fn switch(name: &str) -> BoolParam {
    BoolParam::new(name, false).with_string_to_value(Arc::new(values::switch_of_text))
}

impl Default for ScumbleParams {
    fn default() -> Self {
        use values::{hz_text, length_text, percent_text, plain_text, time_text};
        let unit = FloatRange::Linear { min: 0.0, max: 1.0 };
        let towards_low = |min, max, factor| FloatRange::Skewed {
            min,
            max,
            factor: FloatRange::skew_factor(factor),
        };
        let about = |min, center, max| FloatRange::SymmetricalSkewed {
            min,
            max,
            center,
            factor: FloatRange::skew_factor(-1.5),
        };
        let sync_now = Arc::new(AtomicU8::new(CanvasSync::HostBeats.to_index() as u8));
        let sync_seen = sync_now.clone();
        let mut readers = Vec::new();
        let mut float = |name, default, range, texts: (values::ToText, values::FromText)| {
            readers.push((name, texts.1.clone()));
            float(name, default, range, texts)
        };

        Self {
            document: DocumentCell::default(),
            refusal: Refusal::default(),
            bypass: switch("Bypass").make_bypass(),
            mix: float("Mix", 1.0, unit, percent_text()),
            output: float(
                "Output",
                0.0,
                FloatRange::Linear { min: -48.0, max: 12.0 },
                plain_text(1, "dB"),
            ),
            quality: EnumParam::new("Quality", Quality::Live).non_automatable(),
            engine: EnumParam::new("Engine", EngineChoice::Auto).non_automatable(),
            buffering: EnumParam::new("Buffering", Buffering::Double).non_automatable(),
            on_miss: EnumParam::new("On Miss", OnMiss::Rescue),
            blur_time: float("Blur Time", 0.0, towards_low(0.0, 1000.0, -1.5), time_text()),
            blur_freq: float("Blur Freq", 0.0, towards_low(0.0, 4.0, -1.0), plain_text(2, "oct")),
            diffuse: float("Diffuse", 0.0, unit, percent_text()),
            warp_shift: float("Shift", 0.0, about(-2000.0, 0.0, 2000.0), hz_text(None, true)),
            warp_stretch: float("Stretch", 1.0, about(0.25, 1.0, 4.0), plain_text(2, "")),
            low_cut: float(
                "Low Cut",
                LOW_CUT_OFF_HZ,
                towards_low(LOW_CUT_OFF_HZ, HIGH_CUT_OFF_HZ, -2.0),
                hz_text(Some(LOW_CUT_OFF_HZ), false),
            ),
            high_cut: float(
                "High Cut",
                HIGH_CUT_OFF_HZ,
                towards_low(LOW_CUT_OFF_HZ, HIGH_CUT_OFF_HZ, -2.0),
                hz_text(Some(HIGH_CUT_OFF_HZ), false),
            ),
            mod_low: float(
                "Mod Low",
                0.0,
                towards_low(0.0, MOD_HIGH_OFF_HZ, -1.0),
                hz_text(Some(0.0), false),
            ),
            mod_high: float(
                "Mod High",
                MOD_HIGH_OFF_HZ,
                towards_low(0.0, MOD_HIGH_OFF_HZ, -1.0),
                hz_text(Some(MOD_HIGH_OFF_HZ), false),
            ),
            freeze: switch("Freeze"),
            paint: float("Paint", 1.0, unit, percent_text()),
            canvas_length: float(
                "Canvas Length",
                4.0,
                towards_low(0.25, 64.0, -1.5),
                length_text(sync_now),
            )
            .with_step_size(0.25),
            canvas_sync: EnumParam::new("Canvas Sync", CanvasSync::HostBeats).with_callback(
                Arc::new(move |sync: CanvasSync| {
                    sync_seen.store(sync.to_index() as u8, Ordering::Relaxed);
                }),
            ),
            readers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_its_stable_id() {
        let params = ScumbleParams::default();
        let ids: Vec<String> = params.param_map().into_iter().map(|(id, _, _)| id).collect();
        let expected = [
            "bypass",
            "mix",
            "output",
            "quality",
            "engine",
            "buffering",
            "on_miss",
            "blur_time",
            "blur_freq",
            "diffuse",
            "warp_shift",
            "warp_stretch",
            "low_cut",
            "high_cut",
            "mod_low",
            "mod_high",
            "freeze",
            "paint",
            "canvas_length",
            "canvas_sync",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn texts_of_every_parameter_parse_back_over_its_whole_range() {
        let params = ScumbleParams::default();
        for (id, ptr, _) in params.param_map() {
            for step in 0..=40 {
                let normalized = step as f32 / 40.0;
                // SAFETY: the pointer is into `params`, which outlives the loop.
                let (text, back) = unsafe {
                    let text = ptr.normalized_value_to_string(normalized, true);
                    let back = ptr.string_to_normalized_value(&text);
                    (text, back)
                };
                let back = back.unwrap_or_else(|| panic!("{id}: {text:?} does not parse"));
                // SAFETY: as above.
                let again = unsafe { ptr.normalized_value_to_string(back, true) };
                assert_eq!(text, again, "{id} at {normalized}");
            }
        }
    }

    #[test]
    fn what_is_beyond_a_parameter_is_told_from_its_ends() {
        let params = ScumbleParams::default();
        for (id, inside, beyond) in [
            ("blur_time", ["0 ms", "1 s"], ["-1 ms", "5 s"]),
            ("mix", ["0", "100 %"], ["-1", "101 %"]),
            ("warp_shift", ["-2 kHz", "2000"], ["-2001", "2.1 kHz"]),
            ("low_cut", ["off", "20 kHz"], ["19", "20.1 kHz"]),
            ("canvas_length", ["0.25", "64 beats"], ["0.2", "65"]),
            ("output", ["-48", "12 dB"], ["-49", "12.1 dB"]),
        ] {
            assert!(inside.iter().all(|text| !params.is_beyond(id, text)), "{id}: {inside:?}");
            assert!(beyond.iter().all(|text| params.is_beyond(id, text)), "{id}: {beyond:?}");
        }
    }

    #[test]
    fn length_is_written_in_the_unit_of_the_sync_mode() {
        let params = ScumbleParams::default();
        assert_eq!(params.canvas_length.to_string(), "4 beats");
    }
}
