//! Messages that come, are read and go, without taking the hand from the canvas.

use egui::{Id, Rect, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};

use crate::host::Message;
use crate::layout::Layout;
use crate::model::Health;
use crate::theme;

const NOTE_SECONDS: f64 = 4.0;
const ERROR_SECONDS: f64 = 9.0;
/// More than this many at once are noise: the oldest goes.
const MOST: usize = 3;

#[derive(Debug, Default)]
pub struct Toasts {
    /// With the time at which each goes; none until it was first shown.
    list: Vec<(Message, Option<f64>)>,
}

impl Toasts {
    pub fn push(&mut self, message: Message) {
        self.list.retain(|(m, _)| *m != message);
        self.list.push((message, None));
        if self.list.len() > MOST {
            self.list.remove(0);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn show(&mut self, ui: &mut Ui, at: &Layout, now: f64) {
        self.list.retain(|(_, end)| end.is_none_or(|end| end > now));
        let mut bottom = at.plot.bottom() - 12.0;
        let mut closed = None;
        for (i, (message, end)) in self.list.iter_mut().enumerate().rev() {
            let stay = if message.error { ERROR_SECONDS } else { NOTE_SECONDS };
            end.get_or_insert(now + stay);
            let wide = (at.plot.width() - 80.0).min(420.0);
            let galley = ui.painter().layout(
                message.text.clone(),
                theme::sans(theme::SIZE_BODY),
                theme::TEXT,
                wide,
            );
            let size = galley.size() + vec2(46.0, 16.0);
            let rect =
                Rect::from_min_size(pos2(at.plot.center().x - size.x * 0.5, bottom - size.y), size);
            bottom = rect.top() - 6.0;
            let id = Id::unique(("toast", i));
            let response = ui.interact(rect, id, Sense::click()).on_hover_text("Click to dismiss");
            let text = message.text.clone();
            response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &text));
            if response.clicked() {
                closed = Some(i);
            }
            let p = ui.painter();
            p.rect_filled(rect, theme::RADIUS, theme::PANEL);
            let edge = if message.error { theme::OVER } else { theme::LINE };
            let pen = egui::Stroke::new(1.0, edge);
            p.rect_stroke(rect, theme::RADIUS, pen, egui::StrokeKind::Inside);
            let mark = rect.left_center() + vec2(15.0, 0.0);
            let health = if message.error { Health::Bad } else { Health::Good };
            super::health_mark(p, mark, health);
            p.galley(rect.min + vec2(28.0, 8.0), galley, theme::TEXT);
        }
        if let Some(i) = closed {
            self.list.remove(i);
        }
    }
}
