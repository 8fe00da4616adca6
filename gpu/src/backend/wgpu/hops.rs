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
use super::batch::Batch;
use super::device::{DeviceError, Gpu, Submission};
use super::launch::{Dispatch, Launch};
use super::pipelines::Pipelines;
use super::shaders::{Module, Transform};
use super::slot::{Places, Slot};
use super::warm;
use crate::backend::adapter::DeviceFacts;
use crate::backend::layout::{CLASSES, Header, Job, MIN_N};
use crate::backend::{Backend, BackendError, BackendStats, HopSink, JobTable, SlotId, SlotSpec};
use crate::compute::Compute;
use crate::profile::{PassClock, PassTime, Trace};
use crate::unified::{Access, Hint, Mapping, UnifiedBuffer, UnifiedError, UnifiedMemory};

/// Passes that one submission can have at most.
const PASSES: u32 = 24;
/// Device memory that the engine takes at most (P6).
const BUDGET: u64 = 1536 << 20;
/// Without a profile, one submission in so many is timed.
const SAMPLE_EVERY: u64 = 16;

impl From<DeviceError> for BackendError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Lost(message) => Self::Lost(message),
            DeviceError::OutOfMemory { .. } => Self::OutOfMemory(error.to_string()),
            DeviceError::Adapter(_) | DeviceError::Limit { .. } => {
                Self::Unusable(error.to_string())
            }
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

/// What host and device exchange for one submission, and the bind group of all kernels.
struct Exchange {
    table: UnifiedBuffer,
    inbox: UnifiedBuffer,
    outbox: UnifiedBuffer,
    stamps: UnifiedBuffer,
    clock: Option<PassClock>,
    bindings: Option<(u64, wgpu::BindGroup)>,
    /// Counts replacements of the three buffers.
    generation: u64,
}

struct InFlight {
    submission: Submission,
    timed: bool,
}

