//! What the pointer does on the canvas: paint, erase, select, move.

use egui::{PointerButton, Pos2, Rect, Response, Ui, vec2};

use crate::axes::{FreqAxis, Map};
use crate::brush::{Brush, Tool, direct_warp};
use crate::edit;
use crate::editor::State;
use crate::host::{EditorHost, Message};
use crate::stroke::{Stroke, StrokeKind, StrokePoint};

/// What is under way.
#[derive(Debug, Default)]
pub enum Hand {
    #[default]
    Idle,
    Painting {
        stroke: Stroke,
        warp_up: Stroke,
    },
    Moving {
        gesture: u64,
        at: Pos2,
    },
    Band {
        from: Pos2,
        to: Pos2,
    },
}

impl Hand {
    /// The stroke being painted.
    pub fn stroke(&self) -> Option<&Stroke> {
        match self {
            Hand::Painting { stroke, .. } => Some(stroke),
            _ => None,
        }
    }

    pub fn band(&self) -> Option<Rect> {
        match self {
            Hand::Band { from, to } => Some(Rect::from_two_pos(*from, *to)),
            _ => None,
        }
    }
}

pub fn act(
    ui: &Ui,
    response: &Response,
    map: &Map,
    axis: &FreqAxis,
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let (pos, primary, secondary, escape) = ui.input(|i| {
        let down = |b| i.pointer.button_down(b);
        (
            i.pointer.interact_pos(),
            down(PointerButton::Primary),
            down(PointerButton::Secondary),
            i.key_pressed(egui::Key::Escape),
        )
    });
    let Some(pos) = pos else { return };
    if escape && !matches!(state.canvas.hand, Hand::Idle) {
        state.canvas.hand = Hand::Idle;
        host.preview_stroke(None);
        return;
    }
    let pressed = response.is_pointer_button_down_on() && (primary || secondary);
    match (&mut state.canvas.hand, pressed) {
        (Hand::Idle, true) if !ui.input(|i| i.pointer.any_pressed()) => {}
        (Hand::Idle, true) => press(ui, pos, secondary, map, axis, state),
        (Hand::Idle, false) => {
            // Pressed and released within one frame.
            if response.clicked() && ui.input(|i| i.pointer.any_released()) {
                press(ui, pos, false, map, axis, state);
                release(map, axis, state, host);
            }
        }
        (_, true) => drag(ui, map, axis, state),
        (_, false) => release(map, axis, state, host),
    }
    if let Some(stroke) = state.canvas.hand.stroke() {
        host.preview_stroke(Some(stroke));
    }
}

fn point(ui: &Ui, pos: Pos2, map: &Map, axis: &FreqAxis, state: &State) -> StrokePoint {
    let c = map.to_canvas(pos);
    let force = ui.input(|i| {
        i.events.iter().rev().find_map(|e| match e {
            egui::Event::Touch { force, .. } => *force,
            _ => None,
        })
    });
    let free = StrokePoint {
        x: c.x,
        y: axis.octave(c.y).clamp(0.0, axis.octaves()),
        pressure: force.unwrap_or(1.0).clamp(0.0, 1.0),
    };
    state.snap.apply(free, super::grid(state, map))
}

fn press(ui: &Ui, pos: Pos2, secondary: bool, map: &Map, axis: &FreqAxis, state: &mut State) {
    // With the keyboard on the canvas, shortcuts are ours and not the host's as well.
    ui.memory_mut(|m| m.request_focus(egui::Id::unique("canvas")));
    let mods = ui.input(|i| i.modifiers);
    let at = map.to_canvas(pos);
    let octave = axis.octave(at.y);
    let under = state
        .edit
        .strokes()
        .iter()
        .rev()
        .find(|s| [-1.0, 0.0, 1.0].iter().any(|t| edit::hit(s, at.x + t, octave)))
        .map(|s| s.id);
    match state.tool {
        Tool::Paint(brush) => {
            let kind = if secondary { StrokeKind::Erase } else { state.kind_of(brush) };
            let mut stroke = state.brush.stroke(state.edit.fresh_id(), kind, mods.alt);
            stroke.points.push(point(ui, pos, map, axis, state));
            state.canvas.selected.clear();
            state.canvas.hand = Hand::Painting { warp_up: stroke.clone(), stroke };
        }
        Tool::Select | Tool::Move => {
            let selected = &mut state.canvas.selected;
            match under {
                Some(id) if mods.shift => match selected.iter().position(|s| *s == id) {
                    Some(i) => {
                        selected.remove(i);
                    }
                    None => selected.push(id),
                },
                Some(id) if !selected.contains(&id) => *selected = vec![id],
                Some(_) => {}
                None if !mods.shift => selected.clear(),
                None => {}
            }
            state.canvas.hand = if under.is_some() && !mods.shift {
                Hand::Moving { gesture: state.edit.begin_gesture(), at: pos }
            } else {
                Hand::Band { from: pos, to: pos }
            };
        }
    }
}

