//! The window's size: as it was saved, and as the host is told.

use std::time::{Duration, Instant};

use nice_plug::editor::{Editor as _, EditorHandle as _};
use nice_plug_egui::RepaintNotifier;
use scumble_params::EditorLook;

use super::*;

// Only what this test needs of it.
#[cfg(target_os = "linux")]
#[allow(dead_code)]
#[path = "../../../tests/src/xvfb.rs"]
mod xvfb;

#[test]
fn a_window_opens_as_the_state_says_that_came_after_the_editor_was_made() {
    let (params, instance, _) = make();
    let editor = scumble_ui::create_editor(params.clone(), instance, RepaintNotifier::new());
    let editor = editor.expect("an editor");
    let size = || [editor.size().width, editor.size().height];
    assert_eq!(size(), DEFAULT_SIZE.map(|points| points as u32));
    params.document.set(sized([1400, 900], 1.5));
    assert_eq!(size(), [2100, 1350]);
}

/// A state that was saved with a window of that size.
fn sized(size: [u32; 2], zoom: f32) -> String {
    let cell = scumble_params::DocumentCell::default();
    cell.edit(0, |document| {
        let look = document.editor;
        document.editor = EditorLook { width: size[0], height: size[1], zoom, ..look };
    });
    cell.map(|text| text.clone())
}

#[cfg(target_os = "linux")]
#[test]
fn a_real_window_opens_as_it_was_saved() {
    let screen = xvfb::Xvfb::start();
    let mut command = std::process::Command::new(std::env::current_exe().expect("this program"));
    command.args(["--ignored", "--exact", "window::windows_on_a_screen", "--nocapture"]);
    let ended = screen.show(&mut command).output().expect("it runs");
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

// Run by the test above, on a screen of its own. What a window is, it writes into the document.
#[test]
#[ignore = "needs a screen"]
fn windows_on_a_screen() {
    let (params, instance, _) = make();
    let repaint = RepaintNotifier::new();
    let editor = scumble_ui::create_editor(params.clone(), instance.clone(), repaint);
    let editor = editor.expect("an editor");
    let draw = || {
        let (begun, from) = (Instant::now(), instance.frames.load(Ordering::Relaxed));
        while instance.frames.load(Ordering::Relaxed) < from + 5 {
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing is drawn");
            std::thread::sleep(Duration::from_millis(5));
        }
        let look = params.document.get().editor;
        ([look.width, look.height, editor.size().width, editor.size().height], look.zoom)
    };
    for (saved, zoom, opened) in [
        ([1000, 600], 1.25, [1000, 600, 1250, 750]),
        ([1300, 800], 1.0, [1300, 800, 1300, 800]),
        ([1000, 600], 1.5, [1000, 600, 1500, 900]),
    ] {
        params.document.set(sized(saved, zoom));
        let gui = GuiContext::new(Arc::new(Wrapper::default()));
        let window = editor.spawn(None, false, None, gui, None).expect("a window");
        window.handle.show(&window.window).expect("shown");
        assert_eq!(draw(), (opened, zoom));
        params.document.set(sized([1111, 777], 1.0));
        assert_eq!(draw(), (opened, zoom), "a state leaves an open window as it is");
    }
}
