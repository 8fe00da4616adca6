//! The host's side of a VST3 editor: the frame, the run loop, and the view in its window.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler,
    ITimerHandlerTrait, TimerInterval,
};
use vst3::Steinberg::Vst::{IEditController, IEditControllerTrait, ViewType};
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewTrait, ViewRect, kInvalidArgument,
    kPlatformTypeX11EmbedWindowID, kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::{HostError, ok};

/// Whether the host gives the editor its run loop. Not every host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    WithRunLoop,
    Bare,
}

struct Timer {
    handler: ComPtr<ITimerHandler>,
    period: Duration,
    due: Instant,
}

/// What the plugin has registered. The mutex is for the types only: all of it is used on the main
/// thread.
#[derive(Default)]
struct RunLoop {
    events: Mutex<Vec<(ComPtr<IEventHandler>, FileDescriptor)>>,
    timers: Mutex<Vec<Timer>>,
}

impl RunLoop {
    /// Serves descriptors and timers for this long.
    fn run_for(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let handlers: Vec<_> = self.events.lock().expect("no panic while locked").clone();
            let mut fds: Vec<_> = handlers
                .iter()
                .map(|&(_, fd)| libc::pollfd { fd, events: libc::POLLIN, revents: 0 })
                .collect();
            // SAFETY: the array is alive and its length is the one given.
            unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, 2) };
            for ((handler, fd), polled) in handlers.iter().zip(&fds) {
                if polled.revents & libc::POLLIN != 0 {
                    // SAFETY: we hold a reference to the handler.
                    unsafe { handler.onFDIsSet(*fd) };
                }
            }
            let now = Instant::now();
            let mut due = Vec::new();
            for timer in self.timers.lock().expect("no panic while locked").iter_mut() {
                if timer.due <= now {
                    timer.due = now + timer.period;
                    due.push(timer.handler.clone());
                }
            }
            for handler in due {
                // SAFETY: we hold a reference to the handler.
                unsafe { handler.onTimer() };
            }
        }
    }
}

/// A frame that only resizes.
struct BareFrame;

impl Class for BareFrame {
    type Interfaces = (IPlugFrame,);
}

impl IPlugFrameTrait for BareFrame {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        resize(view, size)
    }
}

/// A frame that is the run loop as well.
struct LoopFrame {
    run_loop: Arc<RunLoop>,
}

impl Class for LoopFrame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for LoopFrame {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        resize(view, size)
    }
}

fn resize(view: *mut IPlugView, size: *mut ViewRect) -> tresult {
    // SAFETY: the plugin passes its own live view and lends the rectangle for this call.
    match unsafe { ComRef::from_raw(view) } {
        // SAFETY: as above.
        Some(view) if !size.is_null() => unsafe { view.onSize(size) },
        _ => kInvalidArgument,
    }
}

impl IRunLoopTrait for LoopFrame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        fd: FileDescriptor,
    ) -> tresult {
        // SAFETY: the plugin passes a live handler; we take a reference of our own.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else {
            return kInvalidArgument;
        };
        let mut events = self.run_loop.events.lock().expect("no panic while locked");
        events.push((handler.to_com_ptr(), fd));
        kResultOk
    }
    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        let mut events = self.run_loop.events.lock().expect("no panic while locked");
        let before = events.len();
        events.retain(|(known, _)| known.as_ptr() != handler);
        if events.len() < before { kResultOk } else { kResultFalse }
    }
    unsafe fn registerTimer(
        &self,
        handler: *mut ITimerHandler,
        milliseconds: TimerInterval,
    ) -> tresult {
        // SAFETY: the plugin passes a live handler; we take a reference of our own.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else {
            return kInvalidArgument;
        };
        let period = Duration::from_millis(milliseconds.max(1));
        let timer = Timer { handler: handler.to_com_ptr(), period, due: Instant::now() + period };
        self.run_loop.timers.lock().expect("no panic while locked").push(timer);
        kResultOk
    }
    unsafe fn unregisterTimer(&self, handler: *mut ITimerHandler) -> tresult {
        let mut timers = self.run_loop.timers.lock().expect("no panic while locked");
        timers.retain(|t| t.handler.as_ptr() != handler);
        kResultOk
    }
}

/// An open editor.
pub struct Editor {
    view: ComPtr<IPlugView>,
    _frame: ComPtr<IPlugFrame>,
    run_loop: Arc<RunLoop>,
}

impl Editor {
    pub(super) fn open(
        controller: &ComPtr<IEditController>,
        parent: u32,
        kind: FrameKind,
    ) -> Result<Self, HostError> {
        let run_loop = Arc::new(RunLoop::default());
        let frame: ComPtr<IPlugFrame> = match kind {
            FrameKind::WithRunLoop => {
                ComWrapper::new(LoopFrame { run_loop: run_loop.clone() }).to_com_ptr()
            }
            FrameKind::Bare => ComWrapper::new(BareFrame).to_com_ptr(),
        }
        .expect("it is a frame");
        // SAFETY: the controller is alive; the view that it makes is ours; the parent is the id of
        // a live X11 window, which VST3 passes as a pointer.
        unsafe {
            let view = ComPtr::from_raw(controller.createView(ViewType::kEditor))
                .ok_or(HostError::Missing("editor"))?;
            ok("X11", view.isPlatformTypeSupported(kPlatformTypeX11EmbedWindowID))?;
            ok("a frame", view.setFrame(frame.as_ptr()))?;
            let parent = parent as usize as *mut c_void;
            ok("to be attached", view.attached(parent, kPlatformTypeX11EmbedWindowID))?;
            Ok(Self { view, _frame: frame, run_loop })
        }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Option<(i32, i32)> {
        let mut rect = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
        // SAFETY: the view is alive and the rectangle is lent for the call.
        let result = unsafe { self.view.getSize(&mut rect) };
        (result == kResultOk).then_some((rect.right - rect.left, rect.bottom - rect.top))
    }

    /// The main thread's idle time, spent in the run loop where there is one.
    pub fn run_for(&self, time: Duration) {
        self.run_loop.run_for(time);
    }

    /// Closes the editor; the parent window may go afterwards.
    pub fn close(self) -> Result<(), HostError> {
        // SAFETY: the view is alive; a null frame takes ours back.
        unsafe {
            ok("to be removed", self.view.removed())?;
            self.view.setFrame(std::ptr::null_mut());
        }
        Ok(())
    }
}
