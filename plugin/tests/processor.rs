//! The audio thread's work as a whole, without a host: exact at neutral, the same whatever the
//! blocks, and right with an engine that is late, early or gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::prelude::Transport;
use scumble::audio::{BlockSettings, Link, Plan, RescueCost, Rule};
use scumble::rig::{Rig, session_config, stereo_plan as plan};
use scumble_dsp::mix::BlendSettings;
use scumble_dsp::{EffectSettings, FrameParams, Quality};
use scumble_gpu::backend::cpu::OpenCpu;
use scumble_gpu::backend::faulty::{Faults, OpenFaulty};
use scumble_gpu::engine::{Engine, EngineChoice, EngineOptions};
use scumble_gpu::sync::{Buffering, Counter, MetricsSnapshot};
use scumble_params::{CanvasSync, OnMiss};

/// X2, X3: -100 dB.
const INAUDIBLE: f32 = 1e-5;
/// GPU and CPU agree within this part of full scale.
const S14: f32 = 1e-4;

fn neutral() -> BlockSettings {
    BlockSettings {
        effects: EffectSettings::default(),
        mix: BlendSettings::default(),
        on_miss: OnMiss::Rescue,
        sync: CanvasSync::HostBeats,
        canvas_length: 4.0,
    }
}

fn everything() -> BlockSettings {
    let effects = EffectSettings {
        blur_time_ms: 40.0,
        blur_freq_oct: 0.2,
        diffuse: 0.3,
        shift_hz: 35.0,
        stretch: 1.1,
        low_cut_hz: 60.0,
        high_cut_hz: 9000.0,
        mod_low_hz: 0.5,
        mod_high_hz: 30.0,
        ..EffectSettings::default()
    };
    BlockSettings { effects, ..neutral() }
}

fn noise(samples: usize) -> Vec<Vec<f32>> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let tone = |i: usize, hz: f32| (i as f32 * hz * std::f32::consts::TAU / 48_000.0).sin();
    (0..2)
        .map(|c| {
            (0..samples).map(|i| 0.2 * next() + 0.3 * tone(i, 440.0 + 110.0 * c as f32)).collect()
        })
        .collect()
}

/// Block sizes in turn, for as long as there are samples.
fn render(
    instance: &mut Rig,
    input: &[Vec<f32>],
    blocks: impl IntoIterator<Item = usize>,
    settings: &BlockSettings,
    mut after_block: impl FnMut(usize),
) -> Vec<Vec<f32>> {
    let mut output = input.to_vec();
    let length = input[0].len();
    let rate = instance.processor.plan().sample_rate;
    let mut transport = Transport::new(rate);
    transport.playing = true;
    transport.tempo = Some(120.0);
    let mut at = 0;
    for size in blocks {
        let end = (at + size).min(length);
        transport.pos_beats = Some(at as f64 / f64::from(rate) * 2.0);
        let mut slices: Vec<&mut [f32]> = output.iter_mut().map(|c| &mut c[at..end]).collect();
        instance.processor.process(&mut slices, settings, &transport);
        after_block(end - at);
        at = end;
        if at == length {
            break;
        }
    }
    output
}

fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let all = a.iter().flatten().zip(b.iter().flatten());
    all.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn delayed(input: &[Vec<f32>], by: usize) -> Vec<Vec<f32>> {
    let delay = |c: &Vec<f32>| {
        let mut out = vec![0.0; by.min(c.len())];
        out.extend_from_slice(&c[..c.len() - out.len()]);
        out
    };
    input.iter().map(delay).collect()
}

fn irregular() -> impl Iterator<Item = usize> {
    let mut state = 5u32;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (state >> 16) as usize % 700
    })
}

