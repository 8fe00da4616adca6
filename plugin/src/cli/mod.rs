//! The command line, on the code that the plugin runs. Without a subcommand it is the standalone.
//!
//! Exit codes: 0 done; 2 the words are wrong, whatever files and machine there are; 1 the work failed.

mod analyze;
mod devices;
mod display;
mod edit;
mod files;
mod flac;
mod font;
mod gpu_render;
mod listing;
mod md5;
mod output;
mod plot;
mod progress;
mod render;
mod strokes;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use scumble_params::StoreError;

/// Scumble: a spectral effect that you paint onto a live spectrogram.
///
/// Without a command, the standalone opens; `scumble --help-standalone` lists its options.
#[derive(Parser)]
#[command(name = "scumble", version, disable_help_subcommand = true)]
struct Words {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play a file through Scumble into another file.
    Render(render::RenderArgs),
    /// Lay strokes on a whole file's spectrogram, looking both ways in time.
    Edit(edit::EditArgs),
    /// Show a file on another axis: short-time spectra, Mel, constant Q, variable Q or Gabor.
    Analyze(analyze::AnalyzeArgs),
    /// List the adapters, and what `Auto` would choose and why.
    Devices(devices::DevicesArgs),
    /// Print the JSON Schema of what crosses Scumble's borders.
    Schema(listing::SchemaArgs),
    /// List the presets; or print one.
    Presets(listing::PresetsArgs),
}

/// The subcommands' names, and the flags that are ours and not the standalone's.
const OURS: [&str; 10] = [
    "render",
    "edit",
    "analyze",
    "devices",
    "schema",
    "presets",
    "--help",
    "-h",
    "--version",
    "-V",
];

/// A whole sound through the twin, as `scumble render` does it: 120 bpm, no tail.
pub fn render_sound(
    sample_rate: f32,
    channels: Vec<Vec<f32>>,
    params: &scumble_params::ScumbleParams,
) -> Vec<Vec<f32>> {
    render::render(&files::Sound { sample_rate, channels }, params, 120.0, 0.0).channels
}

/// Runs what the arguments (without the program's name) say.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let first = args.first();
    if first.is_some_and(|word| word == "--help-standalone") {
        return standalone(vec!["--help".into()]);
    }
    // A word that is no text can be a misspelt command, and never an option.
    let is_ours = |word: &str| OURS.contains(&word) || !word.starts_with('-');
    if !first.is_some_and(|word| word.to_str().is_none_or(is_ours)) {
        return standalone(args);
    }
    let words = std::iter::once(OsString::from("scumble")).chain(args);
    let words = match Words::try_parse_from(words) {
        Ok(words) => words,
        Err(error) => error.exit(),
    };
    let result = match words.command {
        Command::Render(args) => render::run(&args),
        Command::Edit(args) => edit::run(&args),
        Command::Analyze(args) => analyze::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Schema(args) => listing::schema(&args),
        Command::Presets(args) => listing::presets(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.exit_code(),
    }
}

fn standalone(args: Vec<OsString>) -> ExitCode {
    // The wrapper takes nothing but text.
    let args: Result<Vec<String>, _> = args.into_iter().map(OsString::into_string).collect();
    let args = match args {
        Ok(args) => args,
        Err(word) => return CliError::words(format!("{word:?} is not in UTF-8")).exit_code(),
    };
    let asks_for_help = args.iter().any(|word| matches!(word.as_str(), "-h" | "--help"));
    if !asks_for_help && let Err(error) = display::check() {
        return error.exit_code();
    }
    let words = std::iter::once("scumble".to_string()).chain(args);
    if nice_plug::prelude::nice_export_standalone_with_args::<crate::Scumble, _>(words) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints a line, or several. Who reads them may have heard enough (`| head`): then all is done.
fn say(text: impl Display) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::new(format!("the output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something beside the output. That nobody listens is no failure of the work.
fn tell(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What went wrong, in words that say what to do.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What was typed can never be done, whatever files and machine there are.
    #[error("{0}")]
    Words(String),
    #[error("{0}")]
    Work(String),
}

impl CliError {
    fn new(message: impl Into<String>) -> Self {
        Self::Work(message.into())
    }

    fn words(message: impl Into<String>) -> Self {
        Self::Words(message.into())
    }

    /// Says it, for the program to end with.
    fn exit_code(&self) -> ExitCode {
        tell(format_args!("error: {self}"));
        match self {
            Self::Words(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::FAILURE,
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Work(error.to_string())
    }
}
