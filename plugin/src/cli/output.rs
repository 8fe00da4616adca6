//! The file that a command writes: WAV or FLAC by its name's end, whole or not there at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use clap::Args;

use super::CliError;
use super::files::Sound;
use super::flac;

#[derive(Args)]
pub struct OutputArgs {
    /// The file to write: .wav (32-bit floats) or .flac.
    pub output: PathBuf,
    /// Bits of a sample in a FLAC file: 16 or 24.
    #[arg(long, default_value_t = 24, value_name = "16|24")]
    pub bits: u32,
}

impl OutputArgs {
    /// Whether a file of this kind can be written: asked before any file is looked for.
    pub fn check(&self) -> Result<(), CliError> {
        Format::of(self).map(drop)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Wav,
    Flac { bits: u32 },
}

impl Format {
    fn of(args: &OutputArgs) -> Result<Self, CliError> {
        if !matches!(args.bits, 16 | 24) {
            return Err(CliError::words(format!("--bits is {}; allowed are 16 and 24", args.bits)));
        }
        let ending = args.output.extension().and_then(|e| e.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "wav" => Ok(Self::Wav),
            "flac" => Ok(Self::Flac { bits: args.bits }),
            _ => Err(CliError::words(format!(
                "{}: Scumble writes WAV and FLAC; end the name in .wav or .flac",
                args.output.display()
            ))),
        }
    }
}

/// What is to be removed when the program is interrupted. The handler keeps the lock until the program
/// has ended, so that nothing is put into its place meanwhile.
static PARTS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn parts() -> MutexGuard<'static, Vec<PathBuf>> {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn clean_up_when_interrupted() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without the handler an interrupted program leaves the part; nothing else changes.
        let _ = ctrlc::set_handler(|| {
            let mut parts = parts();
            for part in parts.drain(..) {
                let _ = std::fs::remove_file(part);
            }
            std::process::exit(130);
        });
    });
}

/// A file that is written beside its place and moved there when it is whole.
pub struct Unfinished {
    file: File,
    beside: PathBuf,
    place: PathBuf,
}

impl Unfinished {
    /// Finds out whether the place can be written to, before any work is done.
    pub fn new(place: &Path) -> Result<Self, CliError> {
        let place = place.to_owned();
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let beside = place.with_file_name(name);
        clean_up_when_interrupted();
        let mut parts = parts();
        let file = File::create(&beside)
            .map_err(|e| CliError::new(format!("{}: {e}", place.display())))?;
        parts.push(beside.clone());
        drop(parts);
        Ok(Self { file, beside, place })
    }

    /// Lets `fill` write and puts the file into its place.
    pub fn fill(
        self,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), CliError> {
        let mut to = BufWriter::new(&self.file);
        let written = fill(&mut to).and_then(|()| to.flush()).map_err(|e| e.to_string());
        drop(to);
        self.finish(written)
    }

    fn finish(self, written: Result<(), String>) -> Result<(), CliError> {
        let moved = {
            let mut parts = parts();
            let moved = written.and_then(|()| {
                std::fs::rename(&self.beside, &self.place).map_err(|e| e.to_string())
            });
            if moved.is_ok() {
                parts.retain(|part| *part != self.beside);
            }
            moved
        };
        moved.map_err(|e| CliError::new(format!("{}: {e}", self.place.display())))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut parts = parts();
        // Still in the list: it was not moved into its place.
        if let Some(at) = parts.iter().position(|part| *part == self.beside) {
            let _ = std::fs::remove_file(&self.beside);
            parts.swap_remove(at);
        }
    }
}

/// A sound that is on its way into a file.
pub struct UnfinishedSound {
    file: Unfinished,
    format: Format,
}

impl UnfinishedSound {
    /// In the format that the file's name and the options ask for, for a sound `like` this one: whether
    /// the format can hold it is known before the work begins.
    pub fn new(args: &OutputArgs, like: &Sound) -> Result<Self, CliError> {
        let format = Format::of(args)?;
        let fits = match format {
            Format::Wav => fits_into_wav(like.samples(), like.channels.len()),
            Format::Flac { bits } => {
                flac::check(like.channels.len(), like.sample_rate as u32, bits)
                    .map_err(|e| e.to_string())
            }
        };
        fits.map_err(|why| CliError::new(format!("{}: {why}", args.output.display())))?;
        Ok(Self { file: Unfinished::new(&args.output)?, format })
    }

    /// As WAV.
    #[cfg(test)]
    pub fn wav(place: &Path) -> Result<Self, CliError> {
        let like = Sound { sample_rate: 48_000.0, channels: vec![vec![0.0]] };
        Self::new(&OutputArgs { output: place.to_owned(), bits: 24 }, &like)
    }

    /// Writes the sound and puts the file into its place.
    pub fn write(self, sound: &Sound) -> Result<(), CliError> {
        let Unfinished { file, place, .. } = &self.file;
        let written = match self.format {
            Format::Wav => write_wav(file, sound),
            Format::Flac { bits } => write_flac(file, sound, bits, place),
        };
        self.file.finish(written)
    }
}