#[test]
fn neutral_is_the_input_delayed_by_the_reported_latency() {
    // X2, at every quality, rate and block, regular or not.
    let input = noise(60_000);
    for quality in Quality::ALL {
        for rate in [44_100.0, 48_000.0, 96_000.0, 192_000.0] {
            for block in [1, 17, 64, 128, 511, 512, 4096, 8192] {
                let plan = plan(quality, rate, block, Rule::Twin);
                let mut instance = Rig::on_twin(plan);
                let blocks = std::iter::repeat(block);
                let output = render(&mut instance, &input, blocks, &neutral(), |_| {});
                let expected = delayed(&input, plan.latency_samples());
                let error = largest_difference(&output, &expected);
                assert!(error <= INAUDIBLE, "{quality:?} at {rate} in {block}: {error}");
            }
            let plan = plan(quality, rate, 700, Rule::Twin);
            let mut instance = Rig::on_twin(plan);
            let output = render(&mut instance, &input, irregular(), &neutral(), |_| {});
            assert!(output == delayed(&input, plan.latency_samples()), "{quality:?} irregular");
        }
    }
}

#[test]
fn the_sound_does_not_depend_on_the_blocks() {
    // DESIGN 1: a frame knows nothing of blocks. The same plan, so the same latency.
    let input = noise(30_000);
    let plan = plan(Quality::Live, 48_000.0, 1024, Rule::Twin);
    let renders: Vec<_> = [64usize, 100, 1024]
        .into_iter()
        .map(|block| {
            let mut instance = Rig::on_twin(plan);
            render(&mut instance, &input, std::iter::repeat(block), &everything(), |_| {})
        })
        .collect();
    assert!(renders[0] == renders[1], "64 and 100");
    assert!(renders[0] == renders[2], "64 and 1024");
    assert!(largest_difference(&renders[0], &delayed(&input, plan.latency_samples())) > 0.1);
}

#[test]
fn what_is_not_a_number_does_not_come_out() {
    // X9
    for settings in [neutral(), everything()] {
        let mut input = noise(20_000);
        for i in (3000..6000).step_by(97) {
            input[0][i] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i % 3];
        }
        let plan = plan(Quality::Live, 48_000.0, 128, Rule::Twin);
        let mut instance = Rig::on_twin(plan);
        let output = render(&mut instance, &input, std::iter::repeat(128), &settings, |_| {});
        assert!(output.iter().flatten().all(|x| x.is_finite() && x.abs() < 2.0));
    }
}

#[test]
fn silence_decays_to_exact_zero_and_then_sleeps() {
    let mut input = noise(120_000);
    for channel in &mut input {
        channel[20_000..].fill(0.0);
    }
    let plan = plan(Quality::Live, 48_000.0, 128, Rule::Twin);
    let mut one = Rig::on_twin(plan);
    let output = render(&mut one, &input, std::iter::repeat(128), &everything(), |_| {});
    let silent_from = 20_000 + plan.tail_samples();
    assert!(output.iter().all(|c| c[silent_from..].iter().all(|&x| x == 0.0)));
    let mut block = [[0.0f32; 128]; 2];
    let [left, right] = &mut block;
    let transport = Transport::new(48_000.0);
    assert!(one.processor.process(&mut [left, right], &everything(), &transport));
}

#[test]
fn reset_leaves_nothing_behind() {
    let input = noise(20_000);
    let plan = plan(Quality::Live, 48_000.0, 128, Rule::Twin);
    let mut fresh = Rig::on_twin(plan);
    let first = render(&mut fresh, &input, std::iter::repeat(128), &everything(), |_| {});
    fresh.processor.reset();
    let second = render(&mut fresh, &input, std::iter::repeat(128), &everything(), |_| {});
    assert!(first == second);
}

/// Every rescue fits, however busy the machine was when the instance was made: what is refused for
/// its cost is tested with the budget itself.
const AFFORDABLE: RescueCost = RescueCost { warm: Duration::ZERO, cold: Duration::ZERO };

/// An instance on an engine of its own, on the adapter that `SCUMBLE_ADAPTER` names.
fn with_engine(plan: Plan) -> Rig {
    let engine = Engine::isolated(EngineOptions::default()).expect("an engine");
    let rig = Rig::on_device(plan, &engine).expect("a session");
    rig.await_device(Duration::from_secs(30)).expect("a GPU");
    rig
}

