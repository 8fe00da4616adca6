//! Unified buffers and launch safety on a real device (U1 to U7, L1 to L4).
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::sync::Arc;
use std::time::Duration;

use gpu_common::{Doubler, gpu};
use scumble_gpu::backend::wgpu::device::Gpu;
use scumble_gpu::backend::wgpu::launch::{Dispatch, Launch};
use scumble_gpu::unified::{Access, Hint, Mapping, Path, UnifiedError, UnifiedMemory};

const BUDGET: u64 = 256 << 20;

fn memories() -> Vec<(Arc<Gpu>, UnifiedMemory)> {
    [Mapping::Auto, Mapping::Staged]
        .map(|mapping| {
            let gpu = gpu();
            (Arc::clone(&gpu), UnifiedMemory::new(gpu, mapping, BUDGET))
        })
        .into()
}

#[test]
fn what_the_host_writes_kernels_read_and_back_on_both_paths() {
    for (gpu, memory) in memories() {
        let doubler = Doubler::new(&gpu);
        for hint in [Hint::CpuPreferred, Hint::GpuPreferred, Hint::Coherent, Hint::Streaming] {
            let mut buffer =
                memory.create("round trip", 4000, Access::ReadWrite, hint).expect("fits");
            let values: Vec<f32> = (0..1000).map(|i| i as f32).collect();
            buffer.write(0, &values).unwrap(); // U3
            for round in 1..4 {
                doubler.run(&gpu, &mut buffer, 1000, 1).unwrap();
                let mut seen = vec![0.0f32; 990];
                buffer.read(10, &mut seen).unwrap(); // U4: waits for its own submission
                let factor = f32::from(1u16 << round);
                for (i, &v) in seen.iter().enumerate() {
                    assert_eq!(v, (i + 10) as f32 * factor, "{hint:?} round {round}");
                }
            }
            // Writes after GPU use land after it, and leave the rest alone.
            buffer.write(5, &[-1.0f32, -2.0]).unwrap();
            let mut seen = [0.0f32; 4];
            buffer.read(4, &mut seen).unwrap();
            assert_eq!(seen, [32.0, -1.0, -2.0, 56.0], "{hint:?}");
        }
    }
}

#[test]
fn types_offsets_and_bounds_are_those_of_the_elements() {
    let (_, memory) = memories().remove(0);
    let mut buffer = memory.create("typed", 64, Access::ReadWrite, Hint::Coherent).unwrap();
    buffer.write(1, &[1.5f64, -2.5]).unwrap();
    buffer.write(0, &[7i32, -8]).unwrap();
    #[repr(C)]
    #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, Debug, PartialEq)]
    struct Pair {
        a: u32,
        b: f32,
    }
    buffer.write(3, &[Pair { a: 9, b: 0.5 }]).unwrap();
    let (mut doubles, mut ints, mut pairs) = ([0.0f64; 2], [0i32; 2], [Pair { a: 0, b: 0.0 }; 1]);
    buffer.read(1, &mut doubles).unwrap();
    buffer.read(0, &mut ints).unwrap();
    buffer.read(3, &mut pairs).unwrap();
    assert_eq!((doubles, ints, pairs), ([1.5, -2.5], [7, -8], [Pair { a: 9, b: 0.5 }])); // U3

    let error = buffer.write(7, &[0.0f64, 0.0]).unwrap_err();
    assert_eq!(
        error,
        UnifiedError::OutOfBounds { label: "typed", start: 7, end: 9, len: 8 },
        "{error}"
    );
    let mut out = memory.create("results", 64, Access::WriteOnly, Hint::Streaming).unwrap();
    assert!(matches!(out.write(0, &[1u32]), Err(UnifiedError::Access { .. })));
    let mut table = memory.create("table", 64, Access::ReadOnly, Hint::GpuPreferred).unwrap();
    assert!(matches!(table.read(0, &mut [1u32]), Err(UnifiedError::Access { .. })));
}

#[test]
fn small_writes_become_one_copy_and_mapped_buffers_need_none() {
    for (gpu, memory) in memories() {
        let doubler = Doubler::new(&gpu);
        let mut buffer =
            memory.create("batched", 4096, Access::ReadWrite, Hint::Streaming).unwrap();
        for i in 0..100 {
            buffer.write(i, &[i as f32]).unwrap();
        }
        let before = memory.counters().copies.get();
        doubler.run(&gpu, &mut buffer, 100, 1).unwrap();
        let copies = memory.counters().copies.get() - before;
        match buffer.path() {
            Path::Mapped => assert_eq!(copies, 0), // U6
            Path::Staged => assert_eq!(copies, 1), // U5
        }
    }
}

