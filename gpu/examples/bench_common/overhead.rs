//! What the engine adds: from a block that is handed over to its signal seen, less the GPU's own time,
//! beside what any engine must pay.

use std::time::{Duration, Instant};

use scumble_dsp::{EffectSettings, Framer, Playhead};
use scumble_gpu::backend::wgpu::device::Gpu;
use scumble_gpu::engine::{Engine, EngineKind, SessionConfig};
use scumble_gpu::sync::{Counter, HopStatus};

use super::report::Report;
use super::{bench_common, wish};
use bench_common::{median, micros};

/// Write, dispatch, copy, map, with nothing around it: what any engine must pay.
pub struct Bare {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    upload: wgpu::Buffer,
    result: wgpu::Buffer,
    readback: wgpu::Buffer,
    bytes: u64,
}

impl Bare {
    pub fn new(gpu: &Gpu, bytes: u64) -> Self {
        let (device, queue) = (gpu.device().clone(), gpu.queue().clone());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(
                "@group(0) @binding(0) var<storage, read_write> data: array<f32>;
                 @compute @workgroup_size(64)
                 fn touch(@builtin(global_invocation_id) id: vec3<u32>) {
                     data[id.x] = data[id.x] * 0.5;
                 }"
                .into(),
            ),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("touch"),
            compilation_options: Default::default(),
            cache: None,
        });
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: bytes,
                usage,
                mapped_at_creation: false,
            })
        };
        use wgpu::BufferUsages as U;
        let upload = buffer(U::STORAGE | U::COPY_DST | U::COPY_SRC);
        let result = buffer(U::COPY_DST);
        let readback = buffer(U::MAP_READ | U::COPY_DST);
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: upload.as_entire_binding() }],
        });
        Self { device, queue, pipeline, bindings, upload, result, readback, bytes }
    }

    pub fn run(&self) -> f64 {
        let data = vec![0u8; self.bytes as usize];
        let start = Instant::now();
        self.queue.write_buffer(&self.upload, 0, &data);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.bindings, &[]);
            pass.dispatch_workgroups((self.bytes / 256) as u32, 1, 1);
        }
        let (from, to) = (&self.upload, &self.readback);
        encoder.copy_buffer_to_buffer(from, 0, to, 0, self.bytes);
        let index = self.queue.submit([encoder.finish()]);
        self.readback.map_async(wgpu::MapMode::Read, .., |_| {});
        let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: None };
        self.device.poll(wait).expect("polls");
        let seen = self.readback.get_mapped_range(..).expect("mapped")[0];
        std::hint::black_box((seen, &self.result));
        self.readback.unmap();
        micros(start)
    }
}

/// A stereo Live block goes all the way: the ring, the doorbell, the worker, the device, the half and
/// its fence. The GPU's own time is what the engine itself samples in the same blocks; the bare
/// sequence takes turns with them.
pub fn measure(report: &mut Report, engine: &Engine, config: SessionConfig) {
    // The GPU's time is sampled in one block of sixteen: fewer rounds would not tell it.
    let rounds = 1000;
    // The device has its time: a block that the twin covers would say nothing of it.
    let config = SessionConfig { patience: Some(Duration::from_secs(1)), ..config };
    let (mut audio, control) = engine.open(config).expect("opens");
    let gpu = Gpu::open(&wish()).expect("the engine's device opens once more");
    // As many bytes as such a block and its parameters.
    let bare = Bare::new(&gpu, 2048);
    let (h, hops) = (config.spec.h, (config.max_block / config.spec.h) as u64);
    let mut framer = Framer::new(config.spec, config.sample_rate);
    let settings = EffectSettings { low_cut_hz: 100.0, ..Default::default() };
    let input: Vec<f32> = (0..h).map(|i| (i as f32 * 0.2).sin() * 0.5).collect();
    let mut out = [vec![0.0f32; h], vec![0.0f32; h]];
    let mut next = 0;
    let mut block = || {
        let start = Instant::now();
        for hop in next..next + hops {
            let params = framer.next(&settings, Playhead::default());
            audio.push_hop(hop, &[&input, &input], &params).expect("the worker keeps up");
        }
        audio.end_block();
        // Each block is read whole, so what is signalled is this one.
        while !audio.is_signalled() {
            std::hint::spin_loop();
        }
        let took = micros(start);
        for hop in next..next + hops {
            let [left, right] = &mut out;
            assert_eq!(audio.read_hop(hop, &mut [left, right]), HopStatus::Ready);
        }
        next += hops;
        (took, audio.kind())
    };
    let begun = Instant::now();
    while block().1 != EngineKind::Gpu {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", control.state());
        std::thread::sleep(Duration::from_millis(2));
    }
    let busy = || control.metrics().count(Counter::GpuBusyNanos);
    let (mut engine, mut reference, before) = (Vec::new(), Vec::new(), busy());
    for _ in 0..rounds {
        engine.push(block().0);
        reference.push(bare.run());
    }
    let own = (busy() - before) as f64 / 1e3 / f64::from(rounds);
    let total = median(&mut engine);
    eprintln!("a block there and back: {total:.1} us, the GPU's own time {own:.1} us");
    report.ratio(
        "engine overhead / bare write+dispatch+copy+map",
        "us",
        total - own,
        median(&mut reference),
        2.0,
    );
}
