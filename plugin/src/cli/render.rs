//! `scumble render`: a file through the twin, exact and repeatable, on all cores; or through the GPU.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use nice_plug::prelude::{BufferConfig, Params, ProcessMode, Transport};
use scumble_params::{Preset, PresetStore, ScumbleParams, choices, factory_preset, read_preset};

use super::files::{Sound, read};
use super::output::{OutputArgs, UnfinishedSound};
use super::strokes::read_strokes;
use super::{CliError, gpu_render, progress};
use crate::audio::{Plan, Processor, Rule, is_sound};
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
    preset: Option<OsString>,
    /// Set a parameter, in its own words: `blur_time=180 ms`. Can be given many times.
    #[arg(long = "param", value_name = "ID=VALUE")]
    params: Vec<String>,
    /// Paint these strokes: a preset, or a JSON list of strokes.
    #[arg(long, value_name = "FILE")]
    strokes: Option<PathBuf>,
    /// Which engine computes. On the CPU a render is the same to the bit on every run; on the GPU
    /// it is within 1e-4 of that. Auto takes the GPU that `scumble devices` marks, and the CPU where
    /// that fails.
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
        return Err(CliError::words(format!("--bpm is {}; allowed is 1 to 999", args.bpm)));
    }
    if !(0.0..=600.0).contains(&args.tail) {
        return Err(CliError::words(format!("--tail is {}; allowed is 0 to 600", args.tail)));
    }
    args.output.check()?;
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
    let unfinished = UnfinishedSound::new(&args.output, &sound)?;
    let begun = Instant::now();
    let on_cpu = || render(&sound, &params, args.bpm, args.tail);
    let on_gpu = || gpu_render::render(&sound, &params, args.bpm, args.tail);
    let rendered = match args.engine {
        EngineWord::Cpu => on_cpu(),
        EngineWord::Gpu => on_gpu().map_err(|reason| {
            CliError::new(format!(
                "--engine gpu: {reason}; `scumble devices` lists the adapters, --engine cpu needs \
                 none"
            ))
        })?,
        EngineWord::Auto => on_gpu().unwrap_or_else(|reason| {
            super::tell(format_args!("The CPU renders: {reason}"));
            on_cpu()
        }),
    };
    unfinished.write(&rendered)?;
    progress::summary(sound.samples() as f64 / f64::from(sound.sample_rate), begun);
    Ok(())
}

fn find_preset(name: &OsStr) -> Result<Preset, CliError> {
    if let Some(preset) = name.to_str().and_then(factory_preset) {
        return Ok(preset);
    }
    if Path::new(name).exists() {
        return Ok(read_preset(name.as_ref())?);
    }
    PresetStore::user()?
        .load(&name.to_string_lossy())
        .map_err(|e| CliError::new(format!("{e}; `scumble presets` lists what there is")))
}

fn set_param(params: &ScumbleParams, word: &str) -> Result<(), CliError> {
    let (id, text) = word
        .split_once('=')
        .ok_or_else(|| CliError::words(format!("--param {word:?}: write ID=VALUE")))?;
    let map = params.param_map();
    let found = map.iter().find(|(known, _, _)| known == id);
    let (_, ptr, _) = found.ok_or_else(|| {
        let ids: Vec<&str> = map.iter().map(|(id, _, _)| id.as_str()).collect();
        CliError::words(format!("there is no parameter {id:?}; there are {}", ids.join(", ")))
    })?;
    let refused = |what: &str| {
        // SAFETY: the pointer is into `params`, which is borrowed for this call.
        let named = |value: f32| unsafe { ptr.normalized_value_to_string(value, true) };
        // SAFETY: as above.
        let allowed = match unsafe { ptr.step_count() } {
            Some(last) => {
                let names = (0..=last).map(|step| named(step as f32 / last as f32));
                names.collect::<Vec<_>>().join(", ")
            }
            None => format!("from {} to {}", named(0.0), named(1.0)),
        };
        CliError::words(format!("{id}: {text:?} {what}; it may be {allowed}"))
    };
    // A choice goes by what is shown and by what preset files call it.
    let step = choices(id).iter().position(|choice| choice.eq_ignore_ascii_case(text.trim()));
    let chosen = step.map(|step| {
        // SAFETY: as above.
        unsafe { ptr.preview_normalized(step as f32) }
    });
    // SAFETY: as above.
    let read = chosen.or_else(|| unsafe { ptr.string_to_normalized_value(text) });
    let normalised = read.ok_or_else(|| refused("cannot be read"))?;
    // The reader pulls what is beyond an end to that end, which suits a knob and no script.
    if params.is_beyond(id, text) {
        return Err(refused("is not allowed"));
    }
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
pub fn painted(sample_rate: f32, params: &ScumbleParams) -> Painter {
    let mut painter = Painter::new(sample_rate);
    painter.repaint(&params.document.get().strokes);
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
    let painter = painted(plan.sample_rate, params);
    let total = total_samples(sound, tail_seconds);
    let sounding = hops_that_sound(sound, plan.spec.h);
    let done = AtomicUsize::new(0);
    let channels = std::thread::scope(|scope| {
        let threads: Vec<_> = sound
            .channels
            .iter()
            .map(|channel| {
                let (painter, sounding, done) = (&painter, Arc::clone(&sounding), &done);
                let job = move || {
                    let mut processor = Rig::on_twin(plan).processor;
                    processor.begin_with(painter.field().clone());
                    processor.play_one_channel_of(sounding);
                    render_channel(processor, channel, total, params, bpm, done)
                };
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

/// Which hops of a sound are not silent in all channels.
fn hops_that_sound(sound: &Sound, hop: usize) -> Arc<[bool]> {
    let sounds = |hop: &[f32]| hop.iter().any(|&x| is_sound(x));
    let hops = sound.samples().div_ceil(hop);
    let mut sounding = vec![false; hops];
    for channel in &sound.channels {
        for (sounding, hop) in sounding.iter_mut().zip(channel.chunks(hop)) {
            *sounding |= sounds(hop);
        }
    }
    sounding.into()
}

fn render_channel(
    mut processor: Processor,
    input: &[f32],
    total: usize,
    params: &ScumbleParams,
    bpm: f64,
    done: &AtomicUsize,
) -> Vec<f32> {
    let (latency, rate) = (processor.plan().latency_samples(), processor.plan().sample_rate);
    let mut output = input.to_vec();
    output.resize(total + latency, 0.0);
    let settings = block_settings(params, false);
    let mut at = 0;
    while at < output.len() {
        let end = (at + BLOCK).min(output.len());
        let transport = transport_at(at, rate, bpm);
        processor.process(&mut [&mut output[at..end]], &settings, &transport);
        done.fetch_add(end - at, Ordering::Relaxed);
        at = end;
    }
    output.drain(..latency);
    output
}

#[cfg(test)]
mod tests {
    use scumble_params::CanvasSync;

    use super::*;

    #[test]
    fn a_choice_goes_by_its_name_and_by_what_files_call_it() {
        let params = ScumbleParams::default();
        for text in ["seconds", "Seconds", "Host seconds"] {
            set_param(&params, "canvas_sync=beats").expect("read");
            assert_eq!(params.canvas_sync.value(), CanvasSync::HostBeats);
            set_param(&params, &format!("canvas_sync={text}")).expect(text);
            assert_eq!(params.canvas_sync.value(), CanvasSync::HostSeconds, "{text}");
        }
        let error = set_param(&params, "canvas_sync=bars").expect_err("no such").to_string();
        assert!(error.contains("Host beats, Host seconds, Free"), "{error}");
    }
}
