//! Everything that Scumble does to sound, once, on the CPU, exact and fast.
//!
//! The one idea (DESIGN 1): a processed frame is a pure function of a finite window of input, of
//! the [`FrameParams`] of that frame and of one column of the painted [`Field`]. This crate holds
//! that function. It is the reference for the GPU, the rescue on the audio thread, the offline
//! renderer and the engine of machines without a GPU. It knows no threads (but for the batch form
//! of whole files), no GPU and no plugin API.

pub mod batch;
pub mod colour;
pub mod denormals;
pub mod effect;
pub mod field;
pub mod frame;
pub mod framer;
pub mod intake;
pub mod math;
pub mod mix;
pub mod quality;
pub mod raster;
pub mod settings;
pub mod stft;
pub mod store;
pub mod stroke;
pub mod texture;
pub mod transform;
pub mod twin;
pub mod window;

pub use colour::ColourMap;
pub use field::{Column, Field, FieldSpec, LANES, Lane};
pub use frame::{FrameParams, flag};
pub use framer::{Framer, Playhead};
pub use quality::{Quality, SpecError, TAPS, WindowSpec};
pub use settings::EffectSettings;
pub use stroke::{Anchor, Canvas, Stroke, StrokeKind, StrokePoint};
pub use twin::{Twin, TwinError};
pub use window::{WindowShape, Windows};
