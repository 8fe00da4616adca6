//! Strokes on the spectrogram store by region (P2, P4): the constants, the plan and the reading of
//! what `scumble_dsp::store` has found a stroke to do.
//!
//! The paint is rasterised on the CPU: which frames and bins it touches decides how large the work is,
//! and the running phases of a painted warp follow from one another. What a freeze holds is looked for
//! there too, since peaks are a decision on the signal. Kernels do what is done to each bin.

use std::sync::Arc;

use parking_lot::Mutex;
use scumble_dsp::Lane;
use scumble_dsp::effect::time::GAUSSIAN_REACH;
use scumble_dsp::effect::warp;
use scumble_dsp::store::{Edit, Painter, Patch};

use super::Outcome;
use super::plan::{Plan, Reading};
use super::recipe::Tables;
use super::steps::{Kernel, Planned, Step};

/// Bins that are summed by one invocation; `RUN` in WGSL.
pub const RUN: usize = 32;
/// `edit_time`: what is not a blur.
pub const HIGH_PASS: u32 = 1;
pub const DELAY: u32 = 2;

#[derive(Clone, Debug)]
pub struct EditRecipe {
    painters: Arc<Mutex<Painters>>,
    /// Where the warp's interpolation kernels stand.
    kernels: u32,
}

impl EditRecipe {
    pub fn new(tables: &mut Tables) -> Self {
        tables.add_turns(1);
        Self { painters: Arc::default(), kernels: tables.add_weights(warp::kernel_table()) }
    }
}

/// Makes the paint of edits into amounts, and is the twin.
#[derive(Default)]
pub struct Painters(Option<Painter>);

impl std::fmt::Debug for Painters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Painters").finish_non_exhaustive()
    }
}

impl Painters {
    /// The painter of stores of this shape; the last one made is kept.
    pub fn of(&mut self, edit: &Edit) -> &mut Painter {
        let kept = self.0.take().filter(|painter| painter.fits(edit));
        self.0.insert(kept.unwrap_or_else(|| Painter::new(&edit.spec, edit.sample_rate)))
    }
}

/// How the bins that kernels leave become a patch.
#[derive(Clone, Debug)]
pub struct EditReading(Arc<Edit>);

