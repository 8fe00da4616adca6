//! How a session is synchronised, as the user or a file says it (SPEC S11), and the JSON schemas of
//! everything that crosses that border.
//!
//! A config is read as a whole or not at all. A refusal names the field, the value that was found
//! and what is allowed; the running config stays as it is. Read on control threads only.

use std::borrow::Cow;
use std::time::Duration;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::sync::fence::FenceTimeout;
use crate::sync::transport::{Buffering, RING_BLOCKS_DEFAULT};

/// Which of the three data paths carries finished hops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BufferMode {
    /// Two halves: least latency, the worker has one block's time.
    Double,
    /// A queue of halves: most slack, nothing is ever replaced.
    Ring,
    /// Three halves: one block more than double, the newest wins.
    Triple,
}

impl BufferMode {
    pub const ALL: [Self; 3] = [Self::Double, Self::Ring, Self::Triple];

    pub fn name(self) -> &'static str {
        self.buffering().name()
    }

    /// The data path that this mode stands for.
    pub fn buffering(self) -> Buffering {
        match self {
            Self::Double => Buffering::Double,
            Self::Triple => Buffering::Triple,
            Self::Ring => Buffering::Ring { blocks: RING_BLOCKS_DEFAULT },
        }
    }
}

/// `GPUSyncConfig` of SPEC S11.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "GPUSyncConfig")]
pub struct GpuSyncConfig {
    /// How finished hops travel to the audio thread.
    pub buffer_mode: BufferMode,
    /// Bytes of samples that one half holds.
    #[schemars(range(min = 4096, max = 1_048_576))]
    pub buffer_size_bytes: u32,
    /// How long work may take before it counts as overdue, unless its block is due sooner.
    #[serde(default = "default_fence_timeout_ms")]
    #[schemars(range(min = 1.0, max = 10.0))]
    pub fence_timeout_ms: f64,
    /// Levels of the command queue.
    #[serde(default = "default_priority_levels")]
    #[schemars(range(min = 2, max = 5))]
    pub priority_levels: u32,
}

fn default_fence_timeout_ms() -> f64 {
    5.0
}

fn default_priority_levels() -> u32 {
    3
}

impl Default for GpuSyncConfig {
    fn default() -> Self {
        Self {
            buffer_mode: BufferMode::Double,
            buffer_size_bytes: 262_144,
            fence_timeout_ms: default_fence_timeout_ms(),
            priority_levels: default_priority_levels(),
        }
    }
}

/// Why a config was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    #[error("the config is not JSON: {0}")]
    NotJson(String),
    #[error("the config must be an object, found {found}")]
    NotAnObject { found: String },
    #[error("field `{field}` is missing; allowed: {allowed}")]
    Missing { field: &'static str, allowed: &'static str },
    #[error("unknown field `{field}` with value {found}; allowed fields: {allowed}")]
    Unknown { field: String, found: String, allowed: &'static str },
    #[error("field `{field}` has value {found}; allowed: {allowed}")]
    OutOfRange { field: &'static str, found: String, allowed: &'static str },
}

const MODE: (&str, &str) = ("bufferMode", "\"double\", \"ring\" or \"triple\"");
const SIZE: (&str, &str) = ("bufferSizeBytes", "an integer from 4096 to 1048576");
const TIMEOUT: (&str, &str) = ("fenceTimeoutMs", "a number from 1 to 10");
const LEVELS: (&str, &str) = ("priorityLevels", "an integer from 2 to 5");
const FIELDS: &str = "bufferMode, bufferSizeBytes, fenceTimeoutMs, priorityLevels";

