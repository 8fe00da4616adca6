//! Runs every group's bench program, prints one table and writes one JSON file a group.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::setup;
use crate::shell::{cargo, output, python, target};

/// Group, package that holds `examples/bench_<group>.rs`.
const GROUPS: &[(&str, &str)] = &[
    ("sync", "scumble-gpu"),
    ("dsp", "scumble-dsp"),
    ("transforms", "scumble-dsp"),
    ("gpu", "scumble-gpu"),
    ("plugin", "scumble"),
    ("editor", "scumble-ui"),
];

pub fn bench(args: &[String]) -> Result<()> {
    let mut only = None;
    let mut quick = false;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => quick = true,
            "--only" => only = Some(words.next().context("--only needs a group")?.as_str()),
            other => bail!("bench takes --quick and --only GROUP, found {other:?}"),
        }
    }
    let names: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
    if let Some(group) = only.filter(|group| !names.contains(group)) {
        bail!("{group:?} is not a group; there are {names:?}");
    }
    setup::all()?;
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder)?;
    println!(
        "{:<44} {:>12} {:>12} {:<8} {:>8} {:>8}",
        "figure", "value", "reference", "unit", "ratio", "bar"
    );
    let mut failed = Vec::new();
    for (group, package) in GROUPS.iter().filter(|(group, _)| only.is_none_or(|o| o == *group)) {
        let example = format!("bench_{group}");
        let mut command =
            cargo(&["run", "--release", "--quiet", "-p", package, "--example", &example, "--"]);
        command.env("SCUMBLE_PYTHON", python());
        if std::env::var_os("SCUMBLE_ADAPTER").is_none() {
            command.env("SCUMBLE_ADAPTER", "software");
        }
        if quick {
            command.arg("--quick");
        }
        let text = output(&mut command)?;
        std::fs::write(folder.join(format!("{group}.json")), &text)?;
        let figures: Vec<Value> =
            serde_json::from_str(&text).with_context(|| format!("{example} did not print JSON"))?;
        for figure in &figures {
            print_row(figure);
            if figure["pass"] == Value::Bool(false) {
                failed.push(figure["id"].as_str().unwrap_or("?").to_owned());
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("over their bars: {}", failed.join(", ")) }
}

fn print_row(figure: &Value) {
    let number = |key: &str| match figure[key].as_f64() {
        Some(v) if v.abs() >= 1000.0 => format!("{v:.0}"),
        Some(v) if v.abs() >= 10.0 => format!("{v:.2}"),
        Some(v) => format!("{v:.4}"),
        None => "-".to_string(),
    };
    println!(
        "{:<44} {:>12} {:>12} {:<8} {:>8} {:>8} {}",
        figure["id"].as_str().unwrap_or("?"),
        number("value"),
        number("reference"),
        figure["unit"].as_str().unwrap_or(""),
        number("ratio"),
        number("bar"),
        match figure["pass"].as_bool() {
            Some(true) => "pass",
            Some(false) => "FAIL",
            None => "",
        }
    );
}
