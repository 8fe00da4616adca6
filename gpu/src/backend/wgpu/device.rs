//! The device and its queue, with everything that can go wrong caught in one place.
//!
//! wgpu panics on errors nobody asked for; here the handler that collects them, and the callback
//! that learns of a lost device, are installed before the first other call. The handler runs on the
//! thread that made the mistake, and each thread is told its own errors only: what goes wrong with a
//! task or a warm-up is no trouble of the hops. Completion callbacks run inside whichever thread
//! polls or submits. Waits are for one submission at most [`POLL_SLICE`] at a time (L3), never for
//! the device.
//!
//! One thread polls or submits at a time: wgpu 30 panics when a second finds the queue empty between
//! a wait's timeout and its look at the queue. The worker waits inside the driver ([`Gpu::wait`]);
//! the helper and the analyst only look, and never while the worker does ([`Gpu::wait_aside`]).

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::find;
use super::shaders::Transform;
use crate::backend::adapter::{AdapterError, AdapterWish, DeviceFacts};
use crate::sync::{DeviceQueue, DeviceTimeline, TimelineSignal, device_timeline};

/// The longest single wait inside the driver: its locks are held meanwhile.
pub const POLL_SLICE: Duration = Duration::from_micros(500);

/// Submissions in flight at most; a device that hangs is given one or two.
const IN_FLIGHT: usize = 256;

/// Instance and device creation race inside drivers: one at a time in the process.
static CREATION: Mutex<()> = Mutex::new(());

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error("{device} does not open: {message}")]
    Open { device: String, message: String },
    #[error("{device} allows {found} {what}, {needed} are needed")]
    Limit { device: String, what: &'static str, needed: u64, found: u64 },
    #[error("pass `{pass}`: {message}")]
    Pass { pass: String, message: String },
    #[error("pass `{pass}`: out of device memory: {message}")]
    OutOfMemory { pass: String, message: String },
    #[error("the device was lost: {0}")]
    Lost(String),
    #[error("waited {waited:?} for submission {wanted}, the device has completed {completed}")]
    Timeout { wanted: u64, completed: u64, waited: Duration },
}

/// One accepted submission: wgpu's index, and our own count that starts at 1.
#[derive(Clone, Debug)]
pub struct Submission {
    pub(super) index: wgpu::SubmissionIndex,
    pub serial: u64,
}

/// What the handlers write and everybody else reads.
#[derive(Default)]
struct Watch {
    lost: AtomicBool,
    lost_message: Mutex<Option<String>>,
    /// Whether `errors` holds any.
    failed: AtomicBool,
    /// The first error of each thread that it has not been told yet.
    errors: Mutex<HashMap<ThreadId, DeviceError>>,
}

thread_local! {
    /// What this thread encodes or creates, for the error handler (L2).
    static PASS: Cell<&'static str> = const { Cell::new("") };
}

/// An open device. Dropping it closes it; buffers in flight live until their work is done (L1).
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    facts: DeviceFacts,
    watch: Arc<Watch>,
    features: wgpu::Features,
    limits: wgpu::Limits,
    shares_host_memory: bool,
    /// Held by the one thread that polls or submits.
    turn: Mutex<DeviceQueue>,
    /// What was submitted and what is complete (T3).
    timeline: DeviceTimeline,
    _instance: wgpu::Instance,
}

/// The system's adapters, behind the same lock as opening one: driver instances race.
pub fn candidates() -> Vec<crate::backend::adapter::Candidate> {
    let _one_at_a_time = CREATION.lock();
    find::candidates()
}

