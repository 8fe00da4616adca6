//! The GPU engine's figures (`cargo xtask bench`): one JSON array on stdout, notes on stderr.
//!
//! Runs on the adapter that `SCUMBLE_ADAPTER` names, on the software adapter if it names none.

#[path = "bench_common/analysis.rs"]
mod analysis;
mod bench_common;
#[path = "bench_common/report.rs"]
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_common::{Rig, median, micros, wish};
use report::Report;
use scumble_dsp::{EffectSettings, Playhead, Quality, WindowShape, WindowSpec};
use scumble_gpu::backend::wgpu::device::Gpu;
use scumble_gpu::backend::wgpu::hops::WgpuBackend;
use scumble_gpu::backend::wgpu::launch::Launch;
use scumble_gpu::backend::{Backend, SlotSpec};
use scumble_gpu::unified::{Access, Hint, Mapping, UnifiedMemory};

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let mut report = Report::new("gpu");
    let gpu = match Gpu::open(&wish()) {
        Ok(gpu) => Arc::new(gpu),
        Err(error) => {
            eprintln!("no figures: {error}");
            println!("[]");
            return;
        }
    };
    eprintln!("adapter: {}", gpu.facts());
    batching(&mut report, &gpu);
    stft(&mut report, &gpu, quick);
    management(&mut report, &gpu, quick);
    analysis::run(&mut report, &gpu, quick);
    println!("{}", report.into_json());
}

/// Stereo sessions at Live on the device, two hops a block.
fn device_rig(gpu: &Arc<Gpu>, mapping: Mapping, sessions: usize) -> Rig<WgpuBackend> {
    let backend = WgpuBackend::new(Arc::clone(gpu), mapping).expect("opens");
    let window = WindowSpec::new(Quality::Live, 48_000.0);
    let spec = SlotSpec { window, sample_rate: 48_000.0, channels: 2, max_hops: 8 };
    let settings = EffectSettings { low_cut_hz: 100.0, ..Default::default() };
    Rig::new(backend, spec, settings, sessions, 2).expect("opens")
}

/// Sixteen sessions in one submission against sixteen submissions.
fn batching(report: &mut Report, gpu: &Arc<Gpu>) {
    let rounds = 100;
    const SESSIONS: usize = 16;
    let mut rig = device_rig(gpu, Mapping::Auto, SESSIONS);
    let (mut together, mut apart, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let before = rig.backend.stats();
        let one = rig.block(0..SESSIONS, Playhead::default());
        let dispatches_of_all = rig.backend.stats().dispatches - before.dispatches;
        rig.advance();
        let mut many = 0.0;
        let before = rig.backend.stats();
        for slot in 0..SESSIONS {
            let time = rig.block(slot..slot + 1, Playhead::default());
            single.push(time);
            many += time;
        }
        let dispatches_of_one =
            (rig.backend.stats().dispatches - before.dispatches) / SESSIONS as u64;
        rig.advance();
        assert_eq!(dispatches_of_all, dispatches_of_one, "dispatches grow with sessions");
        if round >= 3 {
            together.push(one);
            apart.push(many);
        }
    }
    eprintln!("one session alone: {:.1} us", median(&mut single));
    report.medians(
        "16 sessions in one submission / 16 submissions",
        "us",
        &mut together,
        &mut apart,
        0.5,
    );
}

/// Two seconds of sound, 2048/512: windowed STFT through the job table against the bare FFT kernel
/// of the same size over as many frames, which has neither window nor ring nor turn. Both give the
/// bins of the real data; the kernel that stops before that stands beside it.
fn stft(report: &mut Report, gpu: &Arc<Gpu>, quick: bool) {
    use scumble_gpu::backend::wgpu::stft::{Bare as Fft, ClipStft};
    let rounds = if quick { 5 } else { 30 };
    let clip: Vec<f32> = (0..88_200).map(|i| (i as f32 * 0.031).sin() * 0.7).collect();
    let spec = WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).expect("a valid window");
    let mut whole = ClipStft::new(gpu, spec, clip.len()).expect("fits");
    let (mut with_window, mut real, mut packed) = (Vec::new(), Vec::new(), Vec::new());
    let mut timed = |run: &mut dyn FnMut(&mut ClipStft)| {
        let start = Instant::now();
        whole.upload(&clip).expect("uploads");
        run(&mut whole);
        micros(start)
    };
    for round in 0..rounds {
        let time = timed(&mut |clip| clip.forward().expect("runs"));
        let own = timed(&mut |clip| clip.bare_fft(Fft::Real).expect("runs"));
        let half = timed(&mut |clip| clip.bare_fft(Fft::Packed).expect("runs"));
        if round >= 2 {
            with_window.push(time);
            real.push(own);
            packed.push(half);
        }
    }
    let id = "STFT of 2 s / bare real FFT kernel";
    report.medians(id, "us", &mut with_window, &mut real, 1.25);
    let time = median(&mut with_window);
    let id = "STFT of 2 s beside the packed FFT of half the length";
    report.beside(id, "us", time, median(&mut packed));
    report.value("STFT of 2 s (floor 100 ms, P6)", "ms", time / 1e3, 100.0);
    whole.forward().expect("runs");
    let error = worst_error(&mut whole, spec, &clip);
    report.value("largest error against realfft, relative", "1", error, 1e-5);
}