#[test]
fn buffers_are_reused_by_class_and_a_full_pool_refuses_with_numbers() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, 1 << 20);
    let hint = Hint::GpuPreferred;
    drop(memory.create("first", 5000, Access::ReadWrite, hint).unwrap());
    drop(memory.create("second", 8000, Access::ReadWrite, hint).unwrap()); // same class
    assert_eq!((memory.counters().created.get(), memory.counters().pool_hits.get()), (1, 1)); // U5
    let held: Vec<_> = (0..100)
        .map_while(|_| memory.create("fill", 64 << 10, Access::ReadWrite, hint).ok())
        .collect();
    assert_eq!(held.len(), 16, "shelved buffers make room");
    let error = memory.create("one more", 64 << 10, Access::ReadWrite, hint).err().unwrap();
    assert!(matches!(error, UnifiedError::Exhausted { asked: 65_536, .. }), "{error}");
    drop(held);
    memory.create("after", 512 << 10, Access::ReadWrite, hint).unwrap();
    assert!(memory.bytes().0 + memory.bytes().1 <= 1 << 20);
}

#[test]
fn dropping_a_buffer_in_long_work_and_flooding_the_pool_changes_no_result() {
    // L4
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, BUDGET);
    let doubler = Doubler::new(&gpu);
    let len = 1 << 18;
    let mut dropped_at_work = 0;
    for round in 0..8u32 {
        let mut source =
            memory.create("source", len * 4, Access::ReadWrite, Hint::GpuPreferred).unwrap();
        let mut result =
            memory.create("result", len * 4, Access::ReadWrite, Hint::GpuPreferred).unwrap();
        source.write(0, &vec![round as f32 + 1.0; len as usize]).unwrap();
        let mut launch = Launch::begin(&gpu, "long work");
        source.prepare(&mut launch).unwrap();
        result.prepare(&mut launch).unwrap();
        for _ in 0..40 {
            doubler.encode(&gpu, &mut launch, &source, len as u32, 4).unwrap();
        }
        launch.encoder("copy").copy_buffer_to_buffer(source.raw(), 0, result.raw(), 0, len * 4);
        result.fetch(&mut launch).unwrap();
        let submission = launch.submit().unwrap();
        drop(source);
        // Nobody else polls: without this the work would never be seen to have ended.
        gpu.poll().unwrap();
        dropped_at_work += u32::from(!gpu.is_complete(&submission));
        let mut flood: Vec<_> = (0..16)
            .map(|_| {
                memory.create("flood", len * 4, Access::ReadWrite, Hint::GpuPreferred).unwrap()
            })
            .collect();
        for buffer in &mut flood {
            buffer.write(0, &vec![f32::NAN; len as usize]).unwrap();
            doubler.run(&gpu, buffer, 16, 1).unwrap();
        }
        gpu.wait(&submission, Duration::from_secs(10)).unwrap(); // L3
        let mut seen = vec![0.0f32; len as usize];
        result.read(0, &mut seen).unwrap();
        let wanted = (round as f32 + 1.0) * 2f32.powi(40);
        assert!(seen.iter().all(|&v| v == wanted), "round {round}");
    }
    assert!(dropped_at_work >= 4, "the work ran when its buffer was dropped: {dropped_at_work}");
}

