//! The editor as nice-plug's window: opening, size, keys, and the clock that repaints it.
//!
//! Each opening has a context of its own (DESIGN 9), so textures and type are made in `build`.

pub mod gauge;
pub mod host;
mod kept;
pub mod link;
mod restart;
mod size;
mod window;

use std::sync::Arc;
use std::time::Duration;

use egui::ViewportCommand;
use keyboard_types::{Key, NamedKey};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, KeyCapture, NiceEguiApp, RepaintNotifier};
use scumble_params::ScumbleParams;

use crate::editor::Editor;
use host::PluginHost;
use link::Instance;
use size::Seen;
pub use window::ScumbleEditor;
use window::{Marks, Shared};

/// How long a frame stands: the display's rate is the most that is drawn (S15).
const FRAME: Duration = Duration::from_millis(16);

/// Makes the editor, before any state has arrived; its window opens when the host asks for it. An
/// `Option` because the wrappers want one.
pub fn create_editor(
    params: Arc<ScumbleParams>,
    instance: Arc<dyn Instance>,
    repaint: RepaintNotifier,
) -> Option<ScumbleEditor> {
    let open = link::Window::default();
    instance.set_window(open.clone());
    let (marks, seen) = (Marks::default(), Seen::default());
    let app = App {
        editor: Editor::default(),
        host: PluginHost::new(params.clone(), instance),
        keys: None,
        marks: marks.clone(),
        seen: seen.clone(),
    };
    Some(ScumbleEditor { params, app: app.into(), repaint, open, marks, seen })
}

/// What the wrapper drives, through [`Shared`].
struct App {
    editor: Editor,
    host: PluginHost,
    /// Whether a text is being typed, as the window was last told.
    keys: Option<bool>,
    marks: Marks,
    seen: Seen,
}

impl NiceEguiApp for Shared {
    fn build(
        &mut self,
        ctx: egui::Context,
        gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        let app = &mut *self.app();
        app.marks.take();
        app.seen.note(&frame.baseview_window().size());
        frame.set_clear_color(crate::theme::BACKGROUND.into());
        app.editor.open(&ctx);
        app.host.attach(gui);
        app.editor.settle(&mut app.host);
        app.keys = None;
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        let app = &mut *self.app();
        let (window, zoom) = (frame.baseview_window().size(), ui.ctx().zoom_factor());
        app.seen.note(&window);
        // Looked at in each frame rather than when it changes: a state that is loaded under an open
        // window does not change the window, and so must not name another size.
        let [width, height] = size::points(&window, zoom);
        app.host.keep_size(width, height, zoom);
        app.editor.ui(ui, &mut app.host);
        if let Some([width, height]) = app.host.wanted_size.take() {
            ui.ctx().send_viewport_cmd(ViewportCommand::InnerSize(egui::vec2(width, height)));
        }
        let typing = ui.ctx().text_edit_focused();
        if app.keys != Some(typing) {
            app.keys = Some(typing);
            frame.set_key_capture(if typing { KeyCapture::CaptureAll } else { ours() });
        }
        ui.ctx().request_repaint_after(FRAME);
    }

    fn resized(&mut self, size: WindowSize) {
        self.app().seen.note_pixels(size.physical);
    }
}

/// The keys that the editor acts on; all others, the space bar first, are the host's.
fn ours() -> KeyCapture {
    let letters = "bwlhgevmns[]{}0zyaBWLHGEVMNSZYA";
    let mut keys: Vec<Key> = letters.chars().map(|c| Key::Character(c.to_string())).collect();
    keys.extend(
        [
            NamedKey::Tab,
            NamedKey::Enter,
            NamedKey::Escape,
            NamedKey::Delete,
            NamedKey::Backspace,
            NamedKey::ArrowUp,
            NamedKey::ArrowDown,
            NamedKey::ArrowLeft,
            NamedKey::ArrowRight,
            NamedKey::PageUp,
            NamedKey::PageDown,
            NamedKey::F1,
        ]
        .map(Key::Named),
    );
    KeyCapture::CaptureKeys(keys)
}
