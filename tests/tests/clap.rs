//! Scumble in a CLAP host: what issue by issue a DAW does with it (X1, X2, X7, X9).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use scumble_tests::clap_host::{
    Blocks, Bundle, ParamEvent, Plugin, SCUMBLE_ID, TailLength, param_id,
};
use scumble_tests::locate;
use scumble_tests::signal::{Rng, noise, null_db, peak};

/// X2: an error of at most this.
const NULL_DB: f64 = -100.0;
const BLOCK_SIZES: [usize; 12] = [1, 17, 64, 128, 256, 511, 512, 1000, 1024, 2048, 4096, 8192];

fn bundle() -> Bundle {
    Bundle::load(&locate::clap_bundle()).expect("the bundle loads")
}

fn scumble() -> Plugin {
    bundle().scumble().expect("an instance can be made")
}

/// Renders noise through a fresh activation; the null against the latency reported for it.
fn null_of(plugin: &mut Plugin, rate: f64, channels: u32, blocks: Blocks) -> (f64, usize) {
    let mut blocks = blocks;
    plugin.set_channels(channels).expect("mono and stereo are layouts");
    let mut processor = plugin.activate(rate, blocks.max() as u32).expect("activates");
    let latency = plugin.latency().expect("reports latency");
    let samples = latency + (4 * blocks.max()).max(12_000);
    let input = noise(7, channels as usize, samples);
    let output = processor.render(&input, &mut blocks).expect("processes");
    plugin.deactivate(processor);
    (null_db(&input, &output, latency), latency)
}

#[test]
fn a_scan_finds_scumble_and_nothing_else() {
    let found = bundle().scan();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].id, SCUMBLE_ID);
    assert_eq!(found[0].name, "Scumble");
    assert!(!found[0].vendor.is_empty());
    assert!(found[0].features.iter().any(|f| f == "audio-effect"), "{:?}", found[0].features);
}

#[test]
fn an_unknown_plugin_and_a_missing_bundle_are_named_in_the_error() {
    let unknown = bundle().create("org.scumble.other").map(|_| ()).unwrap_err().to_string();
    assert!(unknown.contains("org.scumble.other") && unknown.contains(SCUMBLE_ID), "{unknown}");
    let missing = Bundle::load("no/such/file.clap".as_ref()).map(|_| ()).unwrap_err().to_string();
    assert!(missing.contains("no/such/file.clap"), "{missing}");
}

/// X2 at one rate: every block size and a random mix of them, mono and stereo.
fn neutral_output_is_the_delayed_input(rate: f64) {
    let mut plugin = scumble();
    let mut worst = f64::NEG_INFINITY;
    for channels in [2, 1] {
        let fixed = BLOCK_SIZES.map(Blocks::Fixed);
        let mixes = [Blocks::random(1, 512), Blocks::random(2, 8192)];
        for blocks in fixed.into_iter().chain(mixes) {
            let what = format!("{rate} Hz, {channels} channels, blocks {blocks:?}");
            let (error, latency) = null_of(&mut plugin, rate, channels, blocks);
            assert!(error <= NULL_DB, "{what}, latency {latency}: null at {error:.1} dB");
            worst = worst.max(error);
        }
    }
    println!("X2 {rate} Hz: worst null {worst:.1} dB");
}

#[test]
fn x2_neutral_output_is_the_delayed_input_at_44100() {
    neutral_output_is_the_delayed_input(44_100.0); // X2
}

#[test]
fn x2_neutral_output_is_the_delayed_input_at_48000() {
    neutral_output_is_the_delayed_input(48_000.0); // X2
}

#[test]
fn x2_neutral_output_is_the_delayed_input_at_96000() {
    neutral_output_is_the_delayed_input(96_000.0); // X2
}

#[test]
fn x2_neutral_output_is_the_delayed_input_at_192000() {
    neutral_output_is_the_delayed_input(192_000.0); // X2
}

#[test]
fn x2_holds_in_every_quality_and_buffering_live_and_offline() {
    let mut plugin = scumble();
    let mut seen = BTreeSet::new();
    for quality in 0..4 {
        for buffering in 0..3 {
            let choice = [("quality", quality), ("buffering", buffering)]
                .map(|(id, step)| (param_id(id), f64::from(step)));
            plugin.set_inactive(&choice).expect("takes parameters while inactive");
            for offline in [false, true] {
                plugin.set_offline(offline).expect("takes the render mode");
                let (error, latency) = null_of(&mut plugin, 48_000.0, 2, Blocks::Fixed(128));
                assert!(
                    error <= NULL_DB,
                    "quality {quality}, buffering {buffering}, offline {offline}, latency \
                     {latency}: null at {error:.1} dB"
                );
                seen.insert((quality, latency));
            }
        }
    }
    let qualities: BTreeSet<_> = seen.iter().map(|&(quality, _)| quality).collect();
    let latencies: BTreeSet<_> = seen.iter().map(|&(_, latency)| latency).collect();
    assert_eq!(qualities.len(), 4);
    assert!(latencies.len() >= 4, "each quality has a latency of its own: {seen:?}");
}

