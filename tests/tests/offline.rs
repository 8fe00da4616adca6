//! Two renders of one project are the same to the bit (X3), whatever becomes of the device.
//!
//! What the engine does with a device is decided by the environment when it starts, so each render is
//! a process of its own: this test, started again.

use std::process::Command;
use std::time::Duration;

use scumble_tests::child::run;
use scumble_tests::clap_host::{Blocks, Bundle, ParamEvent, Transport, param_id};
use scumble_tests::locate;
use scumble_tests::project::{Project, painting};
use scumble_tests::signal::noise;

const RATE: f64 = 48_000.0;
const SECONDS: usize = 6;
const BLOCK: usize = 512;
/// What may become of the device.
const FAULTS: [&str; 4] = ["", "stall=0.1", "lose=0.05", "stall=0.5 lose=0.1"];

/// A project with every effect, paint of every kind, automation and a transport in a tempo ramp.
fn render(offline_flag: bool) -> Vec<Vec<f32>> {
    let bundle = Bundle::load(&locate::clap_bundle()).unwrap();
    let mut plugin = bundle.scumble().unwrap();
    let project = Project::of_clap(&plugin.save().unwrap())
        .set("blur_time", 60.0)
        .set("blur_freq", 0.2)
        .set("diffuse", 0.3)
        .set("warp_shift", 35.0)
        .set("warp_stretch", 1.1)
        .set("mod_low", 0.5)
        .set("mix", 0.9)
        .paint(&painting());
    plugin.load(&project.for_clap()).unwrap();
    plugin.set_offline(offline_flag).unwrap();
    let mut processor = plugin.activate(RATE, BLOCK as u32).unwrap();
    let input = noise(4, 2, SECONDS * RATE as usize);
    let output = processor.render_with(&input, &mut Blocks::Fixed(BLOCK), |at, _| {
        let seconds = at as f64 / RATE;
        let sweep =
            ParamEvent { time: 7, id: param_id("blur_time"), value: (seconds / 10.0) % 1.0 };
        (vec![sweep], Some(Transport::in_a_ramp(83.0, 5.0, seconds)))
    });
    plugin.deactivate(processor);
    output.unwrap()
}

/// FNV-1a over the bits of all samples.
fn digest(sound: &[Vec<f32>]) -> u64 {
    sound
        .iter()
        .flatten()
        .flat_map(|x| x.to_bits().to_le_bytes())
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        })
}

/// Does nothing unless it runs as a child of the tests below.
#[test]
fn child() {
    if let Ok(flag) = std::env::var("SCUMBLE_CHILD") {
        println!("digest {:016x}", digest(&render(flag == "flagged")));
    }
}

fn digest_of(command: &mut Command) -> String {
    let finished = run(command, Duration::from_secs(240));
    assert!(finished.success(), "{}", finished.story());
    let line = finished.stdout.lines().find(|line| line.starts_with("digest"));
    line.unwrap_or_else(|| panic!("no digest: {}", finished.story())).to_owned()
}

fn in_clap(flag: &str, faults: &str) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "child", "--nocapture"]);
    digest_of(command.env("SCUMBLE_CHILD", flag).env("SCUMBLE_FAULTS", faults))
}

#[test]
fn x3_two_renders_in_clap_are_the_same_to_the_bit_with_and_without_faults() {
    let expected = in_clap("flagged", "");
    for faults in FAULTS {
        assert_eq!(in_clap("flagged", faults), expected, "faults {faults:?}");
    }
    for faults in FAULTS {
        // Without the flag pace decides. A machine so busy that a render takes as long as the sound
        // looks like a live host for a while: then once more.
        let same = (0..3).any(|_| in_clap("unflagged", faults) == expected);
        assert!(same, "without the flag, faults {faults:?}");
    }
}

#[test]
fn x3_two_renders_in_vst3_are_the_same_to_the_bit_with_and_without_faults() {
    let in_vst3 = |faults: &str| {
        let mut command = Command::new(locate::python());
        command.arg(locate::script("vst3_checks.py")).arg("render").arg(locate::vst3_bundle());
        digest_of(command.env("SCUMBLE_FAULTS", faults))
    };
    // The script renders twice, and gives a list where the two are not the same.
    let expected = (0..3).map(|_| in_vst3("")).find(|digest| !digest.contains('['));
    let expected = expected.expect("two renders that are the same");
    for faults in FAULTS {
        let same = (0..3).any(|_| in_vst3(faults) == expected);
        assert!(same, "faults {faults:?}");
    }
}
