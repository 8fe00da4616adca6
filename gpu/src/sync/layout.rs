//! How shared memory is laid out (SPEC S7): one allocation that begins with a control block and
//! goes on with the halves.
//!
//! ```text
//! byte 0     reader line   read index, "asked to"      written by the audio thread
//! byte 64    writer line   write index                    written by the worker
//! byte 128   fence line    fence status                   exchanged by both
//! byte 192   shape line    buffer size, sample rate, ...  written once, before anybody reads
//! byte 256   half 0        generation, hop count, sequence numbers, samples
//! ...        half 1 ...    one stride further on, a multiple of 256 bytes
//! ```
//!
//! Why lines: a store by one core takes the whole 64-byte line away from the other core, so two
//! words that different threads write in one line make each wait for the other although they share
//! nothing. `cargo xtask bench sync` measures both layouts. The fence status alone is written by
//! both, and only when a half changes hands.
//!
//! Why 256 bytes for a half: that is the strictest offset alignment that a GPU binding may ask for;
//! it includes the 128 bytes that keep a half apart from its neighbour under processors that fetch
//! lines in pairs.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::primitive::{Arc, AtomicU64, HalfGuard};

/// Bytes that travel between cores as one.
pub const CACHE_LINE_BYTES: usize = 64;
/// Least alignment of a half for the CPU's sake.
pub const HALF_ALIGN_CPU_BYTES: usize = 128;
/// Alignment of a half for the GPU's sake: the strictest binding offset of any adapter.
pub const HALF_ALIGN_GPU_BYTES: usize = 256;

/// Keeps a value on lines of its own.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct CacheLine<T>(pub T);

impl<T> std::ops::Deref for CacheLine<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for CacheLine<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Words that only the reader (audio thread) writes.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ReaderWords {
    /// The last generation taken (`double`), halves taken (`triple`) or handed back (`ring`).
    pub read_index: AtomicU64,
    /// Hops below this number were asked for: they are played, or they never will be.
    pub asked_to: AtomicU64,
}

/// Words that only the writer (worker) writes.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct WriterWords {
    /// Halves published since creation.
    pub write_index: AtomicU64,
}

/// The word through which a half changes hands.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct FenceWords {
    pub status: AtomicU64,
}

/// What both sides must agree on; constant after creation.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapeWords {
    /// Bytes of samples that one half can hold.
    pub buffer_size_bytes: u32,
    pub sample_rate_hz: f32,
    pub hop_samples: u32,
    pub channels: u32,
    pub hops_per_half: u32,
    pub halves: u32,
}

/// The control block at the head of the allocation (SPEC S7).
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ControlBlock {
    pub reader: CacheLine<ReaderWords>,
    pub writer: CacheLine<WriterWords>,
    pub fence: CacheLine<FenceWords>,
    pub shape: CacheLine<ShapeWords>,
}

impl ControlBlock {
    fn new(shape: ShapeWords, status: u64) -> Self {
        Self {
            reader: CacheLine(ReaderWords {
                read_index: AtomicU64::new(0),
                asked_to: AtomicU64::new(0),
            }),
            writer: CacheLine(WriterWords { write_index: AtomicU64::new(0) }),
            fence: CacheLine(FenceWords { status: AtomicU64::new(status) }),
            shape: CacheLine(shape),
        }
    }
}

/// First words of a half; sequence numbers and samples follow.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct HalfHeader {
    pub generation: u64,
    pub hops: u64,
}

/// Where everything stands, in bytes from the start of the allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferLayout {
    pub halves: usize,
    pub hops_per_half: usize,
    /// `channels * hop_samples`: one hop, channel after channel.
    pub floats_per_hop: usize,
    /// From the start of a half to its sequence numbers, one `u64` a hop.
    pub sequences_offset: usize,
    /// From the start of a half to its samples, `f32`, hop after hop.
    pub samples_offset: usize,
    /// From the start of a half to the start of the next.
    pub half_stride: usize,
    pub total_bytes: usize,
}

/// Bytes before the first half.
pub const CONTROL_BLOCK_BYTES: usize = 4 * CACHE_LINE_BYTES;

