//! The sync panel: how late, where the time goes, how steady, what is going on, what happened.
//!
//! Every number has a fixed place and a monospaced face: nothing moves when a value changes.

use egui::accesskit::Role;
use egui::{Align2, Color32, Id, Painter, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo};
use egui::{pos2, vec2};

use crate::editor::{Plot, State};
use crate::host::{EditorHost, Message};
use crate::model::{HalfRole, HalfView, LATENCY_BUDGET_MS, PlotView, STAGES, Snapshot};
use crate::widgets::button::{Button, Face};
use crate::widgets::icon::{self, Icon};
use crate::{theme, units, widgets};

pub fn show(ui: &mut Ui, panel: Rect, state: &mut State, host: &mut dyn EditorHost) {
    let at = panel.shrink2(vec2(14.0, 0.0)).translate(vec2(0.5, 0.0));
    let top = panel.top();
    latency(ui, at, top, &state.snapshot);
    budget(ui, at, top + 126.0, &state.snapshot);
    plots(ui, at, top + 254.0, state);
    let s = &state.snapshot;
    buffers(ui, at, top + 351.0, s);
    counters(ui.painter(), at, top + 427.0, s);
    // What is below the picture's last line only where there is room for it.
    let room = panel.bottom() - (top + 472.0);
    if room > 22.0 {
        queues(ui, at, panel.bottom() - if room > 46.0 { 40.0 } else { 14.0 }, s);
    }
    if room > 46.0 {
        buttons(ui, at, panel.bottom() - 16.0, state, host);
    }
}

/// The size of the panel in two columns.
pub const WIDE: [f32; 2] = [536.0, 300.0];

/// The same in two columns, for windows that are not high enough for one.
pub fn show_wide(ui: &mut Ui, panel: Rect, state: &mut State, host: &mut dyn EditorHost) {
    let (left, right) = panel.split_left_right_at_fraction(0.5);
    let (left, right) = (left.shrink2(vec2(14.0, 0.0)), right.shrink2(vec2(14.0, 0.0)));
    let top = panel.top();
    latency(ui, left, top, &state.snapshot);
    budget(ui, left, top + 126.0, &state.snapshot);
    plots(ui, right, top + 19.0, state);
    buffers(ui, right, top + 116.0, &state.snapshot);
    counters(ui.painter(), right, top + 192.0, &state.snapshot);
    queues(ui, right, panel.bottom() - 46.0, &state.snapshot);
    buttons(ui, right, panel.bottom() - 20.0, state, host);
}

fn label(painter: &Painter, x: f32, y: f32, text: &str, colour: Color32) {
    let font = theme::sans(theme::SIZE_BODY);
    painter.text(pos2(x, y), Align2::LEFT_CENTER, text, font, colour);
}

fn number(painter: &Painter, x: f32, y: f32, text: impl ToString, colour: Color32) -> Rect {
    let font = theme::mono(theme::SIZE_BODY);
    // Half a point lower the two faces stand on one line, at every scale.
    painter.text(pos2(x, y + 0.5), Align2::RIGHT_CENTER, text, font, colour)
}

/// Where the latency is in milliseconds: window, pipeline, total.
pub fn latency_ms(s: &Snapshot) -> (f32, f32, f32) {
    let (w, p) = (s.ms(s.latency.window_samples), s.ms(s.latency.pipeline_samples));
    (w, p, w + p)
}

