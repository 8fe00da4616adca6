//! Frames of samples from one thread to another, on rtrb (SPEC S3): the hops on their way to the
//! worker.
//!
//! A frame is a sequence number, a fixed header of the caller's and any number of samples. It is
//! committed as one, so a reader sees whole frames or none.
//!
//! **Who touches it.** One thread pushes, one pops; the ends cannot be cloned. Neither waits.
//!
//! **What the orderings prevent** is rtrb's business: its Release store of an index comes after the
//! samples, its Acquire load before them. This module adds no shared word.
//!
//! **When the reader is late,** the ring fills: an overflow, counted by the writer. Under
//! [`Overflow::RefuseNew`] the frame is refused. Under [`Overflow::SkipOldest`] the ring has a
//! second capacity behind the first, the frame goes there, and the reader passes over the oldest
//! when it comes; only if that is full as well is the frame refused. **When the writer is late,**
//! `pop` finds nothing: an underflow, counted by the reader.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use bytemuck::{Pod, Zeroable};
use rtrb::{Consumer, CopyToUninit, Producer, RingBuffer};

use super::layout::CACHE_LINE_BYTES;

/// Words before a frame's header: its length in samples, and its sequence number.
const PREFIX_WORDS: usize = 3;
const LINE_WORDS: usize = CACHE_LINE_BYTES / 4;

/// What the ring is made of. Frames begin on a line and so do their samples: a copy across lines
/// costs twice as much as one along them.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Line([u32; LINE_WORDS]);

/// Lines before the samples, for a header `M`.
const fn head_lines<M>() -> usize {
    (PREFIX_WORDS + size_of::<M>() / 4).div_ceil(LINE_WORDS)
}

const fn frame_lines<M>(samples: usize) -> usize {
    head_lines::<M>() + samples.div_ceil(LINE_WORDS)
}

/// What happens to a frame for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused.
    RefuseNew,
    /// The reader passes over the oldest.
    SkipOldest,
}

/// No room; the frame was not written, and the count went up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("frame {sequence} needs {needed} lines of 64 bytes and {free} are free")]
pub struct RingFull {
    pub sequence: u64,
    pub needed: usize,
    pub free: usize,
}

/// Makes a ring for at least `frames` frames of `samples` samples; the capacity is rounded up to a
/// power of two. All memory is allocated here.
pub fn frame_ring<M: Pod>(
    frames: usize,
    samples: usize,
    overflow: Overflow,
) -> (FrameWriter<M>, FrameReader<M>) {
    const { assert!(size_of::<M>().is_multiple_of(4), "a header is made of 32-bit words") };
    let capacity = (frames.max(1) * frame_lines::<M>(samples)).next_power_of_two();
    let physical = match overflow {
        Overflow::RefuseNew => capacity,
        Overflow::SkipOldest => 2 * capacity,
    };
    let (producer, consumer) = RingBuffer::new(physical);
    let writer =
        FrameWriter { producer, capacity, physical, frames: 0, overflows: 0, header: PhantomData };
    let reader = FrameReader {
        consumer,
        capacity,
        skips: physical > capacity,
        frames: 0,
        skipped: 0,
        underflows: 0,
        header: PhantomData,
    };
    (writer, reader)
}

/// The words of lines that may be uninitialised.
#[inline]
fn words_of(lines: &mut [MaybeUninit<Line>]) -> &mut [MaybeUninit<u32>] {
    let (start, count) = (lines.as_mut_ptr(), lines.len() * LINE_WORDS);
    // SAFETY: a line is LINE_WORDS words without padding, and what is uninitialised stays so.
    unsafe { std::slice::from_raw_parts_mut(start.cast(), count) }
}

/// Copies runs of words one after the other into a chunk that may wrap.
struct Fill<'a> {
    first: &'a mut [MaybeUninit<u32>],
    second: &'a mut [MaybeUninit<u32>],
}

