//! Test signals and how far apart two of them are.

/// xorshift64*: small, seeded, the same on every machine.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        // Any state but 0 is good; the multiplication spreads small seeds over all bits.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// 0 to 1, 1 excluded.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// -1 to 1.
    pub fn bipolar(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }

    /// 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }
}

/// White noise of full scale, each channel its own: every delay and every swapped channel shows.
pub fn noise(seed: u64, channels: usize, samples: usize) -> Vec<Vec<f32>> {
    (0..channels)
        .map(|c| {
            let mut rng = Rng::new(seed * 31 + c as u64);
            (0..samples).map(|_| rng.bipolar() as f32).collect()
        })
        .collect()
}

/// Decibels of an amplitude relative to 1.
pub fn db(amplitude: f64) -> f64 {
    20.0 * amplitude.max(1e-20).log10()
}

/// The largest magnitude.
pub fn peak(signal: &[Vec<f32>]) -> f64 {
    signal.iter().flatten().fold(0.0, |peak, &x| f64::max(peak, x.abs() as f64))
}

/// How far `output` is from `input` delayed by `latency` samples with zeros before: the largest
/// difference of any sample relative to the input's peak, in dB. Not a number where a sample is
/// not.
pub fn null_db(input: &[Vec<f32>], output: &[Vec<f32>], latency: usize) -> f64 {
    assert_eq!(input.len(), output.len(), "channels");
    let mut worst = 0.0f64;
    for (x, y) in input.iter().zip(output) {
        assert_eq!(x.len(), y.len(), "samples");
        assert!(x.len() > latency, "{} samples say nothing about {latency}", x.len());
        for (t, &y) in y.iter().enumerate() {
            let expected = if t < latency { 0.0 } else { x[t - latency] };
            let error = (y as f64 - expected as f64).abs();
            if error.is_nan() {
                return f64::NAN;
            }
            worst = worst.max(error);
        }
    }
    db(worst / peak(input))
}

/// The first sample of a kind that no plugin may put out (X9): not finite, or subnormal.
pub fn first_unsound(signal: &[Vec<f32>]) -> Option<(usize, usize, f32)> {
    signal.iter().enumerate().find_map(|(c, channel)| {
        let t = channel.iter().position(|x| !x.is_finite() || x.is_subnormal())?;
        Some((c, t, channel[t]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_sees_a_sample_of_delay_too_many() {
        let x = noise(1, 2, 1000);
        let delayed = |by: usize| -> Vec<Vec<f32>> {
            x.iter().map(|c| [vec![0.0; by], c[..c.len() - by].to_vec()].concat()).collect()
        };
        assert!(null_db(&x, &delayed(320), 320) < -300.0);
        assert!(null_db(&x, &delayed(321), 320) > -10.0);
        assert!(null_db(&x, &delayed(319), 320) > -10.0);
    }

    #[test]
    fn a_null_sees_one_wrong_sample_and_anything_before_the_delay() {
        let x = noise(1, 1, 1000);
        let mut y = vec![[vec![0.0; 100], x[0][..900].to_vec()].concat()];
        y[0][500] += 1e-3;
        assert!((null_db(&x, &y, 100) - -60.0).abs() < 0.5);
        y[0][500] = f32::NAN;
        assert!(null_db(&x, &y, 100).is_nan());
        let mut early = vec![[vec![0.0; 100], x[0][..900].to_vec()].concat()];
        early[0][3] = 0.01;
        assert!(null_db(&x, &early, 100) > -41.0);
    }

    #[test]
    fn unsound_samples_are_found() {
        let mut x = noise(1, 2, 100);
        assert_eq!(first_unsound(&x), None);
        x[1][7] = 1e-40;
        assert_eq!(first_unsound(&x), Some((1, 7, 1e-40)));
    }
}
