//! Plays into a JACK client and listens to what comes out: `jack_probe CLIENT [paint]`.
//!
//! A program of its own, because the server to use is named in the environment. Succeeds when a
//! second of the client's output is the noise delayed (X2); with `paint`, when a tone is gone after
//! a hand has painted over it in the client's window, and back after undo.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let heard = match args[..] {
        [client] => scumble_tests::jack::probe(client),
        [client, "paint"] => scumble_tests::jack::paint(client),
        _ => {
            eprintln!("usage: jack_probe CLIENT [paint]");
            return ExitCode::from(2);
        }
    };
    match heard {
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
