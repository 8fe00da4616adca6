//! `scumble render`: a file through the twin, exact and repeatable, on all cores.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use nice_plug::prelude::{Params, ProcessMode, Transport};
use scumble_dsp::Stroke;
use scumble_gpu::sync::{LatencyShape, Metrics};
use scumble_params::{
    Preset, PresetStore, ScumbleParams, check_strokes, factory_presets, read_preset,
};

use super::CliError;
use super::files::{Sound, Unfinished, read};
use crate::audio::{self, Plan, Processor, Rule};
use crate::canvas::Painter;
use crate::{block_settings, timing};

/// The transport of a render moves in blocks of this size.
const BLOCK: usize = 512;
/// A bar is shown for renders that take longer than this.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Args)]
pub struct RenderArgs {
    /// The file to play: WAV, FLAC, AIFF, MP3 or Ogg Vorbis.
    input: PathBuf,
    /// The WAV file to write.
    output: PathBuf,
    /// A preset's name, or a preset file.
    #[arg(long)]
    preset: Option<String>,
    /// Set a parameter, in its own words: `blur_time=180 ms`. Can be given many times.
    #[arg(long = "param", value_name = "ID=VALUE")]
    params: Vec<String>,
    /// Paint these strokes: a preset, or a JSON list of strokes.
    #[arg(long, value_name = "FILE")]
    strokes: Option<PathBuf>,
    /// Which engine computes. A render is exact and repeatable on the CPU.
    #[arg(long, value_enum, default_value = "cpu")]
    engine: EngineWord,
    /// Beats a minute of the transport that moves the canvas.
    #[arg(long, default_value_t = 120.0)]
    bpm: f64,
    /// Let the sound ring on for so many seconds after the input's end.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    tail: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineWord {
    Auto,
    Cpu,
}

pub fn run(args: &RenderArgs) -> Result<(), CliError> {
    if !(1.0..=999.0).contains(&args.bpm) {
        return Err(CliError::new(format!("--bpm is {}; allowed is 1 to 999", args.bpm)));
    }
    if !(0.0..=600.0).contains(&args.tail) {
        return Err(CliError::new(format!("--tail is {}; allowed is 0 to 600", args.tail)));
    }
    let params = ScumbleParams::default();
    if let Some(name) = &args.preset {
        find_preset(name)?.apply(&params);
    }
    for word in &args.params {
        set_param(&params, word)?;
    }
    if let Some(path) = &args.strokes {
        let mut document = (*params.document.get()).clone();
        document.strokes = read_strokes(path)?;
        params.document.replace(document);
    }
    let sound = read(&args.input)?;
    if sound.channels.len() > 2 {
        let n = sound.channels.len();
        return Err(CliError::new(format!(
            "{}: {n} channels; Scumble plays one or two",
            args.input.display()
        )));
    }
    let unfinished = Unfinished::wav(&args.output)?;
    let part = unfinished.part().to_owned();
    // A cancelled render leaves nothing behind. Without the handler it only leaves the part.
    let _ = ctrlc::set_handler(move || {
        let _ = std::fs::remove_file(&part);
        std::process::exit(130);
    });
    let begun = Instant::now();
    let rendered = render(&sound, &params, args.bpm, args.tail);
    let seconds = sound.samples() as f64 / f64::from(sound.sample_rate);
    unfinished.write(&rendered)?;
    let took = begun.elapsed().as_secs_f64();
    eprintln!("{seconds:.1} s of sound in {took:.2} s ({:.0}x real time)", seconds / took);
    Ok(())
}

fn find_preset(name: &str) -> Result<Preset, CliError> {
    if let Some(preset) = factory_presets().into_iter().find(|p| p.name == name) {
        return Ok(preset);
    }
    if std::path::Path::new(name).exists() {
        return read_preset(name.as_ref()).map_err(|e| CliError::new(e.to_string()));
    }
    let store = PresetStore::user().map_err(|e| CliError::new(e.to_string()))?;
    store
        .load(name)
        .map_err(|e| CliError::new(format!("{e}; `scumble presets` lists what there is")))
}

