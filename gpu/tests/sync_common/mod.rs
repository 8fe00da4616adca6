//! What the tests of `sync` share: sound that tells which hop it is, and one check of everything
//! that must hold of a hop buffer at any time.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeSet;

use scumble_gpu::sync::{
    Buffering, HopReader, HopShape, HopStatus, HopWriter, ReadHops, WriteHops, hop_buffer,
};

pub const MODES: [Buffering; 4] = [
    Buffering::Double,
    Buffering::Triple,
    Buffering::Ring { blocks: 1 },
    Buffering::Ring { blocks: 3 },
];

/// A value that no other hop, channel or place has.
pub fn sound(hop: u64, place: usize) -> f32 {
    // Below 2^24, so exact in f32; neighbours differ in every way that tearing could show.
    ((hop % 65_521) * 255 + place as u64 % 255) as f32
}

pub fn fill(hop: u64) -> impl FnOnce(&mut [f32]) {
    move |samples| {
        for (place, sample) in samples.iter_mut().enumerate() {
            *sample = sound(hop, place);
        }
    }
}

pub fn assert_sound(hop: u64, samples: &[f32]) {
    for (place, &sample) in samples.iter().enumerate() {
        assert!(sample == sound(hop, place), "hop {hop} is torn at {place}: {sample}");
    }
}

/// A buffer whose halves hold exactly `hops` hops.
pub fn buffer(
    buffering: Buffering,
    channels: usize,
    hop_samples: usize,
    hops: usize,
) -> (HopWriter, HopReader) {
    let shape = HopShape {
        channels,
        hop_samples,
        max_block_samples: hop_samples,
        sample_rate_hz: 48_000.0,
        buffer_size_bytes: 4 * channels * hop_samples * hops,
    };
    hop_buffer(buffering, shape).unwrap()
}

/// A small xorshift generator: deterministic, no dependency, no allocation.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn one_in(&mut self, chances: u64) -> bool {
        self.roll().is_multiple_of(chances)
    }
}

/// A hop buffer with all that happened to it, and the check of all that must hold.
pub struct Watched {
    pub writer: HopWriter,
    pub reader: HopReader,
    buffering: Buffering,
    hops_per_half: usize,
    /// Published, in order.
    published: Vec<u64>,
    delivered: BTreeSet<u64>,
    /// Pushed after they had been asked for.
    refused_late: u64,
    asked_to: u64,
    misses: u64,
    next_publish: u64,
}

impl Watched {
    pub fn new(buffering: Buffering, hops_per_half: usize) -> Self {
        let (writer, reader) = buffer(buffering, 2, 3, hops_per_half);
        Self {
            writer,
            reader,
            buffering,
            hops_per_half,
            published: Vec::new(),
            delivered: BTreeSet::new(),
            refused_late: 0,
            asked_to: 0,
            misses: 0,
            next_publish: 0,
        }
    }

    /// Fills a half with `count` hops, the first `gap` after the last, and publishes or drops it.
    pub fn write(&mut self, count: usize, gap: u64, publish: bool) {
        use scumble_gpu::sync::{PlaceError, Placed};
        let first = self.next_publish + gap;
        let Some(mut half) = self.writer.begin() else {
            assert_ne!(self.buffering, Buffering::Triple, "triple always has a half");
            let waiting = self.published.iter().filter(|&&hop| hop >= self.asked_to).count();
            assert!(
                self.buffering != Buffering::Double || waiting > 0,
                "double refused although nobody wants what is published"
            );
            return;
        };
        assert!(half.is_empty());
        let mut stored = Vec::new();
        for hop in first..first + count as u64 {
            match half.push_hop(hop, fill(hop)) {
                Ok(Placed::Stored) => stored.push(hop),
                Ok(Placed::Late) => {
                    assert!(hop < self.asked_to);
                    self.refused_late += 1;
                }
                Err(PlaceError::Full { hop: refused, capacity }) => {
                    assert_eq!((refused, capacity), (hop, self.hops_per_half));
                    assert_eq!(stored.len(), self.hops_per_half);
                }
                Err(error) => panic!("{error}"),
            }
            if let Some(&last) = stored.last() {
                let error = half.push_hop(last, fill(last)).unwrap_err();
                let full = stored.len() == self.hops_per_half;
                assert!(full || matches!(error, PlaceError::OutOfOrder { .. }), "{error}");
            }
            assert_eq!(half.hops(), stored.len());
        }
        if publish {
            assert_eq!(half.publish().is_some(), !stored.is_empty());
            if let Some(last) = stored.last() {
                self.next_publish = last + 1;
            }
            self.published.extend(stored);
        }
        // Else the half is let go: what was pushed is as if it had never been.
        self.check();
    }

