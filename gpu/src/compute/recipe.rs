//! The constants of a transform as kernels read them, and where each stands: made once for a spec, on
//! the analyst's thread, and used for every clip.

use std::f64::consts::TAU;
use std::sync::Arc;

use scumble_dsp::FieldSpec;
use scumble_dsp::texture::RowMap;
use scumble_dsp::transform::mel::Measure;
use scumble_dsp::transform::{Bank, Shape};

use super::cpu::Made;
use super::edit::EditRecipe;
use super::field::FieldRecipe;
use super::steps::{BandWords, MAGNITUDES, NONE, radices};
use super::{Analysis, Picture, PictureRows, Task, TaskError};

/// What a recipe is for; equal keys share one.
#[derive(Clone, Debug)]
pub enum Key {
    Analysis(Analysis),
    /// Samples of the window, and the map of its rows.
    Picture(usize, Option<Arc<RowMap>>),
    Field(FieldSpec),
    /// Its constants are those of all stores.
    Edit,
}

impl Key {
    pub fn of(task: &Task) -> Self {
        match task {
            Task::Analyse { analysis, .. } | Task::Synthesise { analysis, .. } => {
                Self::Analysis(*analysis)
            }
            Task::Picture { picture, .. } => {
                let map = match &picture.rows {
                    PictureRows::Bins => None,
                    PictureRows::Mapped(map) => Some(Arc::clone(map)),
                };
                Self::Picture(picture.window_samples, map)
            }
            Task::Field { before, .. } => Self::Field(*before.spec()),
            Task::Edit(_) => Self::Edit,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Analysis(a), Self::Analysis(b)) => a == b,
            (Self::Field(a), Self::Field(b)) => a == b,
            (Self::Edit, Self::Edit) => true,
            (Self::Picture(n, None), Self::Picture(m, None)) => n == m,
            (Self::Picture(n, Some(a)), Self::Picture(m, Some(b))) => n == m && Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// Contents of the three constant buffers.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub turns: Vec<[f32; 2]>,
    pub weights: Vec<f32>,
    pub bands: Vec<BandWords>,
}

impl Tables {
    /// exp(-2 pi i m / n) for m in 0..n, computed in f64.
    pub(super) fn add_turns(&mut self, n: usize) -> u32 {
        let at = self.turns.len() as u32;
        self.turns.extend((0..n).map(|m| {
            let (sin, cos) = (TAU * m as f64 / n as f64).sin_cos();
            [cos as f32, -sin as f32]
        }));
        at
    }

    pub(super) fn add_weights(&mut self, weights: impl IntoIterator<Item = f32>) -> u32 {
        let at = self.weights.len() as u32;
        self.weights.extend(weights);
        at
    }

    /// The bands of a bank over the bins of a spectrum of `whole`; `row` says for each the frames
    /// that it is folded to, and where that row lies.
    fn add_bank(
        &mut self,
        bank: &Bank,
        whole: usize,
        row: impl Fn(usize) -> (usize, usize),
    ) -> u32 {
        let first = self.bands.len() as u32;
        let weights = self.add_weights(bank.weights().iter().copied());
        self.bands.extend(bank.bands().iter().enumerate().map(|(k, band)| {
            let (frames, row) = row(k);
            BandWords {
                bin: band.first.rem_euclid(whole as isize) as u32,
                at: weights + band.at as u32,
                len: band.len as u32,
                fold_at: band.first.rem_euclid(frames as isize) as u32,
                frames: frames as u32,
                row: row as u32,
            }
        }));
        first
    }
}

/// A real transform of `n` samples: its packed points' passes and its table of turns.
#[derive(Clone, Debug)]
pub struct Real {
    pub n: usize,
    pub radices: Vec<usize>,
    pub turns: u32,
}

impl Real {
    fn new(tables: &mut Tables, n: usize) -> Option<Self> {
        if n < 4 || !n.is_multiple_of(2) {
            return None;
        }
        let radices = radices(n / 2)?;
        Some(Self { n, radices, turns: tables.add_turns(n) })
    }

