//! The input of the recent past: the dry signal, aligned with whatever is heard (X2, X5).

use scumble_dsp::intake::LOUDEST;

/// What the processor takes for sound. What is louder than any is a fault of whoever made it; below the
/// least normal number there is nothing, and processors are slow with it (X9).
pub fn is_sound(sample: f32) -> bool {
    (f32::MIN_POSITIVE..=LOUDEST).contains(&sample.abs())
}

/// A ring of samples for each channel, read by absolute time. Audio thread; memory is made in
/// [`InputRing::new`].
#[derive(Debug)]
pub struct InputRing {
    channels: Vec<Vec<f32>>,
    mask: usize,
    /// Stream time of the next sample.
    end: u64,
}

impl InputRing {
    /// Remembers at least `samples` of the past.
    pub fn new(channels: usize, samples: usize) -> Self {
        let length = samples.next_power_of_two();
        Self { channels: vec![vec![0.0; length]; channels], mask: length - 1, end: 0 }
    }

    pub fn reset(&mut self) {
        for ring in &mut self.channels {
            ring.fill(0.0);
        }
        self.end = 0;
    }

    /// Takes in `range` of a block. What is not a number, or louder than any sound, is silence from
    /// here on (X9). Returns whether anything sounded.
    pub fn push(&mut self, block: &[&mut [f32]], range: std::ops::Range<usize>) -> bool {
        let mut sounds = false;
        let at = self.end as usize & self.mask;
        for (ring, block) in self.channels.iter_mut().zip(block) {
            let block = &block[range.clone()];
            let (head, tail) = block.split_at(block.len().min(ring.len() - at));
            sounds |= take(head, &mut ring[at..]);
            sounds |= take(tail, ring);
        }
        self.end += range.len() as u64;
        sounds
    }

    /// Hop `n` of a channel, where hops of `hop` samples (a power of two) divide the ring.
    pub fn hop(&self, channel: usize, n: u64, hop: usize) -> &[f32] {
        let at = (n * hop as u64) as usize & self.mask;
        &self.channels[channel][at..at + hop]
    }

    /// Copies `out.len()` samples of a channel from stream time `from` on, which may lie before
    /// the beginning: then it was silent.
    pub fn copy(&self, channel: usize, from: i64, out: &mut [f32]) {
        let before = usize::try_from(-from).unwrap_or(0).min(out.len());
        let (silent, out) = out.split_at_mut(before);
        silent.fill(0.0);
        let ring = &self.channels[channel];
        let at = from.max(0) as usize & self.mask;
        let (head, tail) = out.split_at_mut(out.len().min(ring.len() - at));
        head.copy_from_slice(&ring[at..at + head.len()]);
        tail.copy_from_slice(&ring[..tail.len()]);
    }
}

/// Copies what is sound to the front of `to`, with silence for the rest; whether any of it is.
fn take(samples: &[f32], to: &mut [f32]) -> bool {
    // Below the sign, the bits of numbers are ordered as their magnitudes are, and what is not a number
    // comes after them. Looked at as whole numbers, no mode of the processor changes them on the way.
    const LEAST: i32 = f32::MIN_POSITIVE.to_bits() as i32;
    const LIMIT: i32 = LOUDEST.to_bits() as i32;
    let mut any = 0;
    for (to, sample) in to[..samples.len()].iter_mut().zip(samples) {
        let magnitude = (sample.to_bits() & 0x7fff_ffff) as i32;
        let sound = (LEAST..=LIMIT).contains(&magnitude);
        let kept = if sound { sample.to_bits() } else { 0 };
        any |= kept;
        *to = f32::from_bits(kept);
    }
    any != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sound_is_silence_and_sound_is_told_from_silence() {
        let mut ring = InputRing::new(1, 64);
        for at in 0..40usize {
            let mut block = [0.0f32; 19];
            assert!(!ring.push(&[&mut block.clone()], 0..19), "silence");
            block[at % 19] = -1e-30;
            assert!(ring.push(&[&mut block.clone()], 0..19), "a whisper at {at}");
            for broken in [f32::NAN, f32::INFINITY, -1e5, 1e-42, -f32::from_bits(1)] {
                block[at % 19] = broken;
                assert!(!ring.push(&[&mut block.clone()], 0..19), "{broken} at {at}");
            }
            let mut out = [9.0; 19];
            ring.copy(0, ring.end as i64 - 19, &mut out);
            assert_eq!(out, [0.0; 19]);
        }
    }

    #[test]
    fn hops_are_read_where_they_stand() {
        let mut ring = InputRing::new(2, 1000);
        let mut left: Vec<f32> = (0..8192).map(|i| i as f32).collect();
        let mut right: Vec<f32> = left.iter().map(|l| -l).collect();
        for n in 0..8192 / 64 {
            ring.push(&[&mut left, &mut right], n * 64..(n + 1) * 64);
            assert_eq!(ring.hop(0, n as u64, 64), &left[n * 64..(n + 1) * 64]);
            assert_eq!(ring.hop(1, n as u64, 64), &right[n * 64..(n + 1) * 64]);
        }
    }

    #[test]
    fn gives_back_any_stretch_of_the_past() {
        let mut ring = InputRing::new(1, 1000);
        let mut input: Vec<f32> = (0..5000).map(|i| i as f32).collect();
        let mut at = 0;
        let mut out = [0.0; 300];
        for size in [1usize, 17, 64, 511, 300].into_iter().cycle().take(20) {
            ring.push(&[&mut input], at..at + size);
            at += size;
            ring.copy(0, at as i64 - 700, &mut out);
            for (i, &sample) in out.iter().enumerate() {
                assert_eq!(sample, (at as i64 - 700 + i as i64).max(0) as f32);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_silence() {
        // X9
        let mut ring = InputRing::new(1, 16);
        let mut input = [f32::NAN, 1.0, f32::INFINITY, f32::MAX];
        assert!(ring.push(&[&mut input], 0..4));
        let mut out = [9.0; 4];
        ring.copy(0, 0, &mut out);
        assert_eq!(out, [0.0, 1.0, 0.0, 0.0]);
    }
}
