//! The Python that holds what we compare with.

use std::path::{Path, PathBuf};

/// The interpreter of the venv: `SCUMBLE_PYTHON`, or the one below the target folder.
pub fn python() -> PathBuf {
    let path = std::env::var_os("SCUMBLE_PYTHON").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/python"),
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "no Python with the references at {}: `cargo xtask test` makes one, or set SCUMBLE_PYTHON",
        path.display()
    );
    path
}
