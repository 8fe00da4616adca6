//! How the audio callback and the worker exchange sound, work and time without waiting for each
//! other. See each module for its pattern: who touches it, what each ordering prevents, and what
//! happens when the other side is late.
//!
//! | module | pattern | SPEC |
//! |---|---|---|
//! | [`transport`] | finished hops to the audio thread: what all modes share (with `cursor` and `writing`) | S2, S6 |
//! | [`mod@double_buffer`], [`mod@triple_buffer`], [`mod@slot_ring`] | the three modes | S1, S2 |
//! | [`mod@fence`] | the word through which a half changes hands, deadlines | S1, S4 |
//! | [`metrics`], [`histogram`] | counts and durations, one consistent snapshot | S9, S10 |
//! | [`ring`] | frames of samples from thread to thread, on rtrb | S3 |
//! | [`timeline`], [`mod@device_timeline`] | numbers that rise, and waiting for them | T1 to T5 |
//! | [`command_queue`] | work by urgency | S5 |
//! | [`mod@doorbell`] | waking the worker | S13 |
//! | [`layout`] | shared memory, byte by byte | S7 |

pub mod command_queue;
pub(crate) mod cursor;
pub mod device_timeline;
pub mod doorbell;
pub mod double_buffer;
pub mod fence;
pub mod histogram;
pub mod layout;
pub mod metrics;
pub(crate) mod primitive;
#[cfg(not(loom))]
pub mod ring;
pub mod slot_ring;
pub mod timeline;
pub mod transport;
pub mod triple_buffer;
pub(crate) mod writing;

pub use command_queue::{
    Batch, Command, CommandQueue, CommandReceiver, CommandSender, LevelShape, QueueError,
    QueueShape, Refusal, Refused,
};
pub use device_timeline::{
    DeviceQueue, DeviceTimeline, Outcome, SubmitError, Ticket, device_timeline,
};
pub use doorbell::{Doorbell, Sleeper, UnboundDoorbell, doorbell};
pub use fence::FenceTimeout;
pub use histogram::{StageHistogram, StageStats};
pub use layout::CacheLine;
pub use metrics::{
    BudgetLine, Consistency, Counter, LatencyShape, Metrics, MetricsReader, MetricsSnapshot,
    MetricsUpdate, MetricsWriter, Stage,
};
#[cfg(not(loom))]
pub use ring::{Frame, FrameReader, FrameWriter, Overflow, RingFull, frame_ring};
pub use timeline::{CpuTimeline, Patience, TimelineSignal, WaitTimeout};
pub use transport::{
    Buffering, Hop, HopReader, HopShape, HopStatus, HopWriter, OpenHalf, PlaceError, Placed,
    ReadHops, ReaderStats, ShapeError, WriteHops, WriterStats, hop_buffer,
};
