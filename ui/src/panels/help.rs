//! The keys, over the window.

use egui::{Grid, Modal, RichText, Ui};

use crate::editor::State;
use crate::{keys, theme};

pub fn show(ui: &mut Ui, state: &mut State) {
    if !state.help_open {
        return;
    }
    let frame = egui::Frame::window(ui.style()).inner_margin(18);
    let modal = Modal::new(egui::Id::unique("help")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(620.0);
        ui.label(RichText::new("Keys and gestures").font(theme::strong(theme::SIZE_TITLE)));
        ui.add_space(8.0);
        ui.columns(2, |columns| {
            let half = keys::TABLE.len().div_ceil(2);
            for (ui, rows) in columns.iter_mut().zip(keys::TABLE.chunks(half)) {
                let id = rows[0].0;
                Grid::new(id).num_columns(2).spacing([14.0, 5.0]).show(ui, |ui| {
                    for (keys, what) in rows {
                        let keys = RichText::new(*keys).font(theme::mono(theme::SIZE_SMALL));
                        ui.label(keys.color(theme::ACCENT));
                        ui.label(RichText::new(*what).color(theme::TEXT));
                        ui.end_row();
                    }
                });
            }
        });
        ui.add_space(8.0);
        ui.button("Close help").clicked()
    });
    if modal.should_close() || modal.inner {
        state.help_open = false;
    }
}
