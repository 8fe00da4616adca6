//! Saving and loading in a CLAP host: what is good comes back byte for byte, what is not changes
//! nothing (X4).

use scumble_tests::clap_host::{Blocks, Bundle, Param, ParamEvent, Plugin};
use scumble_tests::locate;
use scumble_tests::project::Project;
use scumble_tests::signal::{Rng, first_unsound, noise, null_db};

fn bundle() -> Bundle {
    Bundle::load(&locate::clap_bundle()).unwrap()
}

/// Random values for all parameters, on the grid where there are steps.
fn shuffled(params: &[Param], rng: &mut Rng) -> Vec<(clack_host::utils::ClapId, f64)> {
    params
        .iter()
        .map(|p| {
            let value = p.min + (p.max - p.min) * rng.unit();
            (p.id, if p.stepped { value.round() } else { value })
        })
        .collect()
}

/// An instance that is anything but neutral, and its state.
fn lived_in(seed: u64) -> (Plugin, Vec<u8>) {
    let mut plugin = bundle().scumble().unwrap();
    let params = plugin.params().unwrap();
    plugin.set_inactive(&shuffled(&params, &mut Rng::new(seed))).unwrap();
    let state = plugin.save().unwrap();
    (plugin, state)
}

/// The host's framing: a length, then JSON.
fn json_of(state: &[u8]) -> serde_json::Value {
    serde_json::from_slice(&state[8..]).expect("the state is JSON behind its length")
}

fn framed(json: &serde_json::Value) -> Vec<u8> {
    let body = json.to_string().into_bytes();
    [&(body.len() as u64).to_le_bytes()[..], &body].concat()
}

#[test]
fn a_state_comes_back_byte_for_byte() {
    for seed in 0..10 {
        let (mut from, state) = lived_in(seed);
        let mut to = bundle().scumble().unwrap();
        to.load(&state).unwrap();
        assert_eq!(to.save().unwrap(), state);
        for (a, b) in from.values().unwrap().into_iter().zip(to.values().unwrap()) {
            assert!(a.0 == b.0 && (a.1 - b.1).abs() < 1e-5, "{a:?} became {b:?}");
        }
    }
}

#[test]
fn a_state_comes_back_at_another_rate_and_while_playing() {
    // X4: also at another sample rate, also when the editor was never opened.
    let (_, state) = lived_in(3);
    let mut plugin = bundle().scumble().unwrap();
    let mut processor = plugin.activate(96_000.0, 256).unwrap();
    processor.render(&noise(1, 2, 10_000), &mut Blocks::Fixed(256)).unwrap();
    plugin.load(&state).unwrap();
    let output = processor.render(&noise(1, 2, 10_000), &mut Blocks::Fixed(256)).unwrap();
    assert_eq!(first_unsound(&output), None);
    assert_eq!(plugin.save().unwrap(), state);
    plugin.run_callbacks();
    plugin.deactivate(processor);
    assert_eq!(plugin.save().unwrap(), state);
}

/// Loads bad bytes into a playing instance and checks that nothing came of it.
fn assert_refused(plugin: &mut Plugin, kept: &[u8], bad: &[u8], what: &str) {
    // The wrapper says "loaded" for a document that it could read and Scumble refused: what
    // counts is that the running state is the one before.
    let answer = plugin.load(bad);
    let now = plugin.save().unwrap();
    assert!(
        now == kept,
        "{what} ({answer:?}) changed the state:\n{}\n{}",
        String::from_utf8_lossy(kept),
        String::from_utf8_lossy(&now)
    );
}