fn latency(ui: &mut Ui, at: Rect, top: f32, s: &Snapshot) {
    let (window, pipeline, total) = latency_ms(s);
    let over = total > LATENCY_BUDGET_MS;
    let p = ui.painter();
    widgets::heading(p, pos2(at.left(), top + 19.0), "LATENCY", theme::DIM);
    let small = theme::sans(theme::SIZE_SMALL);
    let right = pos2(at.right(), top + 19.0);
    p.text(right, Align2::RIGHT_CENTER, "of 10 ms", small.clone(), theme::FAINT);

    let value = units::ms(total);
    let colour = if over { theme::OVER } else { theme::TEXT };
    let font = theme::mono(theme::SIZE_HUGE);
    let big = p.text(pos2(at.left(), top + 53.0), Align2::LEFT_CENTER, value, font, colour);
    let unit = if over { "ms, over" } else { "ms" };
    let font = theme::sans(theme::SIZE_BAR);
    p.text(pos2(big.right() + 5.0, top + 58.0), Align2::LEFT_CENTER, unit, font, theme::DIM);
    let samples = format!("{} smp", s.latency.total_samples());
    number(p, at.right(), top + 59.0, samples, theme::DIM);

    let bar = Rect::from_min_size(pos2(at.left(), top + 78.0), vec2(at.width(), 10.0));
    latency_bar(p, bar, window, pipeline);
    let y = top + 99.0;
    let mut x = at.left();
    for (colour, text) in [
        (theme::WINDOW_PART, format!("window {}", units::ms(window))),
        (theme::ACCENT, format!("pipeline {}", units::ms(pipeline))),
    ] {
        let square = Rect::from_center_size(pos2(x + 4.0, y), vec2(8.0, 8.0));
        p.rect_filled(square, 0.0, colour);
        p.text(pos2(x + 12.0, y), Align2::LEFT_CENTER, text, small.clone(), theme::TEXT);
        x += 96.0;
    }
    let free = LATENCY_BUDGET_MS - total;
    let (text, colour) = if over {
        (format!("over {}", units::ms(-free)), theme::OVER)
    } else {
        (format!("free {free:.2}"), theme::DIM)
    };
    p.text(pos2(at.right(), y), Align2::RIGHT_CENTER, text, small, colour);

    let rect = Rect::from_min_max(pos2(at.left(), top + 8.0), pos2(at.right(), y + 8.0));
    let response = ui.interact(rect, Id::unique("latency"), Sense::hover());
    let measured = match s.latency.measured_ms {
        Some(ms) => format!("measured {ms:.2} ms"),
        None => "nothing measured yet".to_owned(),
    };
    let words = format!("{total:.2} ms of 10 ms");
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(words.clone()),
        ..WidgetInfo::labeled(Role::Meter, true, "Latency")
    });
    response.on_hover_text(format!(
        "Window {window:.2} ms is what the quality costs. Pipeline {pipeline:.2} ms is the time \
         that the GPU is given; of it, {measured}."
    ));
}

/// Window and pipeline against the budget.
pub fn latency_bar(p: &Painter, bar: Rect, window: f32, pipeline: f32) {
    let over = window + pipeline > LATENCY_BUDGET_MS;
    p.rect_filled(bar, 2.0, theme::WELL);
    // Over budget the whole bar is the total, with the budget marked on it.
    let full = (window + pipeline).max(LATENCY_BUDGET_MS);
    let x = |ms: f32| bar.left() + bar.width() * (ms / full).clamp(0.0, 1.0);
    let part = |from: f32, to: f32| {
        Rect::from_min_max(pos2(from, bar.top() + 1.0), pos2(to, bar.bottom() - 1.0))
    };
    p.rect_filled(part(bar.left() + 1.0, x(window)), 1.0, theme::WINDOW_BAR);
    let colour = if over { theme::OVER } else { theme::ACCENT };
    p.rect_filled(part(x(window), x(window + pipeline)), 1.0, colour);
    if over {
        p.vline(x(LATENCY_BUDGET_MS), bar.expand(2.0).y_range(), Stroke::new(1.5, theme::TEXT));
    }
    p.rect_stroke(bar, 2.0, theme::line(), StrokeKind::Inside);
}

