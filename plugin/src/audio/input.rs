//! The input of the recent past: the dry signal, aligned with whatever is heard (X2, X5).

/// 80 dB above full scale: what is beyond is no sound but a fault of whoever made it.
const LOUDEST: f32 = 10_000.0;

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
        let mut sounded = false;
        let at = self.end as usize;
        for (ring, block) in self.channels.iter_mut().zip(block) {
            for (i, &sample) in block[range.clone()].iter().enumerate() {
                // False for what is not a number, too.
                let sample = if sample.abs() <= LOUDEST { sample } else { 0.0 };
                sounded |= sample != 0.0;
                ring[(at + i) & self.mask] = sample;
            }
        }
        self.end += range.len() as u64;
        sounded
    }

    /// Copies `out.len()` samples of a channel from stream time `from` on, which may lie before
    /// the beginning: then it was silent.
    pub fn copy(&self, channel: usize, from: i64, out: &mut [f32]) {
        let ring = &self.channels[channel];
        for (i, out) in out.iter_mut().enumerate() {
            let time = from + i as i64;
            *out = if time < 0 { 0.0 } else { ring[time as usize & self.mask] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
