//! Numbers as a musician reads them: notes, frequencies, levels, counts. Pure functions.

/// Middle A, from which notes are named.
const A4_HZ: f32 = 440.0;
const NAMES: [&str; 12] = [
    "C",
    "C\u{266f}",
    "D",
    "D\u{266f}",
    "E",
    "F",
    "F\u{266f}",
    "G",
    "G\u{266f}",
    "A",
    "A\u{266f}",
    "B",
];

/// The nearest equal-tempered note as a MIDI number, with its fraction.
pub fn midi_of_hz(hz: f32) -> f32 {
    69.0 + 12.0 * (hz.max(1e-3) / A4_HZ).log2()
}

pub fn hz_of_midi(midi: f32) -> f32 {
    A4_HZ * ((midi - 69.0) / 12.0).exp2()
}

/// `B4`, `F♯2`.
pub fn note_name(hz: f32) -> String {
    let midi = midi_of_hz(hz).round() as i32;
    // The sharp sign is not in every mono face; `#` is.
    let name = NAMES[midi.rem_euclid(12) as usize].replace('\u{266f}', "#");
    format!("{name}{}", midi.div_euclid(12) - 1)
}

/// `20`, `500`, `2 k`, as the frequency axis writes it.
pub fn axis_hz(hz: f32) -> String {
    if hz >= 1000.0 { format!("{:.0} k", hz / 1000.0) } else { format!("{hz:.0}") }
}

/// `493.9 Hz`, `5.27 kHz`, always four significant figures.
pub fn hz(hz: f32) -> String {
    if hz >= 10_000.0 {
        format!("{:.1} kHz", hz / 1000.0)
    } else if hz >= 1000.0 {
        format!("{:.2} kHz", hz / 1000.0)
    } else if hz >= 100.0 {
        format!("{hz:.1} Hz")
    } else {
        format!("{hz:.2} Hz")
    }
}

/// `-18.2 dB`; silence is `-inf dB`.
pub fn db(db: f32) -> String {
    if db <= -119.5 { "-inf dB".to_owned() } else { format!("{db:.1} dB") }
}

/// `48 213`: thousands apart, so that a counter can be read while it runs.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// A count in at most six places: `48 213`, `999 999`, then `1.23 M`.
pub fn count_short(n: u64) -> String {
    match n {
        0..=999_999 => count(n),
        1_000_000..=999_999_999 => format!("{:.2} M", n as f64 / 1e6),
        _ => format!("{:.2} G", n as f64 / 1e9),
    }
}

/// The same in five figures, where there is less room: `99 999`, then `123 k`.
pub fn count_tight(n: u64) -> String {
    match n {
        0..=99_999 => count(n),
        100_000..=999_999 => format!("{} k", n / 1000),
        1_000_000..=999_999_999 => format!("{} M", n / 1_000_000),
        _ => format!("{} G", n / 1_000_000_000),
    }
}

/// `2.3`: bar and beat as hosts count them, from one; between beats `2.3.3`, with the sixteenth.
pub fn beat_label(beat: f64, beats_per_bar: f64) -> String {
    let bar = (beat / beats_per_bar + 1e-9).floor();
    let in_bar = (beat - bar * beats_per_bar).max(0.0);
    let whole = (in_bar + 1e-6).floor();
    let sixteenth = ((in_bar - whole) * 4.0).round() as i64;
    let (bar, whole) = (bar as i64 + 1, whole as i64 + 1);
    if sixteenth == 0 {
        format!("{bar}.{whole}")
    } else {
        format!("{bar}.{whole}.{}", sixteenth + 1)
    }
}

/// Milliseconds in at most five places: `6.67`, `123`.
pub fn ms(ms: f32) -> String {
    if ms < 99.995 { format!("{ms:.2}") } else { format!("{:.0}", ms.min(99_999.0)) }
}

/// A rate: `48 kHz`, `44.1 kHz`.
pub fn rate(hz: f32) -> String {
    let khz = hz / 1000.0;
    if (khz - khz.round()).abs() < 0.01 { format!("{khz:.0} kHz") } else { format!("{khz:.1} kHz") }
}

/// `½`, `¼`, `1`, `1.5`: sizes of brushes.
pub fn fraction(v: f32) -> String {
    for (value, text) in [
        (0.125, "\u{215b}"),
        (0.25, "\u{00bc}"),
        (1.0 / 3.0, "\u{2153}"),
        (0.5, "\u{00bd}"),
        (2.0 / 3.0, "\u{2154}"),
        (0.75, "\u{00be}"),
    ] {
        if (v - value).abs() < 0.004 {
            return text.to_owned();
        }
    }
    if (v - v.round()).abs() < 0.005 { format!("{v:.0}") } else { format!("{v:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_named_as_on_a_keyboard() {
        assert_eq!(note_name(440.0), "A4");
        assert_eq!(note_name(493.88), "B4");
        assert_eq!(note_name(261.63), "C4");
        assert_eq!(note_name(92.5), "F#2");
        for midi in 12..120 {
            assert!((midi_of_hz(hz_of_midi(midi as f32)) - midi as f32).abs() < 1e-3);
        }
    }

    #[test]
    fn counts_stay_within_six_figures() {
        assert_eq!(count(48_213), "48 213");
        assert_eq!(count(7), "7");
        assert_eq!(count(1_000_000), "1 000 000");
        assert_eq!(count_short(1_234_567), "1.23 M");
        for n in [0, 999, 1000, 999_999, 1_000_000, 123_456_789, u64::MAX / 1_000_000_000] {
            assert!(count_short(n).len() <= 8, "{}", count_short(n));
            assert!(count_tight(n).len() <= 8 && count_tight(999_999) == "999 k");
        }
    }

    #[test]
    fn beats_are_counted_from_one() {
        assert_eq!(beat_label(0.0, 4.0), "1.1");
        assert_eq!(beat_label(6.0, 4.0), "2.3");
        assert_eq!(beat_label(12.0, 4.0), "4.1");
        assert_eq!(beat_label(1.5, 4.0), "1.2.3");
    }
}
