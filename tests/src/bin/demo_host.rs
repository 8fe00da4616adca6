//! `cargo xtask demo`'s host: `demo_host BUNDLE FOLDER`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, folder] = args.as_slice() else {
        eprintln!("usage: demo_host BUNDLE.clap FOLDER");
        return ExitCode::from(2);
    };
    match scumble_tests::demo::run(Path::new(bundle), Path::new(folder)) {
        Ok(report) => {
            println!("{report:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
