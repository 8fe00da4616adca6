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
