//! Buffers that nobody owns any more (U2, U5, L1).
//!
//! A dropped buffer is retired with the serial of the last submission that used it. Until that
//! submission is complete it can be neither reused nor freed; nobody waits for it. Nor for the driver:
//! buffers are made and freed outside the lock, which the worker takes in every turn.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Counters, UnifiedError};
use crate::backend::wgpu::device::Gpu;

type Shelf = (wgpu::BufferUsages, u64);

struct Retired {
    buffer: wgpu::Buffer,
    last_use: u64,
}

#[derive(Default)]
struct State {
    shelves: HashMap<Shelf, Vec<Retired>>,
    live_bytes: u64,
    shelved_bytes: u64,
}

/// Shared by a [`super::UnifiedMemory`] and all its buffers.
pub(super) struct Pool {
    pub gpu: Arc<Gpu>,
    pub counters: Arc<Counters>,
    budget_bytes: u64,
    state: Mutex<State>,
}

impl Pool {
    pub fn new(gpu: Arc<Gpu>, counters: Arc<Counters>, budget_bytes: u64) -> Self {
        Self { gpu, counters, budget_bytes, state: Mutex::default() }
    }

    /// A buffer of `class` bytes: one from the shelf whose work is done, or a new one.
    pub fn take(
        &self,
        label: &'static str,
        class: u64,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, UnifiedError> {
        let completed = self.gpu.completed();
        let limit = self.gpu.limits().max_buffer_size;
        // Freed after the lock is given back.
        let mut freed = Vec::new();
        {
            let mut state = self.state.lock();
            if let Some(shelf) = state.shelves.get_mut(&(usage, class))
                && let Some(at) = shelf.iter().position(|r| r.last_use <= completed)
            {
                let retired = shelf.swap_remove(at);
                state.shelved_bytes -= class;
                state.live_bytes += class;
                self.counters.pool_hits.add(1);
                return Ok(retired.buffer);
            }
            if class > limit {
                return Err(UnifiedError::TooLarge { label, asked: class, limit });
            }
            if state.live_bytes + state.shelved_bytes + class > self.budget_bytes {
                freed = Self::purge(&mut state, completed);
            }
            let in_use = state.live_bytes + state.shelved_bytes;
            if in_use + class > self.budget_bytes {
                let budget = self.budget_bytes;
                return Err(UnifiedError::Exhausted { label, asked: class, in_use, budget });
            }
            state.live_bytes += class;
        }
        drop(freed);
        self.gpu.enter_pass(label);
        let buffer = self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: class,
            usage,
            mapped_at_creation: false,
        });
        if let Err(error) = self.gpu.take_error() {
            self.state.lock().live_bytes -= class;
            return Err(error.into());
        }
        self.counters.created.add(1);
        Ok(buffer)
    }

    /// Takes a buffer back; it becomes reusable when submission `last_use` is complete.
    pub fn retire(&self, buffer: wgpu::Buffer, usage: wgpu::BufferUsages, last_use: u64) {
        let class = buffer.size();
        let mut state = self.state.lock();
        state.live_bytes -= class;
        state.shelved_bytes += class;
        state.shelves.entry((usage, class)).or_default().push(Retired { buffer, last_use });
    }

    /// Frees every shelved buffer whose work is done.
    pub fn trim(&self) {
        let freed = Self::purge(&mut self.state.lock(), self.gpu.completed());
        drop(freed);
    }

    /// Takes the shelved buffers whose work is done off their shelves.
    fn purge(state: &mut State, completed: u64) -> Vec<Retired> {
        let mut freed = Vec::new();
        for shelf in state.shelves.values_mut() {
            freed.extend(shelf.extract_if(.., |retired| retired.last_use <= completed));
        }
        state.shelves.retain(|_, shelf| !shelf.is_empty());
        state.shelved_bytes -= freed.iter().map(|retired| retired.buffer.size()).sum::<u64>();
        freed
    }

    /// Bytes owned by somebody, and bytes on the shelves.
    pub fn bytes(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.live_bytes, state.shelved_bytes)
    }
}
