//! Painting, selecting, moving and looking about on the canvas.

use super::*;

#[test]
fn painting_leaves_a_stroke_with_the_brush_in_hand() {
    let mut s = stage();
    s.click("Low-pass brush");
    let path = [s.at(0.2, 0.3), s.at(0.4, 0.5), s.at(0.5, 0.5)];
    s.drag(&path);
    let strokes = &s.host().strokes;
    assert_eq!(strokes.len(), 1);
    assert_eq!(strokes[0].kind, StrokeKind::ModHigh);
    let (first, last) = (strokes[0].points[0], *strokes[0].points.last().expect("points"));
    let octaves = (24_000.0f32 / 20.0).log2();
    assert!((first.x - 0.2).abs() < 0.005 && (first.y - 0.3 * octaves).abs() < 0.05);
    assert!((last.x - 0.5).abs() < 0.005 && (last.y - 0.5 * octaves).abs() < 0.05);
    // A straight drag needs few points.
    assert!(strokes[0].points.len() < 8, "{}", strokes[0].points.len());
}

#[test]
fn a_click_paints_one_dab() {
    let mut s = stage();
    let at = s.at(0.5, 0.5);
    s.drag(&[at]);
    assert_eq!(s.host().strokes.len(), 1);
    assert_eq!(s.host().strokes[0].points.len(), 1);
}

#[test]
fn a_stroke_is_heard_while_it_is_painted() {
    let mut s = stage();
    let (from, to) = (s.at(0.2, 0.3), s.at(0.4, 0.5));
    s.harness.drag_at(from);
    s.harness.step();
    s.harness.hover_at(to);
    s.harness.step();
    assert!(s.host().preview.as_ref().is_some_and(|p| p.points.len() >= 2));
    assert!(s.host().strokes.is_empty());
    s.harness.drop_at(to);
    s.harness.run_steps(2);
    assert!(s.host().preview.is_none());
    assert_eq!(s.host().strokes.len(), 1);
}

#[test]
fn undo_and_redo_go_stroke_by_stroke() {
    let mut s = stage();
    for x in [0.2, 0.5, 0.8] {
        let path = [s.at(x, 0.3), s.at(x + 0.1, 0.6)];
        s.drag(&path);
    }
    let all = s.host().strokes.clone();
    assert_eq!(all.len(), 3);
    s.click("Undo");
    assert_eq!(s.host().strokes, all[..2]);
    s.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(s.host().strokes, all[..1]);
    s.click("Redo");
    assert_eq!(s.host().strokes, all[..2]);
    s.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(s.host().strokes, all);
}

#[test]
fn the_direction_of_a_warp_is_that_of_the_drag() {
    let mut s = stage();
    s.click("Warp brush");
    for (to, kind, sign) in [
        ((0.5, 0.8), StrokeKind::WarpFreq, 1.0),
        ((0.5, 0.2), StrokeKind::WarpFreq, -1.0),
        ((0.9, 0.5), StrokeKind::WarpTime, 1.0),
    ] {
        let path = [s.at(0.5, 0.5), s.at(to.0, to.1)];
        s.drag(&path);
        let last = s.host().strokes.last().expect("a stroke");
        assert_eq!(last.kind, kind);
        assert_eq!(last.strength.signum(), sign);
    }
}

#[test]
fn the_right_button_erases_and_alt_cuts() {
    let mut s = stage();
    s.click("Gain brush");
    let at = s.at(0.4, 0.4);
    s.harness.event_modifiers(
        egui::Event::PointerButton {
            pos: at,
            button: egui::PointerButton::Primary,
            pressed: true,
            modifiers: Modifiers::ALT,
        },
        Modifiers::ALT,
    );
    s.harness.step();
    s.harness.drop_at(at);
    s.harness.run_steps(2);
    assert!(s.host().strokes[0].strength < 0.0);
    s.right_click(at);
    s.harness.step();
    assert_eq!(s.host().strokes[1].kind, StrokeKind::Erase);
}

#[test]
fn strokes_are_selected_moved_changed_and_deleted() {
    let mut s = stage();
    let path = [s.at(0.4, 0.5), s.at(0.5, 0.5)];
    s.drag(&path);
    let before = s.host().strokes[0].clone();
    s.click("Select");
    let at = s.at(0.45, 0.5);
    s.drag(&[at]);
    assert_eq!(s.state().canvas.selected, vec![before.id]);
    // Moved by hand.
    let path = [at, s.at(0.65, 0.6)];
    s.drag(&path);
    let moved = &s.host().strokes[0];
    assert!((moved.points[0].x - before.points[0].x - 0.2).abs() < 0.01);
    assert!(moved.points[0].y > before.points[0].y + 0.5);
    // Its size by the knob that otherwise sizes the brush.
    s.harness.get_by_label("Brush Size").hover();
    s.harness.step();
    s.wheel(2.0);
    assert!(s.host().strokes[0].radius_octaves > before.radius_octaves * 1.05);
    // A move is one step of undo, however many frames it took.
    s.click("Undo");
    s.click("Undo");
    assert_eq!(s.host().strokes[0], before);
    s.drag(&[at]);
    s.key(Modifiers::NONE, Key::Delete);
    assert!(s.host().strokes.is_empty());
}

