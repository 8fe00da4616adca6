//! A spectrogram as a picture: axes with numbers, and a bar that says what the colours mean.

use scumble_dsp::ColourMap;
use scumble_dsp::colour::png::{self, Paletted};

use super::font;

/// What is drawn.
pub struct Plot<'a> {
    pub title: String,
    /// dB below the loudest; `frames` values for each bin, the lowest bin first.
    pub decibels: &'a [f32],
    pub frames: usize,
    pub frequencies: &'a [f64],
    /// How long all the frames are.
    pub seconds: f64,
    pub range_db: f64,
    /// Equal steps of frequency are marked; else 1, 2 and 5 of every decade.
    pub linear: bool,
    pub colours: ColourMap,
}

const WIDTH: usize = 1000;
/// Bins are drawn at least this high together, and never much higher.
const HEIGHT: usize = 480;
const TALLEST: usize = 720;
const LEFT: usize = 96;
const TOP: usize = 36;
const BOTTOM: usize = 56;
const RIGHT: usize = 120;
const BAR: usize = 18;
const TICK: usize = 6;
/// Letters are drawn at twice their size.
const SCALE: usize = 2;

/// Two places of the palette are kept for paper and ink; the others are levels.
const PAPER: u8 = 255;
const INK: u8 = 254;
const LEVELS: f64 = 253.0;

struct Canvas(Paletted);

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self(Paletted { width, height, pixels: vec![PAPER; width * height] })
    }

    fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, colour: u8) {
        for row in y..(y + height).min(self.0.height) {
            let end = (x + width).min(self.0.width);
            if x < end {
                self.0.pixels[row * self.0.width + x..row * self.0.width + end].fill(colour);
            }
        }
    }

    fn text(&mut self, text: &str, x: usize, y: usize) {
        font::draw(text, |dx, dy| self.fill(x + SCALE * dx, y + SCALE * dy, SCALE, SCALE, INK));
    }

    fn frame(&mut self, x: usize, y: usize, width: usize, height: usize) {
        self.fill(x - 1, y - 1, width + 2, 1, INK);
        self.fill(x - 1, y + height, width + 2, 1, INK);
        self.fill(x - 1, y - 1, 1, height + 2, INK);
        self.fill(x + width, y - 1, 1, height + 2, INK);
    }
}

fn text_width(text: &str) -> usize {
    SCALE * font::width(text)
}

const TEXT_HEIGHT: usize = SCALE * font::HEIGHT;

/// The least of 1, 2 or 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let decade = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|s| s * decade);
    steps.into_iter().find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(10.0 * decade)
}

fn hertz(hz: f64) -> String {
    if hz >= 1000.0 { format!("{} kHz", hz / 1000.0) } else { format!("{hz} Hz") }
}

/// Where a frequency lies among the bins, as a fraction of one; `None` beyond the ends.
fn bin_of(frequencies: &[f64], hz: f64) -> Option<f64> {
    let above = frequencies.partition_point(|f| *f < hz);
    let upper = *frequencies.get(above)?;
    match above.checked_sub(1).map(|below| frequencies[below]) {
        Some(lower) => Some((above - 1) as f64 + (hz - lower) / (upper - lower)),
        None => (hz == upper).then_some(0.0),
    }
}

