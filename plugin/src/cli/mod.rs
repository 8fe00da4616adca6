//! The command line, on the code that the plugin runs. Without a subcommand it is the standalone.
//!
//! Exit codes: 0 done, 1 failed, 2 the words were wrong.

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
pub fn run(args: Vec<String>) -> ExitCode {
    let first = args.first().map(String::as_str);
    if first == Some("--help-standalone") {
        return standalone(vec!["--help".into()]);
    }
    if !first.is_some_and(|word| OURS.contains(&word) || !word.starts_with('-')) {
        return standalone(args);
    }
    let words = std::iter::once("scumble".to_string()).chain(args);
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
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn standalone(args: Vec<String>) -> ExitCode {
    let asks_for_help = args.iter().any(|word| matches!(word.as_str(), "-h" | "--help"));
    if !asks_for_help && let Err(error) = display::check() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    let words = std::iter::once("scumble".to_string()).chain(args);
    if nice_plug::prelude::nice_export_standalone_with_args::<crate::Scumble, _>(words) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What went wrong, in words that say what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CliError(String);

impl CliError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}
