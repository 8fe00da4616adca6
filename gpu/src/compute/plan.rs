//! A task as steps: which kernel, over which items, from where to where. Pure arithmetic; a test
//! checks that no step leaves its buffers.
//!
//! Kernels work in two areas of one buffer and go from one to the other, as transforms in several
//! passes must.

use scumble_dsp::transform::Shape;

use super::edit::{self, EditReading};
use super::field::{self, FieldReading};
use super::recipe::{BankRecipe, Blocks, Kind, MelRecipe, PictureRecipe, Real, Recipe, Set};
use super::steps::{Kernel, NONE, Planned, Step};
use super::{Outcome, Picture, Task};

/// Packed points of the frames that go through the kernels together.
const GROUP_POINTS: usize = 1 << 18;

/// How the words that kernels leave are read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Levels(Shape),
    Values(Shape),
    Sound,
    Pixels,
    Field(FieldReading),
    Edit(EditReading),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub steps: Vec<Planned>,
    /// Complex elements of the two areas together.
    pub work_elements: usize,
    pub output_words: usize,
    /// Words of the input, and the input itself where the task does not bring it along.
    pub input_words: usize,
    pub input: Option<Vec<f32>>,
    pub reading: Reading,
}

impl Plan {
    /// `None` where the task asks for what this transform has not, or for what does not fit: the
    /// CPU says so, or has it.
    pub fn new(recipe: &Recipe, task: &Task) -> Option<Self> {
        let mut plan = match (&recipe.kind, task) {
            (Kind::Mel(mel), Task::Analyse { sound, .. }) => plan_mel(mel, sound.len()),
            (Kind::Bank(bank), Task::Analyse { sound, .. }) => plan_bank(bank, sound.len())?,
            (Kind::Bank(bank), Task::Synthesise { values, samples, .. }) => {
                plan_back(bank, values.len(), *samples)?
            }
            (Kind::Picture(recipe), Task::Picture { picture, sound }) => {
                plan_picture(recipe, picture, sound.len())
            }
            (Kind::Field(recipe), Task::Field { before, change }) => {
                field::plan(recipe, before, change)
            }
            (Kind::Edit(recipe), Task::Edit(edit)) => edit::plan(recipe, edit),
            _ => return None,
        };
        plan.steps.retain(|planned| planned.step.end > 0);
        // Every place is a u32 in the kernels, and a sample's place an i32.
        const MOST: usize = 1 << 30;
        let fits = plan.work_elements.max(plan.output_words).max(plan.input_words) <= MOST;
        fits.then_some(plan)
    }

    /// The result out of what the kernels have left.
    pub fn read(reading: Reading, words: Vec<u32>) -> Outcome {
        let floats = |words: Vec<u32>| words.into_iter().map(f32::from_bits).collect();
        match reading {
            Reading::Levels(shape) => Outcome::Levels { shape, levels: floats(words) },
            Reading::Values(shape) => {
                let values = words
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|&[re, im]| scumble_dsp::transform::Complex {
                        re: f32::from_bits(re),
                        im: f32::from_bits(im),
                    })
                    .collect();
                Outcome::Values { shape, values }
            }
            Reading::Field(field) => field.read(words),
            Reading::Edit(edit) => edit.read(&words),
            Reading::Sound => Outcome::Sound(floats(words)),
            Reading::Pixels => {
                Outcome::Pixels(words.into_iter().flat_map(u32::to_le_bytes).collect())
            }
        }
    }
}

/// Steps as they are put together. `side` is the area where the newest values stand.
struct Builder {
    steps: Vec<Planned>,
    area: usize,
    side: usize,
}

impl Builder {
    fn new(area: usize) -> Self {
        Self { steps: Vec::new(), area, side: 0 }
    }

    fn here(&self) -> u32 {
        (self.side * self.area) as u32
    }

    fn there(&self) -> u32 {
        ((1 - self.side) * self.area) as u32
    }

    fn push(&mut self, kernel: Kernel, items: usize, cost: usize, step: Step) {
        self.steps.push(Planned::new(kernel, items, cost, step));
    }

    /// From one area to the other.
    fn cross(&mut self, kernel: Kernel, items: usize, cost: usize, step: Step) {
        let step = Step { source: self.here(), target_at: self.there(), ..step };
        self.push(kernel, items, cost, step);
        self.side = 1 - self.side;
    }

