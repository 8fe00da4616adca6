//! The command line as a person types it: `scumble render` and `scumble edit`, files in, files out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const RATE: u32 = 48_000;

/// A folder of its own for each test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scumble-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Writes a sound of 32-bit floats and says where.
    fn sound(&self, name: &str, channels: &[Vec<f32>]) -> PathBuf {
        let spec = hound::WavSpec {
            channels: channels.len() as u16,
            sample_rate: RATE,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let path = self.path(name);
        let mut writer = hound::WavWriter::create(&path, spec).expect("a file");
        for i in 0..channels[0].len() {
            for channel in channels {
                writer.write_sample(channel[i]).expect("written");
            }
        }
        writer.finalize().expect("finished");
        path
    }

    fn text(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Runs `scumble` here.
    fn scumble(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it starts")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scumble"));
        command.args(words).current_dir(&self.0).stdin(Stdio::null());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// It failed with this exit code, and said these words.
fn refused(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said:?} should say {words:?}");
}

fn read_wav(path: &Path) -> Vec<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    let count = reader.spec().channels as usize;
    assert_eq!(reader.spec().sample_rate, RATE);
    let samples: Vec<f32> = reader.samples().map(|s| s.expect("a sample")).collect();
    (0..count).map(|c| samples.iter().skip(c).step_by(count).copied().collect()).collect()
}

fn noise(samples: usize) -> Vec<Vec<f32>> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..2).map(|_| (0..samples).map(|_| next()).collect()).collect()
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!((a.len(), a[0].len()), (b.len(), b[0].len()));
    let all = a.iter().flatten().zip(b.iter().flatten());
    all.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// One fat dab over all frequencies.
fn dab(kind: &str, x: f64, radius: f64, strength: f64) -> String {
    format!(
        r#"{{"id": 1, "kind": "{kind}", "points": [{{"x": {x}, "y": 5, "pressure": 1}}],
            "radius_time": {radius}, "radius_octaves": 20, "strength": {strength}, "hardness": 1}}"#
    )
}

#[test]
fn edit_changes_what_is_painted_and_nothing_else() {
    let folder = Folder::new("painted");
    let input = noise(96_000);
    folder.sound("in.wav", &input);
    // A dab is a quarter of the full effect: sixteen of them are silence.
    let dabs = vec![dab("gain", 0.5, 0.1, -1.0); 16].join(",");
    folder.text("strokes.json", &format!("[{dabs}]"));
    done(&folder.scumble(&["edit", "in.wav", "out.wav", "--strokes", "strokes.json"]));
    let output = read_wav(&folder.path("out.wav"));
    for (x, y) in input.iter().zip(&output) {
        // Painted from 0.4 to 0.6 of two seconds; a window reaches 2048 samples further.
        assert!(x[..36_000] == y[..36_000] && x[60_000..] == y[60_000..]);
        let left = energy(&y[44_000..52_000]) / energy(&x[44_000..52_000]);
        assert!(left < 1e-6, "{left} of the energy is left");
    }
    assert_eq!(folder.names(), ["in.wav", "out.wav", "strokes.json"]);
}

#[test]
fn edit_looks_both_ways_in_time_and_a_live_pass_cannot() {
    // P2: a blur spreads a burst to both sides.
    let folder = Folder::new("ways");
    let mut input = noise(96_000);
    for channel in &mut input {
        channel[..48_000].fill(0.0);
        channel[50_000..].fill(0.0);
    }
    folder.sound("in.wav", &input);
    folder.text("strokes.json", &format!("[{0},{0},{0},{0}]", dab("blur_time", 0.5, 0.4, 1.0)));
    done(&folder.scumble(&["edit", "in.wav", "edited.wav", "--strokes", "strokes.json"]));
    let played = ["render", "in.wav", "played.wav", "--strokes", "strokes.json"];
    let loop_of_the_file = ["--param", "canvas_sync=Host seconds", "--param", "canvas_length=2"];
    done(&folder.scumble(&[&played[..], &loop_of_the_file].concat()));
    let before = |name: &str| energy(&read_wav(&folder.path(name))[0][40_000..44_000]);
    let (edited, played) = (before("edited.wav"), before("played.wav"));
    assert!(edited > 1e-4 * energy(&input[0]), "{edited} before the burst");
    assert!(played < 1e-3 * edited, "{played} before the burst in a causal pass");
}