/// A WAV file says its length in 32 bits.
fn fits_into_wav(samples: usize, channels: usize) -> Result<(), String> {
    const HEAD: u64 = 256;
    let bytes = samples as u64 * channels as u64 * 4;
    if bytes <= u64::from(u32::MAX) - HEAD {
        return Ok(());
    }
    let gigabytes = bytes as f64 / f64::from(1 << 30);
    Err(format!("{gigabytes:.1} GiB of sound; a .wav holds less than 4: name the file .flac"))
}

fn write_wav(file: &File, sound: &Sound) -> Result<(), String> {
    fits_into_wav(sound.samples(), sound.channels.len())?;
    let spec = hound::WavSpec {
        channels: sound.channels.len() as u16,
        sample_rate: sound.sample_rate as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer =
        hound::WavWriter::new(BufWriter::new(file), spec).map_err(|e| e.to_string())?;
    for i in 0..sound.samples() {
        for channel in &sound.channels {
            writer.write_sample(channel[i]).map_err(|e| e.to_string())?;
        }
    }
    writer.finalize().map_err(|e| e.to_string())
}

fn write_flac(file: &File, sound: &Sound, bits: u32, place: &Path) -> Result<(), String> {
    let (channels, clipped) = to_whole_numbers(sound, bits);
    if clipped > 0 {
        super::tell(format_args!(
            "{}: {clipped} samples were louder than full scale and were clipped; a .wav keeps them",
            place.display()
        ));
    }
    let mut to = BufWriter::new(file);
    flac::write(&channels, sound.sample_rate as u32, bits, &mut to).map_err(|e| e.to_string())?;
    to.into_inner().map_err(|e| e.to_string()).map(drop)
}

/// To the nearest whole number, and how many samples did not fit.
fn to_whole_numbers(sound: &Sound, bits: u32) -> (Vec<Vec<i32>>, usize) {
    let scale = (1i64 << (bits - 1)) as f32;
    let mut clipped = 0;
    let mut whole = |&sample: &f32| {
        let scaled = (sample * scale).round();
        let fits = scaled.clamp(-scale, scale - 1.0);
        // A level of exactly 1 is one step too loud, and nobody's fault.
        clipped += usize::from((scaled - fits).abs() > 1.0);
        fits as i32
    };
    let channels = sound.channels.iter().map(|c| c.iter().map(&mut whole).collect()).collect();
    (channels, clipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::files::read;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let id = std::process::id();
            let path = std::env::temp_dir().join(format!("scumble-output-{name}-{id}"));
            std::fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).expect("the folder").flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = Folder::new("whole");
        let args = |name: &str| OutputArgs { output: folder.0.join(name), bits: 24 };
        let sound = Sound { sample_rate: 48_000.0, channels: vec![vec![0.25, -0.5, 1e-3]; 2] };
        for name in ["a.wav", "b.FLAC"] {
            let unfinished = UnfinishedSound::new(&args(name), &sound).expect("a place");
            assert_eq!(folder.names(), [format!("{name}.part")]);
            drop(unfinished);
            assert!(folder.names().is_empty(), "an unfinished {name} was left");
            let unfinished = UnfinishedSound::new(&args(name), &sound).expect("a place");
            unfinished.write(&sound).expect("written");
            assert_eq!(folder.names(), [name]);
            let back = read(&folder.0.join(name)).expect("read back");
            assert_eq!((back.channels.len(), back.samples()), (2, 3));
            std::fs::remove_file(folder.0.join(name)).expect("removed");
        }
        for name in ["a.mp3", "a", "no/such/folder.wav"] {
            let error =
                UnfinishedSound::new(&args(name), &sound).map(drop).expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
            assert!(folder.names().is_empty(), "{name}");
        }
        let odd = OutputArgs { output: folder.0.join("a.flac"), bits: 20 };
        assert!(
            UnfinishedSound::new(&odd, &sound).is_err_and(|e| e.to_string().contains("16 and 24"))
        );
    }

    #[test]
    fn what_a_format_cannot_hold_is_refused_before_the_work() {
        // 4 GiB in two channels.
        assert!(fits_into_wav((1 << 29) - 100, 2).is_ok());
        let error = fits_into_wav(1 << 29, 2).expect_err("the length wraps");
        assert!(error.contains("4.0 GiB") && error.contains(".flac"), "{error}");
        let folder = Folder::new("format");
        let nine = Sound { sample_rate: 48_000.0, channels: vec![vec![0.0]; 9] };
        let args = OutputArgs { output: folder.0.join("nine.flac"), bits: 24 };
        let error = UnfinishedSound::new(&args, &nine).map(drop).expect_err("nine").to_string();
        assert!(error.contains("9 channels") && error.contains("nine.flac"), "{error}");
        assert!(folder.names().is_empty());
    }

    #[test]
    fn samples_go_to_the_nearest_step_and_what_does_not_fit_is_counted() {
        let channels = vec![vec![1.0, -1.0, 0.5, f32::NAN, 1.25, -3.0, 0.4 / 32_768.0]];
        let sound = Sound { sample_rate: 48_000.0, channels };
        let (whole, clipped) = to_whole_numbers(&sound, 16);
        assert_eq!(whole[0], [32_767, -32_768, 16_384, 0, 32_767, -32_768, 0]);
        assert_eq!(clipped, 2);
    }
}
