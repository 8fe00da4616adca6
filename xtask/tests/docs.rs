//! What the documents point at is there: links, files, commands. (The commands of the `scumble`
//! program itself are tried in `tests/tests/standalone.rs`.)

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the project")
}

/// Every document, by its path from the root.
fn documents() -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join("docs")];
    let mut files: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder of documents").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 6, "{files:?}");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a document");
        (path, text)
    };
    files.into_iter().map(read).collect()
}

/// What stands between `open` and `close`, again and again.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split(close).next())
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut seen = 0;
    for (path, text) in documents() {
        for link in between(&text, "](", ')') {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let file = link.split('#').next().expect("at least the file");
            let target = path.parent().expect("a folder").join(file);
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} links were found");
}

/// Files and folders of the project that stand in backticks.
#[test]
fn every_file_that_is_named_is_there() {
    let tops = ["dsp/", "gpu/", "plugin/", "ui/", "tests/", "xtask/", "docs/"];
    let mut seen = 0;
    for (path, text) in documents() {
        for name in between(&text, "`", '`') {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if !plain || !tops.iter().any(|top| name.starts_with(top)) {
                continue;
            }
            // A page may make a file and show the whole of it (xtask/tests/guide.rs).
            let made = text.contains(&format!("`{name}`\n\n```rust"));
            let there = root().join(name).exists() || made;
            assert!(there, "{}: there is no {name}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} names were found");
}

/// The words of a command line, without what follows a `#`.
fn commands() -> Vec<(PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    for (path, text) in documents() {
        let lines = text.lines().filter(|line| line.starts_with("    ") && line.contains("cargo "));
        for line in lines {
            let from = line.find("cargo ").expect("it contains it");
            let line = line[from..].split('#').next().expect("what stands before it");
            found.push((path.clone(), line.split_whitespace().map(str::to_owned).collect()));
        }
    }
    assert!(found.len() > 15, "only {} commands were found", found.len());
    found
}

#[test]
fn every_command_is_one() {
    let help = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("--help").output().expect("xtask");
    let help = String::from_utf8(help.stdout).expect("text");
    let is_folder_of = |package: &str| match package {
        "scumble" => Some("plugin"),
        "scumble-dsp" => Some("dsp"),
        "scumble-gpu" => Some("gpu"),
        "scumble-params" => Some("plugin/params"),
        "scumble-tests" => Some("tests"),
        "scumble-ui" => Some("ui"),
        _ => None,
    };
    for (path, words) in commands() {
        let line = words.join(" ");
        let told = |what: &str| format!("{}: {line}: {what}", path.display());
        if words.get(1).is_some_and(|word| word == "xtask") {
            let command = words.get(2).expect("a command of xtask");
            let known = help.split_whitespace().any(|word| word == command);
            assert!(known, "{}", told("not in `cargo xtask --help`"));
            let flags = words[3..].iter().take_while(|word| *word != "--");
            for flag in flags.filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag.as_str()), "{}", told("a flag that is not in the help"));
            }
            continue;
        }
        let after = |flag: &str| {
            let places = words.windows(2).filter(move |pair| pair[0] == flag);
            places.map(|pair| pair[1].clone()).collect::<Vec<_>>()
        };
        let packages = after("-p");
        let folder = packages.first().map(|package| {
            is_folder_of(package).unwrap_or_else(|| panic!("{}", told("no such package")))
        });
        let targets = [("--test", "tests"), ("--example", "examples"), ("--bin", "src/bin")];
        for (flag, place) in targets {
            for name in after(flag) {
                let folder = folder.unwrap_or_else(|| panic!("{}", told("of which package?")));
                let file = root().join(folder).join(place).join(format!("{name}.rs"));
                assert!(file.exists(), "{}", told(&format!("there is no {}", file.display())));
            }
        }
    }
}
