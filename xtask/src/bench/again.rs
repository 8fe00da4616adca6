//! Measuring again what missed its bar.
//!
//! A bench runs on machines that others use too: a virtual one is taken away for milliseconds, a core
//! is slowed down by its neighbours for seconds. What they did to a figure is gone when it is measured
//! again a minute later; what the program did comes again. So each group with a figure over its bar is
//! measured twice more after all the others, as far as the time allows, and of each of its figures the
//! median of three counts, whichever way it goes: a figure that is over its bar two times in three is
//! missed.

use std::time::Duration;

use super::figure::Figure;

/// How often a group that missed a bar is measured in all; odd, so that the median is one of them.
pub const RUNS: usize = 3;

/// A group with the figures of each time it was measured.
#[derive(Default)]
pub struct Measured {
    pub group: &'static str,
    /// How long the first time took.
    pub took: Duration,
    pub runs: Vec<Vec<Figure>>,
}

impl Measured {
    /// One line per figure: the median of those runs that measured it.
    pub fn figures(&self) -> Vec<Figure> {
        let Some(most) = self.runs.iter().max_by_key(|run| run.len()) else { return Vec::new() };
        let runs = |id: &str| -> Vec<Figure> {
            self.runs.iter().flatten().filter(|figure| figure.id == id).cloned().collect()
        };
        most.iter().filter_map(|figure| median(runs(&figure.id))).collect()
    }

    fn is_doubtful(&self) -> bool {
        self.figures().iter().any(Figure::missed)
    }
}

/// The run in the middle, as it is: value, reference and ratio belong together.
fn median(mut runs: Vec<Figure>) -> Option<Figure> {
    // What was not measured is worse than any measure; what has no bar is ordered by its value.
    let key = |figure: &Figure| match figure.judged() {
        judged if judged.is_nan() => f64::INFINITY,
        judged => figure.of_bar().unwrap_or(judged),
    };
    runs.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let all = runs.iter().map(Figure::judged).collect();
    let middle = runs.len() / 2;
    (!runs.is_empty()).then(|| Figure { runs: all, ..runs.swap_remove(middle) })
}

/// The groups to be measured again within `left`, and not quite that: a run may take a little longer
/// than the one before. The shortest first, so that most get their turn.
pub fn doubtful(measured: &[Measured], left: Duration) -> Vec<usize> {
    let more = (RUNS - 1) as u32;
    let mut which: Vec<usize> =
        (0..measured.len()).filter(|&at| measured[at].is_doubtful()).collect();
    which.sort_by_key(|&at| measured[at].took);
    let mut spent = Duration::ZERO;
    which.retain(|&at| {
        let cost = measured[at].took * more;
        let fits = spent + cost <= left.mul_f64(0.95);
        spent += if fits { cost } else { Duration::ZERO };
        fits
    });
    which
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn figure(id: &str, value: Option<f64>, pass: bool) -> Figure {
        let line = json!({"id": id, "group": "g", "value": value, "unit": "ms", "bar": 3.0,
            "pass": pass});
        Figure::parse(&line).expect("a figure")
    }

    fn measured(seconds: u64, values: &[Option<f64>]) -> Measured {
        let at_most = |value: &Option<f64>| {
            vec![figure("a", *value, value.is_some_and(|v| v <= 3.0)), figure("b", Some(1.0), true)]
        };
        let runs = values.iter().map(at_most).collect();
        Measured { group: "g", took: Duration::from_secs(seconds), runs }
    }

    #[test]
    fn the_middle_of_three_counts_whichever_way_it_goes() {
        let judge = |values: &[Option<f64>]| {
            let figures = measured(1, values).figures();
            assert_eq!(figures.len(), 2);
            (figures[0].value, figures[0].missed(), figures[0].runs.len())
        };
        assert_eq!(judge(&[Some(5.0)]), (5.0, true, 1));
        assert_eq!(judge(&[Some(5.0), Some(2.0), Some(1.0)]), (2.0, false, 3));
        assert_eq!(judge(&[Some(1.0), Some(4.0), Some(5.0)]), (4.0, true, 3));
        assert_eq!(judge(&[None, Some(4.0), Some(1.0)]), (4.0, true, 3));
        assert_eq!(judge(&[None, Some(2.0), Some(1.0)]), (2.0, false, 3));
        let (value, missed, _) = judge(&[None, Some(2.0), None]);
        assert!(value.is_nan() && missed);
    }

    #[test]
    fn at_least_is_ordered_from_its_own_side() {
        let fast = |value: f64| vec![figure("a", Some(value), value >= 3.0)];
        let runs = vec![fast(2.0), fast(9.0), fast(4.0)];
        let median = &Measured { runs, ..Measured::default() }.figures()[0];
        assert_eq!((median.value, median.missed()), (4.0, false));
        assert_eq!(median.runs, [9.0, 4.0, 2.0]);
    }

    #[test]
    fn the_shortest_groups_in_doubt_have_their_turn_first() {
        let all = [
            measured(30, &[Some(9.0)]),
            measured(10, &[Some(2.0)]),
            measured(20, &[Some(9.0)]),
            measured(1, &[None]),
        ];
        assert_eq!(doubtful(&all, Duration::from_secs(200)), [3, 2, 0]);
        assert_eq!(doubtful(&all, Duration::from_secs(45)), [3, 2]);
        assert!(doubtful(&all, Duration::from_secs(1)).is_empty());
    }
}
