//! What is drawn over sound and strokes: axes, playhead, selection, the brush's footprint, the
//! readout.

use egui::{Align2, Painter, Pos2, Rect, Response, Shape, Stroke as Pen, StrokeKind, pos2, vec2};

use crate::axes::{self, FreqAxis, Map};
use crate::brush::Brush;
use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::Layout;
use crate::model::TimeUnit;
use crate::{theme, units};

/// Lines and labels of both axes. `outer` may draw beside the plot, `inner` only on it.
pub fn grid(
    outer: &Painter,
    inner: &Painter,
    at: &Layout,
    map: &Map,
    axis: &FreqAxis,
    state: &State,
) {
    let font = theme::mono(theme::SIZE_SMALL);
    for (hz, y) in axes::freq_ticks(axis, map, 24.0) {
        let pos = pos2(at.plot.left() - 6.0, y.min(at.plot.bottom() - 1.0));
        outer.text(pos, Align2::RIGHT_CENTER, units::axis_hz(hz), font.clone(), theme::FAINT);
    }
    let t = &state.snapshot.transport;
    let bar = super::beats_per_bar(state);
    let ticks = axes::time_ticks(t.length, bar, map, 70.0);
    let step = if let [a, b, ..] = ticks[..] { b - a } else { 1.0 };
    for tick in ticks {
        let x = map.to_screen(tick / t.length.max(1e-6), 0.0).x;
        inner.vline(x, at.plot.y_range(), Pen::new(1.0, theme::tint(theme::TEXT, 0.10)));
        let text = match bar {
            Some(bar) => units::beat_label(tick as f64, bar as f64),
            None if step >= 1.0 => format!("{tick:.0} s"),
            None => format!("{tick:.2} s"),
        };
        let y = at.plot.bottom() + (at.canvas.bottom() - at.plot.bottom()) * 0.58;
        let galley = outer.layout_no_wrap(text, font.clone(), theme::FAINT);
        // The last label ends with the plot.
        let x = x.min(at.plot.right() - galley.size().x);
        outer.galley(pos2(x, y - galley.size().y * 0.5), galley, theme::FAINT);
    }
}

pub fn playhead(painter: &Painter, map: &Map, state: &State) {
    let t = &state.snapshot.transport;
    let x = map.to_screen(t.position, 0.0).x;
    let colour = if t.playing { theme::ACCENT } else { theme::tint(theme::ACCENT, 0.45) };
    painter.vline(x, map.plot.y_range(), Pen::new(1.5, colour));
    let top = map.plot.top();
    let flag = vec![pos2(x - 6.0, top), pos2(x + 6.0, top), pos2(x, top + 7.5)];
    painter.add(Shape::convex_polygon(flag, colour, Pen::NONE));
}

/// Frames around the selected strokes, and the rubber band.
pub fn selection(painter: &Painter, map: &Map, axis: &FreqAxis, state: &State) {
    for id in &state.canvas.selected {
        let Some((_, s)) = state.edit.find(*id) else { continue };
        let (mut low, mut high) = (pos2(f32::MAX, f32::MAX), pos2(f32::MIN, f32::MIN));
        for p in &s.points {
            let at = pos2(p.x, p.y);
            low = low.min(at);
            high = high.max(at);
        }
        let r = vec2(s.radius_time, s.radius_octaves);
        let [a, b] = [low - r, high + r].map(|at| map.to_screen(at.x, axis.y_of(at.y)));
        let frame = Rect::from_two_pos(a, b);
        let pen = Pen::new(1.0, theme::TEXT);
        painter.rect_stroke(frame, theme::RADIUS_SMALL, pen, StrokeKind::Outside);
        for corner in
            [frame.left_top(), frame.right_top(), frame.left_bottom(), frame.right_bottom()]
        {
            painter.rect_filled(Rect::from_center_size(corner, vec2(5.0, 5.0)), 1.0, theme::TEXT);
        }
    }
    if let Some(band) = state.canvas.hand.band() {
        painter.rect_filled(band, 0.0, theme::tint(theme::TEXT, 0.08));
        painter.rect_stroke(band, 0.0, Pen::new(1.0, theme::TEXT), StrokeKind::Inside);
    }
}

/// Corners of the footprint's outline: it looks round at any size.
const RING: usize = 72;

