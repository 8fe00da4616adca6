//! The strokes' picture as a texture, redrawn where it changed.

use egui::{Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureOptions, pos2};

use super::raster::{self, Frame, Part};
use crate::axes::{FreqAxis, Map, View};
use crate::brush::Brush;
use crate::stroke::Stroke;

/// From this many strokes a moving view shows the picture it has until it stands still.
const LAZY_FROM: usize = 48;

#[derive(Default)]
pub struct Tint {
    texture: Option<TextureHandle>,
    pixels: Vec<Color32>,
    frame: Option<Frame>,
    drawn: Vec<Stroke>,
    revision: Option<u64>,
    last_view: View,
}

impl Tint {
    pub fn detach(&mut self) {
        self.texture = None;
        self.frame = None;
    }

    /// Brings the picture up to date: `strokes` at `revision` and the one under way.
    pub fn update(
        &mut self,
        ctx: &Context,
        map: &Map,
        axis: &FreqAxis,
        strokes: &[Stroke],
        revision: u64,
        active: Option<&Stroke>,
    ) {
        let scale = ctx.pixels_per_point();
        let size = map.plot.size() * scale;
        let frame = Frame {
            view: map.view,
            axis: *axis,
            width: (size.x.round() as usize).clamp(1, 8192),
            height: (size.y.round() as usize).clamp(1, 8192),
            scale,
        };
        let moving = std::mem::replace(&mut self.last_view, map.view) != map.view;
        let lazy = moving && strokes.len() >= LAZY_FROM && self.texture.is_some();
        if self.frame != Some(frame) && !lazy {
            self.drawn = strokes.iter().chain(active).cloned().collect();
            self.revision = Some(revision);
            self.pixels.clear();
            self.pixels.resize(frame.width * frame.height, Color32::TRANSPARENT);
            raster::draw(&mut self.pixels, &frame, frame.whole(), self.drawn.iter());
            let image = ColorImage::new([frame.width, frame.height], self.pixels.clone());
            match &mut self.texture {
                Some(texture) => texture.set(image, TextureOptions::LINEAR),
                None => {
                    let new = ctx.load_texture("strokes", image, TextureOptions::LINEAR);
                    self.texture = Some(new);
                }
            }
            self.frame = Some(frame);
            return;
        }
        let Some(frame) = self.frame else { return };
        let part = if self.revision == Some(revision) {
            self.follow(&frame, strokes.len(), active)
        } else {
            self.revision = Some(revision);
            self.replace(&frame, strokes.iter().chain(active).cloned().collect())
        };
        self.redraw(&frame, part);
    }

    /// The finished strokes stand; the one under way came, grew or went.
    fn follow(&mut self, frame: &Frame, finished: usize, active: Option<&Stroke>) -> Part {
        let before = self.drawn.get(finished);
        if before == active {
            return Part::NONE;
        }
        let part = match (before, active) {
            (Some(before), Some(now)) => grown(frame, before, now),
            (before, now) => {
                let bounds = |s: Option<&Stroke>| s.map_or(Part::NONE, |s| frame.bounds(s));
                bounds(before).union(bounds(now))
            }
        };
        self.drawn.truncate(finished);
        self.drawn.extend(active.cloned());
        part
    }

    fn replace(&mut self, frame: &Frame, now: Vec<Stroke>) -> Part {
        // What stands in both lists at the same place from either end has not changed.
        let head = now.iter().zip(&self.drawn).take_while(|(a, b)| a == b).count();
        let tail = now[head..]
            .iter()
            .rev()
            .zip(self.drawn[head..].iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
        let changed = |list: &[Stroke]| {
            let middle = &list[head..list.len() - tail];
            middle.iter().map(|s| frame.bounds(s)).fold(Part::NONE, Part::union)
        };
        let part = changed(&now).union(changed(&self.drawn));
        self.drawn = now;
        part
    }

    fn redraw(&mut self, frame: &Frame, part: Part) {
        if part.is_empty() {
            return;
        }
        raster::draw(&mut self.pixels, frame, part, self.drawn.iter());
        let mut pixels = Vec::with_capacity((part.x1 - part.x0) * (part.y1 - part.y0));
        for y in part.y0..part.y1 {
            let row = y * frame.width;
            pixels.extend_from_slice(&self.pixels[row + part.x0..row + part.x1]);
        }
        let image = ColorImage::new([part.x1 - part.x0, part.y1 - part.y0], pixels);
        if let Some(texture) = &mut self.texture {
            texture.set_partial([part.x0, part.y0], image, TextureOptions::LINEAR);
        }
    }

    pub fn paint(&self, painter: &Painter, map: &Map) {
        let (Some(texture), Some(frame)) = (&self.texture, &self.frame) else { return };
        let v = frame.view;
        let at = Rect::from_two_pos(map.to_screen(v.x0, v.y1), map.to_screen(v.x1, v.y0));
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), at, uv, Color32::WHITE);
    }
}

/// What is to be drawn again when a stroke grew from `before` to `now`: its new end alone, unless
/// more than points was added. Arrows move with the length.
fn grown(frame: &Frame, before: &Stroke, now: &Stroke) -> Part {
    let (old, new) = (&before.points, &now.points);
    let only_longer = Stroke { points: new.clone(), ..before.clone() } == *now
        && new.len() > old.len()
        && new[..old.len()] == old[..]
        && Brush::of(now.kind) != Brush::Warp;
    if !only_longer {
        return frame.bounds(before).union(frame.bounds(now));
    }
    let from = old.len().saturating_sub(1);
    frame.bounds(&Stroke { points: new[from..].to_vec(), ..now.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Axis;
    use crate::stroke::{StrokeKind, StrokePoint};

    #[test]
    fn a_growing_stroke_looks_as_if_drawn_at_once() {
        for kind in [StrokeKind::Erase, StrokeKind::WarpFreq] {
            let axis = FreqAxis::new(Axis::Log, 40_960.0);
            let frame = Frame { view: View::default(), axis, width: 300, height: 150, scale: 1.0 };
            let mut tint = Tint { frame: Some(frame), revision: Some(0), ..Tint::default() };
            tint.pixels = vec![Color32::TRANSPARENT; frame.width * frame.height];
            let mut stroke = Stroke {
                id: 1,
                kind,
                points: vec![],
                radius_time: 0.05,
                radius_octaves: 0.6,
                strength: 0.8,
                hardness: 0.5,
            };
            for i in 0..60 {
                let t = i as f32 / 60.0;
                let (x, y) = (0.1 + 0.95 * t, 5.0 + 3.0 * (t * 9.0).sin());
                stroke.points.push(StrokePoint { x, y, pressure: 1.0 });
                let part = tint.follow(&frame, 0, Some(&stroke));
                tint.redraw(&frame, part);
            }
            let mut once = vec![Color32::TRANSPARENT; frame.width * frame.height];
            raster::draw(&mut once, &frame, frame.whole(), std::iter::once(&stroke));
            assert!(once == tint.pixels);
        }
    }
}
