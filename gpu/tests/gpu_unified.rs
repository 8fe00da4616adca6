//! Unified buffers and launch safety on a real device (U1 to U7, L1 to L4).
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::sync::Arc;
use std::time::Duration;

use gpu_common::{Doubler, gpu};
use scumble_gpu::backend::wgpu::device::Gpu;
use scumble_gpu::backend::wgpu::launch::Launch;
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
    let len = 1 << 16;
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
            doubler.encode(&gpu, &mut launch, &source, len as u32, 1).unwrap();
        }
        launch.encoder("copy").copy_buffer_to_buffer(source.raw(), 0, result.raw(), 0, len * 4);
        result.fetch(&mut launch).unwrap();
        let submission = launch.submit().unwrap();
        drop(source); // while the work runs
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
}

#[test]
fn an_error_names_its_pass_and_keeps_the_drivers_message() {
    let gpu = gpu();
    let memory = UnifiedMemory::new(Arc::clone(&gpu), Mapping::Staged, BUDGET);
    let buffer = memory.create("small", 256, Access::ReadWrite, Hint::GpuPreferred).unwrap();
    let mut launch = Launch::begin(&gpu, "bad copy");
    launch.encoder("bad copy").copy_buffer_to_buffer(buffer.raw(), 0, buffer.raw(), 0, 1 << 20);
    let error = launch.submit().unwrap_err().to_string();
    assert!(error.contains("submit") || error.contains("bad copy"), "{error}"); // L2
    assert!(error.len() > 40, "the driver's message is kept: {error}");
    // The device goes on.
    let doubler = Doubler::new(&gpu);
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
