//! What tests, benches and pictures of the editor share: a host made of plain data, and a renderer
//! on the CPU, so that a picture is the same on every machine and needs no GPU.

#![allow(dead_code)]

pub mod host;
pub mod picture;
pub mod raster;
pub mod scenes;
