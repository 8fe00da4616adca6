//! What the benches of this crate share: sound to work on, clocks, a line of the result, and Python
//! beside us.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

#[path = "../../tests/common/sound.rs"]
mod sound;

/// Noise in -0.5..0.5, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    sound::noise(seed, len).into_iter().map(|x| 0.5 * x).collect()
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How far apart the middle half of sorted values lies, in parts of their median.
pub fn spread(sorted: &[f64]) -> f64 {
    let at = |part: usize| sorted[(sorted.len() - 1) * part / 4];
    (at(3) - at(1)) / at(2)
}

pub fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// One line of the result.
pub struct Figure {
    pub id: String,
    pub value: f64,
    pub unit: &'static str,
    pub reference: Option<f64>,
    /// What is compared with the bar, as `pass` says.
    pub ratio: Option<f64>,
    /// Of the runs that `value` is the median of.
    pub spread: Option<f64>,
    pub bar: f64,
    pub pass: bool,
}

impl Figure {
    /// A value that must not be above the bar.
    pub fn limit(id: &str, value: f64, unit: &'static str, bar: f64) -> Self {
        let pass = value <= bar;
        let (reference, ratio, spread) = (None, None, None);
        Self { id: id.to_owned(), value, unit, reference, ratio, spread, bar, pass }
    }

    /// The median of `times`, times `scale`, must not be above the bar.
    pub fn limit_of(id: &str, times: &mut [f64], scale: f64, unit: &'static str, bar: f64) -> Self {
        let value = median(times) * scale;
        Self { spread: Some(spread(times)), ..Self::limit(id, value, unit, bar) }
    }

    pub fn json(&self, group: &str) -> String {
        let number = |x: Option<f64>| match x {
            None => "null".to_owned(),
            Some(x) if x.abs() < 1e-3 => format!("{x:.2e}"),
            Some(x) => format!("{x:.5}"),
        };
        format!(
            "{{\"id\":\"{}\",\"group\":\"{group}\",\"value\":{},\"unit\":\"{}\",\"reference\":{},\"ratio\":{},\"spread\":{},\"bar\":{},\"pass\":{}}}",
            self.id,
            number(Some(self.value)),
            self.unit,
            number(self.reference),
            number(self.ratio),
            number(self.spread),
            self.bar,
            self.pass
        )
    }
}

/// A program of Python's in a process of its own, one run at a time.
pub struct Python {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Python {
    /// Starts a script of `tests/py` and waits until it is ready.
    pub fn start(script: &str) -> Result<Self, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var_os("SCUMBLE_PYTHON")
            .map_or_else(|| manifest.join("../target/venv/bin/python"), PathBuf::from);
        let mut child = Command::new(&python)
            .arg(manifest.join("tests/py").join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}; `cargo xtask test` makes the venv", python.display()))?;
        let ask = child.stdin.take().ok_or("no stdin")?;
        let answer = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut python = Self { child, ask, answer };
        let line = python.line()?;
        if line == "ready" { Ok(python) } else { Err(format!("expected ready, found {line:?}")) }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.answer.read_line(&mut line).map_err(|e| e.to_string())?;
        Ok(line.trim().to_owned())
    }

    /// How long it takes it to do `what`, in seconds.
    pub fn time(&mut self, what: &str) -> Result<f64, String> {
        writeln!(self.ask, "{what}").map_err(|e| e.to_string())?;
        self.line()?.parse().map_err(|e| format!("{what}: {e}"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It ends with its input; should it not, it is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
