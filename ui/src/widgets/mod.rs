//! Our own widgets. Each takes the rectangle it is to fill, so that nothing moves when a text
//! changes, and gives itself an accessible name.

pub mod button;
pub mod icon;
pub mod knob;
pub mod value;

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, pos2};

/// Text that is never wider than `width`: it shrinks a little, then is cut with an ellipsis.
pub fn fitted_text(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: &str,
    font: FontId,
    colour: Color32,
    width: f32,
) -> Rect {
    let mut galley = painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
    if galley.size().x > width {
        let size = (font.size * width / galley.size().x).max(font.size - 2.0);
        let font = FontId::new(size, font.family);
        galley = painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
        let mut cut: Vec<char> = text.chars().collect();
        while galley.size().x > width && cut.len() > 1 {
            cut.pop();
            let short: String = cut.iter().collect::<String>() + "\u{2026}";
            galley = painter.layout_no_wrap(short, font.clone(), colour);
        }
    }
    let rect = anchor.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, colour);
    rect
}

/// A group's name: small capitals of the bold face, a little apart.
pub fn heading(painter: &Painter, at: Pos2, text: &str, colour: Color32) -> Rect {
    use egui::text::{LayoutJob, TextFormat};
    let format = TextFormat {
        font_id: crate::theme::strong(crate::theme::SIZE_SMALL),
        extra_letter_spacing: 0.6,
        color: colour,
        ..Default::default()
    };
    let job = LayoutJob::single_section(text.to_owned(), format);
    let galley = painter.layout_job(job);
    let rect = Align2::LEFT_CENTER.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, colour);
    rect
}

/// A ring around what has the keyboard.
pub fn focus_ring(ui: &egui::Ui, response: &egui::Response, rect: Rect) {
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            crate::theme::RADIUS,
            egui::Stroke::new(1.0, crate::theme::ACCENT),
            egui::StrokeKind::Inside,
        );
    }
}

/// A polyline of an arc, clockwise from `from` to `to` (radians, 0 to the right).
pub fn arc(center: Pos2, radius: f32, from: f32, to: f32) -> Vec<Pos2> {
    let steps = ((to - from).abs() * radius / 2.0).ceil().clamp(2.0, 64.0) as usize;
    (0..=steps)
        .map(|i| {
            let a = from + (to - from) * i as f32 / steps as f32;
            pos2(center.x + radius * a.cos(), center.y + radius * a.sin())
        })
        .collect()
}
