//! `cargo xtask bench`: every group's bench program in turn; one table, one JSON file, and a picture
//! and the notes of each group, in `target/bench`.
//!
//! All programs are built first, so that no compiler runs beside a measurement and the time that a
//! group takes is the group's own.

mod again;
mod bars;
mod curves;
mod figure;
mod machine;
mod svg;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::again::Measured;
use self::curves::Curve;
use self::figure::Figure;
use self::machine::Machine;
use crate::setup;
use crate::shell::{cargo, output, program, python, root, run, target};

/// Group, package that holds `examples/bench_<group>.rs`.
const GROUPS: &[(&str, &str)] = &[
    ("sync", "scumble-gpu"),
    ("dsp", "scumble-dsp"),
    ("transforms", "scumble-dsp"),
    ("gpu", "scumble-gpu"),
    ("paced", "scumble-gpu"),
    ("plugin", "scumble"),
    ("budget", "scumble"),
    ("views", "scumble"),
    ("peers", "scumble"),
    ("editor", "scumble-ui"),
    ("curves", "scumble-gpu"),
];

/// Groups that play in real time. The software adapter is told to compute where it is waited for: its
/// threads sleep between two hops, and waking them takes longer than the hop.
const REAL_TIME: &[&str] = &["paced", "plugin", "budget", "views"];

/// What the whole may take on two cores with the software adapter, building apart.
const LIMIT: Duration = Duration::from_secs(15 * 60);
const LIMIT_QUICK: Duration = Duration::from_secs(3 * 60);

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    only: Option<String>,
    quick: bool,
    /// Copies of the pictures of curves go to docs/benchmarks.
    keep: bool,
}

impl Asked {
    fn parse(args: &[String]) -> Result<Self> {
        let mut asked = Self::default();
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => asked.quick = true,
                "--keep" => asked.keep = true,
                "--only" => {
                    asked.only = Some(words.next().context("--only needs a group")?.clone())
                }
                other => bail!("bench takes --quick, --keep and --only GROUP, found {other:?}"),
            }
        }
        let names: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
        if let Some(group) = asked.only.as_ref().filter(|group| !names.contains(&group.as_str())) {
            bail!("{group:?} is not a group; there are {names:?}");
        }
        Ok(asked)
    }

    fn groups(&self) -> Vec<&'static str> {
        let wanted = |group: &str| self.only.as_ref().is_none_or(|only| only == group);
        GROUPS.iter().map(|(group, _)| *group).filter(|group| wanted(group)).collect()
    }
}

pub fn bench(args: &[String]) -> Result<()> {
    let asked = Asked::parse(args)?;
    let groups = asked.groups();
    setup::to_bench()?;
    build(&groups)?;
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder)?;
    let machine = Machine::look();
    println!("{machine}");
    figure::print_head();
    let mut run = Run { quick: asked.quick, folder: &folder, broken: Vec::new() };
    let limit = if asked.quick { LIMIT_QUICK } else { LIMIT };
    let begun = Instant::now();
    let (mut measured, curves) = run.all(groups);
    run.again(&mut measured, limit.saturating_sub(begun.elapsed()));
    let whole = begun.elapsed();
    let mut figures = Vec::new();
    for measured in &measured {
        let found = measured.figures();
        if !found.is_empty() {
            let picture = bars::picture(measured.group, &found, &machine);
            std::fs::write(folder.join(format!("{}.svg", measured.group)), picture)?;
        }
        figures.extend(found);
    }
    if asked.only.is_none() {
        println!("-- bench");
        figures.push(Figure::time_of_all(whole, limit));
        figures.last().into_iter().for_each(Figure::print);
    }
    draw(&curves, &machine, &folder, asked.keep)?;
    write_json(&folder.join("bench.json"), &asked, &machine, &measured, &figures, &curves)?;
    println!("{:.0} s; {}", whole.as_secs_f64(), folder.join("bench.json").display());
    if !run.broken.is_empty() {
        bail!("these groups gave no figures: {}", run.broken.join(", "));
    }
    let missed: Vec<&str> = figures.iter().filter(|f| f.missed()).map(|f| f.id.as_str()).collect();
    if missed.is_empty() {
        return Ok(());
    }
    bail!("{} of {} over their bars: {}", missed.len(), figures.len(), missed.join("; "))
}

/// The measuring itself: the groups' programs, one after the other.
struct Run<'a> {
    quick: bool,
    folder: &'a Path,
    /// Groups whose program failed.
    broken: Vec<&'static str>,
}

