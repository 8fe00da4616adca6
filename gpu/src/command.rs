//! Commands and figures in the form that crosses the border of a process (SPEC S11), for tools that
//! write or read them; nothing in the engine sends or takes a [`GpuCommand`]. What goes through the
//! engine's queue is [`crate::engine::Work`], which carries no text, at the level that [`level`] says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sync::metrics::{Counter, MetricsSnapshot, Stage};

/// How urgent a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Audio.
    High,
    /// Analysis.
    Medium,
    /// Visualisation.
    Low,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Process,
    Analyze,
    Visualize,
}

/// `GPUCommand` of SPEC S11.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "GPUCommand")]
pub struct GpuCommand {
    /// The sender's name for this command, given back with its result.
    pub id: String,
    pub priority: Priority,
    pub operation: Operation,
    /// Name of the buffer to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub input_buffer: Option<String>,
    /// Name of the buffer to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub output_buffer: Option<String>,
    /// What the operation needs besides.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}

/// A command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the command was refused: {0}")]
pub struct CommandError(String);

impl GpuCommand {
    /// Reads a command from JSON text.
    pub fn from_json(text: &str) -> Result<Self, CommandError> {
        serde_json::from_str(text).map_err(|error| CommandError(error.to_string()))
    }

    /// Where it queues among `levels` levels.
    pub fn level(&self, levels: usize) -> usize {
        level(self.priority, self.operation, levels)
    }
}

/// The level of a command among `levels` (2 to 5), 0 being the most urgent.
///
/// | levels | high | medium | low |
/// |---|---|---|---|
/// | 2 | 0 | 1 | 1 |
/// | 3 | 0 | 1 | 2 |
/// | 4 | 0 | 1, visualize 2 | 3 |
/// | 5 | 0 | 1, visualize 2 | 3, visualize 4 |
pub fn level(priority: Priority, operation: Operation, levels: usize) -> usize {
    let shown = usize::from(operation == Operation::Visualize);
    match (levels.clamp(2, 5), priority) {
        (_, Priority::High) => 0,
        (2 | 3, Priority::Medium) => 1,
        (_, Priority::Medium) => 1 + shown,
        (2, Priority::Low) => 1,
        (3, Priority::Low) => 2,
        (4, Priority::Low) => 3,
        (_, Priority::Low) => 3 + shown,
    }
}

/// `GPUSyncMetrics` of SPEC S11.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "GPUSyncMetrics")]
pub struct GpuSyncMetrics {
    /// Median time between the end of the GPU's work and the signal of its fence.
    #[schemars(range(min = 0.0))]
    pub fence_wait_time_ms: f64,
    /// Halves that changed hands.
    pub buffer_swap_count: u64,
    /// Hops or frames that found no room.
    pub overflow_count: u64,
    /// Work that was overdue.
    pub timeout_count: u64,
    /// Share of time in which the GPU had work, in percent.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub gpu_utilization: f64,
    /// End-to-end latency as the host is told.
    #[schemars(range(min = 0.0))]
    pub audio_latency_ms: f64,
}

impl From<&MetricsSnapshot> for GpuSyncMetrics {
    fn from(snapshot: &MetricsSnapshot) -> Self {
        Self {
            fence_wait_time_ms: snapshot.stage(Stage::FenceWait).p50.as_secs_f64() * 1e3,
            buffer_swap_count: snapshot.count(Counter::BufferSwaps),
            overflow_count: snapshot.count(Counter::Overflows),
            timeout_count: snapshot.count(Counter::Timeouts),
            gpu_utilization: snapshot.gpu_utilization_percent(),
            audio_latency_ms: snapshot.latency.total_ms(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // S5: urgent first, and every level of every count is used by something.
    #[test]
    fn levels_follow_priority_then_operation() {
        use Operation::{Analyze, Process, Visualize};
        for levels in 2..=5 {
            let mut used = vec![false; levels];
            let mut last = 0;
            for priority in [Priority::High, Priority::Medium, Priority::Low] {
                for operation in [Process, Analyze, Visualize] {
                    let found = level(priority, operation, levels);
                    assert!(found >= last, "{priority:?} {operation:?} of {levels}");
                    assert_eq!(found == 0, priority == Priority::High);
                    used[found] = true;
                    last = found;
                }
            }
            assert!(used.iter().all(|&used| used), "{levels}");
        }
    }
}
