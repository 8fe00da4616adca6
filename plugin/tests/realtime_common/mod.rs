//! The guard over what an audio thread does, and chance.

#[cfg(not(rtsan))]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// What the audio thread does, under guard.
#[cfg(not(rtsan))]
pub fn guarded<R>(work: impl FnOnce() -> R) -> R {
    assert_no_alloc::assert_no_alloc(work)
}

#[cfg(rtsan)]
#[sanitize(realtime = "nonblocking")]
pub fn guarded<R>(work: impl FnOnce() -> R) -> R {
    work()
}

pub struct Random(pub u32);

impl Random {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f32) as usize % n
    }
}