fn set_param(params: &ScumbleParams, word: &str) -> Result<(), CliError> {
    let (id, text) = word
        .split_once('=')
        .ok_or_else(|| CliError::new(format!("--param {word:?}: write ID=VALUE")))?;
    let map = params.param_map();
    let found = map.iter().find(|(known, _, _)| known == id);
    let (_, ptr, _) = found.ok_or_else(|| {
        let ids: Vec<&str> = map.iter().map(|(id, _, _)| id.as_str()).collect();
        CliError::new(format!("there is no parameter {id:?}; there are {}", ids.join(", ")))
    })?;
    // SAFETY: the pointer is into `params`, which is borrowed for this call.
    let normalised = unsafe { ptr.string_to_normalized_value(text) }.ok_or_else(|| {
        // SAFETY: as above.
        let (low, high) = unsafe {
            (ptr.normalized_value_to_string(0.0, true), ptr.normalized_value_to_string(1.0, true))
        };
        CliError::new(format!("{id}: {text:?} cannot be read; from {low} to {high}"))
    })?;
    // SAFETY: as above; nobody else uses the parameters.
    unsafe { ptr._internal_set_normalized_value(normalised) };
    Ok(())
}

fn read_strokes(path: &std::path::Path) -> Result<Vec<Stroke>, CliError> {
    let fail = |e: String| CliError::new(format!("{}: {e}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    if let Ok(preset) = Preset::parse(&text) {
        return Ok(preset.strokes);
    }
    let strokes: Vec<Stroke> = serde_json::from_str(&text)
        .map_err(|e| fail(format!("neither a preset nor a list of strokes ({e})")))?;
    check_strokes(&strokes).map_err(fail)?;
    Ok(strokes)
}

/// The whole sound through the twin, aligned with the input. Channels know nothing of each other,
/// so each has a thread of its own.
pub fn render(sound: &Sound, params: &ScumbleParams, bpm: f64, tail_seconds: f64) -> Sound {
    let config = nice_plug::prelude::BufferConfig {
        sample_rate: sound.sample_rate,
        min_buffer_size: None,
        max_buffer_size: BLOCK as u32,
        process_mode: ProcessMode::Offline,
    };
    let plan = Plan { rule: Rule::Twin, ..timing::plan(params, &config, 1) };
    let mut painter = Painter::new(plan.sample_rate);
    let length = params.canvas_length.value().into();
    painter.repaint(&params.document.get().strokes, length, params.canvas_sync.value(), bpm);
    let tail = (tail_seconds * f64::from(sound.sample_rate)) as usize;
    let total = sound.samples() + tail;
    let done = AtomicUsize::new(0);
    let channels = std::thread::scope(|scope| {
        let threads: Vec<_> = sound
            .channels
            .iter()
            .map(|channel| {
                let (painter, done) = (&painter, &done);
                let job = move || render_channel(channel, total, plan, painter, params, bpm, done);
                std::thread::Builder::new().name("scumble-render".into()).spawn_scoped(scope, job)
            })
            .collect();
        show_progress(&done, total * sound.channels.len());
        let join = |thread: std::io::Result<std::thread::ScopedJoinHandle<'_, Vec<f32>>>| {
            thread.expect("a thread can be started").join().expect("rendering does not panic")
        };
        threads.into_iter().map(join).collect()
    });
    Sound { sample_rate: sound.sample_rate, channels }
}

fn render_channel(
    input: &[f32],
    total: usize,
    plan: Plan,
    painter: &Painter,
    params: &ScumbleParams,
    bpm: f64,
    done: &AtomicUsize,
) -> Vec<f32> {
    let (port, _) = audio::ports();
    let (tap, _) = audio::tap(plan.sample_rate);
    let metrics = Metrics::new(LatencyShape::default()).audio;
    let mut processor = Processor::new(plan, None, port, tap, metrics);
    processor.begin_with(painter.field().clone());
    let latency = plan.latency_samples();
    let mut output = input.to_vec();
    output.resize(total + latency, 0.0);
    let mut transport = Transport::new(plan.sample_rate);
    transport.playing = true;
    transport.tempo = Some(bpm);
    let settings = block_settings(params, false);
    let mut at = 0;
    while at < output.len() {
        let end = (at + BLOCK).min(output.len());
        let seconds = at as f64 / f64::from(plan.sample_rate);
        transport.pos_seconds = Some(seconds);
        transport.pos_beats = Some(seconds * bpm / 60.0);
        processor.process(&mut [&mut output[at..end]], &settings, &transport);
        done.fetch_add(end - at, Ordering::Relaxed);
        at = end;
    }
    output.drain(..latency);
    output
}

fn show_progress(done: &AtomicUsize, total: usize) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let begun = Instant::now();
    let mut shown = false;
    loop {
        let part = done.load(Ordering::Relaxed) as f64 / total.max(1) as f64;
        if part >= 1.0 {
            break;
        }
        if begun.elapsed() > PATIENCE {
            let filled = (part * 40.0) as usize;
            eprint!("\r[{}{}] {:3.0} %", "#".repeat(filled), ".".repeat(40 - filled), part * 100.0);
            let _ = std::io::stderr().flush();
            shown = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    if shown {
        eprint!("\r{}\r", " ".repeat(50));
    }
}