#[test]
fn x_can_be_in_seconds() {
    let folder = Folder::new("seconds");
    folder.sound("in.wav", &noise(96_000));
    let dabs = |x: f64, radius: f64| vec![dab("gain", x, radius, -1.0); 16].join(",");
    folder.text("parts.json", &format!("[{}]", dabs(0.75, 0.05)));
    folder.text("seconds.json", &format!("[{}]", dabs(1.5, 0.1)));
    done(&folder.scumble(&["edit", "in.wav", "a.wav", "--strokes", "parts.json"]));
    let words = ["edit", "in.wav", "b.wav", "--strokes", "seconds.json", "--length", "1"];
    done(&folder.scumble(&words));
    let (a, b) = (read_wav(&folder.path("a.wav")), read_wav(&folder.path("b.wav")));
    assert!(largest_difference(&a, &b) < 1e-6);
    assert!(energy(&a[0][71_000..73_000]) < 1e-3);
}

#[test]
fn what_cannot_be_done_is_said_and_leaves_nothing_behind() {
    let folder = Folder::new("errors");
    folder.sound("in.wav", &noise(2000));
    folder.text("good.json", "[]");
    folder.text("bad.json", &format!("[{}]", dab("gain", 0.5, 0.1, 7.0)));
    folder.text("text.wav", "this is no sound");
    let files = folder.names();
    for (words, code, said) in [
        (&["edit", "in.wav", "out.wav"][..], 2, "--strokes"),
        (&["edit", "in.wav", "out.wav", "--strokes", "none.json"], 1, "none.json"),
        (&["edit", "in.wav", "out.wav", "--strokes", "bad.json"], 1, "strength is 7"),
        (&["edit", "in.wav", "out.mp3", "--strokes", "good.json"], 2, ".wav or .flac"),
        (&["edit", "in.wav", "no/out.wav", "--strokes", "good.json"], 1, "no/out.wav"),
        (&["edit", "text.wav", "out.wav", "--strokes", "good.json"], 1, "not a sound file"),
        (&["edit", "none.wav", "out.wav", "--strokes", "good.json"], 1, "none.wav"),
        (&["edit", "in.wav", "o.wav", "--strokes", "good.json", "--length", "0"], 2, "--length"),
        (&["render", "in.wav", "out.flac", "--bits", "8"], 2, "16 and 24"),
        // Words that can never be right are said before any file is looked for.
        (&["render", "none.wav", "out.ogg"], 2, ".wav or .flac"),
        (&["render", "in.wav", "out.wav", "--bpm", "0"], 2, "--bpm is 0"),
        (&["render", "in.wav", "out.wav", "--tail", "601"], 2, "--tail is 601"),
        (&["render", "in.wav", "out.wav", "--param", "blur=1"], 2, "blur_time"),
        (&["render", "in.wav", "out.wav", "--param", "mix"], 2, "ID=VALUE"),
        (&["render", "in.wav", "out.wav", "--param", "blur_time=long"], 2, "cannot be read"),
        (&["render", "in.wav", "out.wav", "--param", "freeze=banana"], 2, "it may be Off, On"),
        (
            &["render", "in.wav", "o.wav", "--param", "blur_time=5 s"],
            2,
            "5 s\" is not allowed; it may be from 0",
        ),
        (&["render", "in.wav", "out.wav", "--preset", "No Such Sound"], 1, "No Such Sound"),
        (&["analyze", "in.wav", "out.jpg", "--transform", "cqt"], 2, ".png, .npy or .csv"),
        (&["analyze", "in.wav", "o.png", "--transform", "cqt", "--range", "0"], 2, "1 to 300"),
        (&["analyze", "in.wav", "o.png", "--transform", "mel", "--gamma", "3"], 2, "it is for vqt"),
        (&["schema", "poem"], 2, "there is no schema"),
        (&["presets", "No Such Sound"], 1, "No Such Sound"),
    ] {
        refused(&folder.scumble(words), code, said);
        assert_eq!(folder.names(), files, "{words:?}");
    }
}

/// Interrupted while it works, it leaves neither the file nor a part of it. The work takes minutes, so
/// that it cannot be over before the interruption.
#[cfg(unix)]
#[test]
fn the_sound_of_new_instances_is_chosen_and_cleared() {
    let folder = Folder::new("default");
    let run = |words: &[&str]| {
        let mut command = folder.command(words);
        command.env("SCUMBLE_PRESETS", folder.path("presets")).output().expect("it starts")
    };
    let file = folder.path("presets").join("_default.scumble.json");
    let first = run(&["presets"]);
    done(&first);
    let list = String::from_utf8_lossy(&first.stdout).into_owned();
    let name = list.lines().next().expect("factory presets");
    done(&run(&["presets", name, "--default"]));
    let kept = std::fs::read_to_string(&file).expect("a default");
    assert!(kept.contains(name), "{kept}");
    // It is no preset of the user's own.
    assert_eq!(String::from_utf8_lossy(&run(&["presets"]).stdout), list);
    refused(&run(&["presets", "No Such Sound", "--default"]), 1, "No Such Sound");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), kept);
    refused(&run(&["presets", "--default"]), 2, "<NAME>");
    done(&run(&["presets", "--clear-default"]));
    assert!(!file.exists());
}

