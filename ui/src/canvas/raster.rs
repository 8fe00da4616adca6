//! Strokes as a picture: translucent tints with a dashed spine, drawn into pixels on the CPU.
//!
//! Pure. A picture is kept as a texture and only what changed is drawn again, so that 500 strokes
//! cost a frame no more than one. Within a stroke the tint never doubles: each pixel column is
//! covered by the union of the slices of the stroke's segments.

use egui::{Color32, Vec2, vec2};

use crate::axes::{FreqAxis, View};
use crate::brush::Brush;
use crate::stroke::{Stroke, StrokeKind, StrokePoint};

/// How strongly a stroke colours the sound.
const FILL: f32 = 0.30;
/// A picture's part in pixels: `x0..x1`, `y0..y1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub x0: usize,
    pub y0: usize,
    pub x1: usize,
    pub y1: usize,
}

impl Part {
    pub const NONE: Self = Self { x0: 0, y0: 0, x1: 0, y1: 0 };

    pub fn is_empty(&self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
}

/// Maps canvas units to pixels of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub view: View,
    pub axis: FreqAxis,
    pub width: usize,
    pub height: usize,
    /// Pixels per point.
    pub scale: f32,
}

impl Frame {
    pub fn whole(&self) -> Part {
        Part { x0: 0, y0: 0, x1: self.width, y1: self.height }
    }

    fn per_loop(&self) -> f32 {
        self.width as f32 / self.view.width()
    }

    fn column(&self, x: f32) -> f32 {
        (x - self.view.x0) * self.per_loop()
    }

    fn row(&self, octave: f32) -> f32 {
        let share = (self.axis.y_of(octave) - self.view.y0) / self.view.height();
        self.height as f32 * (1.0 - share)
    }

    fn at(&self, x: f32, octave: f32) -> Vec2 {
        vec2(self.column(x), self.row(octave))
    }

    /// The stroke's line in pixels; bent where the axis bends it.
    fn path(&self, stroke: &Stroke, turn: f32) -> Vec<Vec2> {
        /// Straight enough, in octaves.
        const PIECE: f32 = 0.2;
        let mut path = Vec::with_capacity(stroke.points.len());
        for pair in stroke.points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let pieces = if self.axis.is_log() { 1.0 } else { ((b.y - a.y).abs() / PIECE).ceil() };
            let pieces = (pieces as usize).clamp(1, 200);
            path.extend((0..pieces).map(|i| {
                let t = i as f32 / pieces as f32;
                self.at(a.x + t * (b.x - a.x) + turn, a.y + t * (b.y - a.y))
            }));
        }
        path.extend(stroke.points.last().map(|p| self.at(p.x + turn, p.y)));
        path
    }

    /// The pixels that a stroke may touch, round the loop's ends too.
    pub fn bounds(&self, stroke: &Stroke) -> Part {
        let mut part = Part::NONE;
        for turn in turns(stroke) {
            part = part.union(self.bounds_at(stroke, turn));
        }
        part
    }

    fn bounds_at(&self, stroke: &Stroke, turn: f32) -> Part {
        let (mut low, mut high) = (Vec2::INFINITY, -Vec2::INFINITY);
        for p in &stroke.points {
            let at = vec2(p.x + turn, p.y);
            low = low.min(at);
            high = high.max(at);
        }
        let (time, octaves) = self.radius(stroke);
        // Room for soft edges, and for the arrows of a warp.
        let more = 2.0 + 10.0 * self.scale;
        let clip = |v: f32, end: usize| v.clamp(0.0, end as f32) as usize;
        Part {
            x0: clip((self.column(low.x - time) - more).floor(), self.width),
            y0: clip((self.row(high.y + octaves) - more).floor(), self.height),
            x1: clip((self.column(high.x + time) + more).ceil() + 1.0, self.width),
            y1: clip((self.row(low.y - octaves) + more).ceil() + 1.0, self.height),
        }
    }

    /// In loops and octaves; at least about a pixel.
    fn radius(&self, stroke: &Stroke) -> (f32, f32) {
        let pixel = self.view.height() * self.axis.octaves() / self.height as f32;
        (stroke.radius_time.max(1.0 / self.per_loop()), stroke.radius_octaves.max(pixel))
    }
}

/// Whole loops by which a stroke is seen again: strokes go on round the loop's ends.
fn turns(stroke: &Stroke) -> impl Iterator<Item = f32> + use<> {
    let (low, high) =
        stroke.points.iter().fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.x), h.max(p.x)));
    let (low, high) = (low - stroke.radius_time, high + stroke.radius_time);
    let first = (-high.clamp(-3.0, 4.0)).ceil() as i32;
    let last = (1.0 - low.clamp(-3.0, 4.0)).floor() as i32;
    (first..=last).map(|t| t as f32)
}

