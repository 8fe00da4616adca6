//! `double` mode (SPEC S1): two halves, one on each side, exchanged when the fence has signalled.
//!
//! **Who touches it.** The audio thread reads the active half. The worker writes the other one,
//! publishes it, and has none until the audio thread has taken it, which hands the old one back in
//! the same instant.
//!
//! **What the orderings prevent** stands with the fence ([`super::fence`]).
//!
//! **When the worker is late,** the reader finds that the fence reaches no further: one load. The hop
//! is given up; when it comes, it is dropped and counted, by the worker if it knows in time, else here.
//!
//! **When the reader is late,** `begin` returns `None`. When every hop of the waiting generation has
//! been given up, the worker withdraws it and has its half back without the reader's help, so that
//! nobody is forced to come and fetch what is of no use.

use super::cursor::{Cursor, Found};
use super::fence::{Fate, HalfFence};
use super::primitive::{Arc, Ordering};
use super::transport::{
    Buffering, HopShape, PlaceError, Placed, ReadHops, ShapeError, WriteHops, sealed,
};
use super::writing::Writing;

/// Makes both ends of a double buffer.
pub fn double_buffer(shape: HopShape) -> Result<(DoubleWriter, DoubleReader), ShapeError> {
    let storage = shape.storage(Buffering::Double, 0)?;
    let reader = DoubleReader { cursor: Cursor::new(Arc::clone(&storage), 0) };
    Ok((DoubleWriter { writing: Writing::new(storage), half: 1, waiting: false }, reader))
}

/// The audio thread's end: reads the active half, and nothing else.
#[derive(Debug)]
pub struct DoubleReader {
    cursor: Cursor,
}

impl sealed::Read for DoubleReader {
    #[inline]
    fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    #[inline]
    fn cursor_ref(&self) -> &Cursor {
        &self.cursor
    }

    #[inline]
    fn advance(&mut self, hop: u64) -> Option<usize> {
        let reached = HalfFence::new(self.cursor.storage.control()).reached();
        if !self.cursor.may_take(reached) {
            return None;
        }
        self.cursor.adopt(1 - self.cursor.half());
        HalfFence::new(self.cursor.storage.control()).hand_back(self.cursor.stats.generation);
        match self.cursor.find(hop) {
            Found::At(place) => Some(place),
            Found::Passed | Found::Beyond => None,
        }
    }
}

impl ReadHops for DoubleReader {
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn is_signalled(&self) -> bool {
        self.cursor.may_take(HalfFence::new(self.cursor.storage.control()).reached())
    }
}

/// The worker's end: writes the inactive half, and nothing else.
#[derive(Debug)]
pub struct DoubleWriter {
    writing: Writing,
    /// The half that is ours, or was until it was published.
    half: usize,
    /// Published, and not known to have been taken.
    waiting: bool,
}

impl DoubleWriter {
    /// Makes sure that `self.half` is ours; false while the published one waits to be taken.
    fn reclaim(&mut self) -> bool {
        if !self.waiting {
            return true;
        }
        let writing = &mut self.writing;
        let fence = HalfFence::new(writing.storage.control());
        match fence.fate(writing.generation, writing.published_to) {
            Fate::Waiting => return false,
            Fate::Taken => self.half = 1 - self.half,
            Fate::Withdrawn => {
                // SAFETY: it was not taken and never will be, so the half never left our hands.
                let hops = unsafe { writing.storage.find_half(self.half).hops };
                writing.stats.late += hops as u64;
            }
        }
        self.waiting = false;
        true
    }
}

impl sealed::Write for DoubleWriter {
    fn writing(&self) -> &Writing {
        &self.writing
    }

    fn open(&mut self) -> bool {
        let free = self.reclaim();
        if free {
            self.writing.start();
        } else {
            self.writing.stats.refusals += 1;
        }
        free
    }

    #[inline]
    fn place(&mut self, hop: u64, fill: impl FnOnce(&mut [f32])) -> Result<Placed, PlaceError> {
        // SAFETY: `open` found the half to be ours, and nothing was published since.
        unsafe { self.writing.store(self.half, hop, fill) }
    }

    #[inline]
    fn publish(&mut self) -> u64 {
        // SAFETY: as in `place`.
        let generation = unsafe { self.writing.seal(self.half) };
        let control = self.writing.storage.control();
        control.writer.write_index.store(generation, Ordering::Relaxed);
        HalfFence::new(control).signal(self.writing.published_to);
        self.waiting = true;
        generation
    }
}

impl WriteHops for DoubleWriter {}