/// An end of a parameter is as far as it goes, and no further.
#[test]
fn a_parameter_goes_to_its_ends() {
    let folder = Folder::new("ends");
    folder.sound("in.wav", &noise(2000));
    for value in ["blur_time=0", "blur_time=1 s", "warp_shift=-2 kHz", "high_cut=off", "mix=100 %"]
    {
        done(&folder.scumble(&["render", "in.wav", "out.wav", "--param", value]));
    }
}

#[cfg(unix)]
#[test]
fn files_may_have_names_that_are_no_text_and_other_words_may_not() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let odd = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let folder = Folder::new("names");
    let input = noise(2000);
    folder.sound("in.wav", &input);
    let (from, to) = (odd(b"a\xff.wav"), odd(b"b\xfe.wav"));
    std::fs::rename(folder.path("in.wav"), folder.0.join(from)).expect("renamed");
    let run = |words: &[&OsStr]| folder.command(&[]).args(words).output().expect("it starts");
    done(&run(&[odd(b"render"), from, to]));
    assert!(read_wav(&folder.0.join(to)) == input);
    for words in [
        &[odd(b"rend\xffer")][..],
        &[odd(b"render"), from, to, odd(b"--param"), odd(b"mix=\xff")],
        // To the standalone.
        &[odd(b"--backend"), odd(b"d\xffummy")],
    ] {
        refused(&run(words), 2, "error: ");
    }
}

