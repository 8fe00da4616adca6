//! `double` mode (SPEC S1): two halves, one on each side, exchanged when the fence has signalled.
//!
//! **Who touches it.** The audio thread reads the active half. The worker writes the other one,
//! publishes it, and has none until the audio thread has taken it, which hands the old one back in
//! the same instant.
//!
//! **What the orderings prevent** stands with the fence word ([`super::fence`]), the only word that
//! both sides write.
//!
//! **When the worker is late,** the reader finds the fence unsignalled: one load. The hop is given
//! up; when it comes, it is dropped and counted, by the worker if it knows in time, else here.
//!
//! **When the reader is late,** `begin` returns `None`. When every hop of the waiting generation has
//! been given up, the worker withdraws it and has its half back without the reader's help, so that
//! nobody is forced to come and fetch what is of no use.

use super::fence::FenceWord;
use super::primitive::{Arc, Ordering};
use super::transport::Buffering;
use super::transport::{
    Cursor, Found, HopShape, PlaceError, Placed, ReadHops, ShapeError, WriteHops, Writing, sealed,
};

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
        let storage = &self.cursor.storage;
        let fence = FenceWord::new(&storage.control().fence.status);
        let seen = fence.check()?;
        if !fence.take(seen) {
            // The worker withdrew it: all its hops were given up.
            return None;
        }
        self.cursor.adopt(1 - self.cursor.half);
        self.cursor.publish_swaps();
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
        FenceWord::new(&self.cursor.storage.control().fence.status).check().is_some()
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
        let control = self.writing.storage.control();
        let fence = FenceWord::new(&control.fence.status);
        if let Some(seen) = fence.waiting() {
            if !self.writing.all_asked() {
                return false;
            }
            if fence.withdraw(seen) {
                // SAFETY: withdrawn before it was taken, so the half never left our hands.
                let hops = unsafe {
                    self.writing.storage.read_half(self.half, |half| half.sequences.len())
                };
                self.writing.stats.late += hops as u64;
                self.waiting = false;
                return true;
            }
        }
        // Taken: the reader handed its old half back with it.
        self.half = 1 - self.half;
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
        FenceWord::new(&control.fence.status).signal(generation);
        self.waiting = true;
        generation
    }
}

impl WriteHops for DoubleWriter {}
