//! Asking whoever runs the plugin to start it anew, so that what only an activation can change takes
//! effect.
//!
//! A host is asked and decides. The standalone has no host, and its wrapper drops the question
//! (nice-plug 0.4.2). But it activates again after loading a state, between two blocks; so there a
//! state is loaded that says nothing, and all stays as it is. That call waits for the audio thread,
//! which may have stopped with its sound card: it waits on a thread of its own, not on the editor's.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use nice_plug::context::PluginApi;
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::PluginState;

/// The restarts that the editor asks for, one after the other. Editor thread.
#[derive(Default)]
pub struct Restart {
    /// The one under way in the standalone, and whether another was asked for meanwhile.
    under_way: Option<JoinHandle<()>>,
    asked_again: bool,
}

impl Restart {
    /// Asks the host, or starts anew where there is none.
    pub fn ask(&mut self, gui: &GuiContext) {
        if gui.plugin_api() == PluginApi::Standalone {
            self.ask_alone(gui);
        } else {
            gui.request_restart();
        }
    }

    /// Starts anew where there is no host. A host hears of changed parameters from the audio thread.
    pub fn ask_alone(&mut self, gui: &GuiContext) {
        if gui.plugin_api() != PluginApi::Standalone {
            return;
        }
        if self.under_way.is_some() {
            self.asked_again = true;
            return;
        }
        let gui = gui.clone();
        let job = move || gui.set_state(nothing());
        let thread = std::thread::Builder::new().name("scumble-restart".into());
        // Without a thread all stays as it is, and the foot goes on to say so.
        self.under_way = thread.spawn(job).ok();
    }

    /// Whether a restart has ended since the last look, and did not see all that was asked for. (One
    /// that failed is not tried again by itself.)
    pub fn left_something(&mut self) -> bool {
        let ended = self.under_way.take_if(|thread| thread.is_finished()).is_some();
        ended && std::mem::take(&mut self.asked_again)
    }
}

/// A state that leaves everything as it is.
fn nothing() -> PluginState {
    PluginState {
        version: env!("CARGO_PKG_VERSION").into(),
        params: BTreeMap::new(),
        fields: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use nice_plug::context::gui::GuiContextInner;
    use nice_plug::prelude::ParamPtr;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Whoever runs the plugin. A state is taken when the audio thread comes by.
    struct Runner {
        api: PluginApi,
        asked: SyncSender<&'static str>,
        audio_thread: Mutex<Receiver<()>>,
    }

    impl GuiContextInner for Runner {
        fn plugin_api(&self) -> PluginApi {
            self.api
        }
        unsafe fn raw_begin_set_parameter(&self, _: ParamPtr) {}
        unsafe fn raw_set_parameter_normalized(&self, _: ParamPtr, _: f32) {}
        unsafe fn raw_end_set_parameter(&self, _: ParamPtr) {}
        fn get_state(&self) -> PluginState {
            nothing()
        }
        fn set_state(&self, state: PluginState) {
            assert!(state.params.is_empty() && state.fields.is_empty());
            let _ = self.audio_thread.lock().expect("one at a time").recv();
            let _ = self.asked.send("set_state");
        }
        fn request_restart(&self) {
            let _ = self.asked.send("request_restart");
        }
    }

    fn runner(api: PluginApi) -> (GuiContext, Receiver<&'static str>, SyncSender<()>) {
        let ((asked, hears), (comes_by, audio_thread)) = (sync_channel(4), sync_channel(4));
        let audio_thread = Mutex::new(audio_thread);
        (GuiContext::new(Arc::new(Runner { api, asked, audio_thread })), hears, comes_by)
    }

    #[test]
    fn a_host_is_asked_and_never_given_a_state() {
        for api in [PluginApi::Clap, PluginApi::Vst3] {
            let (gui, hears, _audio_thread) = runner(api);
            let mut restart = Restart::default();
            restart.ask_alone(&gui);
            restart.ask(&gui);
            drop(gui);
            assert_eq!(hears.iter().collect::<Vec<_>>(), ["request_restart"]);
            assert!(!restart.left_something());
        }
    }

    #[test]
    fn the_standalone_starts_anew_once_and_the_editor_does_not_wait() {
        let (gui, hears, comes_by) = runner(PluginApi::Standalone);
        let mut restart = Restart::default();
        // All of these return while the audio thread has not come by.
        restart.ask(&gui);
        restart.ask(&gui);
        restart.ask_alone(&gui);
        assert!(!restart.left_something());
        comes_by.send(()).expect("it waits");
        assert_eq!(hears.recv_timeout(SOON), Ok("set_state"));
        let begun = std::time::Instant::now();
        while !restart.left_something() {
            assert!(begun.elapsed() < SOON);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(hears.try_recv().is_err(), "once");
        restart.ask_alone(&gui);
        comes_by.send(()).expect("it waits");
        assert_eq!(hears.recv_timeout(SOON), Ok("set_state"));
        while restart.under_way.as_ref().is_some_and(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!restart.left_something(), "nobody asked meanwhile");
    }
}
