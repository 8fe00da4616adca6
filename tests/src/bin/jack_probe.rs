//! Plays noise into a JACK client and listens to what comes out: `jack_probe CLIENT`.
//!
//! A program of its own, because the server to use is named in the environment. Succeeds when a
//! second of the client's output is the noise delayed (X2).

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [client] = args.as_slice() else {
        eprintln!("usage: jack_probe CLIENT");
        return ExitCode::from(2);
    };
    match scumble_tests::jack::probe(client) {
        Ok(heard) => {
            println!("{heard}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("jack_probe: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("jack_probe: made for Linux");
    ExitCode::FAILURE
}
