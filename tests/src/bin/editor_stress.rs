//! The editor stresses of [`scumble_tests::stress`] as a program of its own.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use scumble_tests::stress::{clap, vst3};
    use scumble_tests::vst3_host::FrameKind;

    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.as_slice() {
        [library, openings, kind] => match (openings.parse(), kind.as_str()) {
            (Ok(n), "clap") => Some(clap(library.as_ref(), n)),
            (Ok(n), "vst3-run-loop") => Some(vst3(library.as_ref(), n, FrameKind::WithRunLoop)),
            (Ok(n), "vst3-bare") => Some(vst3(library.as_ref(), n, FrameKind::Bare)),
            _ => None,
        },
        _ => None,
    };
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(e)) => {
            eprintln!("editor_stress: {e}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("usage: editor_stress LIBRARY OPENINGS clap|vst3-run-loop|vst3-bare");
            ExitCode::from(2)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("editor_stress: made for Linux");
    ExitCode::FAILURE
}
