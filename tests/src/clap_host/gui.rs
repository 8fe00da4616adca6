//! The editor of a CLAP plugin, embedded in an X11 window of ours.

use std::ffi::c_ulong;

pub use clack_extensions::gui::GuiSize;
use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui, Window};
use clack_host::prelude::*;

use super::HostError;
use super::handlers::Handlers;

const X11: GuiConfiguration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };

fn refused(what: &'static str) -> impl Fn(clack_extensions::gui::GuiError) -> HostError {
    move |error| HostError::Refused { what, reason: error.to_string() }
}

/// Main thread only: it borrows the instance.
pub struct Gui<'a> {
    gui: PluginGui,
    plugin: PluginMainThreadHandle<'a>,
}

impl<'a> Gui<'a> {
    pub(super) fn of(instance: &'a mut PluginInstance<Handlers>) -> Result<Self, HostError> {
        let plugin = instance.plugin_handle();
        let gui = plugin.get_extension().ok_or(HostError::NoExtension("gui"))?;
        Ok(Self { gui, plugin })
    }

    /// Whether the editor can be embedded in an X11 window.
    pub fn supports_x11(&self) -> bool {
        self.gui.is_api_supported(&self.plugin, X11)
    }

    /// Opens the editor inside this X11 window.
    pub fn open(&self, parent: u32) -> Result<(), HostError> {
        self.gui.create(&self.plugin, X11).map_err(refused("create its editor"))?;
        // SAFETY: the caller owns the window and closes the editor before destroying it.
        unsafe { self.gui.set_parent(&self.plugin, Window::from_x11_handle(parent as c_ulong)) }
            .map_err(refused("attach its editor"))?;
        self.gui.show(&self.plugin).map_err(refused("show its editor"))
    }

    /// Size in pixels.
    pub fn size(&self) -> Option<GuiSize> {
        self.gui.get_size(&self.plugin)
    }

    pub fn can_resize(&self) -> bool {
        self.gui.can_resize(&self.plugin)
    }

    pub fn set_size(&self, size: GuiSize) -> Result<(), HostError> {
        self.gui.set_size(&self.plugin, size).map_err(refused("resize its editor"))
    }

    /// Closes the editor.
    pub fn close(&self) {
        self.gui.destroy(&self.plugin);
    }
}
