//! Where the things under test lie.

use std::path::{Path, PathBuf};

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the workspace").into()
}

/// Cargo's target folder: the one this very program was built into, whatever set it.
pub fn target() -> PathBuf {
    let built_here = std::env::current_exe().ok().and_then(|exe| {
        let mark = exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file())?;
        Some(mark.to_owned())
    });
    built_here.unwrap_or_else(|| workspace().join("target"))
}

fn must_exist(path: PathBuf, made_by: &str) -> PathBuf {
    assert!(path.exists(), "{} is not there. `{made_by}` makes it.", path.display());
    path
}

/// The folder of the bundles: `SCUMBLE_BUNDLE_DIR`, else `<target>/bundled`.
pub fn bundles() -> PathBuf {
    std::env::var_os("SCUMBLE_BUNDLE_DIR").map_or_else(|| target().join("bundled"), PathBuf::from)
}

const BUNDLE: &str = "cargo xtask bundle scumble --release";

/// The CLAP file.
pub fn clap_bundle() -> PathBuf {
    must_exist(bundles().join("scumble.clap"), BUNDLE)
}

/// The VST3 folder.
pub fn vst3_bundle() -> PathBuf {
    must_exist(bundles().join("scumble.vst3"), BUNDLE)
}

/// The library inside a VST3 bundle, on Linux.
pub fn vst3_library(bundle: &Path) -> PathBuf {
    let folder = bundle.join("Contents").join(format!("{}-linux", std::env::consts::ARCH));
    let library = std::fs::read_dir(&folder)
        .ok()
        .and_then(|mut files| files.find_map(|f| Some(f.ok()?.path())))
        .filter(|f| f.extension().is_some_and(|e| e == "so"));
    library.unwrap_or_else(|| panic!("{} holds no library", folder.display()))
}

/// The standalone: `SCUMBLE_STANDALONE`, else `scumble` beside the bundles.
pub fn standalone() -> PathBuf {
    let path = std::env::var_os("SCUMBLE_STANDALONE")
        .map_or_else(|| bundles().join("scumble"), PathBuf::from);
    must_exist(path, BUNDLE)
}

/// The Python that has pedalboard: `SCUMBLE_PYTHON`, else the one of `<target>/venv`.
pub fn python() -> PathBuf {
    let path = std::env::var_os("SCUMBLE_PYTHON")
        .map_or_else(|| target().join("venv").join("bin").join("python"), PathBuf::from);
    must_exist(path, "cargo xtask test")
}

/// A script of `tests/py`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("py").join(name)
}
