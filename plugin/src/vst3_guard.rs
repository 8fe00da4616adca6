//! Keeps VST3 hosts on Linux alive while the editor opens under automation.
//!
//! nice-plug 0.4.2 tells the editor about each parameter change by a task. On Linux, where VST3
//! knows no main thread, these tasks run on a thread `bg-worker` that all instances of a library
//! share. A task borrows the cell that holds the editor's window; `attached()` and `removed()` hold
//! the same cell mutably for as long as a window takes to open or close. Whoever comes second
//! panics. When that is the worker, it dies, and the last `release()` of the process joins it and
//! aborts the host. It needs nothing but an automated parameter and an editor that opens:
//! `tests/tests/vst3_editor_race.rs` sees it within a few openings.
//!
//! The cure ends that thread, once per process, before any sound is processed. A sacrificial
//! instance is made and never dropped: through its handle the worker's channel stays referenced, so
//! that nobody joins the thread or spawns another, and its one background task ends the thread.
//! From then on a task that is meant for the worker is refused at the channel, which costs the audio
//! thread one atomic load. Nothing of ours is lost with it: there are no other background tasks, and
//! repaints come from parameter callbacks and the clock (`docs/decisions/host.md`).
//!
//! Only VST3 on Linux needs this. CLAP asks the host for its main thread; macOS and Windows have
//! run loops of their own.
//!
//! Threads: `install` and `claim` run on the host's main thread, the task on `bg-worker`.

use std::cell::Cell;
use std::sync::Once;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use nice_plug::prelude::{AsyncExecutor, Plugin, PluginApi, TaskExecutor, Vst3Plugin};
use nice_plug::wrapper::vst3::Wrapper;

// The worker is ended by unwinding out of its task; with `panic = "abort"` that would be the very
// abort this module is here to prevent.
const _: () = assert!(cfg!(panic = "unwind"), "vst3_guard needs panic = \"unwind\"");

/// How long `install` waits for the worker. It is idle then, so this is only ever reached when the
/// machine is starved; the thread still ends, only later.
const WORKER_ANSWER: Duration = Duration::from_secs(1);

thread_local! {
    /// Set while the sacrificial instance is being made on this thread.
    static SACRIFICING: Cell<bool> = const { Cell::new(false) };
}

/// The only background task Scumble knows: it ends the thread that runs it.
#[derive(Debug)]
pub struct EndWorker {
    started: SyncSender<()>,
}

impl EndWorker {
    fn run(self) {
        // `install` may have given up waiting: then nobody needs the answer.
        let _ = self.started.try_send(());
        drop(self);
        // Unwinds without calling the panic hook: nothing is printed, and the worker's stack,
        // with the receiving end of its channel, is dropped as on any return.
        std::panic::resume_unwind(Box::new("bg-worker ended by vst3_guard"));
    }
}

/// The executor that every instance hands to the wrapper.
pub fn task_executor<P: Plugin<BackgroundTask = EndWorker>>() -> TaskExecutor<P> {
    Box::new(EndWorker::run)
}

/// To be asked first in `Plugin::editor()`. True: this is the sacrificial instance, the worker is
/// being ended with its executor, and it wants no editor.
pub fn claim<P: Plugin<BackgroundTask = EndWorker>>(executor: &AsyncExecutor<P>) -> bool {
    if !SACRIFICING.get() {
        return false;
    }
    let (started, answer) = sync_channel(1);
    executor.execute_background(EndWorker { started });
    // Waiting makes the order certain: when `activate()` returns, no parameter change can reach
    // the worker any more.
    let _ = answer.recv_timeout(WORKER_ANSWER);
    true
}

/// True while the sacrificial instance is made on this thread: `Default` can skip what only a
/// playing instance needs.
pub fn is_sacrificial() -> bool {
    SACRIFICING.get()
}

/// To be called from `Plugin::activate()`. Does its work once per loaded library, and only where it
/// is needed; any later call returns at once.
pub fn install<P: Vst3Plugin<BackgroundTask = EndWorker>>(api: PluginApi) {
    const LINUX_EVENT_LOOP: bool = cfg!(all(target_family = "unix", not(target_os = "macos")));
    static INSTALLED: Once = Once::new();

    if !LINUX_EVENT_LOOP || api != PluginApi::Vst3 || is_sacrificial() {
        return;
    }
    INSTALLED.call_once(|| {
        // The proof that the stress in `tests` still finds the race needs a build without the
        // cure. Only such a build reads the variable: a shipped one has no switch.
        #[cfg(feature = "test-switches")]
        if std::env::var_os("SCUMBLE_TEST_NO_VST3_GUARD").is_some() {
            return;
        }
        SACRIFICING.set(true);
        let sacrifice = Wrapper::<P>::new();
        SACRIFICING.set(false);
        std::mem::forget(sacrifice);
    });
}
