//! The steps of a task as kernels take them, laid out as `shader/analysis.wgsl` lays them out. Plain
//! data: a test compares sizes and offsets, and looks at plans without a GPU.

use bytemuck::{Pod, Zeroable};

/// An offset that leads nowhere; `NONE` in WGSL.
pub const NONE: u32 = u32::MAX;
/// Bytes from one record to the next: what every driver takes as a dynamic offset.
pub const RECORD: usize = 256;
/// Sums of magnitudes instead of powers (`Kernel::Measure`).
pub const MAGNITUDES: u32 = 1;

/// One kernel over a range of items; the fields are described in `analysis.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Step {
    pub first: u32,
    pub end: u32,
    pub n: u32,
    pub rows: u32,
    pub span: u32,
    pub radix: u32,
    pub source: u32,
    pub target_at: u32,
    pub turns: u32,
    pub turn_step: u32,
    pub sign: f32,
    pub start: i32,
    pub hop: u32,
    pub samples: u32,
    pub turned: u32,
    pub window: u32,
    pub bands: u32,
    pub whole: u32,
    pub place: u32,
    pub stride: u32,
    pub keep: u32,
    pub count: u32,
    pub flags: u32,
    pub gain: f32,
    pub top_db: f32,
    pub row_items: u32,
    pub per_row: f32,
    pub per_span: f32,
    pub unit: u32,
}

/// One filter of a bank, as the kernels read it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct BandWords {
    pub bin: u32,
    pub at: u32,
    pub len: u32,
    pub fold_at: u32,
    pub frames: u32,
    pub row: u32,
}

/// A kernel of the analysis: an entry point of one of the modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    Load,
    Split,
    Join,
    AddSound,
    Pass2,
    Pass3,
    Pass4,
    Pass5,
    PassAny,
    Measure,
    Fold,
    Store,
    Fetch,
    Unfold,
    Picture,
    Paint,
    EditGain,
    EditFreeze,
    EditTime,
    EditSums,
    EditCarry,
    EditBlur,
    EditClear,
    EditScatter,
    EditWarp,
}

impl Kernel {
    pub const ALL: [Self; 25] = [
        Self::Load,
        Self::Split,
        Self::Join,
        Self::AddSound,
        Self::Pass2,
        Self::Pass3,
        Self::Pass4,
        Self::Pass5,
        Self::PassAny,
        Self::Measure,
        Self::Fold,
        Self::Store,
        Self::Fetch,
        Self::Unfold,
        Self::Picture,
        Self::Paint,
        Self::EditGain,
        Self::EditFreeze,
        Self::EditTime,
        Self::EditSums,
        Self::EditCarry,
        Self::EditBlur,
        Self::EditClear,
        Self::EditScatter,
        Self::EditWarp,
    ];

    /// The entry point.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Split => "split",
            Self::Join => "join",
            Self::AddSound => "add_sound",
            Self::Pass2 => "pass_2",
            Self::Pass3 => "pass_3",
            Self::Pass4 => "pass_4",
            Self::Pass5 => "pass_5",
            Self::PassAny => "pass_any",
            Self::Measure => "measure",
            Self::Fold => "fold",
            Self::Store => "store",
            Self::Fetch => "fetch",
            Self::Unfold => "unfold",
            Self::Picture => "picture",
            Self::Paint => "paint",
            Self::EditGain => "edit_gain",
            Self::EditFreeze => "edit_freeze",
            Self::EditTime => "edit_time",
            Self::EditSums => "edit_sums",
            Self::EditCarry => "edit_carry",
            Self::EditBlur => "edit_blur",
            Self::EditClear => "edit_clear",
            Self::EditScatter => "edit_scatter",
            Self::EditWarp => "edit_warp",
        }
    }

    /// The pass that brings `radix` blocks together.
    pub fn pass(radix: usize) -> Self {
        match radix {
            2 => Self::Pass2,
            3 => Self::Pass3,
            4 => Self::Pass4,
            5 => Self::Pass5,
            _ => Self::PassAny,
        }
    }
}

/// A step of a plan: the record for all its items, and what an item costs beside others (about the
/// number of elements it reads).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    pub kernel: Kernel,
    pub step: Step,
    pub cost: u32,
}

impl Planned {
    /// A step over `items` items, with what its kernel divides by.
    pub fn new(kernel: Kernel, items: usize, cost: usize, step: Step) -> Self {
        let row_items = match kernel {
            Kernel::Pass2 | Kernel::Pass3 | Kernel::Pass4 | Kernel::Pass5 => step.n / step.radix,
            Kernel::Split => step.n / 2 + 1,
            Kernel::Measure | Kernel::Picture => step.rows,
            Kernel::Store => step.count,
            _ => step.n,
        }
        .max(1);
        let (radix, span) = (step.radix.max(1), step.span.max(1));
        let step = Step {
            end: items as u32,
            row_items,
            per_row: 1.0 / row_items as f32,
            per_span: 1.0 / span as f32,
            unit: step.n / radix / span,
            ..step
        };
        Self { kernel, step, cost: cost as u32 }
    }
}

/// Factors of a length, each a pass of its transform; `None` where one is too large for a kernel.
pub fn radices(mut n: usize) -> Option<Vec<usize>> {
    const LARGEST: usize = 64;
    let mut found = Vec::new();
    for radix in [5, 3, 4, 2].into_iter().chain((7..LARGEST).step_by(2)) {
        while n.is_multiple_of(radix) {
            found.push(radix);
            n /= radix;
        }
    }
    (n == 1).then_some(found)
}

/// How far the work on a list of steps has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    step: usize,
    item: u32,
}

impl Cursor {
    pub fn is_done(&self, steps: &[Planned]) -> bool {
        self.step >= steps.len()
    }

    /// The next piece, of at most `budget` cost (but of at least one workgroup), and what it costs.
    pub fn next(&mut self, steps: &[Planned], budget: u32) -> Option<(Kernel, Step, u32)> {
        // One dimension of a dispatch.
        const MOST_ITEMS: u32 = 65_535 * 64;
        let planned = steps.get(self.step)?;
        let left = planned.step.end - self.item;
        let fitting = (budget / planned.cost.max(1)).max(64) / 64 * 64;
        let items = left.min(fitting).min(MOST_ITEMS);
        let piece = Step { first: self.item, end: self.item + items, ..planned.step };
        self.item += items;
        if self.item >= planned.step.end {
            *self = Self { step: self.step + 1, item: 0 };
        }
        Some((planned.kernel, piece, items.saturating_mul(planned.cost)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_multiply_to_the_length_and_large_primes_are_refused() {
        for n in [1usize, 2, 6, 360, 441, 1024, 2 * 61, 135_000] {
            let found = radices(n).unwrap_or_default();
            assert_eq!(found.iter().product::<usize>(), n);
        }
        assert_eq!(radices(2 * 67), None);
    }

    #[test]
    fn pieces_cover_each_item_once_and_stay_in_the_budget() {
        let step =
            |end| Planned { kernel: Kernel::Load, step: Step { end, ..Step::default() }, cost: 3 };
        let steps = [step(1000), step(1), step(64)];
        let mut cursor = Cursor::default();
        let mut found = Vec::new();
        while let Some((_, piece, cost)) = cursor.next(&steps, 1000) {
            assert!(cost <= 1000, "{cost}"); // S5
            found.push(piece.first..piece.end);
        }
        assert!(cursor.is_done(&steps));
        assert_eq!(found, [0..320, 320..640, 640..960, 960..1000, 0..1, 0..64]);
    }
}
