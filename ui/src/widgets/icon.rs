//! Icons, drawn as lines so that they are sharp at every scale and need no font.

use std::f32::consts::{PI, TAU};

use egui::{Color32, Painter, Pos2, Shape, Stroke, Vec2, pos2, vec2};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Left,
    Right,
    Down,
    Undo,
    Redo,
    Settings,
    Help,
    Select,
    Move,
    Snap,
    Solo,
    Swap,
    Close,
    Panel,
}

/// Draws `icon` about `at`, within a square of 14 points.
pub fn paint(painter: &Painter, icon: Icon, at: Pos2, colour: Color32) {
    let pen = Stroke::new(1.4, colour);
    let p = |x: f32, y: f32| pos2(at.x + x, at.y + y);
    let fill = |points: Vec<Pos2>| {
        painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
    };
    let line = |points: &[Pos2]| {
        painter.line(points.to_vec(), pen);
    };
    match icon {
        Icon::Left => fill(vec![p(4.0, -5.5), p(4.0, 5.5), p(-5.0, 0.0)]),
        Icon::Right => fill(vec![p(-4.0, -5.5), p(5.0, 0.0), p(-4.0, 5.5)]),
        Icon::Down => fill(vec![p(-3.2, -2.0), p(3.2, -2.0), p(0.0, 3.0)]),
        Icon::Undo | Icon::Redo => {
            let mirror = if icon == Icon::Undo { 1.0 } else { -1.0 };
            let q = |x: f32, y: f32| p(x * mirror, y);
            let bow: Vec<Pos2> = (0..=12)
                .map(|i| {
                    let a = -PI * 0.5 + i as f32 / 12.0 * PI;
                    q(1.0 + 3.6 * a.cos(), 0.2 + 3.6 * a.sin())
                })
                .collect();
            line(&[q(-4.5, -3.4), q(1.0, -3.4)]);
            line(&bow);
            line(&[q(1.0, 3.8), q(-2.5, 3.8)]);
            line(&[q(-2.2, -6.0), q(-4.8, -3.4), q(-2.2, -0.8)]);
        }
        Icon::Settings => {
            painter.circle_stroke(at, 3.6, pen);
            for i in 0..8 {
                let a = TAU * i as f32 / 8.0;
                let d = vec2(a.cos(), a.sin());
                painter.line_segment([at + d * 4.4, at + d * 6.4], Stroke::new(1.8, colour));
            }
        }
        Icon::Help => {
            painter.text(
                at,
                egui::Align2::CENTER_CENTER,
                "?",
                crate::theme::strong(crate::theme::SIZE_BAR),
                colour,
            );
        }
        Icon::Select => {
            // A rubber band with its handle.
            for (a, b) in [
                (p(-6.0, -6.0), p(5.0, -6.0)),
                (p(5.0, -6.0), p(5.0, 5.0)),
                (p(5.0, 5.0), p(-6.0, 5.0)),
                (p(-6.0, 5.0), p(-6.0, -6.0)),
            ] {
                painter.extend(Shape::dashed_line(&[a, b], pen, 2.6, 2.0));
            }
            fill(vec![p(0.5, 0.5), p(7.0, 3.6), p(4.3, 4.6), p(3.2, 7.2)]);
        }
        Icon::Move => {
            for d in [vec2(1.0, 0.0), vec2(-1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)] {
                let n = vec2(-d.y, d.x);
                painter.line_segment([at, at + d * 5.5], pen);
                fill(vec![at + d * 7.5, at + d * 4.2 + n * 2.6, at + d * 4.2 - n * 2.6]);
            }
        }
        Icon::Snap => {
            // A note: beats and scale.
            line(&[p(1.5, 4.0), p(1.5, -6.0), p(5.0, -4.2), p(5.0, -1.6)]);
            painter.add(Shape::ellipse_filled(p(-0.8, 4.2), vec2(2.6, 2.1), colour));
        }
        Icon::Solo => {
            // Headphones.
            line(&super::arc(p(0.0, 0.5), 5.6, PI, TAU));
            for x in [-5.6, 5.6] {
                painter.line_segment([p(x, 1.0), p(x, 5.4)], Stroke::new(3.0, colour));
            }
        }
        Icon::Swap => {
            arrow(painter, p(-5.0, -2.2), vec2(10.0, 0.0), 2.6, Stroke::new(1.1, colour));
            arrow(painter, p(5.0, 2.2), vec2(-10.0, 0.0), 2.6, Stroke::new(1.1, colour));
        }
        Icon::Close => {
            line(&[p(-4.0, -4.0), p(4.0, 4.0)]);
            line(&[p(4.0, -4.0), p(-4.0, 4.0)]);
        }
        Icon::Panel => {
            let r = egui::Rect::from_center_size(at, vec2(13.0, 11.0));
            painter.rect_stroke(r, 2.0, pen, egui::StrokeKind::Middle);
            line(&[p(2.0, -5.5), p(2.0, 5.5)]);
        }
    }
}

/// An arrow whose head has sides of `head` points.
pub fn arrow(painter: &Painter, from: Pos2, along: Vec2, head: f32, pen: Stroke) {
    let to = from + along;
    let back = -along.normalized() * head;
    let side = vec2(-back.y, back.x) * 0.8;
    painter.line_segment([from, to], pen);
    painter.line(vec![to + back + side, to, to + back - side], pen);
}
