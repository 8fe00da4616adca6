//! The demonstration: Scumble in a CLAP host, a short sound through it, and what came out, as
//! sounds, pictures and figures.

pub mod picture;
pub mod sound;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::clap_host::{Blocks, Bundle, HostError, ParamEvent, Processor, Transport, param_id};
use crate::signal::{db, first_unsound, peak};
use sound::{SAMPLE_RATE, TEMPO_BPM};

/// What is turned for the demonstration: parameter, text of its value.
pub const SETTINGS: [(&str, &str); 5] = [
    ("blur_time", "180 ms"),
    ("blur_freq", "0.2 oct"),
    ("diffuse", "35 %"),
    ("warp_shift", "40 Hz"),
    ("mix", "85 %"),
];
const BLOCK: usize = 256;
const TAIL_SECONDS: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("there is no bundle at {0}; `cargo xtask bundle scumble --release` makes it")]
    NoBundle(PathBuf),
    #[error("{path} cannot be written: {reason}")]
    Unwritable { path: PathBuf, reason: String },
    #[error("parameter {id} does not understand {text:?}")]
    Unparsed { id: &'static str, text: &'static str },
    #[error("the output holds {value} at sample {sample} of channel {channel}")]
    Unsound { channel: usize, sample: usize, value: f32 },
    #[error(transparent)]
    Host(#[from] HostError),
}

fn unwritable<E: ToString>(path: &Path) -> impl FnOnce(E) -> DemoError {
    move |e| DemoError::Unwritable { path: path.to_owned(), reason: e.to_string() }
}

fn write_wav(path: &Path, sound: &[Vec<f32>]) -> Result<(), DemoError> {
    let spec = hound::WavSpec {
        channels: sound.len() as u16,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let write = || -> hound::Result<()> {
        let mut file = hound::WavWriter::create(path, spec)?;
        for t in 0..sound[0].len() {
            for channel in sound {
                file.write_sample(channel[t])?;
            }
        }
        file.finalize()
    };
    write().map_err(unwritable(path))
}

/// Root mean square in dB below full scale.
fn level_db(sound: &[Vec<f32>]) -> f64 {
    let n = sound.iter().map(Vec::len).sum::<usize>() as f64;
    let power: f64 = sound.iter().flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
    db((power / n).sqrt())
}

/// Level of the difference of two sounds relative to the first.
fn difference_db(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let difference: Vec<Vec<f32>> =
        a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
    level_db(&difference) - level_db(a)
}

/// Plays the sound as a host does whose transport runs, sets the parameters after one bar, and
/// takes the latency out.
fn render(
    processor: &mut Processor,
    input: &[Vec<f32>],
    settings: &[ParamEvent],
    latency: usize,
) -> Result<Vec<Vec<f32>>, HostError> {
    let padded: Vec<Vec<f32>> =
        input.iter().map(|c| [&c[..], &vec![0.0; latency]].concat()).collect();
    let rate = f64::from(SAMPLE_RATE);
    let bar = (4.0 * 60.0 / TEMPO_BPM * rate) as usize;
    let output = processor.render_with(&padded, &mut Blocks::Fixed(BLOCK), |at, n| {
        let seconds = at as f64 / rate;
        let transport = Transport {
            playing: true,
            beats: seconds * TEMPO_BPM / 60.0,
            seconds,
            tempo_bpm: TEMPO_BPM,
            cycle: None,
        };
        let events = if (at..at + n).contains(&bar) { settings.to_vec() } else { Vec::new() };
        (events, Some(transport))
    })?;
    Ok(output.into_iter().map(|c| c[latency..].to_vec()).collect())
}

/// Does all of it; the report says what was done.
pub fn run(bundle: &Path, folder: &Path) -> Result<serde_json::Value, DemoError> {
    if !bundle.exists() {
        return Err(DemoError::NoBundle(bundle.to_owned()));
    }
    std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let dry = sound::phrase(1, TAIL_SECONDS * SAMPLE_RATE as usize);
    write_wav(&folder.join("dry.wav"), &dry)?;

    let loaded = Bundle::load(bundle)?;
    let mut plugin = loaded.scumble()?;
    let mut settings = Vec::new();
    for (id, text) in SETTINGS {
        let number = param_id(id);
        let value = plugin.parse(number, text)?.ok_or(DemoError::Unparsed { id, text })?;
        settings.push(ParamEvent { time: 0, id: number, value });
    }
    plugin.set_offline(true)?;
    let mut processor = plugin.activate(f64::from(SAMPLE_RATE), BLOCK as u32)?;
    let latency = plugin.latency()?;
    let begun = std::time::Instant::now();
    let wet = render(&mut processor, &dry, &settings, latency)?;
    let seconds = begun.elapsed().as_secs_f64();
    plugin.deactivate(processor);
    if let Some((channel, sample, value)) = first_unsound(&wet) {
        return Err(DemoError::Unsound { channel, sample, value });
    }
    write_wav(&folder.join("wet.wav"), &wet)?;

    for (name, sound) in [("dry.png", &dry), ("wet.png", &wet)] {
        let path = folder.join(name);
        picture::write_spectrogram(&path, sound, SAMPLE_RATE).map_err(unwritable(&path))?;
    }
    let bar = (4.0 * 60.0 / TEMPO_BPM * f64::from(SAMPLE_RATE)) as usize;
    // What the host turns is heard at once, which is `latency` earlier in the aligned sound.
    let before = bar - latency - BLOCK;
    let part = |sound: &[Vec<f32>], range: std::ops::Range<usize>| -> Vec<Vec<f32>> {
        sound.iter().map(|c| c[range.clone()].to_vec()).collect()
    };
    let end = dry[0].len();
    let sound_seconds = end as f64 / f64::from(SAMPLE_RATE);
    let descriptor = loaded.scan().into_iter().next();
    let report = json!({
        "plugin": descriptor.map(|d| format!("{} {} ({})", d.name, d.version, d.id)),
        "sample_rate": SAMPLE_RATE,
        "block_samples": BLOCK,
        "latency_samples": latency,
        "latency_ms": latency as f64 * 1000.0 / f64::from(SAMPLE_RATE),
        "settings_after_one_bar": SETTINGS.map(|(id, text)| json!({"id": id, "value": text})),
        "sound_seconds": sound_seconds,
        "render_seconds": seconds,
        "times_real_time": sound_seconds / seconds,
        "dry": {"peak_db": db(peak(&dry)), "level_db": level_db(&dry)},
        "wet": {"peak_db": db(peak(&wet)), "level_db": level_db(&wet)},
        // Neutral for the first bar: as good as nothing. Then the effect: far from nothing.
        "difference_first_bar_db": difference_db(
            &part(&dry, 0..before), &part(&wet, 0..before)),
        "difference_after_db": difference_db(&part(&dry, bar..end), &part(&wet, bar..end)),
        "files": ["dry.wav", "wet.wav", "dry.png", "wet.png"],
    });
    let path = folder.join("report.json");
    std::fs::write(&path, format!("{report:#}\n")).map_err(unwritable(&path))?;
    Ok(report)
}
