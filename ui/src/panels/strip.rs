//! The parameters by effect, in the colour of the brush that paints the same thing.

use egui::accesskit::Role;
use egui::{Align2, Color32, Id, Rect, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::brush::{self, Brush, Tool};
use crate::editor::State;
use crate::host::EditorHost;
use crate::layout::Layout;
use crate::model::{ParamId, TimeUnit};
use crate::stroke::StrokeKind as Kind;
use crate::widgets::button::{self, Button, Face};
use crate::widgets::knob::{Knob, KnobEvent};
use crate::widgets::value::Value;
use crate::{theme, units, widgets};

struct Control {
    id: ParamId,
    name: &'static str,
    label: &'static str,
    colour: Color32,
    from_default: bool,
    help: &'static str,
}

const fn control(
    id: ParamId,
    name: &'static str,
    label: &'static str,
    colour: Color32,
    from_default: bool,
    help: &'static str,
) -> Control {
    Control { id, name, label, colour, from_default, help }
}

const BLUR: [Control; 3] = [
    control(ParamId::BlurTime, "Blur Time", "Time", theme::BLUR, false, "Smears sound over time"),
    control(ParamId::BlurFreq, "Blur Freq", "Freq", theme::BLUR, false, "Smears sound over pitch"),
    control(
        ParamId::Diffuse,
        "Diffuse",
        "Diffuse",
        theme::BLUR,
        false,
        "Scatters phases: from clear to whispered",
    ),
];
const WARP: [Control; 2] = [
    control(
        ParamId::WarpShift,
        "Shift",
        "Shift",
        theme::WARP,
        true,
        "Moves every frequency by the same number of hertz",
    ),
    control(
        ParamId::WarpStretch,
        "Stretch",
        "Stretch",
        theme::WARP,
        true,
        "Pulls frequencies apart or together",
    ),
];
const FILTER: [Control; 4] = [
    control(ParamId::LowCut, "Low Cut", "Low Cut", theme::HIGH_PASS, true, "Takes lows away"),
    control(ParamId::HighCut, "High Cut", "High Cut", theme::LOW_PASS, true, "Takes highs away"),
    control(
        ParamId::ModLow,
        "Mod Low",
        "Mod Low",
        theme::HIGH_PASS,
        true,
        "Takes slow movement away: steady tones fade",
    ),
    control(
        ParamId::ModHigh,
        "Mod High",
        "Mod High",
        theme::LOW_PASS,
        true,
        "Takes fast movement away: attacks soften",
    ),
];
const CANVAS: [Control; 2] = [
    control(ParamId::Paint, "Paint", "Paint", theme::ACCENT, false, "How strongly the canvas acts"),
    control(
        ParamId::CanvasLength,
        "Canvas Length",
        "Length",
        theme::ACCENT,
        false,
        "How long one pass over the canvas takes",
    ),
];
const OUT: [Control; 2] = [
    control(ParamId::Mix, "Mix", "Mix", theme::TEXT, false, "Dry to wet, in time with each other"),
    control(ParamId::Output, "Output", "Output", theme::TEXT, true, "Level after everything"),
];

/// How the groups share the width.
struct Columns {
    pitch: f32,
    freeze: f32,
    pad: f32,
    left: f32,
}

impl Columns {
    fn of(strip: Rect, folded: bool) -> Self {
        let knobs = 14.0;
        let freeze = if folded { 78.0 } else { 100.0 };
        let least = if folded { 5.0 } else { 12.0 };
        let pitch = ((strip.width() - 12.0 * least - freeze) / knobs).min(76.0);
        let pitch = if strip.width() <= 1300.0 { pitch.min(68.0) } else { pitch };
        let pad = (strip.width() - knobs * pitch - freeze) / 12.0;
        Self { pitch, freeze, pad, left: strip.left() }
    }

    fn next(&mut self, strip: Rect, inside: f32) -> Rect {
        let wide = inside + 2.0 * self.pad;
        let rect = Rect::from_min_size(pos2(self.left, strip.top()), vec2(wide, strip.height()));
        self.left += wide;
        rect
    }
}

pub fn show(ui: &mut Ui, at: &Layout, state: &mut State, host: &mut dyn EditorHost) {
    let mut columns = Columns::of(at.strip, at.folded);
    let (pitch, pad) = (columns.pitch, columns.pad);
    let mut group = |ui: &mut Ui, name: &str, inside: f32| {
        let rect = columns.next(at.strip, inside);
        let y = at.strip.top() + if at.folded { 13.0 } else { 20.0 };
        widgets::heading(ui.painter(), pos2(rect.left() + pad.max(8.0), y), name, theme::DIM);
        if rect.right() < at.strip.right() - 1.0 {
            ui.painter().vline(rect.right() + 0.5, at.strip.y_range(), theme::line());
        }
        rect
    };
    let cell = |group: Rect, i: usize| {
        let top = at.strip.top() + if at.folded { 24.0 } else { 35.0 };
        let left = group.left() + pad + i as f32 * pitch;
        Rect::from_min_size(pos2(left, top), vec2(pitch, 74.0))
    };

    for (name, controls) in [("BLUR", &BLUR[..]), ("WARP", &WARP[..]), ("FILTER", &FILTER[..])] {
        let rect = group(ui, name, pitch * controls.len() as f32);
        for (i, control) in controls.iter().enumerate() {
            knob(ui, cell(rect, i), control, at.folded, state, host);
        }
    }
    let rect = group(ui, "FREEZE", Columns::of(at.strip, at.folded).freeze);
    freeze(ui, rect, at, pad, state, host);
    let rect = group(ui, "CANVAS", pitch * 3.0);
    for (i, control) in CANVAS.iter().enumerate() {
        knob(ui, cell(rect, i), control, at.folded, state, host);
    }
    size_knob(ui, cell(rect, 2), at.folded, state);
    if at.strip.height() >= 150.0 {
        brush_values(ui, rect, at, pad, state, host);
    }
    let rect = group(ui, "OUT", pitch * 2.0);
    for (i, control) in OUT.iter().enumerate() {
        knob(ui, cell(rect, i), control, at.folded, state, host);
    }
    if at.strip.height() >= 150.0 {
        bypass(ui, rect, at, pad, state, host);
    }
}

/// In a small window units stand close to their numbers.
fn short(text: &str, folded: bool) -> String {
    if folded { text.replace(' ', "") } else { text.to_owned() }
}

fn knob(
    ui: &mut Ui,
    rect: Rect,
    control: &Control,
    folded: bool,
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let view = state.param(control.id);
    let text = short(&view.text, folded);
    let knob = Knob {
        name: control.name,
        label: control.label,
        text: &text,
        value: view.value,
        modulated: view.modulated,
        default: view.default,
        colour: control.colour,
        from_default: control.from_default,
        help: control.help,
    };
    let mut events = Vec::new();
    knob.show(ui, rect, &mut events);
    state.param_events(control.id, events, host);
}

fn freeze(
    ui: &mut Ui,
    group: Rect,
    at: &Layout,
    pad: f32,
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let on = state.param(ParamId::Freeze).value >= 0.5;
    let top = at.strip.top() + if at.folded { 26.0 } else { 34.0 };
    let rect = Rect::from_min_max(
        pos2(group.left() + pad, top),
        pos2(group.right() - pad, top + if at.folded { 50.0 } else { 62.0 }),
    );
    let response = ui.interact(rect, Id::unique("freeze"), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, "Freeze"));
    let p = ui.painter();
    let fill = match (on, response.hovered()) {
        (true, _) => theme::tint(theme::BLUR, 0.22),
        (false, true) => theme::HOVER,
        _ => theme::RAISED,
    };
    p.rect_filled(rect, theme::RADIUS, fill);
    let edge = if on {
        theme::BLUR
    } else if response.has_focus() {
        theme::ACCENT
    } else {
        theme::LINE
    };
    p.rect_stroke(rect, theme::RADIUS, egui::Stroke::new(1.0, edge), StrokeKind::Inside);
    let words = if on { "FROZEN" } else { "FREEZE" };
    let font = theme::strong(theme::SIZE_BAR);
    p.text(rect.center(), Align2::CENTER_CENTER, words, font, theme::TEXT);
    if response.clicked() {
        state.set_param(ParamId::Freeze, if on { 0.0 } else { 1.0 }, host);
    }
    if at.folded {
        return;
    }
    let words = if on { "press to let go" } else { "holds this moment" };
    let below = pos2(rect.center().x, rect.bottom() + 15.0);
    let (font, wide) = (theme::sans(theme::SIZE_SMALL), rect.width() + 2.0 * pad - 4.0);
    widgets::fitted_text(
        ui.painter(),
        below,
        Align2::CENTER_CENTER,
        words,
        font,
        theme::FAINT,
        wide,
    );
}

