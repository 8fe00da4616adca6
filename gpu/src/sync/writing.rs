//! What all modes share on the worker's side: which hops may be placed, and how a half is sealed;
//! see [`super::transport`].

use super::layout::Storage;
use super::primitive::{Arc, Ordering};
use super::transport::{PlaceError, Placed, WriterStats};

/// What every writer keeps.
#[doc(hidden)]
#[derive(Debug)]
pub struct Writing {
    pub(crate) storage: Arc<Storage>,
    pub(crate) generation: u64,
    /// Hops in the open half.
    pub(crate) open_hops: usize,
    /// One more than the number of the hop placed last.
    next: u64,
    /// The same for the last half that was published.
    pub(crate) published_to: u64,
    pub(crate) stats: WriterStats,
}

impl Writing {
    pub(crate) fn new(storage: Arc<Storage>) -> Self {
        let stats = WriterStats::default();
        Self { storage, generation: 0, open_hops: 0, next: 0, published_to: 0, stats }
    }

    #[inline]
    pub(crate) fn asked_to(&self) -> u64 {
        self.storage.control().reader.asked_to.load(Ordering::Relaxed)
    }

    /// A half is opened: what an abandoned one held is forgotten, and its numbers may come again.
    pub(crate) fn start(&mut self) {
        self.open_hops = 0;
        self.next = self.published_to;
    }

    #[inline]
    pub(crate) fn placed(&mut self, hop: u64) {
        self.open_hops += 1;
        self.next = hop + 1;
    }

    /// Refuses hops out of order, and tells the late ones.
    #[inline]
    pub(crate) fn admit(&mut self, hop: u64) -> Result<Placed, PlaceError> {
        if hop < self.next {
            return Err(PlaceError::OutOfOrder { hop, last: self.next - 1 });
        }
        if hop < self.asked_to() {
            self.stats.late += 1;
            return Ok(Placed::Late);
        }
        Ok(Placed::Stored)
    }

    /// Puts a hop into `half`, which must be the writer's own.
    ///
    /// # Safety
    /// The reader may not reach `half` until it is published.
    #[inline]
    pub(crate) unsafe fn store(
        &mut self,
        half: usize,
        hop: u64,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<Placed, PlaceError> {
        let capacity = self.storage.layout().hops_per_half;
        if self.open_hops == capacity {
            return Err(PlaceError::Full { hop, capacity });
        }
        if self.admit(hop)? == Placed::Late {
            return Ok(Placed::Late);
        }
        let (place, floats) = (self.open_hops, self.storage.layout().floats_per_hop);
        // SAFETY: passed on to the caller.
        unsafe {
            self.storage.write_half(half, |view| {
                view.sequences[place] = hop;
                fill(&mut view.samples[place * floats..][..floats]);
            });
        }
        self.placed(hop);
        Ok(Placed::Stored)
    }

    /// Writes the header of `half` and returns its generation; the caller signals it.
    ///
    /// # Safety
    /// As `store`.
    #[inline]
    pub(crate) unsafe fn seal(&mut self, half: usize) -> u64 {
        self.generation += 1;
        self.stats.published += 1;
        self.stats.half = half as u64;
        let (generation, hops) = (self.generation, self.open_hops as u64);
        // SAFETY: passed on to the caller.
        unsafe {
            self.storage.write_half(half, |view| {
                view.header.generation = generation;
                view.header.hops = hops;
            });
        }
        self.published_to = self.next;
        self.open_hops = 0;
        generation
    }
}