/// Blocks of 256, paced in real time; now and then one of 2048, whose later hops are due before any
/// worker could have them.
fn live_with_bursts(
    instance: &mut Rig,
    input: &[Vec<f32>],
    settings: &BlockSettings,
) -> Vec<Vec<f32>> {
    let blocks = (0..).map(|i| if i % 40 == 39 { 2048 } else { 256 });
    let begun = Instant::now();
    let mut played = 0;
    render(instance, input, blocks, settings, |samples| {
        played += samples;
        let due = Duration::from_secs_f64(played as f64 / 48_000.0);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    })
}

#[test]
fn live_on_the_gpu_equals_the_twin_and_every_rescue_is_counted() {
    // X3, S12, S14: within S14's tolerance of the twin on every sample. (On a slow adapter the
    // worker's own twin covers for the device; parity of the kernels is gpu/tests/gpu_parity.rs.)
    let input = noise(144_000);
    let engaged = plan(Quality::Live, 48_000.0, 256, Rule::Engaged);
    let mut reference = Rig::on_twin(Plan { rule: Rule::Twin, ..engaged });
    let blocks = (0..).map(|i| if i % 40 == 39 { 2048 } else { 256 });
    let expected = render(&mut reference, &input, blocks, &everything(), |_| {});
    let mut live = with_engine(engaged);
    live.processor.assume_rescue_cost(AFFORDABLE);
    let output = live_with_bursts(&mut live, &input, &everything());
    let (error, figures) = (largest_difference(&output, &expected), live.metrics());
    let count = |counter| figures.count(counter);
    println!(
        "largest difference {error}, submissions {}, swaps {}, rescues {}, misses {}",
        count(Counter::Submissions),
        count(Counter::BufferSwaps),
        count(Counter::Rescues),
        count(Counter::Misses)
    );
    assert!(error <= S14, "{error}");
    assert!(count(Counter::Rescues) >= 13 * 20, "the bursts were not rescued");
    // Hops that the worker had no room for, a second late, are not its to miss.
    let refused = count(Counter::Overflows) > 0;
    assert!(count(Counter::Rescues) == count(Counter::Misses) || refused);
    assert!(count(Counter::BufferSwaps) > 100, "the engine delivered nothing");
}

#[test]
fn hold_and_dry_cover_what_is_missed_and_are_counted() {
    // S12
    for (policy, counter) in [(OnMiss::Hold, Counter::Holds), (OnMiss::Dry, Counter::Drys)] {
        let input = noise(48_000);
        let plan = plan(Quality::Live, 48_000.0, 256, Rule::Engaged);
        let mut live = with_engine(plan);
        let settings = BlockSettings { on_miss: policy, ..neutral() };
        let output = live_with_bursts(&mut live, &input, &settings);
        assert!(live.metrics().count(counter) >= 4 * 20, "{policy:?}");
        assert_eq!(live.metrics().count(Counter::Rescues), 0);
        assert!(output.iter().flatten().all(|x| x.is_finite() && x.abs() <= 1.1));
        if policy == OnMiss::Dry {
            // At neutral, dry is what wet would have been: only the seams differ.
            let expected = delayed(&input, plan.latency_samples());
            let both = output[0].iter().zip(&expected[0]);
            let off = both.filter(|(a, b)| (**a - **b).abs() > INAUDIBLE).count();
            // A seam at each change; what was missed beside the bursts has one, too.
            let others = live.metrics().count(counter).saturating_sub(4 * 20) as usize;
            let allowed = output[0].len() / 20 + others * plan.spec.h;
            assert!(off < allowed, "{off} of {allowed} samples are off");
        }
    }
}

/// An instance on a device that can be held up; the device is a CPU, whose sound is the twin's.
fn with_faults(plan: Plan) -> (Rig, Arc<Faults>) {
    with_faults_in(Buffering::Double, plan)
}

