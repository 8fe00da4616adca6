//! Figures of group `peers` (`cargo xtask bench --only peers`): the audio thread's cost of the same
//! blur beside the STFT helper that comes with nice-plug, and beside another maker's spectral plugin
//! under `lv2bench`. Prints one JSON array.

mod bench_common;

use std::process::Command;
use std::time::{Duration, Instant};

use bench_common::{RATE, at, noise, shown, with_spread};
use nice_plug::prelude::{Buffer, Transport, util::StftHelper};
use scumble::audio::{BlockSettings, Rule};
use scumble::rig::{Rig, stereo_plan};
use scumble_dsp::effect::{self, Tables, Taps, Work};
use scumble_dsp::mix::BlendSettings;
use scumble_dsp::stft::{FramePlan, Spectrum};
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, FrameParams, Framer, Playhead, Quality, WindowSpec,
};
use scumble_gpu::engine::{Engine, EngineOptions};
use scumble_params::{CanvasSync, OnMiss};
use serde_json::{Value, json};

const BLOCK: usize = 128;

fn blur() -> EffectSettings {
    EffectSettings { blur_freq_oct: 0.3, ..EffectSettings::default() }
}

fn everything() -> EffectSettings {
    EffectSettings {
        blur_time_ms: 100.0,
        diffuse: 0.3,
        shift_hz: 35.0,
        stretch: 1.1,
        low_cut_hz: 60.0,
        high_cut_hz: 9000.0,
        mod_low_hz: 0.5,
        mod_high_hz: 30.0,
        ..blur()
    }
}

fn block_settings(effects: EffectSettings) -> BlockSettings {
    BlockSettings {
        effects,
        mix: BlendSettings::default(),
        on_miss: OnMiss::Rescue,
        sync: CanvasSync::Free,
        canvas_length: 4.0,
    }
}

/// The current frame alone: the blur over frequency looks at no other.
struct Now<'a>(&'a Spectrum);

impl Taps for Now<'_> {
    fn tap(&self, _strides: usize) -> &Spectrum {
        self.0
    }
}

/// A plugin as one writes it with the helper: transforms and effect in the callback of the block in
/// which a frame is full. Windows and blur are Scumble's own, so that what differs is the frame
/// around them.
struct WithHelper {
    helper: StftHelper,
    overlap: usize,
    plan: FramePlan,
    framer: Framer,
    tables: Tables,
    field: Field,
    params: FrameParams,
    spectrum: Spectrum,
    work: Work,
}

impl WithHelper {
    fn new(spec: WindowSpec) -> Self {
        let rate = f64::from(RATE);
        Self {
            helper: StftHelper::new(2, spec.n, 0),
            overlap: spec.n / spec.h,
            plan: FramePlan::new(&spec),
            framer: Framer::new(spec, rate),
            tables: Tables::new(&spec, rate),
            field: Field::empty(FieldSpec::new(rate)),
            params: FrameParams::default(),
            spectrum: Spectrum::zeroed(spec.bins()),
            work: Work::new(spec.bins()),
        }
    }

    /// Microseconds of a block.
    fn plays(&mut self, left: &mut [f32], right: &mut [f32]) -> f64 {
        let mut buffer = Buffer::default();
        // SAFETY: the slices outlive the buffer and are not touched otherwise meanwhile.
        unsafe { buffer.set_slices(BLOCK, |slices| *slices = vec![left, right]) };
        let start = Instant::now();
        self.process(&mut buffer);
        start.elapsed().as_secs_f64() * 1e6
    }

    fn process(&mut self, buffer: &mut Buffer<'_>) {
        let Self { helper, overlap, plan, framer, tables, field, params, spectrum, work } = self;
        helper.process_overlap_add(buffer, *overlap, |channel, frame| {
            if channel == 0 {
                *params = framer.next(&blur(), Playhead::default());
                tables.prepare(params, field);
            }
            plan.analyse(frame, spectrum);
            effect::apply(params, tables, &Now(spectrum), None, work);
            // Only the last part of a frame is spoken where the windows are not alike.
            let (silent, spoken) = frame.split_at_mut(plan.spec().n - plan.spec().m);
            silent.fill(0.0);
            plan.synthesise(&work.re, &work.im, spoken);
        });
    }
}

fn plays(rig: &mut Rig, settings: &BlockSettings, left: &mut [f32], right: &mut [f32]) -> f64 {
    let transport = Transport::new(RATE);
    let start = Instant::now();
    rig.processor.process(&mut [left, right], settings, &transport);
    start.elapsed().as_secs_f64() * 1e6
}

