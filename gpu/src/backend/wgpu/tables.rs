//! Constant tables of the kernels, computed in f64 and rounded once.

use std::f64::consts::TAU;

use super::shaders::Transform;

/// exp(-2 pi i m / n) for m in 0..n, for every size, one after the other: the layout that
/// [`Transform::twiddles`] points into.
pub fn twiddles() -> Vec<[f32; 2]> {
    let mut table = Vec::with_capacity(2 * crate::backend::layout::MAX_N);
    for n in Transform::all() {
        debug_assert_eq!(Transform::new(n).map(|t| t.twiddles), Some(table.len()));
        table.extend((0..n).map(|m| {
            let (sin, cos) = (TAU * m as f64 / n as f64).sin_cos();
            [cos as f32, -sin as f32]
        }));
    }
    table
}

/// Twiddles of all sizes, then the kernels of the warp (`scumble_dsp::effect::warp`), two taps an
/// element: what every session shares at the beginning of the tables buffer.
pub fn shared() -> Vec<[f32; 2]> {
    let mut table = twiddles();
    debug_assert_eq!(table.len(), super::shaders::WARP_KERNELS);
    let kernels = scumble_dsp::effect::warp::kernel_table();
    table.extend(kernels.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
    table
}

/// A window as the kernels read it: two samples an element.
pub fn pairs(window: &[f32]) -> impl Iterator<Item = [f32; 2]> + '_ {
    window.chunks_exact(2).map(|pair| [pair[0], pair[1]])
}
