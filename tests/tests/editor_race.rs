//! The race of plugin/src/vst3_guard.rs: the editor opens and closes while parameters change in
//! every block. Each stress is a process of its own, so that an abort is a failed exit.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use scumble_tests::child::{Finished, run};
use scumble_tests::locate;
use scumble_tests::xvfb::Xvfb;

const OPENINGS: &str = "100";
const LIMIT: Duration = Duration::from_secs(400);

fn stress(library: &Path, kind: &str, without_guard: bool) -> Finished {
    let screen = Xvfb::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_editor_stress"));
    command.arg(library).args([OPENINGS, kind]).env("RUST_BACKTRACE", "0");
    if without_guard {
        command.env("SCUMBLE_TEST_NO_VST3_GUARD", "1");
    }
    run(screen.show(&mut command), LIMIT)
}

#[test]
fn a_hundred_openings_under_automation_in_clap() {
    let finished = stress(&locate::clap_bundle(), "clap", false);
    println!("{}", finished.stdout);
    assert!(finished.success(), "{}", finished.story());
}

fn bundled() -> PathBuf {
    locate::vst3_library(&locate::vst3_bundle())
}

#[test]
fn a_hundred_openings_under_automation_with_a_run_loop() {
    let finished = stress(&bundled(), "vst3-run-loop", false);
    println!("{}", finished.stdout);
    assert!(finished.success(), "{}", finished.story());
}

#[test]
fn a_hundred_openings_under_automation_without_a_run_loop() {
    let finished = stress(&bundled(), "vst3-bare", false);
    println!("{}", finished.stdout);
    assert!(finished.success(), "{}", finished.story());
}

/// The library with the switch that turns the cure off. No shipped build has it, so it is built
/// here, as tests are: what it depends on has been built for them already.
fn library_with_switch() -> PathBuf {
    let target = locate::target();
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(locate::workspace())
        .args(["build", "--quiet", "--lib", "-p", "scumble", "--features", "test-switches"])
        .arg("--target-dir")
        .arg(&target);
    let built = run(&mut command, Duration::from_secs(1200));
    assert!(built.success(), "{}", built.story());
    // A copy: another build may replace the library while it is loaded.
    let copy = target.join("libscumble_with_switch.so");
    std::fs::copy(target.join("debug").join("libscumble.so"), &copy).expect("it was just built");
    copy
}

#[test]
fn the_stress_finds_the_race_when_the_cure_is_off() {
    use std::os::unix::process::ExitStatusExt;

    let library = library_with_switch();
    for kind in ["vst3-run-loop", "vst3-bare"] {
        let finished = stress(&library, kind, true);
        let signal = finished.status.and_then(|s| s.signal());
        assert_eq!(signal, Some(libc::SIGABRT), "{kind}: {}", finished.story());
        let cured = stress(&library, kind, false);
        assert!(cured.success(), "{kind}, same build, cure on: {}", cured.story());
    }
}
