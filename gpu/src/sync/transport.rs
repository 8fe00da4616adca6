//! Finished hops on their way from the worker to the audio thread: what the three buffer modes
//! (SPEC S2) have in common.
//!
//! A half carries the sequence numbers of its hops, so the audio thread asks for a hop by number
//! and never consumes in step: a hop that it did without is passed over, counted, and its half goes
//! back to the worker. The reader and the writer are two values that cannot be cloned, each with
//! only the rights of its side (SPEC S6).
//!
//! | mode | data path | when the reader is late | when the writer is late | blocks in flight |
//! |---|---|---|---|---|
//! | `double` | one half each, exchanged by fence | no half is free: the writer gets `None` | one load, not ready | 1 |
//! | `triple` | newest window of hops wins | the writer replaces what was not read | one load, not ready | 2 |
//! | `ring` | queue of halves, in order | the queue fills: the writer gets `None` | one load, not ready | n |

use super::cursor::{Cursor, Found};
use super::double_buffer::{DoubleReader, DoubleWriter};
use super::layout::{BufferLayout, ShapeWords, Storage};
use super::primitive::Arc;
use super::slot_ring::{SlotReader, SlotWriter};
use super::triple_buffer::{TripleReader, TripleWriter};
use super::writing::Writing;

/// Which data path, resolved for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Buffering {
    Double,
    Triple,
    /// As many blocks may be in flight; at least 1.
    Ring {
        blocks: usize,
    },
}

/// Blocks in flight where the config says `ring` and no more.
pub const RING_BLOCKS_DEFAULT: usize = 3;

impl Buffering {
    /// Blocks that may be on their way at once; the first is what `double` needs too.
    pub fn blocks_in_flight(self) -> usize {
        match self {
            Self::Double => 1,
            Self::Triple => 2,
            Self::Ring { blocks } => blocks.max(1),
        }
    }

    /// A of DESIGN 2: the samples between the end of a hop and the moment it is due, with host
    /// blocks of `block_samples`.
    pub fn async_samples(self, block_samples: usize, hop_samples: usize) -> usize {
        let (block, hop) = (block_samples.max(1), hop_samples.max(1));
        let first = if block % hop == 0 || hop % block == 0 {
            block.max(hop)
        } else {
            hop + block.next_multiple_of(hop)
        };
        first + (self.blocks_in_flight() - 1) * block
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Triple => "triple",
            Self::Ring { .. } => "ring",
        }
    }

    fn halves(self) -> usize {
        match self {
            Self::Double => 2,
            Self::Triple => 3,
            // One more than is in flight: the reader keeps the one it reads from.
            Self::Ring { blocks } => (blocks.max(1) + 1).next_power_of_two(),
        }
    }
}

/// What both ends must agree on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HopShape {
    pub channels: usize,
    pub hop_samples: usize,
    /// The largest host block, in samples.
    pub max_block_samples: usize,
    pub sample_rate_hz: f32,
    /// Bytes of samples in one half (`bufferSizeBytes` of the config).
    pub buffer_size_bytes: usize,
}

/// The shape cannot be served; nothing was allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("{channels} channels of {hop_samples} samples a hop: both must be at least 1")]
    Empty { channels: usize, hop_samples: usize },
    #[error(
        "bufferSizeBytes {found} cannot hold the {hops} hops of a block in {mode} mode: \
         at least {needed} bytes are needed"
    )]
    HalfTooSmall { found: usize, needed: usize, hops: usize, mode: &'static str },
}

impl HopShape {
    pub fn floats_per_hop(&self) -> usize {
        self.channels * self.hop_samples
    }

    /// Hops that can become due in one block of the host.
    pub fn hops_per_block(&self) -> usize {
        self.max_block_samples.div_ceil(self.hop_samples).max(1)
    }

