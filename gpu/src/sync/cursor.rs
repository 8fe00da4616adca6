//! The reader's place in its active half: finding a hop by number, and accounting for those that it
//! passes over. What all modes share on the audio thread's side; see [`super::transport`].

use super::layout::{HalfParts, HalfRef, Shared, Storage};
use super::primitive::{Arc, Ordering, order};
use super::transport::{Hop, ReaderStats};

/// Where a hop is, seen from the reader's place in its active half.
pub(crate) enum Found {
    At(usize),
    /// The active half goes on with later hops, so this one will never come.
    Passed,
    /// Not in the active half; perhaps in the next.
    Beyond,
}

/// The reader's place in the half that is its own.
#[doc(hidden)]
#[derive(Debug)]
pub struct Cursor {
    pub(crate) storage: Shared,
    /// The active half; the reader's alone until it is handed back.
    parts: HalfParts,
    /// Place of the next hop in it.
    place: usize,
    /// One more than the number of the last of them.
    half_to: u64,
    /// Hops below this number are delivered, or counted as late.
    accounted_to: u64,
    asked_to: u64,
    /// The greater of `half_to` and `asked_to`: hops below were had or given up.
    settled_to: u64,
    /// As in the control block and the layout, without another line to fetch.
    hop_samples: usize,
    hop_floats: usize,
    pub(crate) stats: ReaderStats,
}

impl Cursor {
    pub(crate) fn new(storage: Arc<Storage>, half: usize) -> Self {
        let hop_samples = storage.control().shape.hop_samples as usize;
        let hop_floats = storage.layout().floats_per_hop;
        // SAFETY: the other side is not there yet.
        let parts = unsafe { storage.find_half(half) };
        Self {
            storage: Shared::new(storage),
            parts,
            place: 0,
            half_to: 0,
            accounted_to: 0,
            asked_to: 0,
            settled_to: 0,
            hop_samples,
            hop_floats,
            stats: ReaderStats { half: half as u64, ..ReaderStats::default() },
        }
    }

    /// The active half.
    #[inline]
    pub(crate) fn half(&self) -> usize {
        self.parts.half
    }

    #[inline]
    fn active<R>(&self, access: impl FnOnce(HalfRef<'_>) -> R) -> R {
        // SAFETY: the active half is the reader's: the writer does not touch it before it was
        // handed back, which the modes do between accesses, never within one.
        unsafe { self.storage.read_half(&self.parts, access) }
    }

    /// Looks for `hop` from the current place on. The place only moves forward; what it passes
    /// without having delivered it came too late.
    #[inline]
    pub(crate) fn find(&mut self, hop: u64) -> Found {
        if hop >= self.half_to && self.accounted_to >= self.half_to {
            // Beyond, and nothing to account for: the half need not be touched.
            return Found::Beyond;
        }
        let (mut place, mut late, mut accounted_to) = (self.place, 0, self.accounted_to);
        let found = self.active(|half| {
            while let Some(&sequence) = half.sequences.get(place) {
                if sequence == hop {
                    return Found::At(place);
                }
                if sequence > hop {
                    return Found::Passed;
                }
                if sequence >= accounted_to {
                    late += 1;
                    accounted_to = sequence + 1;
                }
                place += 1;
            }
            Found::Beyond
        });
        self.place = place;
        self.accounted_to = accounted_to;
        self.stats.late += late;
        found
    }

    #[inline]
    pub(crate) fn deliver<R>(
        &mut self,
        hop: u64,
        place: usize,
        access: impl FnOnce(Hop<'_>) -> R,
    ) -> R {
        let (floats, hop_samples) = (self.hop_floats, self.hop_samples);
        let result = self.active(|half| {
            let samples = &half.samples[place * floats..][..floats];
            access(Hop {
                sequence: half.sequences[place],
                generation: half.generation,
                samples,
                hop_samples,
            })
        });
        self.accounted_to = self.accounted_to.max(hop + 1);
        self.asked(hop);
        result
    }

    /// `half` may become the active one.
    #[inline]
    pub(crate) fn bring_near(&self, half: usize) {
        self.storage.bring_near(half, &self.parts);
    }

    /// `half` has become the active one.
    #[inline]
    pub(crate) fn adopt(&mut self, half: usize) {
        // SAFETY: `half` is the reader's from now on, says the caller.
        self.parts = unsafe { self.storage.find_half(half) };
        self.place = 0;
        self.half_to = self.active(|half| half.sequences.last().map_or(0, |last| last + 1));
        self.stats.swaps += 1;
        self.stats.half = half as u64;
        self.stats.generation = self.parts.generation;
        self.settled_to = self.settled_to.max(self.half_to);
    }

    /// Shows the count of swaps in the control block, where it is the read index.
    #[inline]
    pub(crate) fn publish_swaps(&self) {
        let control = self.storage.control();
        control.reader.read_index.store(self.stats.swaps, Ordering::Relaxed);
    }

    /// Whether a half that holds hops below `hop` may still be taken: it was not taken yet, and not
    /// all of them were given up.
    #[inline]
    pub(crate) fn may_take(&self, hop: u64) -> bool {
        hop > self.settled_to
    }

    #[inline]
    pub(crate) fn asked(&mut self, hop: u64) {
        if hop >= self.asked_to {
            self.asked_to = hop + 1;
            self.settled_to = self.settled_to.max(hop + 1);
            // Release: in `double` the worker may withdraw a half on the strength of this, unless
            // it was taken before. Elsewhere it is a hint that saves the worker's work.
            let order = order("cursor.asked", Ordering::Release);
            self.storage.control().reader.asked_to.store(hop + 1, order);
        }
    }
}
