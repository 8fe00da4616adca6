//! Everything the window displays, as plain data. The host fills it once a frame; the panels
//! only read it, so that a test can draw any situation without a plugin, an engine or a GPU.

use std::sync::Arc;

use crate::stroke::Stroke;

/// The end-to-end budget (S10), in milliseconds.
pub const LATENCY_BUDGET_MS: f32 = 10.0;

/// How a state is to be shown: by shape and word as well as by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Works as asked.
    Good,
    /// Works, but not as asked, or not yet.
    #[default]
    Caution,
    /// Does not work.
    Bad,
}

/// Who computes, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineView {
    pub health: Health,
    /// `GPU engaged`, `CPU engine`, `Device lost`.
    pub words: String,
    /// Why it is so, in a sentence, for the hover and the settings.
    pub reason: String,
    /// `NVIDIA RTX 4070`; empty when there is none.
    pub device: String,
    /// What is batched: `6 instances in one submission`.
    pub batched: String,
}

/// The latency, its parts apart (S10).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LatencyView {
    /// Algorithmic: M - H.
    pub window_samples: u32,
    /// The async window A.
    pub pipeline_samples: u32,
    /// What the round trip was measured to take, in milliseconds; `None` while nothing runs.
    pub measured_ms: Option<f32>,
}

impl LatencyView {
    pub fn total_samples(&self) -> u32 {
        self.window_samples + self.pipeline_samples
    }
}

/// One stage of the budget (S10).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StageView {
    pub p99_ms: f32,
    pub limit_ms: f32,
}

impl StageView {
    pub fn over(&self) -> bool {
        self.p99_ms > self.limit_ms
    }
}

/// The five stages, in the order of the panel.
pub const STAGES: [&str; 5] = ["Callback", "GPU compute", "Fence wait", "Copy", "Overhead"];
/// Their limits in milliseconds (S10).
pub const STAGE_LIMITS_MS: [f32; 5] = [1.0, 5.0, 1.0, 2.0, 1.0];

/// A measured time over the last seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlotView {
    /// Oldest first, in milliseconds.
    pub history_ms: Vec<f32>,
    pub p50_ms: f32,
    pub p99_ms: f32,
    pub max_ms: f32,
    /// The deadline that the dashed line shows.
    pub limit_ms: f32,
}

/// What one half of the buffer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HalfRole {
    #[default]
    Idle,
    AudioReads,
    GpuWrites,
    /// Filled, its fence signalled, not yet taken.
    Ready,
}

impl HalfRole {
    pub fn words(self) -> &'static str {
        match self {
            HalfRole::Idle => "free",
            HalfRole::AudioReads => "audio reads",
            HalfRole::GpuWrites => "GPU writes",
            HalfRole::Ready => "ready",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HalfView {
    pub role: HalfRole,
    pub generation: u64,
}

/// One level of the command queue (S5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueView {
    pub name: &'static str,
    pub used: u32,
    pub capacity: u32,
}

/// The counters of S9 that a musician may want to see.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counters {
    pub swaps: u64,
    pub rescued: u64,
    pub held: u64,
    pub dry: u64,
    pub timeouts: u64,
    pub overflow: u64,
    pub underflow: u64,
    pub late: u64,
    /// 0..1.
    pub gpu_utilisation: f32,
}

/// How the buffer between worker and audio thread is built (S2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BufferMode {
    #[default]
    Double,
    Triple,
    Ring,
}

impl BufferMode {
    pub fn heading(self) -> &'static str {
        match self {
            BufferMode::Double => "DOUBLE BUFFER",
            BufferMode::Triple => "TRIPLE BUFFER",
            BufferMode::Ring => "RING BUFFER",
        }
    }
}

/// What the canvas's x axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeUnit {
    #[default]
    Beats,
    Seconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Transport {
    pub playing: bool,
    /// Of the loop, 0..1.
    pub position: f32,
    /// The loop's length in `unit`.
    pub length: f32,
    pub unit: TimeUnit,
    pub beats_per_bar: f32,
    /// Beats per minute, for reading seconds as beats.
    pub tempo: f32,
}

/// One frame's worth of what there is to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub engine: EngineView,
    pub latency: LatencyView,
    pub stages: [StageView; 5],
    pub round_trip: PlotView,
    pub fence_wait: PlotView,
    pub buffer_mode: BufferMode,
    pub halves: Vec<HalfView>,
    pub queues: Vec<QueueView>,
    pub counters: Counters,
    pub transport: Transport,
    pub sample_rate: f32,
    /// The host's block, in samples.
    pub block: u32,
    /// N and H, in samples.
    pub window: u32,
    pub hop: u32,
    /// Where the frequency axis ends, in Hz.
    pub top_hz: f32,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            engine: EngineView::default(),
            latency: LatencyView::default(),
            stages: Default::default(),
            round_trip: PlotView::default(),
            fence_wait: PlotView::default(),
            buffer_mode: BufferMode::default(),
            halves: Vec::new(),
            queues: Vec::new(),
            counters: Counters::default(),
            transport: Transport::default(),
            sample_rate: 0.0,
            block: 0,
            window: 0,
            hop: 0,
            // A window may be open before the host has named a rate; most will name 48 kHz.
            top_hz: 24_000.0,
        }
    }
}

