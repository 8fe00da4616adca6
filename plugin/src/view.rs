//! What the editor is shown and may ask for: the instance as `scumble-ui` sees it.
//!
//! Editor's thread, once a frame; short locks against the control thread only, never against audio.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use scumble_gpu::command::GpuSyncMetrics;
use scumble_gpu::engine::{ControlEnd, EngineKind};
use scumble_gpu::sync::{Buffering, Counter, MetricsSnapshot};
use scumble_params::{CanvasSync, EngineChoice};
use scumble_ui::glue::link::{Instance as Link, Presets, Window};
use scumble_ui::host::{Columns, Message};
use scumble_ui::model::{
    Axis, BufferMode, DevicesView, EngineView, HalfRole, HalfView, Health, QueueView, Snapshot,
    Source, TimeUnit, Transport,
};
use scumble_ui::stroke::Stroke;

use crate::audio::Rule;
use crate::instance::{Active, Instance};
use crate::shelf::Shelf;
use crate::timing::{Choices, buffering};
use crate::user;

impl Active {
    /// The totals of this activation.
    pub fn figures(&mut self) -> MetricsSnapshot {
        match &self.engine {
            Some(engine) => engine.metrics(),
            None => self.metrics.snapshot(),
        }
    }

    fn engine_view(&mut self) -> EngineView {
        let state = self.engine.as_ref().map(|engine| engine.state());
        let device = state.as_ref().and_then(|s| s.device.as_ref());
        let device = device.map(|d| d.name.clone()).unwrap_or_default();
        let wanted = self.choices.engine;
        let (health, words, reason) = match (&state, self.plan.rule) {
            (Some(state), _) if state.kind == EngineKind::Gpu && self.port.report().engaged => {
                (Health::Good, "GPU engaged", state.reason.clone())
            }
            (Some(state), _) if state.kind == EngineKind::Gpu => {
                let reason = "The GPU is ready; it plays once the host keeps real time.";
                (Health::Good, "CPU engine", reason.to_string())
            }
            (_, Rule::Twin) if wanted == EngineChoice::Cpu => {
                (Health::Good, "CPU engine", "The CPU was chosen.".to_string())
            }
            (_, Rule::Twin) => {
                (Health::Good, "CPU engine", "Offline: exact and repeatable.".to_string())
            }
            (Some(state), _) if wanted == EngineChoice::Gpu => {
                (Health::Bad, "CPU covers", state.reason.clone())
            }
            (Some(state), _) => (Health::Caution, "CPU engine", state.reason.clone()),
            (None, _) => (Health::Bad, "CPU covers", "The engine could not be started.".into()),
        };
        let batched = match self.figures().count(Counter::SessionsBatched) {
            0 => String::new(),
            1 => "1 instance in a submission".into(),
            n => format!("{n} instances in one submission"),
        };
        EngineView { health, words: words.into(), reason, device, batched }
    }
}

impl Link for Instance {
    fn fill(&self, to: &mut Snapshot) {
        let params = &self.params;
        let sync = params.canvas_sync.value();
        let length = params.canvas_length.value();
        let filled = self.with_active(|active| {
            let figures = active.figures();
            let plan = active.plan;
            to.engine = active.engine_view();
            active.gauge.fill(Instant::now(), &figures, to);
            (to.buffer_mode, to.halves) = halves(buffering(params), &figures);
            to.queues = active.engine.as_ref().map(queues).unwrap_or_default();
            to.sample_rate = plan.sample_rate;
            to.block = plan.max_block as u32;
            to.window = plan.spec.n as u32;
            to.hop = plan.spec.h as u32;
            to.top_hz = plan.sample_rate / 2.0;
            let report = active.port.report();
            to.transport = Transport {
                playing: report.playing,
                position: report.place,
                length,
                unit: match sync {
                    CanvasSync::HostBeats => TimeUnit::Beats,
                    CanvasSync::HostSeconds | CanvasSync::Free => TimeUnit::Seconds,
                },
                beats_per_bar: report.beats_per_bar.max(1.0),
                tempo: report.tempo,
            };
        });
        if filled.is_none() {
            // The canvas can be painted on already, or still, at the frequencies it showed last.
            *to = Snapshot { top_hz: to.top_hz, ..Snapshot::default() };
            to.engine.words = "Not active".into();
            to.engine.reason = "The host has not started the plugin yet.".into();
            to.transport.length = length;
        }
    }

