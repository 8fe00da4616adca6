//! The stepped parameters' values, and how each value is written and read as text.
//!
//! The `id` strings are what a host's project stores: they never change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use nice_plug::prelude::Enum;
use serde::{Deserialize, Serialize};

/// Window, hop and so latency and resolution (DESIGN 2). Takes effect at the next activation.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quality {
    #[id = "live"]
    Live,
    #[id = "balanced"]
    Balanced,
    #[id = "studio"]
    Studio,
    #[id = "ultra"]
    Ultra,
}

/// Who computes (DESIGN 5). Takes effect at the next activation.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EngineChoice {
    #[id = "auto"]
    Auto,
    #[id = "gpu"]
    #[name = "GPU"]
    Gpu,
    #[id = "cpu"]
    #[name = "CPU"]
    Cpu,
}

/// The data path between the GPU worker and the audio thread (S2). Takes effect at the next
/// activation, for it changes the latency.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Buffering {
    #[id = "double"]
    Double,
    #[id = "triple"]
    Triple,
    #[id = "ring"]
    Ring,
}

/// What is heard when a block is not ready (S12).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnMiss {
    #[id = "rescue"]
    Rescue,
    #[id = "hold"]
    Hold,
    #[id = "dry"]
    Dry,
}

/// What moves the canvas's playhead (X6).
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CanvasSync {
    #[id = "beats"]
    #[name = "Host beats"]
    HostBeats,
    #[id = "seconds"]
    #[name = "Host seconds"]
    HostSeconds,
    #[id = "free"]
    Free,
}

impl CanvasSync {
    /// The unit in which the canvas's length is counted.
    pub fn unit(self) -> &'static str {
        match self {
            CanvasSync::HostBeats => "beats",
            CanvasSync::HostSeconds | CanvasSync::Free => "s",
        }
    }
}

pub(crate) type ToText = Arc<dyn Fn(f32) -> String + Send + Sync>;
pub(crate) type FromText = Arc<dyn Fn(&str) -> Option<f32> + Send + Sync>;

/// Reads a number with one of these units behind it, or with none, and counts it in the first of them:
/// a unit is worth so many of those. Whatever else follows is refused, for the number may then mean
/// something else. The decimal point may be a comma.
fn read_in(units: &[(&str, f32)], text: &str) -> Option<f32> {
    let text = text.trim();
    let digits = |from: usize, of: &[char]| {
        let other = |c: char| !c.is_ascii_digit() && !of.contains(&c);
        text[from..].find(other).map_or(text.len(), |length| from + length)
    };
    let mut end = digits(0, &['+', '-', '.', ',']);
    if text[end..].starts_with(['e', 'E']) {
        let exponent = end + 1 + usize::from(text[end + 1..].starts_with(['+', '-']));
        let last = digits(exponent, &[]);
        end = if last > exponent { last } else { end };
    }
    let number = text[..end].replace(',', ".").parse::<f32>().ok().filter(|v| v.is_finite())?;
    let unit = text[end..].trim();
    let known = |(name, _): &&(&str, f32)| name.eq_ignore_ascii_case(unit);
    let worth = if unit.is_empty() { 1.0 } else { units.iter().find(known)?.1 };
    Some(number * worth)
}

/// `250 ms`, `1.20 s`.
pub(crate) fn time_text() -> (ToText, FromText) {
    let to = Arc::new(|ms: f32| {
        if ms < 10.0 {
            format!("{ms:.1} ms")
        } else if ms < 1000.0 {
            format!("{ms:.0} ms")
        } else {
            format!("{:.2} s", ms / 1000.0)
        }
    });
    let from = Arc::new(|text: &str| read_in(&[("ms", 1.0), ("s", 1000.0), ("sec", 1000.0)], text));
    (to, from)
}

