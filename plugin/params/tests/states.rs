//! States of every version load for ever; states that are none change nothing (X4).
//!
//! `states/` holds what each version has saved. Files are added when the format changes, and never
//! changed or taken away.

use std::path::PathBuf;

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{ParamPtr, Params, PluginState};
use scumble_dsp::{Canvas, Field, FieldSpec};
use scumble_params::{Axis, Document, ScumbleParams, check_state};

/// What the wrapper does with a state, in its order. The message of a refusal.
fn load(params: &ScumbleParams, text: &str) -> Result<(), String> {
    let mut state: PluginState = serde_json::from_str(text).map_err(|e| e.to_string())?;
    check_state(&mut state);
    for (id, ptr, _) in params.param_map() {
        let Some(value) = state.params.get(&id) else { continue };
        let normalised = match (value, ptr) {
            // SAFETY: the pointers are into `params`, which is borrowed for this call.
            (ParamValue::F32(v), _) => unsafe { ptr.preview_normalized(*v) },
            (ParamValue::Bool(v), _) => f32::from(u8::from(*v)),
            (ParamValue::String(v), ParamPtr::EnumParam(p)) => {
                // SAFETY: as above.
                unsafe { (*p).set_from_id(v) };
                continue;
            }
            (value, _) => return Err(format!("{id}: {value:?} went through the check")),
        };
        // SAFETY: as above; the values are atomics.
        unsafe { ptr._internal_set_normalized_value(normalised) };
    }
    params.deserialize_fields(&state.fields);
    let adopted = params.document.adopt_pending();
    match params.refusal.take() {
        Some(message) => Err(message),
        None => adopted.map(drop),
    }
}

/// Everything that a state sets.
#[derive(Debug, PartialEq)]
struct Running {
    values: Vec<(String, f32)>,
    document: Document,
    saved: String,
}

fn running(params: &ScumbleParams) -> Running {
    let value = |(id, ptr, _): (String, ParamPtr, String)| {
        // SAFETY: the pointers are into `params`, which is borrowed for this call.
        (id, unsafe { ptr.unmodulated_plain_value() })
    };
    Running {
        values: params.param_map().into_iter().map(value).collect(),
        document: (*params.document.get()).clone(),
        saved: params.serialize_fields()["document"].clone(),
    }
}

/// The committed states, by name.
fn states() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join("states");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the states")
        .flatten()
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).expect("a state");
            (file.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

fn state(name: &str) -> String {
    states().into_iter().find(|(known, _)| known == name).expect(name).1
}

#[test]
fn states_of_every_version_load() {
    let files = states();
    assert!(files.len() >= 3, "{} states", files.len());
    for (name, text) in files {
        let params = ScumbleParams::default();
        load(&params, &text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let saved = &file["fields"]["document"];
        if let Some(saved) = saved.as_str() {
            // Byte for byte, as long as nobody edits it.
            assert_eq!(running(&params).saved, saved, "{name}");
        }
    }
}

#[test]
fn a_painted_state_of_version_1_means_what_it_meant() {
    let params = ScumbleParams::default();
    load(&params, &state("v1-painted.json")).expect("it loads");
    let running = running(&params);
    let expected = [
        ("bypass", 1.0),
        ("mix", 0.75),
        ("output", -6.0),
        ("quality", 2.0),
        ("engine", 2.0),
        ("buffering", 2.0),
        ("on_miss", 2.0),
        ("blur_time", 180.0),
        ("blur_freq", 0.5),
        ("diffuse", 0.25),
        ("warp_shift", -35.0),
        ("warp_stretch", 1.5),
        ("low_cut", 120.0),
        ("high_cut", 9000.0),
        ("mod_low", 2.0),
        ("mod_high", 20.0),
        ("freeze", 1.0),
        ("paint", 0.5),
        ("canvas_length", 8.0),
        ("canvas_sync", 1.0),
    ];
    for ((id, value), (expected_id, expected)) in running.values.iter().zip(expected) {
        assert_eq!(id, expected_id);
        assert!((value - expected).abs() < 1e-3 * expected.abs().max(1.0), "{id}: {value}");
    }
    // A parameter that version 1 did not have begins at its default; none was taken away.
    assert!(running.values.len() >= expected.len());
    let document = running.document;
    assert_eq!(document.preset, "Fog");
    assert_eq!((document.editor.width, document.settings.ring_depth), (900, 8));
    assert_eq!(document.settings.async_samples, Some(512));
    let kinds: Vec<_> = document.strokes.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, scumble_dsp::StrokeKind::ALL);
}

#[test]
fn version_2_added_the_axis() {
    let params = ScumbleParams::default();
    load(&params, &state("v1-painted.json")).expect("it loads");
    let mut old = running(&params).document;
    assert_eq!(old.editor.axis, Axis::Log);
    load(&params, &state("v2-painted.json")).expect("it loads");
    let new = running(&params).document;
    assert_eq!(new.editor.axis, Axis::Cqt);
    old.editor.axis = Axis::Cqt;
    assert_eq!(old, new, "all else is the same");
}

#[test]
fn what_a_state_does_not_mention_stays() {
    let params = ScumbleParams::default();
    load(&params, &state("v1-painted.json")).expect("it loads");
    let before = running(&params);
    load(&params, &state("v1-bare.json")).expect("it loads");
    let after = running(&params);
    for (before, after) in before.values.iter().zip(&after.values) {
        if before.0 == "mix" {
            assert_eq!(after.1, 0.5);
        } else {
            assert_eq!(before, after);
        }
    }
    assert_eq!(before.saved, after.saved);
}

#[test]
fn the_painting_of_a_state_is_the_same_at_every_rate() {
    // X4: strokes are in parts of the loop and in octaves, whatever the rate.
    let params = ScumbleParams::default();
    load(&params, &state("v1-painted.json")).expect("it loads");
    let canvas = Canvas { strokes: params.document.get().strokes.clone(), ..Canvas::default() };
    let at = |rate: f64| Field::rasterise(&canvas, FieldSpec::new(rate));
    let (low, high) = (at(48_000.0), at(96_000.0));
    let band_of = |field: &Field, octaves: f32| {
        (octaves / field.spec().octaves() * (field.spec().bands - 1) as f32).round() as usize
    };
    let (mut painted, mut alike) = (0, 0);
    for column in 0..low.spec().columns {
        for half_octave in 1..20 {
            let octaves = half_octave as f32 * 0.5;
            let gain = |field: &Field| field.column(column).cells[band_of(field, octaves)][0];
            let (a, b) = (gain(&low), gain(&high));
            painted += usize::from(a != 0.0);
            // Bands are about a semitone; a dab falls off over half an octave.
            alike += usize::from((a - b).abs() < 2.0);
        }
    }
    assert!(painted > 20, "{painted} places are painted");
    assert!(alike > 512 * 19 * 99 / 100, "{alike} places are alike");
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

/// What numbers, words and structure may be replaced by.
const TOKENS: [&str; 22] = [
    "0",
    "-1",
    "1e39",
    "-1e39",
    "1e400",
    "0.5",
    "7",
    "4294967296",
    "null",
    "true",
    "\"\"",
    "\"live\"",
    "[]",
    "{}",
    "NaN",
    ",",
    ":",
    "}",
    "]",
    "\"x\":1,",
    "\\u0000",
    "\u{fffd}",
];

/// Any place of a text may be cut, doubled, overwritten, or replaced; numbers above all.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(3) {
        let at = random.below(chars.len());
        let end = (at + 1 + random.below(12)).min(chars.len());
        let token: Vec<char> = TOKENS[random.below(TOKENS.len())].chars().collect();
        match random.below(7) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            2 => drop(chars.splice(at..at, token)),
            3 => chars.truncate(at),
            4 => chars[at] = char::from(32 + random.below(95) as u8),
            _ => {
                // The next number, whole.
                let digit = |c: &char| c.is_ascii_digit() || matches!(c, '.' | '-');
                let Some(first) = (at..chars.len()).find(|&i| digit(&chars[i])) else { continue };
                let len = chars[first..].iter().take_while(|c| digit(c)).count();
                chars.splice(first..first + len, token);
            }
        }
        if chars.is_empty() {
            break;
        }
    }
    chars.into_iter().collect()
}

