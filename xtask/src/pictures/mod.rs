//! `cargo xtask pictures`: the manual's spectrograms, before and after each control, from real renders
//! of a made-up phrase by `scumble render` and `scumble analyze`. Nothing is drawn by hand.

mod phrase;
mod shrink;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, program, root, run, target};

/// How a picture is looked at.
#[derive(Clone, Copy)]
enum View {
    /// Frequencies in octaves.
    Octaves,
    /// Frequencies in equal steps, where spacing in hertz is the point.
    Hertz,
}

impl View {
    /// Sample rate of the phrase: equal steps of frequency show low harmonics only where there is
    /// nothing far above them.
    fn rate(self) -> usize {
        match self {
            Self::Octaves => 48_000,
            Self::Hertz => 12_000,
        }
    }
}

/// A straight stroke.
struct Painted {
    kind: &'static str,
    strength: f32,
    /// From x and y to x and y.
    path: [f32; 4],
    /// In time and in octaves.
    radii: [f32; 2],
}

const fn painted(kind: &'static str, strength: f32) -> Painted {
    Painted { kind, strength, path: PATH, radii: BRUSH }
}

/// One picture: a name, what is turned or painted, and how it is looked at.
struct Shot {
    name: &'static str,
    params: &'static [&'static str],
    strokes: &'static [Painted],
    view: View,
}

