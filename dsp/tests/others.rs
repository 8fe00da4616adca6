//! Against other people's programs: scipy and librosa, through the project's venv.

mod common;
#[path = "common/python.rs"]
mod venv;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;
use realfft::num_complex::Complex;
use scumble_dsp::effect::blur::BlurTable;
use scumble_dsp::stft::Stft;
use scumble_dsp::store::Store;
use scumble_dsp::texture::{self, AutoGain, RANGE_DB};
use scumble_dsp::window::{blackman_harris, hann, kaiser};
use scumble_dsp::{Stroke, StrokeKind, StrokePoint, WindowShape, WindowSpec};
use venv::python;

struct Exchange {
    folder: PathBuf,
    manifest: serde_json::Map<String, serde_json::Value>,
}

impl Exchange {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("scumble-dsp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self { folder, manifest: serde_json::Map::new() }
    }

    fn give(&self, name: &str, values: impl IntoIterator<Item = f32>) {
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        std::fs::write(self.folder.join(format!("{name}.f32")), bytes).expect("writes");
    }

    fn tell(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.manifest.insert(name.into(), value.into());
    }

    fn compare(self) -> BTreeMap<String, f64> {
        let manifest = serde_json::to_string(&self.manifest).expect("serialises");
        std::fs::write(self.folder.join("manifest.json"), manifest).expect("writes");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/py/compare.py");
        let run = Command::new(python()).arg(script).arg(&self.folder).output().expect("starts");
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{errors}");
        std::fs::remove_dir_all(&self.folder).expect("cleans up");
        serde_json::from_slice(&run.stdout).expect("one JSON object")
    }
}

/// One dab that paints a whole clip alike.
fn everywhere(kind: StrokeKind, strength: f32) -> Stroke {
    Stroke {
        id: 1,
        kind,
        points: vec![StrokePoint { x: 0.5, y: 5.0, pressure: 1.0 }],
        radius_time: 4.0,
        radius_octaves: 40.0,
        strength,
        hardness: 1.0,
    }
}

fn magnitudes(store: &Store) -> Vec<f32> {
    (0..store.frames()).flat_map(|f| store.frame(f).mag[..store.bins()].to_vec()).collect()
}

// P1, P2, P3, P5.
#[test]
fn scipy_and_librosa_agree() {
    let mut with = Exchange::new();
    let f32s = |w: Vec<f64>| w.into_iter().map(|x| x as f32);
    with.give("window_hann", f32s(hann(2048)));
    with.give("window_blackman_harris", f32s(blackman_harris(2048)));
    with.give("window_kaiser", f32s(kaiser(2048, 8.0)));

    let clip: Vec<f32> = noise(3, 44_100)
        .into_iter()
        .zip(sine(880.0, 0.5, 44_100))
        .enumerate()
        .map(|(i, (n, s))| 0.3 * n + s * (1.0 + (i as f32 * 4e-4).sin()))
        .collect();
    with.give("clip", clip.iter().copied());
    let spec = WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).expect("legal");
    let mut stft = Stft::new(&spec);
    let (frames, bins) = (stft.frames(clip.len()), stft.bins());
    let mut rows = vec![Complex::default(); frames * bins];
    stft.forward(&clip, &mut rows);
    with.give("stft", rows.iter().flat_map(|c| [c.re, c.im]));
    for (name, value) in [("frames", frames), ("bins", bins), ("n", 2048), ("hop", 512)] {
        with.tell(name, value);
    }

    let store = Store::new(spec, RATE, &clip);
    with.tell("store_frames", store.frames());
    with.tell("store_bins", store.bins());
    with.give("store_before", magnitudes(&store));
    let frames_per_second = RATE / 512.0;
    for (name, strength) in [("narrow", 0.5f32), ("wide", 1.0)] {
        let mut store = Store::new(spec, RATE, &clip);
        store.apply(&everywhere(StrokeKind::BlurTime, strength));
        with.give(&format!("time_blur_{name}"), magnitudes(&store));
        let seconds = 0.25 * 0.12 * f64::from(strength);
        with.tell(&format!("time_sigma_{name}"), seconds * frames_per_second);
    }
    let mut store = Store::new(spec, RATE, &clip);
    store.apply(&everywhere(StrokeKind::WarpTime, 0.7));
    with.give("time_shifted", magnitudes(&store));
    with.tell("time_shift", 0.25 * 0.25 * f64::from(0.7f32) * frames_per_second);

    let row: Vec<f32> = noise(9, 1025).into_iter().map(f32::abs).collect();
    let mut impulse = vec![0.0; row.len()];
    impulse[row.len() / 2] = 1.0;
    let sigmas = [2.0f32, 7.5, 30.0];
    with.give("row", row.iter().copied());
    with.tell("freq_sigmas", sigmas.to_vec());
    for sigma in sigmas {
        let table = BlurTable::with_sigma_bins(&vec![sigma; row.len()]);
        let (mut prefix, mut out) = (vec![0.0; row.len() + 1], vec![0.0; row.len()]);
        table.blur(&row, &mut prefix, &mut out);
        with.give(&format!("freq_blur_{sigma:.1}"), out.iter().copied());
        table.blur(&impulse, &mut prefix, &mut out);
        with.give(&format!("impulse_{sigma:.1}"), out.iter().copied());
    }

    let levels: Vec<f32> = (0..2000).map(|i| 0.994f32.powi(i)).collect();
    let mut pixels = vec![0; 4 * levels.len()];
    let phases = vec![0.0; levels.len()];
    texture::draw(1.0, &AutoGain::default(), &levels, &phases, &mut pixels);
    with.give("levels", levels.iter().copied());
    with.give("red", pixels.iter().step_by(4).map(|&r| f32::from(r)));
    with.tell("range_db", RANGE_DB);

    let errors = with.compare();
    for (name, error) in &errors {
        let bar = match name.as_str() {
            // Transforms: 1e-5 relative (S14), here to the largest value.
            name if name.starts_with("window") => 1e-6,
            name if name.starts_with("stft") => 1e-6,
            // scipy ends its Gaussian at the nearest whole frame, the store at the next.
            name if name.starts_with("time_blur") => 5e-5,
            "map_coordinates" => 2e-5,
            // Four boxes stand for a Gaussian: its distribution, its width, and noise under it.
            name if name.starts_with("freq_blur") => 0.02,
            name if name.starts_with("freq_cdf") => 0.01,
            name if name.starts_with("freq_spread") => 0.02,
            // Rounding to whole levels is half a level.
            "texture_levels" => 0.55,
            name => panic!("no bar for {name}"),
        };
        println!("{name}: {error:.2e} of {bar:.0e}");
        assert!(*error <= bar, "{name}: {error} over {bar}");
    }
    assert!(errors.len() >= 18, "all comparisons were made: {errors:?}");
}
