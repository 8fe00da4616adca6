//! The knob: an arc for the value, a second one for modulation, the value as text below.
//!
//! Drag (Shift finer), wheel (Shift finer), arrow keys, double-click or Delete to reset, Enter or
//! a click on the number to type.

use std::f32::consts::PI;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, EventFilter, Id, Key, Rect, Sense, Stroke, TextEdit, Ui, WidgetInfo, pos2,
    vec2,
};

use crate::theme;

/// Points of drag for the whole range, and how much slower it is with Shift.
const DRAG_POINTS: f32 = 220.0;
const FINE: f32 = 0.1;
/// One notch of the wheel, one press of an arrow key.
const WHEEL_STEP: f32 = 0.02;
const KEY_STEP: f32 = 0.01;
const START: f32 = 0.75 * PI;
const SWEEP: f32 = 1.5 * PI;

/// What the knob shows.
#[derive(Debug, Clone, Copy)]
pub struct Knob<'a> {
    /// For screen readers and tests: `Blur Time`.
    pub name: &'a str,
    /// Under the number: `Time`.
    pub label: &'a str,
    pub text: &'a str,
    pub value: f32,
    pub modulated: f32,
    pub default: f32,
    pub colour: Color32,
    /// The arc starts at the default instead of at the left.
    pub from_default: bool,
    /// A sentence for the hover.
    pub help: &'a str,
}

/// What the user did, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum KnobEvent {
    Begin,
    Set(f32),
    End,
    Typed(String),
}

