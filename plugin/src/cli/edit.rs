//! `scumble edit`: strokes laid on the spectrogram of a whole file, looking both ways in time (P2).
//!
//! What no stroke touches keeps its samples to the bit.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Args;
use scumble_dsp::store::Store;
use scumble_dsp::{Stroke, WindowShape, WindowSpec};

use super::files::{Sound, read};
use super::output::{OutputArgs, UnfinishedSound};
use super::strokes::read_strokes;
use super::{CliError, progress};

/// What the stores of a file may take; a longer file is refused rather than swapped.
const MEMORY_BYTES: u64 = 4 << 30;

#[derive(Args)]
pub struct EditArgs {
    /// The file to edit: WAV, FLAC, AIFF, MP3 or Ogg Vorbis.
    input: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// The strokes: a preset, a saved document, or a JSON list of strokes. Their x goes from the
    /// file's start (0) to its end (1).
    #[arg(long, value_name = "FILE")]
    strokes: PathBuf,
    /// What x = 1 stands for, instead of the file's end. With 1, x is in seconds.
    #[arg(long, value_name = "SECONDS")]
    length: Option<f64>,
}

pub fn run(args: &EditArgs) -> Result<(), CliError> {
    if args.length.is_some_and(|seconds| !(0.001..=86_400.0).contains(&seconds)) {
        let found = args.length.unwrap_or_default();
        return Err(CliError::words(format!("--length is {found}; allowed is 0.001 to 86400")));
    }
    args.output.check()?;
    let strokes = read_strokes(&args.strokes)?;
    let sound = read(&args.input)?;
    let unfinished = UnfinishedSound::new(&args.output, &sound)?;
    let begun = Instant::now();
    let edited = edit(&sound, &strokes, args.length)
        .map_err(|e| CliError::new(format!("{}: {e}", args.input.display())))?;
    let seconds = sound.samples() as f64 / f64::from(sound.sample_rate);
    unfinished.write(&edited)?;
    progress::summary(seconds, begun);
    Ok(())
}

/// 2048 samples at 48 kHz, three quarters of them in the next window too.
fn window(sample_rate: f32) -> WindowSpec {
    let octave = (sample_rate / 48_000.0).log2().round().clamp(-3.0, 3.0) as i32;
    let n = (2048.0 * f64::from(octave).exp2()) as usize;
    WindowSpec::custom(n, n, n / 4, WindowShape::Hann).expect("a Hann window of a power of two")
}

/// What the store of one channel takes: complex numbers and magnitudes, original and working.
fn store_bytes(spec: &WindowSpec, samples: usize) -> u64 {
    let frames = samples.div_ceil(spec.h) + spec.overlap();
    2 * 12 * (frames * spec.bins()) as u64
}

/// The strokes as parts of the whole file, where x = 1 stands for `length` seconds.
fn placed(strokes: &[Stroke], sound: &Sound, length: Option<f64>) -> Vec<Stroke> {
    let seconds = sound.samples() as f64 / f64::from(sound.sample_rate);
    let scale = length.map_or(1.0, |length| length / seconds) as f32;
    let place = |stroke: &Stroke| {
        let mut stroke = stroke.clone();
        stroke.radius_time *= scale;
        stroke.points.iter_mut().for_each(|point| point.x *= scale);
        stroke
    };
    strokes.iter().map(place).collect()
}

/// The edited sound, as long as the sound that came in.
pub fn edit(sound: &Sound, strokes: &[Stroke], length: Option<f64>) -> Result<Sound, String> {
    let spec = window(sound.sample_rate);
    let one = store_bytes(&spec, sound.samples());
    if one > MEMORY_BYTES {
        let minutes = |bytes: u64| {
            let samples = sound.samples() as f64 * bytes as f64 / one as f64;
            samples / f64::from(sound.sample_rate) / 60.0
        };
        return Err(format!(
            "{:.0} minutes of sound; at {} Hz no more than {:.0} can be edited at once: cut it first",
            minutes(one),
            sound.sample_rate,
            minutes(MEMORY_BYTES),
        ));
    }
    let strokes = placed(strokes, sound, length);
    let done = AtomicUsize::new(0);
    let total = sound.channels.len() * (strokes.len() + 2);
    // Side by side as far as memory goes.
    let side_by_side = (MEMORY_BYTES / one.max(1)).clamp(1, 2) as usize;
    let mut channels = Vec::new();
    for group in sound.channels.chunks(side_by_side) {
        channels.extend(std::thread::scope(|scope| {
            let threads: Vec<_> = group
                .iter()
                .map(|channel| {
                    let (strokes, done) = (&strokes, &done);
                    let rate = f64::from(sound.sample_rate);
                    let job = move || edit_channel(channel, rate, spec, strokes, done);
                    let builder = std::thread::Builder::new().name("scumble-edit".into());
                    builder.spawn_scoped(scope, job).expect("a thread can be started")
                })
                .collect();
            progress::show(&done, total, || threads.iter().any(|thread| !thread.is_finished()));
            let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<f32>>| {
                thread.join().expect("editing does not panic")
            };
            threads.into_iter().map(join).collect::<Vec<_>>()
        }));
    }
    Ok(Sound { sample_rate: sound.sample_rate, channels })
}

fn edit_channel(
    input: &[f32],
    sample_rate: f64,
    spec: WindowSpec,
    strokes: &[Stroke],
    done: &AtomicUsize,
) -> Vec<f32> {
    let _flush = scumble_dsp::denormals::FlushDenormals::new();
    let step = || done.fetch_add(1, Ordering::Relaxed);
    let mut store = Store::new(spec, sample_rate, input);
    step();
    for (i, stroke) in strokes.iter().enumerate() {
        store.apply_before(stroke, &strokes[i + 1..]);
        step();
    }
    store.resynthesise();
    step();
    store.output().to_vec()
}
