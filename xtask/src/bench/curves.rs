//! Curves: how the cost grows with one thing, the contenders in one plot, and in words from where on
//! which of them is the faster.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::machine::Machine;
use super::svg::{Anchor, BLUE, FAINT, GREY, INK, ORANGE, RED, Svg};

pub struct Series {
    pub name: String,
    /// Rising in x.
    pub points: Vec<(f64, f64)>,
}

pub struct Curve {
    pub id: String,
    pub title: String,
    pub x: String,
    pub y: String,
    /// A value of y that must not be exceeded to keep up, and its name.
    pub limit: Option<(f64, String)>,
    /// The first two series do the same job.
    pub compare: bool,
    /// What a reader must know beside it.
    pub note: Option<String>,
    pub series: Vec<Series>,
}

impl Curve {
    pub fn parse(value: &Value) -> Result<Self> {
        let text = |key: &str| {
            let found = value[key].as_str().map(str::to_owned);
            found.with_context(|| format!("a curve without {key:?}"))
        };
        let pairs = |series: &Value| -> Option<Vec<(f64, f64)>> {
            let pair = |p: &Value| Some((p[0].as_f64()?, p[1].as_f64()?));
            series["points"].as_array()?.iter().map(pair).collect()
        };
        let series = value["series"].as_array().context("a curve without series")?;
        let limit = &value["limit"];
        Ok(Self {
            id: text("id")?,
            title: text("title")?,
            x: text("x")?,
            y: text("y")?,
            limit: limit[0].as_f64().zip(limit[1].as_str().map(str::to_owned)),
            compare: value["compare"].as_bool().unwrap_or(false),
            note: value["note"].as_str().map(str::to_owned),
            series: series
                .iter()
                .map(|one| {
                    let name = one["name"].as_str().context("a series without a name")?.to_owned();
                    let points = pairs(one).context("points are pairs of numbers")?;
                    Ok(Series { name, points })
                })
                .collect::<Result<_>>()?,
        })
    }

    pub fn json(&self) -> Value {
        let series = |s: &Series| json!({"name": s.name, "points": s.points});
        json!({
            "id": self.id, "title": self.title, "x": self.x, "y": self.y,
            "limit": self.limit, "compare": self.compare, "note": self.note, "verdict": self.verdict(),
            "series": self.series.iter().map(series).collect::<Vec<_>>(),
        })
    }

    /// Which of the first two contenders is the faster, and where that changes.
    pub fn verdict(&self) -> String {
        let (true, [a, b, ..]) = (self.compare, self.series.as_slice()) else {
            return String::new();
        };
        // Where both were measured.
        let other = |x: f64| b.points.iter().find(|point| point.0 == x);
        let ratios: Vec<(f64, f64)> =
            a.points.iter().filter_map(|a| Some((a.0, other(a.0)?.1 / a.1))).collect();
        let faster = |ratio: f64| if ratio >= 1.0 { &a.name } else { &b.name };
        let Some((first, last)) = ratios.first().zip(ratios.last()) else { return String::new() };
        let by = |ratio: f64| {
            let times = ratio.max(1.0 / ratio);
            if times >= 10.0 { format!("{times:.0} times") } else { format!("{times:.1} times") }
        };
        let mut words =
            format!("at {} the {} is faster, {}", first.0, faster(first.1), by(first.1));
        let mut crossings = 0;
        for pair in ratios.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            if (before.1 >= 1.0) != (after.1 >= 1.0) {
                crossings += 1;
                words += &format!(
                    "; from between {} and {} on the {}",
                    before.0,
                    after.0,
                    faster(after.1)
                );
            }
        }
        if ratios.len() > 1 {
            words += &format!("; at {} the {}, {}", last.0, faster(last.1), by(last.1));
        }
        if crossings == 0 { format!("no crossover: {words}") } else { words }
    }
}

const LEFT: f64 = 70.0;
const TOP: f64 = 90.0;
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 300.0;

/// An axis that is logarithmic wherever zero is not on it.
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    begin: f64,
    length: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, begin: f64, length: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let logarithmic = low > 0.0;
        let (low, high) = if low == high { (low * 0.5, high * 2.0 + 1.0) } else { (low, high) };
        Self { low, high, logarithmic, begin, length }
    }

    /// Rounded outwards to powers of ten.
    fn decades(mut self) -> Self {
        if self.logarithmic {
            self.low = 10f64.powf(self.low.log10().floor());
            self.high = 10f64.powf(self.high.log10().ceil());
        }
        self
    }

    fn place(&self, value: f64) -> f64 {
        let part = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            // Denser where values are small: 0, 10, 100, 1000 are all to be seen.
            ((value - self.low) / (self.high - self.low)).max(0.0).powf(0.33)
        };
        self.begin + self.length * part
    }
}

