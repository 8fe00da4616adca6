//! One big buffer of a kind, shared by all sessions, so that one bind group serves them all.
//!
//! Sessions take ranges from it. A full arena is replaced by one twice as large and its contents
//! are copied on the GPU, between two ticks; whoever holds a bind group learns of it from
//! [`Arena::generation`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::device::Gpu;
use super::launch::Launch;
use crate::unified::{Access, Hint, UnifiedBuffer, UnifiedError, UnifiedMemory};

/// Ranges start on multiples of this many elements.
const GRAIN: u32 = 64;

/// First-fit over a sorted list of free ranges.
#[derive(Debug, Default)]
pub struct Ranges {
    free: BTreeMap<u32, u32>,
    capacity: u32,
}

impl Ranges {
    pub fn new(capacity: u32) -> Self {
        Self { free: BTreeMap::from([(0, capacity)]), capacity }
    }

    pub fn take(&mut self, len: u32) -> Option<Range<u32>> {
        let len = len.next_multiple_of(GRAIN);
        let (&start, &size) = self.free.iter().find(|&(_, &size)| size >= len)?;
        self.free.remove(&start);
        if size > len {
            self.free.insert(start + len, size - len);
        }
        Some(start..start + len)
    }

    /// Gives back a range that [`Self::take`] gave.
    pub fn give(&mut self, range: Range<u32>) {
        let (mut start, mut end) = (range.start, range.end);
        if let Some((&before, &size)) = self.free.range(..start).next_back()
            && before + size == start
        {
            self.free.remove(&before);
            start = before;
        }
        if let Some(size) = self.free.remove(&end) {
            end += size;
        }
        self.free.insert(start, end - start);
    }

    fn grow(&mut self, capacity: u32) {
        self.give(self.capacity..capacity);
        self.capacity = capacity;
    }

    pub fn free_elements(&self) -> u32 {
        self.free.values().sum()
    }
}

pub struct Arena {
    label: &'static str,
    element_bytes: u64,
    access: Access,
    hint: Hint,
    buffer: UnifiedBuffer,
    ranges: Ranges,
    generation: u64,
}

impl Arena {
    pub fn new(
        memory: &UnifiedMemory,
        label: &'static str,
        element_bytes: u64,
        capacity: u32,
        access: Access,
        hint: Hint,
    ) -> Result<Self, UnifiedError> {
        let capacity = capacity.next_multiple_of(GRAIN);
        let bytes = u64::from(capacity) * element_bytes;
        let buffer = memory.create(label, bytes, access, hint)?;
        let ranges = Ranges::new(capacity);
        Ok(Self { label, element_bytes, access, hint, buffer, ranges, generation: 0 })
    }

    pub fn buffer(&mut self) -> &mut UnifiedBuffer {
        &mut self.buffer
    }

    pub fn raw(&self) -> &wgpu::Buffer {
        self.buffer.raw()
    }

    /// Changes when the buffer was replaced.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// A range of `len` elements filled with zeros by `launch`; grows where there is no room.
    pub fn take(
        &mut self,
        gpu: &Arc<Gpu>,
        memory: &UnifiedMemory,
        len: usize,
    ) -> Result<Range<u32>, UnifiedError> {
        let wanted = u32::try_from(len).unwrap_or(u32::MAX - GRAIN);
        loop {
            if let Some(range) = self.ranges.take(wanted) {
                return Ok(range);
            }
            self.grow(gpu, memory, wanted)?;
        }
    }

    fn grow(
        &mut self,
        gpu: &Arc<Gpu>,
        memory: &UnifiedMemory,
        wanted: u32,
    ) -> Result<(), UnifiedError> {
        let old = self.ranges.capacity;
        let capacity =
            old.saturating_mul(2).max(old.saturating_add(wanted)).next_multiple_of(GRAIN);
        let bytes = u64::from(capacity) * self.element_bytes;
        let limit = gpu.limits().max_storage_buffer_binding_size;
        if bytes > limit {
            return Err(UnifiedError::TooLarge { label: self.label, asked: bytes, limit });
        }
        let mut larger = memory.create(self.label, bytes, self.access, self.hint)?;
        let mut launch = Launch::begin(gpu, self.label);
        self.buffer.prepare(&mut launch)?;
        larger.prepare(&mut launch)?;
        let len = u64::from(old) * self.element_bytes;
        launch.encoder(self.label).copy_buffer_to_buffer(
            self.buffer.raw(),
            0,
            larger.raw(),
            0,
            len,
        );
        launch.submit()?;
        self.buffer = larger;
        self.ranges.grow(capacity);
        self.generation += 1;
        Ok(())
    }

    pub fn give(&mut self, range: Range<u32>) {
        self.ranges.give(range);
    }

    /// Zeroes a range when `launch` runs.
    pub fn clear(&self, launch: &mut Launch<'_>, range: &Range<u32>) {
        let bytes = u64::from(range.end - range.start) * self.element_bytes;
        launch.encoder(self.label).clear_buffer(
            self.buffer.raw(),
            u64::from(range.start) * self.element_bytes,
            Some(bytes),
        );
    }

    pub fn bytes(&self) -> u64 {
        self.buffer.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_never_overlap_and_all_come_back() {
        let mut ranges = Ranges::new(64 * 1000);
        let mut held: Vec<Range<u32>> = Vec::new();
        let mut seed = 1u32;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed & 1 == 0 || held.is_empty() {
                if let Some(range) = ranges.take((seed >> 16) % 3000 + 1) {
                    assert!(held.iter().all(|h| h.end <= range.start || range.end <= h.start));
                    assert_eq!(range.start % GRAIN, 0);
                    held.push(range);
                }
            } else {
                let at = (seed >> 8) as usize % held.len();
                ranges.give(held.swap_remove(at));
            }
        }
        held.drain(..).for_each(|range| ranges.give(range));
        assert_eq!(ranges.free, BTreeMap::from([(0, 64_000)]));
    }
}
