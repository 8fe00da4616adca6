//! Puts the bundles into the user's plugin folders, and takes them out again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::target;

/// The bundle's name and the folder that hosts look into for it.
fn places() -> Result<Vec<(&'static str, PathBuf)>> {
    let variable = if cfg!(windows) { "LOCALAPPDATA" } else { "HOME" };
    let home = PathBuf::from(
        std::env::var_os(variable).with_context(|| format!("{variable} is not set"))?,
    );
    let (clap, vst3) = if cfg!(windows) {
        ("Programs/Common/CLAP", "Programs/Common/VST3")
    } else if cfg!(target_os = "macos") {
        ("Library/Audio/Plug-Ins/CLAP", "Library/Audio/Plug-Ins/VST3")
    } else {
        (".clap", ".vst3")
    };
    Ok(vec![("scumble.clap", home.join(clap)), ("scumble.vst3", home.join(vst3))])
}

pub fn install(args: &[String]) -> Result<()> {
    no_arguments("install", args)?;
    for (name, folder) in places()? {
        let from = target().join("bundled").join(name);
        if !from.exists() {
            bail!("{name} is not built yet: run `cargo xtask bundle scumble --release` first");
        }
        let to = folder.join(name);
        remove(&to)?;
        copy(&from, &to)?;
        println!("installed {}", to.display());
    }
    println!("Let your DAW scan its plugins again to find Scumble.");
    Ok(())
}

pub fn uninstall(args: &[String]) -> Result<()> {
    no_arguments("uninstall", args)?;
    for (name, folder) in places()? {
        let path = folder.join(name);
        if path.exists() {
            remove(&path)?;
            println!("removed {}", path.display());
        } else {
            println!("{} was not there", path.display());
        }
    }
    Ok(())
}

fn no_arguments(command: &str, args: &[String]) -> Result<()> {
    if args.is_empty() { Ok(()) } else { bail!("{command} takes no arguments, found {args:?}") }
}

fn remove(path: &Path) -> Result<()> {
    let result = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else if path.exists() {
        std::fs::remove_file(path)
    } else {
        Ok(())
    };
    result.with_context(|| format!("{} could not be removed", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("{} could not be copied to {}", from.display(), to.display());
    if from.is_dir() {
        std::fs::create_dir_all(to).with_context(context)?;
        for entry in std::fs::read_dir(from).with_context(context)? {
            let entry = entry.with_context(context)?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    std::fs::copy(from, to).map(drop).with_context(context)
}
