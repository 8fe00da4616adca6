//! What the editor is shown and may ask for: the instance as `scumble-ui` sees it.
//!
//! Editor's thread, once a frame; short locks against the control thread only, never against audio.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use scumble_gpu::command::GpuSyncMetrics;
use scumble_gpu::engine::{ControlEnd, EngineKind};
use scumble_gpu::sync::{Buffering, Counter, MetricsSnapshot};
use scumble_params::{CanvasSync, EngineChoice, Preset, PresetStore, factory_presets};
use scumble_ui::glue::link::{Instance as Link, Presets, Sound, Window};
use scumble_ui::host::{Columns, Message};
use scumble_ui::model::{
    Axis, BufferMode, EngineView, HalfRole, HalfView, Health, ParamId, PresetEntry, QueueView,
    Snapshot, Source, TimeUnit, Transport,
};
use scumble_ui::stroke::Stroke;

use crate::audio::Rule;
use crate::instance::{Active, Instance};
use crate::timing::{Choices, buffering};

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
            (Some(state), _) if state.kind == EngineKind::Gpu => {
                (Health::Good, "GPU engaged", state.reason.clone())
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
            *to = Snapshot::default();
            to.engine.words = "Not active".into();
            to.engine.reason = "The host has not started the plugin yet.".into();
            to.transport.length = length;
        }
    }

    fn set_window(&self, window: Window) {
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = Some(window);
    }

    fn take_columns(&self, source: Source, axis: Axis, sink: &mut dyn FnMut(Columns<'_>)) {
        self.with_active(|active| active.columnist.take(source, axis, sink));
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

    fn presets(&self) -> Arc<dyn Presets> {
        Arc::new(Shelf)
    }

    fn hint_seen(&self) -> bool {
        hint_file().is_some_and(|file| file.exists())
    }

    // Beside the presets, so that it is the user's and not the project's. If it cannot be written,
    // the hint is shown once more.
    fn set_hint_seen(&self) {
        if let Some(file) = hint_file() {
            let _ = file.parent().map(std::fs::create_dir_all);
            let _ = std::fs::write(file, "");
        }
    }
}

fn hint_file() -> Option<PathBuf> {
    Some(PresetStore::user().ok()?.folder().with_file_name("hint-seen"))
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

/// Factory and user presets, by name.
struct Shelf;

impl Shelf {
    fn store(&self) -> Result<PresetStore, String> {
        PresetStore::user().map_err(|e| e.to_string())
    }

    fn sound_of(preset: &Preset) -> Sound {
        let params = scumble_params::ScumbleParams::default();
        let normalised = preset.normalised(&params);
        let by_id = |name: &str| ParamId::ALL.into_iter().find(|id| id.id() == name);
        let values = normalised.iter().filter_map(|(id, _, value)| Some((by_id(id)?, *value)));
        Sound { params: values.collect(), strokes: preset.strokes.clone() }
    }

    fn preset_of(name: &str, sound: &Sound) -> Preset {
        let params = scumble_params::ScumbleParams::default();
        let neutral = Preset::new(name);
        for (id, ptr, _) in neutral.normalised(&params) {
            if let Some((_, value)) = sound.params.iter().find(|(p, _)| p.id() == id) {
                // SAFETY: the pointer is into `params`, which lives to the end of this function.
                unsafe { ptr._internal_set_normalized_value(*value) };
            }
        }
        Preset::of(name, &params, sound.strokes.clone())
    }
}

impl Presets for Shelf {
    fn list(&self) -> Vec<PresetEntry> {
        let entry = |preset: &Preset, factory| PresetEntry { name: preset.name.clone(), factory };
        let mut entries: Vec<_> = factory_presets().iter().map(|p| entry(p, true)).collect();
        if let Ok(store) = self.store() {
            let (own, broken) = store.list();
            entries.extend(own.iter().map(|p| entry(p, false)));
            for error in broken {
                nice_plug::nice_warn!("preset skipped: {error}");
            }
        }
        entries
    }

    fn load(&self, name: &str) -> Result<Sound, String> {
        if let Some(preset) = factory_presets().iter().find(|p| p.name == name) {
            return Ok(Self::sound_of(preset));
        }
        self.store()?.load(name).map(|p| Self::sound_of(&p)).map_err(|e| e.to_string())
    }

    fn save(&self, name: &str, sound: &Sound) -> Result<(), String> {
        if factory_presets().iter().any(|p| p.name == name) {
            return Err(format!("{name:?} comes with Scumble: choose another name"));
        }
        self.store()?.save(&Self::preset_of(name, sound)).map_err(|e| e.to_string())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        self.store()?.rename(from, to).map_err(|e| e.to_string())
    }

    fn delete(&self, name: &str) -> Result<(), String> {
        self.store()?.delete(name).map_err(|e| e.to_string())
    }

    fn exchange_path(&self, name: &str) -> String {
        let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        let folder = home.map(std::path::PathBuf::from).unwrap_or_default();
        folder.join(format!("{name}.scumble.json")).display().to_string()
    }

    fn import(&self, path: &str) -> Result<String, String> {
        let preset = self.store()?.import(path.as_ref()).map_err(|e| e.to_string())?;
        Ok(preset.name)
    }

    fn export(&self, name: &str, sound: &Sound, path: &str) -> Result<(), String> {
        scumble_params::write_preset(path.as_ref(), &Self::preset_of(name, sound))
            .map_err(|e| e.to_string())
    }
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