impl PartialEq for EditReading {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl EditReading {
    pub(super) fn read(&self, words: &[u32]) -> Outcome {
        let edit = &self.0;
        let (frames, bins) = (&edit.roi.frames, &edit.roi.bins);
        let mut patch = Patch { roi: edit.roi.clone(), re: Vec::new(), im: Vec::new() };
        let mut rows = words.chunks_exact(2 * bins.len());
        let mut touched = edit.touched.iter().peekable();
        for f in frames.clone() {
            match touched.next_if_eq(&&f).and_then(|_| rows.next()) {
                Some(row) => {
                    let pairs = row.as_chunks::<2>().0;
                    patch.re.extend(pairs.iter().map(|pair| f32::from_bits(pair[0])));
                    patch.im.extend(pairs.iter().map(|pair| f32::from_bits(pair[1])));
                }
                None => {
                    let before = edit.frame_before(f);
                    patch.re.extend_from_slice(&before.re[bins.clone()]);
                    patch.im.extend_from_slice(&before.im[bins.clone()]);
                }
            }
        }
        Outcome::Patch(patch)
    }
}

/// Whether bins look at others of their frame, so that whole frames are needed.
fn is_across(lane: Lane) -> bool {
    matches!(lane, Lane::BlurFreq | Lane::WarpFreq)
}

/// A power of two that makes the largest value of a frame about 2^22.
fn scale(re: &[f32], im: &[f32]) -> f32 {
    let largest = re.iter().chain(im).fold(1e-20f32, |most, x| most.max(x.abs()));
    (22.0 - largest.log2().floor()).exp2()
}

/// The words of the input: spectra, places of the painted frames, amounts, and what a lane needs
/// besides; and where each begins.
struct Input {
    words: Vec<f32>,
    places: usize,
    amounts: usize,
    rest: usize,
}

impl Input {
    fn new(edit: &Edit, painter: &mut Painter) -> Self {
        let bins = edit.roi.bins.clone();
        let all = if is_across(edit.lane()) { 0..edit.spec.bins() } else { bins.clone() };
        let mut words = Vec::with_capacity(2 * edit.before.len() * all.len());
        for row in &edit.before {
            let pairs = row.re[all.clone()].iter().zip(&row.im[all.clone()]);
            words.extend(pairs.flat_map(|(&re, &im)| [re, im]));
        }
        let places = words.len();
        words.extend(edit.touched.iter().map(|f| (f - edit.from) as f32));
        let amounts = words.len();
        let mut row = Vec::new();
        for &f in &edit.touched {
            row.clear();
            painter.amounts(edit, f, &mut row);
            words.extend(row.as_flattened());
        }
        let rest = words.len();
        match (edit.lane(), &edit.frozen) {
            (Lane::WarpFreq, _) => words.extend(edit.touched.iter().map(|&f| {
                let row = edit.frame_before(f);
                scale(&row.re[..edit.spec.bins()], &row.im[..edit.spec.bins()])
            })),
            (_, Some(frozen)) => words.extend(bins.flat_map(|k| {
                let advance = frozen.advance[k];
                let halves = [advance >> 16, advance & 0xffff];
                [frozen.re[k], frozen.im[k], halves[0] as f32, halves[1] as f32]
            })),
            _ => {}
        }
        Self { words, places, amounts, rest }
    }
}

pub(super) fn plan(recipe: &EditRecipe, edit: &Arc<Edit>) -> Plan {
    let (lane, all, bins) = (edit.lane(), edit.spec.bins(), &edit.roi.bins);
    let (rows, width) = (edit.touched.len(), bins.len());
    let input = Input::new(edit, recipe.painters.lock().of(edit));
    let across = is_across(lane);
    let step = Step {
        n: width as u32,
        rows: edit.before.len() as u32,
        stride: if across { all } else { width } as u32,
        keep: if across { bins.start } else { 0 } as u32,
        whole: bins.start as u32,
        turn_step: all as u32,
        start: edit.from as i32,
        samples: input.places as u32,
        hop: input.amounts as u32,
        place: input.rest as u32,
        count: edit.noise_frames(),
        turned: edit.phase_per_frame(),
        turns: edit.roi.frames.start as u32,
        window: recipe.kernels,
        ..Step::default()
    };
    let items = rows * width;
    let each = |kernel, cost, step| vec![Planned::new(kernel, items, cost, step)];
    let amounts = input.words[input.amounts..input.rest].chunks_exact(2);
    // As far as the widest blur reaches, to both sides.
    let reach = 2 * (GAUSSIAN_REACH * amounts.fold(0.0f32, |most, a| most.max(a[0]))) as usize;
    let (steps, work_elements) = match lane {
        Lane::Gain => (each(Kernel::EditGain, 4, step), 1),
        Lane::Freeze => (each(Kernel::EditFreeze, 8, step), 1),
        Lane::WarpTime => (each(Kernel::EditTime, 8, Step { flags: DELAY, ..step }), 1),
        Lane::ModLow => (each(Kernel::EditTime, 8 + reach, Step { flags: HIGH_PASS, ..step }), 1),
        Lane::BlurTime | Lane::ModHigh => (each(Kernel::EditTime, 8 + reach, step), 1),
        Lane::BlurFreq => {
            let runs = all.div_ceil(RUN);
            let summed = Step { n: runs as u32, ..step };
            let steps = vec![
                Planned::new(Kernel::EditSums, rows * runs, RUN, summed),
                Planned::new(Kernel::EditCarry, rows * runs, 2 + runs / 2, summed),
                Planned::new(Kernel::EditBlur, items, 24, step),
            ];
            (steps, rows * (all + runs))
        }
        Lane::WarpFreq => {
            let steps = vec![
                Planned::new(Kernel::EditClear, items, 2, step),
                Planned::new(Kernel::EditScatter, items, 32, step),
                Planned::new(Kernel::EditWarp, items, 2, step),
            ];
            (steps, items)
        }
    };
    Plan {
        steps,
        work_elements,
        output_words: 2 * items,
        input_words: input.words.len(),
        input: Some(input.words),
        reading: Reading::Edit(EditReading(Arc::clone(edit))),
    }
}
