//! Flushes denormals to zero while sound is computed (X9), and puts the mode back.
//!
//! The guard makes results independent of the mode of the calling thread: the audio thread of one
//! host flushes, that of another does not, the worker is ours; all must give the same bits.

/// Flushes denormals on this thread for as long as it lives.
#[must_use = "the mode ends when the guard is dropped"]
pub struct FlushDenormals {
    before: Mode,
    /// The mode belongs to the thread that set it.
    not_send: std::marker::PhantomData<*const ()>,
}

impl FlushDenormals {
    pub fn new() -> Self {
        let before = read();
        let wanted = flushed(before);
        if wanted != before {
            write(wanted);
        }
        Self { before, not_send: std::marker::PhantomData }
    }
}

impl Default for FlushDenormals {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FlushDenormals {
    fn drop(&mut self) {
        if flushed(self.before) != self.before {
            write(self.before);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod mode {
    pub type Mode = u32;
    /// Flush-to-zero and denormals-are-zero of the MXCSR register.
    const FLUSH: u32 = 1 << 15 | 1 << 6;

    pub fn flushed(mode: Mode) -> Mode {
        mode | FLUSH
    }

    pub fn read() -> Mode {
        let mut mode = 0u32;
        // SAFETY: stmxcsr stores four bytes to the local it is given.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mode, options(nostack, preserves_flags));
        }
        mode
    }

    pub fn write(mode: Mode) {
        // SAFETY: the value came from stmxcsr with defined bits changed only; no exception is unmasked.
        unsafe {
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const mode, options(nostack, preserves_flags));
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod mode {
    pub type Mode = u64;
    /// FZ of the FPCR register.
    const FLUSH: u64 = 1 << 24;

    pub fn flushed(mode: Mode) -> Mode {
        mode | FLUSH
    }

    pub fn read() -> Mode {
        let mode: u64;
        // SAFETY: reading FPCR has no side effect.
        unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) mode, options(nostack, nomem)) };
        mode
    }

    pub fn write(mode: Mode) {
        // SAFETY: the value came from FPCR with the FZ bit changed only.
        unsafe { std::arch::asm!("msr fpcr, {}", in(reg) mode, options(nostack, nomem)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod mode {
    pub type Mode = u32;
    pub fn flushed(mode: Mode) -> Mode {
        mode
    }
    pub fn read() -> Mode {
        0
    }
    pub fn write(_: Mode) {}
}

use mode::{Mode, flushed, read, write};

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    // X9
    #[test]
    fn denormals_are_flushed_while_the_guard_lives_and_no_longer() {
        let small = black_box(f32::MIN_POSITIVE);
        assert!(black_box(small * black_box(0.25)) > 0.0, "the test needs an ordinary thread");
        {
            let _guard = FlushDenormals::new();
            if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
                assert_eq!(black_box(small * black_box(0.25)), 0.0);
            }
        }
        assert!(black_box(small * black_box(0.25)) > 0.0);
    }
}