    /// The least `bufferSizeBytes` for a mode.
    pub fn least_buffer_size_bytes(&self, buffering: Buffering) -> usize {
        self.least_hops(buffering) * self.floats_per_hop() * size_of::<f32>()
    }

    fn least_hops(&self, buffering: Buffering) -> usize {
        match buffering {
            // A window: it must span all blocks in flight.
            Buffering::Triple => buffering.blocks_in_flight() * self.hops_per_block(),
            Buffering::Double | Buffering::Ring { .. } => self.hops_per_block(),
        }
    }

    pub(crate) fn storage(
        &self,
        buffering: Buffering,
        status: u64,
    ) -> Result<Arc<Storage>, ShapeError> {
        let (channels, hop_samples) = (self.channels, self.hop_samples);
        if channels == 0 || hop_samples == 0 {
            return Err(ShapeError::Empty { channels, hop_samples });
        }
        let needed = self.least_buffer_size_bytes(buffering);
        if self.buffer_size_bytes < needed {
            let (found, hops) = (self.buffer_size_bytes, self.least_hops(buffering));
            let mode = buffering.name();
            return Err(ShapeError::HalfTooSmall { found, needed, hops, mode });
        }
        let hops_per_half = self.buffer_size_bytes / (self.floats_per_hop() * size_of::<f32>());
        let halves = buffering.halves();
        let shape = ShapeWords {
            buffer_size_bytes: self.buffer_size_bytes as u32,
            sample_rate_hz: self.sample_rate_hz,
            hop_samples: hop_samples as u32,
            channels: channels as u32,
            hops_per_half: hops_per_half as u32,
            halves: halves as u32,
        };
        let layout = BufferLayout::new(halves, hops_per_half, self.floats_per_hop());
        Ok(Arc::new(Storage::new(layout, shape, status)))
    }
}

/// What the audio thread gets for a hop that it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a hop that is not ready must be covered by the fallback ladder"]
pub enum HopStatus {
    Ready,
    /// It is not there, and will be dropped when it comes.
    NotReady,
}

/// A hop in the active half.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    pub sequence: u64,
    /// Of the half that it stands in.
    pub generation: u64,
    pub(crate) samples: &'a [f32],
    pub(crate) hop_samples: usize,
}

impl<'a> Hop<'a> {
    pub fn channel(&self, channel: usize) -> &'a [f32] {
        &self.samples[channel * self.hop_samples..][..self.hop_samples]
    }

    /// All channels, one after the other.
    pub fn samples(&self) -> &'a [f32] {
        self.samples
    }
}

/// Counts of the reading side since creation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReaderStats {
    /// Halves that changed hands.
    pub swaps: u64,
    /// Hops that came after they had been given up, and were dropped.
    pub late: u64,
    /// Hops asked for and not there.
    pub misses: u64,
    /// The active half, and the generation in it.
    pub half: u64,
    pub generation: u64,
}

/// Counts of the writing side since creation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Halves published.
    pub published: u64,
    /// Hops dropped before the reader saw them, because it had given them up.
    pub late: u64,
    /// Hops still wanted for which there was no room (`triple` replaces the oldest of its window).
    pub overflows: u64,
    /// Times that no half was free.
    pub refusals: u64,
    /// The half that was published last.
    pub half: u64,
}

/// What became of a hop that the worker wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    Stored,
    /// The audio thread has given it up already; counted and dropped.
    Late,
}

/// A hop was refused; the half is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("hop {hop} does not fit: the half holds {capacity} hops already")]
    Full { hop: u64, capacity: usize },
    #[error("hop {hop} comes after hop {last}: numbers must rise")]
    OutOfOrder { hop: u64, last: u64 },
}

