//! The engine between the audio callback and whatever computes the sound: synchronisation that
//! never makes the callback wait (`sync`), its configuration and commands with their schemas, and
//! the one worker with its backends that serves all instances (`engine`).
//!
//! `sync`, `config`, `command`, `engine` and the CPU backend need no GPU and build with
//! `--no-default-features`; everything that touches wgpu sits behind the feature `wgpu`.
#![cfg_attr(rtsan, feature(sanitize))]

#[cfg(not(loom))]
pub mod backend;
pub mod command;
#[cfg(not(loom))]
pub mod compute;
pub mod config;
#[cfg(not(loom))]
pub mod engine;
#[cfg(not(loom))]
pub mod profile;
pub mod sync;
#[cfg(all(feature = "wgpu", not(loom)))]
pub mod unified;
#[cfg(not(loom))]
mod worker;