// X4
#[test]
fn strokes_of_any_size_are_resized_to_some_that_can_be_loaded_again() {
    // The knob shows the first; one from a file may have no height at all.
    for first in [0.05, 0.0] {
        let mut host = scenes::no_gpu();
        host.strokes = scenes::strokes(2);
        for (stroke, radius) in host.strokes.iter_mut().zip([first, 3.0]) {
            (stroke.radius_octaves, stroke.radius_time) = (radius, 0.08 * radius);
        }
        let mut s = stage_of(host);
        s.key(Modifiers::COMMAND, Key::A);
        type_into(&mut s, "Brush Size", "6");
        assert_eq!(scumble_params::check_strokes(&s.host().strokes), Ok(()));
        assert!(s.host().strokes[0].radius_octaves > 0.04);
        // A word that is read as a number, and is none.
        let before = s.host().strokes.clone();
        type_into(&mut s, "Brush Size", "nan");
        assert_eq!(s.host().strokes, before);
    }
}

#[test]
fn a_selected_stroke_becomes_another_by_its_menu() {
    let mut s = stage();
    let at = s.at(0.4, 0.4);
    s.drag(&[at]);
    s.click("Select");
    s.drag(&[at]);
    s.right_click(at);
    s.harness.run_steps(2);
    s.click("Warp time");
    assert_eq!(s.host().strokes[0].kind, StrokeKind::WarpTime);
}

#[test]
fn a_canvas_that_the_host_has_not_started_is_painted_up_to_24_khz() {
    let mut s = stage_of(TestHost::default());
    let path = [s.at(0.2, 0.3), s.at(0.4, 0.5)];
    s.drag(&path);
    let octaves = (24_000.0f32 / 20.0).log2();
    let first = s.host().strokes[0].points[0];
    assert!((first.y - 0.3 * octaves).abs() < 0.05, "{}", first.y);
}

#[test]
fn zoom_keeps_what_is_under_the_pointer() {
    let mut s = stage();
    let at = s.at(0.3, 0.7);
    s.harness.hover_at(at);
    s.harness.step();
    for _ in 0..5 {
        s.wheel(1.0);
    }
    let view = s.state().canvas.view;
    assert!(view.width() < 0.6);
    assert!((view.x0 + 0.3 * view.width() - 0.3).abs() < 0.01);
    s.key(Modifiers::NONE, Key::Num0);
    assert!(s.state().canvas.view.is_whole());
}

// P1: the brush works on each axis. What is painted stands at the frequency under the pointer, and
// the picture beneath is the host's on that axis.
#[test]
fn the_brush_paints_what_is_under_it_on_every_axis() {
    for (axis, short, words) in AXES {
        let mut s = stage();
        s.click("Frequency axis");
        s.click(words);
        assert_eq!(s.host().axis, axis, "{short}");
        let scale = FreqAxis::new(axis, 2.0 * s.state().snapshot.top_hz);
        let path = [s.at(0.2, 0.3), s.at(0.4, 0.6)];
        s.drag(&path);
        let strokes = s.state().edit.strokes().to_vec();
        assert_eq!(strokes.len(), 1, "{short}");
        let points = &strokes[0].points;
        let (first, last) = (points[0], points[points.len() - 1]);
        for (point, y) in [(first, 0.3), (last, 0.6)] {
            let octaves = hz_of(point.y) / scale.hz(y);
            assert!(octaves.log2().abs() < 0.03, "{short}: {octaves} away at {y}");
        }
        // Taken by the middle of its line and moved up, it follows the pointer.
        s.click("Move");
        let middle = scale.y_of((first.y + last.y) / 2.0);
        let to = middle + 0.2;
        let path = [s.at(0.3, middle), s.at(0.3, to)];
        s.drag(&path);
        let moved = s.state().edit.strokes()[0].points[0].y - first.y;
        let expected = scale.octave(to) - scale.octave(middle);
        let room = scale.octaves() - last.y;
        assert!((moved - expected.min(room)).abs() < 0.05, "{short}: {moved} for {expected}");
    }
}

#[test]
fn a_change_of_axis_keeps_what_is_in_view() {
    let mut s = stage();
    let log = FreqAxis::new(Axis::Log, 2.0 * s.state().snapshot.top_hz);
    let view = &mut s.harness.state_mut().editor.state.canvas.view;
    (view.y0, view.y1) = (log.y(1000.0), log.y(8000.0));
    s.click("Frequency axis");
    s.click("Linear: hertz");
    let view = s.state().canvas.view;
    let linear = FreqAxis { kind: Axis::Linear, ..log };
    assert!((linear.hz(view.y0) / 1000.0 - 1.0).abs() < 0.02);
    assert!((linear.hz(view.y1) / 8000.0 - 1.0).abs() < 0.02);
}

#[test]
fn strokes_that_the_host_loads_replace_those_on_the_canvas() {
    let mut s = stage();
    let path = [s.at(0.2, 0.3), s.at(0.4, 0.5)];
    s.drag(&path);
    let window = s.harness.state_mut();
    window.host.strokes = scenes::strokes(3);
    window.host.generation += 1;
    s.harness.run_steps(2);
    assert_eq!(s.state().edit.strokes().len(), 3);
    assert_eq!(s.state().edit.undo_depth(), 0);
}