impl Gpu {
    pub fn open(wish: &AdapterWish) -> Result<Self, DeviceError> {
        let _one_at_a_time = CREATION.lock();
        let (instance, adapter, facts) = find::find(wish)?;
        let kind = adapter.get_info().device_type;
        let shares_host_memory =
            matches!(kind, wgpu::DeviceType::Cpu | wgpu::DeviceType::IntegratedGpu);
        let features = adapter.features()
            & (wgpu::Features::MAPPABLE_PRIMARY_BUFFERS | wgpu::Features::TIMESTAMP_QUERY);
        let limits = adapter.limits();
        check_limits(&facts, &limits)?;
        let (device, queue) = super::ready(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("scumble"),
            required_features: features,
            required_limits: limits.clone(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            // Small blocks: the default reserves hundreds of megabytes (S15).
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            trace: wgpu::Trace::Off,
        }))
        .map_err(|error| DeviceError::Open {
            device: facts.to_string(),
            message: error.to_string(),
        })?;
        let watch = Arc::new(Watch::default());
        install_handlers(&device, &watch);
        let (queue_of_numbers, timeline) = device_timeline(IN_FLIGHT);
        Ok(Self {
            device,
            queue,
            facts,
            watch,
            features,
            limits,
            shares_host_memory,
            turn: Mutex::new(queue_of_numbers),
            timeline,
            _instance: instance,
        })
    }

    /// For kernels of tests and benches; the worker launches through [`super::launch`].
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// As [`Self::device`].
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    pub fn facts(&self) -> &DeviceFacts {
        &self.facts
    }

    /// Whether buffers that the host can map may be bound to shaders directly (U6).
    pub fn maps_primary(&self) -> bool {
        self.features.contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
    }

    /// Software and integrated adapters have no memory of their own (U6).
    pub fn shares_host_memory(&self) -> bool {
        self.shares_host_memory
    }

    pub fn has_timestamps(&self) -> bool {
        self.features.contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    pub fn limits(&self) -> &wgpu::Limits {
        &self.limits
    }

    /// Whether there are kernels for transforms of `n` samples that run here.
    pub fn transforms(&self, n: usize) -> bool {
        Transform::within(self.limits.max_compute_invocations_per_workgroup, n).is_some()
    }

    pub fn is_lost(&self) -> bool {
        self.watch.lost.load(Ordering::Acquire)
    }

    /// Makes the device unusable, as a driver reset would: every later call fails (faults, S8).
    pub fn lose(&self) {
        self.device.destroy();
        // The callback of a real loss fires at once, that of a destroyed device at the first poll
        // that finds nothing in flight.
        let start = Instant::now();
        while !self.is_lost() && start.elapsed() < Duration::from_secs(2) {
            let _turn = self.turn.lock();
            let _ = self
                .device
                .poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(POLL_SLICE) });
        }
    }

    /// Count of submissions handed to the driver.
    pub fn submitted(&self) -> u64 {
        self.timeline.submitted()
    }

    /// Count of submissions the device has finished, as far as polls have shown (T3).
    pub fn completed(&self) -> u64 {
        self.timeline.value()
    }

    /// Names what this thread is encoding or creating, for the error handler (L2).
    pub fn enter_pass(&self, pass: &'static str) {
        PASS.set(pass);
    }

    /// This thread's first error since its last call, if there was one. One atomic load when all is
    /// well.
    pub fn take_error(&self) -> Result<(), DeviceError> {
        if self.watch.failed.load(Ordering::Acquire) {
            let mut errors = self.watch.errors.lock();
            let own = errors.remove(&std::thread::current().id());
            self.watch.failed.store(!errors.is_empty(), Ordering::Release);
            if let Some(error) = own {
                return Err(error);
            }
        }
        if self.is_lost() {
            let message = self.watch.lost_message.lock().clone().unwrap_or_default();
            return Err(DeviceError::Lost(message));
        }
        Ok(())
    }

    /// Layouts for kernels that all bind the same storage buffers: for each, whether it is written.
    /// `records` says that the first is bound one record at a time.
    pub(super) fn layouts(
        &self,
        name: &'static str,
        written: &[bool],
        records: bool,
    ) -> Result<(wgpu::BindGroupLayout, wgpu::PipelineLayout), DeviceError> {
        let entries: Vec<_> = (0u32..)
            .zip(written)
            .map(|(binding, &written)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Storage { read_only: !written },
                    has_dynamic_offset: records && binding == 0,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let bindings = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(name),
            entries: &entries,
        });
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        self.take_error()?;
        Ok((bindings, layout))
    }

    /// Submits one finished command buffer and counts it.
    pub(super) fn submit(&self, commands: wgpu::CommandBuffer) -> Result<Submission, DeviceError> {
        // A submission polls as well. The turn is taken before the number: in the other order a
        // later number could be submitted first, and end before an earlier one is on its way (T3).
        let mut turn = self.turn.lock();
        let ticket = turn.submit().map_err(|error| DeviceError::Pass {
            pass: PASS.get().to_owned(),
            message: error.to_string(),
        })?;
        let serial = ticket.value();
        // Whoever sees the number also sees what callbacks that ran before this one wrote (the
        // mapped flags of this submission's buffers). Dropped uncalled, the ticket ends it as failed.
        commands.on_submitted_work_done(move || ticket.complete());
        Ok(Submission { index: self.queue.submit([commands]), serial })
    }

    pub fn is_complete(&self, submission: &Submission) -> bool {
        self.timeline.is_reached(submission.serial)
    }

    /// Runs due callbacks without waiting in the driver. Any thread.
    pub fn poll(&self) -> Result<(), DeviceError> {
        {
            let _turn = self.turn.lock();
            // A timeout cannot happen here, and a lost device is told by `take_error`.
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        self.take_error()
    }

    /// Waits for one submission beside the thread that plays: looks now and then, and lets that
    /// thread go first.
    pub fn wait_aside(
        &self,
        submission: &Submission,
        timeout: Duration,
    ) -> Result<(), DeviceError> {
        let start = Instant::now();
        loop {
            if let Some(_turn) = self.turn.try_lock() {
                let _ = self.device.poll(wgpu::PollType::Poll);
            }
            self.take_error()?;
            if self.is_complete(submission) {
                return Ok(());
            }
            if start.elapsed() > timeout {
                return Err(DeviceError::Timeout {
                    wanted: submission.serial,
                    completed: self.completed(),
                    waited: start.elapsed(),
                });
            }
            std::thread::sleep(POLL_SLICE / 2);
        }
    }

    /// Waits for one submission, in slices of [`POLL_SLICE`]. The thread that plays, or one that has
    /// the device to itself.
    pub fn wait(&self, submission: &Submission, timeout: Duration) -> Result<(), DeviceError> {
        let start = Instant::now();
        loop {
            if self.is_complete(submission) {
                return self.take_error();
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(DeviceError::Timeout {
                    wanted: submission.serial,
                    completed: self.completed(),
                    waited: start.elapsed(),
                });
            }
            {
                let _turn = self.turn.lock();
                let _ = self.device.poll(wgpu::PollType::Wait {
                    submission_index: Some(submission.index.clone()),
                    timeout: Some(left.min(POLL_SLICE)),
                });
            }
            self.take_error()?;
        }
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("facts", &self.facts).finish_non_exhaustive()
    }
}

