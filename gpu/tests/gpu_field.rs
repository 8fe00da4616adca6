//! The field by region, by the kernel, against the twin (P4, S14).
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::sync::Arc;

use gpu_common::tasks::{Device, strokes};
use scumble_dsp::raster::Region;
use scumble_dsp::{Canvas, Field, FieldSpec, Lane, StrokeKind};
use scumble_gpu::compute::{FieldChange, Outcome, Task};
use scumble_gpu::unified::Mapping;

fn run(device: &mut Device, task: &Task) -> Arc<Field> {
    let Outcome::Field(field) = device.run_one(task) else { panic!("no field") };
    field
}

fn canvas(seed: u32, count: usize) -> Canvas {
    Canvas { strokes: strokes(seed, count, 0.08), ..Canvas::default() }
}

/// Largest difference of a cell, in the range of its lane.
fn difference(a: &Field, b: &Field) -> f32 {
    let spec = *b.spec();
    assert_eq!((*a.spec(), a.generation()), (spec, b.generation()));
    assert_eq!(a.warp_phases().is_some(), b.warp_phases().is_some());
    let mut worst = 0.0f32;
    for c in 0..spec.columns {
        let (x, y) = (a.column(c), b.column(c));
        for (x, y) in x.cells.iter().zip(&y.cells) {
            for lane in Lane::ALL {
                let (low, high) = lane.range();
                let off = (x[lane as usize] - y[lane as usize]).abs() / (high - low);
                worst = worst.max(off);
            }
        }
    }
    if let (Some(x), Some(y)) = (a.warp_phases(), b.warp_phases()) {
        let range = spec.warp_rate(20_000.0) as f32 * 2.0;
        for (&x, &y) in x.rate.iter().zip(&y.rate) {
            worst = worst.max((x.wrapping_sub(y) as i32).unsigned_abs() as f32 / range);
        }
    }
    worst
}

fn check(found: &Field, wanted: &Field, what: &str) {
    let error = difference(found, wanted);
    eprintln!("{what}: {error:.1e} of a lane's range");
    assert!(error <= 1e-4, "{what}: {error}"); // S14
}

#[test]
fn a_field_is_that_of_the_twin_whole_by_stroke_and_by_dirty_region() {
    let mut device = Device::new(Mapping::Auto);
    for (seed, rate) in [(1, 44_100.0), (2, 48_000.0), (3, 192_000.0)] {
        let spec = FieldSpec::new(rate);
        let mut canvas = canvas(seed, 27);
        let whole = Task::Field {
            before: Arc::new(Field::empty(spec)),
            change: FieldChange::Again {
                canvas: Arc::new(canvas.clone()),
                dirty: Region::all(spec.columns),
            },
        };
        let wanted = Arc::new(Field::rasterise(&canvas, spec));
        assert!(!wanted.is_empty());
        check(&run(&mut device, &whole), &wanted, "whole");

        let mut stroke = canvas.strokes[seed as usize].clone();
        for (kind, x) in [(StrokeKind::Gain, 0.5), (StrokeKind::WarpFreq, 0.98)] {
            (stroke.kind, stroke.points[0].x) = (kind, x);
            let added = Task::Field {
                before: Arc::clone(&wanted),
                change: FieldChange::Add(Arc::new(stroke.clone())),
            };
            check(&run(&mut device, &added), &wanted.with_stroke(&stroke), "one stroke more");
        }

        // Undo: the columns of one stroke again, without it, over the loop's end.
        let gone = canvas.strokes.remove(4);
        for dirty in [Region::of(&gone, spec.columns), Region { first: 500, count: 40 }] {
            let again = Task::Field {
                before: Arc::clone(&wanted),
                change: FieldChange::Again { canvas: Arc::new(canvas.clone()), dirty },
            };
            let found = run(&mut device, &again);
            check(&found, &wanted.update(&canvas, dirty), "a dirty region");
            // P4: what is not dirty is not even copied.
            let outside = (0..spec.columns).filter(|&c| !dirty.contains(c, spec.columns));
            outside.for_each(|c| assert!(found.shares_column(&wanted, c), "column {c}"));
        }
    }
}

#[test]
fn hard_rims_and_nothing_at_all_are_the_twin_s_too() {
    let mut device = Device::new(Mapping::Staged);
    let spec = FieldSpec::new(48_000.0);
    let mut canvas = canvas(9, 9);
    // A rim that is a step: which cells lie within is decided once, on the host.
    canvas.strokes.iter_mut().for_each(|stroke| stroke.hardness = 1.0);
    let empty = Arc::new(Field::empty(spec));
    let task = |canvas: &Canvas, dirty| Task::Field {
        before: Arc::clone(&empty),
        change: FieldChange::Again { canvas: Arc::new(canvas.clone()), dirty },
    };
    let all = Region::all(spec.columns);
    check(&run(&mut device, &task(&canvas, all)), &empty.update(&canvas, all), "hard");
    let none = run(&mut device, &task(&Canvas::default(), all));
    assert!(none.is_empty());
    let nowhere = run(&mut device, &task(&canvas, Region::NONE));
    assert!(nowhere.is_empty());
    canvas.strokes[0].points.clear();
    let pointless = Arc::new(canvas.strokes[0].clone());
    let task = Task::Field { before: Arc::clone(&empty), change: FieldChange::Add(pointless) };
    assert!(run(&mut device, &task).is_empty());
}
