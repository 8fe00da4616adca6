//! What a transform refuses: what was given, and what is allowed.

use std::ops::RangeInclusive;

use super::Shape;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TransformError {
    #[error("{what} of {given}: allowed is {low} to {high}")]
    Parameter { what: &'static str, given: f64, low: f64, high: f64 },
    #[error(
        "the highest filter reaches up to {reaches:.1} Hz: allowed is {nyquist:.1} Hz, half the sample rate"
    )]
    AboveNyquist { reaches: f64, nyquist: f64 },
    #[error(
        "a longest filter of {given:.0} samples: allowed is {allowed}; use fewer bins per octave, a larger gamma or a higher lowest frequency"
    )]
    TooLongFilter { given: f64, allowed: usize },
    #[error("a signal of {given} samples: this transform was made for at most {allowed}")]
    TooLongSignal { given: usize, allowed: usize },
    #[error("{given} values: {bins} bins of {frames} frames and {extra} more make {allowed}")]
    Room { given: usize, bins: usize, frames: usize, extra: usize, allowed: usize },
    #[error("a window of {given} samples: allowed is {allowed}")]
    Window { given: usize, allowed: usize },
    #[error("room for {given} levels: allowed is {allowed}, one for each bin")]
    Levels { given: usize, allowed: usize },
    #[error("{transform} cannot be turned back into sound: what it leaves out is lost")]
    NoInverse { transform: &'static str },
}

/// The sample rates that every transform takes.
pub const SAMPLE_RATES: RangeInclusive<f64> = 8_000.0..=192_000.0;

/// NaN is in no range, so it is refused as well.
pub fn within(
    what: &'static str,
    given: f64,
    allowed: RangeInclusive<f64>,
) -> Result<(), TransformError> {
    if allowed.contains(&given) {
        return Ok(());
    }
    Err(TransformError::Parameter { what, given, low: *allowed.start(), high: *allowed.end() })
}

pub fn room(given: usize, shape: Shape) -> Result<(), TransformError> {
    let Shape { bins, frames, extra } = shape;
    let allowed = shape.values();
    if given == allowed {
        return Ok(());
    }
    Err(TransformError::Room { given, bins, frames, extra, allowed })
}

pub fn view_room(
    window: usize,
    window_allowed: usize,
    levels: usize,
    bins: usize,
) -> Result<(), TransformError> {
    if window != window_allowed {
        return Err(TransformError::Window { given: window, allowed: window_allowed });
    }
    if levels != bins {
        return Err(TransformError::Levels { given: levels, allowed: bins });
    }
    Ok(())
}
