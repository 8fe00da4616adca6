//! Config and command schemas (SPEC S11): the committed file equals the type, and what our own
//! reader accepts or refuses is what an independent validator makes of the committed file.
#![cfg(not(any(loom, tsan, rtsan)))]

use std::path::PathBuf;

use jsonschema::Validator;
use scumble_gpu::command::{GpuCommand, GpuSyncMetrics};
use scumble_gpu::config::{BufferMode, ConfigError, GpuSyncConfig, schemas};
use scumble_gpu::sync::{Counter, LatencyShape, Metrics, Stage};
use serde_json::{Value, json};
use std::time::Duration;

fn committed(file_name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema").join(file_name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn validator(file_name: &str) -> Validator {
    let schema: Value = serde_json::from_str(&committed(file_name)).unwrap();
    jsonschema::draft7::new(&schema).unwrap()
}

/// With `SCUMBLE_WRITE_SCHEMAS` set the files are written instead, for a wanted change of a type.
// S11
#[test]
fn files_equal_types() {
    for file in schemas() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema").join(&*file.file_name);
        if std::env::var_os("SCUMBLE_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, file.text()).unwrap();
        }
        assert_eq!(committed(&file.file_name), file.text(), "{} is out of date", file.file_name);
        let schema: Value = serde_json::from_str(&file.text()).unwrap();
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert!(jsonschema::meta::is_valid(&schema), "{} is no schema", file.file_name);
    }
}

/// The words of SPEC S11, against the file rather than the type.
// S11
#[test]
fn files_say_what_the_specification_says() {
    let schema: Value = serde_json::from_str(&committed("gpu_sync_config.schema.json")).unwrap();
    assert_eq!(schema["title"], "GPUSyncConfig");
    assert_eq!(schema["required"], json!(["bufferMode", "bufferSizeBytes"]));
    assert_eq!(schema["additionalProperties"], false);
    let fields = &schema["properties"];
    assert_eq!(fields["bufferSizeBytes"]["type"], "integer");
    assert_eq!(fields["bufferSizeBytes"]["minimum"], 4096);
    assert_eq!(fields["bufferSizeBytes"]["maximum"], 1_048_576);
    assert_eq!(fields["fenceTimeoutMs"]["type"], "number");
    assert_eq!(fields["fenceTimeoutMs"]["minimum"].as_f64(), Some(1.0));
    assert_eq!(fields["fenceTimeoutMs"]["maximum"].as_f64(), Some(10.0));
    assert_eq!(fields["fenceTimeoutMs"]["default"].as_f64(), Some(5.0));
    assert_eq!(fields["priorityLevels"]["type"], "integer");
    assert_eq!(fields["priorityLevels"]["minimum"], 2);
    assert_eq!(fields["priorityLevels"]["maximum"], 5);

    let schema: Value = serde_json::from_str(&committed("gpu_command.schema.json")).unwrap();
    assert_eq!(schema["title"], "GPUCommand");
    assert_eq!(schema["required"], json!(["id", "priority", "operation"]));
    let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    for field in ["id", "priority", "operation", "inputBuffer", "outputBuffer", "parameters"] {
        assert!(fields.iter().any(|found| *found == field), "{field}");
    }

    let schema: Value = serde_json::from_str(&committed("gpu_sync_metrics.schema.json")).unwrap();
    assert_eq!(schema["title"], "GPUSyncMetrics");
    assert_eq!(schema["properties"].as_object().unwrap().len(), 6);
}

fn base() -> Value {
    json!({ "bufferMode": "double", "bufferSizeBytes": 65536 })
}

fn with(field: &str, value: Value) -> Value {
    let mut config = base();
    config[field] = value;
    config
}

// S11
#[test]
fn every_boundary_is_accepted_or_refused_by_name() {
    let validator = validator("gpu_sync_config.schema.json");
    let cases = [
        ("bufferSizeBytes", json!(4095), false),
        ("bufferSizeBytes", json!(4096), true),
        ("bufferSizeBytes", json!(1_048_576), true),
        ("bufferSizeBytes", json!(1_048_577), false),
        ("bufferSizeBytes", json!(4096.5), false),
        ("bufferSizeBytes", json!(-4096), false),
        ("bufferSizeBytes", json!(1e300), false),
        ("bufferSizeBytes", json!("65536"), false),
        ("bufferSizeBytes", json!(null), false),
        ("fenceTimeoutMs", json!(0.99), false),
        ("fenceTimeoutMs", json!(1), true),
        ("fenceTimeoutMs", json!(1.5), true),
        ("fenceTimeoutMs", json!(10), true),
        ("fenceTimeoutMs", json!(10.01), false),
        ("fenceTimeoutMs", json!("5"), false),
        ("fenceTimeoutMs", json!(null), false),
        ("priorityLevels", json!(1), false),
        ("priorityLevels", json!(2), true),
        ("priorityLevels", json!(5), true),
        ("priorityLevels", json!(6), false),
        ("priorityLevels", json!(2.5), false),
        ("priorityLevels", json!(true), false),
        ("bufferMode", json!("double"), true),
        ("bufferMode", json!("ring"), true),
        ("bufferMode", json!("triple"), true),
        ("bufferMode", json!("Double"), false),
        ("bufferMode", json!("quad"), false),
        ("bufferMode", json!(2), false),
    ];
    for (field, value, good) in cases {
        let config = with(field, value.clone());
        assert_eq!(validator.is_valid(&config), good, "the schema on {field} = {value}");
        let read = GpuSyncConfig::from_json(&config.to_string());
        assert_eq!(read.is_ok(), good, "the reader on {field} = {value}: {read:?}");
        let Err(error) = read else { continue };
        let ConfigError::OutOfRange { field: named, found, allowed } = &error else {
            panic!("{error}");
        };
        assert_eq!((*named, found), (field, &value.to_string()));
        for word in [field, found, allowed] {
            assert!(error.to_string().contains(word), "{error} lacks {word}");
        }
    }
}

