//! Scumble in pedalboard, a VST3 host that others wrote. The scripts are in tests/py.

use std::process::Command;
use std::time::Duration;

use scumble_tests::child::run;
use scumble_tests::locate;

fn pedalboard(check: &str) {
    let mut command = Command::new(locate::python());
    command.arg(locate::script("vst3_checks.py")).arg(check).arg(locate::vst3_bundle());
    let finished = run(&mut command, Duration::from_secs(240));
    println!("{}", finished.stdout);
    assert!(finished.success(), "{}", finished.story());
}

#[test]
fn x2_neutral_output_is_the_delayed_input() {
    pedalboard("null");
}

#[test]
fn every_parameter_can_be_changed_and_read() {
    pedalboard("parameters");
}

#[test]
fn a_state_comes_back() {
    pedalboard("state");
}

#[test]
fn the_reported_latency_is_the_measured_one() {
    pedalboard("latency");
}