#[test]
fn who_has_heard_enough_ends_a_list_without_an_error() {
    let folder = Folder::new("pipe");
    let schemas = folder.scumble(&["schema"]);
    done(&schemas);
    let names = String::from_utf8_lossy(&schemas.stdout).into_owned();
    let name = names.lines().next().expect("schemas");
    for words in [&["schema"][..], &["schema", name], &["presets"], &["devices", "--quick"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = folder.command(words).stdout(writer).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
    }
}

/// Whoever writes into a pipe cannot go back and say how long it was.
#[test]
fn a_wav_that_does_not_know_its_length_ends_where_it_ends() {
    let folder = Folder::new("length");
    let sound = noise(RATE as usize / 2);
    let mut bytes = std::fs::read(folder.sound("in.wav", &sound)).expect("read");
    done(&folder.scumble(&["render", "in.wav", "whole.wav"]));
    let data = bytes.windows(4).position(|word| word == b"data").expect("a data chunk");
    for at in [4, data + 4] {
        bytes[at..at + 4].fill(0xff);
    }
    std::fs::write(folder.path("piped.wav"), &bytes).expect("written");
    done(&folder.scumble(&["render", "piped.wav", "out.wav"]));
    assert!(read_wav(&folder.path("out.wav")) == read_wav(&folder.path("whole.wav")));
    // One that knows it, and is shorter.
    let whole = std::fs::read(folder.path("in.wav")).expect("read");
    std::fs::write(folder.path("cut.wav"), &whole[..whole.len() / 2]).expect("written");
    refused(&folder.scumble(&["render", "cut.wav", "out.wav"]), 1, "middle of its sound");
}

/// Nor does a closed standard error make a failure of what was done, or another of one.
#[test]
fn nobody_need_hear_what_is_said_beside_the_output() {
    let folder = Folder::new("unheard");
    folder.sound("in.wav", &noise(4800));
    for (words, code) in [
        (&["render", "in.wav", "out.wav"][..], 0),
        (&["render", "none.wav", "out.wav"], 1),
        (&["render", "in.wav", "out.wav", "--param", "mix=loud"], 2),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = folder.command(words).stderr(writer).output().expect("it starts");
        assert_eq!(output.status.code(), Some(code), "{words:?}");
    }
}

/// What is not a number in a file of floats is silence to each command.
#[test]
fn what_is_not_a_number_is_silence() {
    let folder = Folder::new("nan");
    let mut input = noise(48_000);
    input[0][1000] = 0.0;
    input[1][2000] = 0.0;
    folder.sound("whole.wav", &input);
    input[0][1000] = f32::NAN;
    input[1][2000] = f32::INFINITY;
    folder.sound("in.wav", &input);
    folder.text("strokes.json", &format!("[{}]", dab("gain", 0.5, 0.1, 1.0)));
    for (command, to, more) in [
        ("render", "wav", &[][..]),
        ("edit", "wav", &["--strokes", "strokes.json"]),
        ("analyze", "png", &["--transform", "stft"]),
        ("analyze", "npy", &["--transform", "mel"]),
    ] {
        let bytes = |from: &str| {
            // The picture bears the file's name.
            std::fs::copy(folder.path(from), folder.path("sound.wav")).expect("copied");
            let out = format!("out.{to}");
            done(&folder.scumble(&[&[command, "sound.wav", &out][..], more].concat()));
            std::fs::read(folder.path(&out)).expect("written")
        };
        assert!(bytes("in.wav") == bytes("whole.wav"), "{command} to {to}");
    }
}

// P8: what worker and device did, as a file that a trace viewer opens.
#[test]
fn the_measured_round_trip_can_be_had_as_a_trace() {
    let folder = Folder::new("trace");
    let count = |events: &[serde_json::Value], name: &str| {
        let spans = events.iter().filter(|event| event["name"] == name);
        let lengths: Vec<_> = spans.filter_map(|event| event["dur"].as_f64()).collect();
        assert!(lengths.iter().all(|&us| us >= 0.0), "{name}: {lengths:?}");
        lengths.len()
    };
    // A software device may be kept from its hops for a whole second by what else the machine does.
    let told = (0..5).any(|_| {
        let mut command = folder.command(&["devices", "--trace", "trace.json"]);
        let output = command.env("SCUMBLE_ADAPTER", "software").output().expect("it starts");
        done(&output);
        let text = std::fs::read(folder.path("trace.json")).expect("written");
        let trace: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let events = trace["traceEvents"].as_array().or(trace.as_array()).expect("events");
        let found = ["tick", "wait", "forward", "inverse"].map(|name| count(events, name));
        println!("{found:?}: {}", String::from_utf8_lossy(&output.stdout));
        found[0] > 100 && found.iter().all(|&spans| spans > 0)
    });
    assert!(told, "none of five traces shows the device at work");
    let mut command = folder.command(&["devices", "--trace", "none.json"]);
    let output = command.env("SCUMBLE_ADAPTER", "none").output().expect("it starts");
    refused(&output, 1, "nothing to trace");
    assert!(!folder.path("none.json").exists());
}

// P7: the user's choice stands until the environment says otherwise.
#[test]
fn the_chosen_device_is_taken_unless_the_environment_decides() {
    let folder = Folder::new("device");
    let run = |adapter: Option<&str>| {
        let mut command = folder.command(&["devices", "--quick"]);
        command.env("SCUMBLE_PRESETS", folder.path("presets")).env_remove("SCUMBLE_ADAPTER");
        command.envs(adapter.map(|adapter| ("SCUMBLE_ADAPTER", adapter)));
        let output = command.output().expect("it starts");
        done(&output);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let all = run(None);
    let line = all.lines().find(|line| line.contains("software")).expect("a software adapter");
    let name = line.trim_start_matches(['*', ' ']).split(": ").next().expect("a name");
    assert!(!all.contains(&format!("Auto takes {name}")), "not by itself: {all}");
    folder.text("device", name);
    let chosen = run(None);
    let words = format!("Auto takes {name}: it was chosen in the settings.");
    assert!(chosen.contains(&words), "{chosen}");
    let overridden = run(Some("none"));
    assert!(overridden.contains("Auto takes the CPU engine"), "{overridden}");
    // A render takes the same device, and says which it lacks.
    folder.sound("in.wav", &noise(9600));
    let render = |engine: &str| {
        let words = ["render", "in.wav", "out.wav", "--param", "diffuse=30", "--engine", engine];
        let mut command = folder.command(&words);
        command.env("SCUMBLE_PRESETS", folder.path("presets")).env_remove("SCUMBLE_ADAPTER");
        command.output().expect("it starts")
    };
    let rendered = |engine: &str| {
        done(&render(engine));
        read_wav(&folder.path("out.wav"))
    };
    let cpu = rendered("cpu");
    for engine in ["gpu", "auto"] {
        // Another engine: near, and not the same to the bit.
        let error = largest_difference(&cpu, &rendered(engine));
        assert!(error > 0.0 && error < 1e-4, "{engine}: {error}");
    }
    folder.text("device", "no such card");
    refused(&render("gpu"), 1, "no such card");
    let fallen_back = render("auto");
    done(&fallen_back);
    let said = String::from_utf8_lossy(&fallen_back.stderr);
    assert!(said.contains("The CPU renders") && said.contains("no such card"), "{said}");
    assert!(read_wav(&folder.path("out.wav")) == cpu);
}

#[test]
fn an_interrupted_command_leaves_nothing_behind() {
    let folder = Folder::new("interrupted");
    folder.sound("in.wav", &noise(240 * RATE as usize));
    folder.text(
        "strokes.json",
        &format!("[{}]", vec![dab("blur_time", 0.5, 0.6, 1.0); 500].join(",")),
    );
    let files = folder.names();
    let long_edit = ["edit", "in.wav", "out.flac", "--strokes", "strokes.json"];
    let effects =
        ["--param", "blur_time=500 ms", "--param", "blur_freq=1", "--param", "diffuse=50"];
    let long_render = [&["render", "in.wav", "out.wav"][..], &effects].concat();
    for words in [&long_edit[..], &long_render] {
        let mut child = folder.command(words).stderr(Stdio::piped()).spawn().expect("it starts");
        while folder.names() == files {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_none(), "{words:?} ended before it began: {ended:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let part = folder.names();
        assert!(part.iter().any(|name| name.ends_with(".part")), "{part:?}");
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(130), "{words:?}");
        assert_eq!(folder.names(), files, "{words:?}");
    }
}

#[test]
fn a_neutral_render_to_flac_is_the_input_in_whole_steps() {
    let folder = Folder::new("flac");
    let input = noise(50_001);
    folder.sound("in.wav", &input);
    for bits in [16u32, 24] {
        let name = format!("{bits}.flac");
        let bits_word = bits.to_string();
        done(&folder.scumble(&["render", "in.wav", &name, "--bits", &bits_word]));
        // Back through the program: symphonia reads it, and the WAV holds what it read.
        done(&folder.scumble(&["render", &name, "back.wav"]));
        let back = read_wav(&folder.path("back.wav"));
        let scale = (1i64 << (bits - 1)) as f32;
        let steps: Vec<Vec<f32>> =
            input.iter().map(|c| c.iter().map(|x| (x * scale).round() / scale).collect()).collect();
        assert!(back == steps, "{bits} bits: {}", largest_difference(&back, &steps));
    }
}

#[test]
fn the_gpu_renders_what_the_cpu_renders() {
    // S14, on the adapter that SCUMBLE_ADAPTER names.
    let folder = Folder::new("gpu");
    folder.sound("in.wav", &noise(RATE as usize));
    let dabs = [dab("warp_freq", 0.3, 0.1, 0.5), dab("gain", 0.6, 0.2, -0.7)].join(",");
    folder.text("strokes.json", &format!("[{dabs}]"));
    let effects = [
        "--strokes",
        "strokes.json",
        "--param",
        "blur_time=60 ms",
        "--param",
        "warp_shift=35",
        "--param",
        "diffuse=30",
        "--param",
        "mix=80",
        "--param",
        "canvas_length=2",
    ];
    for quality in ["Live", "Studio"] {
        let quality = format!("quality={quality}");
        let common = [&effects[..], &["--param", &quality]].concat();
        let cpu = [&["render", "in.wav", "cpu.wav"][..], &common].concat();
        let gpu = [&["render", "in.wav", "gpu.wav", "--engine", "gpu"][..], &common].concat();
        done(&folder.scumble(&cpu));
        done(&folder.scumble(&gpu));
        let (cpu, gpu) = (read_wav(&folder.path("cpu.wav")), read_wav(&folder.path("gpu.wav")));
        let error = largest_difference(&cpu, &gpu);
        println!("{quality}: {error}");
        assert!(error <= 1e-4, "{quality}: {error}");
        // It was another engine: not the same to the bit.
        assert!(error > 0.0, "{quality}: the GPU has computed nothing");
    }
}

#[test]
fn without_an_adapter_the_gpu_cannot_render_and_auto_can() {
    let folder = Folder::new("adapter");
    folder.sound("in.wav", &noise(5000));
    let run = |engine: &str, adapter: &str| {
        let words = ["render", "in.wav", "out.wav", "--engine", engine];
        folder.command(&words).env("SCUMBLE_ADAPTER", adapter).output().expect("it starts")
    };
    refused(&run("gpu", "none"), 1, "SCUMBLE_ADAPTER=none");
    refused(&run("gpu", "no such card"), 1, "scumble devices");
    assert_eq!(folder.names(), ["in.wav"]);
    done(&run("auto", "none"));
    done(&folder.scumble(&["render", "in.wav", "cpu.wav", "--engine", "cpu"]));
    assert!(read_wav(&folder.path("out.wav")) == read_wav(&folder.path("cpu.wav")));
}
