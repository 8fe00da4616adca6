//! The wrapper's editor, with a window that opens as it was left and is gone once it is closed.
//!
//! The wrappers make the editor before any state has arrived, and egui's editor keeps the size that it
//! was made with; so each opening makes one, of the size that the document names by then.
//!
//! On X11 a window has a thread of its own, and baseview joins it when the window is dropped, but
//! not always: when the thread is drawing as it is told to stop, baseview's last request to it goes
//! unanswered and the thread is left to end by itself. A host that then unloads the library or ends
//! pulls the code, or the graphics driver, away from under it. So the thread marks itself here, and
//! closing waits for the mark to fall.

use std::cell::RefCell;
use std::error::Error;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{
    Editor, EditorHandle, HostMethods, Modifiers, ParentWindowHandle, ResizeHint, SpawnedEditor,
    VirtualKeyCode,
};
use nice_plug_egui::{
    EguiEditorHandle, EguiEditorState, EguiNiceSettings, RepaintNotifier, baseview,
    create_egui_editor,
};
use scumble_params::{EditorLook, ScumbleParams};

use super::App;
use super::link::{self, Opened};
use super::size::{Seen, resize_hint};

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
    pub(super) params: Arc<ScumbleParams>,
    pub(super) app: Shared,
    pub(super) repaint: RepaintNotifier,
    pub(super) open: link::Window,
    pub(super) marks: Marks,
    pub(super) seen: Seen,
}

impl ScumbleEditor {
    /// How the window is to open.
    fn look(&self) -> EditorLook {
        // A refusal is reported by the plugin, which reads the same cell.
        let _ = self.params.document.adopt_pending();
        self.params.document.get().editor
    }
}

/// The app of all openings; each has an egui editor that drives it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<App>>);

impl From<App> for Shared {
    fn from(app: App) -> Self {
        Self(Arc::new(Mutex::new(app)))
    }
}

impl Shared {
    // A frame that panicked has ended its window; the next opening starts from what there is.
    pub(super) fn app(&self) -> MutexGuard<'_, App> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let look = self.look();
        let size = LogicalSize::new(look.width as f32, look.height as f32);
        let state = EguiEditorState::from_size(size, look.zoom);
        let settings = EguiNiceSettings::new().with_tile("Scumble").with_resize_hint(resize_hint());
        let egui = create_egui_editor(state, self.repaint.clone(), settings, self.app.clone())
            .ok_or("egui has no editor to give")?;
        self.seen.forget();
        let open = self.open.open();
        let made = egui.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)?;
        Ok(SpawnedEditor {
            handle: Handle { egui: made.handle, _open: open },
            window: Window { window: made.window, _ended: ended },
        })
    }

    fn size(&self) -> NativeSize<u32> {
        self.seen.native(self.open.is_open(), &self.look())
    }

    fn resize_hint(&self) -> ResizeHint {
        resize_hint()
    }
}

/// An open window. Dropped in this order: told to close, then waited for.
pub struct Window {
    window: baseview::Window,
    _ended: Ended,
}

/// What the wrapper speaks to while the window is open: everything goes to egui's own.
pub struct Handle {
    egui: EguiEditorHandle,
    _open: Opened,
}

impl EditorHandle for Handle {
    type Window = Window;
    type Error = baseview::Error;

    fn run_until_closed(window: Window) -> Result<(), Self::Error> {
        window.window.run_until_closed()
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &Window) -> Result<(), Self::Error> {
        self.egui.set_parent(parent, &window.window)
    }

    fn show(&self, window: &Window) -> Result<(), Self::Error> {
        self.egui.show(&window.window)
    }

    fn hide(&self, window: &Window) -> Result<(), Self::Error> {
        self.egui.hide(&window.window)
    }

    fn host_main_thread_callback(&self, window: &Window) {
        self.egui.host_main_thread_callback(&window.window);
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Window) -> Result<(), Self::Error> {
        self.egui.set_size(size, &window.window)
    }

    fn set_fallback_scale_factor(&self, factor: f64, window: &Window) -> Result<(), Self::Error> {
        self.egui.set_fallback_scale_factor(factor, &window.window)
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &Window) -> Option<NativeSize<u32>> {
        self.egui.adjust_size(size, &window.window)
    }

    fn on_virtual_key_from_host(&self, key: VirtualKeyCode, down: bool, with: Modifiers) -> bool {
        self.egui.on_virtual_key_from_host(key, down, with)
    }

    fn state_changed(&self) {
        self.egui.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized_value: f32) {
        self.egui.param_value_changed(id, normalized_value);
    }

    fn param_modulation_changed(&self, id: &str, modulation_offset: f32) {
        self.egui.param_modulation_changed(id, modulation_offset);
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
