//! The editor as nice-plug's window: opening, size, keys, and the clock that repaints it.
//!
//! Each opening has a context of its own (DESIGN 9), so textures and type are made in `build`.

pub mod gauge;
pub mod host;
mod kept;
pub mod link;
mod restart;
mod window;

use std::sync::Arc;
use std::time::Duration;

use egui::ViewportCommand;
use keyboard_types::{Key, NamedKey};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, PhysicalSize, Size};
use nice_plug::editor::{ResizeHint, SizeConstraints};
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame, KeyCapture, NiceEguiApp, RepaintNotifier,
};
use scumble_params::ScumbleParams;

use crate::editor::Editor;
use crate::layout::MIN_SIZE;
use host::PluginHost;
use link::Instance;
use window::Marks;
pub use window::ScumbleEditor;

/// How long a frame stands: the display's rate is the most that is drawn (S15).
const FRAME: Duration = Duration::from_millis(16);

/// Makes the editor; its window opens when the host asks for it.
pub fn create_editor(
    params: Arc<ScumbleParams>,
    instance: Arc<dyn Instance>,
    repaint: RepaintNotifier,
) -> Option<ScumbleEditor> {
    // A state that was loaded before the window is opened names the window's size.
    let _ = params.document.adopt_pending();
    let kept = params.document.get().editor;
    let size: Size = if kept.zoom == 1.0 {
        LogicalSize::new(kept.width as f32, kept.height as f32).into()
    } else {
        // The wrapper tells the host the size without the zoom when it is logical.
        let px = |v: u32| (v as f32 * kept.zoom).round() as u32;
        PhysicalSize::new(px(kept.width), px(kept.height)).into()
    };
    let hint = ResizeHint {
        can_resize: true,
        can_resize_horizontally: true,
        can_resize_vertically: true,
        size_constraints: SizeConstraints::Logical {
            min_size: Some(LogicalSize::new(MIN_SIZE[0], MIN_SIZE[1])),
            max_size: None,
        },
        ..ResizeHint::NON_RESIZABLE
    };
    let window = EguiEditorState::from_size(size, kept.zoom);
    instance.set_window(link::Window(window.clone()));
    let marks = Marks::default();
    let app = App {
        editor: Editor::default(),
        host: PluginHost::new(params, instance),
        keys: None,
        marks: marks.clone(),
    };
    let settings = EguiNiceSettings::new().with_tile("Scumble").with_resize_hint(hint);
    let egui = nice_plug_egui::create_egui_editor(window, repaint, settings, app)?;
    Some(ScumbleEditor { egui, marks })
}

/// What the wrapper drives.
pub struct App {
    editor: Editor,
    host: PluginHost,
    /// Whether a text is being typed, as the window was last told.
    keys: Option<bool>,
    marks: Marks,
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        ctx: egui::Context,
        gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.marks.take();
        frame.set_clear_color(crate::theme::BACKGROUND.into());
        self.editor.open(&ctx);
        self.host.attach(gui);
        self.keys = None;
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        self.editor.ui(ui, &mut self.host);
        if let Some([width, height]) = self.host.wanted_size.take() {
            ui.ctx().send_viewport_cmd(ViewportCommand::InnerSize(egui::vec2(width, height)));
        }
        let typing = ui.ctx().text_edit_focused();
        if self.keys != Some(typing) {
            self.keys = Some(typing);
            frame.set_key_capture(if typing { KeyCapture::CaptureAll } else { ours() });
        }
        ui.ctx().request_repaint_after(FRAME);
    }

    fn resized(&mut self, size: WindowSize) {
        let zoom = self.host.kept_zoom();
        self.host.keep_size(size.logical.width as f32, size.logical.height as f32, zoom);
    }

    fn zoom_factor_changed(&mut self, zoom: f32) {
        let size = self.host.kept_size();
        self.host.keep_size(size[0], size[1], zoom);
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