impl BufferLayout {
    /// Lays out `halves` halves of `hops_per_half` hops of `floats_per_hop` samples each.
    pub fn new(halves: usize, hops_per_half: usize, floats_per_hop: usize) -> Self {
        let sequences_offset = size_of::<HalfHeader>();
        let samples_offset =
            (sequences_offset + hops_per_half * size_of::<u64>()).next_multiple_of(128);
        let half_stride = (samples_offset + hops_per_half * floats_per_hop * size_of::<f32>())
            .next_multiple_of(HALF_ALIGN_GPU_BYTES);
        Self {
            halves,
            hops_per_half,
            floats_per_hop,
            sequences_offset,
            samples_offset,
            half_stride,
            total_bytes: CONTROL_BLOCK_BYTES + halves * half_stride,
        }
    }

    /// Byte offset of half `index` in the allocation.
    pub fn half_offset(&self, index: usize) -> usize {
        CONTROL_BLOCK_BYTES + index * self.half_stride
    }

    fn allocation(&self) -> Layout {
        Layout::from_size_align(self.total_bytes, HALF_ALIGN_GPU_BYTES)
            .expect("a half is at most a few megabytes and the alignment a power of two")
    }
}

/// Where the parts of a half stand, and how much is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HalfParts {
    pub half: usize,
    pub generation: u64,
    pub hops: usize,
    floats: usize,
    sequences: *const u64,
    samples: *const f32,
}

// SAFETY: the pointers are used by `Storage::read_half` alone, on the storage that they point into.
unsafe impl Send for HalfParts {}

/// A half that nobody writes for now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HalfRef<'a> {
    pub generation: u64,
    /// Sequence numbers of the hops in it, rising.
    pub sequences: &'a [u64],
    /// The hops, one after the other.
    pub samples: &'a [f32],
}

/// A half that nobody else touches for now; slices go over the whole capacity.
#[derive(Debug)]
pub(crate) struct HalfMut<'a> {
    pub header: &'a mut HalfHeader,
    pub sequences: &'a mut [u64],
    pub samples: &'a mut [f32],
}

/// The allocation. Which side may touch which half is the business of the modes built on it.
/// On lines of its own, in this order, so that a reader finds its way with one line.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Storage {
    base: NonNull<u8>,
    layout: BufferLayout,
    #[cfg(loom)]
    guards: Box<[HalfGuard]>,
    /// loom's atomics are bigger than the machine's and cannot stand at the documented offsets.
    #[cfg(loom)]
    model_control: Box<ControlBlock>,
}

// SAFETY: the control block is made of atomics and constants; the halves are only reached through
// the unsafe `read_half` and `write_half`, whose callers keep them to one side at a time.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

impl Storage {
    /// Allocates and zeroes everything, with `status` in the fence line.
    pub fn new(layout: BufferLayout, shape: ShapeWords, status: u64) -> Self {
        // SAFETY: the layout is not empty, it holds the control block at least.
        let raw = unsafe { alloc_zeroed(layout.allocation()) };
        let Some(base) = NonNull::new(raw) else { handle_alloc_error(layout.allocation()) };
        #[cfg(not(loom))]
        // SAFETY: the allocation begins with CONTROL_BLOCK_BYTES for it, aligned to 256.
        unsafe {
            base.cast::<ControlBlock>().write(ControlBlock::new(shape, status));
        }
        Self {
            base,
            layout,
            #[cfg(loom)]
            guards: (0..layout.halves).map(|_| HalfGuard::new()).collect(),
            #[cfg(loom)]
            model_control: Box::new(ControlBlock::new(shape, status)),
        }
    }

    #[inline]
    pub fn control(&self) -> &ControlBlock {
        #[cfg(not(loom))]
        // SAFETY: written in `new`, lives as long as the allocation, and only its atomics change.
        unsafe {
            self.base.cast::<ControlBlock>().as_ref()
        }
        #[cfg(loom)]
        &self.model_control
    }

    pub fn layout(&self) -> &BufferLayout {
        &self.layout
    }

    /// # Safety
    /// `half` is below `halves`.
    #[inline]
    unsafe fn half_base(&self, half: usize) -> *mut u8 {
        debug_assert!(half < self.layout.halves);
        // SAFETY: inside the allocation, says the caller.
        unsafe { self.base.as_ptr().add(self.layout.half_offset(half)) }
    }

    #[inline]
    fn guard(&self, _half: usize) -> &HalfGuard {
        #[cfg(not(loom))]
        return &HalfGuard;
        #[cfg(loom)]
        &self.guards[_half]
    }

