//! The field by region (P4): what changes, its recipe and its plan. The dabs that meet each column
//! are listed here, by the twin's own function; kernels put them down.
//!
//! The running phases of a painted warp stay on the CPU: they count turns in units that f64 makes
//! exact, which WGSL has not, and each follows from the one before.

use std::sync::Arc;

use scumble_dsp::raster::{self, Region, Tip};
use scumble_dsp::{Canvas, Field, FieldSpec, LANES, Stroke, StrokeKind};

use super::Outcome;
use super::plan::{Plan, Reading};
use super::recipe::Tables;
use super::steps::{Kernel, Planned, Step};

/// What is different from the field before.
#[derive(Clone, Debug)]
pub enum FieldChange {
    /// One stroke more, the last of the canvas.
    Add(Arc<Stroke>),
    /// The columns of `dirty` are painted again; all of them make a whole new field.
    Again { canvas: Arc<Canvas>, dirty: Region },
}

impl FieldChange {
    pub(super) fn by_twin(&self, before: &Field) -> Field {
        match self {
            Self::Add(stroke) => before.with_stroke(stroke),
            Self::Again { canvas, dirty } => before.update(canvas, *dirty),
        }
    }

    fn strokes(&self) -> &[Stroke] {
        match self {
            Self::Add(stroke) => std::slice::from_ref(&**stroke),
            Self::Again { canvas, .. } => &canvas.strokes,
        }
    }

    fn region(&self, columns: usize) -> Region {
        match self {
            Self::Add(stroke) => Region::of(stroke, columns),
            Self::Again { dirty, .. } => *dirty,
        }
    }
}

#[derive(Clone, Debug)]
pub struct FieldRecipe {
    /// Octaves and hertz of each band.
    bands: u32,
    /// Lane, full effect and range of each kind.
    kinds: u32,
}

impl FieldRecipe {
    pub fn new(tables: &mut Tables, spec: &FieldSpec) -> Self {
        // As `raster` places a band, to the bit.
        let step = spec.octaves() / (spec.bands - 1) as f32;
        let bands = tables.add_weights((0..spec.bands).flat_map(|band| {
            let octaves = band as f32 * step;
            [octaves, scumble_dsp::field::LOWEST_HZ * octaves.exp2()]
        }));
        let kinds = tables.add_weights(StrokeKind::ALL.into_iter().flat_map(|kind| {
            match raster::full_effect(kind) {
                Some((lane, full)) => {
                    let (low, high) = lane.range();
                    [lane as u32 as f32, full, low, high]
                }
                // Takes from every lane.
                None => [-1.0, 0.0, 0.0, 0.0],
            }
        }));
        tables.add_turns(1);
        Self { bands, kinds }
    }
}

/// How the cells that kernels leave become a field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldReading {
    before: Arc<Field>,
    region: Region,
    moves_frequency: bool,
}

impl FieldReading {
    pub(super) fn read(self, words: Vec<u32>) -> Outcome {
        let cells: Vec<[f32; LANES]> =
            words.as_chunks::<LANES>().0.iter().map(|cell| cell.map(f32::from_bits)).collect();
        let Self { before, region, moves_frequency } = self;
        Outcome::Field(Arc::new(before.with_cells(region, &cells, moves_frequency)))
    }
}

/// The cells of the region, the lists of dabs and the step that puts them down.
pub(super) fn plan(recipe: &FieldRecipe, before: &Arc<Field>, change: &FieldChange) -> Plan {
    let spec = before.spec();
    let (bands, columns) = (spec.bands, spec.columns);
    let region = change.region(columns);
    let (mut lists, mut touches) = (Vec::new(), Vec::<f32>::new());
    let strokes: Vec<_> = change
        .strokes()
        .iter()
        .map(|stroke| (stroke, stroke.dabs(), Region::of(stroke, columns)))
        .collect();
    let mut longest = 0;
    for column in region.columns(columns) {
        let first = touches.len() / TOUCH;
        for (stroke, dabs, _) in strokes.iter().filter(|(_, _, own)| own.contains(column, columns))
        {
            let tip = Tip::new(spec, stroke);
            let kind = StrokeKind::ALL.iter().position(|&kind| kind == stroke.kind).unwrap_or(0);
            for touch in tip.touches(dabs, column) {
                touches.extend([
                    touch.across,
                    touch.y,
                    touch.strength,
                    stroke.hardness,
                    tip.radius_octaves,
                    touch.low as f32,
                    touch.high as f32,
                    kind as f32,
                ]);
            }
        }
        let end = touches.len() / TOUCH;
        longest = longest.max(end - first);
        lists.extend([first as f32, end as f32]);
    }
    let count = lists.len() / 2;
    let mut input = match change {
        FieldChange::Add(_) => {
            let cells = region.columns(columns).flat_map(|c| before.column(c).cells.as_flattened());
            cells.copied().collect()
        }
        FieldChange::Again { .. } => vec![0.0f32; count * bands * LANES],
    };
    let lists_at = input.len();
    input.extend(lists);
    let touches_at = input.len();
    input.extend(touches);
    let moves = raster::moves_frequency(change.strokes());
    let again = matches!(change, FieldChange::Again { .. });
    let moves_frequency = moves || (again && before.warp_phases().is_some());
    let step = Step {
        n: bands as u32,
        hop: lists_at as u32,
        samples: touches_at as u32,
        window: recipe.bands,
        stride: recipe.kinds,
        ..Step::default()
    };
    Plan {
        steps: vec![Planned::new(Kernel::Paint, count * bands, 16 + longest, step)],
        work_elements: 1,
        output_words: count * bands * LANES,
        input_words: input.len(),
        input: Some(input),
        reading: Reading::Field(FieldReading {
            before: Arc::clone(before),
            region,
            moves_frequency,
        }),
    }
}

/// Words of a dab where it meets a column; `TOUCH` in WGSL.
const TOUCH: usize = 8;
