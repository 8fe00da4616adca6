//! What the benches of the engines share: sessions on a backend, and the blocks that they ask for.

use std::time::{Duration, Instant};

use scumble_dsp::{EffectSettings, FrameParams, Framer, Playhead};
use scumble_gpu::backend::adapter::AdapterWish;
use scumble_gpu::backend::{Backend, BackendError, JobTable, SlotSpec, Want};

/// The adapter that `SCUMBLE_ADAPTER` names; the software adapter if it names none.
pub fn wish() -> AdapterWish {
    match AdapterWish::from_env() {
        AdapterWish::Best => AdapterWish::Software,
        other => other,
    }
}

pub fn percentile(times: &mut [f64], at: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * at).round() as usize]
}

pub fn median(times: &mut [f64]) -> f64 {
    percentile(times, 0.5)
}

pub fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

/// A backend with `sessions` sessions and the tables of one block for them.
pub struct Rig<B> {
    pub backend: B,
    framers: Vec<Framer>,
    spec: SlotSpec,
    settings: EffectSettings,
    hops: usize,
    next: u64,
}

impl<B: Backend> Rig<B> {
    /// Fails where the backend has no room for so many sessions.
    pub fn new(
        mut backend: B,
        spec: SlotSpec,
        settings: EffectSettings,
        sessions: usize,
        hops: usize,
    ) -> Result<Self, BackendError> {
        backend.warm_up(spec.window.n)()?;
        for slot in 0..sessions {
            backend.open(slot, &spec)?;
        }
        let framers = vec![Framer::new(spec.window, spec.sample_rate); sessions];
        Ok(Self { backend, framers, spec, settings, hops, next: 0 })
    }

    /// The next block of these sessions; all of a rig's sessions take every block.
    fn table(&mut self, slots: std::ops::Range<usize>, playhead: Playhead<'_>) -> JobTable {
        let mut table = JobTable::default();
        let input: Vec<f32> =
            (0..self.spec.hop_floats()).map(|i| (i as f32 * 0.37).sin() * 0.5).collect();
        for slot in slots {
            for hop in 0..self.hops {
                let params: FrameParams = self.framers[slot].next(&self.settings, playhead);
                table.push(slot, self.next + hop as u64, Want::Output, params, &input);
            }
        }
        table
    }

    /// Microseconds from the submission to the last sample in hand.
    pub fn run(&mut self, table: &JobTable) -> f64 {
        let start = Instant::now();
        self.backend.submit(table).expect("submits");
        while !self.backend.wait(Duration::from_micros(500)).expect("waits") {}
        let mut sum = 0.0;
        self.backend.collect(&mut |_, _, samples| sum += samples[0]).expect("collects");
        std::hint::black_box(sum);
        micros(start)
    }

    pub fn block(&mut self, slots: std::ops::Range<usize>, playhead: Playhead<'_>) -> f64 {
        let table = self.table(slots, playhead);
        self.run(&table)
    }

    /// All sessions have had their block.
    pub fn advance(&mut self) {
        self.next += self.hops as u64;
    }
}
