//! Device memory: what is short of it, and what comes back (P6, P7, X7).
#![cfg(feature = "wgpu")]

mod gpu_common;

use std::sync::Arc;
use std::time::Duration;

use gpu_common::gpu;
use scumble_dsp::{FrameParams, Quality, WindowSpec};
use scumble_gpu::backend::wgpu::hops::WgpuBackend;
use scumble_gpu::backend::{Backend, BackendError, JobTable, SlotSpec, Want};
use scumble_gpu::unified::Mapping;

const PLENTY: u64 = 1 << 30;

fn spec(quality: Quality, channels: usize) -> SlotSpec {
    let window = WindowSpec::new(quality, 48_000.0);
    SlotSpec { window, sample_rate: 48_000.0, channels, max_hops: 16 }
}

/// One hop of silence for a session.
fn play(backend: &mut WgpuBackend, slot: usize, spec: &SlotSpec, hop: u64) {
    let mut table = JobTable::default();
    let silence = vec![0.0; spec.hop_floats()];
    table.push(slot, hop, Want::Output, FrameParams::neutral(hop), &silence);
    backend.submit(&table).expect("goes out");
    while !backend.wait(Duration::from_secs(20)).expect("no error") {}
    let mut hops = 0;
    backend.collect(&mut |_, _, _| hops += 1).expect("is read");
    assert_eq!(hops, 1);
}

#[test]
fn a_thousand_sessions_come_and_go_and_leave_the_devices_memory_as_it_was() {
    for mapping in [Mapping::Auto, Mapping::Staged] {
        let mut backend = WgpuBackend::new(gpu(), mapping).expect("opens");
        let steady = spec(Quality::Live, 2);
        backend.warm_up(steady.window.n)().expect("compiles");
        backend.open(0, &steady).expect("has a place");
        play(&mut backend, 0, &steady, 0);
        let mut settled = None;
        for i in 0..1000u64 {
            // Guests of all sizes, up to seven at a time.
            let guest = spec(Quality::ALL[i as usize % 4], 1 + i as usize % 2);
            let slot = 1 + i as usize % 7;
            backend.open(slot, &guest).expect("has a place"); // it replaces one of the same number
            if i % 3 == 0 {
                backend.close(slot);
            }
            if i % 20 == 0 {
                play(&mut backend, 0, &steady, 1 + i / 20);
            }
            if i == 200 {
                settled = Some(backend.stats().memory_bytes);
            }
        }
        assert_eq!(Some(backend.stats().memory_bytes), settled, "{mapping:?}"); // X7
        (1..8).for_each(|slot| backend.close(slot));
    }
}

#[test]
fn a_session_for_which_there_is_no_memory_leaves_nothing_behind() {
    let live = spec(Quality::Live, 2);
    let gpu = gpu();
    let needed = {
        let backend = WgpuBackend::within(PLENTY, Arc::clone(&gpu), Mapping::Staged);
        backend.expect("opens").memory().bytes().0
    };
    // Its ranges fit; the staging of its history, made when it is first written, does not.
    let mut backend =
        WgpuBackend::within(needed + (64 << 10), gpu, Mapping::Staged).expect("opens");
    let mut told = Vec::new();
    for attempt in 0..2000 {
        match backend.open(attempt % 50, &live) {
            Err(BackendError::OutOfMemory(message)) => told.push(message),
            other => panic!("attempt {attempt}: {other:?}"),
        }
    }
    assert!(told[0].contains("history"), "{}", told[0]);
    // Ranges that do not come back fill the arenas, which then are what is refused (P7).
    assert!(told.iter().all(|message| *message == told[0]), "{}", told[told.len() - 1]);
}
