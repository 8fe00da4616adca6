//! Rasterisation (P4, DESIGN 6): order, clamping, wrapping, dirty regions.

mod common;

use common::*;
use proptest::prelude::*;
use scumble_dsp::raster::{Region, falloff};
use scumble_dsp::{Canvas, Field, FieldSpec, Lane, Stroke, StrokeKind, StrokePoint};

fn blank() -> Field {
    Field::empty(FieldSpec::new(RATE))
}

fn stroke(kind: StrokeKind, points: &[(f32, f32)]) -> Stroke {
    Stroke {
        id: 1,
        kind,
        points: points.iter().map(|&(x, y)| StrokePoint { x, y, pressure: 1.0 }).collect(),
        radius_time: 0.03,
        radius_octaves: 0.8,
        strength: 0.5,
        hardness: 0.4,
    }
}

fn same(a: &Field, b: &Field) -> bool {
    (0..a.spec().columns).all(|c| a.column(c) == b.column(c)) && a.warp_phases() == b.warp_phases()
}

/// Paint in the whole field, dB.
fn total(field: &Field) -> f64 {
    (0..field.spec().columns)
        .flat_map(|c| field.column(c).cells.iter())
        .map(|cell| f64::from(cell[Lane::Gain as usize]))
        .sum()
}

// P4: one dab, cell by cell, against the formula.
#[test]
fn a_dab_is_what_its_formula_says() {
    let stroke = stroke(StrokeKind::Gain, &[(0.5, 5.0)]);
    let field = blank().with_stroke(&stroke);
    let spec = *field.spec();
    for c in 0..spec.columns {
        for b in 0..spec.bands {
            let across = (c as f32 / spec.columns as f32 - 0.5) / stroke.radius_time;
            let up = (spec.band_octaves(b) - 5.0) / stroke.radius_octaves;
            let weight = 0.5 * falloff(across.hypot(up), stroke.hardness);
            let expected = 24.0 * 0.25 * weight;
            let cell = field.column(c).cells[b];
            assert!((cell[Lane::Gain as usize] - expected).abs() < 1e-4, "{c} {b}");
            assert!(cell[1..].iter().all(|&v| v == 0.0));
        }
    }
}

// P4: no seam at the loop's end: a stroke there is the same stroke anywhere.
#[test]
fn strokes_wrap_round_the_loop_without_a_seam() {
    let middle = blank().with_stroke(&stroke(StrokeKind::Gain, &[(0.4375, 4.0), (0.5625, 6.0)]));
    let over = blank().with_stroke(&stroke(StrokeKind::Gain, &[(0.9375, 4.0), (1.0625, 6.0)]));
    for c in 0..512 {
        for b in 0..128 {
            let (a, z) = (middle.column(c).cells[b][0], over.column(c + 256).cells[b][0]);
            assert!((a - z).abs() < 2e-3, "{c} {b}: {a} {z}");
        }
    }
}

// P4: dabs accumulate in order and are clamped; an eraser takes away what came before it only.
#[test]
fn order_counts_and_everything_stays_in_range() {
    let paint = stroke(StrokeKind::Gain, &[(0.4, 5.0), (0.6, 5.0)]);
    let mut eraser = stroke(StrokeKind::Erase, &[(0.4, 5.0), (0.6, 5.0)]);
    eraser.strength = 1.0;
    let erased = blank().with_stroke(&paint).with_stroke(&eraser);
    let repainted = blank().with_stroke(&eraser).with_stroke(&paint);
    // Both brushes fall off at their rims, so a little of the rim stays.
    let centre = |field: &Field| field.column(256).cells[62][0];
    assert!(centre(&erased) < 0.1 * centre(&repainted));
    assert!(total(&erased) < 0.35 * total(&repainted));
    let mut loud = blank();
    for _ in 0..20 {
        loud = loud.with_stroke(&paint);
    }
    let (low, high) = Lane::Gain.range();
    let cells = || (0..512).flat_map(|c| loud.column(c).cells.iter());
    assert!(cells().all(|cell| (low..=high).contains(&cell[0])));
    assert!(cells().any(|cell| cell[0] == high));
    // From the ceiling down: the clamped excess is not remembered.
    let mut quiet = paint.clone();
    quiet.strength = -0.5;
    let lowered = loud.with_stroke(&quiet);
    assert!(lowered.column(256).cells[63][0] < high - 5.0);
}

// P4: only dirty columns are painted again, and the result is that of painting all.
#[test]
fn a_dirty_region_gives_what_a_whole_raster_gives() {
    let mut canvas = Canvas::default();
    for i in 0..12 {
        let x = i as f32 * 0.083;
        let kind = StrokeKind::ALL[i % 9];
        let mut stroke = stroke(kind, &[(x, 3.0), (x + 0.1, 7.0)]);
        stroke.id = i as u64;
        canvas.strokes.push(stroke);
    }
    let spec = FieldSpec::new(RATE);
    let whole = Field::rasterise(&canvas, spec);
    // Undo of the seventh, in place.
    let gone = canvas.strokes.remove(6);
    let region = Region::of(&gone, spec.columns);
    let updated = whole.update(&canvas, region);
    assert!(same(&updated, &Field::rasterise(&canvas, spec)));
    let kept = (0..512).filter(|&c| updated.shares_column(&whole, c)).count();
    assert!(kept >= 512 - region.count, "untouched columns are shared");
    // And a stroke more.
    canvas.strokes.push(gone.clone());
    assert!(same(&updated.with_stroke(&gone), &Field::rasterise(&canvas, spec)));
}