impl Fill<'_> {
    #[inline]
    fn put(&mut self, words: &[u32]) {
        if words.len() <= self.first.len() {
            // The usual case, with a length that is mostly known when this is compiled.
            let (now, rest) = std::mem::take(&mut self.first).split_at_mut(words.len());
            words.copy_to_uninit(now);
            self.first = rest;
        } else {
            self.put_wrapping(words);
        }
    }

    #[cold]
    fn put_wrapping(&mut self, words: &[u32]) {
        let split = words.len().min(self.first.len());
        let (head, tail) = words.split_at(split);
        let first = std::mem::take(&mut self.first);
        let (now, rest) = first.split_at_mut(split);
        head.copy_to_uninit(now);
        self.first = rest;
        if !tail.is_empty() {
            let second = std::mem::take(&mut self.second);
            let (now, rest) = second.split_at_mut(tail.len());
            tail.copy_to_uninit(now);
            self.second = rest;
        }
    }
}

/// The writing end.
#[derive(Debug)]
pub struct FrameWriter<M> {
    producer: Producer<Line>,
    capacity: usize,
    physical: usize,
    frames: u64,
    overflows: u64,
    header: PhantomData<fn(M)>,
}

impl<M: Pod> FrameWriter<M> {
    /// Writes a frame made of `parts`, one after the other. Wait-free.
    #[inline]
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn push(&mut self, sequence: u64, header: &M, parts: &[&[f32]]) -> Result<(), RingFull> {
        let samples: usize = parts.iter().map(|part| part.len()).sum();
        let needed = frame_lines::<M>(samples);
        if self.physical > self.capacity && self.used_after(needed) > self.capacity {
            self.overflows += 1;
        }
        let mut chunk = match self.producer.write_chunk_uninit(needed) {
            Ok(chunk) => chunk,
            Err(_) => {
                if self.physical == self.capacity {
                    self.overflows += 1;
                }
                return Err(RingFull { sequence, needed, free: self.producer.slots() });
            }
        };
        let (first, second) = chunk.as_mut_slices();
        let mut fill = Fill { first: words_of(first), second: words_of(second) };
        let head = PREFIX_WORDS + size_of::<M>() / 4;
        fill.put(&[samples as u32, sequence as u32, (sequence >> 32) as u32]);
        match bytemuck::try_cast_slice(bytemuck::bytes_of(header)) {
            Ok(words) => fill.put(words),
            // A header of bytes need not be aligned as words are.
            Err(_) => {
                for word in bytemuck::bytes_of(header).chunks_exact(4) {
                    fill.put(&[u32::from_ne_bytes([word[0], word[1], word[2], word[3]])]);
                }
            }
        }
        fill.put(&[0; LINE_WORDS][..head_lines::<M>() * LINE_WORDS - head]);
        for part in parts {
            fill.put(bytemuck::cast_slice(part));
        }
        fill.put(&[0; LINE_WORDS][..samples.next_multiple_of(LINE_WORDS) - samples]);
        // SAFETY: prefix, header and parts, each filled up to whole lines, add up to `needed`, so
        // every word was written.
        unsafe { chunk.commit_all() };
        self.frames += 1;
        Ok(())
    }

    /// Lines in use once `needed` more are, from what is known without asking the other side, or,
    /// if that looks like too much, from asking.
    #[inline]
    fn used_after(&self, needed: usize) -> usize {
        let used = self.physical - self.producer.cached_slots() + needed;
        if used > self.capacity { self.physical - self.producer.slots() + needed } else { used }
    }

    /// Frames written since creation.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames of `samples` samples that would fill what is in use now: one load.
    #[inline]
    pub fn waiting(&self, samples: usize) -> usize {
        (self.physical - self.producer.slots()) / frame_lines::<M>(samples)
    }

    /// Frames that found no room.
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Lines of 64 bytes that fit before a frame counts as an overflow.
    pub fn capacity_lines(&self) -> usize {
        self.capacity
    }

    /// Whether the reading end is gone.
    pub fn is_abandoned(&self) -> bool {
        self.producer.is_abandoned()
    }
}

/// A frame, still in the ring.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a, M> {
    pub sequence: u64,
    pub header: M,
    /// The samples in two runs; the second is empty unless the frame wraps.
    pub samples: (&'a [f32], &'a [f32]),
}