impl Run<'_> {
    /// What the other groups have to say is worth the while even if this one's program breaks.
    fn measure(&mut self, group: &'static str) -> Found {
        measure(group, self.quick, self.folder).unwrap_or_else(|error| {
            println!("{group} FAILED: {error:#}");
            self.broken.push(group);
            Found::default()
        })
    }

    fn all(&mut self, groups: Vec<&'static str>) -> (Vec<Measured>, Vec<Curve>) {
        let (mut measured, mut curves) = (Vec::new(), Vec::new());
        for group in groups {
            let begun = Instant::now();
            let found = self.measure(group);
            let took = begun.elapsed();
            println!("-- {group}, {:.0} s", took.as_secs_f64());
            found.figures.iter().for_each(Figure::print);
            curves.extend(found.curves);
            measured.push(Measured { group, took, runs: vec![found.figures] });
        }
        (measured, curves)
    }

    /// Those with a figure over its bar in turns, so that a group's runs lie apart.
    fn again(&mut self, measured: &mut [Measured], left: Duration) {
        let doubtful = again::doubtful(measured, left);
        for _ in 1..again::RUNS {
            for &at in &doubtful {
                let found = self.measure(measured[at].group);
                measured[at].runs.push(found.figures);
            }
        }
        for at in doubtful {
            println!("-- {}, the median of {} runs", measured[at].group, again::RUNS);
            measured[at].figures().iter().for_each(Figure::print);
        }
    }
}

/// All programs in one go: what they depend on is built once, with the same features.
fn build(groups: &[&str]) -> Result<()> {
    let begun = Instant::now();
    let mut command = cargo(&["build", "--release", "--quiet"]);
    let mut packages: Vec<&str> = GROUPS.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        command.args(["-p", package]);
    }
    for group in groups {
        command.args(["--example", &format!("bench_{group}")]);
    }
    run(&mut command)?;
    println!("built in {:.0} s, which is not counted below", begun.elapsed().as_secs_f64());
    Ok(())
}

/// What a group's program printed.
#[derive(Default)]
struct Found {
    figures: Vec<Figure>,
    curves: Vec<Curve>,
}

/// Runs a group's program; its notes go to a file beside the pictures.
fn measure(group: &str, quick: bool, folder: &Path) -> Result<Found> {
    let name = format!("bench_{group}{}", std::env::consts::EXE_SUFFIX);
    let mut command: Command = program(target().join("release/examples").join(name), &[]);
    command.env("SCUMBLE_PYTHON", python());
    if std::env::var_os("SCUMBLE_ADAPTER").is_none() {
        command.env("SCUMBLE_ADAPTER", "software");
    }
    if REAL_TIME.contains(&group) && std::env::var_os("LP_NUM_THREADS").is_none() {
        command.env("LP_NUM_THREADS", "0");
    }
    if quick {
        command.arg("--quick");
    }
    let notes = folder.join(format!("{group}.log"));
    command.stderr(File::create(&notes)?);
    let text = output(&mut command).with_context(|| format!("see {}", notes.display()))?;
    let told = || format!("bench_{group} did not print what a bench prints");
    let printed: Value = serde_json::from_str(&text).with_context(told)?;
    let part = |name: &str| match &printed {
        Value::Array(_) if name == "figures" => printed.clone(),
        _ => printed[name].clone(),
    };
    let figures = part("figures").as_array().cloned().unwrap_or_default();
    let curves = part("curves").as_array().cloned().unwrap_or_default();
    Ok(Found {
        figures: figures.iter().map(Figure::parse).collect::<Result<_>>().with_context(told)?,
        curves: curves.iter().map(Curve::parse).collect::<Result<_>>().with_context(told)?,
    })
}

fn draw(curves: &[Curve], machine: &Machine, folder: &Path, keep: bool) -> Result<()> {
    for curve in curves {
        if curve.compare {
            println!("{}: {}", curve.title, curve.verdict());
        }
        let (name, picture) = (format!("{}.svg", curve.id), curves::picture(curve, machine));
        if keep {
            std::fs::write(root().join("docs/benchmarks").join(&name), &picture)?;
        }
        std::fs::write(folder.join(name), picture)?;
    }
    Ok(())
}

fn write_json(
    file: &Path,
    asked: &Asked,
    machine: &Machine,
    measured: &[Measured],
    figures: &[Figure],
    curves: &[Curve],
) -> Result<()> {
    let seconds: serde_json::Map<String, Value> =
        measured.iter().map(|m| (m.group.into(), json!(m.took.as_secs_f64()))).collect();
    let whole = json!({
        "machine": machine.json(),
        "quick": asked.quick,
        "seconds": seconds,
        "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        "curves": curves.iter().map(Curve::json).collect::<Vec<_>>(),
    });
    std::fs::write(file, serde_json::to_string_pretty(&whole)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Asked> {
        Asked::parse(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_chooses_groups_and_refuses_what_it_does_not_know() {
        assert_eq!(parse(&[]).expect("legal").groups().len(), GROUPS.len());
        let asked = parse(&["--quick", "--only", "dsp"]).expect("legal");
        assert!(asked.quick && !asked.keep);
        assert_eq!(asked.groups(), ["dsp"]);
        let message = parse(&["--only", "dps"]).expect_err("no such group").to_string();
        assert!(message.contains("\"dps\"") && message.contains("transforms"), "{message}");
        assert!(parse(&["--only"]).is_err());
        assert!(parse(&["--slow"]).is_err());
    }
}
