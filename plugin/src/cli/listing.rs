//! `scumble schema` and `scumble presets`.

use clap::Args;
use scumble_params::{PresetStore, factory_presets};

use super::CliError;

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
        None => println!("{}", names.join("\n")),
        Some(name) => {
            let found = schemas.iter().find(|s| name_of(&s.file_name) == *name);
            let schema = found.ok_or_else(|| {
                CliError::new(format!(
                    "there is no schema {name:?}; there are {}",
                    names.join(", ")
                ))
            })?;
            print!("{}", schema.text());
        }
    }
    Ok(())
}

#[derive(Args)]
pub struct PresetsArgs {
    /// Print this preset's file; without a name they are listed.
    name: Option<String>,
}

pub fn presets(args: &PresetsArgs) -> Result<(), CliError> {
    let factory = factory_presets();
    let store = PresetStore::user();
    if let Some(name) = &args.name {
        if let Some(preset) = factory.iter().find(|p| p.name == *name) {
            println!("{}", preset.to_text());
            return Ok(());
        }
        let preset = store.and_then(|store| store.load(name));
        println!("{}", preset.map_err(|e| CliError::new(e.to_string()))?.to_text());
        return Ok(());
    }
    for preset in &factory {
        println!("{}", preset.name);
    }
    if let Ok(store) = store {
        let (own, broken) = store.list();
        for preset in own {
            println!("{} (yours)", preset.name);
        }
        for error in broken {
            eprintln!("skipped {error}");
        }
    }
    Ok(())
}
