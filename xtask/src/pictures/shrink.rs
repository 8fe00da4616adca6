//! Two pictures side by side at half their size, in few colours, so that a manual full of them stays
//! light.

use std::path::Path;

use anyhow::{Context, Result, bail};

struct Image {
    width: usize,
    height: usize,
    rgb: Vec<[u8; 3]>,
    palette: Vec<[u8; 3]>,
}

/// Every eighth colour of the source is kept, and all of the greys between ink and paper.
const STEP: usize = 8;

fn read(path: &Path) -> Result<Image> {
    let file = std::io::BufReader::new(std::fs::File::open(path)?);
    let mut reader = png::Decoder::new(file).read_info()?;
    let size = reader.output_buffer_size().context("a picture of a size that fits")?;
    let mut indices = vec![0; size];
    let frame = reader.next_frame(&mut indices)?;
    let info = reader.info();
    if (info.color_type, info.bit_depth) != (png::ColorType::Indexed, png::BitDepth::Eight) {
        bail!("{}: not a picture of 256 colours", path.display());
    }
    let palette: Vec<[u8; 3]> = info
        .palette
        .as_deref()
        .context("a palette")?
        .chunks_exact(3)
        .map(|c| [c[0], c[1], c[2]])
        .collect();
    let rgb = indices[..frame.buffer_size()].iter().map(|i| palette[usize::from(*i)]).collect();
    Ok(Image { width: frame.width as usize, height: frame.height as usize, rgb, palette })
}

/// The mean of each two by two dots.
fn halve(image: &Image) -> Image {
    let (width, height) = (image.width / 2, image.height / 2);
    let mean = |x: usize, y: usize| {
        let dot = |dx: usize, dy: usize| image.rgb[(2 * y + dy) * image.width + 2 * x + dx];
        let four = [dot(0, 0), dot(1, 0), dot(0, 1), dot(1, 1)];
        let sum = |c: usize| four.iter().map(|dot| u32::from(dot[c])).sum::<u32>();
        [0, 1, 2].map(|c| (sum(c) / 4) as u8)
    };
    let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y));
    Image { width, height, rgb: rgb.collect(), palette: image.palette.clone() }
}

/// The colours that are kept: of the levels, of letters and their edges.
fn few(palette: &[[u8; 3]]) -> Vec<[u8; 3]> {
    let levels = palette.len().saturating_sub(2);
    let mut kept: Vec<[u8; 3]> = palette[..levels].iter().copied().step_by(STEP).collect();
    kept.extend(palette.get(levels.saturating_sub(1)));
    kept.extend((0..=8u8).map(|i| [24 + i * 28, 24 + i * 28, 28 + i * 28]));
    kept.push([255; 3]);
    kept
}

fn nearest(palette: &[[u8; 3]], colour: [u8; 3]) -> u8 {
    let distance = |other: &[u8; 3]| {
        let part = |c: usize| i32::from(other[c]) - i32::from(colour[c]);
        [0, 1, 2].map(|c| part(c) * part(c)).iter().sum::<i32>()
    };
    let best = palette.iter().enumerate().min_by_key(|(_, other)| distance(other));
    best.map_or(0, |(i, _)| i as u8)
}

/// The bytes of a PNG file.
pub fn side_by_side(left: &Path, right: &Path) -> Result<Vec<u8>> {
    let (left, right) = (halve(&read(left)?), halve(&read(right)?));
    if left.height != right.height {
        bail!("pictures of {} and {} dots in height", left.height, right.height);
    }
    let palette = few(&left.palette);
    let rows = left.rgb.chunks(left.width).zip(right.rgb.chunks(right.width));
    let dots = rows.flat_map(|(left, right)| left.iter().chain(right));
    let indices: Vec<u8> = dots.map(|dot| nearest(&palette, *dot)).collect();
    let mut bytes = Vec::new();
    let size = ((left.width + right.width) as u32, left.height as u32);
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    // Neighbours among the indices are no neighbours in value: filters would only blur them.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&indices)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_are_the_nearest_of_many() {
        let palette: Vec<[u8; 3]> = (0..=255u8).map(|i| [i, 0, 255 - i]).collect();
        let kept = few(&palette);
        assert!(kept.len() < 64);
        let found = kept[usize::from(nearest(&kept, [100, 0, 155]))];
        assert!(found[0].abs_diff(100) <= STEP as u8, "{found:?}");
        assert_eq!(kept[usize::from(nearest(&kept, [255; 3]))], [255; 3]);
    }
}