/// Draws `strokes` in order into `part` of `pixels` (premultiplied), after clearing it.
pub fn draw<'a>(
    pixels: &mut [Color32],
    frame: &Frame,
    part: Part,
    strokes: impl Iterator<Item = &'a Stroke>,
) {
    for y in part.y0..part.y1 {
        pixels[y * frame.width + part.x0..y * frame.width + part.x1].fill(Color32::TRANSPARENT);
    }
    let mut slices = Vec::new();
    for stroke in strokes {
        for turn in turns(stroke) {
            let mut b = frame.bounds_at(stroke, turn);
            b.x0 = b.x0.max(part.x0);
            b.y0 = b.y0.max(part.y0);
            b.x1 = b.x1.min(part.x1);
            b.y1 = b.y1.min(part.y1);
            if !b.is_empty() {
                fill(pixels, frame, b, stroke, turn, &mut slices);
                spine(pixels, frame, b, stroke, turn);
            }
        }
    }
}

fn fill(
    pixels: &mut [Color32],
    frame: &Frame,
    part: Part,
    stroke: &Stroke,
    turn: f32,
    slices: &mut Vec<(f32, f32)>,
) {
    let (time, octaves) = frame.radius(stroke);
    let across = time * frame.per_loop();
    // In units of the radius the footprint of a segment is a capsule of radius one.
    let unit = |p: &StrokePoint| vec2(frame.column(p.x + turn) / across, p.y / octaves);
    let points: Vec<Vec2> = stroke.points.iter().map(unit).collect();
    let colour = Brush::of(stroke.kind).colour();
    let alpha = FILL * (0.45 + 0.55 * stroke.strength.abs());
    for x in part.x0..part.x1 {
        let u = (x as f32 + 0.5) / across;
        slices.clear();
        if let [only] = points[..] {
            slices.extend(disc(only, u));
        }
        slices.extend(points.windows(2).filter_map(|w| capsule(w[0], w[1], u)));
        slices.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut spans = slices.iter().copied();
        let mut current = spans.next();
        while let Some((low, mut high)) = current {
            current = None;
            for (l, h) in spans.by_ref() {
                if l <= high {
                    high = high.max(h);
                } else {
                    current = Some((l, h));
                    break;
                }
            }
            let (top, bottom) = (frame.row(high * octaves), frame.row(low * octaves));
            let first = (top.floor().max(part.y0 as f32)) as usize;
            let last = (bottom.ceil().min(part.y1 as f32)).max(0.0) as usize;
            for y in first..last {
                let cover = (bottom - y as f32).min(1.0) - (top - y as f32).max(0.0);
                blend(&mut pixels[y * frame.width + x], colour, alpha * cover.clamp(0.0, 1.0));
            }
        }
    }
}

fn disc(centre: Vec2, u: f32) -> Option<(f32, f32)> {
    let d = u - centre.x;
    (d.abs() < 1.0).then(|| {
        let h = (1.0 - d * d).sqrt();
        (centre.y - h, centre.y + h)
    })
}

/// Where the vertical line at `u` cuts the capsule about the segment `a`..`b`.
fn capsule(a: Vec2, b: Vec2, u: f32) -> Option<(f32, f32)> {
    if u < a.x.min(b.x) - 1.0 || u > a.x.max(b.x) + 1.0 {
        return None;
    }
    let mut span: Option<(f32, f32)> = disc(a, u);
    let mut grow = |l: f32, h: f32| {
        span = Some(span.map_or((l, h), |(low, high)| (low.min(l), high.max(h))));
    };
    if let Some((l, h)) = disc(b, u) {
        grow(l, h);
    }
    let along = b - a;
    let length = along.length();
    if length > 1e-6 {
        let n = vec2(-along.y, along.x) / length;
        let corners = [a + n, b + n, b - n, a - n];
        for i in 0..4 {
            let (p, q) = (corners[i], corners[(i + 1) % 4]);
            if (p.x <= u) != (q.x <= u) {
                let v = p.y + (u - p.x) / (q.x - p.x) * (q.y - p.y);
                grow(v, v);
            }
        }
    }
    span
}