#[test]
fn a_launch_that_comes_to_nothing_leaves_its_buffers_as_they_were() {
    for (gpu, memory) in memories() {
        let doubler = Doubler::new(&gpu);
        for hint in [Hint::GpuPreferred, Hint::Coherent, Hint::Streaming] {
            let mut up = memory.create("up", 1024, Access::ReadOnly, hint).unwrap();
            let mut data = memory.create("data", 1024, Access::ReadWrite, hint).unwrap();
            for round in 0..3 {
                let first = 3.0 + round as f32;
                data.write(0, &[first, 5.0]).unwrap();
                up.write(0, &[first]).unwrap();
                // As when a later buffer finds no memory: what was recorded is let go.
                let mut launch = Launch::begin(&gpu, "given up");
                up.prepare(&mut launch).unwrap();
                data.prepare(&mut launch).unwrap();
                data.fetch(&mut launch).unwrap();
                drop(launch);
                // As when the driver refuses what was recorded.
                let mut launch = Launch::begin(&gpu, "refused");
                up.prepare(&mut launch).unwrap();
                data.prepare(&mut launch).unwrap();
                data.fetch(&mut launch).unwrap();
                let (from, beyond) = (up.raw().clone(), 1 << 20);
                launch.encoder("beyond").copy_buffer_to_buffer(&from, 0, data.raw(), 0, beyond);
                launch.submit().unwrap_err();
                data.write(1, &[7.0f32]).unwrap();
                up.write(1, &[first]).unwrap();
                doubler.run(&gpu, &mut data, 2, 1).unwrap();
                let mut seen = [0.0f32; 2];
                data.read(0, &mut seen).unwrap();
                assert_eq!(seen, [2.0 * first, 14.0], "{hint:?}"); // P7
            }
        }
    }
}

#[test]
fn each_thread_hears_of_its_own_errors_alone() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Staged, BUDGET);
    let buffer = memory.create("own", 256, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    let bad_copy = |label: &'static str| {
        let mut launch = Launch::begin(&gpu, label);
        launch.encoder(label).copy_buffer_to_buffer(buffer.raw(), 0, buffer.raw(), 0, 1 << 20);
        launch.submit().unwrap_err().to_string()
    };
    // As a task that the analyst prepares, while the worker plays.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            gpu.enter_pass("aside");
            let too_large = wgpu::BufferDescriptor {
                label: None,
                size: u64::MAX / 2,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            };
            drop(gpu.device().create_buffer(&too_large));
            // The other thread looks first.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    gpu.poll().expect("not its error");
                    assert!(bad_copy("own").contains("own"));
                    gpu.take_error().expect("told once");
                });
            });
            let error = gpu.take_error().unwrap_err().to_string();
            assert!(error.contains("aside"), "{error}"); // L2
        });
    });
    gpu.take_error().expect("nothing is left");
}

#[test]
fn an_error_names_its_pass_and_keeps_the_drivers_message() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Staged, BUDGET);
    let doubler = Doubler::new(&gpu);
    let buffer = memory.create("small", 256, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    let mut launch = Launch::begin(&gpu, "a copy");
    launch.encoder("bad copy").copy_buffer_to_buffer(buffer.raw(), 0, buffer.raw(), 0, 1 << 20);
    let error = launch.submit().unwrap_err().to_string();
    assert!(error.contains("bad copy"), "{error}"); // L2
    assert!(error.contains("same buffer"), "the driver's message is kept: {error}");
    // A pass with more workgroups than any device has, of which the driver tells at the end alone.
    let mut launch = Launch::begin(&gpu, "a pass");
    doubler.encode(&gpu, &mut launch, &buffer, 64, 1 << 20).unwrap();
    launch.encoder("harmless").clear_buffer(buffer.raw(), 0, None);
    let error = launch.submit().unwrap_err().to_string();
    assert!(error.contains("double"), "{error}"); // L2
    assert!(error.contains("1048576"), "the driver's message is kept: {error}");
    // The device goes on.
    let mut buffer = memory.create("good", 256, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    buffer.write(0, &[3.0f32]).unwrap();
    doubler.run(&gpu, &mut buffer, 1, 1).unwrap();
    let mut seen = [0.0f32];
    buffer.read(0, &mut seen).unwrap();
    assert_eq!(seen, [6.0]);
}

#[test]
fn waits_are_timed_and_say_what_they_waited_for() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, BUDGET);
    let doubler = Doubler::new(&gpu);
    let len = 1u32 << 20;
    let mut buffer =
        memory.create("slow", u64::from(len) * 4, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    let mut launch = Launch::begin(&gpu, "slow");
    buffer.prepare(&mut launch).unwrap();
    for _ in 0..20 {
        doubler.encode(&gpu, &mut launch, &buffer, len, 20).unwrap();
    }
    let submission = launch.submit().unwrap();
    let error = gpu.wait(&submission, Duration::from_micros(200)).unwrap_err().to_string();
    assert!(error.contains("submission") && error.contains("completed"), "{error}");
    gpu.wait(&submission, Duration::from_secs(60)).unwrap();
    assert!(gpu.completed() >= submission.serial);
}

