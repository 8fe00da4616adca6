//! The editor: what it remembers between frames, and one frame of it.
//!
//! Editor thread only; [`Editor::ui`] holds no lock and waits for nothing.

use egui::{Context, Ui, UiBuilder};

use crate::brush::{Brush, BrushSettings, Snap, Tool};
use crate::canvas::{self, Canvas};
use crate::edit::{Edit, Outcome, Scene};
use crate::host::{EditorHost, Message};
use crate::layout::Layout;
use crate::model::{ParamId, ParamView, Snapshot, Sound};
use crate::panels::{self, dialog::Dialog, toasts::Toasts};
use crate::stroke::StrokeKind;
use crate::widgets::knob::KnobEvent;
use crate::{keys, theme};

/// Which of the two plots of the sync panel is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plot {
    #[default]
    RoundTrip,
    FenceWait,
}

/// A change of a parameter, from where it began to where it was last sent. What was sent is noted,
/// for the host may take it up only frames later.
struct Gesture {
    id: ParamId,
    before: f32,
    after: f32,
}

/// Everything that the panels read and change.
pub struct State {
    pub snapshot: Snapshot,
    pub params: Vec<ParamView>,
    pub edit: Edit,
    pub canvas: Canvas,
    pub tool: Tool,
    /// The last brush in hand, to come back to.
    pub last_brush: Brush,
    /// What the blur brush paints.
    pub blur_kind: StrokeKind,
    pub brush: BrushSettings,
    pub snap: Snap,
    pub plot: Plot,
    pub toasts: Toasts,
    pub dialog: Dialog,
    pub help_open: bool,
    /// The sync panel lies over the canvas of a small window.
    pub sync_open: bool,
    document_generation: Option<u64>,
    saved_revision: u64,
    /// The parameter gestures under way.
    begun: Vec<Gesture>,
    /// The gesture that changes to selected strokes belong to.
    pub stroke_gesture: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            snapshot: Snapshot::default(),
            params: vec![ParamView::default(); ParamId::ALL.len()],
            edit: Edit::default(),
            canvas: Canvas::default(),
            tool: Tool::Paint(Brush::Blur),
            last_brush: Brush::Blur,
            blur_kind: StrokeKind::BlurTime,
            brush: BrushSettings::default(),
            snap: Snap::default(),
            plot: Plot::default(),
            toasts: Toasts::default(),
            dialog: Dialog::default(),
            help_open: false,
            sync_open: false,
            document_generation: None,
            saved_revision: 0,
            begun: Vec::new(),
            stroke_gesture: 0,
        }
    }
}

impl State {
    pub fn param(&self, id: ParamId) -> &ParamView {
        &self.params[id as usize]
    }

    /// The index of a stepped parameter's choice.
    pub fn choice(&self, id: ParamId) -> usize {
        let last = id.choices().len().saturating_sub(1);
        (self.param(id).value * last as f32).round() as usize
    }

    pub fn set_choice(&mut self, id: ParamId, index: usize, host: &mut dyn EditorHost) {
        let last = id.choices().len().saturating_sub(1).max(1);
        self.set_param(id, index as f32 / last as f32, host);
    }

    /// One whole gesture.
    pub fn set_param(&mut self, id: ParamId, value: f32, host: &mut dyn EditorHost) {
        let events = [KnobEvent::Begin, KnobEvent::Set(value), KnobEvent::End];
        self.param_events(id, events, host);
    }

    /// Passes a knob's doings on to the host and to undo.
    pub fn param_events(
        &mut self,
        id: ParamId,
        events: impl IntoIterator<Item = KnobEvent>,
        host: &mut dyn EditorHost,
    ) {
        for event in events {
            match event {
                KnobEvent::Begin => {
                    host.begin_param(id);
                    let before = self.param(id).value;
                    self.begun.push(Gesture { id, before, after: before });
                }
                KnobEvent::Set(value) => {
                    let value = self.send_param(id, value, host);
                    if let Some(gesture) = self.begun.iter_mut().find(|g| g.id == id) {
                        gesture.after = value;
                    }
                }
                KnobEvent::End => {
                    host.end_param(id);
                    if let Some(i) = self.begun.iter().position(|g| g.id == id) {
                        let gesture = self.begun.swap_remove(i);
                        self.edit.note_param(id, gesture.before, gesture.after);
                    }
                }
                KnobEvent::Typed(text) => match host.parse_param(id, &text) {
                    Some(value) => self.set_param(id, value, host),
                    None => {
                        let text = format!("\u{201c}{text}\u{201d} is not a value here");
                        self.toasts.push(Message::error(text));
                    }
                },
            }
        }
    }

    /// Sets a parameter and gives what it makes of the value.
    fn send_param(&mut self, id: ParamId, value: f32, host: &mut dyn EditorHost) -> f32 {
        host.set_param(id, value);
        let value = host.snapped_param(id, value);
        self.expect_param(id, value, host);
        value
    }

    /// Shows a value that the host was sent, until the next frame reads what the host has.
    fn expect_param(&mut self, id: ParamId, value: f32, host: &dyn EditorHost) {
        let view = &mut self.params[id as usize];
        view.modulated = (view.modulated + value - view.value).clamp(0.0, 1.0);
        view.value = value;
        view.text = host.param_text(id, value);
    }

    pub fn kind_of(&self, brush: Brush) -> StrokeKind {
        if brush == Brush::Blur { self.blur_kind } else { brush.kinds()[0] }
    }

    pub fn take_brush(&mut self, brush: Brush) {
        self.tool = Tool::Paint(brush);
        self.last_brush = brush;
        self.canvas.selected.clear();
    }

