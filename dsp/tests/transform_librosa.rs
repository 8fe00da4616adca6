//! Mel, CQT and VQT against librosa, through the project's venv (P1).

mod transform_common;

use scumble_dsp::transform::mel::Measure;
use scumble_dsp::transform::{
    Cqt, CqtSpec, Gamma, Mel, MelNorm, MelScale, MelSpec, StftSpec, Transform, Value,
};
use serde_json::json;
use transform_common::exchange::Exchange;
use transform_common::*;

/// Name, rate and samples of the sounds.
fn sounds() -> Vec<(&'static str, f64, Vec<f32>)> {
    vec![
        ("speech", 44_100.0, speech(44_100.0, 88_200)),
        ("music", 44_100.0, music(44_100.0, 88_200)),
        ("noise", 44_100.0, noise(9, 60_000)),
        ("slow", 16_000.0, speech(16_000.0, 24_000)),
        ("fast", 96_000.0, music(96_000.0, 96_000)),
        ("short", 44_100.0, noise(4, 300)),
    ]
}

#[test]
fn mel_is_librosa_s() {
    let mut with = Exchange::new("mel", "compare_transforms.py");
    for (name, rate, sound) in sounds() {
        with.give(name, sound.iter().copied());
        let usual = MelSpec {
            stft: StftSpec { sample_rate: rate, window_samples: 2048, hop_samples: 512 },
            ..MelSpec::new(rate)
        };
        let odd = StftSpec { sample_rate: rate, window_samples: 1000, hop_samples: 333 };
        for (scale, norm, measure, stft, bins, low_hz, high_hz) in [
            (MelScale::Slaney, MelNorm::Area, Measure::Power, usual.stft, 128, 0.0, rate / 2.0),
            (MelScale::Htk, MelNorm::Area, Measure::Power, usual.stft, 128, 0.0, rate / 2.0),
            (MelScale::Slaney, MelNorm::Peak, Measure::Magnitude, usual.stft, 40, 50.0, 7_000.0),
            (MelScale::Htk, MelNorm::Peak, Measure::Power, odd, 200, 20.0, 7_500.0),
        ] {
            let spec = MelSpec { stft, bins, low_hz, high_hz, scale, norm, measure };
            let mut mel = Mel::new(spec).expect("legal");
            let levels = mel.analyse(&sound).expect("fits");
            let what = json!({
                "kind": "mel", "sound": name, "rate": rate, "n": stft.window_samples,
                "hop": stft.hop_samples, "bins": bins, "low": low_hz, "high": high_hz,
                "htk": scale == MelScale::Htk, "area": norm == MelNorm::Area,
                "power": if measure == Measure::Power { 2.0 } else { 1.0 },
                "frequencies": mel.frequencies(),
            });
            with.case(what, levels);
        }
    }
    let compared = with.compare();
    assert_eq!(compared.len(), 24);
    for (case, figures) in compared {
        println!("{case}: {figures:?}");
        for (figure, bar) in [("relative", 1e-5), ("each", 1e-4), ("frequencies", 1e-12)] {
            assert!(figures[figure] <= bar, "{figure} is {} over {bar}: {case}", figures[figure]);
        }
    }
}

#[test]
fn constant_and_variable_q_are_librosa_s() {
    let mut with = Exchange::new("cqt", "compare_transforms.py");
    for (name, rate, sound) in sounds() {
        if name == "short" {
            // librosa's decimated octaves are nothing but filter edges there.
            continue;
        }
        with.give(name, sound.iter().copied());
        let usual = CqtSpec::new(rate);
        let bins = if rate < 20_000.0 { 60 } else { 84 };
        let specs = [
            CqtSpec { bins, ..usual },
            CqtSpec { bins, gamma: Gamma::Ear, ..usual },
            CqtSpec { bins: 5 * 36, bins_per_octave: 36, low_hz: 110.0, ..usual },
            CqtSpec { bins, gamma: Gamma::Hz(20.0), scaled: false, ..usual },
        ];
        // librosa halves the rate from octave to octave as long as the hop can be halved; with an odd one
        // it applies its filters as they are.
        let hops = [usual.hop_samples, usual.hop_samples - 1];
        let cases =
            specs.iter().flat_map(|&spec| hops.map(|hop_samples| CqtSpec { hop_samples, ..spec }));
        for spec in cases {
            let mut cqt = Cqt::new(spec).expect("legal");
            let levels = cqt.analyse(&sound).expect("fits").into_iter().map(Value::level);
            let gamma = match spec.gamma {
                Gamma::None => json!(0.0),
                Gamma::Ear => json!("ear"),
                Gamma::Hz(hz) => json!(hz),
            };
            let what = json!({
                "kind": "constant_q", "sound": name, "rate": rate, "hop": spec.hop_samples,
                "low": spec.low_hz, "bins": spec.bins, "bins_per_octave": spec.bins_per_octave,
                "gamma": gamma, "filter_scale": spec.filter_scale, "scaled": spec.scaled,
                "frequencies": cqt.frequencies(), "lengths": spec.lengths_samples(),
            });
            with.case(what, levels.collect());
        }
    }
    let compared = with.compare();
    assert_eq!(compared.len(), 40);
    for (case, figures) in compared {
        println!("{case}: {figures:?}");
        let correlation = figures["correlation"];
        if let Some(halved) = figures.get("halved") {
            // In white noise the halved rates, with filters rounded to few samples, can take librosa
            // further than 0.999 from itself. Nobody can be near both: we are where it does not halve.
            assert!(correlation >= halved - 1e-4, "{correlation} under {halved}: {case}");
        } else {
            assert!(correlation >= 0.999, "correlation is {correlation}: {case}");
        }
        assert!((figures["level"] - 1.0).abs() < 0.02, "level {}: {case}", figures["level"]);
        for (figure, bar) in [("frequencies", 1e-12), ("lengths", 1e-12), ("frames", 0.0)] {
            assert!(figures[figure] <= bar, "{figure} is {} over {bar}: {case}", figures[figure]);
        }
    }
}
