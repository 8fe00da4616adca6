//! Scumble as a plugin: the processor, its exports and its command line.
//!
//! Threads: the host's main thread creates, activates and saves; the audio thread runs
//! [`Scumble::process`] and nothing else here; the editor has a thread of its own.

#![cfg_attr(rtsan, feature(sanitize))]

pub mod audio;
mod canvas;
pub mod cli;
mod control;
mod instance;
mod lens;
pub mod rig;
mod shelf;
pub mod spectrogram;
mod standalone;
pub mod timing;
mod user;
mod view;
mod vst3_guard;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nice_plug::prelude::*;
use nice_plug_egui::RepaintNotifier;
use scumble_dsp::EffectSettings;
use scumble_dsp::mix::BlendSettings;
use scumble_dsp::settings::{HIGH_CUT_OFF_HZ, MOD_HIGH_OFF_HZ};
use scumble_gpu::config::GpuSyncConfig;
use scumble_gpu::engine::{self, ControlEnd, Engine};
use scumble_gpu::sync::{LatencyShape, Metrics, MetricsSnapshot};
use scumble_params::{self as params, EngineChoice, PresetStore, ScumbleParams, check_state};
use scumble_ui::glue::gauge::Gauge;

use crate::audio::{BlockSettings, Link, Plan, Processor};
use crate::canvas::Painter;
use crate::control::Enrolment;
use crate::instance::{Active, Instance};
use crate::spectrogram::Columnist;
use crate::timing::Choices;

/// One instance. Hosts make one when they scan, so `Default` does nothing dear.
#[derive(Default)]
pub struct Scumble {
    instance: Arc<Instance>,
    /// Everything of the audio thread's, from activation to deactivation.
    processor: Option<Processor>,
    choices: Option<Choices>,
    restart_asked: bool,
    /// It has been active before.
    begun: bool,
    /// Dropped last of what an activation made: it joins the control thread.
    enrolment: Option<Enrolment>,
}

const STEREO: NonZeroU32 = new_nonzero_u32(2);
const MONO: NonZeroU32 = new_nonzero_u32(1);

