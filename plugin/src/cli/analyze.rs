//! `scumble analyze`: a file on another axis, as a picture, an array for numpy, or a table.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use scumble_dsp::ColourMap;
use scumble_dsp::transform::mel::Measure;
use scumble_dsp::transform::{
    Cqt, CqtSpec, Gabor, GaborSpec, Gamma, Mel, MelNorm, MelScale, MelSpec, Spectrogram, StftSpec,
    Transform, TransformError, Value,
};

use super::CliError;
use super::files::{Sound, read};
use super::output::Unfinished;
use super::plot::Plot;

/// More values than these are refused: they would take two gigabytes.
const MOST_VALUES: usize = 1 << 28;

#[derive(Args)]
pub struct AnalyzeArgs {
    /// The file to look at: WAV, FLAC, AIFF, MP3 or Ogg Vorbis.
    input: PathBuf,
    /// What to write: a picture (.png), an array of 32 bit floats for numpy, bins by frames (.npy),
    /// or a table (.csv).
    output: PathBuf,
    /// The axis.
    #[arg(long, value_enum)]
    transform: TransformWord,
    /// Look at one channel, counted from 1, instead of the mean of all.
    #[arg(long, value_name = "NUMBER")]
    channel: Option<usize>,
    /// From one frame to the next. Gabor has as many frames as its widest bin needs.
    #[arg(long, value_name = "SAMPLES")]
    hop: Option<usize>,
    /// Length of the window of stft and mel.
    #[arg(long, value_name = "SAMPLES")]
    window: Option<usize>,
    /// How many bins mel, cqt and vqt have.
    #[arg(long, value_name = "NUMBER")]
    bins: Option<usize>,
    /// Bins of cqt, vqt and gabor in an octave.
    #[arg(long, value_name = "NUMBER")]
    bins_per_octave: Option<usize>,
    /// The lowest frequency; not for stft.
    #[arg(long, value_name = "HZ")]
    low: Option<f64>,
    /// The highest frequency of mel and gabor.
    #[arg(long, value_name = "HZ")]
    high: Option<f64>,
    /// What vqt adds to every bandwidth; as the ear does if it is not given.
    #[arg(long, value_name = "HZ")]
    gamma: Option<f64>,
    /// The scale of mel.
    #[arg(long, value_enum)]
    scale: Option<ScaleWord>,
    /// Triangles of mel of equal area, or of equal peak.
    #[arg(long, value_enum)]
    norm: Option<NormWord>,
    /// How far below the loudest the picture's colours reach.
    #[arg(long, default_value_t = 80.0, value_name = "DB")]
    range: f64,
    /// The picture's colours.
    #[arg(long, value_enum, default_value = "viridis")]
    colours: ColourWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TransformWord {
    Stft,
    Mel,
    Cqt,
    Vqt,
    Gabor,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScaleWord {
    Slaney,
    Htk,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NormWord {
    Area,
    Peak,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColourWord {
    Viridis,
    Magma,
    Cividis,
}

#[derive(Clone, Copy)]
enum Format {
    Png,
    Npy,
    Csv,
}

/// What a transform made of the sound.
struct Analysis {
    name: &'static str,
    frequencies: Vec<f64>,
    frames: usize,
    hop_seconds: f64,
    /// Bin by bin, the lowest first.
    levels: Vec<f32>,
    /// 20 where levels are amplitudes, 10 where they are powers.
    decibels_a_decade: f32,
}

pub fn run(args: &AnalyzeArgs) -> Result<(), CliError> {
    if !(1.0..=300.0).contains(&args.range) {
        return Err(CliError::words(format!("--range is {}; allowed is 1 to 300", args.range)));
    }
    check_words(args)?;
    let format = format_of(&args.output)?;
    let sound = read(&args.input)?;
    let unfinished = Unfinished::new(&args.output)?;
    let analysis = analyse(args, &sound)?;
    let seconds = sound.samples() as f64 / f64::from(sound.sample_rate);
    match format {
        Format::Png => {
            let picture = picture(args, &analysis, seconds);
            unfinished.fill(|file| file.write_all(&picture))?;
        }
        Format::Npy => unfinished.fill(|file| write_npy(&analysis, file))?,
        Format::Csv => unfinished.fill(|file| write_csv(&analysis, file))?,
    }
    let (bins, frames) = (analysis.frequencies.len(), analysis.frames);
    super::tell(format_args!("{seconds:.1} s of sound: {bins} bins, {frames} frames"));
    Ok(())
}

/// Options that would change nothing are refused rather than ignored.
fn check_words(args: &AnalyzeArgs) -> Result<(), CliError> {
    use TransformWord::{Cqt, Gabor, Mel, Stft, Vqt};
    let words: [(&str, bool, &[TransformWord]); 9] = [
        ("--hop", args.hop.is_some(), &[Stft, Mel, Cqt, Vqt]),
        ("--window", args.window.is_some(), &[Stft, Mel]),
        ("--bins", args.bins.is_some(), &[Mel, Cqt, Vqt]),
        ("--bins-per-octave", args.bins_per_octave.is_some(), &[Cqt, Vqt, Gabor]),
        ("--low", args.low.is_some(), &[Mel, Cqt, Vqt, Gabor]),
        ("--high", args.high.is_some(), &[Mel, Gabor]),
        ("--gamma", args.gamma.is_some(), &[Vqt]),
        ("--scale", args.scale.is_some(), &[Mel]),
        ("--norm", args.norm.is_some(), &[Mel]),
    ];
    for (word, given, allowed) in words {
        if given && !allowed.contains(&args.transform) {
            let names: Vec<&str> = allowed.iter().map(|t| t.name()).collect();
            return Err(CliError::words(format!(
                "{word} says nothing to {}; it is for {}",
                args.transform.name(),
                names.join(", ")
            )));
        }
    }
    Ok(())
}

impl TransformWord {
    fn name(self) -> &'static str {
        match self {
            Self::Stft => "stft",
            Self::Mel => "mel",
            Self::Cqt => "cqt",
            Self::Vqt => "vqt",
            Self::Gabor => "gabor",
        }
    }
}

fn format_of(output: &Path) -> Result<Format, CliError> {
    let ending = output.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "png" => Ok(Format::Png),
        "npy" => Ok(Format::Npy),
        "csv" => Ok(Format::Csv),
        _ => Err(CliError::words(format!(
            "{}: the name's ending says what is written; allowed is .png, .npy or .csv",
            output.display()
        ))),
    }
}

/// One channel, or the mean of all.
fn mono(sound: &Sound, channel: Option<usize>) -> Result<Vec<f32>, CliError> {
    let count = sound.channels.len();
    match channel {
        Some(number) if (1..=count).contains(&number) => Ok(sound.channels[number - 1].clone()),
        Some(number) => {
            Err(CliError::new(format!("--channel is {number}; allowed is 1 to {count}")))
        }
        None => {
            let mean = |i: usize| sound.channels.iter().map(|c| c[i]).sum::<f32>() / count as f32;
            Ok((0..sound.samples()).map(mean).collect())
        }
    }
}

fn analyse(args: &AnalyzeArgs, sound: &Sound) -> Result<Analysis, CliError> {
    let signal = mono(sound, args.channel)?;
    let rate = f64::from(sound.sample_rate);
    let refused = |e: TransformError| CliError::new(e.to_string());
    let mut stft = StftSpec::new(rate);
    stft.window_samples = args.window.unwrap_or(stft.window_samples);
    stft.hop_samples = args.hop.unwrap_or((stft.window_samples / 4).max(1));
    match args.transform {
        TransformWord::Stft => {
            analyse_with(Spectrogram::new(stft).map_err(refused)?, &signal, rate, 20.0)
        }
        TransformWord::Mel => {
            let usual = MelSpec::new(rate);
            let spec = MelSpec {
                stft,
                bins: args.bins.unwrap_or(usual.bins),
                low_hz: args.low.unwrap_or(usual.low_hz),
                high_hz: args.high.unwrap_or(usual.high_hz),
                scale: match args.scale {
                    Some(ScaleWord::Htk) => MelScale::Htk,
                    _ => MelScale::Slaney,
                },
                norm: match args.norm {
                    Some(NormWord::Peak) => MelNorm::Peak,
                    _ => MelNorm::Area,
                },
                measure: Measure::Power,
            };
            analyse_with(Mel::new(spec).map_err(refused)?, &signal, rate, 10.0)
        }
        TransformWord::Cqt | TransformWord::Vqt => {
            let usual = CqtSpec::new(rate);
            let bins_per_octave = args.bins_per_octave.unwrap_or(usual.bins_per_octave);
            let mut spec = CqtSpec {
                hop_samples: args.hop.unwrap_or(usual.hop_samples),
                low_hz: args.low.unwrap_or(usual.low_hz),
                bins_per_octave,
                bins: args.bins.unwrap_or(7 * bins_per_octave),
                ..usual
            };
            if args.transform == TransformWord::Vqt {
                spec.gamma = args.gamma.map_or(Gamma::Ear, Gamma::Hz);
            }
            // Only what was asked for by number must fit.
            let spec = if args.bins.is_some() { spec } else { spec.fitted() };
            analyse_with(Cqt::new(spec).map_err(refused)?, &signal, rate, 20.0)
        }
        TransformWord::Gabor => {
            let usual = GaborSpec::new(rate);
            let spec = GaborSpec {
                low_hz: args.low.unwrap_or(usual.low_hz),
                high_hz: args.high.unwrap_or(usual.high_hz),
                bins_per_octave: args.bins_per_octave.unwrap_or(usual.bins_per_octave),
                ..usual
            };
            let gabor = Gabor::new(spec, signal.len()).map_err(refused)?;
            analyse_with(gabor, &signal, rate, 20.0)
        }
    }
}

fn analyse_with<T: Transform>(
    mut transform: T,
    signal: &[f32],
    rate: f64,
    decibels_a_decade: f32,
) -> Result<Analysis, CliError> {
    let shape = transform.shape(signal.len());
    if shape.values() > MOST_VALUES {
        return Err(CliError::new(format!(
            "{} bins of {} frames are {} values; allowed is {MOST_VALUES}: look at less sound, or \
             with fewer bins or a longer hop",
            shape.bins,
            shape.frames,
            shape.values()
        )));
    }
    let values = transform.analyse(signal).map_err(|e| CliError::new(e.to_string()))?;
    // A frame beyond the sound's end shows nothing but what it rings on.
    let hop = transform.hop_samples();
    let frames = shape.frames.min((signal.len() as f64 / hop).floor() as usize + 1);
    let levels = (0..shape.bins)
        .flat_map(|bin| &values[bin * shape.frames..][..frames])
        .map(|value| value.level())
        .collect();
    Ok(Analysis {
        name: transform.name(),
        frequencies: transform.frequencies().to_vec(),
        frames,
        hop_seconds: hop / rate,
        levels,
        decibels_a_decade,
    })
}

fn picture(args: &AnalyzeArgs, analysis: &Analysis, seconds: f64) -> Vec<u8> {
    let loudest = analysis.levels.iter().fold(0.0f32, |a, &b| a.max(b));
    let decibels = |&level: &f32| match level > 0.0 {
        true => analysis.decibels_a_decade * (level / loudest).log10(),
        false => f32::NEG_INFINITY,
    };
    let decibels: Vec<f32> = analysis.levels.iter().map(decibels).collect();
    let name = args.input.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    Plot {
        title: format!("{}  {name}", analysis.name),
        decibels: &decibels,
        frames: analysis.frames,
        frequencies: &analysis.frequencies,
        seconds,
        range_db: args.range,
        linear: args.transform == TransformWord::Stft,
        colours: match args.colours {
            ColourWord::Viridis => ColourMap::Viridis,
            ColourWord::Magma => ColourMap::Magma,
            ColourWord::Cividis => ColourMap::Cividis,
        },
    }
    .png()
}

/// Version 1.0 of numpy's format: little-endian floats, a row a bin.
fn write_npy(analysis: &Analysis, file: &mut dyn Write) -> std::io::Result<()> {
    let (bins, frames) = (analysis.frequencies.len(), analysis.frames);
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({bins}, {frames}), }}");
    // Magic, version and length are ten bytes; data begin at a multiple of 64 after a line's end.
    let padded = (header.len() + 11).next_multiple_of(64) - 11;
    header.extend(std::iter::repeat_n(' ', padded - header.len()));
    header.push('\n');
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(header.len() as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for level in &analysis.levels {
        file.write_all(&level.to_le_bytes())?;
    }
    Ok(())
}

/// The first row holds the times in seconds, the first column the frequencies in hertz.
fn write_csv(analysis: &Analysis, file: &mut dyn Write) -> std::io::Result<()> {
    write!(file, "hz")?;
    for frame in 0..analysis.frames {
        write!(file, ",{:.6}", frame as f64 * analysis.hop_seconds)?;
    }
    writeln!(file)?;
    for (hz, row) in analysis.frequencies.iter().zip(analysis.levels.chunks(analysis.frames)) {
        write!(file, "{hz:.4}")?;
        for level in row {
            write!(file, ",{level:e}")?;
        }
        writeln!(file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command as Process;

    use clap::Parser;

    use super::super::output::UnfinishedSound;
    use super::super::{Command, Words};
    use super::*;

    const SAMPLES: usize = 16_000;

    /// A folder of its own, with a second of a stereo tone at 440 Hz in it.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("scumble-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let channel: Vec<f32> = (0..SAMPLES)
            .map(|i| (i as f32 / 16_000.0 * 440.0 * std::f32::consts::TAU).sin() * 0.5)
            .collect();
        let sound = Sound { sample_rate: 16_000.0, channels: vec![channel.clone(), channel] };
        let file = UnfinishedSound::wav(&folder.join("in.wav")).expect("a place");
        file.write(&sound).expect("writes");
        folder
    }

    fn words(folder: &Path, output: &str, more: &[&str]) -> Result<AnalyzeArgs, clap::Error> {
        let input = folder.join("in.wav").display().to_string();
        let output = folder.join(output).display().to_string();
        let words = ["scumble", "analyze", &input, &output];
        match Words::try_parse_from(words.iter().chain(more))?.command {
            Command::Analyze(args) => Ok(args),
            _ => unreachable!("the word was analyze"),
        }
    }

    fn analyze(folder: &Path, output: &str, more: &[&str]) -> Result<(), String> {
        let args = words(folder, output, more).expect("legal words");
        run(&args).map_err(|e| e.to_string())
    }

    /// The interpreter of the venv: `SCUMBLE_PYTHON`, or the one below the target folder.
    fn python() -> PathBuf {
        let path = std::env::var_os("SCUMBLE_PYTHON").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/python"),
            PathBuf::from,
        );
        let place = path.display();
        assert!(path.exists(), "no Python with numpy at {place}: `cargo xtask test` makes one");
        path
    }

    // P1
    #[test]
    fn numpy_reads_every_transform_with_its_shape() {
        let folder = folder("analyze-npy");
        let cases: [(&[&str], usize, usize); 6] = [
            (&["stft", "--window", "1024", "--hop", "300"], 513, 54),
            (&["mel", "--bins", "40", "--scale", "htk", "--norm", "peak", "--hop", "512"], 40, 32),
            (&["cqt"], 84, 32),
            (&["vqt", "--gamma", "10", "--bins-per-octave", "24", "--low", "55"], 168, 32),
            (&["vqt", "--low", "220", "--bins", "30", "--channel", "2", "--hop", "1600"], 30, 11),
            (&["gabor", "--high", "1000"], 119, 0),
        ];
        for (i, (more, bins, frames)) in cases.into_iter().enumerate() {
            let name = format!("{i}.npy");
            let more = [&["--transform"], more].concat();
            analyze(&folder, &name, &more).expect("analyses");
            let script = "import sys, numpy\nx = numpy.load(sys.argv[1])\n\
                print(x.dtype, *x.shape, int(x.mean(axis=1).argmax()), bool(numpy.isfinite(x).all()))";
            let read = Process::new(python())
                .args(["-c", script])
                .arg(folder.join(&name))
                .output()
                .expect("starts");
            assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
            let said = String::from_utf8_lossy(&read.stdout).into_owned();
            let words: Vec<&str> = said.split_whitespace().collect();
            assert_eq!((words[0], words[4]), ("float32", "True"), "{more:?}: {said}");
            assert_eq!(words[1], bins.to_string(), "{more:?}: {said}");
            assert!(frames == 0 || words[2] == frames.to_string(), "{more:?}: {said}");
            // The tone is where the transform says that it is.
            let sound = read_back(&folder);
            let args = words_of(&folder, &more);
            let analysis = analyse(&args, &sound).expect("analyses");
            let hz = analysis.frequencies[words[3].parse::<usize>().expect("a number")];
            assert!((hz / 440.0).log2().abs() < 0.06, "{more:?}: the tone is at {hz} Hz");
        }
        std::fs::remove_dir_all(folder).expect("cleans up");
    }

    fn read_back(folder: &Path) -> Sound {
        read(&folder.join("in.wav")).expect("reads")
    }

    fn words_of(folder: &Path, more: &[&str]) -> AnalyzeArgs {
        words(folder, "out.png", more).expect("legal words")
    }

    #[test]
    fn pictures_and_tables_are_written_whole() {
        let folder = folder("analyze-files");
        for transform in ["stft", "mel", "cqt", "vqt", "gabor"] {
            let name = format!("{transform}.png");
            analyze(&folder, &name, &["--transform", transform]).expect("analyses");
            let bytes = std::fs::read(folder.join(&name)).expect("is there");
            assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 100_000, "{transform}");
        }
        analyze(&folder, "out.csv", &["--transform", "cqt", "--bins", "7"]).expect("analyses");
        let text = std::fs::read_to_string(folder.join("out.csv")).expect("is there");
        let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        assert_eq!(rows.len(), 8);
        assert!(rows.iter().all(|r| r.len() == 33), "{text}");
        assert_eq!((rows[0][0], rows[0][2], rows[1][0]), ("hz", "0.032000", "32.7032"));
        assert!(rows[1..].iter().flatten().all(|v| v.parse::<f64>().is_ok()));
        let left = std::fs::read_dir(&folder).expect("lists").filter_map(Result::ok);
        let parts = left.filter(|f| f.path().extension().is_some_and(|e| e == "part"));
        assert_eq!(parts.count(), 0);
        std::fs::remove_dir_all(folder).expect("cleans up");
    }

