//! The standalone and the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    scumble::cli::run(std::env::args_os().skip(1).collect())
}