const fn knob(name: &'static str, params: &'static [&'static str], view: View) -> Shot {
    Shot { name, params, strokes: &[], view }
}

/// Painted from the second to the fourth note, over their harmonics.
const PATH: [f32; 4] = [0.3, 5.6, 0.8, 5.6];
const BRUSH: [f32; 2] = [0.04, 1.2];

const SHOTS: &[Shot] = &[
    knob("blur-time", &["blur_time=250 ms"], View::Octaves),
    knob("blur-freq", &["blur_freq=0.6 oct"], View::Octaves),
    knob("diffuse", &["diffuse=100 %"], View::Octaves),
    knob("shift", &["warp_shift=400 Hz"], View::Hertz),
    knob("stretch", &["warp_stretch=1.5"], View::Hertz),
    knob("low-cut", &["low_cut=1 kHz"], View::Octaves),
    knob("high-cut", &["high_cut=1 kHz"], View::Octaves),
    knob("mod-low", &["mod_low=8 Hz"], View::Octaves),
    knob("mod-high", &["mod_high=2 Hz"], View::Octaves),
    Shot {
        name: "freeze",
        params: &[],
        strokes: &[Painted {
            path: [0.3, 5.0, 0.95, 5.0],
            radii: [0.02, 6.0],
            ..painted("freeze", 1.0)
        }],
        view: View::Octaves,
    },
    Shot {
        name: "paint-blur",
        params: &[],
        strokes: &[painted("blur_time", 1.0)],
        view: View::Octaves,
    },
    Shot {
        name: "paint-warp",
        params: &[],
        strokes: &[painted("warp_freq", 0.8)],
        view: View::Octaves,
    },
    Shot {
        name: "paint-gain",
        params: &["quality=Studio"],
        strokes: &[painted("gain", -1.0)],
        view: View::Octaves,
    },
    Shot {
        name: "paint-low-pass",
        params: &[],
        strokes: &[painted("mod_high", 1.0)],
        view: View::Octaves,
    },
    Shot {
        name: "paint-high-pass",
        params: &[],
        strokes: &[painted("mod_low", 1.0)],
        view: View::Octaves,
    },
];

/// What all pictures of the manual may weigh together.
const LIMIT_BYTES: u64 = 2 << 20;

pub fn pictures(args: &[String]) -> Result<()> {
    if let Some(unknown) = args.iter().find(|arg| !SHOTS.iter().any(|shot| shot.name == **arg)) {
        let names: Vec<&str> = SHOTS.iter().map(|shot| shot.name).collect();
        bail!("pictures takes names of pictures, found {unknown:?}; there are {names:?}");
    }
    run(&mut cargo(&["build", "--quiet", "-p", "scumble", "--bin", "scumble"]))?;
    let work = target().join("pictures");
    std::fs::create_dir_all(&work)?;
    let folder = root().join("docs/pictures");
    let wanted = |shot: &&Shot| args.is_empty() || args.iter().any(|arg| arg == shot.name);
    for shot in SHOTS.iter().filter(wanted) {
        let before = work.join("before.wav");
        phrase::write(&before, shot.view.rate())?;
        let after = render(shot, &before, &work)?;
        let [before, after] = [before, after].map(|sound| analyze(&sound, shot.view));
        let picture = shrink::side_by_side(&before?, &after?)?;
        std::fs::write(folder.join(format!("{}.png", shot.name)), picture)?;
    }
    let mut bytes = 0;
    for entry in folder.read_dir()? {
        bytes += entry?.metadata()?.len();
    }
    println!("docs/pictures has {} KB", bytes / 1024);
    if bytes > LIMIT_BYTES {
        bail!("that is more than {} KB", LIMIT_BYTES / 1024);
    }
    Ok(())
}

fn scumble(args: &[&str]) -> Result<()> {
    let name = format!("scumble{}", std::env::consts::EXE_SUFFIX);
    let mut command = program(target().join("debug").join(name), args);
    // Nobody's own presets.
    run(command.env("SCUMBLE_PRESETS", target().join("no-presets")))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not text", path.display()))
}

fn render(shot: &Shot, input: &Path, work: &Path) -> Result<PathBuf> {
    let output = work.join(format!("{}.wav", shot.name));
    // One loop of the canvas is the phrase's length: four beats at 120 a minute.
    let mut words = vec!["render", text(input)?, text(&output)?, "--bpm", "120"];
    for param in shot.params {
        words.extend(["--param", param]);
    }
    let strokes = work.join(format!("{}.json", shot.name));
    if !shot.strokes.is_empty() {
        std::fs::write(&strokes, strokes_json(shot).to_string())?;
        words.extend(["--strokes", text(&strokes)?]);
    }
    scumble(&words)?;
    Ok(output)
}

fn strokes_json(shot: &Shot) -> serde_json::Value {
    let stroke = |(id, stroke): (usize, &Painted)| {
        let Painted { kind, strength, path: [x0, y0, x1, y1], radii } = *stroke;
        let [radius_time, radius_octaves] = radii;
        let point = |x: f32, y: f32| serde_json::json!({"x": x, "y": y, "pressure": 1.0});
        serde_json::json!({
            "id": id + 1, "kind": kind, "points": [point(x0, y0), point(x1, y1)],
            "radius_time": radius_time, "radius_octaves": radius_octaves,
            "strength": strength, "hardness": 0.6,
        })
    };
    shot.strokes.iter().enumerate().map(stroke).collect()
}

fn analyze(sound: &Path, view: View) -> Result<PathBuf> {
    let (transform, ending) = match view {
        View::Octaves => ("cqt", "cqt.png"),
        View::Hertz => ("stft", "stft.png"),
    };
    let output = sound.with_extension(ending);
    let mut words =
        vec!["analyze", text(sound)?, text(&output)?, "--transform", transform, "--range", "70"];
    if let View::Octaves = view {
        words.extend(["--low", "55", "--bins-per-octave", "24", "--hop", "256"]);
    }
    scumble(&words)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_shows_every_picture_that_is_made() {
        let manual = std::fs::read_to_string(root().join("docs/manual.md")).expect("the manual");
        for shot in SHOTS {
            let link = format!("(pictures/{}.png)", shot.name);
            assert!(manual.contains(&link), "the manual does not show {link}");
        }
    }

    #[test]
    fn the_pictures_stay_small() {
        let folder = root().join("docs/pictures").read_dir().expect("a folder of pictures");
        let sizes = folder.map(|entry| entry.and_then(|e| e.metadata()).expect("a file").len());
        let bytes: u64 = sizes.sum();
        assert!(bytes <= LIMIT_BYTES, "{bytes} bytes of pictures");
    }
}
