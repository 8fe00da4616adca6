//! A processor without a host: what the command line, the benches and the tests play on.

use std::time::{Duration, Instant};

use scumble_dsp::{Quality, WindowSpec};
use scumble_gpu::config::GpuSyncConfig;
use scumble_gpu::engine::{
    ControlEnd, Engine, EngineChoice, EngineKind, SessionConfig, SessionError,
};
use scumble_gpu::sync::{Buffering, LatencyShape, Metrics, MetricsReader, MetricsSnapshot};

use crate::audio::{self, ControlPort, Link, Plan, Processor, Rule, Watch};

/// A stereo plan in `Double` buffering, as an activation with blocks of `block` would make it.
pub fn stereo_plan(quality: Quality, sample_rate: f32, block: usize, rule: Rule) -> Plan {
    let spec = WindowSpec::new(quality, sample_rate.into());
    let async_samples = Buffering::Double.async_samples(block, spec.h);
    Plan { spec, sample_rate, channels: 2, async_samples, max_block: block, rule }
}

/// The session that a plan asks an engine for.
pub fn session_config(
    plan: &Plan,
    buffering: Buffering,
    engine_choice: EngineChoice,
    sync: GpuSyncConfig,
) -> SessionConfig {
    SessionConfig {
        spec: plan.spec,
        sample_rate: plan.sample_rate.into(),
        channels: plan.channels,
        async_samples: plan.async_samples,
        max_block: plan.max_block,
        buffering,
        engine_choice,
        sync,
        patience: None,
    }
}

/// A processor with every other end of it in one hand.
pub struct Rig {
    pub processor: Processor,
    pub port: ControlPort,
    pub watch: Watch,
    /// None where the twin plays alone.
    pub control: Option<ControlEnd>,
    own_metrics: MetricsReader,
}

impl Rig {
    /// Without an engine.
    pub fn on_twin(plan: Plan) -> Self {
        Self::with(plan, None)
    }

    /// On the device of an engine, as an instance with `Engine: GPU` plays there.
    pub fn on_device(plan: Plan, engine: &Engine) -> Result<Self, SessionError> {
        let choice = EngineChoice::Gpu;
        let config = session_config(&plan, Buffering::Double, choice, Default::default());
        Self::on_engine(plan, engine, config)
    }

    /// With a session of its own on an engine.
    pub fn on_engine(
        plan: Plan,
        engine: &Engine,
        config: SessionConfig,
    ) -> Result<Self, SessionError> {
        let (audio, control) = engine.open(config)?;
        Ok(Self::with(plan, Some((Link::new(audio, &plan.spec), control))))
    }

    fn with(plan: Plan, engine: Option<(Link, ControlEnd)>) -> Self {
        let own = Metrics::new(LatencyShape::default());
        let (audio_port, port) = audio::ports();
        let (tap, watch) = audio::tap(plan.sample_rate);
        let (link, control) = engine.unzip();
        let processor = Processor::new(plan, link, audio_port, tap, own.audio);
        Self { processor, port, watch, control, own_metrics: own.reader }
    }

    /// Waits until the device serves the session; says why not if it does not within `limit`.
    pub fn await_device(&self, limit: Duration) -> Result<(), String> {
        let Some(control) = &self.control else { return Err("there is no engine".into()) };
        let begun = Instant::now();
        while control.state().kind != EngineKind::Gpu {
            if begun.elapsed() > limit {
                return Err(control.state().reason);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    pub fn metrics(&self) -> MetricsSnapshot {
        match &self.control {
            Some(control) => control.metrics(),
            None => self.own_metrics.snapshot(),
        }
    }
}
