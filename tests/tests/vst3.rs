//! Scumble in our own VST3 host: blocks processed in place, state, refusals.
#![cfg(target_os = "linux")]

use scumble_tests::clap_host::Blocks;
use scumble_tests::locate;
use scumble_tests::signal::{Rng, first_unsound, noise, null_db};
use scumble_tests::vst3_host::{Module, Plugin, Processor};

fn module() -> Module {
    Module::load(&locate::vst3_library(&locate::vst3_bundle())).expect("the bundle loads")
}

fn render(processor: &mut Processor, input: &[Vec<f32>], blocks: &mut Blocks) -> Vec<Vec<f32>> {
    let mut output = vec![Vec::new(); 2];
    let mut at = 0;
    while at < input[0].len() {
        let n = blocks.next_len().min(input[0].len() - at);
        let mut block = [input[0][at..at + n].to_vec(), input[1][at..at + n].to_vec()];
        processor.process(&mut block, &[]).expect("processes");
        for (out, block) in output.iter_mut().zip(block) {
            out.extend(block);
        }
        at += n;
    }
    output
}

fn null_of(plugin: &Plugin, rate: f64, mut blocks: Blocks) -> f64 {
    let mut processor = plugin.activate(rate, blocks.max() as i32).expect("activates");
    let latency = plugin.latency();
    let input = noise(2, 2, latency + (4 * blocks.max()).max(12_000));
    let output = render(&mut processor, &input, &mut blocks);
    plugin.deactivate(processor).expect("deactivates");
    null_db(&input, &output, latency)
}

#[test]
fn the_factory_holds_scumble() {
    assert_eq!(module().scan(), ["Scumble"]);
}

#[test]
fn x2_neutral_output_is_the_delayed_input_processed_in_place() {
    let module = module();
    let plugin = module.create().unwrap();
    let mut worst = f64::NEG_INFINITY;
    for rate in [44_100.0, 48_000.0, 96_000.0, 192_000.0] {
        let sizes = [1, 17, 64, 128, 256, 511, 512, 1024, 4096, 8192].map(Blocks::Fixed);
        for blocks in sizes.into_iter().chain([Blocks::random(1, 512), Blocks::random(2, 8192)]) {
            let what = format!("{rate} Hz, {blocks:?}");
            let error = null_of(&plugin, rate, blocks);
            assert!(error <= -100.0, "{what}: null at {error:.1} dB");
            worst = worst.max(error);
        }
    }
    println!("X2 VST3: worst null {worst:.1} dB");
    plugin.destroy().unwrap();
}

#[test]
fn a_state_comes_back_and_a_bad_one_changes_nothing() {
    let module = module();
    let (plugin, other) = (module.create().unwrap(), module.create().unwrap());
    let params = plugin.params();
    let mut rng = Rng::new(5);
    let mut processor = other.activate(48_000.0, 64).unwrap();
    let changes: Vec<_> = params.iter().map(|&(id, _)| (id, 0, rng.unit())).collect();
    let mut block = [vec![0.0; 64], vec![0.0; 64]];
    processor.process(&mut block, &changes).unwrap();
    other.deactivate(processor).unwrap();
    let lived_in = other.save().unwrap();

    let fresh = plugin.save().unwrap();
    assert_ne!(fresh, lived_in);
    plugin.load(&lived_in).unwrap();
    assert_eq!(plugin.save().unwrap(), lived_in); // X4
    for &(id, _) in &params {
        assert!((plugin.value(id) - other.value(id)).abs() < 1e-5, "parameter {id}");
    }

    let mut processor = plugin.activate(44_100.0, 128).unwrap();
    let refuse = |bytes: &[u8], what: &str| {
        let answer = plugin.load(bytes);
        assert_eq!(plugin.save().unwrap(), lived_in, "{what} ({answer:?}) changed the state");
    };
    for cut in 0..fresh.len() {
        refuse(&fresh[..cut], &format!("a state cut at {cut}"));
    }
    for round in 0..100 {
        let bytes: Vec<u8> = (0..rng.below(300)).map(|_| rng.bits() as u8).collect();
        refuse(&bytes, &format!("random bytes {round}"));
    }
    let newer = String::from_utf8(fresh.clone()).unwrap();
    let newer = newer.replacen("\"version\":\"0.1", "\"version\":\"9.1", 1);
    assert_ne!(newer.as_bytes(), fresh);
    refuse(newer.as_bytes(), "a newer version");
    let output = render(&mut processor, &noise(1, 2, 10_000), &mut Blocks::Fixed(128));
    assert_eq!(first_unsound(&output), None);
    plugin.deactivate(processor).unwrap();
    plugin.destroy().unwrap();
    other.destroy().unwrap();
}

#[test]
fn an_instance_may_end_before_it_was_ever_activated() {
    let module = module();
    for _ in 0..20 {
        module.create().unwrap().destroy().unwrap();
    }
    module.close();
}
