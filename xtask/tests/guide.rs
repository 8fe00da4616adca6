//! The effect of docs/effect.md is built and proved as the page tells: its changes are laid over a copy
//! of the sources, and the tests that it adds are run there: a guide that is only believed goes wrong.
//!
//! `#[ignore]`d, since it builds both engines once more: `cargo xtask test --only guide` runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the project")
}

/// What the page says of one file.
#[derive(Debug)]
enum Change {
    /// All of a new file.
    Whole(String),
    /// Lines that are there, and what they become.
    Part { old: String, new: String },
}

/// The page's blocks, each with the file that was named last before it on a line of its own.
fn changes(page: &str) -> Vec<(String, Change)> {
    let (mut found, mut file) = (Vec::new(), None::<String>);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let named = line.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        if let Some(name) = named.filter(|name| name.contains('/') && !name.contains(' ')) {
            file = Some(name.to_owned());
        }
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let file = file.clone().unwrap_or_else(|| panic!("of which file is {block:?}?"));
        let change = match kind {
            "rust" => Change::Whole(block.join("\n") + "\n"),
            "diff" => {
                let side = |skip: char| {
                    let kept = block.iter().filter(|line| !line.starts_with(skip));
                    kept.map(|line| line.get(1..).unwrap_or("").to_owned() + "\n").collect()
                };
                Change::Part { old: side('+'), new: side('-') }
            }
            other => panic!("{file}: a block of {other:?}"),
        };
        found.push((file, change));
    }
    found
}

fn apply(sources: &Path, file: &str, change: &Change) {
    let path = sources.join(file);
    let text = match change {
        Change::Whole(text) => {
            assert!(!path.exists(), "{file} is there already");
            text.clone()
        }
        Change::Part { old, new } => {
            let before = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
            let places = before.matches(old.as_str()).count();
            assert_eq!(places, 1, "{file} has {places} places for this change:\n{old}");
            before.replacen(old, new, 1)
        }
    };
    std::fs::write(path, text).unwrap_or_else(|e| panic!("{file}: {e}"));
}

/// The sources without what was built from them.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in from.read_dir().expect("a folder of sources").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name();
        if name == "target" || name == ".git" || name == "docs" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file of the sources");
        }
    }
}

fn copy_with_the_effect() -> PathBuf {
    let sources = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    let _ = std::fs::remove_dir_all(&sources);
    copy(root(), &sources);
    let page = std::fs::read_to_string(root().join("docs/effect.md")).expect("the page");
    let changes = changes(&page);
    assert!(changes.len() > 30, "only {} changes were found", changes.len());
    for (file, change) in &changes {
        apply(&sources, file, change);
    }
    // What is built of the copy lies beside what is built of the sources, and cargo tells packages apart
    // by name, place in the workspace and version. With the same version one would pass for the other.
    let manifest = sources.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("the workspace");
    let version = concat!("version = \"", env!("CARGO_PKG_VERSION"));
    assert_eq!(text.matches(version).count(), 1, "the workspace has one version");
    std::fs::write(manifest, text.replace(version, &format!("{version}-guide"))).expect("the copy");
    sources
}

fn cargo(sources: &Path, args: &[&str]) {
    // The folder of the build is the project's own: what both depend on is built there already.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder of the build");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(sources).args(args).env("CARGO_TARGET_DIR", target);
    if std::env::var_os("SCUMBLE_ADAPTER").is_none() {
        command.env("SCUMBLE_ADAPTER", "software");
    }
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "cargo {}: {status}", args.join(" "));
}

/// Every change still finds its place. No build, so it runs with the unit tests.
#[test]
fn the_changes_of_the_guide_fit_the_sources() {
    let page = std::fs::read_to_string(root().join("docs/effect.md")).expect("the page");
    for (file, change) in changes(&page) {
        let path = root().join(&file);
        match change {
            Change::Whole(_) => assert!(!path.exists(), "{file} is there already"),
            Change::Part { old, .. } => {
                let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
                let places = text.matches(old.as_str()).count();
                assert_eq!(places, 1, "{file} has {places} places for this change:\n{old}");
            }
        }
    }
}

#[test]
#[ignore = "builds both engines: cargo xtask test --only guide"]
fn the_effect_of_the_guide_is_built_and_agrees_in_both_engines() {
    let sources = copy_with_the_effect();
    // The tests that the page adds, by their names, and those that hold the layouts together.
    let tests = ["--test", "reference", "--test", "effects", "--test", "gpu_parity"];
    cargo(&sources, &[&["test", "--quiet"], &tests[..], &["tilt"]].concat());
    cargo(&sources, &["test", "--quiet", "--test", "gpu_shaders"]);
    // The parameter reaches the program that a user runs.
    cargo(&sources, &["test", "--quiet", "-p", "scumble-params", "--lib", "stable_id"]);
    cargo(&sources, &["build", "--quiet", "--lib", "-p", "scumble"]);
    std::fs::remove_dir_all(&sources).expect("the copy is ours");
}
