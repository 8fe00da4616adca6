//! No parameter clicks, however fast it is moved (X5).

use scumble_tests::clap_host::{Blocks, Bundle, Param, ParamEvent, Plugin, Transport, param_id};
use scumble_tests::locate;
use scumble_tests::project::{Project, painting};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 512;
/// Values that a parameter passes within one block, from end to end.
const STEPS: usize = 32;
/// Samples played before a move, between it and the move back, and after.
const STRETCH: usize = 24_064;
/// A move may be heard for so long: the longest frame's history and the ramps.
const HEARD: usize = 12_032;

fn scumble() -> Plugin {
    Bundle::load(&locate::clap_bundle()).unwrap().scumble().unwrap()
}

/// A tone that moves by no more than 0.0144 a sample.
fn tone(samples: usize) -> Vec<Vec<f32>> {
    let turn = |i: usize| i as f64 * 220.0 * std::f64::consts::TAU / RATE;
    vec![(0..samples).map(|i| (0.5 * turn(i).sin()) as f32).collect(); 2]
}

/// The largest difference of two samples next to each other.
fn step(output: &[Vec<f32>], range: std::ops::Range<usize>) -> f32 {
    let steps = |c: &Vec<f32>| {
        c[range.clone()].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0f32, f32::max)
    };
    output.iter().map(steps).fold(0.0, f32::max)
}

/// Moves a parameter from one end to the other within one block, and half a second later back.
/// Gives the largest steps while nothing moved (after the first settling) and around the moves.
fn sweep(plugin: &mut Plugin, param: &Param, ends: (f64, f64)) -> (f32, f32) {
    plugin.set_inactive(&[(param.id, ends.0)]).unwrap();
    let mut processor = plugin.activate(RATE, BLOCK as u32).unwrap();
    let input = tone(3 * STRETCH);
    let move_at = |from: f64, to: f64| -> Vec<ParamEvent> {
        let value = |i: usize| from + (to - from) * i as f64 / (STEPS - 1) as f64;
        let event = |i: usize| {
            let value = if param.stepped { value(i).round() } else { value(i) };
            ParamEvent { time: (i * BLOCK / STEPS) as u32, id: param.id, value }
        };
        (0..STEPS).map(event).collect()
    };
    let output = processor
        .render_with(&input, &mut Blocks::Fixed(BLOCK), |at, _| {
            let events = match at {
                STRETCH => move_at(ends.0, ends.1),
                at if at == 2 * STRETCH => move_at(ends.1, ends.0),
                _ => Vec::new(),
            };
            (events, Some(Transport::at_120_bpm(at as f64 / RATE)))
        })
        .unwrap();
    plugin.run_callbacks();
    plugin.deactivate(processor);
    plugin.set_inactive(&[(param.id, param.default)]).unwrap();
    let still = [HEARD..STRETCH, STRETCH + HEARD..2 * STRETCH, 2 * STRETCH + HEARD..3 * STRETCH];
    let moved = [STRETCH..STRETCH + HEARD, 2 * STRETCH..2 * STRETCH + HEARD];
    let most = |ranges: &[std::ops::Range<usize>]| {
        ranges.iter().map(|r| step(&output, r.clone())).fold(0.0, f32::max)
    };
    (most(&still), most(&moved))
}

#[test]
fn x5_no_parameter_steps_when_it_is_swept_from_end_to_end_in_one_block() {
    for painted in [false, true] {
        let mut plugin = scumble();
        if painted {
            let project = Project::of_clap(&plugin.save().unwrap()).paint(&painting());
            plugin.load(&project.for_clap()).unwrap();
        }
        let params = plugin.params().unwrap();
        for param in params.iter().filter(|p| p.automatable) {
            let (still, moved) = sweep(&mut plugin, param, (param.min, param.max));
            println!("{} painted {painted}: {still:.4} still, {moved:.4} moved", param.name);
            let what = format!("{}, painted: {painted}", param.name);
            assert!(moved <= bound(still), "{what}: a step of {moved}, {still} when it is still");
        }
    }
}

/// What the sound's own largest step may grow to while a parameter moves: a quarter more, and what a
/// fade of 10 ms between two sounds of full scale adds. A click of 2 % of full scale is beyond it.
fn bound(still: f32) -> f32 {
    1.25 * still + 2.0 / 480.0
}

#[test]
fn x5_bypass_and_mix_fade_between_sounds_that_have_nothing_in_common() {
    let mut plugin = scumble();
    // Moved by 700 Hz and twice as loud, the effect is nowhere near the tone that came in.
    let project = Project::of_clap(&plugin.save().unwrap()).set("warp_shift", 700.0);
    plugin.load(&project.set("output", 6.0).for_clap()).unwrap();
    let params = plugin.params().unwrap();
    for id in ["bypass", "mix", "output"] {
        let param = params.iter().find(|p| p.id == param_id(id)).unwrap();
        let kept = plugin.value(id).unwrap();
        let (still, moved) = sweep(&mut plugin, param, (param.min, param.max));
        plugin.set_inactive(&[(param.id, kept)]).unwrap();
        println!("{id}: {still:.4} still, {moved:.4} moved");
        assert!(moved <= bound(still), "{id}: a step of {moved}, {still} when it is still");
    }
}

#[test]
fn a_click_of_two_percent_would_be_seen() {
    let mut sound = tone(4096);
    let still = step(&sound, 0..4096);
    assert!(step(&sound, 0..4096) <= bound(still));
    let rise = |i: &usize| sound[1][*i] - sound[1][*i - 1];
    let steepest = (1..4096).max_by(|a, b| rise(a).total_cmp(&rise(b))).unwrap();
    sound[1][steepest..].iter_mut().for_each(|x| *x += 0.02);
    assert!(step(&sound, 0..4096) > bound(still), "{}", step(&sound, 0..4096));
}
