//! Figures as `cargo xtask bench` reads them.

// Not every bench needs all of it.
#![allow(dead_code)]

use serde_json::{Value, json};

use super::bench_common::{median, percentile};

/// How far apart the middle half of the times lies, in parts of their median.
fn spread(times: &mut [f64]) -> f64 {
    (percentile(times, 0.75) - percentile(times, 0.25)) / median(times)
}

/// The figures of a group.
pub struct Report {
    group: &'static str,
    figures: Vec<Value>,
}

impl Report {
    pub fn new(group: &'static str) -> Self {
        Self { group, figures: Vec::new() }
    }

    pub fn into_json(self) -> Value {
        Value::Array(self.figures)
    }

    /// A figure whose ratio to `reference` must be at most `bar`.
    pub fn ratio(&mut self, id: &str, unit: &str, value: f64, reference: f64, bar: f64) {
        let ratio = value / reference;
        let pass = ratio <= bar;
        eprintln!("{id}: {value:.2} {unit}, reference {reference:.2}: {ratio:.2} (at most {bar})");
        self.figures.push(json!({"id": id, "group": self.group, "value": value, "unit": unit,
            "reference": reference, "ratio": ratio, "bar": bar, "pass": pass}));
    }

    /// A ratio of medians.
    pub fn medians(
        &mut self,
        id: &str,
        unit: &str,
        value: &mut [f64],
        other: &mut [f64],
        bar: f64,
    ) {
        self.ratio(id, unit, median(value), median(other), bar);
        if let Some(row) = self.figures.last_mut() {
            row["spread"] = json!(spread(value));
        }
    }

    /// A figure beside a reference, for information.
    pub fn beside(&mut self, id: &str, unit: &str, value: f64, reference: f64) {
        let ratio = value / reference;
        eprintln!("{id}: {value:.2} {unit}, beside {reference:.2}: {ratio:.2}");
        self.figures.push(json!({"id": id, "group": self.group, "value": value, "unit": unit,
            "reference": reference, "ratio": ratio, "bar": null, "pass": null}));
    }

    /// A figure that must be at most `bar` itself.
    pub fn value(&mut self, id: &str, unit: &str, value: f64, bar: f64) {
        eprintln!("{id}: {value:.3} {unit} (at most {bar})");
        self.figures.push(json!({"id": id, "group": self.group, "value": value, "unit": unit,
            "reference": null, "ratio": null, "bar": bar, "pass": value <= bar}));
    }
}