    fn set_window(&self, window: Window) {
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = Some(window);
    }

    fn take_columns(&self, source: Source, axis: Axis, sink: &mut dyn FnMut(Columns<'_>)) {
        self.with_active(|active| {
            active.columnist.take(source, axis, active.engine.as_ref(), sink);
        });
    }

    fn level_range_db(&self) -> (f32, f32) {
        self.with_active(|active| active.columnist.levels_db()).unwrap_or((-90.0, 0.0))
    }

    // The control thread compares documents; there is nothing to ring.
    fn strokes_changed(&self) {}

    fn preview_stroke(&self, stroke: Option<&Stroke>) {
        self.set_preview(stroke.cloned());
    }

    fn set_solo(&self, solo: bool) {
        self.solo.store(solo, std::sync::atomic::Ordering::Relaxed);
    }

    fn solo(&self) -> bool {
        self.solo.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn restart_pending(&self) -> bool {
        let wanted = Choices::of(&self.params);
        let settings = self.params.document.get().settings;
        self.with_active(|active| active.choices != wanted || active.settings != settings)
            .unwrap_or(false)
    }

    fn reset_metrics(&self) {
        self.with_active(|active| {
            let figures = active.figures();
            active.gauge.reset(&figures);
        });
    }

    fn metrics_json(&self) -> String {
        let figures = self.with_active(Active::figures);
        let metrics = figures.map(|figures| GpuSyncMetrics::from(&figures));
        serde_json::to_string_pretty(&metrics).unwrap_or_default()
    }

    fn take_message(&self) -> Option<Message> {
        Instance::take_message(self)
    }

    fn devices(&self) -> DevicesView {
        let engine =
            self.with_active(|active| active.engine.as_ref().and_then(ControlEnd::devices));
        let found = engine.flatten().map(|found| {
            found.iter().map(|device| (device.name.clone(), device.software)).collect()
        });
        DevicesView {
            chosen: user::chosen_device(),
            fixed: user::device_of_environment(),
            found: found.unwrap_or_default(),
        }
    }

    fn look_for_devices(&self) {
        self.with_active(|active| active.engine.as_ref().map(ControlEnd::look_for_devices));
    }

    fn set_device(&self, name: &str) -> Result<(), String> {
        user::choose_device(name)?;
        // The engine is that of all instances: the others' windows show it too.
        let wish = user::device_wish();
        self.with_active(|active| active.engine.as_ref().map(|engine| engine.use_adapter(wish)));
        Ok(())
    }

    fn presets(&self) -> Arc<dyn Presets> {
        Arc::new(Shelf)
    }

    fn hint_seen(&self) -> bool {
        user::hint_seen()
    }

    fn set_hint_seen(&self) {
        user::set_hint_seen();
    }
}

/// What each half is doing, as both sides of the buffer have said.
fn halves(mode: Buffering, figures: &MetricsSnapshot) -> (BufferMode, Vec<HalfView>) {
    let (mode, count) = match mode {
        Buffering::Double => (BufferMode::Double, 2),
        Buffering::Triple => (BufferMode::Triple, 3),
        Buffering::Ring { blocks } => (BufferMode::Ring, (blocks.max(1) + 1).next_power_of_two()),
    };
    let count = count as u64;
    let read = figures.count(Counter::HalfRead);
    let taken = figures.count(Counter::GenerationRead);
    let published = figures.count(Counter::GenerationPublished);
    let newest = figures.count(Counter::HalfPublished);
    // In `ring` several wait in a row; elsewhere only the newest can.
    let ready = match mode {
        BufferMode::Ring => published.saturating_sub(taken).min(count - 1),
        BufferMode::Double | BufferMode::Triple => u64::from(published > taken && newest != read),
    };
    let mut writes = false;
    let half = |index: u64| {
        let behind = (newest + count - index) % count;
        if index == read {
            HalfView { role: HalfRole::AudioReads, generation: taken }
        } else if behind < ready {
            HalfView { role: HalfRole::Ready, generation: published - behind }
        } else if !std::mem::replace(&mut writes, true) {
            HalfView { role: HalfRole::GpuWrites, generation: published + 1 }
        } else {
            HalfView { role: HalfRole::Idle, generation: 0 }
        }
    };
    // The half that is written comes next after the newest.
    let mut halves: Vec<_> = (1..=count).map(|step| (newest + step) % count).map(half).collect();
    halves.rotate_right(((newest + 1) % count) as usize);
    (mode, halves)
}

/// The levels of the session's queue, by the names that they have in the window.
fn queues(engine: &ControlEnd) -> Vec<QueueView> {
    let used = engine.queues();
    let last = used.len().saturating_sub(1);
    let name = |level: usize| match level {
        0 => "High",
        level if level == last => "Low",
        _ => "Medium",
    };
    // More than three levels: those in between share a bar.
    let mut bars: Vec<QueueView> = Vec::new();
    for (level, use_) in used.iter().enumerate() {
        let (used, capacity) = (use_.waiting as u32, use_.limit as u32);
        match bars.last_mut().filter(|bar| bar.name == name(level)) {
            Some(bar) => {
                bar.used += used;
                bar.capacity += capacity;
            }
            None => bars.push(QueueView { name: name(level), used, capacity }),
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use scumble_gpu::sync::{LatencyShape, Metrics};

    fn roles(mode: Buffering, read: (u64, u64), published: (u64, u64)) -> Vec<(HalfRole, u64)> {
        let mut metrics = Metrics::new(LatencyShape::default());
        metrics.audio.update(|update| {
            update.set(Counter::HalfRead, read.0);
            update.set(Counter::GenerationRead, read.1);
        });
        metrics.worker.update(|update| {
            update.set(Counter::HalfPublished, published.0);
            update.set(Counter::GenerationPublished, published.1);
        });
        let (_, halves) = halves(mode, &metrics.reader.snapshot());
        halves.iter().map(|half| (half.role, half.generation)).collect()
    }

    #[test]
    fn the_axis_of_an_instance_that_does_not_run_ends_where_it_did() {
        let instance = Instance::default();
        let mut seen = Snapshot::default();
        instance.fill(&mut seen);
        assert_eq!(seen.top_hz, 24_000.0);
        seen.top_hz = 48_000.0;
        instance.fill(&mut seen);
        assert_eq!((seen.top_hz, seen.engine.words.as_str()), (48_000.0, "Not active"));
    }

    // S1, S2
    #[test]
    fn the_halves_are_shown_as_both_sides_left_them() {
        use HalfRole::{AudioReads, GpuWrites, Idle, Ready};
        let double = |read, published| roles(Buffering::Double, read, published);
        assert_eq!(double((0, 0), (0, 0)), [(AudioReads, 0), (GpuWrites, 1)]);
        assert_eq!(double((0, 4), (1, 5)), [(AudioReads, 4), (Ready, 5)]);
        assert_eq!(double((1, 5), (1, 5)), [(GpuWrites, 6), (AudioReads, 5)]);
        let triple = roles(Buffering::Triple, (2, 7), (0, 9));
        assert_eq!(triple, [(Ready, 9), (GpuWrites, 10), (AudioReads, 7)]);
        let ring = roles(Buffering::Ring { blocks: 3 }, (3, 4), (1, 6));
        assert_eq!(ring, [(Ready, 5), (Ready, 6), (GpuWrites, 7), (AudioReads, 4)]);
        let empty = roles(Buffering::Ring { blocks: 3 }, (3, 4), (3, 4));
        assert_eq!(empty, [(GpuWrites, 5), (Idle, 0), (Idle, 0), (AudioReads, 4)]);
    }
}
