//! What runs on the audio thread. Nothing here allocates, locks, waits or logs (S13).

mod clock;
mod input;
mod link;
mod pacing;
mod processor;
mod rescue;
mod seam;
mod shared;
mod tap;

pub use input::is_sound;
pub use link::Link;
pub use processor::{BlockSettings, Plan, Processor, Rule};
pub use rescue::RescueCost;
pub use shared::{AudioPort, ControlPort, Report, ports};
pub use tap::{Heard, Tap, Watch, stretch_samples, tap};
