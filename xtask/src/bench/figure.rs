//! One line of the table: a figure, what it stands beside, and its bar.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

#[derive(Clone)]
pub struct Figure {
    pub id: String,
    pub group: String,
    /// Not a number where nothing was measured.
    pub value: f64,
    pub unit: String,
    /// What did the same job in the same run.
    pub reference: Option<f64>,
    pub ratio: Option<f64>,
    /// How far apart the middle half of the runs lies, in parts of the median.
    pub spread: Option<f64>,
    pub bar: Option<f64>,
    pub pass: Option<bool>,
    /// What was judged in each run, where there were several.
    pub runs: Vec<f64>,
}

impl Figure {
    pub fn parse(line: &Value) -> Result<Self> {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        let lacks = |key: &str| format!("a figure without {key:?}: {line}");
        Ok(Self {
            id: text("id").with_context(|| lacks("id"))?,
            group: text("group").with_context(|| lacks("group"))?,
            value: match line.get("value").with_context(|| lacks("value"))? {
                Value::Null => f64::NAN,
                value => value.as_f64().with_context(|| lacks("value"))?,
            },
            unit: text("unit").with_context(|| lacks("unit"))?,
            reference: line["reference"].as_f64(),
            ratio: line["ratio"].as_f64(),
            spread: line["spread"].as_f64(),
            bar: line["bar"].as_f64(),
            pass: line["pass"].as_bool(),
            runs: Vec::new(),
        })
    }

    /// How long the whole bench took, as a figure among its figures.
    pub fn time_of_all(took: Duration, limit: Duration) -> Self {
        Self {
            id: "the whole bench, building apart".into(),
            group: "bench".into(),
            value: took.as_secs_f64(),
            unit: "s".into(),
            reference: None,
            ratio: None,
            spread: None,
            bar: Some(limit.as_secs_f64()),
            pass: Some(took <= limit),
            runs: Vec::new(),
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "id": self.id, "group": self.group, "value": self.value, "unit": self.unit,
            "reference": self.reference, "ratio": self.ratio, "spread": self.spread,
            "bar": self.bar, "pass": self.pass, "runs": self.runs,
        })
    }

    pub fn missed(&self) -> bool {
        self.pass == Some(false)
    }

    /// What is held against the bar.
    pub fn judged(&self) -> f64 {
        self.ratio.unwrap_or(self.value)
    }

    /// Whether more is better. The programs say only whether the bar is met, which tells.
    pub fn at_least(&self) -> bool {
        match (self.bar, self.pass) {
            (Some(bar), Some(pass)) if !self.judged().is_nan() => (self.judged() <= bar) != pass,
            _ => false,
        }
    }

    /// How much of the bar is used up: 1 is at the bar, more is over it.
    pub fn of_bar(&self) -> Option<f64> {
        let bar = self.bar.filter(|_| !self.judged().is_nan())?;
        Some(match (self.at_least(), self.judged()) {
            (true, judged) => bar / judged,
            // A bar of nothing: met by nothing, missed by anything.
            (false, judged) if bar <= 0.0 => {
                if judged > 0.0 {
                    f64::INFINITY
                } else {
                    0.0
                }
            }
            (false, judged) => judged / bar,
        })
    }

    pub fn print(&self) {
        println!(
            "{:<62} {:>10} {:>10} {:<8} {:>8} {:>8} {:>7} {}",
            self.id,
            number(Some(self.value)),
            number(self.reference),
            self.unit,
            number(self.ratio),
            match self.bar {
                Some(bar) => format!("{}{bar}", if self.at_least() { ">= " } else { "<= " }),
                None => "-".into(),
            },
            self.spread.map_or("-".into(), |spread| format!("{:.0} %", spread * 100.0)),
            match self.pass {
                Some(true) => "pass",
                Some(false) => "FAIL",
                None => "",
            }
        );
    }
}

pub fn print_head() {
    println!(
        "{:<62} {:>10} {:>10} {:<8} {:>8} {:>8} {:>7}",
        "figure", "value", "beside", "unit", "ratio", "bar", "spread"
    );
}

/// Four figures or so, whatever the size.
pub fn number(value: Option<f64>) -> String {
    match value.filter(|v| !v.is_nan()) {
        Some(v) if v.abs() >= 1000.0 => format!("{v:.0}"),
        Some(v) if v.abs() >= 10.0 => format!("{v:.2}"),
        Some(v) if v == 0.0 || v.abs() >= 1e-3 => format!("{v:.4}"),
        Some(v) => format!("{v:.1e}"),
        None => "-".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, ratio: Option<f64>, bar: f64, pass: bool) -> Figure {
        let line = json!({"id": "a", "group": "g", "value": value, "unit": "ms", "ratio": ratio,
            "bar": bar, "pass": pass});
        Figure::parse(&line).expect("a figure")
    }

    #[test]
    fn a_figure_knows_its_bar_from_both_sides() {
        let at_most = figure(5.0, Some(0.5), 2.0, true);
        assert!(!at_most.at_least() && !at_most.missed());
        assert_eq!(at_most.of_bar(), Some(0.25));
        let over = figure(3.0, None, 2.0, false);
        assert!(!over.at_least() && over.missed());
        assert_eq!(over.of_bar(), Some(1.5));
        let fast = figure(0.4, Some(6.0), 3.0, true);
        assert!(fast.at_least());
        assert_eq!(fast.of_bar(), Some(0.5));
        let slow = figure(0.4, Some(2.0), 3.0, false);
        assert!(slow.at_least() && slow.missed());
        let unmeasured = figure(f64::NAN, None, 2.0, false);
        assert!(unmeasured.missed() && !unmeasured.at_least());
        assert_eq!(unmeasured.of_bar(), None);
        assert_eq!(figure(0.0, None, 0.0, true).of_bar(), Some(0.0));
        assert_eq!(figure(2.0, None, 0.0, false).of_bar(), Some(f64::INFINITY));
    }

    #[test]
    fn a_figure_comes_back_from_its_json_and_says_what_it_lacks() {
        let whole = figure(5.0, Some(0.5), 2.0, true).json();
        assert_eq!(Figure::parse(&whole).expect("a figure").json(), whole);
        let Err(error) = Figure::parse(&json!({"id": "a", "group": "g"})) else {
            panic!("it has no value");
        };
        assert!(error.to_string().contains("\"value\""), "{error}");
    }
}