    /// Asks for a half's first bytes to be brought near, as many as `parts` takes; they may be another
    /// thread's to write.
    #[inline]
    pub fn bring_near(&self, half: usize, parts: &HalfParts) {
        debug_assert!(half < self.layout.halves);
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // Most that is brought near at once: what a core fetches at the same time.
            const NEAR: usize = 2048;
            let bytes = self.layout.samples_offset + parts.floats * size_of::<f32>();
            let base = self.base.as_ptr().wrapping_add(self.layout.half_offset(half)).cast::<i8>();
            for line in (0..bytes.min(NEAR)).step_by(64) {
                // SAFETY: a hint; it neither reads nor faults, wherever it points.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(base.wrapping_add(line)) };
            }
        }
        #[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
        let _ = parts;
    }

    /// Finds a half's parts, to look at them as often as one likes.
    ///
    /// # Safety
    /// `half` is below `halves`, and nobody may write this half until this has returned.
    #[inline]
    pub unsafe fn find_half(&self, half: usize) -> HalfParts {
        // SAFETY: passed on to the caller; the offsets come from the layout that the allocation was
        // made with, and all-zero memory is a valid header.
        unsafe {
            let base = self.half_base(half);
            let header = self.guard(half).read(|| *base.cast::<HalfHeader>());
            let hops = (header.hops as usize).min(self.layout.hops_per_half);
            HalfParts {
                half,
                generation: header.generation,
                hops,
                floats: hops * self.layout.floats_per_hop,
                sequences: base.add(self.layout.sequences_offset).cast(),
                samples: base.add(self.layout.samples_offset).cast(),
            }
        }
    }

    /// Looks at a half.
    ///
    /// # Safety
    /// `parts` was found in this storage, and nobody may write that half from then until `access`
    /// has returned.
    #[inline]
    pub unsafe fn read_half<R>(
        &self,
        parts: &HalfParts,
        access: impl FnOnce(HalfRef<'_>) -> R,
    ) -> R {
        self.guard(parts.half).read(|| {
            // SAFETY: as many as `find_half` found; all-zero memory is a valid u64 and f32, and the
            // caller keeps writers away.
            let view = unsafe {
                HalfRef {
                    generation: parts.generation,
                    sequences: std::slice::from_raw_parts(parts.sequences, parts.hops),
                    samples: std::slice::from_raw_parts(parts.samples, parts.floats),
                }
            };
            access(view)
        })
    }

    /// Changes a half.
    ///
    /// # Safety
    /// `half` is below `halves`, and nobody else may read or write this half until `access` has returned.
    #[inline]
    pub unsafe fn write_half<R>(&self, half: usize, access: impl FnOnce(HalfMut<'_>) -> R) -> R {
        // SAFETY: passed on to the caller.
        let base = unsafe { self.half_base(half) };
        let BufferLayout { hops_per_half, floats_per_hop, .. } = self.layout;
        self.guard(half).write(|| {
            // SAFETY: as in `read_half`; the three parts do not overlap, and the caller keeps
            // everybody else away.
            let view = unsafe {
                HalfMut {
                    header: &mut *base.cast::<HalfHeader>(),
                    sequences: std::slice::from_raw_parts_mut(
                        base.add(self.layout.sequences_offset).cast::<u64>(),
                        hops_per_half,
                    ),
                    samples: std::slice::from_raw_parts_mut(
                        base.add(self.layout.samples_offset).cast::<f32>(),
                        hops_per_half * floats_per_hop,
                    ),
                }
            };
            access(view)
        })
    }
}

/// A storage that is shared by both sides, with its control block one step away.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    control: NonNull<ControlBlock>,
    storage: Arc<Storage>,
}

// SAFETY: the pointer is into the storage, which may be sent and shared.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub fn new(storage: Arc<Storage>) -> Self {
        Self { control: NonNull::from(storage.control()), storage }
    }

    #[inline]
    pub fn control(&self) -> &ControlBlock {
        // SAFETY: the control block stands where it was made until the storage is dropped, which is
        // not before this is.
        unsafe { self.control.as_ref() }
    }
}

impl std::ops::Deref for Shared {
    type Target = Storage;