fn spine(pixels: &mut [Color32], frame: &Frame, part: Part, stroke: &Stroke, turn: f32) {
    let colour = Brush::of(stroke.kind).colour();
    let points = frame.path(stroke, turn);
    let width = 1.2 * frame.scale;
    if let [only] = points[..] {
        let arm = 3.0 * frame.scale;
        segment(pixels, frame, part, only - vec2(arm, 0.0), only + vec2(arm, 0.0), width, colour);
        return;
    }
    let (dash, gap) = (6.0 * frame.scale, 3.5 * frame.scale);
    let mut walked = 0.0;
    for w in points.windows(2) {
        let along = w[1] - w[0];
        let length = along.length();
        let mut at = 0.0;
        while at < length {
            let phase = (walked + at) % (dash + gap);
            let left = if phase < dash { dash - phase } else { dash + gap - phase };
            let end = (at + left.max(0.05)).min(length);
            if phase < dash {
                let (p, q) = (w[0] + along * (at / length), w[0] + along * (end / length));
                segment(pixels, frame, part, p, q, width, colour);
            }
            at = end;
        }
        walked += length;
    }
    if Brush::of(stroke.kind) == Brush::Warp {
        arrows(pixels, frame, part, stroke, &points, walked, colour);
    }
}

/// Arrows that say which way the sound goes.
fn arrows(
    pixels: &mut [Color32],
    frame: &Frame,
    part: Part,
    stroke: &Stroke,
    points: &[Vec2],
    length: f32,
    colour: Color32,
) {
    let s = frame.scale;
    let way = match stroke.kind {
        StrokeKind::WarpTime => vec2(1.0, 0.0),
        _ => vec2(0.18, if stroke.strength < 0.0 { 1.0 } else { -1.0 }).normalized(),
    };
    let body = way * 24.0 * s * stroke.strength.abs().max(0.4);
    let side = vec2(-way.y, way.x) * 4.5 * s;
    let head = way * 7.0 * s;
    let count = ((length / (60.0 * s)) as usize).clamp(1, 6);
    for i in 0..count {
        let Some(at) = point_along(points, length * (i as f32 + 0.5) / count as f32) else {
            return;
        };
        let (from, to) = (at - body * 0.5, at + body * 0.5);
        let width = 1.6 * s;
        segment(pixels, frame, part, from, to, width, colour);
        segment(pixels, frame, part, to, to - head + side, width, colour);
        segment(pixels, frame, part, to, to - head - side, width, colour);
    }
}

fn point_along(points: &[Vec2], mut distance: f32) -> Option<Vec2> {
    for w in points.windows(2) {
        let length = (w[1] - w[0]).length();
        if distance <= length {
            return Some(w[0] + (w[1] - w[0]) * (distance / length.max(1e-6)));
        }
        distance -= length;
    }
    points.last().copied()
}

/// A line with soft edges.
fn segment(
    pixels: &mut [Color32],
    frame: &Frame,
    part: Part,
    a: Vec2,
    b: Vec2,
    width: f32,
    colour: Color32,
) {
    let reach = width * 0.5 + 1.0;
    let clip = |v: f32, low: usize, high: usize| (v.max(low as f32) as usize).min(high);
    let (x0, x1) = (
        clip(a.x.min(b.x) - reach, part.x0, part.x1),
        clip((a.x.max(b.x) + reach).ceil(), part.x0, part.x1),
    );
    let (y0, y1) = (
        clip(a.y.min(b.y) - reach, part.y0, part.y1),
        clip((a.y.max(b.y) + reach).ceil(), part.y0, part.y1),
    );
    let along = b - a;
    let square = along.length_sq().max(1e-9);
    for y in y0..y1 {
        for x in x0..x1 {
            let p = vec2(x as f32 + 0.5, y as f32 + 0.5) - a;
            let t = (p.dot(along) / square).clamp(0.0, 1.0);
            let away = (p - along * t).length();
            let alpha = (width * 0.5 + 0.5 - away).clamp(0.0, 1.0);
            if alpha > 0.0 {
                blend(&mut pixels[y * frame.width + x], colour, 0.9 * alpha);
            }
        }
    }
}

