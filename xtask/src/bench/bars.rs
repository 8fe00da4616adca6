//! A group's figures as bars: how much of its bar each uses up.

use super::figure::{Figure, number};
use super::machine::Machine;
use super::svg::{Anchor, FAINT, GREEN, GREY, INK, RED, Svg};

const LEFT: f64 = 430.0;
const PLOT: f64 = 300.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 60.0;
const ROW: f64 = 20.0;
/// A hundredth of the bar to ten times the bar, on a logarithmic axis.
const LOW: f64 = 0.01;
const HIGH: f64 = 10.0;

fn place(of_bar: f64) -> f64 {
    let part = (of_bar.clamp(LOW, HIGH) / LOW).ln() / (HIGH / LOW).ln();
    LEFT + PLOT * part
}

pub fn picture(group: &str, figures: &[Figure], machine: &Machine) -> String {
    let bottom = TOP + ROW * figures.len() as f64;
    let mut svg = Svg::new(LEFT + PLOT + RIGHT, bottom + 40.0);
    svg.text(10.0, 22.0, 15.0, INK, Anchor::Start, group);
    for (mark, name) in [(0.01, "1 %"), (0.1, "10 %"), (1.0, "the bar"), (10.0, "10 x")] {
        let x = place(mark);
        let colour = if mark == 1.0 { INK } else { FAINT };
        svg.line((x, TOP - 8.0), (x, bottom), colour, mark != 1.0);
        svg.text(x, TOP - 14.0, 11.0, GREY, Anchor::Middle, name);
    }
    for (row, figure) in figures.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        svg.text(LEFT - 8.0, y + 13.0, 12.0, INK, Anchor::End, &figure.id);
        if let Some(of_bar) = figure.of_bar() {
            let colour = if figure.missed() { RED } else { GREEN };
            svg.bar(LEFT, y + 4.0, place(of_bar) - LEFT, ROW - 8.0, colour);
        }
        let value = format!("{} {}", number(Some(figure.value)), figure.unit);
        let (words, colour) = match figure.ratio {
            _ if figure.value.is_nan() => ("not measured".to_owned(), RED),
            Some(ratio) => (format!("{value}, ratio {ratio:.2}"), INK),
            None => (value, INK),
        };
        svg.text(LEFT + PLOT + 8.0, y + 13.0, 11.0, colour, Anchor::Start, &words);
    }
    svg.text(10.0, bottom + 28.0, 11.0, GREY, Anchor::Start, &machine.to_string());
    svg.finish()
}