/// Microseconds of each block: the helper's, the CPU engine's and, where there is one, the GPU
/// engine's share on the audio thread. All three are paced as a host would, in turns.
fn helper(quality: Quality, blocks: usize, figures: &mut Vec<Value>) {
    let plan = |rule| stereo_plan(quality, RATE, BLOCK, rule);
    let spec = plan(Rule::Twin).spec;
    let mut theirs = WithHelper::new(spec);
    let mut cpu = Rig::on_twin(plan(Rule::Twin));
    let options = EngineOptions { real_time: false, ..EngineOptions::default() };
    let engine = Engine::isolated(options).expect("an engine");
    let gpu = Rig::on_device(plan(Rule::Engaged), &engine).expect("a session");
    let gpu = gpu.await_device(Duration::from_secs(20)).map(|()| gpu);
    let mut gpu = gpu.inspect_err(|why| eprintln!("no GPU engine: {why}")).ok();
    let settings = block_settings(blur());
    let input = noise(BLOCK * blocks);
    let period = Duration::from_secs_f64(BLOCK as f64 / f64::from(RATE));
    let mut times: [Vec<f64>; 3] = Default::default();
    let (mut our_sound, mut their_sound) = (Vec::new(), Vec::new());
    for (number, block) in input.chunks_exact(BLOCK).enumerate() {
        let due = Instant::now() + period;
        // Who comes second finds the caches warm; a frame is full every eighth block at Studio.
        let helper_first = number / 8 % 2 == 0;
        for helper in [helper_first, !helper_first] {
            let [mut left, mut right] = [block.to_vec(), block.to_vec()];
            if helper {
                times[0].push(theirs.plays(&mut left, &mut right));
                their_sound.extend(left);
            } else {
                times[1].push(plays(&mut cpu, &settings, &mut left, &mut right));
                our_sound.extend(left);
            }
        }
        if let Some(gpu) = &mut gpu {
            let [mut left, mut right] = [block.to_vec(), block.to_vec()];
            times[2].push(plays(gpu, &settings, &mut left, &mut right));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    // The helper is as late as its whole window.
    let later = &their_sound[spec.n - plan(Rule::Twin).latency_samples()..];
    let pairs = later.iter().zip(&our_sound);
    let worst = pairs.fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(worst < 1e-4, "all must do the same work: {worst} apart");
    let name = quality.name();
    eprintln!("{name}: the helper's sound and Scumble's are {worst:.1e} apart");
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    let their_mean = mean(&times[0]);
    let their_worst = at(&mut times[0], 0.99);
    for (i, engine) in [(1, "CPU"), (2, "GPU")] {
        if times[i].is_empty() {
            continue;
        }
        let mut push = |what: &str, value, theirs| {
            let id = format!("blur at {name}, {engine} engine / STFT helper, {what} of a block");
            figures.push(shown("peers", &id, (value, "us"), Some(theirs)));
        };
        push("mean", mean(&times[i]), their_mean);
        push("p99", at(&mut times[i], 0.99), their_worst);
    }
}

const RUBBER_BAND: &str = "http://breakfastquay.com/rdf/lv2-rubberband#stereo";

/// Microseconds of a block of the LV2 plugin, as `lv2bench` says for `frames` of sound.
fn lv2(frames: usize) -> Result<f64, String> {
    let (block, count) = (BLOCK.to_string(), frames.to_string());
    let output = Command::new("lv2bench")
        .args(["-b", &block, "-n", &count, RUBBER_BAND])
        .output()
        .map_err(|e| format!("lv2bench: {e}; `cargo xtask bench` installs it on Debian"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let seconds = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    let seconds = seconds.ok_or_else(|| {
        format!("lv2bench said {:?} and {:?}", text, String::from_utf8_lossy(&output.stderr))
    })?;
    Ok(seconds * 1e6 * BLOCK as f64 / frames as f64)
}

/// All effects on the CPU beside a pitch shifter that works in the spectrum, in turns.
fn rubber_band(rounds: usize, seconds: usize, figures: &mut Vec<Value>) {
    let frames = seconds * RATE as usize / BLOCK * BLOCK;
    let input = noise(frames);
    let settings = block_settings(everything());
    let qualities = [Quality::Studio, Quality::Live];
    let mut ours: [Vec<f64>; 2] = Default::default();
    let mut theirs = Vec::new();
    for _ in 0..rounds {
        match lv2(frames) {
            Ok(time) => theirs.push(time),
            Err(why) => eprintln!("no comparison with rubberband-lv2: {why}"),
        }
        for (quality, times) in qualities.into_iter().zip(&mut ours) {
            let mut rig = Rig::on_twin(stereo_plan(quality, RATE, BLOCK, Rule::Twin));
            let mut sum = 0.0;
            for block in input.chunks_exact(BLOCK) {
                let [mut left, mut right] = [block.to_vec(), block.to_vec()];
                sum += plays(&mut rig, &settings, &mut left, &mut right);
            }
            times.push(sum * BLOCK as f64 / frames as f64);
        }
    }
    for (quality, mut times) in qualities.into_iter().zip(ours) {
        let id = format!(
            "all effects at {}, CPU engine / rubberband-lv2, a block of 128",
            quality.name()
        );
        let value = at(&mut times, 0.5);
        let figure = if theirs.is_empty() {
            json!({"id": id, "group": "peers", "value": value, "unit": "us"})
        } else {
            shown("peers", &id, (value, "us"), Some(at(&mut theirs, 0.5)))
        };
        figures.push(with_spread(figure, &mut times));
    }
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let mut figures = Vec::new();
    for quality in [Quality::Studio, Quality::Live] {
        helper(quality, if quick { 750 } else { 4500 }, &mut figures);
    }
    rubber_band(if quick { 3 } else { 9 }, if quick { 2 } else { 10 }, &mut figures);
    println!("{}", Value::Array(figures));
}
