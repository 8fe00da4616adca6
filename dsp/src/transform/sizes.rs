//! Lengths that an FFT is fast at.

/// The least product of 2, 3 and 5 that is even and not below `least`.
pub fn even_fast_size(least: usize) -> usize {
    let mut best = least.max(2).next_power_of_two();
    let mut fives = 1;
    while fives < best {
        let mut threes = fives;
        while threes < best {
            let mut size = threes * 2;
            while size < least {
                size *= 2;
            }
            best = best.min(size);
            threes *= 3;
        }
        fives *= 5;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_least_that_are_fast() {
        let fast = |n: usize| {
            let mut n = n;
            for p in [2, 3, 5] {
                while n.is_multiple_of(p) {
                    n /= p;
                }
            }
            n == 1
        };
        for least in (1..3000).chain([88_200, 110_881]) {
            let size = even_fast_size(least);
            assert!(size >= least && size.is_multiple_of(2) && fast(size), "{size} for {least}");
            assert!((least..size).all(|n| !n.is_multiple_of(2) || !fast(n)), "{size} for {least}");
        }
    }
}
