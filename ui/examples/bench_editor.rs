//! Group `editor`: what a frame costs (egui's pass without the rasteriser), with few strokes and
//! many, while painting; and what a spectrogram column costs.
//!
//! Prints one JSON array; notes go to stderr.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use egui::{Context, Event, Pos2, RawInput, Rect, pos2, vec2};
use scumble_ui::canvas::spectrogram::Spectrogram;
use scumble_ui::editor::Editor;
use scumble_ui::host::Columns;
use scumble_ui::layout::{DEFAULT_SIZE, Layout};
use support::host::TestHost;
use support::scenes;

/// One opening of the window.
struct Window {
    ctx: Context,
    editor: Editor,
    host: TestHost,
    time: f64,
}

impl Window {
    fn new(host: TestHost) -> Self {
        let ctx = Context::default();
        let mut editor = Editor::default();
        editor.open(&ctx);
        Self { ctx, editor, host, time: 0.0 }
    }

    /// A frame with new sound, a moving playhead and changing numbers; its cost in milliseconds.
    fn frame(&mut self, events: Vec<Event>) -> f64 {
        self.time += 1.0 / 60.0;
        let t = &mut self.host.snapshot.transport;
        t.position = (t.position + 0.002).fract();
        let position = t.position;
        let c = &mut self.host.snapshot.counters;
        c.swaps += 6;
        for half in &mut self.host.snapshot.halves {
            half.generation += 6;
        }
        let history = &mut self.host.snapshot.round_trip.history_ms;
        if !history.is_empty() {
            history.rotate_left(1);
        }
        let bands = 256;
        let rgba: Vec<u8> = (0..2 * bands).flat_map(|b| [(b % 251) as u8, 0, 0, 255]).collect();
        self.host.fresh = Some((position, 1.0 / 1024.0, bands, rgba));
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(
                Pos2::ZERO,
                vec2(DEFAULT_SIZE[0], DEFAULT_SIZE[1]),
            )),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        let (editor, host) = (&mut self.editor, &mut self.host);
        let start = Instant::now();
        let output = self.ctx.run_ui(input, |ui| editor.ui(ui, host));
        let cost = start.elapsed().as_secs_f64() * 1e3;
        output.drop_without_applying_deltas();
        cost
    }
}

/// The median, and how far apart the middle half lies in parts of it.
fn median(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values[(values.len() - 1) * part / 4];
    (at(2), (at(3) - at(1)) / at(2))
}

/// Where the hand is in frame `i` of a stroke that goes on and on.
fn hand(i: usize) -> Pos2 {
    let plot = Layout::of(Rect::from_min_size(Pos2::ZERO, DEFAULT_SIZE.into())).plot;
    let t = i as f32 * 0.02;
    pos2(
        plot.center().x + 0.4 * plot.width() * (t * 1.7).sin(),
        plot.center().y + 0.4 * plot.height() * (t * 2.3).cos(),
    )
}

fn press(at: Pos2, pressed: bool) -> Event {
    let button = egui::PointerButton::Primary;
    Event::PointerButton { pos: at, button, pressed, modifiers: egui::Modifiers::NONE }
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let frames = if quick { 60 } else { 400 };
    let mut few = Window::new(scenes::healthy());
    let mut many = Window::new(scenes::crowded());
    let mut painting = Window::new(scenes::crowded());
    for window in [&mut few, &mut many, &mut painting] {
        for _ in 0..10 {
            window.frame(vec![]);
        }
    }
    let mut costs: [Vec<f64>; 3] = Default::default();
    for i in 0..frames {
        costs[0].push(few.frame(vec![Event::PointerMoved(hand(i))]));
        costs[1].push(many.frame(vec![Event::PointerMoved(hand(i))]));
        // Strokes of a second each, as a hand makes them.
        let mut events = vec![Event::PointerMoved(hand(i))];
        if i % 60 == 0 {
            events.push(press(hand(i), true));
        } else if i % 60 == 59 {
            events.push(press(hand(i), false));
        }
        costs[2].push(painting.frame(events));
    }

    let ctx = Context::default();
    let mut spectrogram = Spectrogram::default();
    spectrogram.upload(&ctx);
    let bands = 512;
    let rgba: Vec<u8> = (0..bands).flat_map(|b| [(b % 251) as u8, 0, 0, 255]).collect();
    let mut column = Vec::new();
    for i in 0..frames * 4 {
        let position = (i as f32 / 1024.0).fract();
        let start = Instant::now();
        spectrogram.push(Columns { position, width: 1.0 / 1024.0, bands, rgba: &rgba });
        spectrogram.upload(&ctx);
        column.push(start.elapsed().as_secs_f64() * 1e3);
        ctx.tex_manager().write().take_delta().clear();
    }

    let [few, many, painting] = costs.map(median);
    let rows = [
        ("frame_3_strokes", few, 2.0),
        ("frame_500_strokes", many, 2.0),
        ("frame_painting_over_500_strokes", painting, 2.0),
        ("spectrogram_column", median(column), 0.2),
    ];
    let line = |(id, (value, spread), bar): (&str, (f64, f64), f64)| {
        eprintln!("{id}: median {value:.4} ms, bar {bar} ms");
        format!(
            "{{\"id\":\"{id}\",\"group\":\"editor\",\"value\":{value:.6},\"unit\":\"ms\",\
             \"reference\":null,\"ratio\":null,\"spread\":{spread:.6},\"bar\":{bar},\"pass\":{}}}",
            value <= bar
        )
    };
    println!("[{}]", rows.map(line).join(",\n"));
}
