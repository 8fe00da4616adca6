//! What is the user's and the machine's rather than the project's: one small file each, beside the
//! user's presets. Main and editor threads.

use std::path::PathBuf;

use scumble_gpu::backend::adapter::AdapterWish;
use scumble_gpu::engine::EngineOptions;
use scumble_params::PresetStore;

fn file(name: &str) -> Option<PathBuf> {
    Some(PresetStore::user().ok()?.folder().with_file_name(name))
}

/// Whether this user has painted before, in any instance.
pub fn hint_seen() -> bool {
    file("hint-seen").is_some_and(|file| file.exists())
}

/// If it cannot be written, the hint is shown once more.
pub fn set_hint_seen() {
    if let Some(file) = file("hint-seen") {
        let _ = file.parent().map(std::fs::create_dir_all);
        let _ = std::fs::write(file, "");
    }
}

/// The name of the device that the user chose; empty for the best.
pub fn chosen_device() -> String {
    let text = file("device").and_then(|file| std::fs::read_to_string(file).ok());
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Remembers a device by name, or that the best is wanted.
pub fn choose_device(name: &str) -> Result<(), String> {
    let file = file("device").ok_or("there is no home folder to remember the device in")?;
    let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.and_then(|()| std::fs::write(&file, format!("{name}\n")));
    written.map_err(|error| format!("the device is not remembered: {}: {error}", file.display()))
}

/// What the environment says, which is stronger than the user's choice.
pub fn device_of_environment() -> Option<String> {
    let text = std::env::var("SCUMBLE_ADAPTER").ok().filter(|text| !text.trim().is_empty())?;
    Some(format!("{text} (SCUMBLE_ADAPTER)"))
}

/// How the engine is made on this machine, for this user.
pub fn engine_options() -> EngineOptions {
    EngineOptions { adapter: device_wish(), ..EngineOptions::default() }
}

/// The adapter to use.
pub fn device_wish() -> AdapterWish {
    if device_of_environment().is_some() {
        return AdapterWish::from_env();
    }
    // By its whole name, though "none" or "software" could be one.
    match chosen_device() {
        name if name.is_empty() => AdapterWish::Best,
        name => AdapterWish::Named(name.to_lowercase()),
    }
}
