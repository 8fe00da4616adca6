//! The editor's memory: opened and closed a hundred times, and in long use.
//!
//! The second for as many minutes as `SCUMBLE_SOAK_MINUTES` says, two if it says nothing.
//!
//! A binary of its own, for it counts every byte that is allocated. One test at a time.

mod support;

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use egui::{Context, Event, PointerButton, Pos2, RawInput, Rect, pos2};
use scumble_ui::editor::Editor;
use scumble_ui::host::EditorHost;
use scumble_ui::layout::{DEFAULT_SIZE, Layout};
use support::host::TestHost;
use support::scenes;

static LIVE: AtomicI64 = AtomicI64::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The system's allocator with a count of what lives.
struct Counting;

// SAFETY: everything is passed to `System` unchanged; the count touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        LIVE.fetch_add(memory.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        LIVE.fetch_sub(memory.size() as i64, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, memory) }
    }

    unsafe fn realloc(&self, at: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        LIVE.fetch_add(size as i64 - memory.size() as i64, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, memory, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live_kb() -> i64 {
    LIVE.load(Ordering::Relaxed) / 1024
}

fn frame(ctx: &Context, editor: &mut Editor, host: &mut TestHost, time: f64, events: Vec<Event>) {
    let t = &mut host.snapshot.transport;
    t.position = (t.position + 0.002).fract();
    let rgba = vec![90; 4 * 128];
    host.fresh = Some((t.position, 1.0 / 512.0, 128, rgba));
    host.log.clear();
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, DEFAULT_SIZE.into())),
        time: Some(time),
        events,
        ..RawInput::default()
    };
    ctx.run_ui(input, |ui| editor.ui(ui, host)).drop_without_applying_deltas();
}

#[test]
fn a_hundred_openings_leave_nothing_behind() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut host = scenes::healthy();
    let mut editor = Editor::default();
    let mut open = || {
        // Each opening has a context of its own, as the window's wrapper makes one.
        let ctx = Context::default();
        editor.open(&ctx);
        for i in 0..4 {
            frame(&ctx, &mut editor, &mut host, i as f64 / 60.0, vec![]);
        }
        editor.close();
    };
    for _ in 0..5 {
        open();
    }
    let before = live_kb();
    for _ in 0..100 {
        open();
    }
    let grown = live_kb() - before;
    println!("live after 5 openings {before} kB, after 105 {} kB", before + grown);
    assert!(grown < 256, "{grown} kB more after 100 openings");
}

#[test]
fn minutes_of_painting_zooming_and_presets_need_no_more_memory() {
    let minutes = std::env::var("SCUMBLE_SOAK_MINUTES").ok().and_then(|m| m.parse().ok());
    let minutes: usize = minutes.unwrap_or(2).max(2);
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut host = scenes::healthy();
    host.put(scumble_ui::model::ParamId::Diffuse, "50 %");
    host.add_preset("Half", true);
    let mut editor = Editor::default();
    let ctx = Context::default();
    editor.open(&ctx);
    let plot = Layout::of(Rect::from_min_size(Pos2::ZERO, DEFAULT_SIZE.into())).plot;
    let mut dice = scenes::Dice::new(5);
    let mut minute = Vec::new();
    for i in 0..minutes * 3600 {
        let t = i as f32 * 0.013;
        let at = pos2(
            plot.center().x + 0.4 * plot.width() * (t * 1.3).sin(),
            plot.center().y + 0.4 * plot.height() * t.cos(),
        );
        let button = |pressed| Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        };
        let mut events = vec![Event::PointerMoved(at)];
        match i % 60 {
            5 => events.push(button(true)),
            40 => events.push(button(false)),
            45 => events.push(Event::MouseWheel {
                unit: egui::MouseWheelUnit::Line,
                delta: egui::vec2(0.0, if dice.roll() > 0.5 { 1.0 } else { -1.0 }),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
                modifiers: egui::Modifiers::NONE,
            }),
            _ => {}
        }
        frame(&ctx, &mut editor, &mut host, i as f64 / 60.0, events);
        // Every ten seconds another preset, by the host's own hand.
        if i % 600 == 599 {
            let name = if i % 1200 == 599 { "Half" } else { "Glass bells" };
            host.load_preset(name).expect("a preset");
        }
        if i % 3600 == 3599 {
            minute.push(live_kb());
        }
    }
    println!("live at the end of each minute, kB: {minute:?}");
    let (early, late) = (minute[0], minute[minutes - 1]);
    assert!((late - early).abs() < 1024, "{early} kB after one minute, {late} kB after {minutes}");
}