impl<M> Frame<'_, M> {
    pub fn len(&self) -> usize {
        self.samples.0.len() + self.samples.1.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the samples from `from` on into `out`.
    #[inline]
    pub fn copy_to(&self, from: usize, out: &mut [f32]) {
        let (first, second) = self.samples;
        let head = first.get(from..).unwrap_or_default();
        let split = head.len().min(out.len());
        out[..split].copy_from_slice(&head[..split]);
        if split < out.len() {
            let from = from.saturating_sub(first.len());
            let rest = out.len() - split;
            out[split..].copy_from_slice(&second[from..from + rest]);
        }
    }
}

/// Length and sequence number of the frame that begins with `line`.
#[inline]
fn read_prefix(line: &Line) -> (usize, u64) {
    let [samples, low, high, ..] = line.0;
    (samples as usize, u64::from(low) | u64::from(high) << 32)
}

/// Copies the words from `from` on, as bytes, out of two runs that follow each other.
#[inline]
fn read_words(first: &[u32], second: &[u32], from: usize, out: &mut [u8]) {
    let words = out.len() / 4;
    if let Some(run) = first.get(from..from + words) {
        out.copy_from_slice(bytemuck::cast_slice(run));
        return;
    }
    for (place, bytes) in out.chunks_exact_mut(4).enumerate() {
        let place = from + place;
        let word = first.get(place).copied().unwrap_or_else(|| second[place - first.len()]);
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
}

/// The reading end.
#[derive(Debug)]
pub struct FrameReader<M> {
    consumer: Consumer<Line>,
    capacity: usize,
    /// Whether there is a second capacity behind the first.
    skips: bool,
    frames: u64,
    skipped: u64,
    underflows: u64,
    header: PhantomData<fn() -> M>,
}

impl<M: Pod> FrameReader<M> {
    /// Gives `access` the next frame and removes it. `None` if there is none: an underflow.
    #[inline]
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn pop<R>(&mut self, access: impl FnOnce(Frame<'_, M>) -> R) -> Option<R> {
        let popped = self.pop_if_any(access);
        self.underflows += u64::from(popped.is_none());
        popped
    }

    /// As `pop`, for a reader that only looks whether there is something: nothing is counted.
    #[inline]
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn pop_if_any<R>(&mut self, access: impl FnOnce(Frame<'_, M>) -> R) -> Option<R> {
        if self.skips {
            self.skip_oldest();
        }
        // Frames are committed whole, so whatever is there begins with a whole one.
        let known = match self.consumer.cached_slots() {
            0 => self.consumer.slots(),
            known => known,
        };
        let chunk = self.consumer.read_chunk(known).ok()?;
        let (first, second) = chunk.as_slices();
        let (samples, sequence) = read_prefix(first.first()?);
        let lines = frame_lines::<M>(samples);
        let (first, second) = (bytemuck::cast_slice(first), bytemuck::cast_slice(second));
        let skip = head_lines::<M>() * LINE_WORDS;
        let mut header = M::zeroed();
        read_words(first, second, PREFIX_WORDS, bytemuck::bytes_of_mut(&mut header));
        let whole = skip + samples;
        let head = first.get(skip..whole.min(first.len())).unwrap_or_default();
        let tail = skip.saturating_sub(first.len())..whole.saturating_sub(first.len());
        let tail = second.get(tail).unwrap_or_default();
        let samples = (bytemuck::cast_slice(head), bytemuck::cast_slice(tail));
        let result = access(Frame { sequence, header, samples });
        chunk.commit(lines);
        self.frames += 1;
        Some(result)
    }

    /// Passes over what is beyond the capacity. Bounded by the ring's size.
    #[cold]
    fn skip_oldest(&mut self) {
        let mut used = self.consumer.slots();
        while used > self.capacity {
            let Ok(chunk) = self.consumer.read_chunk(used) else { return };
            let Some((samples, _)) = chunk.as_slices().0.first().map(read_prefix) else { return };
            let whole = frame_lines::<M>(samples);
            chunk.commit(whole);
            used -= whole;
            self.skipped += 1;
        }
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }

    /// Frames given out since creation.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames passed over because of an overflow.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Times that `pop` found nothing.
    pub fn underflows(&self) -> u64 {
        self.underflows
    }

    /// Whether the writing end is gone.
    pub fn is_abandoned(&self) -> bool {
        self.consumer.is_abandoned()
    }
}