#[test]
fn bad_states_are_refused_and_the_running_state_is_kept() {
    let (mut plugin, kept) = lived_in(4);
    let (_, other) = lived_in(5);
    let mut rng = Rng::new(6);
    let mut processor = plugin.activate(48_000.0, 128).unwrap();

    // Cut anywhere: in the length, in the body.
    for cut in (0..other.len()).step_by(7).chain([0, 1, 7, 8, 9, other.len() - 1]) {
        assert_refused(&mut plugin, &kept, &other[..cut], &format!("a state cut at {cut}"));
    }
    // Random bytes, with and without a true length before them.
    for round in 0..200 {
        let n = rng.below(400);
        let bytes: Vec<u8> = (0..n).map(|_| rng.bits() as u8).collect();
        assert_refused(&mut plugin, &kept, &bytes, &format!("random bytes {round}"));
        let framed = [&(n as u64).to_le_bytes()[..], &bytes].concat();
        assert_refused(&mut plugin, &kept, &framed, &format!("framed random bytes {round}"));
    }
    // Lengths that lie.
    for length in [0, 1, u64::MAX, 1 << 40, other.len() as u64 * 2] {
        let lying = [&length.to_le_bytes()[..], &other[8..]].concat();
        if length <= other.len() as u64 {
            assert_refused(&mut plugin, &kept, &lying, &format!("a length of {length}"));
        } else {
            // Longer than the stream is either refused or read as what there is.
            let _ = plugin.load(&lying);
            plugin.load(&kept).unwrap();
            assert_eq!(plugin.save().unwrap(), kept);
        }
    }
    // From a newer version.
    for version in ["0.2.0", "1.0.0", "99.0.0", "", "new"] {
        let mut newer = json_of(&other);
        newer["version"] = version.into();
        let what = format!("a state of version {version:?}");
        assert_refused(&mut plugin, &kept, &framed(&newer), &what);
    }
    // Values out of their range, of the wrong kind, of unknown parameters.
    for (id, value) in [
        ("mix", serde_json::json!(7.0)),
        ("mix", serde_json::json!("loud")),
        ("output", serde_json::json!(1e30)),
        ("quality", serde_json::json!("hifi")),
        ("no_such_parameter", serde_json::json!(0.5)),
    ] {
        let mut bad = json_of(&other);
        bad = Project(bad).set(id, value.clone()).0;
        assert_refused(&mut plugin, &kept, &framed(&bad), &format!("{id} = {value}"));
    }

    // It still plays, and still takes a good state.
    let output = processor.render(&noise(1, 2, 10_000), &mut Blocks::Fixed(128)).unwrap();
    assert_eq!(first_unsound(&output), None);
    plugin.load(&other).unwrap();
    assert_eq!(plugin.save().unwrap(), other);
    plugin.deactivate(processor);
}

#[test]
fn a_refused_state_cannot_be_heard() {
    // X2 holds straight through a hail of bad states, on the audio thread's own time.
    let mut plugin = bundle().scumble().unwrap();
    let (_, other) = lived_in(8);
    let mut newer = json_of(&other);
    newer["version"] = "9.0.0".into();
    let bad = framed(&newer);
    let mut processor = plugin.activate(48_000.0, 128).unwrap();
    let latency = plugin.latency().unwrap();
    let input = noise(2, 2, 24_000);
    let output = processor
        .render_with(&input, &mut Blocks::Fixed(128), |_, _| {
            let _ = plugin.load(&bad);
            (Vec::new(), None)
        })
        .unwrap();
    let error = null_db(&input, &output, latency);
    assert!(error <= -100.0, "null at {error:.1} dB");
    plugin.deactivate(processor);
}

#[test]
fn what_automation_set_is_what_is_saved() {
    let mut plugin = bundle().scumble().unwrap();
    let params = plugin.params().unwrap();
    let mut processor = plugin.activate(48_000.0, 64).unwrap();
    let wanted: Vec<_> = shuffled(&params, &mut Rng::new(12))
        .into_iter()
        .filter(|(id, _)| params.iter().any(|p| p.id == *id && p.automatable))
        .collect();
    let events: Vec<_> =
        wanted.iter().map(|&(id, value)| ParamEvent { time: 5, id, value }).collect();
    processor
        .render_with(&noise(1, 2, 640), &mut Blocks::Fixed(64), |at, _| {
            (if at == 64 { events.clone() } else { Vec::new() }, None)
        })
        .unwrap();
    let state = plugin.save().unwrap();
    plugin.deactivate(processor);
    let mut other = bundle().scumble().unwrap();
    other.load(&state).unwrap();
    for (id, value) in wanted {
        let read = other.value_of(id).unwrap();
        // A number with a grid goes to its nearest point, which shows as the same text.
        let same = (read - value).abs() < 1e-4
            || other.text_of(id, read).unwrap() == other.text_of(id, value).unwrap();
        assert!(same, "{id}: {value} became {read}");
    }
}