    /// All passes over `rows` rows of `n` points that begin `at` elements into each area.
    fn passes(&mut self, radices: &[usize], n: usize, rows: usize, at: usize, turned: Step) {
        let mut span = 1;
        for &radix in radices {
            let kernel = Kernel::pass(radix);
            let points = rows * n;
            let items = if kernel == Kernel::PassAny { points } else { points / radix };
            let step = Step {
                n: n as u32,
                span: span as u32,
                radix: radix as u32,
                source: self.here() + at as u32,
                target_at: self.there() + at as u32,
                ..turned
            };
            self.push(kernel, items, radix + 1, step);
            self.side = 1 - self.side;
            span *= radix;
        }
    }

    /// Spectra of `rows` rows of sound that `load` describes.
    fn spectra(&mut self, real: &Real, rows: usize, load: Step) {
        let packed = real.packed();
        let load = Step { n: packed as u32, ..load };
        // The first values need no area to come from.
        self.side = 1 - self.side;
        self.cross(Kernel::Load, rows * packed, 2, load);
        let turned = Step { turns: real.turns, turn_step: 2, sign: 1.0, ..Step::default() };
        self.passes(&real.radices, packed, rows, 0, turned);
        let split = Step { n: packed as u32, turn_step: 1, ..turned };
        self.cross(Kernel::Split, rows * (packed / 2 + 1), 3, split);
    }
}

fn plan_mel(mel: &MelRecipe, samples: usize) -> Plan {
    let (packed, frames) = (mel.real.packed(), 1 + samples / mel.hop);
    let group = (GROUP_POINTS / packed).clamp(1, frames);
    let mut build = Builder::new(group * (packed + 1));
    for from in (0..frames).step_by(group) {
        let rows = group.min(frames - from);
        let load = Step {
            start: (from * mel.hop) as i32 - packed as i32,
            hop: mel.hop as u32,
            samples: samples as u32,
            window: mel.window,
            ..Step::default()
        };
        build.spectra(&mel.real, rows, load);
        let step = Step {
            n: packed as u32,
            rows: rows as u32,
            source: build.here(),
            bands: mel.bands,
            place: from as u32,
            stride: frames as u32,
            flags: mel.flags,
            ..Step::default()
        };
        build.push(Kernel::Measure, rows * mel.bins, mel.longest / 4 + 1, step);
    }
    let shape = Shape { bins: mel.bins, frames, extra: 0 };
    Plan {
        work_elements: 2 * build.area,
        steps: build.steps,
        output_words: shape.values(),
        input_words: samples,
        input: None,
        reading: Reading::Levels(shape),
    }
}

/// Where a set's rows lie among the values of all blocks: first, and how far they stand apart.
fn layout(bank: &BankRecipe, set: usize, block: usize, shape: Shape) -> (usize, usize) {
    let (frames, own) = (bank.bins().frames, &bank.sets[set]);
    let rest = shape.bins * shape.frames + block * bank.extra();
    match (bank.sets.len(), set) {
        (1, _) | (_, 1) => (block * frames, shape.frames),
        (_, 0) => (rest, own.frames),
        _ => (rest + bank.sets[0].frames, own.frames),
    }
}

/// First sample, first frame kept, how many, and where they go, of each block.
fn blocks(bank: &BankRecipe, samples: usize) -> Option<Vec<(i64, usize, usize, usize)>> {
    let shape = bank.shape(samples);
    let frames = bank.bins().frames;
    Some(match bank.blocks {
        Blocks::Hops { hop, margin } => {
            let run = frames - 2 * margin;
            (0..shape.frames)
                .step_by(run)
                .map(|from| {
                    let start = (from as i64 - margin as i64) * hop as i64;
                    (start, margin, run.min(shape.frames - from), from)
                })
                .collect()
        }
        Blocks::Whole { longest } if samples > longest => return None,
        Blocks::Whole { .. } => vec![(0, 0, frames, 0)],
        Blocks::Slices { step } => {
            let slice = |s: usize| ((s as i64 - 1) * step as i64, 0, frames, s);
            (0..samples.div_ceil(step) + 1).map(slice).collect()
        }
    })
}

fn area_of(bank: &BankRecipe) -> usize {
    bank.row_elements().max(bank.real.packed() + 1)
}

fn turning(set: &Set, sign: f32) -> Step {
    Step { turns: set.turns, turn_step: 1, sign, ..Step::default() }
}

