//! The user's own presets: one file each, in the platform's folder. Editor and command line.

use std::path::{Path, PathBuf};

use crate::preset::{Preset, PresetError};

/// What a preset file's name ends in.
const ENDING: &str = ".scumble.json";
/// The preset that a new instance begins with; no preset can have this name.
const DEFAULT_FILE: &str = "_default.scumble.json";
/// Behind the name of a file that was put here by hand under a name of the factory's.
const OWN: &str = " (own)";
/// A larger file is no preset.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Names the file and says what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: std::io::Error },
    #[error("{path}: {error}")]
    Broken { path: PathBuf, error: PresetError },
    #[error(
        "{name:?} cannot be the name of a preset: it must be 1 to 80 characters, none of / \\ : * ? \" < > | and no leading dot or underscore"
    )]
    Name { name: String },
    #[error("{name:?} comes with Scumble: choose another name")]
    Factory { name: String },
    #[error("there is already a preset {name:?}")]
    Taken { name: String },
    #[error("there is no preset {name:?}")]
    Unknown { name: String },
    #[error("there is no home folder to keep presets in: set HOME or XDG_DATA_HOME")]
    NoFolder,
}

/// A folder of presets.
#[derive(Debug, Clone)]
pub struct PresetStore {
    folder: PathBuf,
}

impl PresetStore {
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The platform's folder for the user's data; `SCUMBLE_PRESETS` names another.
    pub fn user() -> Result<Self, StoreError> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        if let Some(folder) = var("SCUMBLE_PRESETS") {
            return Ok(Self::at(folder));
        }
        let folder = if cfg!(windows) {
            var("APPDATA").map(|p| p.join("Scumble").join("Presets"))
        } else if cfg!(target_os = "macos") {
            var("HOME").map(|p| p.join("Library/Application Support/Scumble/Presets"))
        } else {
            var("XDG_DATA_HOME")
                .or_else(|| var("HOME").map(|p| p.join(".local/share")))
                .map(|p| p.join("scumble/presets"))
        };
        folder.map(Self::at).ok_or(StoreError::NoFolder)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path_of(&self, name: &str) -> Result<PathBuf, StoreError> {
        let forbidden = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
        let good = !name.trim().is_empty()
            && name.trim() == name
            && name.chars().count() <= 80
            && !name.starts_with(['.', '_'])
            && !name.contains(forbidden);
        if !good {
            return Err(StoreError::Name { name: name.to_string() });
        }
        let place = |name: &str| self.folder.join(format!("{name}{ENDING}"));
        let behind = name.strip_suffix(OWN).filter(|name| is_factory(name)).map(place);
        let plain = place(name);
        Ok(behind.filter(|path| path.exists() && !plain.exists()).unwrap_or(plain))
    }