fn drag(ui: &Ui, map: &Map, axis: &FreqAxis, state: &mut State) {
    // Every position of this frame, so that a fast stroke stays round.
    let moves: Vec<Pos2> = ui.input(|i| {
        i.events
            .iter()
            .filter_map(|e| match e {
                egui::Event::PointerMoved(p) => Some(*p),
                _ => None,
            })
            .collect()
    });
    for pos in moves {
        let next = point(ui, pos, map, axis, state);
        let scale = vec2(map.scale().x, map.scale().y * axis.per_octave(next.y));
        match &mut state.canvas.hand {
            Hand::Painting { stroke, warp_up } => {
                // Two points of the window apart, or a tenth of the brush.
                let near_x = (2.0 / scale.x).min(stroke.radius_time * 0.1);
                let near_y = (2.0 / scale.y).min(stroke.radius_octaves * 0.1);
                edit::extend(&mut stroke.points, next, near_x, near_y);
                warp_up.points.clone_from(&stroke.points);
                direct_warp(warp_up, scale);
                (stroke.kind, stroke.strength) = (warp_up.kind, warp_up.strength);
            }
            Hand::Moving { gesture, at } => {
                let (from, to) = (map.to_canvas(*at), map.to_canvas(pos));
                let octaves = axis.octave(to.y) - axis.octave(from.y);
                let gesture = *gesture;
                *at = pos;
                let ids = state.canvas.selected.clone();
                state.edit.change("move", gesture, &ids, |s| {
                    edit::shift(s, to.x - from.x, octaves, axis.octaves());
                });
            }
            Hand::Band { to, .. } => *to = pos,
            Hand::Idle => {}
        }
    }
}

fn release(map: &Map, axis: &FreqAxis, state: &mut State, host: &mut dyn EditorHost) {
    match std::mem::take(&mut state.canvas.hand) {
        Hand::Painting { mut stroke, .. } => {
            let tolerance = 0.02;
            stroke.points = edit::simplify(&stroke, tolerance);
            host.preview_stroke(None);
            if let Err(words) = state.edit.add(stroke) {
                state.toasts.push(Message::error(words));
            }
        }
        Hand::Band { from, to } => {
            let band = Rect::from_two_pos(from, to);
            if band.width() > 3.0 || band.height() > 3.0 {
                for s in state.edit.strokes() {
                    let inside = |p: &StrokePoint| {
                        band.contains(map.to_screen(p.x.rem_euclid(1.0), axis.y_of(p.y)))
                    };
                    if s.points.iter().any(inside) && !state.canvas.selected.contains(&s.id) {
                        state.canvas.selected.push(s.id);
                    }
                }
            }
        }
        Hand::Moving { .. } | Hand::Idle => {}
    }
}

/// The brushes in whose colour the cursor is drawn.
pub fn cursor_brush(state: &State) -> Option<Brush> {
    match state.tool {
        Tool::Paint(brush) => Some(brush),
        _ => None,
    }
}

/// What else can be done to the selected strokes, by right-click.
pub fn menu(response: &Response, state: &mut State) {
    if matches!(state.tool, Tool::Paint(_)) || state.canvas.selected.is_empty() {
        return;
    }
    egui::Popup::context_menu(response).show(|ui| {
        ui.set_min_width(170.0);
        let ids = state.canvas.selected.clone();
        ui.label(egui::RichText::new("Change to").color(crate::theme::DIM));
        for kind in StrokeKind::ALL {
            if ui.button(kind.name()).clicked() {
                let gesture = state.edit.begin_gesture();
                state.edit.change("change", gesture, &ids, |s| s.kind = kind);
                ui.close();
            }
        }
        ui.separator();
        if ui.button("Delete").clicked() {
            state.edit.delete(&ids);
            state.canvas.selected.clear();
            ui.close();
        }
    });
}
