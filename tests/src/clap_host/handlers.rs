//! What a plugin may ask of the host: noted here, answered by whoever drives the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::ThreadId;

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_host::prelude::*;

/// Requests of one plugin instance. Every thread may read and take them.
#[derive(Debug)]
pub struct Notes {
    main_thread: ThreadId,
    restart: AtomicBool,
    callback: AtomicBool,
    process: AtomicU32,
    flush: AtomicU32,
    latency_changes: AtomicU32,
    rescans: AtomicU32,
    dirty: AtomicU32,
    /// Width and height of the last resize request, packed; 0: none.
    resize: AtomicU64,
}

impl Notes {
    /// Notes of an instance whose main thread is the calling one.
    pub(super) fn here() -> Self {
        Self {
            main_thread: std::thread::current().id(),
            restart: AtomicBool::new(false),
            callback: AtomicBool::new(false),
            process: AtomicU32::new(0),
            flush: AtomicU32::new(0),
            latency_changes: AtomicU32::new(0),
            rescans: AtomicU32::new(0),
            dirty: AtomicU32::new(0),
            resize: AtomicU64::new(0),
        }
    }

    /// True once per request to be deactivated and activated again.
    pub fn take_restart(&self) -> bool {
        self.restart.swap(false, Ordering::AcqRel)
    }

    /// True once per request for a call on the main thread.
    pub fn take_callback(&self) -> bool {
        self.callback.swap(false, Ordering::AcqRel)
    }

    /// How often the plugin said that its latency has changed.
    pub fn latency_changes(&self) -> u32 {
        self.latency_changes.load(Ordering::Acquire)
    }

    /// How often the plugin asked for its parameters to be read again.
    pub fn rescans(&self) -> u32 {
        self.rescans.load(Ordering::Acquire)
    }

    /// How often the plugin asked to be woken for processing.
    pub fn process_requests(&self) -> u32 {
        self.process.load(Ordering::Acquire)
    }

    /// How often the plugin marked its state as changed.
    pub fn dirty_marks(&self) -> u32 {
        self.dirty.load(Ordering::Acquire)
    }

    /// The size the editor asked for last, if it asked since the last call.
    pub fn take_resize(&self) -> Option<GuiSize> {
        match self.resize.swap(0, Ordering::AcqRel) {
            0 => None,
            packed => Some(GuiSize::unpack_from_u64(packed)),
        }
    }
}

pub(super) struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Shared) {
        builder
            .register::<HostLatency>()
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostGui>()
            .register::<HostThreadCheck>();
    }
}

/// The callbacks that a plugin may make on any thread.
pub(super) struct Shared {
    pub(super) notes: Arc<Notes>,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {
        self.notes.restart.store(true, Ordering::Release);
    }
    fn request_process(&self) {
        self.notes.process.fetch_add(1, Ordering::AcqRel);
    }
    fn request_callback(&self) {
        self.notes.callback.store(true, Ordering::Release);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {
        self.notes.flush.fetch_add(1, Ordering::AcqRel);
    }
}

impl HostThreadCheckImpl for Shared {
    fn is_main_thread(&self) -> bool {
        std::thread::current().id() == self.notes.main_thread
    }
    fn is_audio_thread(&self) -> bool {
        !self.is_main_thread()
    }
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, size: GuiSize) -> Result<(), HostError> {
        self.notes.resize.store(size.pack_to_u64(), Ordering::Release);
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {}
}

/// The callbacks that a plugin may make on the main thread only.
pub(super) struct MainThread {
    pub(super) notes: Arc<Notes>,
}

impl MainThreadHandler<'_> for MainThread {}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {
        self.notes.latency_changes.fetch_add(1, Ordering::AcqRel);
    }
}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, _: ParamRescanFlags) {
        self.notes.rescans.fetch_add(1, Ordering::AcqRel);
    }
    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        self.notes.dirty.fetch_add(1, Ordering::AcqRel);
    }
}
