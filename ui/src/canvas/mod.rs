//! The canvas: the live sound, the strokes over it, and the hand that paints.

pub mod hand;
pub mod overlay;
pub mod raster;
pub mod spectrogram;
pub mod tint;

use egui::accesskit::Role;
use egui::{Color32, CursorIcon, Id, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::axes::{self, FreqAxis, Map, View};
use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::Layout;
use crate::model::{AXES, Axis, Source, TimeUnit};
use crate::theme;
use crate::widgets::button::{self, Button, Face};

/// What the canvas remembers between frames.
#[derive(Default)]
pub struct Canvas {
    pub view: View,
    pub spectrogram: spectrogram::Spectrogram,
    pub tint: tint::Tint,
    pub hand: hand::Hand,
    pub source: Source,
    axis: Axis,
    pub selected: Vec<u64>,
}

impl Canvas {
    pub fn detach(&mut self) {
        self.spectrogram.detach();
        self.tint.detach();
        self.hand = hand::Hand::default();
    }

    /// Shows the sound on `axis` from now on, the same frequencies in view.
    fn set_axis(&mut self, axis: FreqAxis) {
        if self.axis != axis.kind {
            self.view.change_axis(&FreqAxis { kind: self.axis, ..axis }, &axis);
            self.axis = axis.kind;
            self.spectrogram.clear();
        }
    }

    pub fn set_source(&mut self, source: Source) {
        if self.source != source {
            self.source = source;
            self.spectrogram.clear();
        }
    }
}

/// The spacing of the time lines, as a share of the loop.
pub fn grid(state: &State, map: &Map) -> f32 {
    let t = &state.snapshot.transport;
    let ticks = axes::time_ticks(t.length, beats_per_bar(state), map, 70.0);
    match ticks[..] {
        [a, b, ..] => (b - a) / t.length.max(1e-6) * 0.5,
        _ => 0.0,
    }
}

pub fn beats_per_bar(state: &State) -> Option<f32> {
    let t = &state.snapshot.transport;
    (t.unit == TimeUnit::Beats).then_some(t.beats_per_bar.max(1.0))
}

pub fn show(ui: &mut Ui, at: &Layout, state: &mut State, host: &mut dyn EditorHost) {
    let axis = FreqAxis::new(host.axis(), 2.0 * state.snapshot.top_hz);
    state.canvas.set_axis(axis);
    let map = Map { plot: at.plot, view: state.canvas.view };
    let response = ui.interact(at.plot, Id::unique("canvas"), Sense::click_and_drag());
    response.widget_info(|| {
        let strokes = state.edit.strokes().len();
        WidgetInfo {
            current_text_value: Some(format!("{strokes} strokes")),
            ..WidgetInfo::labeled(Role::Canvas, true, "Canvas")
        }
    });

    // Hand first, so that what it did is seen in this frame.
    navigate(ui, &response, &map, state);
    let map = Map { plot: at.plot, view: state.canvas.view };
    hand::act(ui, &response, &map, &axis, state, host);
    hand::menu(&response, state);
    cursor(ui, &response, state);

    let canvas = &mut state.canvas;
    let source = canvas.source;
    host.take_columns(source, axis.kind, &mut |run| canvas.spectrogram.push(run));
    canvas.spectrogram.upload(ui.ctx());
    let active = canvas.hand.stroke();
    let (strokes, revision) = (state.edit.strokes(), state.edit.revision());
    canvas.tint.update(ui.ctx(), &map, &axis, strokes, revision, active);

    let painter = ui.painter().with_clip_rect(at.plot);
    if let Some(texture) = canvas.spectrogram.texture() {
        let v = canvas.view;
        let uv = Rect::from_min_max(pos2(v.x0, 1.0 - v.y1), pos2(v.x1, 1.0 - v.y0));
        painter.image(texture.id(), at.plot, uv, Color32::WHITE);
    } else {
        painter.rect_filled(at.plot, 0.0, theme::WELL);
    }
    overlay::grid(ui.painter(), &painter, at, &map, &axis, state);
    state.canvas.tint.paint(&painter, &map);
    overlay::selection(&painter, &map, &axis, state);
    overlay::playhead(&painter, &map, state);
    overlay::footprint(&painter, &response, &map, &axis, state);
    overlay::hint(&painter, at, state, host);
    overlay::readout(&painter, &response, &map, &axis, state, host);
    overlay::scroll_marks(&painter, at, state);
    axis_choice(ui, at, axis.kind, host);
}

/// Which frequency axis, in the corner between both.
fn axis_choice(ui: &mut Ui, at: &Layout, axis: Axis, host: &mut dyn EditorHost) {
    let corner = Rect::from_min_max(at.canvas.left_bottom(), at.plot.left_bottom());
    let rect = Rect::from_center_size(corner.center(), vec2(38.0, 20.0));
    let current = AXES.iter().position(|(known, ..)| *known == axis);
    let face = current.map_or("", |i| AXES[i].1);
    let response = Button::new("Frequency axis", Face::Text(face))
        .small()
        .show(ui, rect)
        .on_hover_text("How the sound is analysed, and how frequencies are spaced");
    if let Some(i) = button::choices(&response, &AXES.map(|(.., words)| words), current) {
        host.set_axis(AXES[i].0);
    }
}

/// Wheel: zoom; with Shift: scroll in time; with Alt: brush size; middle drag: move the view.
fn navigate(ui: &Ui, response: &Response, map: &Map, state: &mut State) {
    let canvas = &mut state.canvas;
    if let Some(pos) = response.hover_pos() {
        let notches = crate::widgets::knob::wheel_notches(ui);
        let mods = ui.input(|i| i.modifiers);
        if notches != 0.0 {
            let about = map.to_canvas(pos);
            let factor = 1.15f32.powf(notches);
            if mods.alt {
                state.brush.scale(factor);
            } else if mods.shift {
                canvas.view.scroll(-notches * 0.1 * map.view.width(), 0.0);
            } else if mods.command {
                canvas.view.zoom(about, factor, 1.0);
            } else {
                canvas.view.zoom(about, factor, factor);
            }
        }
        let pinch = ui.input(|i| i.zoom_delta());
        if notches == 0.0 && pinch != 1.0 {
            canvas.view.zoom(map.to_canvas(pos), pinch, pinch);
        }
    }
    if response.dragged_by(egui::PointerButton::Middle) {
        let d = response.drag_delta() / map.scale();
        canvas.view.scroll(-d.x, d.y);
    }
}

fn cursor(ui: &Ui, response: &Response, state: &State) {
    use crate::brush::Tool;
    if response.hovered() {
        let icon = match state.tool {
            // The footprint is the cursor.
            Tool::Paint(_) => CursorIcon::None,
            Tool::Select => CursorIcon::Crosshair,
            Tool::Move => CursorIcon::Move,
        };
        ui.ctx().set_cursor_icon(icon);
    }
}