#[test]
fn latency_at_live_is_within_ten_milliseconds() {
    // S10, DESIGN 2: 320 samples at 48 kHz with 128-sample blocks, 9.33 ms with 256.
    let mut plugin = scumble();
    for (block, samples) in [(64, 256), (128, 320), (256, 448)] {
        let processor = plugin.activate(48_000.0, block).expect("activates");
        assert_eq!(plugin.latency().expect("reports"), samples, "block {block}");
        plugin.deactivate(processor);
    }
}

#[test]
fn an_instance_survives_being_activated_again_and_again() {
    let mut plugin = scumble();
    let mut rng = Rng::new(11);
    for _ in 0..25 {
        let rate = [44_100.0, 48_000.0, 88_200.0, 96_000.0, 192_000.0][rng.below(5)];
        let blocks = Blocks::Fixed([32, 128, 480, 1024][rng.below(4)]);
        let (error, latency) = null_of(&mut plugin, rate, 1 + rng.below(2) as u32, blocks);
        assert!(error <= NULL_DB, "{rate} Hz, latency {latency}: null at {error:.1} dB");
    }
}

#[test]
fn a_process_can_load_and_unload_it_again_and_again() {
    for round in 0..5 {
        let bundle = bundle();
        let mut plugin = bundle.scumble().expect("an instance can be made");
        let (error, _) = null_of(&mut plugin, 48_000.0, 2, Blocks::Fixed(256));
        assert!(error <= NULL_DB, "round {round}: null at {error:.1} dB");
        drop((plugin, bundle));
    }
}

