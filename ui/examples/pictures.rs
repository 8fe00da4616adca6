//! Draws the editor in every situation and size to PNG files, with no window and no GPU.
//!
//! `cargo run -p scumble-ui --example pictures -- <folder> [names]`

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;

use support::picture::Stage;
use support::{host::TestHost, scenes};

use egui_kittest::kittest::Queryable;

type Scene = (&'static str, fn() -> TestHost, [f32; 2], f32);

const SCENES: [Scene; 8] = [
    ("editor", scenes::healthy, [1180.0, 760.0], 1.0),
    ("editor-75", scenes::healthy, [885.0, 570.0], 1.0),
    ("editor-200", scenes::healthy, [1180.0, 760.0], 2.0),
    ("small", scenes::over_budget, [900.0, 600.0], 1.0),
    ("over-budget", scenes::over_budget, [1180.0, 760.0], 1.0),
    ("device-lost", scenes::device_lost, [1180.0, 760.0], 1.0),
    ("no-gpu", scenes::no_gpu, [1180.0, 760.0], 1.0),
    ("crowded", scenes::crowded, [1180.0, 760.0], 1.0),
];

/// What opens over the window, by the names to click.
const OPENED: [(&str, &[&str], [f32; 2]); 8] = [
    ("settings", &["Settings"], [1180.0, 760.0]),
    ("help", &["Help"], [1180.0, 760.0]),
    ("presets", &["Presets"], [1180.0, 760.0]),
    ("save", &["Save preset"], [1180.0, 760.0]),
    ("quality", &["Quality"], [1180.0, 760.0]),
    ("selected", &["Select"], [1180.0, 760.0]),
    ("sync-open", &["Sync panel"], [885.0, 570.0]),
    ("settings-small", &["Settings"], [820.0, 540.0]),
];

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| "target/editor".into()));
    let only: Vec<String> = args.collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
    for (name, scene, size, scale) in SCENES {
        if !wanted(name) {
            continue;
        }
        let mut stage = Stage::new(scene(), size, scale);
        if name.starts_with("editor") {
            let plot = scumble_ui::layout::Layout::of(stage.harness.ctx.content_rect()).plot;
            stage.harness.hover_at(plot.lerp_inside(egui::vec2(0.537, 0.41)));
        }
        stage.harness.step();
        save(&mut stage, &folder, name);
    }
    for (name, clicks, size) in OPENED {
        if !wanted(name) {
            continue;
        }
        let mut stage = Stage::new(scenes::healthy(), size, 1.0);
        for label in clicks {
            stage.harness.get_by_label(label).click();
            stage.harness.run_steps(3);
        }
        if name == "selected" {
            stage.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
            stage.harness.run_steps(3);
        }
        save(&mut stage, &folder, name);
    }
}

fn save(stage: &mut Stage, folder: &std::path::Path, name: &str) {
    let path = folder.join(format!("{name}.png"));
    stage.picture().save(&path);
    println!("{}", path.display());
}
