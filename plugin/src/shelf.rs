//! Presets as the editor asks for them: those that come with Scumble and the user's own.

use scumble_params::{Preset, PresetStore, factory_presets};
use scumble_ui::glue::link::Presets;
use scumble_ui::model::{ParamId, PresetEntry, Sound};

/// Factory and user presets, by name.
pub struct Shelf;

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
        if let Some(preset) = factory_presets().iter().find(|p| p.name == name) {
            return Ok(Self::sound_of(preset));
        }
        self.store()?.load(name).map(|p| Self::sound_of(&p)).map_err(|e| e.to_string())
    }

    fn save(&self, name: &str, sound: &Sound) -> Result<(), String> {
        if factory_presets().iter().any(|p| p.name == name) {
            return Err(format!("{name:?} comes with Scumble: choose another name"));
        }
        self.store()?.save(&Self::preset_of(name, sound)).map_err(|e| e.to_string())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        self.store()?.rename(from, to).map_err(|e| e.to_string())
    }

    fn delete(&self, name: &str) -> Result<(), String> {
        self.store()?.delete(name).map_err(|e| e.to_string())
    }

    fn exchange_path(&self, name: &str) -> String {
        let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        let folder = home.map(std::path::PathBuf::from).unwrap_or_default();
        folder.join(format!("{name}.scumble.json")).display().to_string()
    }

    fn import(&self, path: &str) -> Result<String, String> {
        let preset = self.store()?.import(path.as_ref()).map_err(|e| e.to_string())?;
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
        scumble_params::write_preset(path.as_ref(), &Self::preset_of(name, sound))
            .map_err(|e| e.to_string())
    }
}