fn install_handlers(device: &wgpu::Device, watch: &Arc<Watch>) {
    let sink = Arc::clone(watch);
    device.on_uncaptured_error(Arc::new(move |error| {
        let pass = PASS.get().to_owned();
        let message = error.to_string();
        let error = match error {
            wgpu::Error::OutOfMemory { source } => {
                DeviceError::OutOfMemory { pass, message: source.to_string() }
            }
            _ => DeviceError::Pass { pass, message },
        };
        let mut errors = sink.errors.lock();
        // A broken device repeats itself; the first tells the story.
        errors.entry(std::thread::current().id()).or_insert(error);
        sink.failed.store(true, Ordering::Release);
    }));
    let sink = Arc::clone(watch);
    device.set_device_lost_callback(move |reason, message| {
        *sink.lost_message.lock() = Some(format!("{reason:?}: {message}"));
        sink.lost.store(true, Ordering::Release);
    });
}

/// What every session's kernels need; a driver that refuses it leads to the CPU engine. A size that
/// needs more is refused for its session alone ([`Gpu::transforms`]).
fn check_limits(facts: &DeviceFacts, limits: &wgpu::Limits) -> Result<(), DeviceError> {
    let needs = [
        ("storage buffers per stage", 8, u64::from(limits.max_storage_buffers_per_shader_stage)),
        (
            "bytes of workgroup memory",
            32 << 10,
            u64::from(limits.max_compute_workgroup_storage_size),
        ),
        ("invocations per workgroup", 256, u64::from(limits.max_compute_invocations_per_workgroup)),
        ("bytes per storage binding", 64 << 20, limits.max_storage_buffer_binding_size),
    ];
    match needs.into_iter().find(|(_, needed, found)| found < needed) {
        None => Ok(()),
        Some((what, needed, found)) => {
            Err(DeviceError::Limit { device: facts.to_string(), what, needed, found })
        }
    }
}
