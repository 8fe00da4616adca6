//! Sounds and results handed to a Python script that compares them with somebody else's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

#[path = "../common/python.rs"]
mod venv;

use venv::python;

/// A folder that a script of `tests/py` reads.
pub struct Exchange {
    script: &'static str,
    folder: PathBuf,
    cases: Vec<Json>,
}

impl Exchange {
    pub fn new(name: &str, script: &'static str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("scumble-transform-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self { script, folder, cases: Vec::new() }
    }

    pub fn give(&self, name: &str, values: impl IntoIterator<Item = f32>) {
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        std::fs::write(self.folder.join(format!("{name}.f32")), bytes).expect("writes");
    }

    /// Gives levels with what they are of.
    pub fn case(&mut self, mut what: Json, levels: Vec<f32>) {
        let name = format!("case_{}", self.cases.len());
        what["name"] = name.clone().into();
        self.give(&name, levels);
        self.cases.push(what);
    }

    /// Each case with what the script found.
    pub fn compare(self) -> Vec<(Json, BTreeMap<String, f64>)> {
        let cases = serde_json::to_string(&self.cases).expect("serialises");
        std::fs::write(self.folder.join("cases.json"), cases).expect("writes");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/py").join(self.script);
        let run = Command::new(python()).arg(script).arg(&self.folder).output().expect("starts");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        std::fs::remove_dir_all(&self.folder).expect("cleans up");
        let mut figures: BTreeMap<String, BTreeMap<String, f64>> =
            serde_json::from_slice(&run.stdout).expect("one JSON object");
        let of = |case: Json| {
            let name = case["name"].as_str().expect("a name").to_owned();
            let mut case = case;
            for long in ["frequencies", "lengths"] {
                case[long] = Json::Null;
            }
            let found = figures.remove(&name).expect("every case was compared");
            (case, found)
        };
        self.cases.into_iter().map(of).collect()
    }
}
