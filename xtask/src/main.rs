//! `cargo xtask`: everything that is done with the project, in one program that needs nothing
//! but the Rust toolchain and a C linker.

mod bench;
mod check;
mod demo;
mod install;
mod pictures;
mod setup;
mod shell;
mod steps;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask <command>

  demo                        set up, bundle, load and play the plugin; writes target/demo
  test [--only STEP]          every test, including its set-up (--list names the steps)
  check                       formatting, lints, docs
  bundle scumble --release    the CLAP and VST3 bundles and the standalone, in target/bundled
  install | uninstall         the bundles into (out of) your plugin folders
  bench [--only GROUP] [--quick]   every promised figure beside its reference, in target/bench
        [--keep]              and the curves' pictures in docs/benchmarks
  pictures [NAME...]          the manual's spectrograms, from real renders, in docs/pictures
  screenshots                 the manual's pictures of the window, in docs/pictures
  setup                       install what demo and test need, and stop";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let rest = args.get(1..).unwrap_or_default();
    match args.first().map(String::as_str) {
        Some("demo") => demo::demo(rest),
        Some("test") => steps::test(rest),
        Some("check") => check::check(rest),
        Some("bench") => bench::bench(rest),
        Some("install") => install::install(rest),
        Some("uninstall") => install::uninstall(rest),
        Some("pictures") => pictures::pictures(rest),
        Some("screenshots") => screenshots(),
        Some("setup") => setup::all(),
        Some("bundle" | "bundle-universal") => {
            nice_plug_xtask::main_with_args("cargo xtask", args.iter().cloned())
        }
        Some("--help" | "-h" | "help") => {
            println!("{USAGE}");
            Ok(())
        }
        Some(other) => bail!("{other:?} is not a command\n\n{USAGE}"),
        None => bail!("a command is missing\n\n{USAGE}"),
    }
}

/// Draws the window in its situations and sizes, on the CPU: no display, no GPU.
fn screenshots() -> Result<()> {
    let folder = shell::root().join("docs/pictures");
    let folder = folder.to_str().expect("the project's path is text");
    let example = ["run", "--quiet", "-p", "scumble-ui", "--example", "pictures", "--", folder];
    let names = ["editor", "editor-75", "editor-200", "over-budget", "settings", "sync-open"];
    shell::run(shell::cargo(&example).args(names))
}
