//! The panels in made-up situations, against committed pictures (drawn on the CPU, so that they
//! are the same everywhere). `SCUMBLE_UPDATE_PICTURES=1` writes them anew.

mod support;

use support::host::TestHost;
use support::picture::{Picture, Stage, committed};
use support::scenes;

/// The share of pixels that may differ: rounding of another platform's floating point.
const TOLERANCE: f64 = 0.002;

#[track_caller]
fn compare(name: &str, stage: &mut Stage) {
    let picture = stage.picture();
    let path = committed(name);
    if std::env::var_os("SCUMBLE_UPDATE_PICTURES").is_some() {
        picture.save(&path);
        return;
    }
    let wanted = Picture::load(&path).unwrap_or_else(|| panic!("{} is missing", path.display()));
    let differs = picture.differs(&wanted);
    if differs > TOLERANCE {
        let seen = std::env::temp_dir().join(format!("scumble-{name}.png"));
        picture.save(&seen);
        panic!(
            "{name}: {:.2} % of the pixels differ from {}; what was drawn is in {}",
            differs * 100.0,
            path.display(),
            seen.display()
        );
    }
}

fn full(host: TestHost) -> Stage {
    Stage::new(host, scumble_ui::layout::DEFAULT_SIZE, 1.0)
}

#[test]
fn all_is_well() {
    let mut stage = full(scenes::healthy());
    let plot = scumble_ui::layout::Layout::of(stage.harness.ctx.content_rect()).plot;
    stage.harness.hover_at(plot.lerp_inside(egui::vec2(0.537, 0.41)));
    stage.harness.step();
    compare("healthy", &mut stage);
}

#[test]
fn over_budget_is_red_and_marked() {
    compare("over_budget", &mut full(scenes::over_budget()));
}

#[test]
fn a_linear_axis_bends_strokes_and_cursor() {
    let mut stage = full(scenes::linear());
    let plot = scumble_ui::layout::Layout::of(stage.harness.ctx.content_rect()).plot;
    stage.harness.hover_at(plot.lerp_inside(egui::vec2(0.7, 0.7)));
    stage.harness.step();
    compare("linear", &mut stage);
}

#[test]
fn a_lost_device_is_told() {
    compare("device_lost", &mut full(scenes::device_lost()));
}

#[test]
fn without_a_gpu_the_panel_says_so() {
    compare("no_gpu", &mut full(scenes::no_gpu()));
}

#[test]
fn five_hundred_strokes() {
    compare("crowded", &mut full(scenes::crowded()));
}

#[test]
fn a_small_window_folds() {
    compare("small", &mut Stage::new(scenes::over_budget(), [885.0, 570.0], 1.0));
}

#[test]
fn at_twice_the_size_everything_is_where_it_was() {
    // Not compared pixel by pixel with a committed picture: with itself at half the size.
    let mut double = Stage::new(scenes::healthy(), scumble_ui::layout::DEFAULT_SIZE, 2.0);
    let mut single = full(scenes::healthy());
    let (big, small) = (double.picture(), single.picture());
    assert_eq!(big.size, [2 * small.size[0], 2 * small.size[1]]);
    let halved = Picture {
        size: small.size,
        pixels: (0..small.pixels.len())
            .map(|i| {
                let (x, y) = (i % small.size[0] * 2, i / small.size[0] * 2);
                let at = |dx: usize, dy: usize| big.pixels[(y + dy) * big.size[0] + x + dx];
                let four = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
                let mean = |f: fn(&egui::Color32) -> u8| {
                    (four.iter().map(|p| f(p) as u32).sum::<u32>() / 4) as u8
                };
                egui::Color32::from_rgb(mean(|p| p.r()), mean(|p| p.g()), mean(|p| p.b()))
            })
            .collect(),
    };
    // Text and edges differ by their smoothing, nothing else.
    let differs = halved.differs(&small);
    assert!(differs < 0.12, "{:.1} % of the pixels differ", differs * 100.0);
}