fn budget(ui: &mut Ui, at: Rect, y: f32, s: &Snapshot) {
    let p = ui.painter();
    let head = widgets::heading(p, pos2(at.left(), y), "BUDGET", theme::DIM);
    let rest = pos2(head.right() + 4.0, y);
    widgets::heading(p, rest, "MEASURED P99 / LIMIT, MS", theme::FAINT);
    for (i, name) in STAGES.iter().enumerate() {
        let stage = s.stages[i];
        let y = y + 23.0 + 19.0 * i as f32;
        let over = stage.over();
        let p = ui.painter();
        let colour = if over { theme::OVER } else { theme::TEXT };
        label(p, at.left(), y, name, colour);
        let bar =
            Rect::from_min_max(pos2(at.left() + 94.0, y - 3.0), pos2(at.right() - 74.0, y + 3.0));
        p.rect_filled(bar, 3.0, theme::WELL);
        let share = (stage.p99_ms / stage.limit_ms.max(1e-6)).clamp(0.0, 1.0);
        let mut filled = bar;
        filled.set_width((bar.width() * share).max(1.5));
        let colour = if over { theme::OVER } else { theme::ACCENT };
        p.rect_filled(filled, 3.0, colour);
        if over {
            // The same by shape: a notch at the limit.
            let x = bar.right() + 5.0;
            let top = pos2(x, y - 4.0);
            let mark = vec![top, pos2(x + 4.5, y + 3.5), pos2(x - 4.5, y + 3.5)];
            p.add(Shape::convex_polygon(mark, theme::OVER, Stroke::NONE));
        }
        let ms = if stage.p99_ms < 9.995 {
            format!("{:.2}", stage.p99_ms)
        } else {
            format!("{:.0}", stage.p99_ms.min(999.0))
        };
        let text = format!("{ms}/{:.0}", stage.limit_ms);
        number(p, at.right(), y, text, if over { theme::OVER } else { theme::DIM });
        let rect = Rect::from_min_max(pos2(at.left(), y - 9.0), pos2(at.right(), y + 9.0));
        let response = ui.interact(rect, Id::unique(("stage", i)), Sense::hover());
        let words = format!("{ms} of {:.0} ms{}", stage.limit_ms, if over { ", over" } else { "" });
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(words.clone()),
            ..WidgetInfo::labeled(Role::Meter, true, *name)
        });
    }
}

fn plots(ui: &mut Ui, at: Rect, y: f32, state: &mut State) {
    let mut x = at.left();
    for (plot, text, name) in [
        (Plot::RoundTrip, "ROUND TRIP", "Show round trip"),
        (Plot::FenceWait, "FENCE WAIT", "Show fence wait"),
    ] {
        let on = state.plot == plot;
        let colour = if on { theme::DIM } else { theme::FAINT };
        let rect = widgets::heading(ui.painter(), pos2(x, y), text, colour);
        let response = ui.interact(rect.expand(4.0), Id::unique(name), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, name));
        if on {
            let line = rect.x_range();
            ui.painter().hline(line, rect.bottom() + 1.0, Stroke::new(1.0, theme::FAINT));
        }
        if response.clicked() {
            state.plot = plot;
        }
        x = rect.right() + 16.0;
    }
    let s = &state.snapshot;
    let (front, back) = match state.plot {
        Plot::RoundTrip => (&s.round_trip, &s.fence_wait),
        Plot::FenceWait => (&s.fence_wait, &s.round_trip),
    };
    let rect = Rect::from_min_size(pos2(at.left(), y + 15.0), vec2(at.width(), 46.0));
    let p = ui.painter().with_clip_rect(rect);
    p.rect_filled(rect, theme::RADIUS_SMALL, theme::WELL);
    // The deadline stands still; what is above it is cut at the top.
    let full = front.limit_ms.max(1e-3) * 1.25;
    curve(&p, rect, back, full, theme::tint(theme::DIM, 0.35));
    curve(&p, rect, front, full, theme::ACCENT);
    let limit = rect.bottom() - rect.height() * (front.limit_ms / full);
    let ends = [pos2(rect.left(), limit), pos2(rect.right(), limit)];
    let pen = Stroke::new(1.0, theme::tint(theme::OVER, 0.7));
    p.extend(Shape::dashed_line(&ends, pen, 4.0, 3.0));

    let y = rect.bottom() + 11.0;
    let p = ui.painter();
    let font = theme::mono(theme::SIZE_SMALL);
    let text = |name: &str, ms: f32| {
        if ms < 9.995 { format!("{name} {ms:.2}") } else { format!("{name} {ms:.1}") }
    };
    let over = front.max_ms > front.limit_ms;
    let max = if over { theme::OVER } else { theme::DIM };
    for (x, align, text, colour) in [
        (at.left(), Align2::LEFT_CENTER, text("p50", front.p50_ms), theme::DIM),
        (at.center().x, Align2::CENTER_CENTER, text("p99", front.p99_ms), theme::DIM),
        (at.right(), Align2::RIGHT_CENTER, text("max", front.max_ms), max),
    ] {
        p.text(pos2(x, y), align, text, font.clone(), colour);
    }
    let response = ui.interact(rect, Id::unique("plot"), Sense::hover());
    response.on_hover_text(format!(
        "Milliseconds over the last seconds; the dashed line is the deadline, {:.2} ms",
        front.limit_ms
    ));
}

