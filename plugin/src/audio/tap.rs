//! What the editor sees of the sound: both sides of the effect, aligned, while a window is open.
//!
//! The audio thread writes stretches into a ring and never waits for the reader; a full ring means
//! that nobody looks, and the stretch is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Samples in a stretch at 48 kHz: some ninety columns a second.
const STRETCH: usize = 512;
/// Stretches that may wait: a second of a window that hangs.
const WAITING: usize = 96;
/// Words before the samples: the place in the loop, and how much of the loop a stretch covers.
const HEAD: usize = 2;

/// Samples in a stretch at this rate.
pub fn stretch_samples(sample_rate: f32) -> usize {
    let octaves = (sample_rate / 48_000.0).log2().round().clamp(-2.0, 4.0);
    (STRETCH as f32 * octaves.exp2()) as usize
}

/// The audio thread's end.
pub struct Tap {
    ring: rtrb::Producer<f32>,
    watched: Arc<AtomicBool>,
    /// Head, then dry, then wet, as they go into the ring.
    stretch: Vec<f32>,
    filled: usize,
    samples: usize,
}

/// The editor's end.
pub struct Watch {
    ring: rtrb::Consumer<f32>,
    watched: Arc<AtomicBool>,
    samples: usize,
}

/// A stretch of sound, all channels mixed.
pub struct Heard<'a> {
    /// Where in the loop it ends, 0..1, and how much of the loop it covers.
    pub place: f32,
    pub width: f32,
    pub dry: &'a [f32],
    pub wet: &'a [f32],
}

/// Both ends.
pub fn tap(sample_rate: f32) -> (Tap, Watch) {
    let samples = stretch_samples(sample_rate);
    let words = HEAD + 2 * samples;
    let (producer, consumer) = rtrb::RingBuffer::new(WAITING * words);
    let watched = Arc::new(AtomicBool::new(false));
    let stretch = vec![0.0; words];
    let tap = Tap { ring: producer, watched: watched.clone(), stretch, filled: 0, samples };
    (tap, Watch { ring: consumer, watched, samples })
}

impl Tap {
    /// Takes in what was just heard, and the aligned input. `place` and `width` give the loop
    /// position at the end of a stretch and what a stretch covers; asked only when one is full.
    pub fn take<S: AsRef<[f32]>>(
        &mut self,
        dry: &[S],
        from: usize,
        wet: &[&mut [f32]],
        range: std::ops::Range<usize>,
        place: impl Fn() -> (f64, f64),
    ) {
        // Relaxed: a switch; the samples go through the ring.
        if !self.watched.load(Ordering::Relaxed) {
            self.filled = 0;
            return;
        }
        let scale = 1.0 / wet.len().max(1) as f32;
        for (i, at) in range.enumerate() {
            let slot = HEAD + self.filled;
            self.stretch[slot] = scale * dry.iter().map(|c| c.as_ref()[from + i]).sum::<f32>();
            let heard: f32 = wet.iter().map(|channel| channel[at]).sum();
            self.stretch[slot + self.samples] = scale * heard;
            self.filled += 1;
            if self.filled == self.samples {
                self.filled = 0;
                let (place, width) = place();
                self.stretch[0] = place as f32;
                self.stretch[1] = width as f32;
                if let Ok(chunk) = self.ring.write_chunk_uninit(self.stretch.len()) {
                    chunk.fill_from_iter(self.stretch.iter().copied());
                }
            }
        }
    }
}

impl Watch {
    /// Switches the tap on or off.
    pub fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// Hands out the stretches that came in, oldest first. `scratch` is reused.
    pub fn drain(&mut self, scratch: &mut Vec<f32>, mut see: impl FnMut(Heard<'_>)) {
        let words = HEAD + 2 * self.samples;
        while let Ok(chunk) = self.ring.read_chunk(words) {
            scratch.clear();
            let (first, second) = chunk.as_slices();
            scratch.extend_from_slice(first);
            scratch.extend_from_slice(second);
            chunk.commit_all();
            let (dry, wet) = scratch[HEAD..].split_at(self.samples);
            see(Heard { place: scratch[0], width: scratch[1], dry, wet });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_is_seen_and_nothing_is_done_unwatched() {
        let (mut tap, mut watch) = tap(48_000.0);
        let dry: Vec<Vec<f32>> = vec![(0..2048).map(|i| i as f32).collect(); 2];
        let mut wet = vec![dry[0].iter().map(|x| -x).collect::<Vec<f32>>(); 2];
        let mut scratch = Vec::new();
        for watched in [false, true] {
            watch.set_watched(watched);
            for at in (0..2048).step_by(100) {
                let end = (at + 100).min(2048);
                let mut slices: Vec<&mut [f32]> = wet.iter_mut().map(Vec::as_mut_slice).collect();
                tap.take(
                    &dry,
                    at,
                    &slices.iter_mut().map(|s| &mut **s).collect::<Vec<_>>(),
                    at..end,
                    || (0.5, 0.1),
                );
            }
            let mut seen = Vec::new();
            watch.drain(&mut scratch, |heard| {
                assert_eq!((heard.place, heard.width), (0.5, 0.1));
                assert!(heard.dry.iter().zip(heard.wet).all(|(d, w)| *d == -*w));
                seen.extend_from_slice(heard.dry);
            });
            let expected = if watched { &dry[0][..] } else { &[] };
            assert_eq!(seen, expected);
        }
    }
}
