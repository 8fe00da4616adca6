//! `scumble render`: a file through the twin, exact and repeatable, on all cores; or through the GPU.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use nice_plug::prelude::{BufferConfig, Params, ProcessMode, Transport};
use scumble_params::{Preset, PresetStore, ScumbleParams, factory_presets, read_preset};

use super::files::{Sound, read};
use super::output::{OutputArgs, UnfinishedSound};
use super::strokes::read_strokes;
use super::{CliError, gpu_render, progress};
use crate::audio::{Plan, Rule};
use crate::canvas::Painter;
use crate::rig::Rig;
use crate::{block_settings, timing};

/// The transport of a render moves in blocks of this size.
const BLOCK: usize = 512;

#[derive(Args)]
pub struct RenderArgs {
    /// The file to play: WAV, FLAC, AIFF, MP3 or Ogg Vorbis.
    input: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    /// A preset's name, or a preset file.
    #[arg(long)]
    preset: Option<String>,
    /// Set a parameter, in its own words: `blur_time=180 ms`. Can be given many times.
    #[arg(long = "param", value_name = "ID=VALUE")]
    params: Vec<String>,
    /// Paint these strokes: a preset, or a JSON list of strokes.
    #[arg(long, value_name = "FILE")]
    strokes: Option<PathBuf>,
    /// Which engine computes. On the CPU a render is the same to the bit on every run; on the GPU
    /// it is within 1e-4 of that. Auto takes a GPU where there is one.
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
    Gpu,
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
        let strokes = read_strokes(path)?;
        params.document.edit(params.document.generation(), |document| document.strokes = strokes);
    }
    let sound = read(&args.input)?;
    if sound.channels.len() > 2 {
        let n = sound.channels.len();
        return Err(CliError::new(format!(
            "{}: {n} channels; Scumble plays one or two",
            args.input.display()
        )));
    }
    let on_gpu = match args.engine {
        EngineWord::Cpu => false,
        EngineWord::Gpu => gpu_render::find_adapter().map(|_| true)?,
        EngineWord::Auto => gpu_render::find_adapter().is_ok(),
    };
    let unfinished = UnfinishedSound::new(&args.output)?;
    let begun = Instant::now();
    let rendered = if on_gpu {
        gpu_render::render(&sound, &params, args.bpm, args.tail)?
    } else {
        render(&sound, &params, args.bpm, args.tail)
    };
    unfinished.write(&rendered)?;
    progress::summary(sound.samples() as f64 / f64::from(sound.sample_rate), begun);
    Ok(())
}

fn find_preset(name: &str) -> Result<Preset, CliError> {
    if let Some(preset) = factory_presets().into_iter().find(|p| p.name == name) {
        return Ok(preset);
    }
    if std::path::Path::new(name).exists() {
        return Ok(read_preset(name.as_ref())?);
    }
    PresetStore::user()?
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

/// The plan of an offline activation with blocks of this size.
pub fn offline_plan(sound: &Sound, params: &ScumbleParams, block: usize) -> Plan {
    let config = BufferConfig {
        sample_rate: sound.sample_rate,
        min_buffer_size: None,
        max_buffer_size: block as u32,
        process_mode: ProcessMode::Offline,
    };
    timing::plan(params, &config, 1)
}

/// The parameters' strokes as a field.
pub fn painted(sample_rate: f32, params: &ScumbleParams, bpm: f64) -> Painter {
    let mut painter = Painter::new(sample_rate);
    let length = params.canvas_length.value().into();
    painter.repaint(&params.document.get().strokes, length, params.canvas_sync.value(), bpm);
    painter
}

/// Samples that come out: the input's and the tail's.
pub fn total_samples(sound: &Sound, tail_seconds: f64) -> usize {
    sound.samples() + (tail_seconds * f64::from(sound.sample_rate)) as usize
}

/// The host's clock at a sample of the file.
pub fn transport_at(sample: usize, sample_rate: f32, bpm: f64) -> Transport {
    let mut transport = Transport::new(sample_rate);
    let seconds = sample as f64 / f64::from(sample_rate);
    transport.playing = true;
    transport.tempo = Some(bpm);
    transport.pos_seconds = Some(seconds);
    transport.pos_beats = Some(seconds * bpm / 60.0);
    transport
}

/// The whole sound through the twin, aligned with the input. Channels know nothing of each other,
/// so each has a thread of its own.
pub fn render(sound: &Sound, params: &ScumbleParams, bpm: f64, tail_seconds: f64) -> Sound {
    let plan = Plan { rule: Rule::Twin, ..offline_plan(sound, params, BLOCK) };
    let painter = painted(plan.sample_rate, params, bpm);
    let total = total_samples(sound, tail_seconds);
    let done = AtomicUsize::new(0);
    let channels = std::thread::scope(|scope| {
        let threads: Vec<_> = sound
            .channels
            .iter()
            .map(|channel| {
                let (painter, done) = (&painter, &done);
                let job = move || render_channel(channel, total, plan, painter, params, bpm, done);
                let builder = std::thread::Builder::new().name("scumble-render".into());
                builder.spawn_scoped(scope, job).expect("a thread can be started")
            })
            .collect();
        let works = || threads.iter().any(|thread| !thread.is_finished());
        progress::show(&done, total * sound.channels.len(), works);
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<f32>>| {
            thread.join().expect("rendering does not panic")
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
    let mut processor = Rig::on_twin(plan).processor;
    processor.begin_with(painter.field().clone());
    let latency = plan.latency_samples();
    let mut output = input.to_vec();
    output.resize(total + latency, 0.0);
    let settings = block_settings(params, false);
    let mut at = 0;
    while at < output.len() {
        let end = (at + BLOCK).min(output.len());
        let transport = transport_at(at, plan.sample_rate, bpm);
        processor.process(&mut [&mut output[at..end]], &settings, &transport);
        done.fetch_add(end - at, Ordering::Relaxed);
        at = end;
    }
    output.drain(..latency);
    output
}