/// The reading end of a mode. Called on the audio thread only; never waits, locks or allocates.
pub trait ReadHops: sealed::Read {
    /// Gives `access` the hop with number `hop`, if it is there. Numbers may skip but never fall.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn with_hop<R>(&mut self, hop: u64, access: impl FnOnce(Hop<'_>) -> R) -> Option<R> {
        let place = match self.cursor().find(hop) {
            Found::At(place) => Some(place),
            Found::Passed => None,
            Found::Beyond => self.advance(hop),
        };
        let cursor = self.cursor();
        match place {
            Some(place) => Some(cursor.deliver(hop, place, access)),
            None => {
                cursor.stats.misses += 1;
                cursor.asked(hop);
                None
            }
        }
    }

    /// Copies hop `hop` into `out`, one slice of `hop_samples` per channel; leaves `out` alone if it
    /// is not ready. One atomic load when nothing is.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    #[inline]
    fn read_hop(&mut self, hop: u64, out: &mut [&mut [f32]]) -> HopStatus {
        let copied = self.with_hop(hop, |hop| {
            for (channel, out) in out.iter_mut().enumerate() {
                out.copy_from_slice(hop.channel(channel));
            }
        });
        if copied.is_some() { HopStatus::Ready } else { HopStatus::NotReady }
    }

    /// Hops below this number will not be asked for, as after a jump: whatever half waits with them is
    /// the worker's again.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    fn give_up_below(&mut self, hop: u64) {
        if let Some(last) = hop.checked_sub(1) {
            self.cursor().asked(last);
        }
    }

    /// Whether a half waits to be taken: the one load, and nothing changes hands.
    fn is_signalled(&self) -> bool;

    /// Whether waiting would change nothing for `hop`: it is there, or later ones are and it will
    /// never come. Takes halves as reading does, but gives no hop up and counts no miss: for those
    /// who may wait. A half that is signalled does not do for that: it may hold older hops only.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    fn is_decided(&mut self, hop: u64) -> bool {
        match self.cursor().find(hop) {
            Found::At(_) | Found::Passed => true,
            Found::Beyond => {
                self.advance(hop).is_some() || !matches!(self.cursor().find(hop), Found::Beyond)
            }
        }
    }

    fn stats(&self) -> ReaderStats {
        self.cursor_ref().stats
    }

    /// What both sides were made with.
    fn shape(&self) -> ShapeWords {
        *self.cursor_ref().storage.control().shape
    }
}

/// The writing end of a mode. Called on the worker only; never waits.
pub trait WriteHops: sealed::Write {
    /// A half to fill, or `None` while none is free. Does not spin: come back with the next tick.
    fn begin(&mut self) -> Option<OpenHalf<'_, Self>>
    where
        Self: Sized,
    {
        if self.open() { Some(OpenHalf { writer: self }) } else { None }
    }

    /// Hops below this number are played or given up by the audio thread: no use computing them.
    fn asked_to(&self) -> u64 {
        self.writing().asked_to()
    }

    fn stats(&self) -> WriterStats {
        self.writing().stats
    }
}

/// A half that is the worker's for now. Dropped without `publish`, what was pushed is discarded.
#[derive(Debug)]
pub struct OpenHalf<'w, W: WriteHops> {
    writer: &'w mut W,
}

impl<W: WriteHops> OpenHalf<'_, W> {
    /// Adds hop number `hop`; `fill` gets `channels * hop_samples` samples, channel after channel,
    /// with whatever an earlier use left in them.
    #[inline]
    pub fn push_hop(
        &mut self,
        hop: u64,
        fill: impl FnOnce(&mut [f32]),
    ) -> Result<Placed, PlaceError> {
        self.writer.place(hop, fill)
    }

    pub fn hops(&self) -> usize {
        self.writer.writing().open_hops
    }

    pub fn is_empty(&self) -> bool {
        self.hops() == 0
    }

    /// Signals the fence: the half is the reader's from now on. Returns its generation.
    /// An empty half is not signalled, and stays with the writer.
    pub fn publish(self) -> Option<u64> {
        (!self.is_empty()).then(|| self.writer.publish())
    }
}

pub(crate) mod sealed {
    use super::{Cursor, PlaceError, Placed, Writing};

