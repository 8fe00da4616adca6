//! `triple` mode (SPEC S2): a third half between the two sides, so that neither ever finds none.
//!
//! **Who touches it.** Each side has a half of its own; the third stands in the middle. The worker
//! fills its half and exchanges it with the middle one; the audio thread exchanges its half with the
//! middle one if that is fresh. The newest wins, so each half carries a *window*: the latest hops,
//! as many as fit, among them those that the half it replaces may not have delivered.
//!
//! **What the orderings prevent.** Both exchanges are one read-modify-write of the word that says
//! which half is in the middle, so no half is ever on two sides. Release: what I wrote (worker) or
//! still read (audio thread) in the half that I give comes before the other side's use of it.
//! Acquire: the other side's use of the half that I get comes before mine. The half that the reader
//! will most likely get is brought near before the exchange, which holds up every read after it.
//!
//! **When the worker is late,** the reader finds the middle not fresh: one load. **When the reader
//! is late,** the worker replaces the middle; hops that fall out of the window while still wanted
//! are counted as overflow, and `begin` never returns `None`. The price is one more copy.

use super::cursor::{Cursor, Found};
use super::primitive::{Arc, Ordering, order};
use super::transport::{
    Buffering, HopShape, PlaceError, Placed, ReadHops, ShapeError, WriteHops, sealed,
};
use super::writing::Writing;

const INDEX: u64 = 0b011;
const FRESH: u64 = 0b100;

/// Makes both ends of a triple buffer.
pub fn triple_buffer(shape: HopShape) -> Result<(TripleWriter, TripleReader), ShapeError> {
    // The reader begins with half 0, the writer with half 2, and half 1 stands in the middle.
    let storage = shape.storage(Buffering::Triple, 1)?;
    let reader = TripleReader { cursor: Cursor::new(Arc::clone(&storage), 0), next: 2 };
    let capacity = storage.layout().hops_per_half;
    let floats_per_hop = storage.layout().floats_per_hop;
    let writer = TripleWriter {
        window: Window {
            sequences: vec![0; 2 * capacity],
            samples: vec![0.0; 2 * capacity * floats_per_hop],
            floats_per_hop,
            first: 0,
            kept: 0,
        },
        writing: Writing::new(storage),
        half: 2,
    };
    Ok((writer, reader))
}

/// The audio thread's end.
#[derive(Debug)]
pub struct TripleReader {
    cursor: Cursor,
    /// Neither ours nor the one that was given last: what the worker fills, if both keep step.
    next: usize,
}

impl sealed::Read for TripleReader {
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
        let middle = &self.cursor.storage.control().fence.status;
        // The one load. Relaxed, since nothing is read before the exchange.
        if middle.load(Ordering::Relaxed) & FRESH == 0 {
            return None;
        }
        self.cursor.bring_near(self.next);
        // Acquire: the samples of the half we get. Release: our reads of the one we give.
        let given = self.cursor.half();
        let got = middle.swap(given as u64, order("triple.take", Ordering::AcqRel));
        self.cursor.adopt((got & INDEX) as usize);
        self.next = 3 - given - self.cursor.half();
        self.cursor.publish_swaps();
        match self.cursor.find(hop) {
            Found::At(place) => Some(place),
            Found::Passed | Found::Beyond => None,
        }
    }
}

impl ReadHops for TripleReader {
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn is_signalled(&self) -> bool {
        self.cursor.storage.control().fence.status.load(Ordering::Relaxed) & FRESH != 0
    }
}

/// The latest hops, the worker's own copy: a circle with twice the places of a half, so that an open
/// half that is dropped takes nothing with it that was published.
#[derive(Debug)]
struct Window {
    sequences: Vec<u64>,
    samples: Vec<f32>,
    floats_per_hop: usize,
    /// Place of the oldest hop.
    first: usize,
    /// Hops in it, those of the open half included.
    kept: usize,
}

impl Window {
    fn place(&self, nth: usize) -> usize {
        (self.first + nth) % self.sequences.len()
    }

    fn drop_oldest(&mut self) {
        self.first = self.place(1);
        self.kept -= 1;
    }

    fn samples(&self, place: usize) -> &[f32] {
        &self.samples[place * self.floats_per_hop..][..self.floats_per_hop]
    }
}

/// The worker's end.
#[derive(Debug)]
pub struct TripleWriter {
    writing: Writing,
    window: Window,
    /// The half that is ours.
    half: usize,
}

impl TripleWriter {
    fn forget_asked(&mut self) {
        let asked_to = self.asked_to();
        while self.window.kept > self.writing.open_hops
            && self.window.sequences[self.window.first] < asked_to
        {
            self.window.drop_oldest();
        }
    }
}

impl sealed::Write for TripleWriter {
    fn writing(&self) -> &Writing {
        &self.writing
    }

    fn open(&mut self) -> bool {
        // What an abandoned half left at the end of the window goes; its numbers may come again.
        self.window.kept -= self.writing.open_hops;
        self.writing.start();
        self.forget_asked();
        true
    }

    fn place(&mut self, hop: u64, fill: impl FnOnce(&mut [f32])) -> Result<Placed, PlaceError> {
        let capacity = self.writing.storage.layout().hops_per_half;
        if self.writing.open_hops == capacity {
            return Err(PlaceError::Full { hop, capacity });
        }
        if self.writing.admit(hop)? == Placed::Late {
            return Ok(Placed::Late);
        }
        let place = self.window.place(self.window.kept);
        let floats = self.window.floats_per_hop;
        self.window.sequences[place] = hop;
        fill(&mut self.window.samples[place * floats..][..floats]);
        self.window.kept += 1;
        self.writing.placed(hop);
        Ok(Placed::Stored)
    }

    fn publish(&mut self) -> u64 {
        self.forget_asked();
        while self.window.kept > self.writing.storage.layout().hops_per_half {
            self.window.drop_oldest();
            self.writing.stats.overflows += 1;
        }
        let (window, floats) = (&self.window, self.window.floats_per_hop);
        // SAFETY: `self.half` is ours: the exchange below is the only way it leaves, and the
        // exchange that brought it was an Acquire.
        unsafe {
            self.writing.storage.write_half(self.half, |view| {
                for nth in 0..window.kept {
                    let place = window.place(nth);
                    view.sequences[nth] = window.sequences[place];
                    view.samples[nth * floats..][..floats].copy_from_slice(window.samples(place));
                }
            });
        }
        self.writing.open_hops = self.window.kept;
        // SAFETY: as above.
        let generation = unsafe { self.writing.seal(self.half) };
        let control = self.writing.storage.control();
        control.writer.write_index.store(generation, Ordering::Relaxed);
        // Release: the samples of the half we give. Acquire: the reader's last reads of the one
        // we get.
        let got = control
            .fence
            .status
            .swap(self.half as u64 | FRESH, order("triple.give", Ordering::AcqRel));
        self.half = (got & INDEX) as usize;
        generation
    }
}

impl WriteHops for TripleWriter {}