fn plan_bank(bank: &BankRecipe, samples: usize) -> Option<Plan> {
    let shape = bank.shape(samples);
    let mut build = Builder::new(area_of(bank));
    for (block, (start, keep, count, to)) in blocks(bank, samples)?.into_iter().enumerate() {
        let load = Step {
            start: start as i32,
            samples: samples as u32,
            window: bank.fades[0],
            ..Step::default()
        };
        build.spectra(&bank.real, 1, load);
        let (spectrum, rows) = (build.here(), build.there());
        for set in &bank.sets {
            let step = Step {
                n: set.frames as u32,
                source: spectrum,
                target_at: rows + set.at as u32,
                bands: bank.bands + set.first as u32,
                whole: bank.real.n as u32,
                ..Step::default()
            };
            let cost = 2 + set.longest / set.frames;
            build.push(Kernel::Fold, set.rows * set.frames, cost, step);
        }
        let side = 1 - build.side;
        for (number, set) in bank.sets.iter().enumerate() {
            build.side = side;
            build.passes(&set.radices, set.frames, set.rows, set.at, turning(set, -1.0));
            let (place, stride) = layout(bank, number, block, shape);
            let hops = matches!(bank.blocks, Blocks::Hops { .. });
            let step = Step {
                n: set.frames as u32,
                source: build.here() + set.at as u32,
                place: if hops { to } else { place } as u32,
                stride: stride as u32,
                keep: keep as u32,
                count: if hops { count } else { set.frames } as u32,
                ..Step::default()
            };
            build.push(Kernel::Store, set.rows * step.count as usize, 2, step);
        }
    }
    Some(Plan {
        work_elements: 2 * build.area,
        steps: build.steps,
        output_words: 2 * shape.values(),
        input_words: samples,
        input: None,
        reading: Reading::Values(shape),
    })
}

fn plan_back(bank: &BankRecipe, values: usize, samples: usize) -> Option<Plan> {
    let (bands, covers) = bank.dual?;
    let shape = bank.shape(samples);
    if values != shape.values() {
        return None;
    }
    let real = &bank.real;
    let mut build = Builder::new(area_of(bank));
    for (block, (start, ..)) in blocks(bank, samples)?.into_iter().enumerate() {
        for (number, set) in bank.sets.iter().enumerate() {
            // So that all sets end in the same area.
            build.side = set.radices.len() % 2;
            let (place, stride) = layout(bank, number, block, shape);
            let step = Step {
                n: set.frames as u32,
                target_at: build.here() + set.at as u32,
                place: place as u32,
                stride: stride as u32,
                ..Step::default()
            };
            build.push(Kernel::Fetch, set.rows * set.frames, 2, step);
            build.passes(&set.radices, set.frames, set.rows, set.at, turning(set, 1.0));
        }
        let step = Step { bands, window: covers, whole: real.n as u32, ..Step::default() };
        build.cross(Kernel::Unfold, real.packed() + 1, 6, step);
        let back = Step { turns: real.turns, turn_step: 1, sign: -1.0, ..Step::default() };
        let packed = real.packed();
        build.cross(Kernel::Join, packed, 3, Step { n: packed as u32, ..back });
        build.passes(&real.radices, packed, 1, 0, Step { turn_step: 2, ..back });
        let step = Step {
            source: build.here(),
            start: start as i32,
            samples: samples as u32,
            window: bank.fades[1],
            ..Step::default()
        };
        let heard = if bank.fades[1] == NONE { samples.min(real.n) } else { real.n };
        build.push(Kernel::AddSound, heard, 2, step);
    }
    Some(Plan {
        work_elements: 2 * build.area,
        steps: build.steps,
        output_words: samples,
        input_words: 2 * values,
        input: None,
        reading: Reading::Sound,
    })
}

fn plan_picture(recipe: &PictureRecipe, picture: &Picture, samples: usize) -> Plan {
    let (packed, frames) = (recipe.real.packed(), picture.frames(samples));
    let group = (GROUP_POINTS / packed).clamp(1, frames.max(1));
    let mut build = Builder::new(group * (packed + 1));
    for from in (0..frames).step_by(group) {
        let rows = group.min(frames - from);
        let load = Step {
            start: (from * picture.hop_samples) as i32,
            hop: picture.hop_samples as u32,
            samples: samples as u32,
            turned: recipe.turned as u32,
            window: recipe.window,
            ..Step::default()
        };
        build.spectra(&recipe.real, rows, load);
        let step = Step {
            n: packed as u32,
            rows: recipe.rows as u32,
            source: build.here(),
            window: recipe.map,
            place: (from * recipe.rows) as u32,
            gain: picture.gain,
            top_db: picture.level.top_db(),
            ..Step::default()
        };
        build.push(Kernel::Picture, rows * recipe.rows, 2 + recipe.widest / 4, step);
    }
    Plan {
        work_elements: 2 * build.area,
        steps: build.steps,
        output_words: frames * recipe.rows,
        input_words: samples,
        input: None,
        reading: Reading::Pixels,
    }
}
