//! Strokes from a file: a preset, a saved document, or a bare list.

use std::path::Path;

use scumble_dsp::Stroke;
use scumble_params::{Document, Preset, check_strokes};

use super::CliError;

pub fn read_strokes(path: &Path) -> Result<Vec<Stroke>, CliError> {
    let fail = |e: String| CliError::new(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    parse_strokes(&text).map_err(fail)
}

fn parse_strokes(text: &str) -> Result<Vec<Stroke>, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    if value.is_array() {
        let strokes: Vec<Stroke> =
            serde_json::from_value(value).map_err(|e| format!("not a list of strokes: {e}"))?;
        check_strokes(&strokes)?;
        return Ok(strokes);
    }
    // A document has no name, and a preset must have one.
    if value.get("name").is_some() {
        return Preset::parse(text).map(|preset| preset.strokes).map_err(|e| e.to_string());
    }
    if value.get("version").is_some() {
        return Document::parse(text).map(|document| document.strokes);
    }
    Err("neither a preset, nor a document, nor a list of strokes".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STROKE: &str = r#"{"id": 1, "kind": "gain", "points": [{"x": 0.5, "y": 5, "pressure": 1}],
        "radius_time": 0.1, "radius_octaves": 1, "strength": 1, "hardness": 0}"#;

    #[test]
    fn lists_presets_and_documents_hold_the_same_strokes() {
        let list = parse_strokes(&format!("[{STROKE}]")).expect("a list");
        assert_eq!(list.len(), 1);
        let preset = format!(r#"{{"version": 1, "name": "x", "strokes": [{STROKE}]}}"#);
        assert_eq!(parse_strokes(&preset).expect("a preset"), list);
        let document = format!(r#"{{"version": 1, "preset": "x", "strokes": [{STROKE}]}}"#);
        assert_eq!(parse_strokes(&document).expect("a document"), list);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let loud = STROKE.replace(r#""strength": 1"#, r#""strength": 7"#);
        for (text, words) in [
            ("strokes".to_string(), "not JSON"),
            ("{}".to_string(), "neither a preset"),
            ("[3]".to_string(), "not a list of strokes"),
            (format!("[{STROKE}, {loud}]"), "stroke 1: strength is 7; allowed is -1 to 1"),
            (r#"{"version": 9, "name": "x"}"#.to_string(), "version 9"),
            (r#"{"version": 9}"#.to_string(), "version 9"),
        ] {
            let error = parse_strokes(&text).expect_err(&text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn the_manuals_examples_are_what_they_say() {
        let manual = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manual.md"));
        let (_, rest) = manual.split_once("```json\n").expect("a stroke");
        let (list, rest) = rest.split_once("```").expect("its end");
        let strokes = parse_strokes(list).expect("strokes");
        assert_eq!((strokes.len(), strokes[0].points.len()), (1, 2));
        for kind in scumble_dsp::StrokeKind::ALL {
            let name = serde_json::to_string(&kind).expect("a name").replace('"', "`");
            assert!(rest.contains(&name), "{name}");
        }
        let (_, rest) = rest.split_once("A preset is `").expect("a preset");
        let (preset, _) = rest.split_once('`').expect("its end");
        let preset = Preset::parse(preset).expect("a preset");
        assert_eq!(preset.name, "Mine");
    }
}
