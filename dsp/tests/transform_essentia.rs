//! The Gabor frame against essentia's NSGConstantQ, through the project's venv (P1).

mod transform_common;

use scumble_dsp::transform::{Gabor, GaborSpec, Transform, Value};
use serde_json::json;
use transform_common::exchange::Exchange;
use transform_common::*;

#[test]
fn magnitudes_are_essentia_s() {
    let mut with = Exchange::new("gabor", "compare_gabor.py");
    let rate = 44_100.0;
    for (name, sound) in [
        ("speech", speech(rate, 88_200)),
        ("music", music(rate, 88_200)),
        ("noise", noise(9, 88_200)),
    ] {
        with.give(name, sound.iter().copied());
        for bins_per_octave in [12, 24, 48] {
            // Half a step above the highest bin, so that both count the same bins.
            let octaves = 6.0 + 0.5 / bins_per_octave as f64;
            let high_hz = 110.0 * 2f64.powf(octaves);
            let spec = GaborSpec { sample_rate: rate, low_hz: 110.0, high_hz, bins_per_octave };
            let mut gabor = Gabor::new(spec, sound.len()).expect("legal");
            let shape = gabor.shape(sound.len());
            let values = gabor.analyse(&sound).expect("fits");
            let grid = shape.bins * shape.frames;
            let what = json!({
                "sound": name, "rate": rate, "low": 110.0, "high": high_hz, "bins": shape.bins,
                "bins_per_octave": bins_per_octave, "hop": gabor.hop_samples(),
            });
            with.case(what, values[..grid].iter().map(|v| v.level()).collect());
        }
    }
    let compared = with.compare();
    assert_eq!(compared.len(), 9);
    for (case, figures) in compared {
        println!("{case}: {figures:?}");
        // Their windows are symmetric in hertz, ours reach from neighbour to neighbour. In noise,
        // which is everywhere, that shows most.
        let bar = if case["sound"] == "noise" { 0.997 } else { 0.999 };
        assert_eq!(figures["bins"], 0.0, "{case}");
        assert!(figures["correlation"] >= bar, "{figures:?}: {case}");
        assert!(figures["uneven"] < 0.03, "{figures:?}: {case}");
    }
}