impl Knob<'_> {
    /// Draws into `rect`: the arc, the number, the label.
    pub fn show(self, ui: &mut Ui, rect: Rect, events: &mut Vec<KnobEvent>) -> egui::Response {
        let id = Id::unique(("knob", self.name));
        let typing_id = id.with("typing");
        let response = ui.interact(rect, id, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo {
            value: Some(self.value.into()),
            current_text_value: Some(self.text.to_owned()),
            ..WidgetInfo::labeled(Role::Slider, true, self.name)
        });
        let radius = (rect.width() * 0.5 - 7.0).min(18.0);
        let centre = pos2(rect.center().x, rect.top() + radius + 2.0);
        let text_rect = Rect::from_center_size(
            pos2(centre.x, centre.y + radius + 12.0),
            vec2(rect.width() - 2.0, 16.0),
        );
        let typing: Option<String> = ui.data(|d| d.get_temp(typing_id));
        if typing.is_none() {
            self.pointer(ui, id, &response, text_rect, typing_id, events);
            self.keys(ui, &response, typing_id, events);
        }
        self.paint(ui, &response, centre, radius);
        match typing {
            Some(text) => self.type_in(ui, text_rect, typing_id, text, events),
            None => {
                let size = if rect.width() < 60.0 { theme::SIZE_SMALL } else { theme::SIZE_BODY };
                let (at, font) = (text_rect.center(), theme::mono(size));
                let (text, wide) = (self.text, text_rect.width());
                let painter = ui.painter();
                let centre = Align2::CENTER_CENTER;
                super::fitted_text(painter, at, centre, text, font, theme::TEXT, wide);
            }
        }
        let label = pos2(centre.x, text_rect.bottom() + 8.0);
        let colour = if response.hovered() { theme::TEXT } else { theme::DIM };
        super::fitted_text(
            ui.painter(),
            label,
            Align2::CENTER_CENTER,
            self.label,
            theme::sans(theme::SIZE_SMALL),
            colour,
            rect.width(),
        );
        super::focus_ring(ui, &response, rect.expand2(vec2(0.0, 2.0)));
        if self.help.is_empty() { response } else { response.on_hover_text(self.help) }
    }

    fn pointer(
        &self,
        ui: &Ui,
        id: Id,
        response: &egui::Response,
        text_rect: Rect,
        typing_id: Id,
        events: &mut Vec<KnobEvent>,
    ) {
        let fine = if ui.input(|i| i.modifiers.shift) { FINE } else { 1.0 };
        // The exact position under a drag, apart from what the parameter's steps make of it.
        let drag_id = id.with("drag");
        if response.drag_started() {
            ui.data_mut(|d| d.insert_temp(drag_id, self.value));
            events.push(KnobEvent::Begin);
        }
        if response.dragged() {
            let delta = response.drag_delta();
            let at: f32 = ui.data(|d| d.get_temp(drag_id)).unwrap_or(self.value);
            let to = (at + (delta.x - delta.y) / DRAG_POINTS * fine).clamp(0.0, 1.0);
            ui.data_mut(|d| d.insert_temp(drag_id, to));
            if to != at {
                events.push(KnobEvent::Set(to));
            }
        }
        if response.drag_stopped() {
            events.push(KnobEvent::End);
        }
        if response.clicked() {
            response.request_focus();
        }
        if response.double_clicked() {
            self.set_once(self.default, events);
        } else if response.clicked()
            && response.interact_pointer_pos().is_some_and(|p| text_rect.contains(p))
        {
            ui.data_mut(|d| d.insert_temp(typing_id, self.text.to_owned()));
        }
        if response.hovered() {
            let notches = wheel_notches(ui);
            if notches != 0.0 {
                self.set_once(self.value + notches * WHEEL_STEP * fine, events);
            }
        }
    }

    fn keys(&self, ui: &Ui, response: &egui::Response, typing_id: Id, events: &mut Vec<KnobEvent>) {
        if !response.has_focus() {
            return;
        }
        lock_arrows(ui, response.id);
        let (up, reset, enter, fine) = ui.input(|i| {
            let n = |k| i.key_pressed(k) as i32;
            let up = n(Key::ArrowUp) + n(Key::ArrowRight) - n(Key::ArrowDown) - n(Key::ArrowLeft)
                + 10 * (n(Key::PageUp) - n(Key::PageDown));
            let reset = i.key_pressed(Key::Delete) || i.key_pressed(Key::Backspace);
            (up, reset, i.key_pressed(Key::Enter), i.modifiers.shift)
        });
        if up != 0 {
            let step = KEY_STEP * if fine { FINE } else { 1.0 };
            self.set_once(self.value + up as f32 * step, events);
        }
        if reset {
            self.set_once(self.default, events);
        }
        if enter {
            ui.data_mut(|d| d.insert_temp(typing_id, self.text.to_owned()));
        }
    }

    fn set_once(&self, value: f32, events: &mut Vec<KnobEvent>) {
        events.extend([KnobEvent::Begin, KnobEvent::Set(value.clamp(0.0, 1.0)), KnobEvent::End]);
    }

    fn type_in(
        &self,
        ui: &mut Ui,
        rect: Rect,
        typing_id: Id,
        mut text: String,
        events: &mut Vec<KnobEvent>,
    ) {
        let edit_id = typing_id.with("edit");
        let edit = TextEdit::singleline(&mut text)
            .id(edit_id)
            .font(theme::mono(theme::SIZE_BODY))
            .margin(egui::Margin::symmetric(3, 1))
            .align(egui::Align2::CENTER_CENTER)
            .desired_width(rect.width());
        let first = !ui.data(|d| d.get_temp::<bool>(edit_id).unwrap_or(false));
        let name = format!("{} value", self.name);
        let inside = egui::UiBuilder::new().max_rect(rect);
        let output = ui.scope_builder(inside, |ui| edit.show(ui)).inner;
        let response = output.response.response.accessible_name(name);
        if first {
            response.request_focus();
            let mut state = output.state;
            let all = egui::text::CCursorRange::select_all(&output.galley);
            state.cursor.set_char_range(Some(all));
            state.store(ui.ctx(), edit_id);
            ui.data_mut(|d| d.insert_temp(edit_id, true));
        }
        if !first && response.lost_focus() {
            let cancelled = ui.input(|i| i.key_pressed(Key::Escape));
            ui.data_mut(|d| {
                d.remove::<String>(typing_id);
                d.remove::<bool>(edit_id);
            });
            if !cancelled && text.trim() != self.text {
                events.push(KnobEvent::Typed(text));
            }
        } else {
            ui.data_mut(|d| d.insert_temp(typing_id, text));
        }
    }

    fn paint(&self, ui: &Ui, response: &egui::Response, centre: egui::Pos2, radius: f32) {
        let painter = ui.painter();
        let angle = |v: f32| START + SWEEP * v.clamp(0.0, 1.0);
        let ring = |from: f32, to: f32, r: f32, pen: Stroke| {
            if (to - from).abs() > 0.004 {
                let (a, b) = if from < to { (from, to) } else { (to, from) };
                painter.line(super::arc(centre, r, angle(a), angle(b)), pen);
            }
        };
        let track = if response.hovered() { theme::HOVER } else { theme::LINE };
        let r = radius - 2.0;
        ring(0.0, 1.0, r, Stroke::new(4.0, track));
        let from = if self.from_default { self.default } else { 0.0 };
        ring(from, self.value, r, Stroke::new(4.0, self.colour));
        if (self.modulated - self.value).abs() > 1e-3 {
            ring(self.value, self.modulated, r - 4.5, Stroke::new(2.0, theme::ACCENT));
        }
        let a = angle(self.value);
        let dot = centre + (r - 6.0) * vec2(a.cos(), a.sin());
        painter.circle_filled(dot, 2.2, theme::TEXT);
    }
}

/// Turns of the wheel in this frame, in notches; not smoothed, so that one notch is one step.
pub fn wheel_notches(ui: &Ui) -> f32 {
    ui.input(|i| {
        let of = |e: &egui::Event| match e {
            egui::Event::MouseWheel { unit: egui::MouseWheelUnit::Point, delta, .. } => {
                (delta.y + delta.x) / 50.0
            }
            egui::Event::MouseWheel { delta, .. } => delta.y + delta.x,
            _ => 0.0,
        };
        i.events.iter().map(of).sum()
    })
}

/// Keeps the arrow keys for the focused widget instead of moving the focus.
pub fn lock_arrows(ui: &Ui, id: Id) {
    let arrows =
        EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(id, arrows));
}