impl GpuSyncConfig {
    /// Reads a config from JSON text.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| ConfigError::NotJson(error.to_string()))?;
        Self::from_value(&value)
    }

    /// Reads a config from a JSON value.
    pub fn from_value(value: &Value) -> Result<Self, ConfigError> {
        let Value::Object(fields) = value else {
            return Err(ConfigError::NotAnObject { found: value.to_string() });
        };
        if let Some((field, found)) = fields
            .iter()
            .find(|(field, _)| ![MODE.0, SIZE.0, TIMEOUT.0, LEVELS.0].contains(&field.as_str()))
        {
            let (field, found) = (field.clone(), found.to_string());
            return Err(ConfigError::Unknown { field, found, allowed: FIELDS });
        }
        let default = Self::default();
        let mode = required(fields, MODE, |value| match value.as_str()? {
            "double" => Some(BufferMode::Double),
            "ring" => Some(BufferMode::Ring),
            "triple" => Some(BufferMode::Triple),
            _ => None,
        })?;
        let config = Self {
            buffer_mode: mode,
            buffer_size_bytes: required(fields, SIZE, integer)?,
            fence_timeout_ms: optional(fields, TIMEOUT, default.fence_timeout_ms, Value::as_f64)?,
            priority_levels: optional(fields, LEVELS, default.priority_levels, integer)?,
        };
        config.validate()?;
        Ok(config)
    }

    /// Checks every range; for a config that was put together in code.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |field: (&'static str, &'static str), within: bool, found: String| {
            let error = ConfigError::OutOfRange { field: field.0, found, allowed: field.1 };
            if within { Ok(()) } else { Err(error) }
        };
        let Self { buffer_size_bytes: size, fence_timeout_ms: timeout, priority_levels, .. } =
            *self;
        check(SIZE, (4096..=1_048_576).contains(&size), size.to_string())?;
        check(TIMEOUT, (1.0..=10.0).contains(&timeout), timeout.to_string())?;
        check(LEVELS, (2..=5).contains(&priority_levels), priority_levels.to_string())
    }

    /// As the fence takes it.
    pub fn fence_timeout(&self) -> FenceTimeout {
        FenceTimeout::new(Duration::from_secs_f64(self.fence_timeout_ms.clamp(1.0, 10.0) / 1e3))
    }
}

/// JSON Schema counts 5.0 as an integer, so we do as well.
fn integer(value: &Value) -> Option<u32> {
    let whole = value.as_f64().filter(|number| number.fract() == 0.0)?;
    (0.0..=f64::from(u32::MAX)).contains(&whole).then_some(whole as u32)
}

fn required<T>(
    fields: &Map<String, Value>,
    (field, allowed): (&'static str, &'static str),
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, ConfigError> {
    let value = fields.get(field).ok_or(ConfigError::Missing { field, allowed })?;
    read(value).ok_or_else(|| ConfigError::OutOfRange { field, found: value.to_string(), allowed })
}

fn optional<T>(
    fields: &Map<String, Value>,
    field: (&'static str, &'static str),
    default: T,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, ConfigError> {
    if fields.contains_key(field.0) { required(fields, field, read) } else { Ok(default) }
}

impl<'de> Deserialize<'de> for GpuSyncConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value).map_err(serde::de::Error::custom)
    }
}

/// A schema that is kept under `gpu/schema/`.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaFile {
    pub file_name: Cow<'static, str>,
    pub schema: Schema,
}

impl SchemaFile {
    /// The text of the file, newline included.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.schema).expect("a schema is plain JSON");
        text.push('\n');
        text
    }
}

/// Every schema of SPEC S11, generated from its type as JSON Schema draft-07.
pub fn schemas() -> [SchemaFile; 3] {
    fn file<T: JsonSchema>(file_name: &'static str) -> SchemaFile {
        let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<T>();
        SchemaFile { file_name: Cow::Borrowed(file_name), schema }
    }
    [
        file::<GpuSyncConfig>("gpu_sync_config.schema.json"),
        file::<crate::command::GpuCommand>("gpu_command.schema.json"),
        file::<crate::command::GpuSyncMetrics>("gpu_sync_metrics.schema.json"),
    ]
}