fn curve(p: &Painter, rect: Rect, plot: &PlotView, full: f32, colour: Color32) {
    let n = plot.history_ms.len();
    if n < 2 {
        return;
    }
    let points = plot
        .history_ms
        .iter()
        .enumerate()
        .map(|(i, ms)| {
            let x = rect.left() + rect.width() * i as f32 / (n - 1) as f32;
            let y = rect.bottom() - 2.0 - (rect.height() - 4.0) * (ms / full).clamp(0.0, 1.0);
            pos2(x, y)
        })
        .collect();
    p.line(points, Stroke::new(1.1, colour));
}

fn buffers(ui: &mut Ui, at: Rect, y: f32, s: &Snapshot) {
    widgets::heading(ui.painter(), pos2(at.left(), y), s.buffer_mode.heading(), theme::DIM);
    let rect = Rect::from_min_size(pos2(at.left(), y + 15.0), vec2(at.width(), 42.0));
    let n = s.halves.len();
    if n == 0 {
        let font = theme::sans(theme::SIZE_SMALL);
        let text = "Not in use: the CPU computes in place";
        ui.painter().rect_stroke(rect, theme::RADIUS, theme::line(), StrokeKind::Inside);
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, font, theme::DIM);
        return;
    }
    let gap = if n == 2 { 18.0 } else { 6.0 };
    let wide = (rect.width() - gap * (n - 1) as f32) / n as f32;
    for (i, half) in s.halves.iter().enumerate() {
        let min = pos2(rect.left() + i as f32 * (wide + gap), rect.top());
        half_box(ui, Rect::from_min_size(min, vec2(wide, rect.height())), i, *half, n);
    }
    if n == 2 {
        icon::paint(ui.painter(), Icon::Swap, rect.center(), theme::FAINT);
    }
}

fn half_box(ui: &mut Ui, rect: Rect, index: usize, half: HalfView, n: usize) {
    let letter = char::from(b'A' + (index as u8).min(25));
    let read = half.role == HalfRole::AudioReads;
    let p = ui.painter();
    let fill = if read { theme::tint(theme::ACCENT, 0.08) } else { theme::PANEL };
    p.rect_filled(rect, theme::RADIUS, fill);
    let pen = Stroke::new(1.0, if read { theme::ACCENT } else { theme::LINE });
    p.rect_stroke(rect, theme::RADIUS, pen, StrokeKind::Inside);
    let colour = if half.role == HalfRole::Idle { theme::DIM } else { theme::TEXT };
    let first = if n <= 2 {
        format!("{letter} \u{b7} {}", half.role.words())
    } else {
        half.role.words().trim_start_matches("audio ").trim_start_matches("GPU ").to_owned()
    };
    let inside = rect.width() - 8.0;
    let middle = Align2::CENTER_CENTER;
    let font = theme::sans(theme::SIZE_SMALL);
    let at = rect.center() - vec2(0.0, 8.0);
    widgets::fitted_text(p, at, middle, &first, font, colour, inside);
    let number = format!("#{}", units::count_short(half.generation));
    let font = theme::mono(theme::SIZE_SMALL);
    let at = rect.center() + vec2(0.0, 8.0);
    widgets::fitted_text(p, at, middle, &number, font, colour, inside);
    let response = ui.interact(rect, Id::unique(("half", index)), Sense::hover());
    let words = format!("{}, generation {}", half.role.words(), half.generation);
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(words.clone()),
        ..WidgetInfo::labeled(Role::Label, true, format!("Buffer {letter}"))
    });
}

