//! Formatting, lints and docs, with warnings denied.

use anyhow::{Result, bail};

use crate::setup;
use crate::shell::{cargo, run};

fn run_all() -> Result<()> {
    setup::to_build()?;
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut docs =
        cargo(&["doc", "--workspace", "--no-deps", "--quiet", "--document-private-items"]);
    run(docs.env("RUSTDOCFLAGS", "-D warnings"))
}

pub fn check(args: &[String]) -> Result<()> {
    match args {
        [] => run_all(),
        _ => bail!("check takes no arguments, found {args:?}"),
    }
}
