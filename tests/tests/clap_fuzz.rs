//! What no host should do and some do: random parameters, random blocks, sick input (X9).

use clack_host::utils::ClapId;
use scumble_tests::clap_host::{Blocks, Bundle, Param, ParamEvent, Plugin, Transport};
use scumble_tests::locate;
use scumble_tests::signal::{Rng, db, first_unsound, noise, peak};

fn scumble() -> Plugin {
    Bundle::load(&locate::clap_bundle()).unwrap().scumble().unwrap()
}

fn random_value(param: &Param, rng: &mut Rng) -> f64 {
    // The ends are where range errors live.
    let value = match rng.below(4) {
        0 => param.min,
        1 => param.max,
        _ => param.min + (param.max - param.min) * rng.unit(),
    };
    if param.stepped { value.round() } else { value }
}

fn random_events(params: &[Param], rng: &mut Rng, block: usize) -> Vec<ParamEvent> {
    let mut events: Vec<_> = (0..rng.below(6))
        .map(|_| {
            let param = &params[rng.below(params.len())];
            let id: ClapId = param.id;
            ParamEvent { time: rng.below(block) as u32, id, value: random_value(param, rng) }
        })
        .collect();
    events.sort_by_key(|e| e.time);
    events
}

fn random_transport(rng: &mut Rng) -> Option<Transport> {
    (rng.below(4) > 0).then(|| Transport {
        playing: rng.below(2) == 0,
        beats: rng.bipolar() * 64.0,
        seconds: rng.bipolar() * 64.0,
        tempo_bpm: 20.0 + rng.unit() * 280.0,
        cycle: (rng.below(2) == 0).then(|| {
            let start = rng.unit() * 16.0;
            (start, start + rng.unit() * 16.0)
        }),
    })
}

/// Samples that a broken plugin upstream may send.
fn sick(rng: &mut Rng) -> f32 {
    match rng.below(8) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => f32::MAX,
        4 => f32::MIN_POSITIVE / 3.0,
        5 => -1e-42,
        6 => -0.0,
        _ => f32::from_bits(rng.bits() as u32),
    }
}

#[test]
fn x9_random_parameters_blocks_and_jumps_leave_the_output_sound() {
    for (seed, rate) in [(1, 44_100.0), (2, 48_000.0), (3, 96_000.0)] {
        let mut plugin = scumble();
        let params = plugin.params().unwrap();
        let mut rng = Rng::new(seed);
        for round in 0..4 {
            let max = [64, 300, 1024, 4096][round];
            let mut processor = plugin.activate(rate, max).unwrap();
            let input = noise(seed, 2, 48_000);
            let output = processor
                .render_with(&input, &mut Blocks::random(seed, max as usize), |_, n| {
                    (random_events(&params, &mut rng, n), random_transport(&mut rng))
                })
                .unwrap();
            assert_eq!(first_unsound(&output), None, "seed {seed}, round {round}");
            plugin.run_callbacks();
            plugin.deactivate(processor);
        }
    }
}

#[test]
fn x9_sick_input_is_neither_passed_on_nor_remembered() {
    let mut plugin = scumble();
    let params = plugin.params().unwrap();
    for seed in 0..4 {
        let mut rng = Rng::new(seed);
        if seed > 0 {
            let values: Vec<_> = params.iter().map(|p| (p.id, random_value(p, &mut rng))).collect();
            plugin.set_inactive(&values).unwrap();
        }
        let mut processor = plugin.activate(48_000.0, 512).unwrap();
        let mut input = noise(seed, 2, 48_000);
        for channel in &mut input {
            for _ in 0..200 {
                let at = rng.below(24_000);
                channel[at] = sick(&mut rng);
            }
        }
        let output = processor.render(&input, &mut Blocks::random(seed, 512)).unwrap();
        assert_eq!(first_unsound(&output), None, "seed {seed}");
        // Half a second later only healthy input remains; whatever the settings are, a window
        // that was poisoned for good would still be silent or loud.
        let late: Vec<_> = output.iter().map(|c| c[44_000..].to_vec()).collect();
        assert!(peak(&late) < 64.0, "seed {seed}: {:.1} dB", db(peak(&late)));
        if seed == 0 {
            assert!(peak(&late) > 0.5, "the sound did not come back");
        }
        plugin.deactivate(processor);
    }
}

#[test]
fn x9_subnormal_input_gives_no_subnormal_output() {
    let mut plugin = scumble();
    let mut processor = plugin.activate(48_000.0, 128).unwrap();
    let mut rng = Rng::new(4);
    let input: Vec<Vec<f32>> =
        (0..2).map(|_| (0..24_000).map(|_| (rng.bipolar() * 1e-39) as f32).collect()).collect();
    assert!(input[0].iter().any(|x| x.is_subnormal()));
    let output = processor.render(&input, &mut Blocks::Fixed(128)).unwrap();
    assert_eq!(first_unsound(&output), None);
    plugin.deactivate(processor);
}

#[test]
fn x9_neutral_is_never_louder_than_the_input_by_more_than_6_db() {
    // Through sick input, level steps and changes of everything that must not be heard.
    let mut plugin = scumble();
    let params = plugin.params().unwrap();
    let silent_changes = ["quality", "engine", "buffering", "on_miss", "canvas_sync"]
        .map(scumble_tests::clap_host::param_id);
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        let mut processor = plugin.activate(48_000.0, 256).unwrap();
        let mut input = noise(seed, 2, 48_000);
        for (t, x) in input.iter_mut().flat_map(|c| c.iter_mut().enumerate()) {
            *x *= if (t / 4000) % 2 == 0 { 0.5 } else { 0.01 };
        }
        for channel in &mut input {
            channel[10_000 + rng.below(1000)] = f32::NAN;
            channel[20_000 + rng.below(1000)] = f32::INFINITY;
            channel[30_000 + rng.below(1000)] = f32::NEG_INFINITY;
        }
        let output = processor
            .render_with(&input, &mut Blocks::random(seed, 256), |_, _| {
                let id = silent_changes[rng.below(silent_changes.len())];
                let param = params.iter().find(|p| p.id == id).unwrap();
                let value = random_value(param, &mut rng);
                (vec![ParamEvent { time: 0, id, value }], random_transport(&mut rng))
            })
            .unwrap();
        assert_eq!(first_unsound(&output), None, "seed {seed}");
        assert!(peak(&output) <= 0.5 * 2.0, "seed {seed}: peak {:.1} dB", db(peak(&output)));
        plugin.run_callbacks();
        plugin.deactivate(processor);
        plugin.set_inactive(&params.iter().map(|p| (p.id, p.default)).collect::<Vec<_>>()).unwrap();
    }
}