/// Largest difference to realfft, relative to the largest magnitude.
fn worst_error(
    device: &mut scumble_gpu::backend::wgpu::stft::ClipStft,
    spec: WindowSpec,
    clip: &[f32],
) -> f64 {
    let mut plan = realfft::RealFftPlanner::<f32>::new();
    let fft = plan.plan_fft_forward(spec.n);
    let window = spec.windows().analysis;
    let (mut time, mut freq) = (fft.make_input_vec(), fft.make_output_vec());
    let all = device.spectra().expect("reads");
    let (mut worst, mut largest) = (0.0f32, 0.0f32);
    for (f, row) in all.chunks_exact(spec.bins()).enumerate() {
        for (i, t) in time.iter_mut().enumerate() {
            *t = clip[f * spec.h + i] * window[i];
        }
        fft.process(&mut time, &mut freq).expect("lengths agree");
        for (a, b) in row.iter().zip(&freq) {
            largest = largest.max(b.norm());
            worst = worst.max((a[0] - b.re).abs()).max((a[1] - b.im).abs());
        }
    }
    f64::from(worst / largest)
}

/// What buffer management costs a block, and its copies, mapped and staged: as many buffers, writes and
/// bytes as a stereo Live block of two hops has.
fn management(report: &mut Report, gpu: &Arc<Gpu>, quick: bool) {
    let rounds = if quick { 200 } else { 2000 };
    for (name, mapping) in [("mapped", Mapping::Auto), ("staged", Mapping::Staged)] {
        let memory = UnifiedMemory::new(Arc::clone(gpu), mapping, 64 << 20);
        let buffer = |label, bytes, access, hint| {
            memory.create(label, bytes, access, hint).expect("there is room")
        };
        // Tables, held spectra, rings of spectra and of frames: the device's own.
        let mut own = ["tables", "held", "spectra", "frames"]
            .map(|label| buffer(label, 1 << 20, Access::ReadWrite, Hint::GpuPreferred));
        let mut sent = [("job table", 448), ("inbox", 256), ("history", 1 << 19)]
            .map(|(label, bytes)| buffer(label, bytes, Access::ReadOnly, Hint::Streaming));
        let mut outbox = buffer("outbox", 1024, Access::WriteOnly, Hint::Streaming);
        let (words, hop) = (vec![1u32; 100], vec![0.5f32; 64]);
        let mut seen = vec![0.0f32; 256];
        let mut costs = Vec::new();
        let before = memory.counters().copies.get();
        for round in 0..rounds {
            // Writing, preparing, asking back and reading; not the submission and the wait between.
            let start = Instant::now();
            let [table, inbox, history] = &mut sent;
            table.write(0, &words[..12]).expect("writes");
            table.write(12, &words).expect("writes");
            inbox.write(0, &words[..64]).expect("writes");
            for channel_of_hop in 0..4 {
                history.write(channel_of_hop * 16_384 + round * 64 % 8192, &hop).expect("writes");
            }
            let mut launch = Launch::begin(gpu, "management");
            for buffer in own.iter_mut().chain(&mut sent) {
                buffer.prepare(&mut launch).expect("prepares");
            }
            outbox.prepare(&mut launch).expect("prepares");
            outbox.fetch_first(&mut launch, 1024).expect("fetches");
            let mut cost = micros(start);
            let submission = launch.submit().expect("submits");
            gpu.wait(&submission, Duration::from_secs(5)).expect("completes");
            let start = Instant::now();
            outbox.read(0, &mut seen).expect("reads");
            cost += micros(start);
            if round >= 20 {
                costs.push(cost / 1e3);
            }
        }
        let copies = (memory.counters().copies.get() - before) as f64 / rounds as f64;
        eprintln!("copies a block, {name}: {copies:.1}");
        let id = format!("buffer management a block, {name} ({copies:.0} copies)");
        report.value(&id, "ms", median(&mut costs), 0.1);
    }
    let mut rig = device_rig(gpu, Mapping::Staged, 1);
    let before = rig.backend.stats();
    for _ in 0..50 {
        rig.block(0..1, Playhead::default());
        rig.advance();
    }
    let after = rig.backend.stats();
    eprintln!(
        "a staged block: {:.1} copies, {:.0} bytes",
        (after.copies - before.copies) as f64 / 50.0,
        (after.copied_bytes - before.copied_bytes) as f64 / 50.0
    );
}
