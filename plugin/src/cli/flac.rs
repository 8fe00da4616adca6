//! A FLAC encoder (RFC 9639): fixed predictors and Rice codes, 16 or 24 bits, 1 to 8 channels.
//!
//! Small rather than clever: no linear prediction of higher order, so files are a few percent larger
//! than the reference encoder's. (The `flacenc` crate was tried: without the second Rice method its
//! noisy 24-bit files come out larger than the sound itself.)

use std::io::{self, Write};

use super::md5::Md5;

/// Samples of each channel in a frame, the last one apart.
const FRAME: usize = 4096;
/// Highest order of a fixed predictor.
const ORDERS: usize = 4;
/// Residuals are cut into up to 2^6 partitions, each with its own Rice parameter.
const MOST_PARTITIONS: u32 = 6;

/// Whether the format holds such a sound.
pub fn check(channels: usize, sample_rate: u32, bits: u32) -> io::Result<()> {
    if (1..=8).contains(&channels) && matches!(bits, 16 | 24) && sample_rate < 1 << 20 {
        return Ok(());
    }
    let what = format!(
        "{channels} channels of {bits} bits at {sample_rate} Hz; FLAC holds 1 to 8 channels of \
         16 or 24 bits, up to 1048575 Hz"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Writes whole numbers of `bits` bits, a vector a channel, as a FLAC file.
pub fn write(
    channels: &[Vec<i32>],
    sample_rate: u32,
    bits: u32,
    to: &mut impl Write,
) -> io::Result<()> {
    check(channels.len(), sample_rate, bits)?;
    let samples = channels.first().map_or(0, Vec::len);
    to.write_all(b"fLaC")?;
    let mut info = Bits::default();
    info.put(1 << 31 | 34, 32); // the last block of metadata, STREAMINFO, 34 bytes
    let block = FRAME.min(samples.max(16)) as u64;
    info.put(block, 16);
    info.put(block, 16);
    info.put(0, 48); // sizes of frames: not known
    info.put(u64::from(sample_rate), 20);
    info.put(channels.len() as u64 - 1, 3);
    info.put(u64::from(bits) - 1, 5);
    info.put(samples as u64, 36);
    to.write_all(&info.bytes)?;
    to.write_all(&digest(channels, bits))?;
    for (number, start) in (0..samples).step_by(block as usize).enumerate() {
        let end = (start + block as usize).min(samples);
        let frame: Vec<&[i32]> = channels.iter().map(|c| &c[start..end]).collect();
        to.write_all(&encode_frame(number as u64, &frame, bits))?;
    }
    Ok(())
}

fn digest(channels: &[Vec<i32>], bits: u32) -> [u8; 16] {
    let mut md5 = Md5::new();
    let mut bytes = Vec::new();
    let samples = channels.first().map_or(0, Vec::len);
    for start in (0..samples).step_by(FRAME) {
        bytes.clear();
        for i in start..(start + FRAME).min(samples) {
            for channel in channels {
                bytes.extend_from_slice(&channel[i].to_le_bytes()[..bits as usize / 8]);
            }
        }
        md5.add(&bytes);
    }
    md5.finish()
}

fn encode_frame(number: u64, channels: &[&[i32]], bits: u32) -> Vec<u8> {
    let samples = channels[0].len();
    let (assignment, coded) = match channels {
        [left, right] => stereo(left, right, bits),
        _ => {
            let coded = channels.iter().map(|c| Subframe::best(c.to_vec(), bits)).collect();
            (channels.len() as u64 - 1, coded)
        }
    };
    let mut out = Bits::default();
    out.put(0b1111_1111_1111_1000, 16); // sync, blocks of one size
    out.put(0b0111_0000, 8); // size of the block: 16 bits below; rate: see STREAMINFO
    out.put(assignment, 4);
    out.put(if bits == 16 { 0b100 } else { 0b110 }, 3);
    out.put(0, 1);
    put_number(&mut out, number);
    out.put(samples as u64 - 1, 16);
    let check = crc(&out.bytes, 0x07, 8);
    out.put(check.into(), 8);
    for subframe in &coded {
        subframe.put(&mut out);
    }
    out.align();
    let check = crc(&out.bytes, 0x8005, 16);
    out.put(check.into(), 16);
    out.bytes
}

/// Left and right, or one of them, or their middle, with their difference: whatever is smallest.
fn stereo(left: &[i32], right: &[i32], bits: u32) -> (u64, Vec<Subframe>) {
    let both = || left.iter().zip(right);
    let [left_, right_, middle, side] = [
        Subframe::best(left.to_vec(), bits),
        Subframe::best(right.to_vec(), bits),
        Subframe::best(both().map(|(l, r)| (l + r) >> 1).collect(), bits),
        Subframe::best(both().map(|(l, r)| l - r).collect(), bits + 1),
    ];
    let sizes = [
        (1, left_.size + right_.size),
        (0b1000, left_.size + side.size),
        (0b1001, side.size + right_.size),
        (0b1010, middle.size + side.size),
    ];
    let (assignment, _) = sizes.into_iter().min_by_key(|(_, size)| *size).expect("there are four");
    let pair = match assignment {
        1 => vec![left_, right_],
        0b1000 => vec![left_, side],
        0b1001 => vec![side, right_],
        _ => vec![middle, side],
    };
    (assignment, pair)
}

/// One channel of a frame, in the form that takes the fewest bits.
struct Subframe {
    samples: Vec<i32>,
    bits: u32,
    form: Form,
    /// In bits, the header apart.
    size: u64,
}

enum Form {
    Constant,
    Verbatim,
    /// The order, its residual (with the warm-up samples before it), the parameters of 2^n
    /// partitions.
    Fixed {
        order: usize,
        residual: Vec<i32>,
        rice: Vec<u32>,
    },
}

impl Subframe {
    fn best(samples: Vec<i32>, bits: u32) -> Self {
        if samples.iter().all(|&s| s == samples[0]) {
            return Self { samples, bits, form: Form::Constant, size: bits.into() };
        }
        let size = samples.len() as u64 * u64::from(bits);
        let mut best = (Form::Verbatim, size);
        let mut residual = samples.clone();
        let (mut least, mut at) = (u64::MAX, None);
        for order in 0..=ORDERS.min(samples.len() - 1) {
            if order > 0 {
                for i in (order..residual.len()).rev() {
                    // At most 25 + 4 bits: no overflow.
                    residual[i] -= residual[i - 1];
                }
            }
            let sum = residual[order..].iter().map(|r| u64::from(r.unsigned_abs())).sum();
            if sum < least {
                least = sum;
                at = Some((order, residual.clone()));
            }
        }
        if let Some((order, residual)) = at {
            let (rice, coded) = best_partitions(&residual, order);
            let size = order as u64 * u64::from(bits) + coded;
            if size < best.1 {
                best = (Form::Fixed { order, residual, rice }, size);
            }
        }
        Self { samples, bits, form: best.0, size: best.1 }
    }

    fn put(&self, out: &mut Bits) {
        let kind = match &self.form {
            Form::Constant => 0,
            Form::Verbatim => 1,
            Form::Fixed { order, .. } => 8 + *order as u64,
        };
        out.put(kind << 1, 8);
        match &self.form {
            Form::Constant => out.put_signed(self.samples[0], self.bits),
            Form::Verbatim => self.samples.iter().for_each(|&s| out.put_signed(s, self.bits)),
            Form::Fixed { order, residual, rice } => {
                self.samples[..*order].iter().for_each(|&s| out.put_signed(s, self.bits));
                // The second method: parameters of five bits.
                out.put(1, 2);
                out.put(rice.len().trailing_zeros().into(), 4);
                let each = residual.len() / rice.len();
                for (part, &parameter) in residual.chunks(each).zip(rice) {
                    out.put(parameter.into(), 5);
                    let skip =
                        if std::ptr::eq(part.as_ptr(), residual.as_ptr()) { *order } else { 0 };
                    part[skip..].iter().for_each(|&r| out.put_rice(folded(r), parameter));
                }
            }
        }
    }
}

/// Positive and negative numbers in turn: 0, -1, 1, -2, 2, ...
fn folded(residual: i32) -> u32 {
    (residual << 1 ^ residual >> 31) as u32
}

/// The Rice parameters that need the fewest bits, and how many bits that is.
fn best_partitions(residual: &[i32], order: usize) -> (Vec<u32>, u64) {
    let len = residual.len();
    let all = (0..=MOST_PARTITIONS).filter(|n| len.is_multiple_of(1 << n) && len >> n > order);
    let coded = all.map(|n| {
        let mut bits = 6;
        let rice = residual.chunks(len >> n).enumerate().map(|(i, part)| {
            let part = if i == 0 { &part[order..] } else { part };
            let (parameter, size) = best_rice(part);
            bits += 5 + size;
            parameter
        });
        (rice.collect::<Vec<_>>(), bits)
    });
    coded.min_by_key(|(_, bits)| *bits).expect("one partition is always possible")
}

fn best_rice(part: &[i32]) -> (u32, u64) {
    let sum: u64 = part.iter().map(|&r| u64::from(folded(r))).sum();
    let mean = sum / part.len().max(1) as u64;
    // The best is the logarithm of the mean, or next to it.
    let about = 63 - (mean + 1).leading_zeros();
    let size = |parameter: u32| -> u64 {
        part.iter().map(|&r| u64::from((folded(r) >> parameter) + 1 + parameter)).sum()
    };
    let tried = about.saturating_sub(1)..=(about + 1).min(30);
    tried.map(|k| (k, size(k))).min_by_key(|(_, size)| *size).expect("at least one is tried")
}

/// A frame's number, in the style of UTF-8.
fn put_number(out: &mut Bits, number: u64) {
    if number < 0x80 {
        return out.put(number, 8);
    }
    let more = (1..7).find(|more| number >> (6 * more + 6 - more) == 0).unwrap_or(6);
    let head = (0xFF00 >> (more + 1)) & 0xFF;
    out.put(head | number >> (6 * more), 8);
    for i in (0..more).rev() {
        out.put(0x80 | (number >> (6 * i) & 0x3F), 8);
    }
}

/// A checksum of `width` bits, from the highest bit on.
fn crc(bytes: &[u8], polynomial: u16, width: u32) -> u16 {
    let polynomial = polynomial << (16 - width);
    let mut table = [0u16; 256];
    for (byte, entry) in table.iter_mut().enumerate() {
        *entry = (byte as u16) << 8;
        for _ in 0..8 {
            let out = *entry & 0x8000 != 0;
            *entry = (*entry << 1) ^ if out { polynomial } else { 0 };
        }
    }
    let step = |sum: u16, &byte: &u8| (sum << 8) ^ table[usize::from(sum >> 8) ^ usize::from(byte)];
    bytes.iter().fold(0, step) >> (16 - width)
}

/// Bits, the highest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are still free.
    free: u32,
}

impl Bits {
    fn put(&mut self, value: u64, mut count: u32) {
        while count > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let now = count.min(self.free);
            let piece = (value >> (count - now)) as u8 & (0xFFu16 >> (8 - now)) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= piece << (self.free - now);
            }
            self.free -= now;
            count -= now;
        }
    }

    fn put_signed(&mut self, value: i32, count: u32) {
        self.put(value as u64 & ((1 << count) - 1), count);
    }

    fn put_rice(&mut self, value: u32, parameter: u32) {
        let mut zeros = value >> parameter;
        while zeros > 32 {
            self.put(0, 32);
            zeros -= 32;
        }
        self.put(1, zeros + 1);
        self.put(value.into(), parameter);
    }

    fn align(&mut self) {
        self.free = 0;
    }
}

#[cfg(test)]
#[path = "flac_tests.rs"]
mod tests;