#[test]
fn a_lost_device_is_reported_by_everything_and_panics_nowhere() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, BUDGET);
    let doubler = Doubler::new(&gpu);
    let mut buffer = memory.create("lost", 256, Access::ReadWrite, Hint::Streaming).unwrap();
    buffer.write(0, &[1.0f32]).unwrap();
    doubler.run(&gpu, &mut buffer, 1, 1).unwrap();
    gpu.lose();
    let mut failures = 0;
    for _ in 0..3 {
        failures += u32::from(doubler.run(&gpu, &mut buffer, 1, 1).is_err());
        failures +=
            u32::from(memory.create("new", 1 << 20, Access::ReadWrite, Hint::Coherent).is_err());
    }
    assert!(failures >= 5, "{failures} of 6 calls on a lost device failed"); // S8
    assert!(gpu.is_lost());
}

#[test]
fn one_thread_waits_while_another_submits_and_looks() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, 64 << 20);
    let rounds = 300;
    // As the helper does beside the worker. wgpu panics if both are inside it at a time.
    let aside = {
        let (gpu, memory) = (Arc::clone(&gpu), memory.clone());
        std::thread::Builder::new().name("aside".to_owned()).spawn(move || {
            let doubler = Doubler::new(&gpu);
            let mut buffer =
                memory.create("aside", 256, Access::ReadWrite, Hint::GpuPreferred).unwrap();
            for _ in 0..rounds {
                let submission = doubler.run(&gpu, &mut buffer, 64, 1).unwrap();
                gpu.wait_aside(&submission, Duration::from_secs(20)).unwrap();
                for _ in 0..20 {
                    gpu.poll().unwrap();
                }
            }
        })
    }
    .unwrap();
    let doubler = Doubler::new(&gpu);
    let mut buffer = memory.create("own", 256, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    while !aside.is_finished() {
        // A little longer than one wait inside the driver, so that many of those end in vain.
        let submission = doubler.run(&gpu, &mut buffer, 64, 400).unwrap();
        gpu.wait(&submission, Duration::from_secs(20)).unwrap(); // L3
    }
    aside.join().unwrap();
    assert!(gpu.completed() > rounds);
}

const TICKET: &str = "
@group(0) @binding(0) var<storage, read_write> last: array<u32>;
@compute @workgroup_size(1)
fn ticket() { last[0] = last[0] + 1u; }";

#[test]
fn submissions_are_numbered_in_the_order_in_which_the_device_does_them() {
    const EACH: u32 = 400;
    const THREADS: u32 = 4;
    let gpu = gpu();
    let device = gpu.device();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(TICKET.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("ticket"),
        compilation_options: Default::default(),
        cache: None,
    });
    let buffer = |words: u32| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(words) * 4,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_SRC
                | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let (last, tickets) = (buffer(1), buffer(THREADS * EACH));
    let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: last.as_entire_binding() }],
    });
    // Each submission draws a ticket from the device and keeps it at a place of its own.
    let draw = |place: u32| {
        let mut launch = Launch::begin(&gpu, "ticket");
        let workgroups = [1, 1, 1];
        let dispatch =
            Dispatch { pipeline: &pipeline, bindings: &bindings, offset: None, workgroups };
        launch.pass("ticket", None, &[dispatch]).unwrap();
        launch.encoder("keep").copy_buffer_to_buffer(&last, 0, &tickets, u64::from(place) * 4, 4);
        launch.submit().unwrap().serial
    };
    let mut serials: Vec<(u64, u32)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let draw = &draw;
                scope.spawn(move || {
                    let places = thread * EACH..(thread + 1) * EACH;
                    places.map(|place| (draw(place), place)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Auto, BUDGET);
    let bytes = u64::from(THREADS * EACH) * 4;
    let mut seen = memory.create("seen", bytes, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    let mut launch = Launch::begin(&gpu, "look");
    seen.prepare(&mut launch).unwrap();
    launch.encoder("look").copy_buffer_to_buffer(&tickets, 0, seen.raw(), 0, bytes);
    launch.submit().unwrap();
    let mut drawn = vec![0u32; (THREADS * EACH) as usize];
    seen.read(0, &mut drawn).unwrap();
    serials.sort_unstable();
    let in_order = serials.iter().map(|&(_, place)| drawn[place as usize]);
    // T3: with any other numbering an earlier submission could count as done before it began.
    assert!(in_order.eq(1..=THREADS * EACH));
}