    pub fn undo(&mut self, host: &mut dyn EditorHost) {
        if let Some(outcome) = self.edit.undo() {
            self.follow(outcome, host);
        }
    }

    pub fn redo(&mut self, host: &mut dyn EditorHost) {
        if let Some(outcome) = self.edit.redo() {
            self.follow(outcome, host);
        }
    }

    fn follow(&mut self, outcome: Outcome, host: &mut dyn EditorHost) {
        match outcome {
            Outcome::Strokes(_) => {}
            Outcome::Param(id, value) => {
                host.begin_param(id);
                self.send_param(id, value, host);
                host.end_param(id);
            }
            Outcome::Scene(scene) => {
                host.restore(&scene);
                self.expect_sound(&scene.sound, host);
                self.in_step_with(host);
            }
        }
        let edit = &self.edit;
        self.canvas.selected.retain(|id| edit.find(*id).is_some());
    }

    /// Both sides of the sound as they stand.
    pub fn scene(&self, host: &dyn EditorHost) -> Scene {
        // What takes effect only at the next activation is not part of a sound.
        let fixed = [ParamId::Quality, ParamId::Engine, ParamId::Buffering, ParamId::Bypass];
        let sound = Sound {
            params: ParamId::ALL
                .into_iter()
                .filter(|id| !fixed.contains(id))
                .map(|id| (id, self.param(id).value))
                .collect(),
            strokes: self.edit.strokes().to_vec(),
        };
        Scene { sound, versions: host.versions() }
    }

    /// Does something to the host that replaces the sound as a whole, as one step of undo; `how`
    /// gives the sound that it put there. False when it failed.
    pub fn replace_sound(
        &mut self,
        host: &mut dyn EditorHost,
        how: impl FnOnce(&mut dyn EditorHost) -> Result<Sound, String>,
    ) -> bool {
        let before = self.scene(host);
        let sound = match how(host) {
            Ok(sound) => sound,
            Err(text) => {
                self.toasts.push(Message::error(text));
                return false;
            }
        };
        self.expect_sound(&sound, host);
        let mut after = self.scene(host);
        after.sound.strokes = sound.strokes;
        self.edit.note_scene(before, after);
        self.in_step_with(host);
        self.canvas.selected.clear();
        true
    }

    fn expect_sound(&mut self, sound: &Sound, host: &dyn EditorHost) {
        for &(id, value) in &sound.params {
            self.expect_param(id, host.snapped_param(id, value), host);
        }
    }

    /// The host has the strokes that are here.
    fn in_step_with(&mut self, host: &dyn EditorHost) {
        self.document_generation = Some(host.document_generation());
        self.saved_revision = self.edit.revision();
    }

    fn read_params(&mut self, host: &dyn EditorHost) {
        for id in ParamId::ALL {
            host.param(id, &mut self.params[id as usize]);
        }
    }

    fn pull(&mut self, host: &mut dyn EditorHost) {
        host.snapshot(&mut self.snapshot);
        self.read_params(host);
        let generation = host.document_generation();
        if self.document_generation != Some(generation) {
            self.document_generation = Some(generation);
            self.edit.replace_all(host.strokes());
            self.saved_revision = self.edit.revision();
            self.canvas.selected.clear();
        }
        while let Some(message) = host.take_message() {
            self.toasts.push(message);
        }
    }

    fn push(&mut self, host: &mut dyn EditorHost) {
        if self.edit.revision() != self.saved_revision {
            self.saved_revision = self.edit.revision();
            host.set_strokes(self.edit.strokes());
            if !host.hint_seen() && !self.edit.strokes().is_empty() {
                host.set_hint_seen();
            }
        }
    }
}

/// The whole window.
#[derive(Default)]
pub struct Editor {
    pub state: State,
}

impl Editor {
    /// Call once for each new context, before its first frame.
    pub fn open(&mut self, ctx: &Context) {
        theme::install(ctx);
        self.state.canvas.detach();
    }

    /// Ends what a window that closed under the user's hand has left under way. Call before the first
    /// frame of the next, for no window tells of its closing.
    pub fn settle(&mut self, host: &mut dyn EditorHost) {
        host.preview_stroke(None);
        while let Some(id) = self.state.begun.first().map(|gesture| gesture.id) {
            self.state.param_events(id, [KnobEvent::End], host);
        }
    }

    /// Lets go of everything that belongs to a window.
    pub fn close(&mut self) {
        self.state.canvas.detach();
    }

    /// One frame, over the whole of the window.
    pub fn ui(&mut self, ui: &mut Ui, host: &mut dyn EditorHost) {
        let window = ui.ctx().content_rect();
        let mut ui = ui.new_child(UiBuilder::new().max_rect(window));
        ui.set_clip_rect(window);
        self.frame(&mut ui, host);
    }

    fn frame(&mut self, ui: &mut Ui, host: &mut dyn EditorHost) {
        let state = &mut self.state;
        state.pull(host);
        keys::act(ui, state, host);

        let window = ui.max_rect();
        let at = Layout::of(window);
        ui.painter().rect_filled(window, 0.0, theme::BACKGROUND);
        panels::top_bar::show(ui, &at, state, host);
        panels::tools::show(ui, &at, state, host);
        canvas::show(ui, &at, state, host);
        if at.folded {
            panels::sync_strip::show(ui, &at, state, host);
        } else {
            state.sync_open = false;
            panels::sync::show(ui, at.sync, state, host);
        }
        panels::strip::show(ui, &at, state, host);
        panels::foot::show(ui, &at, state, host);
        panels::lines(ui, &at);
        panels::dialog::show(ui, state, host);
        panels::help::show(ui, state);
        let now = ui.input(|i| i.time);
        state.toasts.show(ui, &at, now);
        state.push(host);
    }
}