    /// The presets by name, and what is wrong with the files that are none. A missing folder is an
    /// empty one.
    pub fn list(&self) -> (Vec<Preset>, Vec<StoreError>) {
        let (mut presets, mut broken) = (Vec::new(), Vec::new());
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return (presets, broken) };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if !name.ends_with(ENDING) || name == DEFAULT_FILE {
                continue;
            }
            match read(&path) {
                Ok(mut preset) => {
                    // A file that was copied by hand goes by its new name.
                    preset.name = name.trim_end_matches(ENDING).to_string();
                    // By the factory's name it could not be asked for.
                    if is_factory(&preset.name) {
                        preset.name.push_str(OWN);
                    }
                    presets.push(preset);
                }
                Err(error) => broken.push(error),
            }
        }
        (presets, broken)
    }

    /// Whether saving under this name goes over a preset.
    pub fn has(&self, name: &str) -> bool {
        self.path_of(name).is_ok_and(|path| path.exists())
    }

    pub fn load(&self, name: &str) -> Result<Preset, StoreError> {
        let path = self.path_of(name)?;
        if !path.exists() {
            return Err(StoreError::Unknown { name: name.to_string() });
        }
        read(&path)
    }

    /// Where a preset of this name is put. Not under a name of the factory's: whoever asks for that gets
    /// the factory's.
    fn place_for(&self, name: &str) -> Result<PathBuf, StoreError> {
        if is_factory(name) {
            return Err(StoreError::Factory { name: name.to_string() });
        }
        self.path_of(name)
    }

    /// Saves, over an older preset of the same name if there is one.
    pub fn save(&self, preset: &Preset) -> Result<(), StoreError> {
        write(&self.place_for(&preset.name)?, preset)
    }

    pub fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        if self.place_for(to)?.exists() {
            return Err(StoreError::Taken { name: to.to_string() });
        }
        let mut preset = self.load(from)?;
        preset.name = to.to_string();
        self.save(&preset)?;
        self.delete(from)
    }

    pub fn delete(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path_of(name)?;
        if !path.exists() {
            return Err(StoreError::Unknown { name: name.to_string() });
        }
        std::fs::remove_file(&path).map_err(|error| StoreError::Io { path, error })
    }

    /// Copies a file from elsewhere into the store. A factory preset that was changed and exported comes
    /// back with a number behind its name.
    pub fn import(&self, path: &Path) -> Result<Preset, StoreError> {
        let mut preset = read(path)?;
        if is_factory(&preset.name) {
            let numbered = (2..).map(|n| format!("{} {n}", preset.name));
            let free = |name: &String| !is_factory(name) && !self.has(name);
            preset.name = numbered.into_iter().find(free).unwrap_or_default();
        }
        if self.path_of(&preset.name)?.exists() {
            return Err(StoreError::Taken { name: preset.name });
        }
        self.save(&preset)?;
        Ok(preset)
    }

    /// What a new instance begins with, if the user chose something.
    pub fn user_default(&self) -> Result<Option<Preset>, StoreError> {
        let path = self.folder.join(DEFAULT_FILE);
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    pub fn has_user_default(&self) -> bool {
        self.folder.join(DEFAULT_FILE).exists()
    }

    /// Makes this the sound of new instances; `None` goes back to the factory's.
    pub fn set_user_default(&self, preset: Option<&Preset>) -> Result<(), StoreError> {
        let path = self.folder.join(DEFAULT_FILE);
        match preset {
            Some(preset) => write(&path, preset),
            None if path.exists() => {
                std::fs::remove_file(&path).map_err(|error| StoreError::Io { path, error })
            }
            None => Ok(()),
        }
    }
}

