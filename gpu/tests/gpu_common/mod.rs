//! What the device tests share. They run on the software adapter unless `SCUMBLE_ADAPTER` names
//! another; each opens a device of its own.
#![allow(dead_code)]

use std::sync::Arc;

use scumble_gpu::backend::adapter::AdapterWish;
use scumble_gpu::backend::wgpu::device::{DeviceError, Gpu, Submission};
use scumble_gpu::backend::wgpu::launch::{Dispatch, Launch};
use scumble_gpu::unified::{UnifiedBuffer, UnifiedError};

pub fn wish() -> AdapterWish {
    match AdapterWish::from_env() {
        AdapterWish::Best => AdapterWish::Software,
        other => other,
    }
}

pub fn gpu() -> Arc<Gpu> {
    Arc::new(Gpu::open(&wish()).expect("the software adapter (mesa-vulkan-drivers) is installed"))
}

/// Multiplies the first elements of a buffer by two, `rounds` times over: a kernel whose result is
/// easy to check and whose length is easy to choose.
pub struct Doubler {
    pipeline: wgpu::ComputePipeline,
    device: wgpu::Device,
}

const DOUBLE: &str = "
@group(0) @binding(0) var<storage, read_write> data: array<f32>;
@compute @workgroup_size(64)
fn double(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    if (id.x < arrayLength(&data)) {
        var v = data[id.x];
        for (var i = 0u; i < n.y; i++) {
            v = v * select(1.0, 2.0, i == 0u);
        }
        if (id.y == 0u) { data[id.x] = v; }
    }
}";

impl Doubler {
    pub fn new(gpu: &Arc<Gpu>) -> Self {
        let device = gpu.device().clone();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(DOUBLE.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("double"),
            compilation_options: Default::default(),
            cache: None,
        });
        Self { pipeline, device }
    }

    pub fn encode(
        &self,
        _gpu: &Gpu,
        launch: &mut Launch<'_>,
        buffer: &UnifiedBuffer,
        len: u32,
        rows: u32,
    ) -> Result<(), DeviceError> {
        let bindings = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: buffer.raw(),
                    offset: 0,
                    size: wgpu::BufferSize::new(u64::from(len) * 4),
                }),
            }],
        });
        launch.pass(
            "double",
            None,
            &[Dispatch {
                pipeline: &self.pipeline,
                bindings: &bindings,
                offset: None,
                workgroups: [len.div_ceil(64), rows, 1],
            }],
        )
    }

    pub fn run(
        &self,
        gpu: &Gpu,
        buffer: &mut UnifiedBuffer,
        len: u32,
        rows: u32,
    ) -> Result<Submission, UnifiedError> {
        let mut launch = Launch::begin(gpu, "double");
        buffer.prepare(&mut launch)?;
        self.encode(gpu, &mut launch, buffer, len, rows)?;
        Ok(launch.submit()?)
    }
}

pub mod ordeal;
pub mod player;
pub mod recorder;
pub mod tasks;

/// Sends the engine's log to stderr.
pub fn log_to_stderr() {
    struct Stderr;
    impl log::Log for Stderr {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            metadata.target().starts_with("scumble")
        }
        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                eprintln!("{}", record.args());
            }
        }
        fn flush(&self) {}
    }
    static LOGGER: Stderr = Stderr;
    // Another test of this process may have been first.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(log::LevelFilter::Debug);
}
