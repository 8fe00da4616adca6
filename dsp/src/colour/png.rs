//! Pictures as PNG: a palette of at most 256 colours, one byte a pixel.

/// A picture whose pixels are places in a palette, top row first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paletted {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg()))
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    let typed = [&kind[..], body].concat();
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(&typed);
    out.extend(crc32(&typed).to_be_bytes());
}

/// zlib with stored blocks: a picture of half a megabyte is not worth a compressor in the tree.
fn zlib_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let n = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(n.to_le_bytes());
        out.extend((!n).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(bytes).to_be_bytes());
    out
}

/// The picture as the bytes of a PNG file; colours are red, green and blue.
pub fn encode(picture: &Paletted, palette: &[[u8; 3]]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend((picture.width as u32).to_be_bytes());
    header.extend((picture.height as u32).to_be_bytes());
    // Eight bits a pixel, palette, and the only methods there are.
    header.extend([8, 3, 0, 0, 0]);
    // Each row opens with its filter: none.
    let rows: Vec<u8> =
        picture.pixels.chunks(picture.width).flat_map(|row| [&[0], row].concat()).collect();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, b"IHDR", &header);
    chunk(&mut out, b"PLTE", palette.as_flattened());
    chunk(&mut out, b"IDAT", &zlib_stored(&rows));
    chunk(&mut out, b"IEND", &[]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }
}