    #[test]
    fn silence_makes_a_dark_picture() {
        let folder = folder("analyze-silence");
        let sound = Sound { sample_rate: 8_000.0, channels: vec![vec![0.0; 100]] };
        let file = UnfinishedSound::wav(&folder.join("in.wav")).expect("a place");
        file.write(&sound).expect("writes");
        for transform in ["stft", "mel", "cqt", "vqt", "gabor"] {
            analyze(&folder, "out.png", &["--transform", transform]).expect("analyses");
        }
        std::fs::remove_dir_all(folder).expect("cleans up");
    }

    #[test]
    fn wrong_words_are_refused_with_what_is_allowed() {
        let folder = folder("analyze-words");
        let refused = words(&folder, "out.png", &["--transform", "wavelet"]).err();
        let said = refused.expect("must be refused").to_string();
        assert!(said.contains("wavelet") && said.contains("stft, mel, cqt, vqt, gabor"), "{said}");
        assert!(words(&folder, "out.png", &[]).is_err(), "a transform has to be named");
        let cases: [(&str, &[&str], &[&str]); 10] = [
            ("out.jpg", &["cqt"], &["out.jpg", ".png, .npy or .csv"]),
            ("nowhere/out.png", &["cqt"], &["nowhere/out.png", "No such file"]),
            ("out.png", &["cqt", "--hop", "0"], &["hop of 0", "1 to"]),
            ("out.png", &["cqt", "--bins", "500"], &["8000.0 Hz"]),
            ("out.png", &["mel", "--high", "9000"], &["of 9000", "8000"]),
            ("out.png", &["mel", "--gamma", "3"], &["--gamma", "mel", "vqt"]),
            ("out.png", &["gabor", "--hop", "3"], &["--hop", "gabor", "stft, mel, cqt, vqt"]),
            ("out.png", &["cqt", "--channel", "3"], &["--channel is 3", "1 to 2"]),
            ("out.png", &["cqt", "--range", "0"], &["--range is 0", "1 to 300"]),
            ("out.png", &["stft", "--window", "4", "--hop", "1", "--channel", "0"], &["1 to 2"]),
        ];
        for (output, more, expected) in cases {
            let more = [&["--transform"], more].concat();
            let said = analyze(&folder, output, &more).expect_err("must be refused");
            for word in expected {
                assert!(said.contains(word), "{said:?} does not say {word:?}");
            }
        }
        let left = std::fs::read_dir(&folder).expect("lists").count();
        assert_eq!(left, 1, "nothing but the input is left behind");
        std::fs::remove_dir_all(folder).expect("cleans up");
    }
}
