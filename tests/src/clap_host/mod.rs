//! A small CLAP host on clack-host: what a DAW does with the bundled file, without the DAW.
//!
//! Threads: a [`Plugin`] stays on the thread that made it, the host's main thread; a [`Processor`]
//! is the audio thread's end and may be sent there. CLAP's own rule is thereby in the types.

mod gui;
mod handlers;
mod processor;

pub use gui::{Gui, GuiSize};
pub use handlers::Notes;
pub use processor::{Blocks, ParamEvent, Processor, TailLength, Transport};

use std::ffi::{CStr, CString};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::prelude::*;

use handlers::{Handlers, MainThread, Shared};

/// Scumble's CLAP id.
pub const SCUMBLE_ID: &str = "org.scumble.scumble";

/// What went wrong between this host and a plugin.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("{path} cannot be loaded as a CLAP bundle: {reason}")]
    Load { path: PathBuf, reason: String },
    #[error("the bundle holds no plugin {asked:?}; it holds {found:?}")]
    NoSuchPlugin { asked: String, found: Vec<String> },
    #[error("the plugin refused to {what}: {reason}")]
    Refused { what: &'static str, reason: String },
    #[error("the plugin has no extension {0}")]
    NoExtension(&'static str),
    #[error("the plugin has no parameter {0:?}")]
    NoParameter(String),
    #[error("the plugin has no layout of {0} channels")]
    NoLayout(u32),
}

fn refused(what: &'static str) -> impl Fn(PluginInstanceError) -> HostError {
    move |error| HostError::Refused { what, reason: error.to_string() }
}

/// What a scan shows of one plugin in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    pub id: String,
    pub name: String,
    pub vendor: String,
    pub version: String,
    pub features: Vec<String>,
}

/// A loaded library. Plugins keep it mapped for as long as they live.
#[derive(Clone)]
pub struct Bundle {
    entry: PluginEntry,
}

impl Bundle {
    /// Loads a `.clap` file.
    pub fn load(path: &Path) -> Result<Self, HostError> {
        // SAFETY: the file is a CLAP library that we built ourselves; loading it runs its
        // constructors, which have no other precondition.
        let entry = unsafe { PluginEntry::load(path) }
            .map_err(|e| HostError::Load { path: path.to_owned(), reason: e.to_string() })?;
        Ok(Self { entry })
    }

    /// What a host's scan finds.
    pub fn scan(&self) -> Vec<Descriptor> {
        let text = |s: Option<&CStr>| s.map(|s| s.to_string_lossy().into_owned());
        let Some(factory) = self.entry.get_plugin_factory() else { return Vec::new() };
        factory
            .plugin_descriptors()
            .map(|d| Descriptor {
                id: text(d.id()).unwrap_or_default(),
                name: text(d.name()).unwrap_or_default(),
                vendor: text(d.vendor()).unwrap_or_default(),
                version: text(d.version()).unwrap_or_default(),
                features: d.features().map(|f| f.to_string_lossy().into_owned()).collect(),
            })
            .collect()
    }

    /// Makes an instance of the plugin with this id, with the calling thread as main thread.
    pub fn create(&self, id: &str) -> Result<Plugin, HostError> {
        let c_id = CString::new(id).unwrap_or_default();
        let info = HostInfo::new("Scumble test host", "Scumble", "", env!("CARGO_PKG_VERSION"))
            .expect("host names hold no nul byte");
        let notes = Arc::new(Notes::here());
        let (for_shared, for_main) = (notes.clone(), notes.clone());
        let instance = PluginInstance::<Handlers>::new(
            move |()| Shared { notes: for_shared },
            move |_| MainThread { notes: for_main },
            &self.entry,
            &c_id,
            &info,
        )
        .map_err(|e| match e {
            PluginInstanceError::PluginNotFound => HostError::NoSuchPlugin {
                asked: id.to_owned(),
                found: self.scan().into_iter().map(|d| d.id).collect(),
            },
            e => refused("be created")(e),
        })?;
        Ok(Plugin { instance, notes, channels: 2 })
    }