    /// Asks for the hop `skip` after the last; with `look`, whether it is there before that, as those
    /// do who may wait.
    pub fn read(&mut self, skip: u64, look: bool) {
        let hop = self.asked_to + skip;
        let signalled = self.reader.is_signalled();
        let swaps = self.reader.stats().swaps;
        let decided = look.then(|| self.reader.is_decided(hop));
        let (mut left, mut right) = ([-1.0; 3], [-1.0; 3]);
        let status = self.reader.read_hop(hop, &mut [&mut left, &mut right]);
        if status == HopStatus::Ready {
            let both: Vec<f32> = left.into_iter().chain(right).collect();
            assert_sound(hop, &both);
            assert!(self.published.contains(&hop), "hop {hop} was never published");
            assert!(self.delivered.insert(hop), "hop {hop} came twice");
        } else {
            assert_eq!((left, right), ([-1.0; 3], [-1.0; 3]), "nothing may be written");
            self.misses += 1;
        }
        if let Some(decided) = decided {
            // It is there, or later ones are; what is not decided is not there.
            let overtaken = self.published.last().is_some_and(|&last| last > hop);
            assert_eq!(decided, status == HopStatus::Ready || overtaken, "hop {hop}");
        }
        self.asked_to = hop + 1;
        // S1: only a signalled half changes hands.
        let swapped = self.reader.stats().swaps - swaps;
        assert!(signalled || swapped == 0);
        assert!(swapped <= 1 || matches!(self.buffering, Buffering::Ring { .. }));
        self.check();
    }

    /// Everything that must hold between two operations.
    pub fn check(&self) {
        let (read, written) = (self.reader.stats(), self.writer.stats());
        assert_eq!(self.writer.asked_to(), self.asked_to);
        assert_eq!(read.misses, self.misses);
        assert!(read.swaps <= written.published, "a generation is taken at most once");
        // Every published hop has exactly one fate, or is still on its way.
        let withdrawn = written.late - self.refused_late;
        let fated = self.delivered.len() as u64 + read.late + withdrawn;
        let published = self.published.len() as u64;
        assert!(fated <= published, "{fated} fates of {published} hops");
        assert!(
            withdrawn == 0 || self.buffering == Buffering::Double,
            "only double takes back what was published"
        );
        let wanted = self.published.iter().filter(|&&hop| hop >= self.asked_to).count() as u64;
        let on_the_way = published - fated;
        if self.buffering == Buffering::Triple {
            // What leaves the window unread after it was asked for is seen by nobody.
            assert!(on_the_way >= wanted.min(self.hops_per_half as u64));
        } else {
            assert_eq!(written.overflows, 0);
            assert!(on_the_way >= wanted);
            let halves = self.reader.shape().halves as u64;
            assert!(on_the_way <= halves * self.hops_per_half as u64);
        }
        assert!(self.delivered.last().is_none_or(|&last| last < self.asked_to));
    }

    /// Reads on until nothing is left: all that is still wanted must come, in every mode that
    /// replaces nothing, and the newest window in `triple`.
    pub fn drain(&mut self) {
        let end = self.published.last().map_or(0, |last| last + 1);
        let wanted: Vec<u64> =
            self.published.iter().copied().filter(|&hop| hop >= self.asked_to).collect();
        let kept = if self.buffering == Buffering::Triple {
            wanted.len().min(self.hops_per_half)
        } else {
            wanted.len()
        };
        while self.asked_to < end {
            self.read(0, false);
        }
        for hop in &wanted[wanted.len() - kept..] {
            assert!(self.delivered.contains(hop), "hop {hop} was lost");
        }
    }
}
