//! Warm-up: compiles what a transform size needs and runs each kernel once, since software and real
//! drivers alike finish compiling at the first dispatch (100 to 230 ms were seen). Runs on the helper
//! thread, on buffers of its own.

use std::time::Duration;

use parking_lot::RwLock;

use super::device::{DeviceError, Gpu};
use super::launch::{Dispatch, Launch};
use super::pipelines::Pipelines;
use super::shaders::{Module, Transform, WARP_KERNELS};
use crate::backend::BackendError;
use crate::backend::layout::{Header, Job, NONE};

/// A first dispatch may take this long; a driver that needs longer is not for real time.
const LIMIT: Duration = Duration::from_secs(30);

pub fn modules(n: usize) -> [Module; 7] {
    [
        Module::Stream,
        Module::Time,
        Module::Effect,
        Module::Blur,
        Module::Warp,
        Module::Forward { n },
        Module::Inverse { n },
    ]
}

/// Makes size `n` warm.
pub fn up(gpu: &Gpu, pipelines: &RwLock<Pipelines>, n: usize) -> Result<(), BackendError> {
    let transform = Transform::new(n).filter(|_| gpu.transforms(n)).ok_or(BackendError::Size(n))?;
    for module in modules(n) {
        if !pipelines.read().has(module) {
            // Compiled without the lock: the worker goes on dispatching what is there.
            let maker = pipelines.read().maker();
            let built = maker.build(gpu, module)?;
            pipelines.write().add(module, built);
        }
    }
    run_all(gpu, &pipelines.read(), n, transform)?;
    pipelines.write().set_warm(n);
    Ok(())
}

/// One silent, neutral job of this size through every kernel.
fn run_all(gpu: &Gpu, pipelines: &Pipelines, n: usize, t: Transform) -> Result<(), DeviceError> {
    gpu.enter_pass("warm-up");
    let bins = n as u64 / 2 + 1;
    let buffer = |bytes: u64| {
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("warm-up"),
            size: bytes.next_multiple_of(256),
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let n32 = n as u32;
    let job = Job {
        hop: 64,
        history_len: 2 * n32,
        spectra_len: 1,
        frames: 4 * bins as u32,
        frames_len: 1,
        n: n32,
        m: n32.min(64),
        field: NONE,
        held: NONE,
        stride: 0,
        strides_per_second: 1.0,
        analysis: (WARP_KERNELS + 8192) as u32,
        synthesis: (WARP_KERNELS + 8192) as u32,
        ..Job::default()
    };
    let header = Header { jobs: 1, ..Header::default() };
    let table = buffer((size_of::<Header>() + size_of::<Job>()) as u64);
    gpu.queue.write_buffer(&table, 0, bytemuck::bytes_of(&header));
    gpu.queue.write_buffer(&table, size_of::<Header>() as u64, bytemuck::bytes_of(&job));
    let buffers = [
        table,
        buffer(4096),
        buffer((WARP_KERNELS + 8192 + n) as u64 * 8),
        buffer(256),
        buffer(8 * n as u64),
        buffer(8 * bins),
        buffer(8 * (4 * bins + n as u64)),
        buffer(4096),
    ];
    let bindings = pipelines.bind(gpu, buffers.each_ref());
    let mut launch = Launch::begin(gpu, "warm-up");
    let parts = t.parts as u32;
    let steps = [
        (Module::Forward { n }, "forward", parts),
        (Module::Forward { n }, "split_bins", 1),
        (Module::Time, "time", 1),
        (Module::Effect, "effect", 1),
        (Module::Blur, "blur", 1),
        (Module::Warp, "warp", 1),
        (Module::Inverse { n }, "inverse", parts),
        (Module::Stream, "overlap_add", 1),
    ];
    for (module, entry, x) in steps {
        let pipeline = pipelines.get(module, entry)?;
        let dispatch =
            Dispatch { pipeline, bindings: &bindings, offset: None, workgroups: [x, 1, 1] };
        launch.pass(entry, None, &[dispatch])?;
    }
    let submission = launch.submit()?;
    gpu.wait_aside(&submission, LIMIT)
}