pub struct WgpuBackend {
    gpu: Arc<Gpu>,
    memory: UnifiedMemory,
    pipelines: Arc<RwLock<Pipelines>>,
    tables: Arena,
    held: Arena,
    history: Arena,
    spectra: Arena,
    frames: Arena,
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
        let memory = UnifiedMemory::new(Arc::clone(&gpu), mapping, BUDGET);
        let shared = super::tables::shared();
        let arena = |label, bytes, elements| {
            Arena::new(&memory, label, bytes, elements, Access::ReadWrite, Hint::GpuPreferred)
        };
        let mut tables = arena("tables", 8, (shared.len() + 65_536) as u32)?;
        let at = tables.take(&gpu, &memory, shared.len())?;
        debug_assert_eq!(at.start, 0);
        tables.buffer().write(0, &shared)?;
        let pipelines = Pipelines::new(&gpu)?;
        let exchange = Exchange::new(&gpu, &memory)?;
        let profile = std::env::var_os("SCUMBLE_PROFILE").is_some();
        Ok(Self {
            tables,
            held: arena("held", 4, 1 << 16)?,
            history: Arena::new(&memory, "history", 4, 1 << 17, Access::ReadOnly, Hint::Streaming)?,
            spectra: arena("spectra", 8, 1 << 20)?,
            frames: arena("frames", 8, 1 << 18)?,
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

    fn slot_mut(&mut self, slot: SlotId) -> Result<&mut Slot, BackendError> {
        self.slots.get_mut(slot).and_then(Option::as_mut).ok_or(BackendError::UnknownSlot(slot))
    }

    fn take_places(&mut self, spec: &SlotSpec) -> Result<Places, UnifiedError> {
        let needs = Slot::needs(spec);
        let (gpu, memory) = (&self.gpu, &self.memory);
        // Each range taken must go back if a later one finds no room.
        let tables = self.tables.take(gpu, memory, needs.tables)?;
        let history = self.history.take(gpu, memory, needs.history);
        let spectra = self.spectra.take(gpu, memory, needs.spectra);
        let frames = self.frames.take(gpu, memory, needs.frames);
        let held = self.held.take(gpu, memory, needs.held);
        match (history, spectra, frames, held) {
            (Ok(history), Ok(spectra), Ok(frames), Ok(held)) => {
                Ok(Places { tables, history, spectra, frames, held })
            }
            (history, spectra, frames, held) => {
                self.tables.give(tables);
                let mut first = None;
                let parts = [
                    (history, &mut self.history),
                    (spectra, &mut self.spectra),
                    (frames, &mut self.frames),
                    (held, &mut self.held),
                ];
                for (taken, arena) in parts {
                    match taken {
                        Ok(range) => arena.give(range),
                        Err(error) => first = first.or(Some(error)),
                    }
                }
                Err(first.unwrap_or(UnifiedError::Mapping { label: "arena" }))
            }
        }
    }

    fn give_places(&mut self, places: Places) {
        self.tables.give(places.tables);
        self.history.give(places.history);
        self.spectra.give(places.spectra);
        self.frames.give(places.frames);
        self.held.give(places.held);
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
        let arenas = [
            &mut self.tables,
            &mut self.held,
            &mut self.history,
            &mut self.spectra,
            &mut self.frames,
        ];
        for arena in arenas {
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
        let arenas = [&self.tables, &self.held, &self.history, &self.spectra, &self.frames];
        let generation: u64 =
            self.exchange.generation + arenas.iter().map(|a| a.generation() << 8).sum::<u64>();
        if self.exchange.bindings.as_ref().is_some_and(|(g, _)| *g == generation) {
            return;
        }
        let buffers = [
            self.exchange.table.raw(),
            self.exchange.inbox.raw(),
            self.tables.raw(),
            self.held.raw(),
            self.history.raw(),
            self.spectra.raw(),
            self.frames.raw(),
            self.exchange.outbox.raw(),
        ];
        let bindings = self.pipelines.read().bind(&self.gpu, buffers);
        self.exchange.bindings = Some((generation, bindings));
    }
}

impl Exchange {
    fn new(gpu: &Gpu, memory: &UnifiedMemory) -> Result<Self, BackendError> {
        let down = |label, bytes| memory.create(label, bytes, Access::WriteOnly, Hint::Streaming);
        let up = |label, bytes| memory.create(label, bytes, Access::ReadOnly, Hint::Streaming);
        Ok(Self {
            table: up("job table", 16 << 10)?,
            inbox: up("inbox", 64 << 10)?,
            outbox: down("outbox", 64 << 10)?,
            stamps: down("stamps", PassClock::bytes(PASSES))?,
            clock: PassClock::new(gpu, PASSES),
            bindings: None,
            generation: 0,
        })
    }

    /// Replaces what is too small for this many jobs, words and samples.
    fn fit(
        &mut self,
        memory: &UnifiedMemory,
        jobs: usize,
        words: usize,
        floats: usize,
    ) -> Result<(), UnifiedError> {
        let grow = |buffer: &mut UnifiedBuffer, label, bytes: usize, access| {
            if bytes as u64 <= buffer.bytes() {
                return Ok(false);
            }
            *buffer = memory.create(label, 2 * bytes as u64, access, Hint::Streaming)?;
            Ok::<_, UnifiedError>(true)
        };
        let table_bytes = size_of::<Header>() + jobs * size_of::<Job>();
        let mut grown = grow(&mut self.table, "job table", table_bytes, Access::ReadOnly)?;
        grown |= grow(&mut self.inbox, "inbox", words * 4, Access::ReadOnly)?;
        grown |= grow(&mut self.outbox, "outbox", floats * 4, Access::WriteOnly)?;
        self.generation += u64::from(grown);
        Ok(())
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
        Transform::new(n).is_none() || self.pipelines.read().is_warm(n)
    }

    fn warm_up(&self, n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send> {
        let (gpu, pipelines) = (Arc::clone(&self.gpu), Arc::clone(&self.pipelines));
        Box::new(move || warm::up(&gpu, &pipelines, n))
    }

    fn open(&mut self, slot: SlotId, spec: &SlotSpec) -> Result<(), BackendError> {
        self.close(slot);
        let transform = Transform::new(spec.window.n);
        let invocations = self.gpu.limits().max_compute_invocations_per_workgroup as usize;
        if transform.is_none_or(|t| t.width() > invocations) {
            return Err(BackendError::Size(spec.window.n));
        }
        let places = self.take_places(spec)?;
        let new = Slot::new(spec, places.clone());
        self.tables.buffer().write(places.tables.start as usize, &new.windows())?;
        // Silence in all rings.
        let silence = vec![0.0f32; Slot::needs(spec).history];
        self.history.buffer().write(places.history.start as usize, &silence)?;
        let gpu = Arc::clone(&self.gpu);
        let mut launch = Launch::begin(&gpu, "open");
        for (arena, range) in
            [(&mut self.spectra, &places.spectra), (&mut self.frames, &places.frames)]
        {
            arena.buffer().prepare(&mut launch)?;
            arena.clear(&mut launch, range);
        }
        launch.submit()?;
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] = Some(new);
        Ok(())
    }

    fn close(&mut self, slot: SlotId) {
        if let Some(old) = self.slots.get_mut(slot).and_then(Option::take) {
            self.give_places(old.places);
        }
    }

    fn set_field(
        &mut self,
        slot: SlotId,
        which: u32,
        field: &Arc<Field>,
    ) -> Result<(), BackendError> {
        let slot = self.slot_mut(slot)?;
        slot.fields[which as usize & 1] = Some(Arc::clone(field));
        if let Some(places) = slot.new_bin_places(field.spec().bands) {
            let at = slot.bin_places_at() as usize;
            self.tables.buffer().write(at, &places)?;
        }
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
            Self::upload_frozen(&mut self.held, at, &slot.frozen, bins)?;
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
                self.history.buffer().write(slot.history_at(job.hop, channel), samples)?;
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
            let mut bytes = [0u32; PASSES as usize * 4];
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
