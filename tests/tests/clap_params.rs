//! Scumble's parameters as a CLAP host sees them.

use scumble_tests::clap_host::{Bundle, Param, Plugin, param_id};
use scumble_tests::locate;

/// Stable id, display name, whether a host may automate it. Projects depend on all three.
const PARAMS: [(&str, &str, bool); 20] = [
    ("bypass", "Bypass", true),
    ("mix", "Mix", true),
    ("output", "Output", true),
    ("quality", "Quality", false),
    ("engine", "Engine", false),
    ("buffering", "Buffering", false),
    ("on_miss", "On Miss", true),
    ("blur_time", "Blur Time", true),
    ("blur_freq", "Blur Freq", true),
    ("diffuse", "Diffuse", true),
    ("warp_shift", "Shift", true),
    ("warp_stretch", "Stretch", true),
    ("low_cut", "Low Cut", true),
    ("high_cut", "High Cut", true),
    ("mod_low", "Mod Low", true),
    ("mod_high", "Mod High", true),
    ("freeze", "Freeze", true),
    ("paint", "Paint", true),
    ("canvas_length", "Canvas Length", true),
    ("canvas_sync", "Canvas Sync", true),
];

fn scumble() -> Plugin {
    Bundle::load(&locate::clap_bundle()).unwrap().scumble().unwrap()
}

fn find<'a>(params: &'a [Param], stable: &str) -> &'a Param {
    params
        .iter()
        .find(|p| p.id == param_id(stable))
        .unwrap_or_else(|| panic!("there is no parameter {stable}"))
}

#[test]
fn the_parameters_are_the_promised_ones() {
    let params = scumble().params().unwrap();
    for (id, name, automatable) in PARAMS {
        let param = find(&params, id);
        assert_eq!(param.name, name, "{id}");
        assert_eq!(param.automatable, automatable, "{id}");
    }
    assert_eq!(params.len(), PARAMS.len(), "{params:?}");
}

#[test]
fn choices_have_the_promised_names() {
    let mut plugin = scumble();
    let params = plugin.params().unwrap();
    for (id, names) in [
        ("quality", &["Live", "Balanced", "Studio", "Ultra"][..]),
        ("engine", &["Auto", "GPU", "CPU"]),
        ("buffering", &["Double", "Triple", "Ring"]),
        ("on_miss", &["Rescue", "Hold", "Dry"]),
        ("canvas_sync", &["Host beats", "Host seconds", "Free"]),
    ] {
        let param = find(&params, id);
        assert!(param.stepped, "{id}");
        let shown: Vec<_> = (0..names.len())
            .map(|step| plugin.text_of(param.id, param.min + step as f64).unwrap())
            .collect();
        assert_eq!(shown, names, "{id}");
        assert_eq!(param.max - param.min, (names.len() - 1) as f64, "{id}");
    }
}

#[test]
fn every_value_parses_back_from_its_text() {
    let mut plugin = scumble();
    for param in plugin.params().unwrap() {
        for step in 0..=20 {
            let mut value = param.min + (param.max - param.min) * f64::from(step) / 20.0;
            if param.stepped {
                value = value.round();
            }
            let text = plugin.text_of(param.id, value).unwrap();
            let parsed = plugin
                .parse(param.id, &text)
                .unwrap()
                .unwrap_or_else(|| panic!("{}: {text:?} does not parse", param.name));
            let again = plugin.text_of(param.id, parsed).unwrap();
            assert_eq!(again, text, "{}: {value} is shown as {text:?}", param.name);
        }
        for nonsense in ["", "x", "-", "1e999", "NaN", "\u{1F3B5}"] {
            // Refused or understood, but never out of the range.
            if let Some(value) = plugin.parse(param.id, nonsense).unwrap() {
                let range = param.min..=param.max;
                assert!(range.contains(&value), "{}: {nonsense:?} is {value}", param.name);
            }
        }
    }
}

#[test]
fn a_value_set_is_the_value_read() {
    let mut plugin = scumble();
    for param in plugin.params().unwrap() {
        for value in [param.max, param.min, (param.min + param.max) / 2.0, param.default] {
            let value = if param.stepped { value.round() } else { value };
            plugin.set_inactive(&[(param.id, value)]).unwrap();
            let read = plugin.value_of(param.id).unwrap();
            // A number with a grid goes to its nearest point, which shows as the same text.
            let text = |plugin: &mut Plugin, value| plugin.text_of(param.id, value).unwrap();
            let same =
                (read - value).abs() < 1e-4 || text(&mut plugin, read) == text(&mut plugin, value);
            assert!(same, "{}: {value} became {read}", param.name);
        }
    }
}

#[test]
fn all_effects_are_neutral_by_default() {
    let mut plugin = scumble();
    let params = plugin.params().unwrap();
    for (id, text) in [
        ("bypass", "Off"),
        ("mix", "100"),
        ("output", "0"),
        ("blur_time", "0"),
        ("blur_freq", "0"),
        ("diffuse", "0"),
        ("warp_shift", "+0"),
        ("warp_stretch", "1"),
        ("freeze", "Off"),
    ] {
        let param = find(&params, id);
        let shown = plugin.text_of(param.id, param.default).unwrap();
        assert!(shown.starts_with(text), "{id} is {shown:?} by default");
    }
}
