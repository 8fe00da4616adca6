//! Settings: quality, engine, buffering, what happens on a miss, the window's scale; and about.

use egui::{ComboBox, Grid, RichText, Slider, Ui, Vec2};

use crate::editor::State;
use crate::host::{EditorHost, Message};
use crate::layout::DEFAULT_SIZE;
use crate::model::{ParamId, SettingsView};
use crate::theme;

/// Scales of the window, as shares of full size. The smallest keeps its type and folds.
const SCALES: [(f32, &str); 5] =
    [(0.75, "75 %"), (1.0, "100 %"), (1.25, "125 %"), (1.5, "150 %"), (2.0, "200 %")];

pub fn show(ui: &mut Ui, draft: &mut SettingsView, state: &mut State, host: &mut dyn EditorHost) {
    let before = draft.clone();
    let heading = |ui: &mut Ui, text: &str| {
        ui.add_space(6.0);
        let font = theme::strong(theme::SIZE_SMALL);
        ui.label(RichText::new(text).font(font).color(theme::DIM));
    };
    heading(ui, "ENGINE");
    Grid::new("engine settings").num_columns(2).spacing([18.0, 6.0]).show(ui, |ui| {
        for (id, name, help) in [
            (ParamId::Quality, "Quality", "Longer windows: finer sound, more latency"),
            (ParamId::Engine, "Engine", "Auto takes a GPU that keeps its deadlines, else the CPU"),
            (
                ParamId::Buffering,
                "Buffering",
                "Deeper buffers: more time for the GPU, more latency",
            ),
            (ParamId::OnMiss, "On miss", "What is heard when a block is not ready in time"),
        ] {
            choice(ui, id, name, help, state, host);
            ui.end_row();
        }
        device(ui, state, host);
        ui.end_row();

        ui.label("Async window").on_hover_text("The time that the GPU is given, in samples");
        ui.horizontal(|ui| {
            let mut follow = draft.async_samples.is_none();
            if ui.checkbox(&mut follow, "as the host's block").changed() {
                draft.async_samples = (!follow).then_some(state.snapshot.block.max(64));
            }
            if let Some(samples) = &mut draft.async_samples {
                ui.add(egui::DragValue::new(samples).range(0..=65_536).suffix(" smp"));
            }
        });
        ui.end_row();
        ui.label("Ring depth").on_hover_text("Blocks in flight when buffering is Ring");
        ui.add(Slider::new(&mut draft.ring_depth, 3..=16));
        ui.end_row();
        ui.label("Fence timeout").on_hover_text("How late a block may be before it is counted");
        ui.add(Slider::new(&mut draft.fence_timeout_ms, 1.0..=10.0).suffix(" ms"));
        ui.end_row();
    });
    ui.label(RichText::new(&state.snapshot.engine.reason).color(theme::DIM));
    heading(ui, "WINDOW");
    ui.horizontal(|ui| {
        let current = scale_of(ui);
        for (scale, name) in SCALES {
            let on = (current - scale).abs() < 0.01;
            if ui.selectable_label(on, name).clicked() {
                set_scale(ui, scale, host);
            }
        }
    });
    heading(ui, "ABOUT");
    ui.label(RichText::new(host.about()).color(theme::DIM));
    if *draft != before {
        host.set_settings(draft);
    }
}

/// Which device, for all instances.
fn device(ui: &mut Ui, state: &mut State, host: &mut dyn EditorHost) {
    let help = "The GPU of all instances; a software adapter is slower than the CPU engine";
    let label = ui.label("Device").on_hover_text(help);
    let devices = host.devices();
    if let Some(by) = &devices.fixed {
        ui.label(RichText::new(by).color(theme::DIM));
        return;
    }
    let used = &state.snapshot.engine.device;
    let best = if devices.chosen.is_empty() && !used.is_empty() {
        format!("Best \u{b7} {used}")
    } else {
        "Best".to_owned()
    };
    let mut chosen = devices.chosen.clone();
    let shown = if chosen.is_empty() { best.clone() } else { chosen.clone() };
    ComboBox::from_id_salt("device")
        .selected_text(shown)
        .width(240.0)
        .truncate()
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut chosen, String::new(), best);
            for (name, software) in &devices.found {
                let words = if *software { format!("{name} (software)") } else { name.clone() };
                ui.selectable_value(&mut chosen, name.clone(), words);
            }
        })
        .response
        .labelled_by(label.id);
    if chosen != devices.chosen
        && let Err(text) = host.set_device(&chosen)
    {
        state.toasts.push(Message::error(text));
    }
}

/// The window's scale as it is, whatever set it: the host may have refused what was asked for.
fn scale_of(ui: &Ui) -> f32 {
    let magnified = ui.ctx().zoom_factor();
    let share = ui.ctx().content_rect().size() / Vec2::from(DEFAULT_SIZE);
    let smallest = SCALES[0].0;
    let small = (share - Vec2::splat(smallest)).abs().max_elem() < 0.01;
    if small && magnified == 1.0 { smallest } else { magnified }
}

/// 75 % is a smaller window with type of the same size; the others magnify everything.
fn set_scale(ui: &Ui, scale: f32, host: &mut dyn EditorHost) {
    let magnify = scale.max(1.0);
    ui.ctx().set_zoom_factor(magnify);
    let share = scale / magnify;
    host.request_size(DEFAULT_SIZE[0] * share, DEFAULT_SIZE[1] * share);
}

fn choice(
    ui: &mut Ui,
    id: ParamId,
    name: &str,
    help: &str,
    state: &mut State,
    host: &mut dyn EditorHost,
) {
    let label = ui.label(name).on_hover_text(help);
    let choices = id.choices();
    let current = state.choice(id);
    let mut chosen = current;
    ComboBox::from_id_salt(("setting", name))
        .selected_text(choices[current])
        .width(140.0)
        .show_ui(ui, |ui| {
            for (i, text) in choices.iter().enumerate() {
                ui.selectable_value(&mut chosen, i, *text);
            }
        })
        .response
        .labelled_by(label.id);
    if chosen != current {
        state.set_choice(id, chosen, host);
    }
}
