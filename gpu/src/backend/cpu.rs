//! The CPU backend: the twin of `scumble-dsp`, one per session, driven by the worker.
//!
//! It is at once the engine of machines without a GPU and the stand-in that lets tests drive the
//! engine without one.

use std::sync::Arc;
use std::time::Duration;

use scumble_dsp::{Field, Twin};

use super::adapter::DeviceFacts;
use super::{
    Backend, BackendError, BackendStats, HopSink, JobTable, OpenBackend, SlotId, SlotSpec, Want,
};

#[derive(Default)]
pub struct CpuBackend {
    slots: Vec<Option<Slot>>,
    finished: Vec<(SlotId, u64, std::ops::Range<usize>)>,
    samples: Vec<f32>,
    stats: BackendStats,
}

struct Slot {
    twin: Twin,
    spec: SlotSpec,
    silent: Vec<f32>,
}

impl CpuBackend {
    fn slot(&mut self, slot: SlotId) -> Result<&mut Slot, BackendError> {
        self.slots.get_mut(slot).and_then(Option::as_mut).ok_or(BackendError::UnknownSlot(slot))
    }
}

/// Calls `run` with the channels of `samples`, `hop` samples each; no allocation.
pub(crate) fn with_channels<R>(samples: &[f32], hop: usize, run: impl FnOnce(&[&[f32]]) -> R) -> R {
    let mut channels: [&[f32]; crate::engine::MAX_CHANNELS] = [&[]; crate::engine::MAX_CHANNELS];
    let count = (samples.len() / hop).min(channels.len());
    for (channel, samples) in channels.iter_mut().zip(samples.chunks_exact(hop)) {
        *channel = samples;
    }
    run(&channels[..count])
}

/// As [`with_channels`], for output.
pub(crate) fn with_channels_mut<R>(
    samples: &mut [f32],
    hop: usize,
    run: impl FnOnce(&mut [&mut [f32]]) -> R,
) -> R {
    let mut channels: [&mut [f32]; crate::engine::MAX_CHANNELS] = Default::default();
    let count = (samples.len() / hop).min(channels.len());
    for (channel, samples) in channels.iter_mut().zip(samples.chunks_exact_mut(hop)) {
        *channel = samples;
    }
    run(&mut channels[..count])
}

impl Backend for CpuBackend {
    fn name(&self) -> String {
        "CPU".to_owned()
    }

    fn device(&self) -> Option<DeviceFacts> {
        None
    }

    fn is_warm(&self, _n: usize) -> bool {
        true
    }

    fn warm_up(&self, _n: usize) -> Box<dyn FnOnce() -> Result<(), BackendError> + Send> {
        Box::new(|| Ok(()))
    }

    fn open(&mut self, slot: SlotId, spec: &SlotSpec) -> Result<(), BackendError> {
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        let twin = Twin::new(spec.window, spec.sample_rate, spec.channels, spec.max_hops);
        let silent = vec![0.0; spec.hop_floats()];
        self.slots[slot] = Some(Slot { twin, spec: *spec, silent });
        Ok(())
    }

    fn close(&mut self, slot: SlotId) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = None;
        }
    }

    fn set_field(
        &mut self,
        slot: SlotId,
        which: u32,
        field: &Arc<Field>,
    ) -> Result<(), BackendError> {
        self.slot(slot)?.twin.set_field(which, Arc::clone(field));
        Ok(())
    }

    fn set_capture(
        &mut self,
        _slot: SlotId,
        _which: u32,
        _frame: u64,
        _samples: &[f32],
    ) -> Result<(), BackendError> {
        // The twin captures what it is pushed.
        Ok(())
    }

    fn submit(&mut self, table: &JobTable) -> Result<(), BackendError> {
        self.stats.submissions += 1;
        self.finished.clear();
        self.samples.clear();
        for job in &table.jobs {
            let Self { slots, finished, samples, .. } = self;
            let slot = slots
                .get_mut(job.slot)
                .and_then(Option::as_mut)
                .ok_or(BackendError::UnknownSlot(job.slot))?;
            let (hop, floats) = (slot.spec.window.h, slot.spec.hop_floats());
            let input = &table.samples[job.input..][..floats];
            with_channels(input, hop, |input| slot.twin.push(job.hop, input, &job.params));
            if job.want == Want::Output {
                let start = samples.len();
                samples.extend_from_slice(&slot.silent);
                let out = &mut samples[start..];
                with_channels_mut(out, hop, |out| slot.twin.process_hop(job.hop, out))
                    .map_err(|error| BackendError::Failed(error.to_string()))?;
                finished.push((job.slot, job.hop, start..start + floats));
            }
        }
        Ok(())
    }

    fn wait(&mut self, _timeout: Duration) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn collect(&mut self, sink: &mut HopSink<'_>) -> Result<(), BackendError> {
        for (slot, hop, range) in self.finished.drain(..) {
            sink(slot, hop, &self.samples[range]);
        }
        Ok(())
    }

    fn stats(&self) -> BackendStats {
        self.stats
    }
}

/// Opens the CPU backend where a device is expected: for tests of the engine itself.
pub struct OpenCpu;

impl OpenBackend for OpenCpu {
    fn open(&self, _sizes: &[usize]) -> Result<Box<dyn Backend>, BackendError> {
        Ok(Box::new(CpuBackend::default()))
    }
}
