//! `cargo xtask test`: every test, as a list of named steps.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::demo::bundle;
use crate::setup;
use crate::shell::{cargo, python, root, run, target};

/// A step's name, what it proves, and how it runs.
type Step = (&'static str, &'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("unit", "each crate's own tests, the GPU path on the software adapter", unit),
    ("loom", "every interleaving of what two threads share, and each ordering needed", loom),
    ("stress", "ten million hops between two threads, optimised", stress),
    ("tsan", "ThreadSanitizer over the synchronisation core", thread_sanitizer),
    ("rtsan", "RealtimeSanitizer over the core's calls and all of process()", realtime_sanitizer),
    ("guide", "the guide's effect, laid over a copy of the sources, agrees in both engines", guide),
    ("bundle", "the CLAP and VST3 bundles and the standalone build", bundle),
    ("hosts", "real CLAP and VST3 hosts, windows and audio servers", hosts),
];

pub fn test(args: &[String]) -> Result<()> {
    let chosen: Vec<&Step> = match args {
        [] => STEPS.iter().collect(),
        [flag] if flag == "--list" => {
            for (name, what, _) in STEPS {
                println!("{name:<10} {what}");
            }
            return Ok(());
        }
        [flag, name] if flag == "--only" => {
            let step = STEPS.iter().find(|(n, _, _)| n == name);
            vec![step.with_context(|| format!("{name:?} is not a step; --list names them"))?]
        }
        _ => bail!("test takes --list or --only STEP, found {args:?}"),
    };
    setup::all()?;
    for (name, what, step) in chosen {
        println!("\n=== {name}: {what}");
        let begun = std::time::Instant::now();
        step().with_context(|| format!("step {name}"))?;
        println!("=== {name} passed in {:.0} s", begun.elapsed().as_secs_f32());
    }
    Ok(())
}

/// A test run of cargo's, with the software adapter, the tests' own Python and nobody's presets.
fn tests(args: &[&str]) -> Command {
    let mut command = cargo(&["test"]);
    command.args(args);
    command.env("SCUMBLE_ADAPTER", "software").env("SCUMBLE_PYTHON", python());
    command.env("SCUMBLE_PRESETS", target().join("no-presets"));
    command
}

fn unit() -> Result<()> {
    // One at a time: tests that pace audio in real time, or lose a device on purpose, would starve
    // each other on two cores.
    run(tests(&["--quiet"]).env("RUST_TEST_THREADS", "1"))
}

/// The synchronisation core alone: it builds without wgpu.
const CORE: [&str; 3] = ["-p", "scumble-gpu", "--no-default-features"];

/// Named, so that build scripts and procedural macros stay as they are.
const TARGET: [&str; 2] = ["--target", "x86_64-unknown-linux-gnu"];

/// A cargo test with compiler flags of its own, in a target folder of its own, so that the usual
/// build stays as it is. The sanitizers are in the stable toolchain, behind this variable.
fn watched(folder: &str, flags: &str, args: &[&str]) -> Command {
    let folder = target().join(folder);
    let mut command = cargo(&["test", "--quiet", "--target-dir"]);
    command.arg(folder).args(args).env("RUSTFLAGS", flags).env("RUSTC_BOOTSTRAP", "1");
    command.env("SCUMBLE_ADAPTER", "software").env("SCUMBLE_PYTHON", python());
    command
}

fn loom() -> Result<()> {
    let mut command = watched("loom", "--cfg loom", &CORE);
    run(command.args(["--test", "sync_loom"]))
}

fn stress() -> Result<()> {
    let mut command = tests(&["--quiet", "--release"]);
    command.args(CORE).args(["--test", "sync_stress", "--", "--ignored", "--test-threads=1"]);
    run(&mut command)
}

fn thread_sanitizer() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("ThreadSanitizer is run on x86_64 Linux only");
        return Ok(());
    }
    let flags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg tsan";
    let mut command = watched("tsan", flags, &CORE);
    let suppressions = root().join("gpu/tests/sync_tsan.supp");
    command.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    run(command.args(TARGET).args(["--test", "sync_stress", "--test", "sync_tsan"]))
}

fn realtime_sanitizer() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("RealtimeSanitizer is run on x86_64 Linux only");
        return Ok(());
    }
    let flags = "-Zsanitizer=realtime --cfg rtsan";
    let mut core = watched("rtsan", flags, &CORE);
    run(core.args(TARGET).args(["--test", "sync_realtime"]))?;
    let mut process = watched("rtsan", flags, &["-p", "scumble"]);
    run(process.args(TARGET).args(["--test", "realtime", "--test", "realtime_plugin"]))
}

fn guide() -> Result<()> {
    run(&mut tests(&["--quiet", "-p", "xtask", "--test", "guide", "--", "--ignored"]))
}

fn hosts() -> Result<()> {
    let mut command = tests(&["--quiet", "-p", "scumble-tests"]);
    run(command.env("SCUMBLE_BUNDLE_DIR", target().join("bundled")))
}