fn with_faults_in(buffering: Buffering, plan: Plan) -> (Rig, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let opener = OpenFaulty { inner: OpenCpu, faults: Arc::clone(&faults) };
    let options = EngineOptions { opener: Some(Arc::new(opener)), ..EngineOptions::default() };
    let engine = Engine::isolated(options).expect("an engine");
    let config = session_config(&plan, buffering, EngineChoice::Gpu, Default::default());
    let rig = Rig::on_engine(plan, &engine, config).expect("a session");
    rig.await_device(Duration::from_secs(30)).expect("the device");
    (rig, faults)
}

#[test]
fn live_with_a_stalling_device_equals_offline_and_every_rescue_is_counted() {
    // X3, S12: a share of the blocks finds the device held up in its driver. No clock decides what is
    // missed: a block either waits for its hops or is played while the device is held.
    const BLOCK: usize = 512;
    let input = noise(600 * BLOCK);
    let live = plan(Quality::Live, 48_000.0, BLOCK, Rule::Engaged);
    let mut reference = Rig::on_twin(Plan { rule: Rule::Twin, ..live });
    let blocks = || std::iter::repeat(BLOCK);
    let expected = render(&mut reference, &input, blocks(), &everything(), |_| {});
    for per_cent in [1, 10] {
        // Evenly, and now and then two in a row.
        let hit: Vec<bool> =
            (0..600).map(|k| k > 0 && (k * per_cent % 100 < per_cent || k % 301 == 1)).collect();
        let (output, figures) = stalled(live, &input, &hit);
        let stalls = hit.iter().filter(|hit| **hit).count() as u64;
        let error = largest_difference(&output, &expected);
        let count = |counter| figures.count(counter);
        println!("{per_cent} %: {stalls} stalls, {} rescues, {error}", count(Counter::Rescues));
        assert!(stalls > 0 && error <= INAUDIBLE, "{error} with {stalls} stalls");
        assert!(count(Counter::Rescues) >= stalls * (BLOCK / live.spec.h) as u64);
        assert_eq!(count(Counter::Rescues), count(Counter::Misses));
        assert!(count(Counter::BufferSwaps) > 300, "the engine delivered too little");
    }
}

