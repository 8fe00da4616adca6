//! The sound under the strokes: a texture over the whole loop, brought up to date by columns.
//!
//! The levels are kept beside the texture, for the readout under the pointer.

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use crate::host::Columns;

/// Columns over the loop, and bands over the frequency axis.
pub const COLUMNS: usize = 1024;
pub const BANDS: usize = 512;

/// Levels and colours of the loop as last heard.
pub struct Spectrogram {
    texture: Option<TextureHandle>,
    palette: [Color32; 256],
    /// `[column * BANDS + band]`, lowest band first.
    levels: Vec<u8>,
    /// The column written last, which further columns at the same place add to.
    last: Option<usize>,
    /// Columns to send, and how many; it may run over the end.
    dirty: Option<(usize, usize)>,
}

impl Default for Spectrogram {
    fn default() -> Self {
        Self {
            texture: None,
            palette: crate::colour::palette(),
            levels: vec![0; COLUMNS * BANDS],
            last: None,
            dirty: None,
        }
    }
}

impl Spectrogram {
    /// Forgets the texture of a closed window: each opening has a new context.
    pub fn detach(&mut self) {
        self.texture = None;
    }

    pub fn clear(&mut self) {
        self.levels.fill(0);
        self.last = None;
        self.dirty = Some((0, COLUMNS));
    }

    pub fn texture(&self) -> Option<&TextureHandle> {
        self.texture.as_ref()
    }

    /// The level at a canvas point, 0..1.
    pub fn level(&self, x: f32, y: f32) -> f32 {
        let c = ((x * COLUMNS as f32) as usize).min(COLUMNS - 1);
        let b = ((y * BANDS as f32) as usize).min(BANDS - 1);
        self.levels[c * BANDS + b] as f32 / 255.0
    }

    /// Writes a run of columns into the levels.
    pub fn push(&mut self, run: Columns<'_>) {
        let bytes = run.bands * 4;
        if bytes == 0 {
            return;
        }
        for (i, column) in run.rgba.chunks_exact(bytes).enumerate() {
            let from = (run.position + i as f32 * run.width).rem_euclid(1.0) * COLUMNS as f32;
            let first = (from as usize).min(COLUMNS - 1);
            let count = ((from + run.width * COLUMNS as f32).ceil() as usize).saturating_sub(first);
            for c in (first..first + count.clamp(1, COLUMNS)).map(|c| c % COLUMNS) {
                self.write(c, column, run.bands);
            }
        }
    }

    fn write(&mut self, at: usize, column: &[u8], bands: usize) {
        // Columns that fall into the same place add up to their loudest.
        let keep = self.last == Some(at);
        let levels = &mut self.levels[at * BANDS..(at + 1) * BANDS];
        for (b, level) in levels.iter_mut().enumerate() {
            let first = b * bands / BANDS;
            let last = ((b + 1) * bands).div_ceil(BANDS).max(first + 1).min(bands);
            let r = (first..last).map(|s| column[s * 4]).max().unwrap_or(0);
            *level = if keep { (*level).max(r) } else { r };
        }
        self.last = Some(at);
        self.dirty = Some(match self.dirty {
            None => (at, 1),
            Some((first, count)) => {
                let offset = (at + COLUMNS - first) % COLUMNS;
                // A jump backwards (a locate) is cheaper sent whole than tracked.
                if offset < COLUMNS / 2 { (first, count.max(offset + 1)) } else { (0, COLUMNS) }
            }
        });
    }

    /// Sends what changed to the texture.
    pub fn upload(&mut self, ctx: &Context) {
        let Some(texture) = self.texture.clone() else {
            let image = self.image(0, COLUMNS);
            self.texture = Some(ctx.load_texture("spectrogram", image, TextureOptions::LINEAR));
            self.dirty = None;
            return;
        };
        let Some((first, count)) = self.dirty.take() else { return };
        let mut texture = texture;
        let head = count.min(COLUMNS - first);
        texture.set_partial([first, 0], self.image(first, head), TextureOptions::LINEAR);
        if count > head {
            let tail = self.image(0, count - head);
            texture.set_partial([0, 0], tail, TextureOptions::LINEAR);
        }
    }

    fn image(&self, first: usize, count: usize) -> ColorImage {
        let mut pixels = vec![self.palette[0]; count * BANDS];
        for c in 0..count {
            let levels = &self.levels[(first + c) * BANDS..(first + c + 1) * BANDS];
            for (b, level) in levels.iter().enumerate() {
                pixels[(BANDS - 1 - b) * count + c] = self.palette[*level as usize];
            }
        }
        ColorImage::new([count, BANDS], pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(value: u8, bands: usize) -> Vec<u8> {
        (0..bands).flat_map(|_| [value, 0, 0, 255]).collect()
    }

    fn run(position: f32, width: f32, rgba: &[u8], bands: usize) -> Columns<'_> {
        Columns { position, width, bands, rgba }
    }

    #[test]
    fn a_column_lands_where_it_was_heard_and_wraps() {
        let mut s = Spectrogram::default();
        let rgba = [column(200, 64), column(100, 64)].concat();
        s.push(run(1023.0 / 1024.0, 1.0 / 1024.0, &rgba, 64));
        assert_eq!((s.level(0.9999, 0.5) * 255.0) as u8, 200);
        assert_eq!((s.level(0.0, 0.5) * 255.0) as u8, 100);
        assert_eq!(s.level(0.5, 0.5), 0.0);
        assert_eq!(s.dirty, Some((1023, 2)));
    }

    #[test]
    fn columns_closer_than_the_texture_keep_the_loudest() {
        let mut s = Spectrogram::default();
        for v in [10, 250, 30] {
            let rgba = column(v, BANDS);
            s.push(run(0.25, 0.0001, &rgba, BANDS));
        }
        assert_eq!((s.level(0.25, 0.1) * 255.0).round() as u8, 250);
        // The next time round it starts anew.
        s.push(run(0.5, 0.0001, &column(1, BANDS), BANDS));
        s.push(run(0.25, 0.0001, &column(7, BANDS), BANDS));
        assert_eq!((s.level(0.25, 0.1) * 255.0).round() as u8, 7);
    }

    #[test]
    fn only_what_changed_is_sent() {
        let ctx = Context::default();
        let mut s = Spectrogram::default();
        s.upload(&ctx);
        s.push(run(0.5, 0.002, &column(90, 256), 256));
        assert_eq!(s.dirty.map(|d| d.1), Some(3));
        s.upload(&ctx);
        assert_eq!(s.dirty, None);
        let mut sent = ctx.tex_manager().write().take_delta();
        let id = s.texture().expect("a texture").id();
        let last = sent.set[&id].last().expect("an update").clone();
        assert_eq!(last.pos, Some([512, 0]));
        assert_eq!(last.image.size(), [3, BANDS]);
        sent.clear();
    }
}