// S11
#[test]
fn unknown_and_missing_fields_are_named() {
    let validator = validator("gpu_sync_config.schema.json");
    let unknown = with("bufferCount", json!(3));
    assert!(!validator.is_valid(&unknown));
    let error = GpuSyncConfig::from_value(&unknown).unwrap_err().to_string();
    assert!(error.contains("bufferCount") && error.contains('3') && error.contains("bufferMode"));
    for field in ["bufferMode", "bufferSizeBytes"] {
        let mut config = base();
        config.as_object_mut().unwrap().remove(field);
        assert!(!validator.is_valid(&config));
        let error = GpuSyncConfig::from_value(&config).unwrap_err();
        assert!(matches!(&error, ConfigError::Missing { field: named, .. } if *named == field));
        assert!(error.to_string().contains(field));
    }
    for text in ["", "{", "[]", "7", "null"] {
        assert!(GpuSyncConfig::from_json(text).is_err(), "{text}");
    }
}

// S11: "changes nothing".
#[test]
fn a_refused_config_leaves_the_old_one() {
    let mut config = GpuSyncConfig::from_value(&base()).unwrap();
    let before = config;
    let bad = with("priorityLevels", json!(9)).to_string();
    if let Ok(better) = GpuSyncConfig::from_json(&bad) {
        config = better;
    }
    assert_eq!(config, before);
    let broken = GpuSyncConfig { fence_timeout_ms: f64::NAN, ..before };
    assert!(broken.validate().unwrap_err().to_string().contains("fenceTimeoutMs"));
}

// S11
#[test]
fn defaults_and_round_trips() {
    let config = GpuSyncConfig::from_value(&base()).unwrap();
    assert_eq!(config.fence_timeout_ms, 5.0);
    assert_eq!(config.priority_levels, 3);
    assert_eq!(GpuSyncConfig::default().validate(), Ok(()));
    let validator = validator("gpu_sync_config.schema.json");
    for buffer_mode in BufferMode::ALL {
        let config = GpuSyncConfig { buffer_mode, ..GpuSyncConfig::default() };
        let text = serde_json::to_string(&config).unwrap();
        assert!(validator.is_valid(&serde_json::from_str(&text).unwrap()), "{text}");
        assert_eq!(serde_json::from_str::<GpuSyncConfig>(&text).unwrap(), config);
    }
}

// S11
#[test]
fn commands_are_read_as_the_schema_says() {
    let validator = validator("gpu_command.schema.json");
    let least = json!({ "id": "a1", "priority": "high", "operation": "process" });
    let full = json!({
        "id": "a2", "priority": "low", "operation": "visualize",
        "inputBuffer": "input", "outputBuffer": "columns", "parameters": { "bins": 512 }
    });
    let mut bad = Vec::new();
    for field in ["id", "priority", "operation"] {
        let mut command = least.clone();
        command.as_object_mut().unwrap().remove(field);
        bad.push((field, command));
    }
    for (field, value) in [
        ("id", json!(7)),
        ("priority", json!("urgent")),
        ("operation", json!("delete")),
        ("inputBuffer", json!(3)),
        ("parameters", json!([1])),
        ("colour", json!("red")),
    ] {
        let mut command = least.clone();
        command[field] = value;
        bad.push((field, command));
    }
    for good in [least, full] {
        assert!(validator.is_valid(&good), "{good}");
        let command = GpuCommand::from_json(&good.to_string()).unwrap();
        assert_eq!(serde_json::to_value(&command).unwrap(), good);
    }
    for (field, command) in bad {
        assert!(!validator.is_valid(&command), "{field}: {command}");
        assert!(GpuCommand::from_json(&command.to_string()).is_err(), "{field}: {command}");
    }
}

// S9, S11: figures that were recorded come out under their names.
#[test]
fn metrics_are_written_as_the_schema_says() {
    let latency =
        LatencyShape { sample_rate_hz: 48_000.0, window_samples: 192, async_samples: 128 };
    let mut metrics = Metrics::new(latency);
    metrics.audio.update(|update| update.add(Counter::BufferSwaps, 3));
    metrics.worker.update(|update| {
        update.add(Counter::Overflows, 2);
        update.add(Counter::Timeouts, 1);
        update.add(Counter::GpuBusyNanos, 25);
        update.add(Counter::GpuObservedNanos, 100);
        update.time(Stage::FenceWait, Duration::from_micros(500));
    });
    let written = serde_json::to_value(GpuSyncMetrics::from(&metrics.reader.snapshot())).unwrap();
    assert!(validator("gpu_sync_metrics.schema.json").is_valid(&written), "{written}");
    assert_eq!(written["bufferSwapCount"], 3);
    assert_eq!(written["overflowCount"], 2);
    assert_eq!(written["timeoutCount"], 1);
    assert_eq!(written["gpuUtilization"], 25.0);
    assert!((written["audioLatencyMs"].as_f64().unwrap() - 320.0 / 48.0).abs() < 1e-5);
    assert!((written["fenceWaitTimeMs"].as_f64().unwrap() - 0.5).abs() < 0.5 / 16.0);
}