    pub fn packed(&self) -> usize {
        self.n / 2
    }
}

/// Bands of a bank that are folded to equally many frames.
#[derive(Clone, Debug)]
pub struct Set {
    /// First of them in the bank, and how many.
    pub first: usize,
    pub rows: usize,
    pub frames: usize,
    pub radices: Vec<usize>,
    pub turns: u32,
    /// Where their rows begin among those of all sets.
    pub at: usize,
    /// The longest of their filters.
    pub longest: usize,
}

/// How blocks of a signal follow each other, and what of each is kept.
#[derive(Clone, Copy, Debug)]
pub enum Blocks {
    /// Frames at multiples of a hop; the first and last `margin` of a block are spoilt.
    Hops { hop: usize, margin: usize },
    /// One block holds all.
    Whole { longest: usize },
    /// Slices `step` apart, the first a step early.
    Slices { step: usize },
}

#[derive(Clone, Debug)]
pub struct MelRecipe {
    pub real: Real,
    pub hop: usize,
    pub bins: usize,
    pub window: u32,
    pub bands: u32,
    pub longest: usize,
    pub flags: u32,
}

#[derive(Clone, Debug)]
pub struct BankRecipe {
    pub real: Real,
    pub sets: Vec<Set>,
    pub blocks: Blocks,
    pub bands: u32,
    /// The way back, if there is one: the dual bank and which of its bands cover each bin.
    pub dual: Option<(u32, u32)>,
    /// Windows over a block there and back, or `NONE`.
    pub fades: [u32; 2],
}

impl BankRecipe {
    /// Elements of all rows of one block.
    pub fn row_elements(&self) -> usize {
        self.sets.last().map_or(0, |set| set.at + set.rows * set.frames)
    }

    /// The bins' own set; in a Gabor frame the rest stands on both sides of it.
    pub fn bins(&self) -> &Set {
        &self.sets[self.sets.len() / 2]
    }

    /// Values of a block that belong to no bin.
    pub fn extra(&self) -> usize {
        if self.sets.len() == 1 { 0 } else { self.sets[0].frames + self.sets[2].frames }
    }