impl Plot<'_> {
    /// Frequencies worth a number.
    fn marks(&self) -> Vec<f64> {
        let highest = self.frequencies.last().copied().unwrap_or(0.0);
        if highest <= 0.0 {
            return Vec::new();
        }
        if self.linear {
            let step = round_step(highest / 9.0);
            return (0..).map(|i| f64::from(i) * step).take_while(|hz| *hz <= highest).collect();
        }
        (0..6)
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|s| s * 10f64.powi(decade)))
            .filter(|hz| *hz <= highest)
            .collect()
    }

    fn height(&self) -> usize {
        let bins = self.frequencies.len().max(1);
        if bins > TALLEST { TALLEST } else { bins * (HEIGHT / bins).max(1) }
    }

    /// The bytes of a PNG file.
    pub fn png(&self) -> Vec<u8> {
        let palette: Vec<[u8; 3]> = (0..=255u8)
            .map(|i| match i {
                PAPER => [255, 255, 255],
                INK => [24, 24, 28],
                level => {
                    let level = f64::from(level) / LEVELS * 255.0;
                    self.colours.rgb(level.round() as u8)
                }
            })
            .collect();
        png::encode(&self.draw().0, &palette)
    }

    fn draw(&self) -> Canvas {
        let height = self.height();
        let mut canvas = Canvas::new(LEFT + WIDTH + RIGHT, TOP + height + BOTTOM);
        self.draw_levels(&mut canvas, height);
        canvas.frame(LEFT, TOP, WIDTH, height);
        canvas.text(&self.title.to_uppercase(), LEFT, (TOP - TEXT_HEIGHT) / 2);
        self.draw_frequencies(&mut canvas, height);
        self.draw_times(&mut canvas, height);
        self.draw_bar(&mut canvas, height);
        canvas
    }

    /// Where several bins or frames share a dot, the loudest shows.
    fn draw_levels(&self, canvas: &mut Canvas, height: usize) {
        let bins = self.frequencies.len();
        let span = |at: usize, of: usize, count: usize| {
            let from = at * count / of;
            from..((at + 1) * count).div_ceil(of).clamp(from + 1, count.max(from + 1))
        };
        for y in 0..height {
            for x in 0..WIDTH {
                let frames = span(x, WIDTH, self.frames);
                let loudest = span(height - 1 - y, height, bins)
                    .filter_map(|bin| self.decibels.get(bin * self.frames..)?.get(frames.clone()))
                    .flatten()
                    .fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                let part = 1.0 + f64::from(loudest) / self.range_db;
                let level = (part.clamp(0.0, 1.0) * LEVELS).round() as u8;
                canvas.0.pixels[(TOP + y) * (LEFT + WIDTH + RIGHT) + LEFT + x] = level;
            }
        }
    }

    fn draw_frequencies(&self, canvas: &mut Canvas, height: usize) {
        let bins = self.frequencies.len() as f64;
        let mut free_below = TOP + height + TEXT_HEIGHT;
        for hz in self.marks() {
            let Some(bin) = bin_of(self.frequencies, hz) else { continue };
            let y = TOP + height - 1 - ((bin + 0.5) / bins * (height - 1) as f64).round() as usize;
            canvas.fill(LEFT - TICK, y, TICK, 1, INK);
            // Numbers that would touch the one below are left out; their ticks stand.
            if y + TEXT_HEIGHT <= free_below {
                let label = hertz(hz);
                let x = LEFT - TICK - 4 - text_width(&label);
                canvas.text(&label, x, y.saturating_sub(TEXT_HEIGHT / 2));
                free_below = y - TEXT_HEIGHT.min(y);
            }
        }
    }

    fn draw_times(&self, canvas: &mut Canvas, height: usize) {
        if self.seconds <= 0.0 {
            return;
        }
        let step = round_step(self.seconds / 10.0);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        for i in 0..=(self.seconds / step + 1e-9).floor() as usize {
            let t = i as f64 * step;
            let x = LEFT + ((t / self.seconds) * (WIDTH - 1) as f64).round() as usize;
            canvas.fill(x, TOP + height, 1, TICK, INK);
            let label = format!("{t:.digits$} s");
            let left = x.saturating_sub(text_width(&label) / 2);
            canvas.text(&label, left, TOP + height + TICK + 6);
        }
    }

    fn draw_bar(&self, canvas: &mut Canvas, height: usize) {
        let x = LEFT + WIDTH + 20;
        for y in 0..height {
            let part = 1.0 - y as f64 / (height - 1).max(1) as f64;
            canvas.fill(x, TOP + y, BAR, 1, (part * LEVELS).round() as u8);
        }
        canvas.frame(x, TOP, BAR, height);
        let step = round_step(self.range_db / 6.0);
        for i in 0..=(self.range_db / step + 1e-9).floor() as usize {
            let db = i as f64 * step;
            let y = TOP + (db / self.range_db * (height - 1) as f64).round() as usize;
            canvas.fill(x + BAR, y, TICK, 1, INK);
            let label = if i == 0 { "0 dB".to_owned() } else { format!("-{db}") };
            canvas.text(&label, x + BAR + TICK + 4, y.saturating_sub(TEXT_HEIGHT / 2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot<'a>(decibels: &'a [f32], frequencies: &'a [f64]) -> Plot<'a> {
        Plot {
            title: "test".into(),
            decibels,
            frames: decibels.len() / frequencies.len(),
            frequencies,
            seconds: 2.0,
            range_db: 80.0,
            linear: false,
            colours: ColourMap::Viridis,
        }
    }

    #[test]
    fn the_lowest_bin_is_at_the_bottom_and_time_runs_to_the_right() {
        let frequencies = [100.0, 200.0, 400.0, 800.0];
        // The lowest bin is loud at first, the highest at last.
        let mut decibels = [-80.0; 8];
        decibels[0] = 0.0;
        decibels[7] = -40.0;
        let plot = plot(&decibels, &frequencies);
        let canvas = plot.draw();
        let height = plot.height();
        let dot = |x: usize, y: usize| canvas.0.pixels[(TOP + y) * canvas.0.width + LEFT + x];
        assert_eq!(dot(10, height - 10), LEVELS as u8);
        assert_eq!(dot(WIDTH - 10, 10), (LEVELS / 2.0).round() as u8);
        assert_eq!(dot(10, 10), 0);
        assert_eq!(dot(WIDTH - 10, height - 10), 0);
        // There are numbers to the left, below, and beside the bar.
        let ink = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
            let dots = y.flat_map(|y| x.clone().map(move |x| (x, y)));
            dots.filter(|(x, y)| canvas.0.pixels[y * canvas.0.width + x] == INK).count()
        };
        assert!(ink(0..LEFT - TICK, TOP..TOP + height) > 100);
        assert!(ink(LEFT..LEFT + WIDTH, TOP + height + TICK..TOP + height + BOTTOM) > 200);
        let beside = LEFT + WIDTH + 20 + BAR + TICK;
        assert!(ink(beside..canvas.0.width, TOP..TOP + height) > 100);
    }

    #[test]
    fn any_shape_can_be_drawn() {
        for (bins, frames) in [(1, 1), (1, 5000), (3000, 1), (84, 173)] {
            let decibels = vec![f32::NEG_INFINITY; bins * frames];
            let frequencies: Vec<f64> = (0..bins).map(|i| i as f64 * 7.0).collect();
            for linear in [false, true] {
                let plot = Plot { linear, ..plot(&decibels, &frequencies) };
                assert!(plot.png().starts_with(b"\x89PNG"));
            }
        }
    }

    #[test]
    fn frequencies_are_found_among_bins() {
        let bins = [100.0, 200.0, 400.0];
        assert_eq!(bin_of(&bins, 100.0), Some(0.0));
        assert_eq!(bin_of(&bins, 300.0), Some(1.5));
        assert_eq!(bin_of(&bins, 400.0), Some(2.0));
        assert_eq!(bin_of(&bins, 99.0), None);
        assert_eq!(bin_of(&bins, 401.0), None);
        assert_eq!(round_step(0.2), 0.2);
        assert_eq!(round_step(21.0), 50.0);
    }
}
