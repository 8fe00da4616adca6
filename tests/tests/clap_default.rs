//! A new instance begins with what the user chose for new ones; what the host has stays the host's.
//!
//! The folder of presets is named by the environment, so each case is a process of its own: this test,
//! started again.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use scumble_tests::child::run;
use scumble_tests::clap_host::{Bundle, Plugin, param_id};
use scumble_tests::locate;

fn scumble() -> Plugin {
    Bundle::load(&locate::clap_bundle()).unwrap().scumble().unwrap()
}

/// Activates and deactivates, as a host does with a track that is put in.
fn activate(plugin: &mut Plugin) {
    let processor = plugin.activate(48_000.0, 128).unwrap();
    plugin.deactivate(processor);
}

/// Does nothing unless it runs as a child of the test below.
#[test]
fn child() {
    let Ok(case) = std::env::var("SCUMBLE_CHILD") else { return };
    let mut plugin = scumble();
    let fresh = plugin.save().unwrap();
    match case.as_str() {
        "new" => activate(&mut plugin),
        // As new as can be, but the host's.
        "loaded before" => {
            plugin.load(&fresh).unwrap();
            activate(&mut plugin);
        }
        "loaded after" => {
            activate(&mut plugin);
            plugin.load(&fresh).unwrap();
        }
        "set" => {
            plugin.set_inactive(&[(param_id("output"), 0.25)]).unwrap();
            activate(&mut plugin);
        }
        "changed since" => {
            activate(&mut plugin);
            plugin.load(&fresh).unwrap();
            activate(&mut plugin);
        }
        other => panic!("{other:?} is no case"),
    }
    println!("mix {:.3}", plugin.value("mix").unwrap());
}

#[test]
fn a_users_default_is_for_new_instances_and_never_against_the_host() {
    let folder: PathBuf =
        std::env::temp_dir().join(format!("scumble-default-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let preset = r#"{"version": 1, "name": "Mine", "params": {"mix": 0.25}}"#;
    std::fs::write(folder.join("_default.scumble.json"), preset).unwrap();
    for (case, mix) in [
        ("new", "mix 0.250"),
        ("loaded before", "mix 1.000"),
        ("loaded after", "mix 1.000"),
        ("set", "mix 1.000"),
        ("changed since", "mix 1.000"),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]);
        command.env("SCUMBLE_CHILD", case).env("SCUMBLE_PRESETS", &folder);
        let finished = run(&mut command, Duration::from_secs(60));
        assert!(finished.success(), "{case}: {}", finished.story());
        assert!(finished.stdout.contains(mix), "{case}: {}", finished.story());
    }
    let _ = std::fs::remove_dir_all(&folder);
}
