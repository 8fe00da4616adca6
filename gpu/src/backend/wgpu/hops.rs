//! The wgpu backend: a job table becomes one submission with one dispatch per stage and transform
//! size, however many sessions are in it (DESIGN 5).
//!
//! | stage | dispatches | reads | writes |
//! |---|---|---|---|
//! | forward | 1 a size (2 beyond 8192 samples) | history rings | spectra rings |
//! | time, effect, blur, warp | 1 each, if any frame asks for it | spectra, inbox | scratch |
//! | inverse | 1 a size | spectra or scratch | frame rings |
//! | overlap-add | 1 | frame rings | outbox |
//!
//! Uploads are one table, one inbox, and the new samples, which the host writes straight into the
//! history rings; the download is one outbox. On adapters that share memory with the host these are
//! the very buffers that the host writes and reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use scumble_dsp::Field;
use scumble_dsp::effect::Frozen;

use super::analysis::WgpuCompute;
use super::arena::Arena;
use super::arenas::Arenas;
use super::batch::Batch;
use super::device::{DeviceError, Gpu, Submission};
use super::exchange::Exchange;
use super::launch::{Dispatch, Launch};
use super::pipelines::Pipelines;
use super::shaders::{Module, Transform};
use super::slot::Slot;
use super::warm;
use crate::backend::adapter::DeviceFacts;
use crate::backend::layout::{CLASSES, Header, Job, MIN_N};
use crate::backend::{Backend, BackendError, BackendStats, HopSink, JobTable, SlotId, SlotSpec};
use crate::compute::Compute;
use crate::profile::{PassTime, Trace};
use crate::unified::{Mapping, UnifiedError, UnifiedMemory};

/// Device memory that the engine takes at most (P6).
const BUDGET: u64 = 1536 << 20;
/// Without a profile, one submission in so many is timed.
const SAMPLE_EVERY: u64 = 16;