impl Plugin for Scumble {
    const NAME: &'static str = "Scumble";
    const VENDOR: &'static str = "Scumble";
    const URL: &'static str = "https://scumble.org";
    const EMAIL: &'static str = "hello@scumble.org";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        AudioIOLayout {
            main_input_channels: Some(STEREO),
            main_output_channels: Some(STEREO),
            ..AudioIOLayout::const_default()
        },
        AudioIOLayout {
            main_input_channels: Some(MONO),
            main_output_channels: Some(MONO),
            ..AudioIOLayout::const_default()
        },
    ];

    type Editor = scumble_ui::glue::ScumbleEditor;
    type SysExMessage = ();
    type BackgroundTask = vst3_guard::EndWorker;

    fn task_executor(&mut self) -> TaskExecutor<Self> {
        vst3_guard::task_executor::<Self>()
    }

    fn params(&self) -> Arc<dyn Params> {
        self.instance.params.clone()
    }

    fn editor(&mut self, executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        if vst3_guard::claim(&executor) {
            return None;
        }
        let (params, instance) = (self.instance.params.clone(), self.instance.clone());
        scumble_ui::glue::create_editor(params, instance, RepaintNotifier::new())
    }

    fn filter_state(state: &mut PluginState) {
        check_state(state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        vst3_guard::install::<Self>(context.plugin_api());
        // The standalone, where it is started anew, asks on its audio thread.
        let latency = if self.begun && context.plugin_api() == PluginApi::Standalone {
            standalone::off_the_audio_thread(|| self.begin(layout, config))
        } else {
            Some(self.begin(layout, config))
        };
        if let Some(samples) = latency {
            context.set_latency_samples(samples);
        }
        latency.is_some()
    }

    fn deactivate(&mut self) {
        self.close();
    }

    fn reset(&mut self) {
        if let Some(processor) = &mut self.processor {
            processor.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let Some(processor) = &mut self.processor else {
            return ProcessStatus::Error("process() was called before activate()");
        };
        let params = &self.instance.params;
        // Takes effect at the next activation, which only the host can bring about.
        if self.choices != Some(Choices::of(params)) && !self.restart_asked {
            self.restart_asked = true;
            context.request_restart();
        }
        let solo = self.instance.solo.load(Ordering::Relaxed);
        let settings = block_settings(params, solo);
        let asleep = processor.process(buffer.as_slice(), &settings, context.transport());
        if processor.holds() {
            ProcessStatus::KeepAlive
        } else if asleep {
            ProcessStatus::Normal
        } else {
            ProcessStatus::Tail(processor.plan().tail_samples() as u32)
        }
    }
}

impl Scumble {
    /// Makes all that an activation needs and puts it in force; the latency in samples.
    fn begin(&mut self, layout: &AudioIOLayout, config: &BufferConfig) -> u32 {
        if !std::mem::replace(&mut self.begun, true)
            && let Ok(store) = PresetStore::user()
        {
            self.instance.begin_with_user_default(&store);
        }
        self.instance.adopt_document();
        // Hosts activate again without deactivating.
        self.close();
        let params = &self.instance.params;
        let channels = layout.main_output_channels.map_or(2, NonZeroU32::get) as usize;
        let plan = timing::plan(params, config, channels);
        let choices = Choices::of(params);
        let latency = LatencyShape {
            sample_rate_hz: plan.sample_rate,
            window_samples: plan.spec.window_latency() as u32,
            async_samples: plan.async_samples as u32,
        };
        let (engine, link) = match self.open_engine(&plan) {
            Some((link, control)) => (Some(control), Some(link)),
            None => (None, None),
        };
        let own = Metrics::new(latency);
        let (audio_port, port) = audio::ports();
        let (tap, watch) = audio::tap(plan.sample_rate);
        let mut processor = Processor::new(plan, link, audio_port, tap, own.audio);
        // What is painted is heard from the first sample on, in a bounce too.
        let mut painter = Painter::new(plan.sample_rate);
        painter.repaint(&params.document.get().strokes);
        processor.begin_with(painter.field().clone());
        painter.is_sent();
        let stretch = audio::stretch_samples(plan.sample_rate);
        self.instance.set_active(Some(Active {
            plan,
            choices,
            port,
            painter,
            engine,
            metrics: own.reader,
            settings: params.document.get().settings,
            columnist: Columnist::new(watch, stretch, plan.sample_rate),
            gauge: Gauge::default(),
        }));
        self.enrolment = Some(Enrolment::new(&self.instance));
        self.processor = Some(processor);
        self.choices = Some(choices);
        self.restart_asked = false;
        plan.latency_samples() as u32
    }

    /// Ends an activation: closes the session, joins what has no other user. Main thread.
    fn close(&mut self) {
        self.processor = None;
        self.instance.log_figures();
        self.instance.set_active(None);
        self.enrolment = None;
    }

    /// What this activation came to so far. Not for the audio thread.
    pub fn figures(&self) -> Option<MetricsSnapshot> {
        self.instance.with_active(Active::figures)
    }

    /// A session with the engine of this process, if this activation may use one.
    fn open_engine(&self, plan: &Plan) -> Option<(Link, ControlEnd)> {
        if plan.rule == audio::Rule::Twin {
            return None;
        }
        let params = &self.instance.params;
        let choice = match params.engine.value() {
            EngineChoice::Auto => engine::EngineChoice::Auto,
            EngineChoice::Gpu => engine::EngineChoice::Gpu,
            EngineChoice::Cpu => engine::EngineChoice::Cpu,
        };
        let sync = GpuSyncConfig {
            fence_timeout_ms: params.document.get().settings.fence_timeout_ms.into(),
            ..GpuSyncConfig::default()
        };
        let config = rig::session_config(plan, timing::buffering(params), choice, sync);
        let engine = Engine::acquire(user::engine_options())
            .map_err(|e| e.to_string())
            .and_then(|engine| engine.open(config).map_err(|e| e.to_string()));
        match engine {
            Ok((audio, control)) => Some((Link::new(audio, &plan.spec), control)),
            Err(message) => {
                self.instance.say(format!("The CPU plays: {message}"));
                None
            }
        }
    }
}

/// The parameters' values of this moment.
fn block_settings(params: &ScumbleParams, solo: bool) -> BlockSettings {
    let high_cut = params.high_cut.value();
    let mod_high = params.mod_high.value();
    let low_cut = params.low_cut.value();
    BlockSettings {
        effects: EffectSettings {
            blur_time_ms: params.blur_time.value(),
            blur_freq_oct: params.blur_freq.value(),
            diffuse: params.diffuse.value(),
            shift_hz: params.warp_shift.value(),
            stretch: params.warp_stretch.value(),
            // The ends of these ranges are out of the way.
            low_cut_hz: if low_cut > params::LOW_CUT_OFF_HZ { low_cut } else { 0.0 },
            high_cut_hz: if high_cut < params::HIGH_CUT_OFF_HZ {
                high_cut
            } else {
                HIGH_CUT_OFF_HZ
            },
            mod_low_hz: params.mod_low.value(),
            mod_high_hz: if mod_high < params::MOD_HIGH_OFF_HZ {
                mod_high
            } else {
                MOD_HIGH_OFF_HZ
            },
            freeze: params.freeze.value(),
            paint: params.paint.value(),
            ..EffectSettings::default()
        },
        mix: BlendSettings {
            mix: params.mix.value(),
            gain: 10f32.powf(params.output.value() / 20.0),
            bypass: params.bypass.value(),
            solo,
        },
        on_miss: params.on_miss.value(),
        sync: params.canvas_sync.value(),
        canvas_length: params.canvas_length.value().into(),
    }
}

impl ClapPlugin for Scumble {
    const CLAP_ID: &'static str = "org.scumble.scumble";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("A spectral effect that you paint onto a live spectrogram");
    const CLAP_MANUAL_URL: Option<&'static str> = Some(Self::URL);
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::PhaseVocoder,
        ClapFeature::Filter,
        ClapFeature::Glitch,
        ClapFeature::Stereo,
        ClapFeature::Mono,
    ];
}

impl Vst3Plugin for Scumble {
    const VST3_CLASS_ID: [u8; 16] = *b"ScumblePaintsSnd";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Filter, Vst3SubCategory::Modulation];
}

nice_export_clap!(Scumble);
nice_export_vst3!(Scumble);
