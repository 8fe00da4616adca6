//! What is taken for sound on its way in.

/// Louder input than this (80 dB over full scale) is clipped, so that no effect overflows.
pub const LOUDEST: f32 = 1e4;

/// Whether all of it is numbers, none louder than [`LOUDEST`]: almost always.
fn is_clean(samples: &[f32]) -> bool {
    // Below the sign, the bits of numbers are ordered as their magnitudes are, and what is not a number
    // comes after them: a difference below 0 says too loud, with the sign bit that all share.
    const LIMIT: i32 = LOUDEST.to_bits() as i32;
    let magnitude = |sample: &f32| (sample.to_bits() & 0x7fff_ffff) as i32;
    samples.iter().fold(0, |beyond, sample| beyond | LIMIT.wrapping_sub(magnitude(sample))) >= 0
}

/// Clips what is too loud; what is not a number becomes silence.
pub fn cleanse(samples: &mut [f32]) {
    if is_clean(samples) {
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
            (0.0, true),
            (-0.0, true),
            (f32::from_bits(1), true),
            (-0.3, true),
            (LOUDEST, true),
            (-LOUDEST, true),
            (LOUDEST.next_up(), false),
            (-LOUDEST.next_up(), false),
            (f32::MAX, false),
            (f32::INFINITY, false),
            (f32::NEG_INFINITY, false),
            (f32::NAN, false),
            (-f32::NAN, false),
        ];
        for length in 1..40 {
            for at in 0..length {
                for (sample, clean) in kinds {
                    let mut samples = vec![0.0; length];
                    samples[at] = sample;
                    assert_eq!(is_clean(&samples), clean, "{sample} at {at}");
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
        assert!(is_clean(&[]));
    }
}