/// What a switch reads; nothing else is taken for off.
pub(crate) fn switch_of_text(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Frequencies, with a word at the end of the range where the filter is out of the way.
pub(crate) fn hz_text(off_at: Option<f32>, signed: bool) -> (ToText, FromText) {
    let to = Arc::new(move |hz: f32| {
        // Below the step that the text shows, the end of the range counts as reached.
        if off_at.is_some_and(|off| (hz - off).abs() < 0.05) {
            "off".to_string()
        } else if hz.abs() >= 1000.0 {
            let khz = hz / 1000.0;
            if signed { format!("{khz:+.2} kHz") } else { format!("{khz:.2} kHz") }
        } else if signed {
            format!("{hz:+.1} Hz")
        } else if hz < 100.0 {
            format!("{hz:.1} Hz")
        } else {
            format!("{hz:.0} Hz")
        }
    });
    let from = Arc::new(move |text: &str| {
        if text.trim().eq_ignore_ascii_case("off") {
            return off_at;
        }
        read_in(&[("Hz", 1.0), ("kHz", 1000.0), ("k", 1000.0)], text)
    });
    (to, from)
}

/// `35 %`.
pub(crate) fn percent_text() -> (ToText, FromText) {
    let to = Arc::new(|v: f32| format!("{:.0} %", v * 100.0));
    let from = Arc::new(|text: &str| read_in(&[("%", 1.0)], text).map(|v| v / 100.0));
    (to, from)
}

/// `0.35 oct`, `1.00`, `-3.0 dB`.
pub(crate) fn plain_text(digits: usize, unit: &'static str) -> (ToText, FromText) {
    let to = Arc::new(move |v: f32| {
        // Rounding must not leave a minus sign before a zero.
        let scale = 10f32.powi(digits as i32);
        let v = if (v * scale).round() == 0.0 { 0.0 } else { v };
        if unit.is_empty() { format!("{v:.digits$}") } else { format!("{v:.digits$} {unit}") }
    });
    (to, Arc::new(move |text: &str| read_in(&[(unit, 1.0)], text)))
}

/// `4 beats` or `4 s`, as the sync mode of the moment says.
pub(crate) fn length_text(sync: Arc<AtomicU8>) -> (ToText, FromText) {
    let to = Arc::new(move |v: f32| {
        let unit = CanvasSync::from_index(sync.load(Ordering::Relaxed) as usize).unit();
        if v.fract() == 0.0 { format!("{v:.0} {unit}") } else { format!("{v:.2} {unit}") }
    });
    let units = [("beats", 1.0), ("beat", 1.0), ("s", 1.0), ("sec", 1.0)];
    (to, Arc::new(move |text: &str| read_in(&units, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_back() {
        let cases: Vec<((ToText, FromText), &[f32])> = vec![
            (time_text(), &[0.0, 3.5, 180.0, 1200.0]),
            (hz_text(Some(20.0), false), &[20.0, 55.5, 440.0, 12_340.0]),
            (hz_text(None, true), &[-1500.0, -40.0, 0.0, 40.0, 2000.0]),
            (percent_text(), &[0.0, 0.35, 1.0]),
            (plain_text(2, "oct"), &[0.0, 0.35, 4.0]),
            (plain_text(1, "dB"), &[-48.0, 0.0, 12.0]),
            (length_text(Arc::new(AtomicU8::new(0))), &[1.0, 4.0, 0.25]),
        ];
        for ((to, from), values) in cases {
            for &value in values {
                let text = to(value);
                let back = from(&text).unwrap_or_else(|| panic!("{text:?} was not read back"));
                assert!((back - value).abs() <= 0.005 * value.abs().max(1.0), "{text:?} -> {back}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let time = time_text().1;
        for text in ["", "loud", "NaN", "inf", "--3", "1.2.3", "1,5,2", "ms", "e3"] {
            assert_eq!(time(text), None, "{text:?}");
        }
        // A number, and something that makes it another one than it seems.
        for text in ["250 furlongs", "2 min", "3 Hz", "1 500", "1e", "10 %", "5 ms or so"] {
            assert_eq!(time(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let (time, hz) = (time_text().1, hz_text(None, false).1);
        for (text, ms) in [
            ("1,5 s", 1500.0),
            ("2 sec", 2000.0),
            ("1e3", 1000.0),
            ("2.5E-1 s", 250.0),
            (" +40MS ", 40.0),
        ] {
            assert_eq!(time(text), Some(ms), "{text:?}");
        }
        assert_eq!((hz("2k"), hz("1.5 khz"), hz("300hz")), (Some(2e3), Some(1.5e3), Some(300.0)));
        assert_eq!(percent_text().1("1e1"), Some(0.1));
    }

    #[test]
    fn no_negative_zero_is_shown() {
        assert_eq!(plain_text(1, "dB").0(-0.01), "0.0 dB");
    }
}