#[test]
fn regions_join_round_the_loop() {
    let a = Region { first: 500, count: 20 };
    let b = Region { first: 20, count: 10 };
    assert_eq!(a.union(b, 512), Region { first: 500, count: 42 });
    assert_eq!(b.union(a, 512), Region { first: 500, count: 42 });
    assert_eq!(a.union(Region::NONE, 512), a);
    assert!(a.contains(511, 512) && a.contains(7, 512) && !a.contains(8, 512));
}

// P4, X8: ten thousand strokes.
#[test]
fn ten_thousand_strokes_are_painted() {
    let mut canvas = Canvas::default();
    let random = noise(5, 60_000);
    for i in 0..10_000usize {
        let r = &random[6 * i..6 * i + 6];
        let kind = StrokeKind::ALL[i % 9];
        let mut s =
            stroke(kind, &[(r[0], 5.0 + 6.0 * r[1]), (r[0] + 0.02 * r[2], 5.0 + 5.0 * r[3])]);
        s.id = i as u64;
        s.strength = r[4];
        canvas.strokes.push(s);
    }
    let field = Field::rasterise(&canvas, FieldSpec::new(RATE));
    for c in 0..512 {
        for cell in &field.column(c).cells {
            for lane in Lane::ALL {
                let (low, high) = lane.range();
                let value = cell[lane as usize];
                assert!(value.is_finite() && (low..=high).contains(&value));
            }
        }
    }
    // Undo of the last touches little.
    let gone = canvas.strokes.pop().expect("there are many");
    let region = Region::of(&gone, 512);
    assert!(region.count < 60);
    assert!(same(&field.update(&canvas, region), &Field::rasterise(&canvas, *field.spec())));
}

// DESIGN 6: the running phase of a painted warp has no step within its run.
#[test]
fn warp_phases_run_on_from_column_to_column_and_over_the_end() {
    let field = blank().with_stroke(&stroke(StrokeKind::WarpFreq, &[(0.9, 5.0), (1.1, 5.0)]));
    let phases = field.warp_phases().expect("something is displaced");
    let bands = field.spec().bands;
    let mut moving = 0;
    for c in 0..512 {
        for b in 0..bands {
            let (at, next) = (c * bands + b, (c + 1) % 512 * bands + b);
            if phases.rate[at] != 0 && phases.rate[next] != 0 {
                let sum = phases.before[at].wrapping_add(phases.rate[at]);
                assert_eq!(sum, phases.before[next], "{c} {b}");
                moving += 1;
            } else if phases.rate[at] == 0 {
                assert_eq!(phases.before[at], 0);
            }
        }
    }
    assert!(moving > 1000);
    assert!(blank().warp_phases().is_none());
}

// X4: the document survives its way through JSON.
#[test]
fn a_canvas_comes_back_from_json() {
    let mut canvas = Canvas::default();
    for (i, kind) in StrokeKind::ALL.into_iter().enumerate() {
        let mut s = stroke(kind, &[(0.1, 3.0), (0.123_456_79, 7.000_001)]);
        s.id = i as u64;
        canvas.strokes.push(s);
    }
    let text = serde_json::to_string(&canvas).expect("serialises");
    assert_eq!(serde_json::from_str::<Canvas>(&text).expect("parses"), canvas);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    // P4: whatever a stroke is, it changes its region and nothing else, and nothing breaks.
    #[test]
    fn any_stroke_stays_within_its_region(
        points in prop::collection::vec((-3.0f32..4.0, -20.0f32..40.0, -1.0f32..2.0), 0..6),
        radius_time in 0.0f32..1.5, radius_octaves in 0.0f32..20.0, strength in -2.0f32..2.0,
        hardness in -0.5f32..1.5, kind in 0usize..9,
    ) {
        let stroke = Stroke {
            id: 0,
            kind: StrokeKind::ALL[kind],
            points: points.iter().map(|&(x, y, pressure)| StrokePoint { x, y, pressure }).collect(),
            radius_time, radius_octaves, strength, hardness,
        };
        let before = blank().with_stroke(&Stroke { kind: StrokeKind::Gain, ..self::stroke(StrokeKind::Gain, &[(0.2, 5.0)]) });
        let after = before.with_stroke(&stroke);
        let region = Region::of(&stroke, 512);
        for c in 0..512 {
            if !region.contains(c, 512) {
                prop_assert!(after.shares_column(&before, c), "column {c} outside {region:?}");
            }
            prop_assert!(after.column(c).cells.iter().flatten().all(|v| v.is_finite()));
        }
    }
}