/// Until the engine has what block `k` asks for.
fn await_supply(rig: &mut Rig, k: usize) {
    let begun = Instant::now();
    while !rig.processor.is_supplied() {
        assert!(begun.elapsed() < Duration::from_secs(60), "block {k}: nothing comes");
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// The ways to hand hops over, and a plan for each.
fn in_every_mode(block: usize) -> [(Buffering, Plan); 3] {
    [Buffering::Double, Buffering::Triple, Buffering::Ring { blocks: 4 }].map(|buffering| {
        let plan = plan(Quality::Live, 48_000.0, block, Rule::Engaged);
        (buffering, Plan { async_samples: buffering.async_samples(block, plan.spec.h), ..plan })
    })
}

#[test]
fn a_reset_host_is_served_by_the_engine_again() {
    // X6: hosts reset when they start to play. The engine hears of hop 0 again and goes on from there,
    // with silence before it.
    const BLOCK: usize = 512;
    let input = noise(150 * BLOCK);
    for (buffering, live) in in_every_mode(BLOCK) {
        let mut reference = Rig::on_twin(Plan { rule: Rule::Twin, ..live });
        let blocks = std::iter::repeat(BLOCK);
        let expected = render(&mut reference, &input, blocks, &everything(), |_| {});
        let (mut rig, faults) = with_faults_in(buffering, live);
        for pass in 0..3 {
            let swaps = rig.metrics().count(Counter::BufferSwaps);
            let (output, figures) =
                served(&mut rig, &faults, &input, &[false; 150], |_| everything());
            let error = largest_difference(&output, &expected);
            assert!(error <= INAUDIBLE, "{buffering:?}, pass {pass}: {error}");
            assert_eq!(figures.count(Counter::Misses), 0, "{buffering:?}, pass {pass}");
            let swaps = figures.count(Counter::BufferSwaps) - swaps;
            assert!(swaps > 30, "{buffering:?}, pass {pass}: {swaps} halves came");
            rig.processor.reset();
        }
    }
}

#[test]
fn what_waits_from_before_a_reset_is_not_taken_for_what_is_due() {
    // X3, X6: a render that waits for the engine waits for its own hop, not for whatever comes next.
    const BLOCK: usize = 512;
    let input = noise(40 * BLOCK);
    for (buffering, live) in in_every_mode(BLOCK) {
        let (mut rig, faults) = with_faults_in(buffering, live);
        for pass in 0..3 {
            faults.hold();
            let mut output = input.clone();
            let mut blocks: Vec<_> = output.iter_mut().map(|c| c.chunks_mut(BLOCK)).collect();
            for at in (0..40 * BLOCK).step_by(BLOCK) {
                if at >= live.async_samples {
                    // At first nothing can be there. (A reset leaves the device behind for a moment, so
                    // later the worker's own twin may be done.)
                    if at == live.async_samples && pass == 0 {
                        assert!(!rig.processor.is_supplied(), "{buffering:?}");
                    }
                    faults.release();
                    await_supply(&mut rig, at / BLOCK);
                }
                let mut slices: Vec<_> = blocks.iter_mut().filter_map(Iterator::next).collect();
                let transport = Transport::new(live.sample_rate);
                rig.processor.process(&mut slices, &everything(), &transport);
            }
            assert_eq!(rig.metrics().count(Counter::Misses), 0, "{buffering:?}, pass {pass}");
            // What was pushed last comes, and nobody takes it.
            std::thread::sleep(Duration::from_millis(20));
            rig.processor.reset();
        }
    }
}

#[test]
fn a_reset_while_the_device_is_held_up_leaves_nothing_of_the_sound_before() {
    // Hops of both streams are due when the device comes back: no table spans the reset. (The job
    // table itself asserts it, in the worker.)
    const BLOCK: usize = 512;
    let input = noise(100 * BLOCK);
    let live = plan(Quality::Live, 48_000.0, BLOCK, Rule::Engaged);
    let mut reference = Rig::on_twin(Plan { rule: Rule::Twin, ..live });
    let blocks = std::iter::repeat(BLOCK);
    let expected = render(&mut reference, &input, blocks, &everything(), |_| {});
    let (mut rig, faults) = with_faults(live);
    rig.processor.assume_rescue_cost(AFFORDABLE);
    for pass in 0..5 {
        // The last block is pushed while the device is held, and so is the first of the next pass.
        let hit: Vec<bool> = (0..100).map(|k| pass > 0 && k == 0 || k >= 98).collect();
        let (output, _) = served(&mut rig, &faults, &input, &hit, |_| everything());
        let error = largest_difference(&output, &expected);
        assert!(error <= INAUDIBLE, "pass {pass}: {error}");
        rig.processor.reset();
    }
    faults.release();
    let swaps = rig.metrics().count(Counter::BufferSwaps);
    let (_, figures) = served(&mut rig, &faults, &input, &[false; 100], |_| everything());
    assert!(figures.count(Counter::BufferSwaps) > swaps + 50, "the engine plays no more");
}

#[test]
fn what_was_bypassed_is_served_at_once_when_it_is_heard_again() {
    // S1: no half waits for somebody who does not listen.
    const BLOCK: usize = 512;
    let input = noise(600 * BLOCK);
    let settings = |k: usize| {
        let bypass = (100..500).contains(&k);
        BlockSettings { mix: BlendSettings { bypass, ..BlendSettings::default() }, ..everything() }
    };
    for (buffering, live) in in_every_mode(BLOCK) {
        let (mut rig, faults) = with_faults_in(buffering, live);
        let (output, figures) = served(&mut rig, &faults, &input, &[false; 600], settings);
        assert_eq!(figures.count(Counter::Misses), 0, "{buffering:?}");
        assert_eq!(figures.count(Counter::LateResults), 0, "{buffering:?}");
        let late = live.latency_samples();
        let dry = 400 * BLOCK..450 * BLOCK;
        assert!(output[0][dry.clone()] == input[0][dry.start - late..dry.end - late]);
        let mut reference = Rig::on_twin(Plan { rule: Rule::Twin, ..live });
        let blocks = std::iter::repeat(BLOCK);
        let wet = render(&mut reference, &input, blocks, &everything(), |_| {});
        let end = 550 * BLOCK..;
        assert!(output[0][end.clone()] == wet[0][end], "{buffering:?}");
    }
}

/// Plays with the device held up where `hit` says so: the hops of such a block are missed in the next.
fn stalled(plan: Plan, input: &[Vec<f32>], hit: &[bool]) -> (Vec<Vec<f32>>, MetricsSnapshot) {
    let (mut rig, faults) = with_faults(plan);
    rig.processor.assume_rescue_cost(AFFORDABLE);
    served(&mut rig, &faults, input, hit, |_| everything())
}

/// Block by block, each when the engine has what it asks for first, but after a hit.
fn served(
    rig: &mut Rig,
    faults: &Faults,
    input: &[Vec<f32>],
    hit: &[bool],
    settings: impl Fn(usize) -> BlockSettings,
) -> (Vec<Vec<f32>>, MetricsSnapshot) {
    let plan = *rig.processor.plan();
    let mut output = input.to_vec();
    let mut transport = Transport::new(plan.sample_rate);
    transport.playing = true;
    transport.tempo = Some(120.0);
    let block = plan.max_block;
    for (k, &hit_now) in hit.iter().enumerate() {
        let at = k * block;
        let held = k > 0 && hit[k - 1];
        if !held {
            await_supply(rig, k);
        }
        if hit_now {
            faults.hold();
        }
        transport.pos_beats = Some(at as f64 / f64::from(plan.sample_rate) * 2.0);
        let mut slices: Vec<&mut [f32]> =
            output.iter_mut().map(|c| &mut c[at..at + block]).collect();
        rig.processor.process(&mut slices, &settings(k), &transport);
        if !hit_now {
            faults.release();
        }
    }
    let figures = rig.metrics();
    (output, figures)
}

#[test]
fn the_largest_block_comes_in_one_half() {
    // X2, S1: 128 hops. In two halves the second would be on its way while it is asked for.
    const BLOCK: usize = 8192;
    let input = noise(12 * BLOCK);
    let (mut rig, faults) = with_faults(plan(Quality::Live, 48_000.0, BLOCK, Rule::Engaged));
    let (_, figures) = served(&mut rig, &faults, &input, &[false; 12], |_| neutral());
    assert_eq!(figures.count(Counter::Misses), 0);
    assert_eq!(figures.count(Counter::BufferSwaps), 11);
    assert!(rig.port.report().engaged);
}

#[test]
fn what_the_engine_was_never_given_is_not_missed() {
    // S9: it takes over in the middle of the sound, and hops from before that are the twin's.
    let live = plan(Quality::Live, 48_000.0, 128, Rule::Paced);
    let options = EngineOptions { opener: Some(Arc::new(OpenCpu)), ..EngineOptions::default() };
    let engine = Engine::isolated(options).expect("an engine");
    let config = session_config(&live, Buffering::Double, EngineChoice::Gpu, Default::default());
    let (audio, control) = engine.open(config).expect("a session");
    let mut link = Link::new(audio, &live.spec);
    let hop = vec![0.5; live.spec.h];
    let mut out = [vec![0.0; live.spec.h], vec![0.0; live.spec.h]];
    let [left, right] = &mut out;
    for n in 100..102 {
        link.push(n, &[&hop, &hop], &FrameParams::neutral(n));
        assert!(!link.read(n - 2, &mut [&mut left[..], &mut right[..]]));
        link.end_block();
    }
    assert_eq!(control.metrics().count(Counter::Misses), 0);
}
