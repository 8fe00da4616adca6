//! Unified buffers (U1 to U7): typed memory that host and kernels share, with or without a copy.
//!
//! - What a buffer is for decides what it is: [`usage`] holds the one table.
//! - Where the adapter shares memory with the host (software, integrated), the host maps the very
//!   buffer that kernels bind. Elsewhere, and where a mapping fails, a staging buffer of the same
//!   size gathers small writes and one copy per touched range carries them over.
//! - Fencing is automatic and per buffer (U4): host access waits for that buffer's own last
//!   submission, in slices of half a millisecond, never for the device.
//! - A dropped buffer goes to the pool with the serial of its last submission and lives until that
//!   is complete (U2, L1).
//!
//! A launch that fails leaves its buffers as they were: what was written goes with the next one.
//!
//! A buffer has one owner at a time: the worker, or the analyst for those of a task that it prepares or
//! reads. The pool behind them is shared by both. Never touched by the audio thread.

mod buffer;
mod pool;
pub mod usage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use buffer::LastUse;
pub use buffer::UnifiedBuffer;
pub use usage::{Access, Hint, Path};

use crate::backend::wgpu::device::{DeviceError, Gpu};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnifiedError {
    #[error("buffer `{label}`: elements {start}..{end} were asked for, it has {len}")]
    OutOfBounds { label: &'static str, start: usize, end: usize, len: usize },
    #[error("buffer `{label}`: the host may not {verb} it, kernels have it {access:?}")]
    Access { label: &'static str, verb: &'static str, access: Access },
    #[error("buffer `{label}`: {asked} bytes asked for, a buffer may have {limit}")]
    TooLarge { label: &'static str, asked: u64, limit: u64 },
    #[error("buffer `{label}`: {asked} bytes asked for, {in_use} of {budget} are in use")]
    Exhausted { label: &'static str, asked: u64, in_use: u64, budget: u64 },
    #[error("buffer `{label}` cannot be mapped")]
    Mapping { label: &'static str },
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A count that any thread may read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: u64) {
        // Relaxed: statistics order nothing.
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What buffer management did (U6, U7, S9).
#[derive(Debug, Default)]
pub struct Counters {
    pub created: Count,
    pub pool_hits: Count,
    /// Copies encoded between staging and bound buffers, either way.
    pub copies: Count,
    pub copied_bytes: Count,
    /// Bytes that host and kernels exchanged without a copy.
    pub mapped_bytes: Count,
    /// Host accesses that had to wait for the buffer's last submission.
    pub waits: Count,
    pub failed_mappings: Count,
}

/// Which path to prefer; tests and benches compare both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mapping {
    /// Zero-copy where the adapter shares memory with the host.
    #[default]
    Auto,
    /// Staged copies always.
    Staged,
}

/// The allocator of one device.
#[derive(Clone)]
pub struct UnifiedMemory {
    pool: Arc<pool::Pool>,
    shares_memory: bool,
}

impl UnifiedMemory {
    pub fn new(gpu: Arc<Gpu>, mapping: Mapping, budget_bytes: u64) -> Self {
        let shares_memory =
            mapping == Mapping::Auto && gpu.maps_primary() && gpu.shares_host_memory();
        let counters = Arc::new(Counters::default());
        Self { pool: Arc::new(pool::Pool::new(gpu, counters, budget_bytes)), shares_memory }
    }

    /// A buffer of at least `bytes` bytes whose contents are undefined.
    pub fn create(
        &self,
        label: &'static str,
        bytes: u64,
        access: Access,
        hint: Hint,
    ) -> Result<UnifiedBuffer, UnifiedError> {
        let path = usage::path(hint, self.shares_memory);
        UnifiedBuffer::new(Arc::clone(&self.pool), label, bytes, access, hint, path)
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.pool.counters
    }

    /// Bytes owned by buffers, and bytes waiting on the shelves.
    pub fn bytes(&self) -> (u64, u64) {
        self.pool.bytes()
    }

    /// Frees shelved buffers whose work is complete.
    pub fn trim(&self) {
        self.pool.trim();
    }

    pub fn path(&self, hint: Hint) -> Path {
        usage::path(hint, self.shares_memory)
    }
}
