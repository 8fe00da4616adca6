//! A stroke painted with the mouse in the real window changes the sound, and undo takes it back.
#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::Duration;

use scumble_tests::child::run;
use scumble_tests::locate;
use scumble_tests::xvfb::Xvfb;

#[test]
fn painting_in_a_clap_host_changes_the_sound_and_undo_takes_it_back() {
    let screen = Xvfb::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_editor_paint"));
    command.arg(locate::clap_bundle());
    let finished = run(screen.show(&mut command), Duration::from_secs(120));
    println!("{}", finished.stdout);
    assert!(finished.success() && !finished.panicked(), "{}", finished.story());
}

// The long run is for a quiet machine (docs/testing.md); here it is shown to work.
#[test]
fn a_hand_at_work_in_the_editor_and_none_are_shown_side_by_side() {
    let screen = Xvfb::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_editor_soak"));
    command.arg(locate::clap_bundle()).args(["4", "gpu"]);
    let finished = run(screen.show(&mut command), Duration::from_secs(120));
    println!("{}\n{}", finished.stdout, finished.stderr);
    assert!(finished.success() && !finished.panicked(), "{}", finished.story());
    let told = |text: &str, of: &str| of.lines().filter(|line| line.contains(text)).count();
    assert_eq!(told("overruns", &finished.stdout), 2, "{}", finished.story());
    assert_eq!(told("hops missed", &finished.stderr), 2, "{}", finished.story());
}
