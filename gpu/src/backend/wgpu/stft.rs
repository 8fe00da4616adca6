//! Whole clips on the device: STFT and its inverse, by the kernels of the live path (P1, P6). A clip
//! is a history ring long enough never to wrap, its frames are one big job table.
//!
//! Control threads, tests and benches; a clip has a device or shares one, and waits for it.

use std::sync::Arc;
use std::time::Duration;

use scumble_dsp::WindowSpec;

use super::device::Gpu;
use super::launch::{Dispatch, Launch};
use super::pipelines::Pipelines;
use super::shaders::{Module, Transform};
use crate::backend::BackendError;
use crate::backend::layout::{Header, Job, NEUTRAL, NONE, STILL};
use crate::unified::{Access, Hint, Mapping, UnifiedBuffer, UnifiedError, UnifiedMemory};

const LIMIT: Duration = Duration::from_secs(20);
const BUDGET: u64 = 1 << 30;

/// How far the bare FFT goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// To the bins of the real data.
    Real,
    /// To the packed complex points of half the length.
    Packed,
}

pub struct ClipStft {
    gpu: Arc<Gpu>,
    pipelines: Pipelines,
    transform: Transform,
    spec: WindowSpec,
    frames: usize,
    samples: usize,
    table: UnifiedBuffer,
    inbox: UnifiedBuffer,
    tables: UnifiedBuffer,
    history: UnifiedBuffer,
    spectra: UnifiedBuffer,
    parts: UnifiedBuffer,
    output: UnifiedBuffer,
    bindings: wgpu::BindGroup,
}

impl ClipStft {
    /// For clips of `samples` samples: frame `f` is samples `f * h .. f * h + n`.
    pub fn new(gpu: &Arc<Gpu>, spec: WindowSpec, samples: usize) -> Result<Self, BackendError> {
        let transform = Transform::new(spec.n).ok_or(BackendError::Size(spec.n))?;
        if spec.n != spec.m || samples < spec.n {
            return Err(BackendError::Failed(format!(
                "a clip needs a symmetric window and at least {} samples, found {samples}",
                spec.n
            )));
        }
        let frames = (samples - spec.n) / spec.h + 1;
        let memory = UnifiedMemory::new(Arc::clone(gpu), Mapping::Auto, BUDGET);
        let make =
            |label, bytes: usize, access, hint| memory.create(label, bytes as u64, access, hint);
        let (n, h, m) = (spec.n, spec.h, spec.m);
        let (bins, slots) = (spec.bins(), frames + spec.overlap() - 1);
        // Transforms that several workgroups share meet in scratch.
        let scratch = if transform.parts > 1 { bins } else { 0 };
        let windows = spec.windows();
        let mut constants = super::tables::shared();
        let analysis = constants.len() as u32;
        constants.extend(super::tables::pairs(&windows.analysis));
        let synthesis = constants.len() as u32;
        constants.extend(super::tables::pairs(&windows.synthesis));
        let own = Hint::GpuPreferred;
        let mut tables = make("clip tables", constants.len() * 8, Access::ReadWrite, own)?;
        tables.write(0, &constants)?;
        // Output hops in two jobs lists: one a frame, and the tail that overlaps out.
        let jobs: Vec<Job> = (0..slots)
            .map(|slot| Job {
                hop: h as u32,
                history_len: (samples + n).next_multiple_of(h) as u32,
                history_at: (slot.min(frames - 1) * h + n - h) as u32,
                spectra_len: frames as u32,
                spectra_at: slot.min(frames - 1) as u32,
                frames_len: (slots + spec.overlap()) as u32,
                frames_at: slot as u32,
                scratch: ((slots + spec.overlap()) * m / 2 + slot.min(frames - 1) * scratch) as u32,
                field: NONE,
                held: NONE,
                output: (slot * h) as u32,
                n: n as u32,
                m: m as u32,
                analysis,
                synthesis,
                flags: NEUTRAL | STILL,
                ..Job::default()
            })
            .collect();
        let table_bytes = size_of::<Header>() + jobs.len() * size_of::<Job>();
        let mut table = make("clip jobs", table_bytes, Access::ReadWrite, own)?;
        table.write(0, &[Header { jobs: slots as u32, ..Header::default() }])?;
        table.write(size_of::<Header>() / 4, bytemuck::cast_slice::<Job, u32>(&jobs))?;
        let inbox = make("clip inbox", 256, Access::ReadOnly, Hint::Streaming)?;
        let history =
            make("clip", (samples + n).next_multiple_of(h) * 4, Access::ReadOnly, Hint::Streaming)?;
        let spectra = make("clip spectra", frames * bins * 8, Access::ReadWrite, own)?;
        let part_elements = (slots + spec.overlap()) * m / 2 + frames * scratch;
        let parts = make("clip parts", part_elements * 8, Access::ReadWrite, own)?;
        let out_words = (slots * h).max(frames * bins);
        let output = make("clip out", out_words * 4, Access::WriteOnly, Hint::Streaming)?;
        let mut pipelines = Pipelines::new(gpu)?;
        let mut modules =
            vec![Module::Stream, Module::Texture, Module::Forward { n }, Module::Inverse { n }];
        if transform.parts == 1 {
            modules.push(Module::Bare { n });
        }
        for module in modules {
            let built = pipelines.maker().build(gpu, module)?;
            pipelines.add(module, built);
        }
        // The fourth binding is not read by these kernels.
        let other = make("clip unused", 256, Access::ReadWrite, own)?;
        let bindings = pipelines.bind(
            gpu,
            [
                table.raw(),
                inbox.raw(),
                tables.raw(),
                other.raw(),
                history.raw(),
                spectra.raw(),
                parts.raw(),
                output.raw(),
            ],
        );
        Ok(Self {
            gpu: Arc::clone(gpu),
            pipelines,
            transform,
            spec,
            frames,
            samples,
            table,
            inbox,
            tables,
            history,
            spectra,
            parts,
            output,
            bindings,
        })
    }