#[test]
fn two_instances_at_once_do_not_hear_each_other() {
    // X7: each on an audio thread of its own, at rates and block sizes of its own.
    let bundle = bundle();
    let mut plugins = [bundle.scumble().unwrap(), bundle.scumble().unwrap()];
    let setups = [(44_100.0, 2, 96), (96_000.0, 1, 513)];
    let mut processors = Vec::new();
    let mut latencies = Vec::new();
    for (plugin, (rate, channels, block)) in plugins.iter_mut().zip(setups) {
        plugin.set_channels(channels).unwrap();
        processors.push(plugin.activate(rate, block).unwrap());
        latencies.push(plugin.latency().unwrap());
    }
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = processors
            .into_iter()
            .zip(setups)
            .enumerate()
            .map(|(i, (mut processor, (_, channels, block)))| {
                scope.spawn(move || {
                    let input = noise(i as u64, channels as usize, 40_000);
                    let mut blocks = Blocks::Fixed(block as usize);
                    let output = processor.render(&input, &mut blocks).unwrap();
                    (processor, input, output)
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    for ((plugin, latency), (processor, input, output)) in
        plugins.iter_mut().zip(latencies).zip(results)
    {
        let error = null_db(&input, &output, latency);
        assert!(error <= NULL_DB, "latency {latency}: null at {error:.1} dB");
        plugin.deactivate(processor);
    }
}

#[test]
fn the_main_thread_reads_saves_and_loads_while_the_audio_thread_plays() {
    let mut plugin = scumble();
    let mut processor = plugin.activate(48_000.0, 128).unwrap();
    let latency = plugin.latency().unwrap();
    let state = plugin.save().unwrap();
    const PARTS: usize = 8;
    let (done, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (processor, input, output) = std::thread::scope(|scope| {
        let audio = scope.spawn(|| {
            let input = noise(3, 2, PARTS * 12_800);
            let mut output = vec![Vec::new(); 2];
            for part in 0..PARTS {
                // However quick it is: the main thread gets a turn between any two parts.
                let begun = Instant::now();
                while rounds.load(Ordering::Acquire) < part && begun.elapsed().as_secs() < 10 {
                    std::thread::yield_now();
                }
                let piece: Vec<_> =
                    input.iter().map(|c| c[part * 12_800..][..12_800].to_vec()).collect();
                let played = processor.render(&piece, &mut Blocks::Fixed(128)).unwrap();
                output.iter_mut().zip(played).for_each(|(all, part)| all.extend(part));
            }
            done.store(true, Ordering::Release);
            (processor, input, output)
        });
        while !done.load(Ordering::Acquire) {
            plugin.run_callbacks();
            assert_eq!(plugin.save().unwrap(), state);
            plugin.values().unwrap();
            plugin.load(&state).unwrap();
            rounds.fetch_add(1, Ordering::Release);
        }
        audio.join().unwrap()
    });
    let rounds = rounds.into_inner();
    assert!(rounds >= PARTS - 1, "the main thread came to its turn {rounds} times");
    // The same state loaded again changes nothing that can be heard.
    let error = null_db(&input, &output, latency);
    assert!(error <= NULL_DB, "null at {error:.1} dB");
    plugin.deactivate(processor);
}

#[test]
fn a_reset_forgets_the_past() {
    let mut plugin = scumble();
    for quality in 0..4 {
        plugin.set_inactive(&[(param_id("quality"), f64::from(quality))]).unwrap();
        let mut processor = plugin.activate(48_000.0, 256).unwrap();
        processor.render(&noise(5, 2, 20_000), &mut Blocks::Fixed(256)).unwrap();
        processor.reset();
        let silence = vec![vec![0.0; 40_000]; 2];
        let output = processor.render(&silence, &mut Blocks::Fixed(256)).unwrap();
        assert_eq!(peak(&output), 0.0, "quality {quality} still sounds after a reset");
        plugin.deactivate(processor);
    }
}

#[test]
fn silence_becomes_exact_zero_and_sound_returns_after_a_stop() {
    // X9: no residue, no denormals, and a host that puts a silent track to sleep.
    let mut plugin = scumble();
    let mut processor = plugin.activate(48_000.0, 128).unwrap();
    let latency = plugin.latency().unwrap();
    processor.render(&noise(5, 2, 20_000), &mut Blocks::Fixed(128)).unwrap();
    let silence = vec![vec![0.0; 96_000]; 2];
    let output = processor.render(&silence, &mut Blocks::Fixed(128)).unwrap();
    let tail: Vec<_> = output.iter().map(|c| c[48_000..].to_vec()).collect();
    assert_eq!(peak(&tail), 0.0);
    processor.stop();
    let input = noise(6, 2, 20_000);
    let output = processor.render(&input, &mut Blocks::Fixed(128)).unwrap();
    let error = null_db(&input, &output, latency);
    assert!(error <= NULL_DB, "null after a stop at {error:.1} dB");
    plugin.deactivate(processor);
}

#[test]
fn nothing_sounds_beyond_the_reported_tail() {
    let mut plugin = scumble();
    let blur = plugin.params().unwrap().into_iter().find(|p| p.id == param_id("blur_time"));
    let longest = blur.unwrap().max;
    for (quality, blur_time) in [(0, 0.0), (0, longest), (2, longest)] {
        let settings = [("quality", f64::from(quality)), ("blur_time", blur_time)];
        plugin.set_inactive(&settings.map(|(id, value)| (param_id(id), value))).unwrap();
        let mut processor = plugin.activate(48_000.0, 256).unwrap();
        let latency = plugin.latency().unwrap();
        processor.render(&noise(5, 2, 48_000), &mut Blocks::Fixed(256)).unwrap();
        let TailLength::Finite(tail) = processor.tail().unwrap() else {
            panic!("the tail of quality {quality} has no end");
        };
        assert!(tail as usize >= latency, "a tail of {tail}, a latency of {latency}");
        let silence = vec![vec![0.0; tail as usize + 48_000]; 2];
        let output = processor.render(&silence, &mut Blocks::Fixed(256)).unwrap();
        let beyond: Vec<_> = output.iter().map(|c| c[tail as usize..].to_vec()).collect();
        assert_eq!(peak(&beyond), 0.0, "quality {quality}, blur {blur_time}, tail {tail}");
        plugin.deactivate(processor);
    }
}

#[test]
fn bypass_and_mix_are_aligned_with_the_latency() {
    // X5: at neutral both are the delayed input as well.
    let mut plugin = scumble();
    for (id, value) in [("bypass", 1.0), ("mix", 0.0), ("mix", 0.5)] {
        plugin.set_inactive(&[(param_id(id), value)]).unwrap();
        let (error, _) = null_of(&mut plugin, 48_000.0, 2, Blocks::Fixed(128));
        assert!(error <= NULL_DB, "{id} at {value}: null at {error:.1} dB");
        let default = plugin.params().unwrap().into_iter().find(|p| p.id == param_id(id));
        plugin.set_inactive(&[(param_id(id), default.unwrap().default)]).unwrap();
    }
}

#[test]
fn a_change_of_quality_asks_for_a_restart_and_keeps_its_latency_until_then() {
    // DESIGN 2: latency is fixed from activation to deactivation.
    let mut plugin = scumble();
    let mut processor = plugin.activate(48_000.0, 128).unwrap();
    let live = plugin.latency().unwrap();
    let input = noise(9, 2, 48_000);
    let studio = [ParamEvent { time: 0, id: param_id("quality"), value: 2.0 }];
    let output = processor
        .render_with(&input, &mut Blocks::Fixed(128), |at, _| {
            (if at == 12_800 { studio.to_vec() } else { Vec::new() }, None)
        })
        .unwrap();
    plugin.run_callbacks();
    assert_eq!(plugin.latency().unwrap(), live, "latency changed while active");
    let error = null_db(&input, &output, live);
    assert!(error <= NULL_DB, "null across the change at {error:.1} dB");
    assert!(plugin.notes().take_restart(), "no restart was asked for");
    let mut processor = plugin.restart(processor, 48_000.0, 128).unwrap();
    let latency = plugin.latency().unwrap();
    assert!(latency > live, "Studio reports {latency}, Live {live}");
    let output = processor.render(&input, &mut Blocks::Fixed(128)).unwrap();
    let error = null_db(&input, &output, latency);
    assert!(error <= NULL_DB, "null after the restart at {error:.1} dB");
    plugin.deactivate(processor);
}