impl From<DeviceError> for BackendError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Lost(message) => Self::Lost(message),
            DeviceError::OutOfMemory { .. } => Self::OutOfMemory(error.to_string()),
            DeviceError::Adapter(error) => error.into(),
            DeviceError::Limit { .. } => Self::Unusable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<UnifiedError> for BackendError {
    fn from(error: UnifiedError) -> Self {
        match error {
            UnifiedError::Device(error) => error.into(),
            UnifiedError::Exhausted { .. } | UnifiedError::TooLarge { .. } => {
                Self::OutOfMemory(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

struct InFlight {
    submission: Submission,
    timed: bool,
}

pub struct WgpuBackend {
    gpu: Arc<Gpu>,
    memory: UnifiedMemory,
    pipelines: Arc<RwLock<Pipelines>>,
    arenas: Arenas,
    slots: Vec<Option<Slot>>,
    exchange: Exchange,
    compute: WgpuCompute,
    hops_alone: bool,
    batch: Batch,
    in_flight: Option<InFlight>,
    output: Vec<f32>,
    stats: BackendStats,
    trace: Trace,
    times: Vec<PassTime>,
    sample_every: u64,
}

impl WgpuBackend {
    pub fn new(gpu: Arc<Gpu>, mapping: Mapping) -> Result<Self, BackendError> {
        Self::within(BUDGET, gpu, mapping)
    }

    /// With so many bytes of device memory for hops.
    pub fn within(budget: u64, gpu: Arc<Gpu>, mapping: Mapping) -> Result<Self, BackendError> {
        let memory = UnifiedMemory::new(Arc::clone(&gpu), mapping, budget);
        let arenas = Arenas::new(&gpu, &memory)?;
        let pipelines = Pipelines::new(&gpu)?;
        let exchange = Exchange::new(&gpu, &memory)?;
        let profile = std::env::var_os("SCUMBLE_PROFILE").is_some();
        Ok(Self {
            arenas,
            slots: Vec::new(),
            exchange,
            compute: WgpuCompute::new(&gpu, mapping)?,
            hops_alone: false,
            batch: Batch::default(),
            in_flight: None,
            output: Vec::new(),
            stats: BackendStats::default(),
            trace: Trace::new(20_000),
            times: Vec::new(),
            sample_every: if profile { 1 } else { SAMPLE_EVERY },
            pipelines: Arc::new(RwLock::new(pipelines)),
            memory,
            gpu,
        })
    }

    /// Leaves tasks to the twin.
    pub fn refuse_tasks(&mut self) {
        self.hops_alone = true;
    }

    /// Times every submission, for profiles and benches (P8).
    pub fn time_everything(&mut self) {
        self.sample_every = 1;
    }

    pub fn memory(&self) -> &UnifiedMemory {
        &self.memory
    }

    /// The passes of the submission that was collected last, if it was timed.
    pub fn pass_times(&self) -> &[PassTime] {
        &self.times
    }

    /// Puts the two spectra of a capture where the kernels find them.
    fn upload_frozen(
        held: &mut Arena,
        at: u32,
        frozen: &Frozen,
        bins: usize,
    ) -> Result<(), UnifiedError> {
        let at = at as usize;
        held.buffer().write(at, &frozen.re[..bins])?;
        held.buffer().write(at + bins, &frozen.im[..bins])?;
        held.buffer().write(at + 2 * bins, &frozen.advance[..bins])
    }

    fn encode(&mut self, launch: &mut Launch<'_>, timed: bool) -> Result<(), BackendError> {
        let Self { gpu, exchange, pipelines, batch, .. } = self;
        let Some((_, bindings)) = &exchange.bindings else {
            return Err(BackendError::Failed("no bind group".to_owned()));
        };
        let pipelines = pipelines.read();
        let mut clock = exchange.clock.as_mut().filter(|_| timed);
        let total = batch.header.jobs;
        let one = |module, entry, workgroups| -> Result<Dispatch<'_>, DeviceError> {
            Ok(Dispatch {
                pipeline: pipelines.get(module, entry)?,
                bindings,
                offset: None,
                workgroups,
            })
        };
        let tiles = |samples: u32| samples.div_ceil(64);
        let classes: Vec<(usize, Transform, u32)> = (0..CLASSES)
            .filter(|&class| batch.counts[class] > 0)
            .filter_map(|class| {
                let n = MIN_N << class;
                Transform::new(n).map(|t| (n, t, batch.counts[class]))
            })
            .collect();
        let (mut forward, mut split, mut inverse) = (Vec::new(), Vec::new(), Vec::new());
        for &(n, t, count) in &classes {
            let parts = t.parts as u32;
            forward.push(one(Module::Forward { n }, "forward", [parts, count, 1])?);
            if t.parts > 1 {
                let bins = tiles(n as u32 / 4 + 1);
                split.push(one(Module::Forward { n }, "split_bins", [bins, count, 1])?);
            }
            inverse.push(one(Module::Inverse { n }, "inverse", [parts, count, 1])?);
        }
        launch.pass("forward", clock.as_deref_mut(), &forward)?;
        launch.pass("split", clock.as_deref_mut(), &split)?;
        if !batch.any_frame {
            return Ok(());
        }
        if batch.any_effect {
            // A software adapter pays for what each invocation reads first; a GPU wants many.
            let software = gpu.facts().software;
            let width = if software { 1 } else { tiles(batch.most_bins) };
            let groups = [width, total, 1];
            if batch.any_time {
                let time = one(Module::Time, "time", groups)?;
                launch.pass("time", clock.as_deref_mut(), &[time])?;
            }
            let effect = one(Module::Effect, "effect", groups)?;
            launch.pass("effect", clock.as_deref_mut(), &[effect])?;
        }
        if batch.any_blur {
            let blur = one(Module::Blur, "blur", [total, 1, 1])?;
            launch.pass("blur", clock.as_deref_mut(), &[blur])?;
        }
        if batch.any_warp {
            let warp = one(Module::Warp, "warp", [total, 1, 1])?;
            launch.pass("warp", clock.as_deref_mut(), &[warp])?;
        }
        launch.pass("inverse", clock.as_deref_mut(), &inverse)?;
        if batch.any_output {
            let groups = [tiles(batch.longest_hop / 2), total, 1];
            let overlap = one(Module::Stream, "overlap_add", groups)?;
            launch.pass("overlap_add", clock, &[overlap])?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), BackendError> {
        let gpu = Arc::clone(&self.gpu);
        let (jobs, words) = (self.batch.jobs.len(), self.batch.inbox.len());
        self.exchange.fit(&self.memory, jobs, words, self.batch.outbox_floats)?;
        self.exchange.table.write(0, std::slice::from_ref(&self.batch.header))?;
        let first = size_of::<Header>() / 4;
        self.exchange.table.write(first, bytemuck::cast_slice::<Job, u32>(&self.batch.jobs))?;
        self.exchange.inbox.write(0, &self.batch.inbox)?;
        let timed = self.stats.submissions.is_multiple_of(self.sample_every)
            && self.exchange.clock.is_some();
        let mut launch = Launch::begin(&gpu, "hops");
        for arena in self.arenas.all_mut() {
            arena.buffer().prepare(&mut launch)?;
        }
        self.exchange.table.prepare(&mut launch)?;
        self.exchange.inbox.prepare(&mut launch)?;
        self.exchange.outbox.prepare(&mut launch)?;
        self.bind();
        if let Some(clock) = &mut self.exchange.clock {
            clock.restart();
        }
        self.encode(&mut launch, timed)?;
        if self.batch.any_output {
            let bytes = self.batch.outbox_floats as u64 * 4;
            self.exchange.outbox.fetch_first(&mut launch, bytes)?;
        }
        let Exchange { clock, stamps, .. } = &mut self.exchange;
        if let (true, Some(clock)) = (timed, clock) {
            stamps.prepare(&mut launch)?;
            clock.resolve(launch.encoder("stamps"), stamps.raw(), 0);
            stamps.fetch(&mut launch)?;
        }
        self.stats.dispatches += u64::from(launch.dispatches());
        let submission = launch.submit()?;
        self.stats.submissions += 1;
        self.in_flight = Some(InFlight { submission, timed });
        Ok(())
    }

    /// Makes the bind group anew if one of its buffers was replaced.
    fn bind(&mut self) {
        // Each only rises, so their sum tells of every replacement.
        let generation = self.exchange.generation + self.arenas.generation();
        if self.exchange.bindings.as_ref().is_some_and(|(g, _)| *g == generation) {
            return;
        }
        let buffers = [
            self.exchange.table.raw(),
            self.exchange.inbox.raw(),
            self.arenas.tables.raw(),
            self.arenas.held.raw(),
            self.arenas.history.raw(),
            self.arenas.spectra.raw(),
            self.arenas.frames.raw(),
            self.exchange.outbox.raw(),
        ];
        let bindings = self.pipelines.read().bind(&self.gpu, buffers);
        self.exchange.bindings = Some((generation, bindings));
    }
}

impl Backend for WgpuBackend {
    fn name(&self) -> String {
        self.gpu.facts().to_string()
    }

    fn device(&self) -> Option<DeviceFacts> {
        Some(self.gpu.facts().clone())
    }

    fn is_warm(&self, n: usize) -> bool {
        // A size without kernels is refused by `open`, not by waiting for it to be warm.
        !self.gpu.transforms(n) || self.pipelines.read().is_warm(n)
    }

    fn warm_up(&self, n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send> {
        let (gpu, pipelines) = (Arc::clone(&self.gpu), Arc::clone(&self.pipelines));
        Box::new(move || warm::up(&gpu, &pipelines, n))
    }

    fn open(&mut self, slot: SlotId, spec: &SlotSpec) -> Result<(), BackendError> {
        self.close(slot);
        if !self.gpu.transforms(spec.window.n) {
            return Err(BackendError::Size(spec.window.n));
        }
        let places = self.arenas.take(&self.gpu, &self.memory, spec)?;
        let new = Slot::new(spec, places.clone());
        let made = self.arenas.silence(&self.gpu, &new);
        if let Err(error) = made {
            self.arenas.give(places);
            return Err(error.into());
        }
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] = Some(new);
        Ok(())
    }

    fn close(&mut self, slot: SlotId) {
        if let Some(old) = self.slots.get_mut(slot).and_then(Option::take) {
            self.arenas.give(old.places);
        }
    }

    fn set_field(
        &mut self,
        slot: SlotId,
        which: u32,
        field: &Arc<Field>,
    ) -> Result<(), BackendError> {
        let known = self.slots.get_mut(slot).and_then(Option::as_mut);
        let slot = known.ok_or(BackendError::UnknownSlot(slot))?;
        let bands = field.spec().bands;
        if let Some(places) = slot.new_bin_places(bands) {
            let at = slot.bin_places_at() as usize;
            self.arenas.tables.buffer().write(at, &places)?;
            slot.bin_places_sent(bands);
        }
        slot.fields[which as usize & 1] = Some(Arc::clone(field));
        Ok(())
    }

    fn set_capture(
        &mut self,
        slot: SlotId,
        which: u32,
        frame: u64,
        samples: &[f32],
    ) -> Result<(), BackendError> {
        let slot = self
            .slots
            .get_mut(slot)
            .and_then(Option::as_mut)
            .ok_or(BackendError::UnknownSlot(slot))?;
        let (bins, len) = (slot.spec.window.bins(), Frozen::samples(&slot.spec.window));
        for (channel, samples) in samples.chunks_exact(len).enumerate() {
            slot.frozen.capture(&mut slot.plan, samples);
            let at = slot.held_at(which, channel);
            Self::upload_frozen(&mut self.arenas.held, at, &slot.frozen, bins)?;
        }
        slot.captured[which as usize & 1] = Some(frame as u32);
        Ok(())
    }

    fn submit(&mut self, table: &JobTable) -> Result<(), BackendError> {
        self.in_flight = None;
        self.batch.build(table, &self.slots)?;
        for job in &table.jobs {
            let Some(Some(slot)) = self.slots.get(job.slot) else { continue };
            let h = slot.spec.window.h;
            let samples = &table.samples[job.input..][..slot.spec.hop_floats()];
            for (channel, samples) in samples.chunks_exact(h).enumerate() {
                self.arenas.history.buffer().write(slot.history_at(job.hop, channel), samples)?;
            }
        }
        self.send()
    }

    fn wait(&mut self, timeout: Duration) -> Result<bool, BackendError> {
        let Some(in_flight) = &self.in_flight else {
            return Err(BackendError::Failed("nothing was submitted".to_owned()));
        };
        if timeout.is_zero() {
            self.gpu.poll()?;
            return Ok(self.gpu.is_complete(&in_flight.submission));
        }
        match self.gpu.wait(&in_flight.submission, timeout) {
            Ok(()) => Ok(true),
            Err(DeviceError::Timeout { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn collect(&mut self, sink: &mut HopSink<'_>) -> Result<(), BackendError> {
        let Some(in_flight) = self.in_flight.take() else { return Ok(()) };
        if self.batch.any_output {
            self.output.resize(self.batch.outbox_floats, 0.0);
            self.exchange.outbox.read(0, &mut self.output)?;
            for result in &self.batch.results {
                sink(result.slot, result.hop, &self.output[result.start..][..result.floats]);
            }
        }
        if in_flight.timed {
            let mut bytes = [0u32; Exchange::STAMP_WORDS];
            self.exchange.stamps.read(0, &mut bytes)?;
            if let Some(clock) = &self.exchange.clock {
                clock.read(bytemuck::cast_slice(&bytes), &mut self.times);
                let busy: u64 = self.times.iter().map(PassTime::duration_ns).sum();
                self.stats.device_nanos += busy * self.sample_every;
                self.trace.passes(&self.times, Instant::now());
            }
        }
        Ok(())
    }

    fn compute(&mut self) -> Option<&mut dyn Compute> {
        (!self.hops_alone).then_some(&mut self.compute as &mut dyn Compute)
    }

    fn stats(&self) -> BackendStats {
        let counters = self.memory.counters();
        BackendStats {
            copies: counters.copies.get(),
            copied_bytes: counters.copied_bytes.get(),
            memory_bytes: self.memory.bytes().0
                + self.memory.bytes().1
                + self.compute.memory_bytes(),
            ..self.stats
        }
    }

    fn lose_device(&mut self) {
        self.gpu.lose();
    }

    fn trace(&self, worker: &Trace) -> String {
        self.trace.with(worker).to_chrome_json()
    }
}
