//! The wrapper's editor, with a window that is gone once it is closed.
//!
//! On X11 a window has a thread of its own, and baseview joins it when the window is dropped, but
//! not always: when the thread is drawing as it is told to stop, baseview's last request to it goes
//! unanswered and the thread is left to end by itself. A host that then unloads the library or ends
//! pulls the code, or the graphics driver, away from under it. So the thread marks itself here, and
//! closing waits for the mark to fall.

use std::cell::RefCell;
use std::error::Error;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{
    Editor, EditorHandle, HostMethods, Modifiers, ParentWindowHandle, ResizeHint, SpawnedEditor,
    VirtualKeyCode,
};
use nice_plug::plugin::TrackInfo;
use nice_plug_egui::{EguiEditor, EguiEditorHandle, baseview};

use super::App;

/// A thread that hangs in a graphics driver must not hang the host with it for longer.
const LIMIT: Duration = Duration::from_secs(5);

thread_local! {
    /// Dropped after all else that the window's thread does.
    static MARK: RefCell<Option<SyncSender<()>>> = const { RefCell::new(None) };
}

/// Where the next window's mark waits for its thread.
#[derive(Clone, Default)]
pub(super) struct Marks(Arc<Mutex<Option<SyncSender<()>>>>);

impl Marks {
    /// Lays a mark ready for the window that is about to be made.
    fn lay(&self) -> Ended {
        let (mark, fallen) = sync_channel(1);
        self.put(Some(mark));
        Ended { marks: self.clone(), fallen }
    }

    /// The window's thread takes its mark. Elsewhere than on X11 this is the host's own thread,
    /// which does not end with the window: there the mark falls at once.
    pub(super) fn take(&self) {
        let mark = self.put(None);
        if cfg!(target_os = "linux") {
            MARK.with(|held| *held.borrow_mut() = mark);
        }
    }

    fn put(&self, mark: Option<SyncSender<()>>) -> Option<SyncSender<()>> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), mark)
    }
}

/// Waits, when dropped, until the window's thread has ended.
struct Ended {
    marks: Marks,
    fallen: Receiver<()>,
}

impl Ended {
    /// Waits until the mark has fallen; `false` if it did not in time.
    fn wait(&self) -> bool {
        // No thread took it if the window could not be made.
        drop(self.marks.put(None));
        self.fallen.recv_timeout(LIMIT) == Err(RecvTimeoutError::Disconnected)
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.wait();
    }
}

/// The editor type that the plugin names.
pub struct ScumbleEditor {
    pub(super) egui: EguiEditor<App>,
    pub(super) marks: Marks,
}

impl Editor for ScumbleEditor {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Handle>, Box<dyn Error>> {
        let ended = self.marks.lay();
        let made =
            self.egui.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)?;
        Ok(SpawnedEditor {
            handle: Handle(made.handle),
            window: Window { window: made.window, _ended: ended },
        })
    }

    fn size(&self) -> NativeSize<u32> {
        self.egui.size()
    }

    fn resize_hint(&self) -> ResizeHint {
        self.egui.resize_hint()
    }

    fn track_info_updated(&self, info: TrackInfo) {
        self.egui.track_info_updated(info);
    }
}

/// An open window. Dropped in this order: told to close, then waited for.
pub struct Window {
    window: baseview::Window,
    _ended: Ended,
}

/// What the wrapper speaks to while the window is open: everything goes to egui's own.
pub struct Handle(EguiEditorHandle);

impl EditorHandle for Handle {
    type Window = Window;
    type Error = baseview::Error;

    fn run_until_closed(window: Window) -> Result<(), Self::Error> {
        window.window.run_until_closed()
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &Window) -> Result<(), Self::Error> {
        self.0.set_parent(parent, &window.window)
    }

    fn show(&self, window: &Window) -> Result<(), Self::Error> {
        self.0.show(&window.window)
    }

    fn hide(&self, window: &Window) -> Result<(), Self::Error> {
        self.0.hide(&window.window)
    }

    fn host_main_thread_callback(&self, window: &Window) {
        self.0.host_main_thread_callback(&window.window);
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Window) -> Result<(), Self::Error> {
        self.0.set_size(size, &window.window)
    }

    fn set_fallback_scale_factor(&self, factor: f64, window: &Window) -> Result<(), Self::Error> {
        self.0.set_fallback_scale_factor(factor, &window.window)
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &Window) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, &window.window)
    }

    fn on_virtual_key_from_host(&self, key: VirtualKeyCode, down: bool, with: Modifiers) -> bool {
        self.0.on_virtual_key_from_host(key, down, with)
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized_value: f32) {
        self.0.param_value_changed(id, normalized_value);
    }

    fn param_modulation_changed(&self, id: &str, modulation_offset: f32) {
        self.0.param_modulation_changed(id, modulation_offset);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn closing_waits_until_the_windows_thread_is_through() {
        let marks = Marks::default();
        let ended = marks.lay();
        let (taken, through) = (sync_channel(1), Arc::new(AtomicBool::new(false)));
        let thread = {
            let through = Arc::clone(&through);
            std::thread::Builder::new().spawn(move || {
                marks.take();
                taken.0.send(()).expect("the test waits");
                std::thread::sleep(Duration::from_millis(100));
                through.store(true, Ordering::Release);
            })
        };
        taken.1.recv().expect("the thread took its mark");
        assert!(ended.wait());
        assert!(through.load(Ordering::Acquire), "closed while the thread still ran");
        thread.expect("a thread").join().expect("no panic");
    }

    #[test]
    fn a_window_that_was_never_made_is_not_waited_for() {
        assert!(Marks::default().lay().wait());
    }
}
