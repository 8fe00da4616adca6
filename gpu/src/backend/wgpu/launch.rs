//! The one way to launch work (L1 to L4).
//!
//! A [`Launch`] names every pass before it encodes it, keeps what the passes use, and turns every
//! error into one that names the pass and carries the driver's message. wgpu looks at what was
//! encoded only when the encoder is finished, and says neither which pass nor which copy it dislikes:
//! such an error names all of the launch. What it returns, a [`Submission`], is all anyone may wait
//! for.

use std::sync::Arc;

use super::device::{DeviceError, Gpu, Submission};
use crate::profile::PassClock;
use crate::unified::LastUse;

/// Work being recorded for one submission.
pub struct Launch<'gpu> {
    gpu: &'gpu Gpu,
    encoder: wgpu::CommandEncoder,
    label: &'static str,
    /// Passes and copies, in their order.
    names: Vec<&'static str>,
    dispatches: u32,
    uses: Vec<Arc<LastUse>>,
}

/// One compute dispatch: which pipeline, which bindings, how many workgroups.
pub struct Dispatch<'a> {
    pub pipeline: &'a wgpu::ComputePipeline,
    pub bindings: &'a wgpu::BindGroup,
    /// Byte offset of the one binding that has one.
    pub offset: Option<u32>,
    pub workgroups: [u32; 3],
}

impl<'gpu> Launch<'gpu> {
    pub fn begin(gpu: &'gpu Gpu, label: &'static str) -> Self {
        gpu.enter_pass(label);
        let descriptor = wgpu::CommandEncoderDescriptor { label: Some(label) };
        let encoder = gpu.device.create_command_encoder(&descriptor);
        let names = Vec::with_capacity(16);
        Self { gpu, encoder, label, names, dispatches: 0, uses: Vec::with_capacity(8) }
    }

    /// Encodes the dispatches of one stage as one compute pass, timed when `clock` is there.
    pub fn pass(
        &mut self,
        name: &'static str,
        clock: Option<&mut PassClock>,
        dispatches: &[Dispatch<'_>],
    ) -> Result<(), DeviceError> {
        if dispatches.iter().all(|d| d.workgroups.contains(&0)) {
            return Ok(());
        }
        self.enter(name);
        let timestamp_writes = clock.and_then(|clock| clock.next_pass(name));
        let label = Some(name);
        let mut pass = self
            .encoder
            .begin_compute_pass(&wgpu::ComputePassDescriptor { label, timestamp_writes });
        for dispatch in dispatches {
            let [x, y, z] = dispatch.workgroups;
            if x * y * z == 0 {
                continue;
            }
            pass.set_pipeline(dispatch.pipeline);
            pass.set_bind_group(0, dispatch.bindings, dispatch.offset.as_slice());
            pass.dispatch_workgroups(x, y, z);
            self.dispatches += 1;
        }
        drop(pass);
        self.gpu.take_error()
    }

    /// For copies between passes.
    pub fn encoder(&mut self, name: &'static str) -> &mut wgpu::CommandEncoder {
        self.enter(name);
        &mut self.encoder
    }

    fn enter(&mut self, name: &'static str) {
        self.gpu.enter_pass(name);
        if self.names.last() != Some(&name) {
            self.names.push(name);
        }
    }

    /// Ties a buffer's life to this launch (L1). False if it is tied already.
    pub(crate) fn uses(&mut self, last_use: &Arc<LastUse>) -> bool {
        let new = !self.uses.iter().any(|used| Arc::ptr_eq(used, last_use));
        if new {
            self.uses.push(Arc::clone(last_use));
        }
        new
    }

    pub fn dispatches(&self) -> u32 {
        self.dispatches
    }

    /// Hands the work to the device. On an error nothing was submitted, or nothing of it counts.
    pub fn submit(self) -> Result<Submission, DeviceError> {
        let Self { gpu, encoder, label, names, uses, .. } = self;
        let named = |error| match error {
            DeviceError::Pass { message, .. } => {
                DeviceError::Pass { pass: format!("{label}: {}", names.join(", ")), message }
            }
            other => other,
        };
        gpu.enter_pass(label);
        let commands = encoder.finish();
        gpu.take_error().map_err(named)?;
        let submission = gpu.submit(commands)?;
        for last_use in &uses {
            last_use.set(&submission);
        }
        gpu.take_error().map_err(named)?;
        for last_use in &uses {
            last_use.carried();
        }
        Ok(submission)
    }
}
