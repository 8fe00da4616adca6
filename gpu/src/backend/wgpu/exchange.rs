//! What host and device exchange for one submission: a table of jobs and what they need down, and
//! the finished hops up.

use super::device::Gpu;
use crate::backend::BackendError;
use crate::backend::layout::{Header, Job};
use crate::profile::PassClock;
use crate::unified::{Access, Hint, UnifiedBuffer, UnifiedError, UnifiedMemory};

/// Passes that one submission can have at most.
const PASSES: u32 = 24;

/// The buffers of one submission, and the bind group of all kernels.
pub struct Exchange {
    pub table: UnifiedBuffer,
    pub inbox: UnifiedBuffer,
    pub outbox: UnifiedBuffer,
    pub stamps: UnifiedBuffer,
    pub clock: Option<PassClock>,
    pub bindings: Option<(u64, wgpu::BindGroup)>,
    /// Counts replacements of the first three buffers.
    pub generation: u64,
}

impl Exchange {
    pub fn new(gpu: &Gpu, memory: &UnifiedMemory) -> Result<Self, BackendError> {
        let down = |label, bytes| memory.create(label, bytes, Access::WriteOnly, Hint::Streaming);
        let up = |label, bytes| memory.create(label, bytes, Access::ReadOnly, Hint::Streaming);
        Ok(Self {
            table: up("job table", 16 << 10)?,
            inbox: up("inbox", 64 << 10)?,
            outbox: down("outbox", 64 << 10)?,
            stamps: down("stamps", PassClock::bytes(PASSES))?,
            clock: PassClock::new(gpu, PASSES),
            bindings: None,
            generation: 0,
        })
    }

    /// Words that the clock's stamps take.
    pub const STAMP_WORDS: usize = PASSES as usize * 4;

    /// Replaces what is too small for this many jobs, words and samples. Where there is no memory for
    /// one, those before it are replaced all the same.
    pub fn fit(
        &mut self,
        memory: &UnifiedMemory,
        jobs: usize,
        words: usize,
        floats: usize,
    ) -> Result<(), UnifiedError> {
        let Self { table, inbox, outbox, generation, .. } = self;
        let mut grow = |buffer: &mut UnifiedBuffer, label, bytes: usize, access| {
            if bytes as u64 > buffer.bytes() {
                *buffer = memory.create(label, 2 * bytes as u64, access, Hint::Streaming)?;
                *generation += 1;
            }
            Ok::<_, UnifiedError>(())
        };
        let table_bytes = size_of::<Header>() + jobs * size_of::<Job>();
        grow(table, "job table", table_bytes, Access::ReadOnly)?;
        grow(inbox, "inbox", words * 4, Access::ReadOnly)?;
        grow(outbox, "outbox", floats * 4, Access::WriteOnly)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backend::adapter::AdapterWish;
    use crate::unified::Mapping;

    #[test]
    fn a_table_that_grew_is_told_of_even_where_the_inbox_finds_no_memory() {
        let wish = match AdapterWish::from_env() {
            AdapterWish::Best => AdapterWish::Software,
            other => other,
        };
        let gpu = Arc::new(Gpu::open(&wish).expect("mesa-vulkan-drivers is installed"));
        let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, 512 << 10);
        let mut exchange = Exchange::new(&gpu, &memory).expect("fits");
        let (generation, bytes) = (exchange.generation, exchange.table.bytes());
        let refused = exchange.fit(&memory, 300, 1 << 18, 1);
        assert!(
            matches!(refused, Err(UnifiedError::Exhausted { label: "inbox", .. })),
            "{refused:?}"
        );
        assert!(exchange.table.bytes() > bytes);
        // Or the next table would be bound where the last one stood (P7).
        assert_eq!(exchange.generation, generation + 1);
        exchange.fit(&memory, 300, 1, 1).expect("a smaller one has room");
    }
}