/// The strokes that the brush's controls change: the selected ones, or none.
fn change_selected(
    state: &mut State,
    words: &'static str,
    new_gesture: bool,
    how: impl FnMut(&mut crate::stroke::Stroke),
) {
    if new_gesture || state.stroke_gesture == 0 {
        state.stroke_gesture = state.edit.begin_gesture();
    }
    let ids = state.canvas.selected.clone();
    state.edit.change(words, state.stroke_gesture, &ids, how);
}

/// The first selected stroke, whose values the brush's controls then show.
fn selected(state: &State) -> Option<&crate::stroke::Stroke> {
    let id = state.canvas.selected.first()?;
    state.edit.find(*id).map(|(_, s)| s)
}

fn size_knob(ui: &mut Ui, rect: Rect, folded: bool, state: &mut State) {
    let radius = selected(state).map_or(state.brush.radius_octaves, |s| s.radius_octaves);
    let at = brush::log_share(radius, brush::RADIUS_OCTAVES);
    let text = short(&format!("{} oct", units::fraction(2.0 * radius)), folded);
    let default = brush::BrushSettings::default().radius_octaves;
    let default = brush::log_share(default, brush::RADIUS_OCTAVES);
    let knob = Knob {
        name: "Brush Size",
        label: "Size",
        text: &text,
        value: at,
        modulated: at,
        default,
        colour: theme::ACCENT,
        from_default: false,
        help: "The brush's size, time and pitch together ([ and ], or Alt and the wheel)",
    };
    let mut events = Vec::new();
    knob.show(ui, rect, &mut events);
    let mut fresh = false;
    for event in events {
        let to = match event {
            KnobEvent::Begin => {
                fresh = true;
                continue;
            }
            KnobEvent::Set(to) => brush::log_value(to, brush::RADIUS_OCTAVES),
            KnobEvent::Typed(text) => {
                match text.trim().trim_end_matches("oct").trim().parse::<f32>() {
                    // A word that is read as a number and is none.
                    Ok(octaves) if octaves.is_nan() => continue,
                    Ok(octaves) => {
                        (octaves * 0.5).clamp(brush::RADIUS_OCTAVES.0, brush::RADIUS_OCTAVES.1)
                    }
                    Err(_) => continue,
                }
            }
            KnobEvent::End => continue,
        };
        // A stroke from a file may be thinner than any brush.
        let factor = to / radius.max(brush::RADIUS_OCTAVES.0);
        if selected(state).is_some() {
            change_selected(state, "resize", fresh, |s| {
                let scaled = |v: f32, (low, high): (f32, f32)| (v * factor).clamp(low, high);
                s.radius_octaves = scaled(s.radius_octaves, brush::RADIUS_OCTAVES);
                s.radius_time = scaled(s.radius_time, brush::RADIUS_TIME);
            });
            fresh = false;
        } else {
            state.brush.scale(factor);
        }
    }
}

