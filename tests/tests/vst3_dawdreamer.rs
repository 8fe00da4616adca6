//! Scumble in DawDreamer, a second VST3 host that others wrote. The scripts are in tests/py.

use std::process::Command;
use std::time::Duration;

use scumble_tests::child::{Finished, run};
use scumble_tests::locate;

fn dawdreamer(check: &str) -> Finished {
    let mut command = Command::new(locate::python());
    command.arg(locate::script("dawdreamer_checks.py")).arg(check).arg(locate::vst3_bundle());
    let finished = run(&mut command, Duration::from_secs(240));
    println!("{}", finished.stdout);
    finished
}

#[test]
fn x2_neutral_output_is_the_delayed_input() {
    let finished = dawdreamer("null");
    assert!(finished.success(), "{}", finished.story());
}

#[test]
fn x5_the_mix_is_automated_without_a_step() {
    let finished = dawdreamer("automation");
    assert!(finished.success(), "{}", finished.story());
}

#[test]
fn x3_renders_are_the_same_to_the_bit() {
    // Without a flag pace decides. A machine so busy that a render takes as long as the sound looks
    // like a live host for a while: then once more.
    let mut last = String::new();
    let same = (0..3).any(|_| {
        let finished = dawdreamer("render");
        last = finished.story();
        finished.success()
    });
    assert!(same, "{last}");
}