/// The brush's true footprint with the line of half strength.
pub fn footprint(
    painter: &Painter,
    response: &Response,
    map: &Map,
    axis: &FreqAxis,
    state: &State,
) {
    let Some(brush) = super::hand::cursor_brush(state) else { return };
    let Some(pos) = response.hover_pos() else { return };
    let at = map.to_canvas(pos);
    let octave = axis.octave(at.y);
    let (time, octaves) = (state.brush.radius_time, state.brush.radius_octaves);
    // Round on a logarithmic axis, an egg on others.
    let ring = |radius: f32, pen: Pen| {
        let points = (0..RING).map(|i| {
            let (sin, cos) = (std::f32::consts::TAU * i as f32 / RING as f32).sin_cos();
            let y = axis.y_of(octave + radius * octaves * sin);
            map.to_screen(at.x + radius * time * cos, y)
        });
        painter.add(Shape::closed_line(points.collect(), pen));
    };
    let colour = if brush == Brush::Gain { theme::TEXT } else { brush.colour() };
    // A dark line beside the light one, so that it is seen on any sound.
    let shade = Pen::new(2.5, theme::tint(theme::BACKGROUND, 0.5));
    ring(1.0, shade);
    ring(1.0, Pen::new(1.3, theme::TEXT));
    let half = half_strength(state.brush.hardness);
    let pen = Pen::new(1.0, theme::tint(colour, 0.6));
    ring(half, pen);
    painter.circle_filled(pos, 1.5, colour);
}

/// Where, in radii, a dab of this hardness has half its strength: it is full up to `hardness` and
/// falls off smoothly from there to the rim.
pub fn half_strength(hardness: f32) -> f32 {
    let h = hardness.clamp(0.0, 1.0);
    h + (1.0 - h) * 0.5
}

/// One line that says what to do with an empty canvas.
pub fn hint(painter: &Painter, at: &Layout, state: &State, host: &dyn EditorHost) {
    if !state.edit.strokes().is_empty() || state.canvas.hand.stroke().is_some() {
        return;
    }
    let text = if host.hint_seen() {
        "Drag to paint"
    } else {
        "Choose a brush at the left and drag over the sound. Right-drag erases, F1 shows the keys."
    };
    let pos = pos2(at.plot.center().x, at.plot.bottom() - 26.0);
    let wide = at.plot.width() - 60.0;
    let galley = painter.layout(text.to_owned(), theme::sans(theme::SIZE_BAR), theme::TEXT, wide);
    let rect = Rect::from_center_size(pos, galley.size() + vec2(24.0, 12.0));
    painter.rect_filled(rect, theme::RADIUS, theme::tint(theme::BACKGROUND, 0.78));
    painter.galley(pos - galley.size() * 0.5, galley, theme::TEXT);
}

/// Note, frequency, time and level under the pointer, at a fixed place.
pub fn readout(
    painter: &Painter,
    response: &Response,
    map: &Map,
    axis: &FreqAxis,
    state: &State,
    host: &dyn EditorHost,
) {
    let Some(pos) = response.hover_pos() else { return };
    let c = map.to_canvas(pos);
    let hz = axis.hz(c.y);
    let t = &state.snapshot.transport;
    let time = match t.unit {
        TimeUnit::Beats => format!("beat {:>4.1}", c.x * t.length + 1.0),
        TimeUnit::Seconds => format!("{:>6.2} s", c.x * t.length),
    };
    let (low, high) = host.level_range_db();
    let level = state.canvas.spectrogram.level(c.x, c.y);
    let db = if level <= 0.0 { -120.0 } else { low + (high - low) * level };
    let sep = "\u{00b7}";
    let text = format!(
        "{:<3} {sep} {:>8} {sep} {time} {sep} {:>8}",
        units::note_name(hz),
        units::hz(hz),
        units::db(db)
    );
    let galley = painter.layout_no_wrap(text, theme::mono(theme::SIZE_BODY), theme::TEXT);
    let size = galley.size() + vec2(20.0, 12.0);
    // It keeps out of the brush's way.
    let right = Pos2::new(map.plot.right() - size.x, map.plot.top() + 8.0);
    let mut rect = Rect::from_min_size(right, size);
    if rect.expand(30.0).contains(pos) {
        rect = Rect::from_min_size(map.plot.min + vec2(0.0, 8.0), size);
    }
    painter.rect_filled(rect, theme::RADIUS_SMALL, theme::tint(theme::BACKGROUND, 0.86));
    painter.galley(rect.min + vec2(10.0, 6.0), galley, theme::TEXT);
}

/// Thin bars that say which part of the canvas is seen.
pub fn scroll_marks(painter: &Painter, at: &Layout, state: &State) {
    let v = state.canvas.view;
    if v.is_whole() {
        return;
    }
    let p = at.plot.shrink(2.0);
    let colour = theme::tint(theme::TEXT, 0.55);
    let x = p.left() + v.x0 * p.width();
    let size = vec2(v.width() * p.width(), 3.0);
    painter.rect_filled(Rect::from_min_size(pos2(x, p.bottom() - 3.0), size), 1.5, colour);
    let y = p.bottom() - v.y1 * p.height();
    let size = vec2(3.0, v.height() * p.height());
    painter.rect_filled(Rect::from_min_size(pos2(p.right() - 3.0, y), size), 1.5, colour);
}
