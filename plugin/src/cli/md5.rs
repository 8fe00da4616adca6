//! The MD5 (RFC 1321) that a FLAC file carries of its sound. Not for secrets.

/// Per step: how far to rotate, in turns of four.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

pub struct Md5 {
    state: [u32; 4],
    constants: [u32; 64],
    waiting: Vec<u8>,
    bytes: u64,
}

impl Md5 {
    pub fn new() -> Self {
        let sine = |i: usize| ((i + 1) as f64).sin().abs() * 4_294_967_296.0;
        Self {
            state: [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476],
            constants: std::array::from_fn(|i| sine(i) as u32),
            waiting: Vec::with_capacity(64),
            bytes: 0,
        }
    }

    pub fn add(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if !self.waiting.is_empty() {
            let taken = bytes.len().min(64 - self.waiting.len());
            self.waiting.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.waiting.len() < 64 {
                return;
            }
            let block = std::mem::take(&mut self.waiting);
            self.block(&block);
        }
        let blocks = bytes.chunks_exact(64);
        self.waiting.extend_from_slice(blocks.remainder());
        blocks.for_each(|block| self.block(block));
    }

    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.bytes.wrapping_mul(8);
        let padding = 1 + (119 - self.bytes % 64) % 64;
        let mut end = vec![0u8; padding as usize];
        end[0] = 0x80;
        end.extend_from_slice(&bits.to_le_bytes());
        self.add(&end);
        let mut digest = [0; 16];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }

    fn block(&mut self, block: &[u8]) {
        let word = |i: usize| {
            u32::from_le_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
        };
        let [mut a, mut b, mut c, mut d] = self.state;
        for i in 0..64 {
            let (mixed, from) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let sum =
                a.wrapping_add(mixed).wrapping_add(self.constants[i]).wrapping_add(word(from));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(TURNS[i / 16][i % 4]));
        }
        for (state, value) in self.state.iter_mut().zip([a, b, c, d]) {
            *state = state.wrapping_add(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str, piece: usize) -> String {
        let mut md5 = Md5::new();
        text.as_bytes().chunks(piece).for_each(|bytes| md5.add(bytes));
        md5.finish().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_digests_of_the_rfc_come_out_in_pieces_of_any_size() {
        let digits = "1234567890".repeat(8);
        for (text, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (digits.as_str(), "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            for piece in [1, 7, 64, 100] {
                assert_eq!(digest(text, piece), expected, "{text:?} in pieces of {piece}");
            }
        }
    }
}
