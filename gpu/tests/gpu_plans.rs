//! Plans of tasks, without any GPU: no step leaves its buffers, which is what lets the kernels run
//! without bounds checks, and no pass reads where it writes.
#![cfg(not(loom))]

use std::ops::Range;
use std::sync::Arc;

use scumble_dsp::effect::warp::{FRACTIONS, KERNEL};
use scumble_dsp::raster::Region;
use scumble_dsp::store::Store;
use scumble_dsp::texture::{AutoGain, RowMap};
use scumble_dsp::transform::{Complex, CqtSpec, GaborSpec, MelSpec, SliceWindow, StftSpec};
use scumble_dsp::{
    Canvas, Field, FieldSpec, LANES, Stroke, StrokeKind, StrokePoint, WindowShape, WindowSpec,
};
use scumble_gpu::compute::plan::Plan;
use scumble_gpu::compute::recipe::{Recipe, Tables};
use scumble_gpu::compute::steps::{Kernel, NONE, Planned, Step};
use scumble_gpu::compute::{Analysis, FieldChange, Picture, PictureRows, Task};

/// What a step touches, as half-open ranges.
#[derive(Debug, Default)]
struct Touches {
    reads: Range<usize>,
    writes: Range<usize>,
    output: usize,
    input: usize,
    turns: usize,
    weights: usize,
    bands: usize,
}

fn touches(planned: &Planned, tables: &Tables) -> Touches {
    let step: &Step = &planned.step;
    let of = |word: u32| word as usize;
    let (n, end, rows) = (of(step.n), of(step.end), of(step.rows));
    let (source, target) = (of(step.source), of(step.target_at));
    let (turns, apart) = (of(step.turns), of(step.turn_step));
    let (place, stride, count) = (of(step.place), of(step.stride), of(step.count));
    let window = |len: usize| if step.window == NONE { 0 } else { of(step.window) + len };
    let mut t = Touches::default();
    // Whole rows only, or the last would reach beyond.
    let in_rows = |per_row: usize| {
        assert_eq!((of(step.row_items), end % per_row), (per_row, 0), "{planned:?}");
        end / per_row
    };
    let band = |number: usize| &tables.bands[of(step.bands) + number];
    match planned.kernel {
        Kernel::Load => {
            t.writes = target..target + in_rows(n) * n;
            t.weights = window(2 * n);
            assert!(of(step.turned) < 2 * n);
        }
        Kernel::Pass2 | Kernel::Pass3 | Kernel::Pass4 | Kernel::Pass5 | Kernel::PassAny => {
            let any = planned.kernel == Kernel::PassAny;
            let points = in_rows(if any { n } else { n / of(step.radix) }) * n;
            assert_eq!(n % (of(step.span) * of(step.radix)), 0);
            assert_eq!(of(step.unit) * of(step.span) * of(step.radix), n);
            t.reads = source..source + points;
            t.writes = target..target + points;
            t.turns = turns + (n - 1) * apart + 1;
        }
        Kernel::Split => {
            let rows = in_rows(n / 2 + 1);
            t.reads = source..source + rows * n;
            t.writes = target..target + rows * (n + 1);
            t.turns = turns + n / 2 * apart + 1;
        }
        Kernel::Join => {
            t.reads = source..source + n + 1;
            t.writes = target..target + end;
            t.turns = turns + n * apart;
            assert_eq!(end, n);
        }
        Kernel::AddSound => {
            t.reads = source..source + end.div_ceil(2);
            t.output = of(step.samples);
            t.weights = window(end);
        }
        Kernel::Measure => {
            let bins = in_rows(rows);
            t.reads = source..source + rows * (n + 1);
            t.output = place + (bins - 1) * stride + rows;
            t.bands = of(step.bands) + bins;
            for band in (0..bins).map(band) {
                assert!(of(band.bin + band.len) <= n + 1);
                t.weights = t.weights.max(of(band.at + band.len));
            }
        }
        Kernel::Fold => {
            let rows = in_rows(n);
            t.reads = source..source + of(step.whole) / 2 + 1;
            t.writes = target..target + end;
            t.bands = of(step.bands) + rows;
            for band in (0..rows).map(band) {
                assert!(of(band.bin) < of(step.whole) && of(band.len) <= of(step.whole));
                assert!(of(band.fold_at) < n);
                t.weights = t.weights.max(of(band.at + band.len));
            }
        }
        Kernel::Store => {
            let rows = in_rows(count);
            assert!(of(step.keep) + count <= n);
            t.reads = source..source + rows * n;
            t.output = 2 * (place + (rows - 1) * stride + count);
        }
        Kernel::Fetch => {
            t.writes = target..target + end;
            t.input = 2 * (place + (in_rows(n) - 1) * stride + n);
        }
        Kernel::Unfold => {
            t.writes = target..target + end;
            t.weights = window(2 * end);
            for cover in tables.weights[of(step.window)..t.weights].as_chunks::<2>().0 {
                for number in cover[0] as usize..cover[1] as usize {
                    let band = band(number);
                    let row = source + of(band.row);
                    t.reads = source..t.reads.end.max(row + of(band.frames));
                    t.bands = t.bands.max(of(step.bands) + number + 1);
                    t.weights = t.weights.max(of(band.at + band.len));
                }
            }
        }
        Kernel::Picture => {
            t.reads = source..source + in_rows(rows) * (n + 1);
            t.output = place + end;
            t.weights = window(3 * rows);
            for row in tables.weights[of(step.window)..t.weights].as_chunks::<3>().0 {
                let last = if row[1] > row[0] { row[1] - 1.0 } else { row[0] + 1.0 };
                assert!(last as usize <= n, "{row:?} of {n}");
            }
        }
        Kernel::Paint => {
            in_rows(n);
            t.output = end * LANES;
            t.weights = window(2 * n).max(stride + 4 * StrokeKind::ALL.len());
            t.input = of(step.samples).max(of(step.keep) + end * LANES);
        }
        Kernel::EditSums | Kernel::EditCarry => {
            // Runs of 32 bins; all bins stand in `turn_step`.
            assert_eq!(n, apart.div_ceil(32));
            t.writes = 0..in_rows(n) * (apart + n);
            t.input = (of(step.samples) + end / n).max(2 * rows * stride);
        }
        Kernel::EditClear => t.writes = 0..end,
        kernel => {
            let painted = in_rows(n);
            let warps = matches!(kernel, Kernel::EditScatter | Kernel::EditWarp);
            let amounts = if warps { painted * (n + 1) } else { end };
            assert!(of(step.keep) + n <= stride && of(step.whole) + n <= apart);
            assert!(of(step.samples) + painted <= of(step.hop) && step.count > 0);
            assert_eq!(of(step.hop) + 2 * amounts, place);
            t.input = match kernel {
                Kernel::EditFreeze => place + 4 * n,
                _ if warps => place + painted,
                _ => place,
            };
            if kernel == Kernel::EditScatter {
                t.writes = 0..end;
                t.weights = window((FRACTIONS + 1) * KERNEL);
            } else {
                t.output = 2 * end;
            }
            if kernel == Kernel::EditBlur {
                t.reads = 0..painted * (apart + apart.div_ceil(32));
            }
        }
    }
    t
}

