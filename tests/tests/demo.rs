//! The demonstration's host: what it writes, and what it says when it cannot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use scumble_tests::child::{Finished, run};
use scumble_tests::locate;

fn demo_host(bundle: &Path, folder: &Path) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo_host"));
    run(command.arg(bundle).arg(folder), Duration::from_secs(120))
}

fn folder(name: &str) -> PathBuf {
    let folder = locate::target().join("test-demo").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn the_demonstration_writes_sounds_pictures_and_a_report() {
    let folder = folder("works");
    let finished = demo_host(&locate::clap_bundle(), &folder);
    assert!(finished.success(), "{}", finished.story());
    let read = |name: &str| std::fs::read(folder.join(name)).expect(name);
    for name in ["dry.wav", "wet.wav"] {
        let mut wav = hound::WavReader::open(folder.join(name)).expect(name);
        let peak = wav.samples::<f32>().map(|x| x.expect("a sample").abs()).fold(0.0, f32::max);
        assert!((0.05..1.0).contains(&peak), "{name} has its peak at {peak}");
        assert!(wav.duration() > 8 * 48_000, "{name} is short");
    }
    for name in ["dry.png", "wet.png"] {
        assert!(read(name).starts_with(b"\x89PNG"), "{name}");
    }
    let report: serde_json::Value = serde_json::from_slice(&read("report.json")).expect("JSON");
    let figure = |name: &str| report[name].as_f64().expect(name);
    assert!(figure("latency_ms") <= 10.0, "{report:#}");
    // X2: until something is turned, the sound is the dry one.
    assert!(figure("difference_first_bar_db") <= -100.0, "{report:#}");
}

#[test]
fn a_missing_bundle_a_file_that_is_none_and_missing_words_are_named() {
    let missing = demo_host("no/such.clap".as_ref(), &folder("missing"));
    assert_eq!(missing.status.and_then(|s| s.code()), Some(1), "{}", missing.story());
    assert!(missing.stderr.contains("no/such.clap"), "{}", missing.story());

    let not_one = folder("not-one");
    std::fs::create_dir_all(&not_one).unwrap();
    std::fs::write(not_one.join("text.clap"), "not a library").unwrap();
    let broken = demo_host(&not_one.join("text.clap"), &not_one);
    assert_eq!(broken.status.and_then(|s| s.code()), Some(1), "{}", broken.story());
    assert!(broken.stderr.contains("text.clap"), "{}", broken.story());

    let usage = run(&mut Command::new(env!("CARGO_BIN_EXE_demo_host")), Duration::from_secs(10));
    assert_eq!(usage.status.and_then(|s| s.code()), Some(2), "{}", usage.story());
    assert!(usage.stderr.contains("usage"), "{}", usage.story());
    for finished in [missing, broken, usage] {
        assert!(!finished.panicked(), "{}", finished.story());
    }
}

#[test]
fn an_output_folder_that_cannot_be_written_is_named() {
    // A file where the folder should be: refused to root as well.
    let parent = folder("unwritable");
    std::fs::create_dir_all(&parent).unwrap();
    let file = parent.join("file");
    std::fs::write(&file, "here first").unwrap();
    for folder in [file.clone(), file.join("inside"), "/proc/scumble-demo".into()] {
        let finished = demo_host(&locate::clap_bundle(), &folder);
        assert_eq!(finished.status.and_then(|s| s.code()), Some(1), "{}", finished.story());
        let named = finished.stderr.contains(&*folder.to_string_lossy());
        assert!(named && !finished.panicked(), "{}", finished.story());
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "here first");
}
