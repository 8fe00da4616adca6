//! The window's size as the host counts it: pixels, on macOS points.
//!
//! Asked by the host on its own thread, at any time; noted on the window's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nice_plug::editor::dpi::{LogicalSize, NativeSize, PhysicalSize, Size};
use nice_plug::editor::{ResizeHint, SizeConstraints};
use nice_plug_egui::baseview::WindowSize;
use scumble_params::EditorLook;

use crate::layout::MIN_SIZE;

pub(super) fn resize_hint() -> ResizeHint {
    ResizeHint {
        can_resize: true,
        can_resize_horizontally: true,
        can_resize_vertically: true,
        size_constraints: SizeConstraints::Logical {
            min_size: Some(LogicalSize::new(MIN_SIZE[0], MIN_SIZE[1])),
            max_size: None,
        },
        ..ResizeHint::NON_RESIZABLE
    }
}

/// The window's size as the editor counts it. Not egui's own figure, which is another in the first
/// frame with a zoom.
pub(super) fn points(window: &WindowSize, zoom: f32) -> [f32; 2] {
    let size: LogicalSize<f32> = window.physical.to_logical(window.scale_factor * f64::from(zoom));
    [size.width, size.height]
}

#[derive(Default)]
struct Last {
    pixels: Option<PhysicalSize<u32>>,
    /// Pixels in a point of the display; kept beyond the window, for it will open there again.
    scale: Option<f64>,
}

/// What was last seen of the window.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Last>>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, window: &WindowSize) {
        *self.lock() = Last { pixels: Some(window.physical), scale: Some(window.scale_factor) };
    }

    pub(super) fn note_pixels(&self, pixels: PhysicalSize<u32>) {
        self.lock().pixels = Some(pixels);
    }

    /// Another window is about to open.
    pub(super) fn forget(&self) {
        self.lock().pixels = None;
    }

    /// The size of the open window, or else the size that one would open with.
    pub(super) fn native(&self, open: bool, look: &EditorLook) -> NativeSize<u32> {
        let last = self.lock();
        let size = match last.pixels.filter(|_| open) {
            Some(pixels) => Size::Physical(pixels),
            None => {
                let zoomed = |points: u32| f64::from(points) * f64::from(look.zoom);
                LogicalSize::new(zoomed(look.width), zoomed(look.height)).into()
            }
        };
        NativeSize::from_size(size, last.scale.unwrap_or(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_window_is_as_large_as_it_is_and_a_closed_one_as_it_will_be() {
        let look = EditorLook { width: 1400, height: 900, zoom: 1.5, ..EditorLook::default() };
        let seen = Seen::default();
        let native = |open| {
            let size = seen.native(open, &look);
            [size.width, size.height]
        };
        assert_eq!(native(false), [2100, 1350]);
        assert_eq!(native(true), [2100, 1350], "nothing was drawn yet");
        if cfg!(target_os = "macos") {
            return;
        }
        let window = |size| WindowSize::from_physical(size, 2.0);
        seen.note(&window(PhysicalSize::new(3000, 2000)));
        assert_eq!(native(true), [3000, 2000]);
        seen.note_pixels(PhysicalSize::new(3100, 2000));
        assert_eq!(native(true), [3100, 2000]);
        // The display has two pixels a point.
        assert_eq!(native(false), [4200, 2700]);
        seen.forget();
        assert_eq!(native(true), [4200, 2700]);
    }
}
