//! `scumble schema` and `scumble presets`.

use clap::Args;
use scumble_params::{Preset, PresetStore, factory_preset, factory_presets};

use super::{CliError, say};

#[derive(Args)]
pub struct SchemaArgs {
    /// Which one; without a name they are listed.
    name: Option<String>,
}

pub fn schema(args: &SchemaArgs) -> Result<(), CliError> {
    let schemas = scumble_gpu::config::schemas();
    let name_of = |file: &str| file.trim_end_matches(".schema.json").to_string();
    let names: Vec<String> = schemas.iter().map(|s| name_of(&s.file_name)).collect();
    match &args.name {
        None => say(names.join("\n")),
        Some(name) => {
            let found = schemas.iter().find(|s| name_of(&s.file_name) == *name);
            let schema = found.ok_or_else(|| {
                CliError::words(format!(
                    "there is no schema {name:?}; there are {}",
                    names.join(", ")
                ))
            })?;
            say(schema.text().trim_end())
        }
    }
}

#[derive(Args)]
pub struct PresetsArgs {
    /// Print this preset's file; without a name they are listed.
    name: Option<String>,
    /// Have new instances begin with the named preset.
    #[arg(long, requires = "name", conflicts_with = "clear_default")]
    default: bool,
    /// Have new instances begin neutral again.
    #[arg(long)]
    clear_default: bool,
}

fn find(name: &str) -> Result<Preset, CliError> {
    factory_preset(name)
        .map_or_else(|| Ok(PresetStore::user().and_then(|store| store.load(name))?), Ok)
}

pub fn presets(args: &PresetsArgs) -> Result<(), CliError> {
    if args.clear_default {
        PresetStore::user()?.set_user_default(None)?;
        return say("New instances begin neutral.");
    }
    if let Some(name) = &args.name {
        let preset = find(name)?;
        if args.default {
            PresetStore::user()?.set_user_default(Some(&preset))?;
            return say(format_args!("New instances begin with {name}."));
        }
        return say(preset.to_text());
    }
    for preset in &factory_presets() {
        say(&preset.name)?;
    }
    if let Ok(store) = PresetStore::user() {
        let (own, broken) = store.list();
        for preset in own {
            say(format_args!("{} (yours)", preset.name))?;
        }
        for error in broken {
            super::tell(format_args!("skipped {error}"));
        }
    }
    Ok(())
}
