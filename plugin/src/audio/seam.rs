//! The lower rungs of the fallback ladder: hold and dry, without a click (S12).
//!
//! A hop of output comes from one of three sources. Where the source changes, the old one is
//! continued for a short while and crossfaded into the new one:
//!
//! - *wet* cannot be continued (that is why it was left), so its last samples are played back to
//!   and fro, which begins where the sound was and makes no step;
//! - *hold* is exactly that continuation, for as long as it is needed;
//! - *dry* can always be continued: it is the input, delayed by the latency.
//!
//! Audio thread; all memory is made in [`Seam::new`].

/// Where a hop of output comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Wet,
    Hold,
    Dry,
}

/// The longest crossfade.
const FADE_SAMPLES: usize = 256;

/// Joins hops of different sources.
#[derive(Debug)]
pub struct Seam {
    hop: usize,
    /// The last hop of wet sound, a channel each.
    last: Vec<Vec<f32>>,
    source: Source,
    /// Where in the to and fro of `last` its continuation stands.
    swing: usize,
}

impl Seam {
    pub fn new(channels: usize, hop: usize) -> Self {
        Self { hop, last: vec![vec![0.0; hop]; channels], source: Source::Wet, swing: 0 }
    }

    pub fn reset(&mut self) {
        for last in &mut self.last {
            last.fill(0.0);
        }
        self.source = Source::Wet;
        self.swing = 0;
    }

    /// Joins one whole hop to what was heard before. `wet` holds it if `source` is `Wet`, anything
    /// otherwise; `dry` is the aligned input. On return `wet` is what is to be heard.
    pub fn join<W: AsMut<[f32]>, D: AsRef<[f32]>>(
        &mut self,
        source: Source,
        wet: &mut [W],
        dry: &[D],
    ) {
        let before = std::mem::replace(&mut self.source, source);
        if before == Source::Wet {
            self.swing = 0;
        }
        // Hold is itself the continuation of wet: nothing to fade.
        let seamless = before == source || (before == Source::Wet && source == Source::Hold);
        // Never longer than the hop, so that a fade is over before the next source can change.
        let fade = if seamless { 0 } else { self.hop.min(FADE_SAMPLES) };
        for ((last, wet), dry) in self.last.iter_mut().zip(wet).zip(dry) {
            let (wet, dry) = (wet.as_mut(), dry.as_ref());
            let held = |i: usize| to_and_fro(last, self.swing + i);
            match source {
                Source::Wet => {}
                Source::Hold => (0..self.hop).for_each(|i| wet[i] = held(i)),
                Source::Dry => wet.copy_from_slice(dry),
            }
            for i in 0..fade {
                let fading = if before == Source::Dry { dry[i] } else { held(i) };
                let weight = smooth((i as f32 + 0.5) / fade as f32);
                wet[i] = fading + weight * (wet[i] - fading);
            }
            if source == Source::Wet {
                last.copy_from_slice(wet);
            }
        }
        self.swing += self.hop;
    }
}

/// Reads `last` from its end backwards, forwards again, and so on.
fn to_and_fro(last: &[f32], step: usize) -> f32 {
    let n = last.len();
    let phase = step % (2 * n);
    if phase < n { last[n - 1 - phase] } else { last[phase - n] }
}

/// 0 to 1 without a kink at either end.
fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: usize = 64;

    /// A sine of 300 Hz for wet, the same a quarter turn on for dry.
    fn wave(n: usize, dry: bool) -> Vec<f32> {
        (0..HOP)
            .map(|i| {
                let t = (n * HOP + i) as f32 / 48_000.0;
                let turn = 300.0 * t + if dry { 0.25 } else { 0.0 };
                0.5 * (turn * std::f32::consts::TAU).sin()
            })
            .collect()
    }

    fn play(sources: &[Source]) -> Vec<f32> {
        let mut seam = Seam::new(1, HOP);
        let mut heard = Vec::new();
        for (n, &source) in sources.iter().enumerate() {
            let mut wet = if source == Source::Wet { wave(n, false) } else { vec![99.0; HOP] };
            let dry = wave(n, true);
            seam.join(source, &mut [&mut wet], &[&dry]);
            heard.extend(wet);
        }
        heard
    }

    #[test]
    fn wet_passes_untouched() {
        let heard = play(&[Source::Wet; 8]);
        let expected: Vec<f32> = (0..8).flat_map(|n| wave(n, false)).collect();
        assert_eq!(heard, expected);
    }

    #[test]
    fn no_order_of_sources_makes_a_step() {
        // S12: a sine of 300 Hz at half scale moves by 0.02 a sample; a fade over 64 adds a little.
        let all = [Source::Wet, Source::Hold, Source::Dry];
        let mut state = 7u32;
        for _ in 0..200 {
            let sources: Vec<Source> = (0..20)
                .map(|i| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if i < 2 { Source::Wet } else { all[(state >> 20) as usize % 3] }
                })
                .collect();
            let heard = play(&sources);
            for pair in heard[1..].windows(2) {
                let step = (pair[1] - pair[0]).abs();
                assert!(step < 0.06, "a step of {step} in {sources:?}");
            }
        }
    }

    #[test]
    fn dry_is_dry_after_the_fade_and_wet_is_wet_again() {
        let mut sources = vec![Source::Wet; 2];
        sources.extend([Source::Dry; 3]);
        sources.extend([Source::Wet; 3]);
        let heard = play(&sources);
        assert_eq!(heard[3 * HOP..4 * HOP], wave(3, true)[..]);
        assert_eq!(heard[6 * HOP..7 * HOP], wave(6, false)[..]);
    }
}
