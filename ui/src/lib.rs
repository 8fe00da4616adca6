//! The editor of Scumble: paint on the live spectrogram, and see the machine keep time.
//!
//! Everything here runs on the editor's thread. The panels draw from plain data
//! ([`model::Snapshot`]) and act through [`host::EditorHost`].

pub mod axes;
pub mod brush;
pub mod canvas;
pub mod colour;
pub mod edit;
pub mod editor;
pub mod glue;
pub mod host;
pub mod keys;
pub mod layout;
pub mod model;
pub mod panels;
pub mod stroke;
pub mod theme;
pub mod units;
pub mod widgets;

pub use glue::link::{Instance, Presets, Window};
pub use glue::{ScumbleEditor, create_editor};
pub use model::Sound;