fn check(task: &Task) {
    let recipe = Recipe::new(task).expect("a good task").expect("there are kernels");
    let plan = Plan::new(&recipe, task).expect("fits");
    let tables = &recipe.tables;
    for planned in &plan.steps {
        let t = touches(planned, tables);
        assert!(t.reads.end <= plan.work_elements, "{planned:?}: {t:?}");
        assert!(t.writes.end <= plan.work_elements, "{planned:?}: {t:?}");
        assert!(t.output <= plan.output_words, "{planned:?}: {t:?} of {}", plan.output_words);
        assert!(t.input <= plan.input_words, "{planned:?}: {t:?} of {}", plan.input_words);
        assert!(t.turns <= tables.turns.len(), "{planned:?}: {t:?}");
        assert!(t.weights <= tables.weights.len(), "{planned:?}: {t:?}");
        assert!(t.bands <= tables.bands.len(), "{planned:?}: {t:?}");
        let apart = t.reads.end <= t.writes.start || t.writes.end <= t.reads.start;
        assert!(apart || t.reads.is_empty() || t.writes.is_empty(), "{planned:?}: {t:?}");
    }
    if let Some(input) = &plan.input {
        assert_eq!(input.len(), plan.input_words);
    }
}

fn silence(samples: usize) -> Arc<[f32]> {
    vec![0.0; samples].into()
}