impl Snapshot {
    pub fn ms(&self, samples: u32) -> f32 {
        if self.sample_rate > 0.0 { samples as f32 * 1000.0 / self.sample_rate } else { 0.0 }
    }

    /// Blocks that the GPU did not deliver in time, however they were covered.
    pub fn covered(&self) -> u64 {
        self.counters.rescued + self.counters.held + self.counters.dry
    }
}

macro_rules! param_ids {
    ($($name:ident = $id:literal,)*) => {
        /// The parameters (the ids are those of the host).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum ParamId {
            $($name,)*
        }

        impl ParamId {
            pub const ALL: [ParamId; [$($id),*].len()] = [$(ParamId::$name),*];

            /// The host's id.
            pub fn id(self) -> &'static str {
                match self {
                    $(ParamId::$name => $id,)*
                }
            }
        }
    };
}

param_ids! {
    Bypass = "bypass",
    Mix = "mix",
    Output = "output",
    Quality = "quality",
    Engine = "engine",
    Buffering = "buffering",
    OnMiss = "on_miss",
    BlurTime = "blur_time",
    BlurFreq = "blur_freq",
    Diffuse = "diffuse",
    WarpShift = "warp_shift",
    WarpStretch = "warp_stretch",
    LowCut = "low_cut",
    HighCut = "high_cut",
    ModLow = "mod_low",
    ModHigh = "mod_high",
    Freeze = "freeze",
    Paint = "paint",
    CanvasLength = "canvas_length",
    CanvasSync = "canvas_sync",
}

impl ParamId {
    /// The choices of a stepped parameter, in order; empty for the others.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            ParamId::Quality => &["Live", "Balanced", "Studio", "Ultra"],
            ParamId::Engine => &["Auto", "GPU", "CPU"],
            ParamId::Buffering => &["Double", "Triple", "Ring"],
            ParamId::OnMiss => &["Rescue", "Hold", "Dry"],
            ParamId::CanvasSync => &["Host beats", "Host seconds", "Free"],
            _ => &[],
        }
    }
}

/// A parameter as it stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParamView {
    /// 0..1, what the user or the host's automation set.
    pub value: f32,
    /// 0..1, with the host's modulation added.
    pub modulated: f32,
    pub default: f32,
    /// `value` in words.
    pub text: String,
}

/// A sound as a preset keeps it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sound {
    /// Normalised values.
    pub params: Vec<(ParamId, f32)>,
    pub strokes: Vec<Stroke>,
}

/// Which half of the A/B comparison is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    #[default]
    A,
    B,
}

/// Which version of the sound is heard, and what waits on the other side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Versions {
    pub side: Side,
    /// The preset that is heard.
    pub name: String,
    /// Sound and preset of the side that is not heard, once it was visited. Shared, for undo keeps
    /// it in many steps.
    pub other: Option<Arc<(Sound, String)>>,
}

/// Which signal the canvas shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Source {
    Input,
    #[default]
    Output,
    Difference,
}

impl Source {
    pub const ALL: [Source; 3] = [Source::Input, Source::Output, Source::Difference];

    pub fn name(self) -> &'static str {
        match self {
            Source::Input => "Input",
            Source::Output => "Output",
            Source::Difference => "Difference",
        }
    }
}

pub use scumble_params::Axis;

/// The axes in the order of the menu, with what there is to say of each.
pub const AXES: [(Axis, &str, &str); 6] = [
    (Axis::Log, "Log", "Log: octaves"),
    (Axis::Linear, "Lin", "Linear: hertz"),
    (Axis::Mel, "Mel", "Mel: steps of pitch as the ear hears them"),
    (Axis::Cqt, "CQT", "Constant Q: quarter tones, sharp and late"),
    (Axis::Vqt, "VQT", "Variable Q: quarter tones, quicker in the bass"),
    (Axis::Gabor, "Gabor", "Gabor: quarter tones, nothing lost"),
];

/// The devices that there are to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DevicesView {
    /// Name of the one that was chosen; empty for the best.
    pub chosen: String,
    /// Whether something stronger than the user's choice decides, and what.
    pub fixed: Option<String>,
    /// Names, and whether it is a software adapter; nothing before the system has answered.
    pub found: Vec<(String, bool)>,
}

/// A preset as the browser lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresetEntry {
    pub name: String,
    pub factory: bool,
}

/// Settings beside the host parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsView {
    /// `None` follows the host's block.
    pub async_samples: Option<u32>,
    pub ring_depth: u32,
    pub fence_timeout_ms: f32,
}

impl Default for SettingsView {
    fn default() -> Self {
        Self { async_samples: None, ring_depth: 4, fence_timeout_ms: 5.0 }
    }
}
