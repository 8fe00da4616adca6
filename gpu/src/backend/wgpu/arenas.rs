//! The five arenas in which sessions have their ranges on the device.

use std::sync::Arc;

use super::arena::Arena;
use super::device::Gpu;
use super::launch::Launch;
use super::slot::{Places, Slot};
use crate::backend::SlotSpec;
use crate::unified::{Access, Hint, UnifiedError, UnifiedMemory};

pub struct Arenas {
    pub tables: Arena,
    pub held: Arena,
    pub history: Arena,
    pub spectra: Arena,
    pub frames: Arena,
}

impl Arenas {
    pub fn new(gpu: &Arc<Gpu>, memory: &UnifiedMemory) -> Result<Self, UnifiedError> {
        let shared = super::tables::shared();
        let arena = |label, bytes, elements| {
            Arena::new(memory, label, bytes, elements, Access::ReadWrite, Hint::GpuPreferred)
        };
        let mut tables = arena("tables", 8, (shared.len() + 65_536) as u32)?;
        let at = tables.take(gpu, memory, shared.len())?;
        debug_assert_eq!(at.start, 0);
        tables.buffer().write(0, &shared)?;
        Ok(Self {
            tables,
            held: arena("held", 4, 1 << 16)?,
            history: Arena::new(memory, "history", 4, 1 << 17, Access::ReadOnly, Hint::Streaming)?,
            spectra: arena("spectra", 8, 1 << 20)?,
            frames: arena("frames", 8, 1 << 18)?,
        })
    }

    pub fn all_mut(&mut self) -> [&mut Arena; 5] {
        let Self { tables, held, history, spectra, frames } = self;
        [tables, held, history, spectra, frames]
    }

    /// Changes when any buffer was replaced; never falls.
    pub fn generation(&self) -> u64 {
        let Self { tables, held, history, spectra, frames } = self;
        [tables, held, history, spectra, frames].iter().map(|arena| arena.generation()).sum()
    }

    /// The ranges of a session; all of them or none.
    pub fn take(
        &mut self,
        gpu: &Arc<Gpu>,
        memory: &UnifiedMemory,
        spec: &SlotSpec,
    ) -> Result<Places, UnifiedError> {
        let needs = Slot::needs(spec);
        let lens = [needs.tables, needs.held, needs.history, needs.spectra, needs.frames];
        let mut taken = Vec::with_capacity(lens.len());
        for (at, len) in lens.into_iter().enumerate() {
            match self.all_mut()[at].take(gpu, memory, len) {
                Ok(range) => taken.push(range),
                Err(error) => {
                    for (arena, range) in self.all_mut().into_iter().zip(taken) {
                        arena.give(range);
                    }
                    return Err(error);
                }
            }
        }
        let mut taken = taken.into_iter();
        let mut next = || taken.next().unwrap_or_default();
        Ok(Places {
            tables: next(),
            held: next(),
            history: next(),
            spectra: next(),
            frames: next(),
        })
    }

    pub fn give(&mut self, places: Places) {
        let Places { tables, held, history, spectra, frames } = places;
        let ranges = [tables, held, history, spectra, frames];
        for (arena, range) in self.all_mut().into_iter().zip(ranges) {
            arena.give(range);
        }
    }

    /// Gives a new session its windows, and silence in all its rings.
    pub fn silence(&mut self, gpu: &Arc<Gpu>, slot: &Slot) -> Result<(), UnifiedError> {
        let places = &slot.places;
        self.tables.buffer().write(places.tables.start as usize, &slot.windows())?;
        let silence = vec![0.0f32; Slot::needs(&slot.spec).history];
        self.history.buffer().write(places.history.start as usize, &silence)?;
        let mut launch = Launch::begin(gpu, "open");
        for (arena, range) in
            [(&mut self.spectra, &places.spectra), (&mut self.frames, &places.frames)]
        {
            arena.buffer().prepare(&mut launch)?;
            arena.clear(&mut launch, range);
        }
        launch.submit()?;
        Ok(())
    }
}