    #[inline]
    fn deref(&self) -> &Storage {
        &self.storage
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout; the control block needs no drop, its
        // words are plain integers.
        unsafe { dealloc(self.base.as_ptr(), self.layout.allocation()) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::mem::offset_of;

    // S7
    #[test]
    fn words_of_different_threads_stand_on_different_lines() {
        assert_eq!(size_of::<ControlBlock>(), CONTROL_BLOCK_BYTES);
        assert_eq!(align_of::<ControlBlock>(), CACHE_LINE_BYTES);
        assert_eq!(offset_of!(ControlBlock, reader), 0);
        assert_eq!(offset_of!(ControlBlock, writer), 64);
        assert_eq!(offset_of!(ControlBlock, fence), 128);
        assert_eq!(offset_of!(ControlBlock, shape), 192);
        assert_eq!(offset_of!(ReaderWords, read_index), 0);
        assert_eq!(offset_of!(ReaderWords, asked_to), 8);
        assert_eq!(offset_of!(WriterWords, write_index), 0);
        assert_eq!(offset_of!(FenceWords, status), 0);
        assert_eq!(offset_of!(ShapeWords, buffer_size_bytes), 0);
        assert_eq!(offset_of!(ShapeWords, sample_rate_hz), 4);
        assert_eq!(offset_of!(ShapeWords, hop_samples), 8);
        assert_eq!(offset_of!(ShapeWords, channels), 12);
        assert_eq!(offset_of!(ShapeWords, hops_per_half), 16);
        assert_eq!(offset_of!(ShapeWords, halves), 20);
        assert_eq!(offset_of!(HalfHeader, generation), 0);
        assert_eq!(offset_of!(HalfHeader, hops), 8);
        for line in [size_of::<ReaderWords>(), size_of::<WriterWords>(), size_of::<FenceWords>()] {
            assert!(line <= CACHE_LINE_BYTES);
        }
    }

    // S7: for every shape, each half starts on a GPU boundary and ends before the next begins.
    #[test]
    fn halves_are_aligned_and_do_not_overlap() {
        for halves in [2, 3, 4, 8] {
            for hops in [1, 2, 3, 17, 64] {
                for floats in [1, 63, 64, 256, 4096] {
                    let layout = BufferLayout::new(halves, hops, floats);
                    for half in 0..halves {
                        let start = layout.half_offset(half);
                        assert_eq!(start % HALF_ALIGN_CPU_BYTES, 0);
                        assert_eq!(start % HALF_ALIGN_GPU_BYTES, 0);
                        assert_eq!((start + layout.samples_offset) % HALF_ALIGN_CPU_BYTES, 0);
                        assert!(layout.sequences_offset + 8 * hops <= layout.samples_offset);
                        let end = start + layout.samples_offset + 4 * hops * floats;
                        let next = if half + 1 < halves {
                            layout.half_offset(half + 1)
                        } else {
                            layout.total_bytes
                        };
                        assert!(end <= next);
                    }
                    assert!(layout.half_offset(0) >= size_of::<ControlBlock>());
                }
            }
        }
    }

    // S7: the addresses that are really handed out, not only the arithmetic.
    #[test]
    fn addresses_follow_the_layout() {
        let layout = BufferLayout::new(3, 5, 130);
        let shape = ShapeWords {
            buffer_size_bytes: 2600,
            sample_rate_hz: 48_000.0,
            hop_samples: 65,
            channels: 2,
            hops_per_half: 5,
            halves: 3,
        };
        let storage = Storage::new(layout, shape, 7);
        let base = std::ptr::from_ref(storage.control()) as usize;
        assert_eq!(base % HALF_ALIGN_GPU_BYTES, 0);
        let word = |word: &AtomicU64| std::ptr::from_ref(word) as usize - base;
        assert_eq!(word(&storage.control().reader.read_index), 0);
        assert_eq!(word(&storage.control().reader.asked_to), 8);
        assert_eq!(word(&storage.control().writer.write_index), 64);
        assert_eq!(word(&storage.control().fence.status), 128);
        assert_eq!(*storage.control().shape, shape);
        for half in 0..3 {
            // SAFETY: one thread, one access at a time.
            unsafe {
                storage.write_half(half, |view| {
                    view.header.hops = 5;
                    view.sequences.fill(half as u64);
                    view.samples.fill(half as f32);
                    assert_eq!(view.samples.as_ptr() as usize % HALF_ALIGN_CPU_BYTES, 0);
                });
            }
        }
        for half in 0..3 {
            // SAFETY: one thread, one access at a time.
            unsafe {
                let parts = storage.find_half(half);
                storage.read_half(&parts, |view| {
                    assert_eq!(view.sequences, [half as u64; 5]);
                    assert!(view.samples.iter().all(|&sample| sample == half as f32));
                    assert_eq!(view.samples.len(), 5 * 130);
                });
            }
        }
        use super::super::primitive::Ordering;
        assert_eq!(storage.control().fence.status.load(Ordering::Relaxed), 7);
    }
}
