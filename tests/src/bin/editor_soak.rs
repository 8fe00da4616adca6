//! [`scumble_tests::painting::soak`] as a program of its own. Needs a display.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let engine = |name: &str| match name {
        "auto" => Some(None),
        "gpu" => Some(Some(1.0)),
        "cpu" => Some(Some(2.0)),
        _ => None,
    };
    let asked = match args.as_slice() {
        [library, seconds, name] => seconds.parse().ok().zip(engine(name)).map(|it| (library, it)),
        _ => None,
    };
    let Some((library, (seconds, engine))) = asked else {
        eprintln!("usage: editor_soak LIBRARY SECONDS auto|gpu|cpu");
        return ExitCode::from(2);
    };
    let each = std::time::Duration::from_secs(seconds);
    match scumble_tests::painting::soak(library.as_ref(), each, engine) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("editor_soak: {e}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("editor_soak: made for Linux");
    ExitCode::FAILURE
}