#[test]
fn transforms_stay_in_their_buffers_at_every_rate_and_length() {
    for rate in [8_000.0, 44_100.0, 192_000.0] {
        let gabor = GaborSpec { bins_per_octave: 12, ..GaborSpec::new(rate) };
        let longest = (1.5 * rate) as usize;
        let slices = |slice_samples| Analysis::Slices {
            spec: gabor,
            slice_samples,
            window: SliceWindow::Hann,
        };
        let mut odd = MelSpec::new(rate);
        odd.stft = StftSpec { sample_rate: rate, window_samples: 882, hop_samples: 441 };
        for analysis in [
            Analysis::Mel(MelSpec::new(rate)),
            Analysis::Mel(odd),
            Analysis::Cqt(CqtSpec::new(rate)),
            Analysis::Cqt(CqtSpec { hop_samples: 441, ..CqtSpec::variable(rate) }),
            Analysis::Gabor { spec: gabor, longest },
            slices(4_000),
            slices(1_430),
        ] {
            for samples in [0, 1, 777, longest] {
                check(&Task::Analyse { analysis, sound: silence(samples) });
            }
        }
        for (analysis, samples) in [
            (Analysis::Gabor { spec: gabor, longest }, longest),
            (Analysis::Gabor { spec: gabor, longest }, 1),
            (slices(4_000), 10_001),
        ] {
            let there = Task::Analyse { analysis, sound: silence(samples) };
            let recipe = Recipe::new(&there).expect("good").expect("kernels");
            let words = Plan::new(&recipe, &there).expect("fits").output_words;
            let values = vec![Complex::default(); words / 2].into();
            check(&Task::Synthesise { analysis, values, samples });
        }
    }
}

#[test]
fn pictures_and_fields_stay_in_their_buffers() {
    for map in [None, Some(RowMap::new(64, 513, 44_100.0)), Some(RowMap::new(900, 513, 8_000.0))] {
        let rows = map.map_or(PictureRows::Bins, |map| PictureRows::Mapped(Arc::new(map)));
        let level = AutoGain::default();
        let picture = Picture { window_samples: 1024, hop_samples: 256, rows, gain: 1.0, level };
        for samples in [0, 1024, 1025, 700_000] {
            check(&Task::Picture { picture: picture.clone(), sound: silence(samples) });
        }
    }
    let spec = FieldSpec::new(48_000.0);
    let before = Arc::new(Field::empty(spec));
    let stroke = Stroke {
        id: 1,
        kind: StrokeKind::Erase,
        points: vec![StrokePoint { x: 0.9, y: 3.0, pressure: 1.0 }],
        radius_time: 0.3,
        radius_octaves: 2.0,
        strength: 1.0,
        hardness: 0.5,
    };
    let canvas = Arc::new(Canvas { strokes: vec![stroke.clone(); 3], ..Canvas::default() });
    for change in [
        FieldChange::Add(Arc::new(stroke)),
        FieldChange::Again { canvas: Arc::clone(&canvas), dirty: Region::all(spec.columns) },
        FieldChange::Again { canvas, dirty: Region::NONE },
    ] {
        check(&Task::Field { before: Arc::clone(&before), change });
    }
}

#[test]
fn strokes_on_a_store_stay_in_their_buffers_at_every_edge() {
    let spec = WindowSpec::custom(1024, 1024, 256, WindowShape::Hann).expect("legal");
    for samples in [1, 9_000] {
        let mut store = Store::new(spec, 44_100.0, &vec![0.25; samples]);
        for kind in StrokeKind::ALL {
            for (x, y) in [(0.5, 5.0), (-0.05, -1.0), (1.02, 11.0)] {
                let stroke = Stroke {
                    id: 1,
                    kind,
                    points: vec![StrokePoint { x, y, pressure: 1.0 }],
                    radius_time: 0.2,
                    radius_octaves: 3.0,
                    strength: 1.0,
                    hardness: 0.5,
                };
                match store.edit(&stroke, &[]) {
                    Some(edit) => check(&Task::Edit(Arc::new(edit))),
                    None => assert!(kind == StrokeKind::Erase || samples == 1, "{x} {y}"),
                }
            }
        }
    }
}

#[test]
fn what_has_no_kernels_is_left_to_the_twin() {
    let mut spec = MelSpec::new(44_100.0);
    for window_samples in [2 * 67, 2047] {
        spec.stft.window_samples = window_samples;
        let task = Task::Analyse { analysis: Analysis::Mel(spec), sound: silence(100) };
        assert!(Recipe::new(&task).expect("a good task").is_none(), "{window_samples}");
    }
    let analysis = Analysis::Mel(MelSpec::new(44_100.0));
    let back = Task::Synthesise { analysis, values: Vec::new().into(), samples: 10 };
    let recipe = Recipe::new(&back).expect("a good spec").expect("kernels");
    assert!(Plan::new(&recipe, &back).is_none(), "Mel has no way back");
}