    pub fn shape(&self, samples: usize) -> Shape {
        let (bins, frames) = (self.bins().rows, self.bins().frames);
        match self.blocks {
            Blocks::Hops { hop, .. } => Shape { bins, frames: 1 + samples / hop, extra: 0 },
            Blocks::Whole { .. } => Shape { bins, frames, extra: self.extra() },
            Blocks::Slices { step } => {
                let slices = samples.div_ceil(step) + 1;
                Shape { bins, frames: slices * frames, extra: slices * self.extra() }
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct PictureRecipe {
    pub real: Real,
    pub window: u32,
    /// Samples by which a frame is turned, so that its phases are those of its middle.
    pub turned: usize,
    pub map: u32,
    pub rows: usize,
    /// Bins that the widest row looks at.
    pub widest: usize,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Mel(MelRecipe),
    Bank(BankRecipe),
    Picture(PictureRecipe),
    Field(FieldRecipe),
    Edit(EditRecipe),
}

/// Constants and what they are.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub tables: Tables,
    pub kind: Kind,
}

impl Recipe {
    /// `None` where there are no kernels for these lengths: the CPU has them all.
    pub fn new(task: &Task) -> Result<Option<Self>, TaskError> {
        let mut tables = Tables::default();
        let kind = match task {
            Task::Analyse { analysis, .. } | Task::Synthesise { analysis, .. } => {
                match Made::new(analysis)? {
                    Made::Mel(mel) => mel_kind(&mut tables, &mel).map(Kind::Mel),
                    Made::Cqt(cqt) => {
                        let (frames, margin) = cqt.block_frames();
                        let hop = cqt.spec().hop_samples;
                        let blocks = Blocks::Hops { hop, margin };
                        let n = cqt.block_samples();
                        bank_kind(&mut tables, cqt.bank(), n, &[frames], blocks).map(Kind::Bank)
                    }
                    Made::Gabor(gabor, longest) => {
                        let n = gabor.block_samples();
                        let sets = gabor.frames_of_sets();
                        let blocks = Blocks::Whole { longest };
                        bank_kind(&mut tables, gabor.bank(), n, &sets, blocks)
                            .map(|kind| with_dual(&mut tables, kind, gabor.dual_bank()))
                    }
                    Made::Slices(sliced) => {
                        let n = sliced.slice_samples();
                        let sets = sliced.frames_of_sets();
                        let blocks = Blocks::Slices { step: sliced.step_samples() };
                        bank_kind(&mut tables, sliced.bank(), n, &sets, blocks).map(|mut kind| {
                            kind.fades = sliced
                                .fades()
                                .map(|window| tables.add_weights(window.iter().copied()));
                            with_dual(&mut tables, kind, sliced.dual_bank())
                        })
                    }
                }
            }
            Task::Picture { picture, .. } => picture_kind(&mut tables, picture)?.map(Kind::Picture),
            Task::Field { before, .. } => {
                Some(Kind::Field(FieldRecipe::new(&mut tables, before.spec())))
            }
            Task::Edit(_) => Some(Kind::Edit(EditRecipe::new(&mut tables))),
        };
        // Storage buffers are never empty.
        if tables.bands.is_empty() {
            tables.bands.push(BandWords::default());
        }
        Ok(kind.map(|kind| Self { tables, kind }))
    }
}

fn mel_kind(tables: &mut Tables, mel: &scumble_dsp::transform::Mel) -> Option<MelRecipe> {
    let spec = mel.spec();
    let real = Real::new(tables, spec.stft.window_samples)?;
    let bank = mel.bank();
    Some(MelRecipe {
        hop: spec.stft.hop_samples,
        bins: spec.bins,
        window: tables.add_weights(mel.window().iter().copied()),
        bands: tables.add_bank(&bank, real.n, |_| (1, 0)),
        longest: bank.bands().iter().map(|band| band.len).max().unwrap_or(1),
        flags: if spec.measure == Measure::Magnitude { MAGNITUDES } else { 0 },
        real,
    })
}

/// `frames`: of all bands, or of the rest below, the bins and the rest above.
fn bank_kind(
    tables: &mut Tables,
    bank: &Bank,
    n: usize,
    frames: &[usize],
    blocks: Blocks,
) -> Option<BankRecipe> {
    let real = Real::new(tables, n)?;
    let bands = bank.bands();
    let counts: &[usize] =
        if frames.len() == 1 { &[bands.len()] } else { &[1, bands.len() - 2, 1] };
    let (mut sets, mut first, mut at) = (Vec::<Set>::new(), 0, 0);
    for (&rows, &frames) in counts.iter().zip(frames) {
        let longest = bands[first..first + rows].iter().map(|b| b.len).max().unwrap_or(1);
        let radices = radices(frames)?;
        let same = sets.iter().find(|set| set.frames == frames).map(|set| set.turns);
        let turns = same.unwrap_or_else(|| tables.add_turns(frames));
        sets.push(Set { first, rows, frames, radices, turns, at, longest });
        first += rows;
        at += rows * frames;
    }
    let bands = tables.add_bank(bank, n, row_of(&sets));
    Some(BankRecipe { real, sets, blocks, bands, dual: None, fades: [NONE; 2] })
}

/// Frames of a band, and where its row lies.
fn row_of(sets: &[Set]) -> impl Fn(usize) -> (usize, usize) {
    move |band| {
        let set = sets.iter().rfind(|set| set.first <= band).unwrap_or(&sets[0]);
        (set.frames, set.at + (band - set.first) * set.frames)
    }
}

fn with_dual(tables: &mut Tables, mut kind: BankRecipe, dual: &Bank) -> Kind {
    let bands = tables.add_bank(dual, kind.real.n, row_of(&kind.sets));
    let mut covers = vec![[f32::MAX, 0.0]; kind.real.n / 2 + 1];
    for (k, band) in dual.bands().iter().enumerate() {
        for [first, last] in &mut covers[band.first as usize..band.first as usize + band.len] {
            // Numbers of bands are small enough to be exact.
            (*first, *last) = (first.min(k as f32), k as f32 + 1.0);
        }
    }
    for [first, last] in &mut covers {
        *first = first.min(*last);
    }
    kind.dual = Some((bands, tables.add_weights(covers.into_iter().flatten())));
    Kind::Bank(kind)
}

fn picture_kind(
    tables: &mut Tables,
    picture: &Picture,
) -> Result<Option<PictureRecipe>, TaskError> {
    picture.check()?;
    let spec = picture.window()?;
    let Some(real) = Real::new(tables, spec.n) else { return Ok(None) };
    let window = tables.add_weights(spec.windows().analysis);
    let rows: Vec<(u32, u32, f32)> = match &picture.rows {
        PictureRows::Bins => (0..spec.bins() as u32).map(|k| (k, k + 1, 0.0)).collect(),
        PictureRows::Mapped(map) => map.rows().flatten().collect(),
    };
    let widest = rows.iter().map(|row| row.1.saturating_sub(row.0)).max().unwrap_or(1);
    let words = rows.iter().flat_map(|&(first, end, part)| [first as f32, end as f32, part]);
    Ok(Some(PictureRecipe {
        window,
        turned: spec.centre(),
        map: tables.add_weights(words),
        rows: rows.len(),
        widest: widest as usize,
        real,
    }))
}
