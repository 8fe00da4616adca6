//! Buttons that fill a given rectangle, and menus that hang from them.

use egui::accesskit::Role;
use egui::{Align2, Color32, Id, Rect, Response, Sense, StrokeKind, Ui, WidgetInfo, vec2};

use super::icon::{self, Icon};
use crate::theme;

/// What a button shows.
#[derive(Debug, Clone, Copy)]
pub enum Face<'a> {
    Text(&'a str),
    Icon(Icon),
    Both(Icon, &'a str),
    /// A text at the left and the arrow of a menu at the right.
    Menu(&'a str),
    /// A disc in a brush's colour.
    Disc(Color32),
}

#[derive(Debug, Clone, Copy)]
pub struct Button<'a> {
    /// For screen readers, tests and the hover.
    pub name: &'a str,
    pub face: Face<'a>,
    pub selected: Option<bool>,
    pub enabled: bool,
    pub framed: bool,
    pub size: f32,
}

impl<'a> Button<'a> {
    pub fn new(name: &'a str, face: Face<'a>) -> Self {
        Self { name, face, selected: None, enabled: true, framed: false, size: theme::SIZE_BAR }
    }

    pub fn framed(mut self) -> Self {
        self.framed = true;
        self
    }

    pub fn small(mut self) -> Self {
        self.size = theme::SIZE_SMALL;
        self
    }

    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = Some(selected);
        self
    }

    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    pub fn show(self, ui: &mut Ui, rect: Rect) -> Response {
        let id = Id::unique(("button", self.name));
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, id, sense);
        let role = if self.selected.is_some() { Role::CheckBox } else { Role::Button };
        response.widget_info(|| WidgetInfo {
            selected: self.selected,
            ..WidgetInfo::labeled(role, self.enabled, self.name)
        });
        if ui.is_rect_visible(rect) {
            self.paint(ui, rect, &response);
        }
        response
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response) {
        let on = self.selected == Some(true);
        let hot = response.hovered() && self.enabled;
        let fill = match (on, self.framed, hot) {
            (true, ..) => theme::tint(theme::ACCENT, 0.08),
            (_, _, true) => theme::HOVER,
            (_, true, _) => theme::RAISED,
            _ => Color32::TRANSPARENT,
        };
        let painter = ui.painter();
        painter.rect_filled(rect, theme::RADIUS, fill);
        let edge = if on || response.has_focus() {
            Some(theme::ACCENT)
        } else {
            self.framed.then_some(theme::LINE)
        };
        if let Some(edge) = edge {
            let pen = egui::Stroke::new(1.0, edge);
            painter.rect_stroke(rect, theme::RADIUS, pen, StrokeKind::Inside);
        }
        let colour = if !self.enabled {
            theme::FAINT
        } else if on || hot || matches!(self.face, Face::Menu(_)) {
            theme::TEXT
        } else {
            theme::DIM
        };
        let font = theme::sans(self.size);
        let inside = rect.shrink2(vec2(6.0, 0.0));
        match self.face {
            Face::Text(text) => {
                let (at, wide) = (rect.center(), inside.width());
                super::fitted_text(painter, at, Align2::CENTER_CENTER, text, font, colour, wide);
            }
            Face::Icon(icon) => icon::paint(painter, icon, rect.center(), colour),
            Face::Both(icon, text) => {
                let galley = painter.layout_no_wrap(text.to_owned(), font, colour);
                let left = rect.center().x - (galley.size().x + 18.0) * 0.5;
                icon::paint(painter, icon, egui::pos2(left + 6.0, rect.center().y), colour);
                let at = egui::pos2(left + 18.0, rect.center().y - galley.size().y * 0.5);
                painter.galley(at, galley, colour);
            }
            Face::Menu(text) => {
                let (at, wide) = (rect.left_center() + vec2(10.0, 0.0), rect.width() - 30.0);
                super::fitted_text(painter, at, Align2::LEFT_CENTER, text, font, colour, wide);
                let arrow = rect.right_center() - vec2(13.0, 0.0);
                icon::paint(painter, Icon::Down, arrow, theme::FAINT);
            }
            Face::Disc(brush) => {
                painter.circle_filled(rect.center(), 6.5, brush);
            }
        }
    }
}

/// A menu of choices under `response`; gives the chosen index.
pub fn choices(response: &Response, items: &[&str], current: Option<usize>) -> Option<usize> {
    let mut chosen = None;
    egui::Popup::menu(response).show(|ui| {
        ui.set_min_width(response.rect.width().max(120.0) - 14.0);
        for (i, item) in items.iter().enumerate() {
            if ui.selectable_label(current == Some(i), *item).clicked() {
                chosen = Some(i);
                ui.close();
            }
        }
    });
    chosen
}