/// `colour` at `alpha` over what is there; premultiplied.
fn blend(to: &mut Color32, colour: Color32, alpha: f32) {
    let a = (alpha * 256.0) as u32;
    let rest = 256 - a;
    let mix = |over: u8, under: u8| ((over as u32 * a + under as u32 * rest) >> 8) as u8;
    *to = Color32::from_rgba_premultiplied(
        mix(colour.r(), to.r()),
        mix(colour.g(), to.g()),
        mix(colour.b(), to.b()),
        mix(255, to.a()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Axis;

    /// Ten octaves.
    fn frame(kind: Axis) -> Frame {
        let axis = FreqAxis::new(kind, 40_960.0);
        Frame { view: View::default(), axis, width: 400, height: 200, scale: 1.0 }
    }

    fn stroke(points: &[(f32, f32)], radius_time: f32, radius_octaves: f32) -> Stroke {
        Stroke {
            id: 1,
            kind: StrokeKind::Erase,
            points: points.iter().map(|&(x, y)| StrokePoint { x, y, pressure: 1.0 }).collect(),
            radius_time,
            radius_octaves,
            strength: 1.0,
            hardness: 0.5,
        }
    }

    /// How far a pixel is from the stroke by the definition, in radii: the nearest and the farthest
    /// of its middle and its two ends.
    fn distances(frame: &Frame, stroke: &Stroke, x: usize, y: usize) -> (f32, f32) {
        let cx = (x as f32 + 0.5) / frame.width as f32;
        let at = |down: f32| {
            let cy = frame.axis.octave(1.0 - (y as f32 + down) / frame.height as f32);
            [-1.0, 0.0, 1.0]
                .map(|turn| crate::edit::distance(stroke, cx + turn, cy))
                .into_iter()
                .fold(f32::MAX, f32::min)
        };
        let all = [at(0.0), at(0.5), at(1.0)];
        (all.into_iter().fold(f32::MAX, f32::min), all.into_iter().fold(0.0, f32::max))
    }

    #[test]
    fn a_stroke_covers_what_its_distance_says_and_never_twice_on_any_axis() {
        for axis in [Axis::Log, Axis::Mel, Axis::Linear] {
            covers_what_its_distance_says(&frame(axis));
        }
    }

    fn covers_what_its_distance_says(f: &Frame) {
        let mut seen = (0, 0);
        for s in [
            stroke(&[(0.5, 5.0)], 0.1, 1.0),
            stroke(&[(0.2, 2.0), (0.5, 6.0), (0.4, 8.0), (0.7, 3.0)], 0.06, 0.7),
            stroke(&[(0.97, 5.0), (1.02, 6.0)], 0.08, 0.5),
            stroke(&[(0.3, -0.2), (0.6, 10.4)], 0.02, 1.4),
        ] {
            let mut pixels = vec![Color32::WHITE; f.width * f.height];
            let mut slices = Vec::new();
            pixels.fill(Color32::TRANSPARENT);
            for turn in turns(&s) {
                fill(&mut pixels, f, f.bounds_at(&s, turn), &s, turn, &mut slices);
            }
            for y in 0..f.height {
                for x in 0..f.width {
                    let (near, far) = distances(f, &s, x, y);
                    let a = pixels[y * f.width + x].a();
                    if far < 0.93 {
                        seen.0 += 1;
                        assert!((74..=78).contains(&a), "{:?} {x},{y}: {far} {a}", f.axis);
                    } else if near > 1.07 && !between_rows(f, y) {
                        seen.1 += 1;
                        assert_eq!(a, 0, "{:?} {x},{y}: {near}", f.axis);
                    }
                }
            }
        }
        assert!(seen.0 > 200 && seen.1 > 20_000, "{:?}: {seen:?}", f.axis);
    }

    /// On rows as tall as this a stroke may pass between the middle and the ends.
    fn between_rows(f: &Frame, y: usize) -> bool {
        let octave = |y: usize| f.axis.octave(1.0 - y as f32 / f.height as f32);
        octave(y) - octave(y + 1) > 0.5
    }

    #[test]
    fn drawing_only_what_changed_gives_the_same_picture() {
        let f = frame(Axis::Linear);
        let strokes = [
            stroke(&[(0.2, 2.0), (0.5, 6.0)], 0.06, 0.7),
            stroke(&[(0.4, 3.0), (0.45, 7.0)], 0.05, 0.6),
        ];
        let mut whole = vec![Color32::TRANSPARENT; f.width * f.height];
        draw(&mut whole, &f, f.whole(), strokes.iter());
        let mut step = vec![Color32::TRANSPARENT; f.width * f.height];
        draw(&mut step, &f, f.whole(), strokes[..1].iter());
        draw(&mut step, &f, f.bounds(&strokes[1]), strokes.iter());
        assert!(whole == step);
        draw(&mut step, &f, f.bounds(&strokes[1]), strokes[..1].iter());
        let mut one = vec![Color32::TRANSPARENT; f.width * f.height];
        draw(&mut one, &f, f.whole(), strokes[..1].iter());
        assert!(one == step);
    }

    #[test]
    fn a_stroke_over_the_loops_end_is_seen_at_both_ends() {
        let f = frame(Axis::Log);
        let s = stroke(&[(0.99, 5.0)], 0.05, 0.5);
        let mut pixels = vec![Color32::TRANSPARENT; f.width * f.height];
        draw(&mut pixels, &f, f.whole(), std::iter::once(&s));
        let row = 100 * f.width;
        assert!(pixels[row + 399].a() > 0 && pixels[row + 3].a() > 0);
        assert_eq!(pixels[row + 200].a(), 0);
    }
}
