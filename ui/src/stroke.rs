//! Strokes, as `dsp` knows them: x is the position in the loop, y is octaves above 20 Hz.

pub use scumble_dsp::stroke::{Stroke, StrokeKind, StrokePoint};