fn counters(p: &Painter, at: Rect, y: f32, s: &Snapshot) {
    let c = &s.counters;
    let gpu = format!("{:.0} %", c.gpu_utilisation * 100.0);
    let left = [
        ("Swaps", units::count_short(c.swaps), false),
        ("Rescued", units::count_short(s.covered()), false),
        ("GPU", gpu, false),
    ];
    let right = [
        ("Timeouts", units::count_tight(c.timeouts), c.timeouts > 0),
        ("Overflow", units::count_tight(c.overflow + c.underflow), c.overflow + c.underflow > 0),
        ("Late", units::count_tight(c.late), false),
    ];
    let middle = at.left() + 134.0;
    for (x, to, rows) in [(at.left(), middle, left), (middle + 8.0, at.right(), right)] {
        for (i, (name, value, bad)) in rows.iter().enumerate() {
            let y = y + 18.0 * i as f32;
            label(p, x, y, name, theme::DIM);
            number(p, to, y, value, if *bad { theme::OVER } else { theme::TEXT });
        }
    }
}

/// The command queue's levels as small bars.
fn queues(ui: &mut Ui, at: Rect, y: f32, s: &Snapshot) {
    if s.queues.is_empty() {
        return;
    }
    let font = theme::sans(theme::SIZE_SMALL);
    let wide = at.width() / s.queues.len() as f32;
    for (i, q) in s.queues.iter().enumerate() {
        let x = at.left() + wide * i as f32;
        let p = ui.painter();
        let at = Align2::LEFT_CENTER;
        let name = p.text(pos2(x, y), at, q.name, font.clone(), theme::FAINT);
        let bar = Rect::from_min_max(
            pos2(name.right() + 6.0, y - 2.5),
            pos2((x + wide - 10.0).max(name.right() + 10.0), y + 2.5),
        );
        p.rect_filled(bar, 2.0, theme::WELL);
        let share = q.used as f32 / q.capacity.max(1) as f32;
        let mut filled = bar;
        filled.set_width(bar.width() * share.clamp(0.0, 1.0));
        let full = q.capacity > 0 && q.used >= q.capacity;
        p.rect_filled(filled, 2.0, if full { theme::OVER } else { theme::HEALTHY });
        let rect = Rect::from_min_size(pos2(x, y - 8.0), vec2(wide, 16.0));
        let response = ui.interact(rect, Id::unique(("queue", i)), Sense::hover());
        response.on_hover_text(format!("{} queue: {} of {} commands", q.name, q.used, q.capacity));
    }
}

fn buttons(ui: &mut Ui, at: Rect, y: f32, state: &mut State, host: &mut dyn EditorHost) {
    let wide = (at.width() - 8.0) * 0.5;
    let rect = |i: f32| {
        let min = pos2(at.left() + i * (wide + 8.0), y - 10.5);
        Rect::from_min_size(min, vec2(wide, 21.0))
    };
    if Button::new("Reset counters", Face::Text("Reset"))
        .framed()
        .small()
        .show(ui, rect(0.0))
        .clicked()
    {
        host.reset_metrics();
    }
    let copy = Button::new("Copy metrics as JSON", Face::Text("Copy as JSON")).framed().small();
    if copy.show(ui, rect(1.0)).clicked() {
        ui.ctx().copy_text(host.metrics_json());
        state.toasts.push(Message::note("The metrics are in the clipboard"));
    }
}
