//! Hosts to test Scumble in, and what the tests and the demonstration share.
//!
//! - [`clap_host`]: a CLAP host on clack-host.
//! - [`vst3_host`]: a VST3 host of our own, for the editor.
//! - [`demo`]: the demonstration of `cargo xtask demo`.
//! - [`project`]: saved states, changed by hand.
//! - [`signal`]: test signals, nulls.
//! - [`stress`]: the editor opened and closed under automation.
//! - [`painting`]: a hand that paints in the editor while a host plays.
//! - [`xvfb`], [`x11`]: a display, and what a person does in front of it.
//! - [`jack`]: an audio server.
//! - [`child`]: other programs with a time limit.
//! - [`locate`]: where the bundles, the standalone and Python lie.

pub mod child;
pub mod clap_host;
pub mod demo;
#[cfg(target_os = "linux")]
pub mod jack;
pub mod locate;
#[cfg(target_os = "linux")]
pub mod painting;
pub mod project;
pub mod signal;
#[cfg(target_os = "linux")]
pub mod stress;
#[cfg(target_os = "linux")]
pub mod vst3_host;
#[cfg(target_os = "linux")]
pub mod x11;
#[cfg(target_os = "linux")]
pub mod xvfb;