    pub trait Read {
        #[doc(hidden)]
        fn cursor(&mut self) -> &mut Cursor;
        #[doc(hidden)]
        fn cursor_ref(&self) -> &Cursor;
        /// Takes the next half or halves and returns the place of `hop` in the active one.
        #[doc(hidden)]
        fn advance(&mut self, hop: u64) -> Option<usize>;
    }

    pub trait Write {
        #[doc(hidden)]
        fn writing(&self) -> &Writing;
        #[doc(hidden)]
        fn open(&mut self) -> bool;
        #[doc(hidden)]
        fn place(&mut self, hop: u64, fill: impl FnOnce(&mut [f32])) -> Result<Placed, PlaceError>;
        #[doc(hidden)]
        fn publish(&mut self) -> u64;
    }
}

macro_rules! each_mode {
    ($this:expr, $side:ident => $call:expr) => {
        match $this {
            Self::Double($side) => $call,
            Self::Triple($side) => $call,
            Self::Ring($side) => $call,
        }
    };
}

/// The reading end of whichever mode was chosen.
#[derive(Debug)]
pub enum HopReader {
    Double(DoubleReader),
    Triple(TripleReader),
    Ring(SlotReader),
}

/// The writing end of whichever mode was chosen.
#[derive(Debug)]
pub enum HopWriter {
    Double(DoubleWriter),
    Triple(TripleWriter),
    Ring(SlotWriter),
}

/// Makes the two ends of a mode. All memory is allocated here.
pub fn hop_buffer(
    buffering: Buffering,
    shape: HopShape,
) -> Result<(HopWriter, HopReader), ShapeError> {
    Ok(match buffering {
        Buffering::Double => {
            let (writer, reader) = super::double_buffer::double_buffer(shape)?;
            (HopWriter::Double(writer), HopReader::Double(reader))
        }
        Buffering::Triple => {
            let (writer, reader) = super::triple_buffer::triple_buffer(shape)?;
            (HopWriter::Triple(writer), HopReader::Triple(reader))
        }
        Buffering::Ring { blocks } => {
            let (writer, reader) = super::slot_ring::slot_ring(shape, blocks)?;
            (HopWriter::Ring(writer), HopReader::Ring(reader))
        }
    })
}

impl sealed::Read for HopReader {
    #[inline]
    fn cursor(&mut self) -> &mut Cursor {
        each_mode!(self, reader => reader.cursor())
    }

    #[inline]
    fn cursor_ref(&self) -> &Cursor {
        each_mode!(self, reader => reader.cursor_ref())
    }

    #[inline]
    fn advance(&mut self, hop: u64) -> Option<usize> {
        each_mode!(self, reader => reader.advance(hop))
    }
}

impl ReadHops for HopReader {
    // The mode is looked at once, not at each step.
    #[inline]
    fn with_hop<R>(&mut self, hop: u64, access: impl FnOnce(Hop<'_>) -> R) -> Option<R> {
        each_mode!(self, reader => reader.with_hop(hop, access))
    }

    fn give_up_below(&mut self, hop: u64) {
        each_mode!(self, reader => reader.give_up_below(hop));
    }

    #[inline]
    fn is_signalled(&self) -> bool {
        each_mode!(self, reader => reader.is_signalled())
    }
}

impl sealed::Write for HopWriter {
    fn writing(&self) -> &Writing {
        each_mode!(self, writer => writer.writing())
    }

    fn open(&mut self) -> bool {
        each_mode!(self, writer => writer.open())
    }

    fn place(&mut self, hop: u64, fill: impl FnOnce(&mut [f32])) -> Result<Placed, PlaceError> {
        each_mode!(self, writer => writer.place(hop, fill))
    }

    fn publish(&mut self) -> u64 {
        each_mode!(self, writer => writer.publish())
    }
}

impl WriteHops for HopWriter {}
