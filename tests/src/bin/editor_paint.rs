//! [`scumble_tests::painting`] as a program of its own.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let Some(library) = std::env::args().nth(1) else {
        eprintln!("usage: editor_paint LIBRARY");
        return ExitCode::from(2);
    };
    match scumble_tests::painting::cut_and_undo(library.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("editor_paint: {e}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("editor_paint: made for Linux");
    ExitCode::FAILURE
}
