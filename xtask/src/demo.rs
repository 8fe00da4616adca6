//! The product's main job on a fresh machine, in one command.

use anyhow::{Result, bail};

use crate::setup;
use crate::shell::{cargo, run, target};

pub fn demo(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("demo takes no arguments, found {args:?}");
    }
    setup::to_build()?;
    bundle()?;
    let out = target().join("demo");
    let clap = target().join("bundled/scumble.clap");
    let mut host =
        cargo(&["run", "--release", "--quiet", "-p", "scumble-tests", "--bin", "demo_host", "--"]);
    // The GPU path must be seen to work where there is no GPU, too.
    if std::env::var_os("SCUMBLE_ADAPTER").is_none() {
        host.env("SCUMBLE_ADAPTER", "software");
    }
    run(host.arg(clap).arg(&out))?;
    println!("\nListen to {}/dry.wav and wet.wav; report.json says what was done.", out.display());
    if std::env::var_os("DISPLAY").is_some() || !cfg!(target_os = "linux") {
        println!("The window: cargo run --release -p scumble   (in a DAW: cargo xtask install)");
    }
    Ok(())
}

/// The CLAP and VST3 bundles and the standalone binary, optimised.
pub fn bundle() -> Result<()> {
    nice_plug_xtask::main_with_args(
        "cargo xtask",
        ["bundle", "scumble", "--release"].map(String::from),
    )
}