/// Reads a preset from anywhere.
pub fn read(path: &Path) -> Result<Preset, StoreError> {
    let io = |error| StoreError::Io { path: path.to_owned(), error };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > MAX_BYTES {
        let error = PresetError(format!("{size} bytes; allowed are {MAX_BYTES}"));
        return Err(StoreError::Broken { path: path.to_owned(), error });
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    Preset::parse(&text).map_err(|error| StoreError::Broken { path: path.to_owned(), error })
}

fn is_factory(name: &str) -> bool {
    crate::factory_preset(name).is_some()
}

/// Writes beside the file first, so that a full disk leaves the old one whole.
pub fn write(path: &Path, preset: &Preset) -> Result<(), StoreError> {
    let io = |error| StoreError::Io { path: path.to_owned(), error };
    if path.is_dir() {
        return Err(io(std::io::Error::other("is a folder: name a file in it")));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    // Behind the whole name, which no other preset's can be.
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let written = std::fs::write(&beside, preset.to_text());
    written.and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        // Whatever there is of it is of no use.
        let _ = std::fs::remove_file(&beside);
        io(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let id = std::process::id();
            let path = std::env::temp_dir().join(format!("scumble-store-{name}-{id}"));
            let _ = std::fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn presets_live_through_saving_renaming_and_deleting() {
        let folder = Folder::new("life");
        let store = PresetStore::at(&folder.0);
        assert!(store.list().0.is_empty());
        let mut preset = crate::factory_presets().remove(2);
        preset.name = "Mine".into();
        store.save(&preset).expect("saved");
        assert_eq!(store.load("Mine").expect("loaded"), preset);
        assert!(store.has("Mine") && !store.has("Yours") && !store.has("../Mine"));
        store.rename("Mine", "Yours").expect("renamed");
        assert!(matches!(store.load("Mine"), Err(StoreError::Unknown { .. })));
        store.save(&preset).expect("saved again");
        assert!(matches!(store.rename("Mine", "Yours"), Err(StoreError::Taken { .. })));
        store.set_user_default(Some(&preset)).expect("set");
        assert_eq!(store.user_default().expect("read"), Some(preset));
        store.set_user_default(None).expect("unset");
        assert_eq!(store.user_default().expect("read"), None);
        store.delete("Yours").expect("deleted");
        assert_eq!(store.list().0.len(), 1);
    }

    #[test]
    fn a_name_of_the_factorys_is_never_an_own_presets() {
        let folder = Folder::new("factory");
        let store = PresetStore::at(&folder.0);
        let mut preset = crate::factory_presets().remove(2);
        let name = std::mem::replace(&mut preset.name, "Mine".into());
        store.save(&preset).expect("saved");
        assert!(matches!(store.rename("Mine", &name), Err(StoreError::Factory { .. })));
        assert!(store.has("Mine"), "nothing is lost");
        // Changed, exported under its old name, and imported twice.
        preset.name = name.clone();
        assert!(matches!(store.save(&preset), Err(StoreError::Factory { .. })));
        let path = folder.0.join("elsewhere").join("exported.json");
        write(&path, &preset).expect("exported");
        let named = |n| format!("{name} {n}");
        assert_eq!(store.import(&path).expect("imported").name, named(2));
        assert_eq!(store.import(&path).expect("again").name, named(3));
        assert_eq!(store.load(&named(2)).expect("loaded").strokes, preset.strokes);
    }

    #[test]
    fn a_file_that_has_a_name_of_the_factorys_is_found_under_another() {
        let folder = Folder::new("own");
        let store = PresetStore::at(&folder.0);
        let name = crate::factory_presets().remove(2).name;
        let by_hand = folder.0.join(format!("{name}{ENDING}"));
        let preset = Preset::new(&name);
        write(&by_hand, &preset).expect("written");
        let listed = store.list().0.remove(0).name;
        assert!(listed != name && store.has(&listed), "{listed}");
        assert_eq!(store.load(&listed).expect("loaded"), preset);
        store.rename(&listed, "Mine").expect("renamed");
        assert!(!by_hand.exists() && store.has("Mine") && !store.has(&listed));
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = Folder::new("unwritten");
        let taken = folder.0.join("Desktop");
        std::fs::create_dir_all(&taken).expect("made");
        std::fs::write(folder.0.join("Fog.part"), "a score").expect("written");
        let preset = Preset::new("Fog");
        let error = write(&taken, &preset).expect_err("a folder").to_string();
        assert!(error.contains("Desktop") && error.contains("name a file"), "{error}");
        write(&folder.0.join("Fog.json"), &preset).expect("written");
        let mut names: Vec<_> = std::fs::read_dir(&folder.0)
            .expect("read")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["Desktop", "Fog.json", "Fog.part"]);
        assert_eq!(std::fs::read_to_string(folder.0.join("Fog.part")).expect("read"), "a score");
    }

    #[test]
    fn a_broken_file_is_named_and_skipped() {
        let folder = Folder::new("broken");
        let store = PresetStore::at(&folder.0);
        let mut preset = Preset::new("Good");
        store.save(&preset).expect("saved");
        std::fs::write(folder.0.join("Bad.scumble.json"), "{").expect("written");
        let (presets, broken) = store.list();
        assert_eq!(presets.len(), 1);
        assert_eq!(broken.len(), 1);
        assert!(broken[0].to_string().contains("Bad.scumble.json"));
        for name in ["", "../x", "a/b", ".hidden", "_default", " x", "x\n"] {
            preset.name = name.into();
            assert!(matches!(store.save(&preset), Err(StoreError::Name { .. })), "{name:?}");
        }
    }
}
