//! The objects that a VST3 host hands to a plugin: parameter changes, a stream, a handler.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandlerTrait, IParamValueQueue, IParamValueQueueTrait,
    IParameterChanges, IParameterChangesTrait, ParamID, ParamValue,
};
use vst3::Steinberg::{
    IBStream, IBStream_::IStreamSeekMode_, IBStreamTrait, int32, int64, kInvalidArgument,
    kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComWrapper};

/// One value of one parameter in a block.
struct Queue {
    id: ParamID,
    offset: int32,
    value: ParamValue,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }
    unsafe fn getPointCount(&self) -> int32 {
        1
    }
    unsafe fn getPoint(
        &self,
        index: int32,
        sample_offset: *mut int32,
        value: *mut ParamValue,
    ) -> tresult {
        if index != 0 || sample_offset.is_null() || value.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: both are not null, and the plugin lends them for this call.
        unsafe {
            *sample_offset = self.offset;
            *value = self.value;
        }
        kResultOk
    }
    unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
        kResultFalse
    }
}

/// All parameter changes of a block.
pub struct Changes {
    queues: Vec<ComPtr<IParamValueQueue>>,
}

impl Changes {
    pub fn new(changes: &[(ParamID, int32, ParamValue)]) -> ComWrapper<Self> {
        let queue = |&(id, offset, value): &(ParamID, int32, ParamValue)| {
            let queue = ComWrapper::new(Queue { id, offset, value });
            queue.to_com_ptr().expect("a queue is an IParamValueQueue")
        };
        ComWrapper::new(Self { queues: changes.iter().map(queue).collect() })
    }
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        self.queues.len() as int32
    }
    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queue = usize::try_from(index).ok().and_then(|i| self.queues.get(i));
        queue.map_or(std::ptr::null_mut(), ComPtr::as_ptr)
    }
    unsafe fn addParameterData(&self, _: *const ParamID, _: *mut int32) -> *mut IParamValueQueue {
        std::ptr::null_mut()
    }
}

/// A stream in memory.
#[derive(Default)]
pub struct MemoryStream {
    inner: Mutex<(Vec<u8>, usize)>,
}

impl MemoryStream {
    pub fn new(bytes: Vec<u8>) -> ComWrapper<Self> {
        ComWrapper::new(Self { inner: Mutex::new((bytes, 0)) })
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.inner.lock().expect("no panic while locked").0.clone()
    }
}

impl Class for MemoryStream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for MemoryStream {
    unsafe fn read(&self, buffer: *mut c_void, wanted: int32, got: *mut int32) -> tresult {
        let mut inner = self.inner.lock().expect("no panic while locked");
        let (bytes, at) = &mut *inner;
        let n = (wanted.max(0) as usize).min(bytes.len() - *at);
        // SAFETY: the plugin lends a buffer of `wanted` bytes, and `n` is not more than that.
        unsafe { std::ptr::copy_nonoverlapping(bytes[*at..].as_ptr(), buffer.cast::<u8>(), n) };
        *at += n;
        if !got.is_null() {
            // SAFETY: not null, and lent for this call.
            unsafe { *got = n as int32 };
        }
        kResultOk
    }
    unsafe fn write(&self, buffer: *mut c_void, given: int32, taken: *mut int32) -> tresult {
        let mut inner = self.inner.lock().expect("no panic while locked");
        let (bytes, at) = &mut *inner;
        // SAFETY: the plugin lends a buffer of `given` bytes.
        let new = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), given.max(0) as usize) };
        bytes.truncate(*at);
        bytes.extend_from_slice(new);
        *at = bytes.len();
        if !taken.is_null() {
            // SAFETY: not null, and lent for this call.
            unsafe { *taken = given };
        }
        kResultOk
    }
    unsafe fn seek(&self, pos: int64, mode: int32, result: *mut int64) -> tresult {
        let mut inner = self.inner.lock().expect("no panic while locked");
        let (bytes, at) = &mut *inner;
        let base = match mode as u32 {
            m if m == IStreamSeekMode_::kIBSeekSet => 0,
            m if m == IStreamSeekMode_::kIBSeekCur => *at as int64,
            _ => bytes.len() as int64,
        };
        *at = (base + pos).clamp(0, bytes.len() as int64) as usize;
        if !result.is_null() {
            // SAFETY: not null, and lent for this call.
            unsafe { *result = *at as int64 };
        }
        kResultOk
    }
    unsafe fn tell(&self, pos: *mut int64) -> tresult {
        let inner = self.inner.lock().expect("no panic while locked");
        // SAFETY: lent for this call.
        unsafe { *pos = inner.1 as int64 };
        kResultOk
    }
}

/// Counts what the plugin asks of the host's controller side.
#[derive(Default)]
pub struct Handler {
    restart_flags: AtomicI32,
    edits: AtomicU32,
}

impl Handler {
    /// The restart flags of all requests since the last call.
    pub fn take_restart(&self) -> i32 {
        self.restart_flags.swap(0, Ordering::AcqRel)
    }

    pub fn edits(&self) -> u32 {
        self.edits.load(Ordering::Acquire)
    }
}

impl Class for Handler {
    type Interfaces = (IComponentHandler,);
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, _: ParamID) -> tresult {
        kResultOk
    }
    unsafe fn performEdit(&self, _: ParamID, _: ParamValue) -> tresult {
        self.edits.fetch_add(1, Ordering::AcqRel);
        kResultOk
    }
    unsafe fn endEdit(&self, _: ParamID) -> tresult {
        kResultOk
    }
    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        self.restart_flags.fetch_or(flags, Ordering::AcqRel);
        kResultOk
    }
}