    /// Makes an instance of Scumble.
    pub fn scumble(&self) -> Result<Plugin, HostError> {
        self.create(SCUMBLE_ID)
    }
}

/// One parameter as the host sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub id: ClapId,
    pub name: String,
    pub module: String,
    pub min: f64,
    pub max: f64,
    pub default: f64,
    pub automatable: bool,
    pub stepped: bool,
}

/// The host's number for a parameter with this stable id, as nice-plug derives it.
pub fn param_id(stable: &str) -> ClapId {
    let hash = stable.bytes().fold(0u32, |h, b| h.wrapping_mul(31).wrapping_add(b.into()));
    ClapId::new(hash & !(1 << 31))
}

/// One instance, on the host's main thread.
pub struct Plugin {
    instance: PluginInstance<Handlers>,
    notes: Arc<Notes>,
    channels: u32,
}

impl Plugin {
    /// What the plugin has asked of the host so far. May be kept and read from any thread.
    pub fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    fn extension<E>(&mut self, name: &'static str) -> Result<E, HostError>
    where
        E: clack_host::extensions::prelude::Extension<
                ExtensionSide = clack_host::extensions::prelude::PluginExtensionSide,
            >,
    {
        self.instance.plugin_handle().get_extension().ok_or(HostError::NoExtension(name))
    }

    /// Lets the plugin do what it has asked to do on the main thread. True if it had asked.
    pub fn run_callbacks(&mut self) -> bool {
        let asked = self.notes.take_callback();
        if asked {
            self.instance.call_on_main_thread_callback();
        }
        asked
    }

    /// Chooses the layout with this many channels in and out. Only while inactive.
    pub fn set_channels(&mut self, channels: u32) -> Result<(), HostError> {
        let configs: PluginAudioPortsConfig = self.extension("audio-ports-config")?;
        let handle = self.instance.plugin_handle();
        let mut buffer = AudioPortsConfigBuffer::new();
        for index in 0..configs.count(&handle) {
            let Some(config) = configs.get(&handle, index, &mut buffer) else { continue };
            let is = |port: Option<clack_extensions::audio_ports_config::MainPortInfo>| {
                port.is_some_and(|p| p.channel_count == channels)
            };
            if is(config.main_input) && is(config.main_output) {
                let id = config.id;
                configs.select(&handle, id).map_err(|_| HostError::NoLayout(channels))?;
                self.channels = channels;
                return Ok(());
            }
        }
        Err(HostError::NoLayout(channels))
    }

    /// Tells the plugin whether it renders offline.
    pub fn set_offline(&mut self, offline: bool) -> Result<(), HostError> {
        let render: PluginRender = self.extension("render")?;
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&self.instance.plugin_handle(), mode).map_err(|e| HostError::Refused {
            what: "change its render mode",
            reason: e.to_string(),
        })
    }

    /// Activates for this rate and blocks of up to `max_block` samples.
    pub fn activate(&mut self, sample_rate: f64, max_block: u32) -> Result<Processor, HostError> {
        let configuration = PluginAudioConfiguration {
            sample_rate,
            min_frames_count: 1,
            max_frames_count: max_block,
        };
        let audio =
            self.instance.activate(|_, _| (), configuration).map_err(refused("activate"))?;
        Ok(Processor::new(
            audio.into(),
            self.notes.clone(),
            self.channels as usize,
            max_block as usize,
        ))
    }

    /// Stops and deactivates.
    pub fn deactivate(&mut self, processor: Processor) {
        self.instance.deactivate(processor.into_stopped());
    }

    /// What a host does when a plugin asks for a restart: deactivate, activate.
    pub fn restart(
        &mut self,
        processor: Processor,
        sample_rate: f64,
        max_block: u32,
    ) -> Result<Processor, HostError> {
        self.deactivate(processor);
        self.notes.take_restart();
        self.activate(sample_rate, max_block)
    }