/// Width, strength, hardness and what moves the playhead, below the canvas's knobs.
fn brush_values(
    ui: &mut Ui,
    group: Rect,
    at: &Layout,
    pad: f32,
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let inside = Rect::from_min_max(
        pos2(group.left() + pad.min(12.0), at.strip.top() + 114.0),
        pos2(group.right() - pad.min(12.0), at.strip.bottom() - 6.0),
    );
    let size = vec2((inside.width() - 6.0) * 0.5, 18.0);
    let cell = |column: f32, row: f32| {
        Rect::from_min_size(inside.min + vec2(column * (size.x + 6.0), row * 22.0), size)
    };
    let hand = state.brush;
    let shown = selected(state).map_or(hand, |s| brush::BrushSettings {
        radius_time: s.radius_time,
        radius_octaves: s.radius_octaves,
        strength: s.strength,
        hardness: s.hardness,
    });
    let signed = match selected(state) {
        Some(s) => s.kind == Kind::Gain,
        None => state.tool == Tool::Paint(Brush::Gain),
    };
    let t = &state.snapshot.transport;
    let wide = 2.0 * shown.radius_time * t.length;
    let unit = if t.unit == TimeUnit::Beats { "bt" } else { "s" };
    let wide = format!("{} {unit}", units::fraction(wide));
    let default = brush::BrushSettings::default();
    let (at_strength, strength) = if signed {
        (shown.strength * 0.5 + 0.5, format!("{:+.0} %", shown.strength * 100.0))
    } else {
        (shown.strength.abs(), format!("{:.0} %", shown.strength.abs() * 100.0))
    };
    let hard = format!("{:.0} %", shown.hardness * 100.0);
    let rows = [
        (
            cell(0.0, 0.0),
            "Brush Width",
            "Wide",
            wide.as_str(),
            brush::log_share(shown.radius_time, brush::RADIUS_TIME),
            brush::log_share(default.radius_time, brush::RADIUS_TIME),
            "The brush's length in time",
        ),
        (
            cell(1.0, 0.0),
            "Brush Strength",
            "Strength",
            strength.as_str(),
            at_strength,
            if signed { 0.9 } else { 0.8 },
            "How much a stroke does; for gain, below zero is softer",
        ),
        (
            cell(0.0, 1.0),
            "Brush Hardness",
            "Hard",
            hard.as_str(),
            shown.hardness,
            0.5,
            "From soft all over to a hard edge",
        ),
    ];
    for (i, (rect, name, label, text, at, default, help)) in rows.into_iter().enumerate() {
        let (response, changed) = Value { name, label, text, at, default, help }.show(ui, rect);
        let Some(to) = changed else { continue };
        let set = |radius_time: &mut f32, strength: &mut f32, hardness: &mut f32| match i {
            0 => *radius_time = brush::log_value(to, brush::RADIUS_TIME),
            1 if signed => *strength = to * 2.0 - 1.0,
            1 => *strength = if *strength < 0.0 { -to } else { to },
            _ => *hardness = to,
        };
        if selected(state).is_some() {
            let fresh = response.drag_started() || !response.dragged();
            change_selected(state, "change", fresh, |s| {
                set(&mut s.radius_time, &mut s.strength, &mut s.hardness);
            });
        } else {
            let b = &mut state.brush;
            set(&mut b.radius_time, &mut b.strength, &mut b.hardness);
        }
    }
    let text = ParamId::CanvasSync.choices()[state.choice(ParamId::CanvasSync)];
    let response = Button::new("Canvas Sync", Face::Menu(text))
        .framed()
        .small()
        .show(ui, cell(1.0, 1.0))
        .on_hover_text("What moves the playhead: the host's beats, its seconds, or our own clock");
    let current = Some(state.choice(ParamId::CanvasSync));
    if let Some(i) = button::choices(&response, ParamId::CanvasSync.choices(), current) {
        state.set_choice(ParamId::CanvasSync, i, host);
    }
}

fn bypass(
    ui: &mut Ui,
    group: Rect,
    at: &Layout,
    pad: f32,
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let on = state.param(ParamId::Bypass).value >= 0.5;
    let rect = Rect::from_min_max(
        pos2(group.left() + pad, at.strip.top() + 136.0),
        pos2(group.right() - pad, at.strip.top() + 154.0),
    );
    let text = if on { "Bypassed" } else { "Bypass" };
    let response = Button::new("Bypass", Face::Text(text)).framed().small().selected(on);
    if response.show(ui, rect).clicked() {
        state.set_param(ParamId::Bypass, if on { 0.0 } else { 1.0 }, host);
    }
}