/// One number becomes another that may well be allowed.
fn nudge(text: &str, random: &mut Random) -> String {
    let numbers: Vec<_> = text.match_indices(": ").map(|(at, _)| at + 2).collect();
    let at = numbers[random.below(numbers.len())];
    let len = text[at..].find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(0);
    let number = ["0", "0.5", "1", "-0.5", "20"][random.below(5)];
    format!("{}{number}{}", &text[..at], &text[at + len..])
}

/// A state with its document mutated instead, put back into its place.
fn mutate_document(text: &str, random: &mut Random) -> String {
    let mut file: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let Some(field) = file["fields"]["document"].as_str() else { return mutate(text, random) };
    let document: String = serde_json::from_str(field).expect("a text");
    let mutated = serde_json::Value::String(mutate(&document, random));
    file["fields"]["document"] = mutated.to_string().into();
    file.to_string()
}

#[test]
fn ten_thousand_mutated_states_crash_nothing_and_change_nothing_unless_they_are_valid() {
    let files = states();
    let mut random = Random(1);
    let params = ScumbleParams::default();
    load(&params, &state("v1-painted.json")).expect("it loads");
    let mut before = running(&params);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..10_000 {
        let (_, text) = &files[random.below(files.len())];
        let mutated = match round % 4 {
            0 => mutate(text, &mut random),
            1 => nudge(text, &mut random),
            _ => mutate_document(text, &mut random),
        };
        let result = load(&params, &mutated);
        let after = running(&params);
        if result.is_err() {
            refused += 1;
            assert!(before == after, "round {round}, {result:?}: the state has changed\n{mutated}");
            continue;
        }
        taken += 1;
        // What was taken is sound: in range, of this format, and it can be saved, loaded and painted.
        for (id, ptr, _) in params.param_map() {
            // SAFETY: the pointers are into `params`, which is alive.
            let normalised = unsafe { ptr.unmodulated_normalized_value() };
            assert!((0.0..=1.0).contains(&normalised), "round {round}: {id} at {normalised}");
        }
        let saved: String = serde_json::from_str(&after.saved).expect("a text");
        assert_eq!(Document::parse(&saved).as_ref(), Ok(&after.document), "round {round}");
        if taken % 40 == 0 {
            let canvas = Canvas { strokes: after.document.strokes.clone(), ..Canvas::default() };
            let field = Field::rasterise(&canvas, FieldSpec::new(48_000.0));
            let cells =
                (0..field.spec().columns).flat_map(|c| field.column(c).cells.iter().flatten());
            assert!(cells.copied().all(f32::is_finite), "round {round}");
        }
        before = after;
    }
    println!("{taken} taken, {refused} refused");
    assert!(taken > 500 && refused > 5000, "{taken} taken, {refused} refused");
}
