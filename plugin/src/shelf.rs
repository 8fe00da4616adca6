//! Presets as the editor asks for them: those that come with Scumble and the user's own.

use std::path::{Path, PathBuf};

use scumble_params::{Preset, PresetStore, factory_preset, factory_presets};
use scumble_ui::glue::link::Presets;
use scumble_ui::model::{ParamId, PresetEntry, Sound};

/// Factory and user presets, by name.
pub struct Shelf;

fn home() -> PathBuf {
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    home.map(PathBuf::from).unwrap_or_default()
}

/// A path as it is typed: no shell is there to know what a leading tilde means.
fn typed(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix('~').map(|rest| rest.strip_prefix(std::path::is_separator).ok_or(rest))
    {
        Some(Ok(rest)) => home.join(rest),
        Some(Err("")) => home.to_owned(),
        // Someone else's home, or a name that begins so.
        Some(Err(_)) | None => path.into(),
    }
}

impl Shelf {
    fn store(&self) -> Result<PresetStore, String> {
        PresetStore::user().map_err(|e| e.to_string())
    }

    fn sound_of(preset: &Preset) -> Sound {
        let params = scumble_params::ScumbleParams::default();
        let normalised = preset.normalised(&params);
        let by_id = |name: &str| ParamId::ALL.into_iter().find(|id| id.id() == name);
        let values = normalised.iter().filter_map(|(id, _, value)| Some((by_id(id)?, *value)));
        Sound { params: values.collect(), strokes: preset.strokes.clone() }
    }

    fn preset_of(name: &str, sound: &Sound) -> Preset {
        let params = scumble_params::ScumbleParams::default();
        let neutral = Preset::new(name);
        for (id, ptr, _) in neutral.normalised(&params) {
            if let Some((_, value)) = sound.params.iter().find(|(p, _)| p.id() == id) {
                // SAFETY: the pointer is into `params`, which lives to the end of this function.
                unsafe { ptr._internal_set_normalized_value(*value) };
            }
        }
        Preset::of(name, &params, sound.strokes.clone())
    }
}

impl Presets for Shelf {
    fn list(&self) -> Vec<PresetEntry> {
        let entry = |preset: &Preset, factory| PresetEntry { name: preset.name.clone(), factory };
        let mut entries: Vec<_> = factory_presets().iter().map(|p| entry(p, true)).collect();
        if let Ok(store) = self.store() {
            let (own, broken) = store.list();
            entries.extend(own.iter().map(|p| entry(p, false)));
            for error in broken {
                nice_plug::nice_warn!("preset skipped: {error}");
            }
        }
        entries
    }

    fn load(&self, name: &str) -> Result<Sound, String> {
        if let Some(preset) = factory_preset(name) {
            return Ok(Self::sound_of(&preset));
        }
        self.store()?.load(name).map(|p| Self::sound_of(&p)).map_err(|e| e.to_string())
    }

    fn save(&self, name: &str, sound: &Sound) -> Result<(), String> {
        self.store()?.save(&Self::preset_of(name, sound)).map_err(|e| e.to_string())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        self.store()?.rename(from, to).map_err(|e| e.to_string())
    }

    fn delete(&self, name: &str) -> Result<(), String> {
        self.store()?.delete(name).map_err(|e| e.to_string())
    }

    fn has(&self, name: &str) -> bool {
        self.store().is_ok_and(|store| store.has(name))
    }

    fn exchange_folder(&self) -> String {
        // Joined with nothing it ends as a folder does.
        home().join("").display().to_string()
    }

    fn exchange_path(&self, name: &str) -> String {
        home().join(format!("{name}.scumble.json")).display().to_string()
    }

    fn has_file(&self, path: &str) -> bool {
        typed(path, &home()).is_file()
    }

    fn import(&self, path: &str) -> Result<String, String> {
        let preset = self.store()?.import(&typed(path, &home())).map_err(|e| e.to_string())?;
        Ok(preset.name)
    }

    fn set_default(&self, sound: Option<&Sound>) -> Result<(), String> {
        let preset = sound.map(|sound| Self::preset_of("Default", sound));
        self.store()?.set_user_default(preset.as_ref()).map_err(|e| e.to_string())
    }

    fn has_default(&self) -> bool {
        self.store().is_ok_and(|store| store.has_user_default())
    }

    fn export(&self, name: &str, sound: &Sound, path: &str) -> Result<(), String> {
        let path = typed(path, &home());
        scumble_params::write_preset(&path, &Self::preset_of(name, sound))
            .map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_users_home_and_nothing_else_is() {
        let home = Path::new("/home/ada");
        for (path, meant) in [
            ("~/presets/Fog.scumble.json", "/home/ada/presets/Fog.scumble.json"),
            ("~", "/home/ada"),
            ("/tmp/~/Fog.scumble.json", "/tmp/~/Fog.scumble.json"),
            ("~grace/Fog.scumble.json", "~grace/Fog.scumble.json"),
            ("Fog~.scumble.json", "Fog~.scumble.json"),
        ] {
            assert_eq!(typed(path, home), Path::new(meant), "{path}");
        }
    }

    #[test]
    fn what_is_exported_is_there_and_can_be_imported_from_the_same_place() {
        let folder = std::env::temp_dir().join(format!("scumble-shelf-{}", std::process::id()));
        let path = folder.join("Fog.scumble.json").display().to_string();
        assert!(!Shelf.has_file(&path));
        Shelf.export("Fog", &Sound::default(), &path).expect("exported");
        assert!(Shelf.has_file(&path) && !Shelf.has_file(&folder.display().to_string()));
        assert_eq!(scumble_params::read_preset(path.as_ref()).expect("read").name, "Fog");
        let _ = std::fs::remove_dir_all(&folder);
        // Where presets are looked for is a folder, without the name of a file.
        let folder = Shelf.exchange_folder();
        assert!(Shelf.exchange_path("Fog").strip_prefix(&folder) == Some("Fog.scumble.json"));
    }
}