    /// Reported latency in samples; meaningful while active.
    pub fn latency(&mut self) -> Result<usize, HostError> {
        let latency: PluginLatency = self.extension("latency")?;
        Ok(latency.get(&self.instance.plugin_handle()) as usize)
    }

    /// All parameters in the plugin's order.
    pub fn params(&mut self) -> Result<Vec<Param>, HostError> {
        let params: PluginParams = self.extension("params")?;
        let handle = self.instance.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((0..params.count(&handle))
            .filter_map(|index| {
                let info = params.get_info(&handle, index, &mut buffer)?;
                Some(Param {
                    id: info.id,
                    name: text(info.name),
                    module: text(info.module),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    automatable: info.flags.contains(ParamInfoFlags::IS_AUTOMATABLE),
                    stepped: info.flags.contains(ParamInfoFlags::IS_STEPPED),
                })
            })
            .collect())
    }

    /// A parameter's value, in the host's range (normalised, for stepped ones the step).
    pub fn value(&mut self, stable: &str) -> Result<f64, HostError> {
        self.value_of(param_id(stable)).map_err(|_| HostError::NoParameter(stable.to_owned()))
    }

    pub fn value_of(&mut self, id: ClapId) -> Result<f64, HostError> {
        let params: PluginParams = self.extension("params")?;
        params
            .get_value(&self.instance.plugin_handle(), id)
            .ok_or_else(|| HostError::NoParameter(id.to_string()))
    }

    /// Every parameter's value, in the order of [`Plugin::params`].
    pub fn values(&mut self) -> Result<Vec<(ClapId, f64)>, HostError> {
        let ids: Vec<_> = self.params()?.into_iter().map(|p| p.id).collect();
        ids.into_iter().map(|id| Ok((id, self.value_of(id)?))).collect()
    }

    /// The text a value is shown as.
    pub fn text_of(&mut self, id: ClapId, value: f64) -> Result<String, HostError> {
        let params: PluginParams = self.extension("params")?;
        let mut buffer = [0; 256];
        let text = params
            .value_to_text(&self.instance.plugin_handle(), id, value, &mut buffer)
            .map_err(|_| HostError::NoParameter(id.to_string()))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The value that a text stands for, if it is one.
    pub fn parse(&mut self, id: ClapId, text: &str) -> Result<Option<f64>, HostError> {
        let params: PluginParams = self.extension("params")?;
        let text = CString::new(text).unwrap_or_default();
        Ok(params.text_to_value(&self.instance.plugin_handle(), id, &text))
    }

    /// Sets parameters while inactive, as a host does with a stopped track.
    pub fn set_inactive(&mut self, changes: &[(ClapId, f64)]) -> Result<(), HostError> {
        let params: PluginParams = self.extension("params")?;
        let mut handle = self.instance.inactive_plugin_handle().ok_or(HostError::Refused {
            what: "take parameters without processing",
            reason: "it is active".into(),
        })?;
        let mut events = EventBuffer::new();
        for &(id, value) in changes {
            events.push(&ParamEvent { time: 0, id, value }.to_clap());
        }
        params.flush(&mut handle, &events.as_input(), &mut OutputEvents::void());
        Ok(())
    }

    /// The plugin's state as bytes.
    pub fn save(&mut self) -> Result<Vec<u8>, HostError> {
        let state: PluginState = self.extension("state")?;
        let mut bytes = Vec::new();
        state
            .save(&self.instance.plugin_handle(), &mut bytes)
            .map_err(|e| HostError::Refused { what: "save its state", reason: e.to_string() })?;
        Ok(bytes)
    }

    /// Loads state bytes. An error means that the plugin refused them.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        let state: PluginState = self.extension("state")?;
        state
            .load(&self.instance.plugin_handle(), &mut Cursor::new(bytes))
            .map_err(|e| HostError::Refused { what: "load this state", reason: e.to_string() })
    }

    /// The editor's side of the plugin.
    pub fn gui(&mut self) -> Result<Gui<'_>, HostError> {
        Gui::of(&mut self.instance)
    }
}
