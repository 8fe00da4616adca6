//! Text that can be read: none cut, none over another, at every size and with every number; and
//! what does not change does not move.

mod support;

use std::collections::BTreeMap;

use egui::{Rect, Shape};
use scumble_ui::model::ParamId;
use support::host::TestHost;
use support::picture::Stage;
use support::scenes;

/// Every text of a frame with where it stands and what may be seen of it.
fn texts(stage: &mut Stage) -> Vec<(String, Rect, Rect)> {
    fn gather(shape: &Shape, clip: Rect, to: &mut Vec<(String, Rect, Rect)>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|s| gather(s, clip, to)),
            Shape::Text(text) if !text.galley.text().trim().is_empty() => {
                let rect = text.galley.rect.translate(text.pos.to_vec2());
                to.push((text.galley.text().to_owned(), rect, clip));
            }
            _ => {}
        }
    }
    stage.harness.step();
    let mut all = Vec::new();
    for clipped in &stage.harness.output().shapes {
        gather(&clipped.shape, clipped.clip_rect, &mut all);
    }
    all
}

/// Numbers as long as they get.
fn extreme() -> TestHost {
    let mut host = scenes::over_budget();
    host.messages.clear();
    let s = &mut host.snapshot;
    s.latency.window_samples = 123_456;
    s.latency.pipeline_samples = 65_536;
    for stage in &mut s.stages {
        stage.p99_ms = 123.456;
    }
    for plot in [&mut s.round_trip, &mut s.fence_wait] {
        (plot.p50_ms, plot.p99_ms, plot.max_ms) = (123.4, 123.4, 999.9);
    }
    for half in &mut s.halves {
        half.generation = u64::MAX / 1_000_000_000;
    }
    let c = &mut s.counters;
    c.swaps = 987_654_321;
    c.rescued = 999_999;
    c.timeouts = 999_999;
    c.overflow = 888_888_888;
    c.late = 999_999_999;
    c.gpu_utilisation = 1.0;
    s.engine.device =
        "An Unusually Long Device Name That Some Driver Reports (radv, LLVM 19)".into();
    s.engine.words = "GPU engaged, but late".into();
    s.engine.batched = "128 instances in one submission of 4096 jobs".into();
    s.sample_rate = 192_000.0;
    s.block = 8192;
    s.window = 32_768;
    s.hop = 8192;
    host.preset = "A preset whose name was written by somebody who had a lot to say".into();
    for (id, text) in [
        (ParamId::BlurTime, "1.00 s"),
        (ParamId::WarpShift, "-1999 Hz"),
        (ParamId::LowCut, "12.34 kHz"),
        (ParamId::HighCut, "12.34 kHz"),
        (ParamId::Output, "-48 dB"),
        (ParamId::CanvasLength, "63.75"),
    ] {
        host.put(id, text);
    }
    host
}

const SIZES: [([f32; 2], f32); 9] = [
    ([820.0, 540.0], 1.0),
    ([885.0, 570.0], 1.0),
    ([900.0, 600.0], 1.0),
    ([1059.0, 800.0], 1.0),
    ([1060.0, 724.0], 1.0),
    ([1180.0, 760.0], 1.0),
    ([1180.0, 760.0], 1.25),
    ([1180.0, 760.0], 2.0),
    ([2400.0, 1300.0], 1.0),
];

#[test]
fn no_text_is_cut_and_none_lies_over_another() {
    for (size, scale) in SIZES {
        let quiet = |mut host: TestHost| {
            host.messages.clear();
            host
        };
        for (name, host) in [
            ("healthy", scenes::healthy()),
            ("over budget", scenes::over_budget()),
            ("device lost", quiet(scenes::device_lost())),
            ("no GPU", scenes::no_gpu()),
            ("extreme", extreme()),
        ] {
            let mut stage = Stage::new(host, size, scale);
            stage.harness.step();
            let all = texts(&mut stage);
            assert!(all.len() > 40, "{name} at {size:?}: only {} texts", all.len());
            for (i, (text, rect, clip)) in all.iter().enumerate() {
                let seen = clip.expand(1.0);
                assert!(seen.contains_rect(*rect), "{name} at {size:?}: {text:?} {rect} is cut");
                for (other, at, _) in &all[i + 1..] {
                    // Rows of text may touch by their leading.
                    let apart = !rect.shrink2(egui::vec2(0.2, 2.5)).intersects(*at);
                    assert!(apart, "{name} at {size:?}: {text:?} {rect} and {other:?} {at}");
                }
            }
        }
    }
}

#[test]
fn names_and_labels_stand_still_while_numbers_change() {
    for size in [[1180.0, 760.0], [885.0, 570.0]] {
        let places = |host: TestHost| {
            let mut stage = Stage::new(host, size, 1.0);
            let mut places: BTreeMap<String, Vec<i32>> = BTreeMap::new();
            for (text, rect, _) in texts(&mut stage) {
                let only_words = text.chars().all(|c| !c.is_ascii_digit() && c != '%');
                if only_words {
                    places.entry(text).or_default().push((rect.left() * 4.0) as i32);
                }
            }
            places
        };
        let mut other = scenes::healthy();
        let s = &mut other.snapshot;
        s.counters.swaps = 7;
        s.counters.rescued = 4_711;
        s.counters.late = 120_000;
        s.latency.window_samples = 100;
        s.stages[1].p99_ms = 4.99;
        s.transport.position = 0.1;
        other.put(ParamId::Mix, "3 %");
        other.put(ParamId::BlurTime, "2 ms");
        let (a, b) = (places(scenes::healthy()), places(other));
        for (text, x) in &a {
            // The samples of the latency follow their number.
            if let Some(there) = b.get(text)
                && text != "ms"
            {
                assert_eq!(x, there, "{text:?} moved at {size:?}");
            }
        }
        assert!(a.len() > 30);
    }
}
