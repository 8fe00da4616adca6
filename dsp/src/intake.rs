//! What is taken for sound on its way in.

/// Louder input than this (80 dB over full scale) is clipped, so that no effect overflows.
pub const LOUDEST: f32 = 1e4;

/// What there is in a stretch of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Not all of it is silence.
    pub sounds: bool,
    /// All of it is numbers, none louder than [`LOUDEST`].
    pub clean: bool,
}

/// Looks at all of `samples` at once; almost always they are clean and may be copied as they are.
pub fn survey(samples: &[f32]) -> Survey {
    // Below the sign, the bits of numbers are ordered as their magnitudes are, and what is not a number
    // comes after them: a difference below 0 says too loud, with the sign bit that all share.
    const LIMIT: i32 = LOUDEST.to_bits() as i32;
    let (mut any, mut beyond) = (0, 0);
    for sample in samples {
        let magnitude = (sample.to_bits() & 0x7fff_ffff) as i32;
        any |= magnitude;
        beyond |= LIMIT.wrapping_sub(magnitude);
    }
    Survey { sounds: any != 0, clean: beyond >= 0 }
}

/// Clips what is too loud; what is not a number becomes silence.
pub fn cleanse(samples: &mut [f32]) {
    if survey(samples).clean {
        return;
    }
    for x in samples {
        *x = if x.is_finite() { x.clamp(-LOUDEST, LOUDEST) } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_of_each_kind_is_seen_wherever_it_stands() {
        let kinds = [
            (0.0, false, true),
            (-0.0, false, true),
            (f32::from_bits(1), true, true),
            (-0.3, true, true),
            (LOUDEST, true, true),
            (-LOUDEST, true, true),
            (LOUDEST.next_up(), true, false),
            (-LOUDEST.next_up(), true, false),
            (f32::MAX, true, false),
            (f32::INFINITY, true, false),
            (f32::NEG_INFINITY, true, false),
            (f32::NAN, true, false),
            (-f32::NAN, true, false),
        ];
        for length in 1..40 {
            for at in 0..length {
                for (sample, sounds, clean) in kinds {
                    let mut samples = vec![0.0; length];
                    samples[at] = sample;
                    assert_eq!(survey(&samples), Survey { sounds, clean }, "{sample} at {at}");
                    let mut taken = samples;
                    cleanse(&mut taken);
                    let kept =
                        if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 };
                    assert_eq!(taken[at].to_bits(), kept.to_bits());
                    assert_eq!(
                        taken.iter().filter(|&&x| x != 0.0).count(),
                        usize::from(kept != 0.0)
                    );
                }
            }
        }
        assert_eq!(survey(&[]), Survey { sounds: false, clean: true });
    }
}
