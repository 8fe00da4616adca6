//! Everything that talks to wgpu. The worker owns what is here; the helper opens, closes and warms up,
//! and the analyst prepares and reads tasks, beside it ([`device`] says how they keep apart). Never the
//! audio thread, never the editor.

pub mod analysis;
pub mod arena;
mod arenas;
pub mod batch;
pub mod device;
mod exchange;
mod find;
pub mod hops;
pub mod launch;
pub mod pipelines;
pub mod shaders;
pub mod slot;
pub mod stft;
pub mod tables;
pub mod warm;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Native wgpu futures are ready at once, or after a few polls; nothing here drives an executor.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

use crate::backend::adapter::{AdapterWish, Candidate};
use crate::backend::{Backend, BackendError, OpenBackend};
use crate::unified::Mapping;

/// Opens the device of an adapter.
pub struct OpenWgpu {
    wish: AdapterWish,
    hops_alone_on_software: bool,
}

impl OpenWgpu {
    pub fn new(wish: AdapterWish) -> Self {
        Self { wish, hops_alone_on_software: false }
    }

    /// A software adapter gets hops alone: the twin does tasks on the same cores, and faster.
    pub fn hops_alone_on_software(self) -> Self {
        Self { hops_alone_on_software: true, ..self }
    }
}

impl OpenBackend for OpenWgpu {
    fn open(&self, sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        let gpu = Arc::new(device::Gpu::open(&self.wish)?);
        let hops_alone = self.hops_alone_on_software && gpu.facts().software;
        let mut backend = hops::WgpuBackend::new(gpu, Mapping::Auto)?;
        if hops_alone {
            backend.refuse_tasks();
        }
        for &n in sizes {
            match backend.warm_up(n)() {
                Ok(()) => {}
                Err(error @ BackendError::Lost(_)) => return Err(error),
                // A size without kernels concerns its sessions alone; they will be told.
                Err(error) => log::debug!("scumble: {n} samples are not warm: {error}"),
            }
        }
        Ok(Box::new(backend))
    }

    fn devices(&self) -> Vec<Candidate> {
        device::candidates()
    }
}
