//! Where and when figures were measured.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::shell::program;

pub struct Machine {
    processor: String,
    cores: usize,
    system: &'static str,
    /// The adapter that was asked for.
    adapter: String,
    date: String,
    commit: String,
}

impl Machine {
    pub fn look() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            system: std::env::consts::OS,
            adapter: std::env::var("SCUMBLE_ADAPTER").unwrap_or_else(|_| "software".into()),
            date: date(now.as_secs() / 86_400),
            commit: commit(),
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "processor": self.processor, "cores": self.cores, "system": self.system,
            "adapter": self.adapter, "date": self.date, "commit": self.commit,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, system, adapter, date, commit } = self;
        write!(f, "{date}, {processor}, {cores} cores, {system}, adapter {adapter}, {commit}")
    }
}

/// Its name where the system tells; the kind of processor elsewhere.
fn processor() -> String {
    let named = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split(':').nth(1)?.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn commit() -> String {
    let ask = |args: &[&str]| {
        let output = program("git", args).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match (ask(&["rev-parse", "--short", "HEAD"]), ask(&["status", "--porcelain"])) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => format!("{commit} with changes"),
        (None, _) => "no commit".into(),
    }
}

/// The day of the Gregorian calendar, counted from 1970-01-01. Years are taken to begin in March, so
/// that the day that leap years add is their last.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + carry)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(31 + 28), "1970-03-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(11_017), "2000-03-01");
        assert_eq!(date(20_454), "2026-01-01");
        assert_eq!(date(20_453), "2025-12-31");
    }
}
