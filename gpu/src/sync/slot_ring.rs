//! `ring` mode (SPEC S2): a queue of halves. Nothing is replaced and nothing is withdrawn; the
//! reader walks through in order and hands each half back when it goes on to the next.
//!
//! **Who touches it.** The worker fills half `write_index mod n` and counts `write_index` up; the
//! audio thread reads half `read_index mod n` and counts `read_index` up when it is done with it.
//! Both indices rise for ever, so "full" and "empty" never look alike.
//!
//! **What the orderings prevent.** `write_index` is stored with Release and loaded with Acquire:
//! the samples come before the index. `read_index` likewise the other way: the worker must not
//! write into a half while the last reads from it are under way.
//!
//! **When the worker is late,** the reader finds `write_index` unchanged: one load. **When the
//! reader is late,** the queue fills and `begin` returns `None`; the reader's next visit passes
//! over all that came too late at once.

use super::cursor::{Cursor, Found};
use super::primitive::{Arc, Ordering, order};
use super::transport::{
    Buffering, HopShape, PlaceError, Placed, ReadHops, ShapeError, WriteHops, sealed,
};
use super::writing::Writing;

/// Makes both ends of a ring that lets `blocks` blocks be in flight.
pub fn slot_ring(shape: HopShape, blocks: usize) -> Result<(SlotWriter, SlotReader), ShapeError> {
    let storage = shape.storage(Buffering::Ring { blocks }, 0)?;
    let mask = storage.layout().halves as u64 - 1;
    let cursor = Cursor::new(Arc::clone(&storage), 0);
    let reader = SlotReader { cursor, mask, holding: false, next: 0, written: 0 };
    Ok((SlotWriter { writing: Writing::new(storage), mask, written: 0, released: 0 }, reader))
}

/// The audio thread's end.
#[derive(Debug)]
pub struct SlotReader {
    cursor: Cursor,
    mask: u64,
    /// Whether the cursor's half is one of ours to hand back.
    holding: bool,
    /// Index of the half after the active one.
    next: u64,
    /// `write_index` when last looked at.
    written: u64,
}

impl sealed::Read for SlotReader {
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
        // At most two rounds of all halves: those known of, and those found at one look.
        let mut looked = false;
        loop {
            if self.next == self.written {
                if looked {
                    return None;
                }
                looked = true;
                // Acquire: the samples of the halves below it.
                let written = &self.cursor.storage.control().writer.write_index;
                self.written = written.load(order("slots.look", Ordering::Acquire));
                continue;
            }
            if self.holding {
                // Release: our reads of the half come before the writer's next use of it.
                let read = &self.cursor.storage.control().reader.read_index;
                read.store(self.next, order("slots.hand_back", Ordering::Release));
            }
            self.holding = true;
            let half = (self.next & self.mask) as usize;
            self.next += 1;
            self.cursor.adopt(half);
            match self.cursor.find(hop) {
                Found::At(place) => return Some(place),
                Found::Passed => return None,
                Found::Beyond => {}
            }
        }
    }
}

impl ReadHops for SlotReader {
    /// Halves change hands in order, so those that hold nothing else are taken and handed back here.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    fn give_up_below(&mut self, hop: u64) {
        let Some(last) = hop.checked_sub(1) else { return };
        self.cursor.asked(last);
        if let Found::Beyond = self.cursor.find(hop) {
            sealed::Read::advance(self, hop);
        }
    }

    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn is_signalled(&self) -> bool {
        self.cursor.storage.control().writer.write_index.load(Ordering::Relaxed) != self.next
    }
}

/// The worker's end.
#[derive(Debug)]
pub struct SlotWriter {
    writing: Writing,
    mask: u64,
    written: u64,
    /// `read_index` when last looked at.
    released: u64,
}

impl SlotWriter {
    fn half(&self) -> usize {
        (self.written & self.mask) as usize
    }
}

impl sealed::Write for SlotWriter {
    fn writing(&self) -> &Writing {
        &self.writing
    }

    fn open(&mut self) -> bool {
        if self.written - self.released > self.mask {
            // Acquire: the reader's last use of the halves below it.
            self.released = self
                .writing
                .storage
                .control()
                .reader
                .read_index
                .load(order("slots.reclaim", Ordering::Acquire));
        }
        let free = self.written - self.released <= self.mask;
        if free {
            self.writing.start();
        } else {
            self.writing.stats.refusals += 1;
        }
        free
    }

    #[inline]
    fn place(&mut self, hop: u64, fill: impl FnOnce(&mut [f32])) -> Result<Placed, PlaceError> {
        let half = self.half();
        // SAFETY: `open` found the half released, and the reader stays below `write_index`.
        unsafe { self.writing.store(half, hop, fill) }
    }

    #[inline]
    fn publish(&mut self) -> u64 {
        let half = self.half();
        // SAFETY: as in `place`.
        let generation = unsafe { self.writing.seal(half) };
        self.written += 1;
        // Release: the samples come before the index.
        self.writing
            .storage
            .control()
            .writer
            .write_index
            .store(self.written, order("slots.publish", Ordering::Release));
        generation
    }
}

impl WriteHops for SlotWriter {}
