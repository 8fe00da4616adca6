//! Opening a session: everything is allocated here, once, before the first block.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use scumble_dsp::WindowSpec;

use super::ends::{AudioEnd, ControlEnd};
use super::state::SharedState;
use super::{Engine, EngineChoice, MAX_CHANNELS};
use crate::backend::SlotSpec;
use crate::config::{ConfigError, GpuSyncConfig};
use crate::sync::command_queue::QueueError;
use crate::sync::ring::{Overflow, frame_ring};
use crate::sync::{Buffering, HopShape, LatencyShape, Metrics, ShapeError, hop_buffer};
use crate::worker::session::WorkerSession;
use crate::worker::{Message, commands};

/// What a session is made for; fixed from activation to deactivation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionConfig {
    pub spec: WindowSpec,
    pub sample_rate: f64,
    pub channels: usize,
    /// A of DESIGN 2: samples between the end of a hop and the moment it is due.
    pub async_samples: usize,
    /// Largest host block, samples.
    pub max_block: usize,
    /// The data path to the audio thread; overrides the mode in `sync`, whose `ring` has no length.
    pub buffering: Buffering,
    pub engine_choice: EngineChoice,
    pub sync: GpuSyncConfig,
    /// How long the worker waits for the device before it computes a hop itself: for renders, which
    /// nobody hears meanwhile. `None`: until the hop's own deadline nears (S4).
    pub patience: Option<Duration>,
}

impl SessionConfig {
    /// Hops of one table of this session at most: those of the largest block that hosts play (8192
    /// samples), for what comes in two tables comes in two halves, and the second is late in `double`;
    /// and enough at a time to bring the device up to date quickly.
    fn max_hops(&self) -> usize {
        self.max_block.div_ceil(self.spec.h).clamp(16, 128)
    }

    pub fn slot_spec(&self) -> SlotSpec {
        SlotSpec {
            window: self.spec,
            sample_rate: self.sample_rate,
            channels: self.channels,
            max_hops: self.max_hops(),
        }
    }

    /// The half is made large enough for the largest block, whatever the config says.
    fn shape(&self) -> HopShape {
        let mut shape = HopShape {
            channels: self.channels,
            hop_samples: self.spec.h,
            max_block_samples: self.max_block,
            sample_rate_hz: self.sample_rate as f32,
            buffer_size_bytes: self.sync.buffer_size_bytes as usize,
        };
        shape.buffer_size_bytes =
            shape.buffer_size_bytes.max(shape.least_buffer_size_bytes(self.buffering));
        shape
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{found} channels: 1 to {MAX_CHANNELS} are allowed")]
    Channels { found: usize },
    #[error("sample rate {0} Hz: must be positive and finite")]
    SampleRate(f64),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Engine(#[from] super::EngineError),
}

pub(super) fn open(
    engine: &Engine,
    config: SessionConfig,
) -> Result<(AudioEnd, ControlEnd), SessionError> {
    if !(1..=MAX_CHANNELS).contains(&config.channels) {
        return Err(SessionError::Channels { found: config.channels });
    }
    if !(config.sample_rate.is_finite() && config.sample_rate > 0.0) {
        return Err(SessionError::SampleRate(config.sample_rate));
    }
    config.sync.validate()?;
    let (writer, reader) = hop_buffer(config.buffering, config.shape())?;
    let metrics = Metrics::new(LatencyShape {
        sample_rate_hz: config.sample_rate as f32,
        window_samples: config.spec.window_latency() as u32,
        async_samples: config.async_samples as u32,
    });
    // A second of hops, and never less than four of the largest blocks: the worker may be held up.
    let second = (config.sample_rate / config.spec.h as f64) as usize;
    let hops = second.max(4 * config.max_hops());
    let floats = config.slot_spec().hop_floats();
    let (hops_in, hops_out) = frame_ring(hops, floats, Overflow::RefuseNew);
    let (fields_in, fields_out) = rtrb::RingBuffer::new(8);
    let levels = config.sync.priority_levels as usize;
    let (commands, command_receiver) = commands::queue(levels)?;
    let due_to = Arc::new(AtomicU64::new(0));
    let state = Arc::new(SharedState::new());
    let origin = Instant::now();
    let id = engine.mailbox().next_id();
    let worker = WorkerSession::new(
        id,
        config,
        origin,
        hops_out,
        fields_out,
        Arc::clone(&due_to),
        writer,
        metrics.worker,
        command_receiver,
        Arc::clone(&state),
    );
    engine.mailbox().post(Message::Open(Box::new(worker)));
    let lease = Arc::new(Lease { engine: engine.clone(), id });
    let audio = AudioEnd::new(
        Arc::clone(&lease),
        origin,
        hops_in,
        fields_in,
        due_to,
        reader,
        metrics.audio,
        Arc::clone(&state),
        floats,
    );
    Ok((audio, ControlEnd::new(lease, metrics.reader, commands, levels, state, hops)))
}

/// Held by both ends; the session closes when the second is dropped.
pub(super) struct Lease {
    pub engine: Engine,
    pub id: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.engine.mailbox().post(Message::Close(self.id));
    }
}

/// What [`Session::configure`] did.
pub enum Configured {
    /// Nothing: the session runs with this very config.
    Unchanged,
    /// New ends; those before are to be dropped.
    Opened(Box<(AudioEnd, ControlEnd)>),
}

/// One instance's place in the engine. Hosts activate again without deactivating: `configure` may
/// be called any number of times. Main thread.
pub struct Session {
    engine: Engine,
    config: Option<SessionConfig>,
}

impl Session {
    pub fn new(engine: Engine) -> Self {
        Self { engine, config: None }
    }

    pub fn configure(&mut self, config: SessionConfig) -> Result<Configured, SessionError> {
        if self.config == Some(config) {
            return Ok(Configured::Unchanged);
        }
        let ends = self.engine.open(config)?;
        self.config = Some(config);
        Ok(Configured::Opened(Box::new(ends)))
    }

    /// Forgets the config, so that the next `configure` opens anew. The ends close the session.
    pub fn release(&mut self) {
        self.config = None;
    }
}