pub fn picture(curve: &Curve, machine: &Machine) -> String {
    let points = || curve.series.iter().flat_map(|s| &s.points);
    let across = Axis::new(points().map(|p| p.0), LEFT, WIDTH);
    let limit = curve.limit.as_ref().map(|(limit, _)| *limit);
    let up = Axis::new(points().map(|p| p.1).chain(limit), TOP + HEIGHT, -HEIGHT).decades();
    let mut svg = Svg::new(LEFT + WIDTH + 30.0, TOP + HEIGHT + 90.0);
    svg.text(10.0, 22.0, 15.0, INK, Anchor::Start, &curve.title);
    svg.text(10.0, 42.0, 12.0, INK, Anchor::Start, &curve.verdict());
    svg.text(10.0, 58.0, 9.5, RED, Anchor::Start, curve.note.as_deref().unwrap_or_default());
    svg.text(10.0, TOP - 10.0, 11.0, GREY, Anchor::Start, &curve.y);
    let bottom = TOP + HEIGHT;
    // The places where it was measured are the marks across.
    let mut last = f64::NEG_INFINITY;
    for (x, _) in curve.series.first().map_or(&[][..], |s| &s.points) {
        let at = across.place(*x);
        svg.line((at, TOP), (at, bottom), FAINT, false);
        if at - last >= 34.0 {
            svg.text(at, bottom + 16.0, 11.0, GREY, Anchor::Middle, &format!("{x}"));
            last = at;
        }
    }
    for mark in marks(&up) {
        let at = up.place(mark);
        svg.line((LEFT, at), (LEFT + WIDTH, at), FAINT, false);
        svg.text(LEFT - 6.0, at + 4.0, 11.0, GREY, Anchor::End, &format!("{mark}"));
    }
    let middle = LEFT + WIDTH / 2.0;
    svg.text(middle, bottom + 34.0, 12.0, INK, Anchor::Middle, &curve.x);
    if let Some((value, name)) = &curve.limit {
        let at = up.place(*value);
        svg.line((LEFT, at), (LEFT + WIDTH, at), RED, true);
        svg.text(LEFT + WIDTH - 4.0, at - 4.0, 11.0, RED, Anchor::End, name);
    }
    for (i, (series, colour)) in curve.series.iter().zip([BLUE, ORANGE, GREY]).enumerate() {
        let line: Vec<(f64, f64)> =
            series.points.iter().map(|(x, y)| (across.place(*x), up.place(*y))).collect();
        svg.path(&line, colour);
        line.iter().for_each(|(x, y)| svg.dot(*x, *y, colour));
        let at = LEFT + 200.0 * i as f64;
        svg.bar(at, bottom + 48.0, 14.0, 4.0, colour);
        svg.text(at + 20.0, bottom + 54.0, 12.0, INK, Anchor::Start, &series.name);
    }
    svg.text(10.0, bottom + 80.0, 11.0, GREY, Anchor::Start, &machine.to_string());
    svg.finish()
}

/// Powers of ten; quarters of the range on an axis that has none.
fn marks(axis: &Axis) -> Vec<f64> {
    if !axis.logarithmic {
        return (0..=4).map(|i| axis.low + (axis.high - axis.low) * f64::from(i) / 4.0).collect();
    }
    let (low, high) = (axis.low.log10().round() as i32, axis.high.log10().round() as i32);
    (low..=high).map(|power| 10f64.powi(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(cpu: &[f64], gpu: &[f64]) -> Curve {
        let points =
            |y: &[f64]| y.iter().enumerate().map(|(i, y)| json!([1 << i, y])).collect::<Vec<_>>();
        Curve::parse(&json!({"id": "c", "title": "t", "x": "n", "y": "us", "limit": [9.0, "all"],
            "compare": true,
            "series": [{"name": "CPU", "points": points(cpu)},
                       {"name": "GPU", "points": points(gpu)}]}))
        .expect("a curve")
    }

    #[test]
    fn the_verdict_names_the_faster_and_the_crossover() {
        let never = curve(&[1.0, 2.0], &[4.0, 4.0]).verdict();
        assert_eq!(
            never,
            "no crossover: at 1 the CPU is faster, 4.0 times; at 2 the CPU, 2.0 times"
        );
        let once = curve(&[1.0, 2.0, 8.0], &[4.0, 4.0, 4.0]).verdict();
        assert_eq!(
            once,
            "at 1 the CPU is faster, 4.0 times; from between 2 and 4 on the GPU; at 4 the GPU, 2.0 times"
        );
    }

    #[test]
    fn every_point_lies_within_the_picture() {
        let curve = curve(&[0.02, 700.0, 8.0], &[4.0, 0.4, 4000.0]);
        let up = Axis::new([0.02, 4000.0].into_iter(), TOP + HEIGHT, -HEIGHT).decades();
        for (_, y) in curve.series.iter().flat_map(|s| &s.points) {
            let at = up.place(*y);
            assert!((TOP..=TOP + HEIGHT).contains(&at), "{y} is drawn at {at}");
        }
        let zero = Axis::new([0.0, 10_000.0].into_iter(), LEFT, WIDTH);
        assert_eq!(zero.place(0.0), LEFT);
        assert_eq!(zero.place(10_000.0), LEFT + WIDTH);
        assert!(zero.place(10.0) > LEFT + 30.0);
    }
}