    pub fn frames(&self) -> usize {
        self.frames
    }

    pub fn upload(&mut self, clip: &[f32]) -> Result<(), UnifiedError> {
        self.history.write(0, &clip[..self.samples.min(clip.len())])
    }

    fn run(
        &mut self,
        steps: &[(Module, &'static str, [u32; 3])],
        fetch: bool,
    ) -> Result<(), BackendError> {
        let gpu = Arc::clone(&self.gpu);
        let mut launch = Launch::begin(&gpu, "clip");
        for buffer in [
            &mut self.table,
            &mut self.inbox,
            &mut self.tables,
            &mut self.history,
            &mut self.spectra,
            &mut self.parts,
            &mut self.output,
        ] {
            buffer.prepare(&mut launch)?;
        }
        for &(module, entry, workgroups) in steps {
            let pipeline = self.pipelines.get(module, entry)?;
            let dispatch =
                Dispatch { pipeline, bindings: &self.bindings, offset: None, workgroups };
            launch.pass(entry, None, &[dispatch])?;
        }
        if fetch {
            self.output.fetch(&mut launch)?;
        }
        let submission = launch.submit()?;
        Ok(gpu.wait(&submission, LIMIT)?)
    }

    /// Window, FFT and split of all frames.
    pub fn forward(&mut self) -> Result<(), BackendError> {
        let (n, frames, parts) = (self.spec.n, self.frames as u32, self.transform.parts as u32);
        let forward = (Module::Forward { n }, "forward", [parts, frames, 1]);
        if parts == 1 {
            return self.run(&[forward], false);
        }
        let tiles = (n as u32 / 4 + 1).div_ceil(64);
        self.run(&[forward, (Module::Forward { n }, "split_bins", [tiles, frames, 1])], false)
    }

    /// The FFT kernel alone over the same frames, for windows of up to 8192 samples: what the bench
    /// compares with.
    pub fn bare_fft(&mut self, ends: Bare) -> Result<(), BackendError> {
        let n = self.spec.n;
        if self.transform.parts != 1 {
            return Err(BackendError::Size(n));
        }
        let entry = match ends {
            Bare::Real => "bare_real",
            Bare::Packed => "bare_packed",
        };
        self.run(&[(Module::Bare { n }, entry, [1, self.frames as u32, 1])], false)
    }

    /// Inverse of all frames and overlap-add; `out` gets the clip back, but for its first and last
    /// `n - h` samples, where fewer frames overlap.
    pub fn inverse(&mut self, out: &mut [f32]) -> Result<(), BackendError> {
        let n = self.spec.n;
        let parts = self.transform.parts as u32;
        let slots = (self.frames + self.spec.overlap() - 1) as u32;
        let tiles = (self.spec.h as u32 / 2).div_ceil(64);
        self.run(
            &[
                (Module::Inverse { n }, "inverse", [parts, self.frames as u32, 1]),
                (Module::Stream, "overlap_add", [tiles, slots, 1]),
            ],
            true,
        )?;
        let len = out.len().min(slots as usize * self.spec.h);
        Ok(self.output.read(0, &mut out[..len])?)
    }

    /// All frames as RGBA8, frame by frame, `bins` pixels each (P5). `gain` turns magnitudes into
    /// amplitudes, `top_db` is the level shown as full (`scumble_dsp::texture::AutoGain`).
    pub fn texture(&mut self, gain: f32, top_db: f32, out: &mut [u32]) -> Result<(), BackendError> {
        self.inbox.write(0, &[gain, top_db])?;
        let tiles = (self.spec.bins() as u32).div_ceil(64);
        let groups = [tiles, self.frames as u32, 1];
        self.run(&[(Module::Texture, "texture", groups)], true)?;
        let len = out.len().min(self.frames * self.spec.bins());
        Ok(self.output.read(0, &mut out[..len])?)
    }

    /// Frame `frame` as `bins` complex values.
    pub fn spectrum(&mut self, frame: usize, out: &mut [[f32; 2]]) -> Result<(), UnifiedError> {
        self.spectra.read(frame * self.spec.bins(), out)
    }

    /// All frames, each `bins` complex values.
    pub fn spectra(&mut self) -> Result<Vec<[f32; 2]>, UnifiedError> {
        let mut all = vec![[0.0; 2]; self.frames * self.spec.bins()];
        self.spectra.read(0, &mut all)?;
        Ok(all)
    }
}
