//! The kernels of the analysis: their WGSL, and pipelines that are compiled and dispatched once when
//! a task first needs them, aside, so that the worker never waits for a compiler.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::backend::BackendError;
use crate::backend::wgpu::device::{DeviceError, Gpu};
use crate::backend::wgpu::launch::{Dispatch, Launch};
use crate::backend::wgpu::shaders::{COLOUR, MATH};
use crate::compute::steps::{Kernel, RECORD};

const ANALYSIS: &str = include_str!("../../../../shader/analysis.wgsl");
const ROWS: &str = include_str!("../../../../shader/rows.wgsl");
const SOUND: &str = include_str!("../../../../shader/sound.wgsl");
const BANDS: &str = include_str!("../../../../shader/bands.wgsl");
const PAINT: &str = include_str!("../../../../shader/paint.wgsl");
const EDIT: &str = include_str!("../../../../shader/edit.wgsl");
const EDIT_BINS: &str = include_str!("../../../../shader/edit_bins.wgsl");
const EDIT_WARP: &str = include_str!("../../../../shader/edit_warp.wgsl");
const PICTURE: &str = include_str!("../../../../shader/picture.wgsl");

const WORK_AS_COMPLEX: &str = "work: array<vec2<f32>>;";
const WORK_AS_ATOMIC: &str = "work: array<atomic<i32>>;";

/// A first dispatch may take this long.
const LIMIT: Duration = Duration::from_secs(30);

/// One unit of compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnalysisModule {
    Rows,
    Sound,
    Bands,
    Picture,
    Field,
    Edit,
    /// The edits that add to `work` in any order.
    EditWarp,
}

impl AnalysisModule {
    pub const ALL: [Self; 7] = [
        Self::Rows,
        Self::Sound,
        Self::Bands,
        Self::Picture,
        Self::Field,
        Self::Edit,
        Self::EditWarp,
    ];

    pub fn of(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Load | Kernel::Split | Kernel::Join | Kernel::AddSound => Self::Sound,
            Kernel::Pass2 | Kernel::Pass3 | Kernel::Pass4 | Kernel::Pass5 | Kernel::PassAny => {
                Self::Rows
            }
            Kernel::Measure | Kernel::Fold | Kernel::Store | Kernel::Fetch | Kernel::Unfold => {
                Self::Bands
            }
            Kernel::Picture => Self::Picture,
            Kernel::Paint => Self::Field,
            Kernel::EditGain
            | Kernel::EditFreeze
            | Kernel::EditTime
            | Kernel::EditSums
            | Kernel::EditCarry
            | Kernel::EditBlur => Self::Edit,
            Kernel::EditClear | Kernel::EditScatter | Kernel::EditWarp => Self::EditWarp,
        }
    }

    pub fn source(self) -> String {
        match self {
            Self::Rows => [ANALYSIS, ROWS].concat(),
            Self::Sound => [ANALYSIS, SOUND].concat(),
            Self::Bands => [ANALYSIS, BANDS].concat(),
            Self::Field => [ANALYSIS, MATH, PAINT].concat(),
            Self::Edit => [ANALYSIS, MATH, EDIT, EDIT_BINS].concat(),
            Self::EditWarp => {
                let analysis = ANALYSIS.replace(WORK_AS_COMPLEX, WORK_AS_ATOMIC);
                [&analysis, MATH, EDIT, EDIT_WARP].concat()
            }
            Self::Picture => [ANALYSIS, COLOUR, PICTURE].concat(),
        }
    }
}

/// The bindings of `analysis.wgsl`: true where kernels write. The first has a dynamic offset.
const BINDINGS: [bool; 7] = [false, false, false, false, false, true, true];

/// Pipelines as far as they have been needed. Shared by the worker and who prepares tasks.
pub struct Kernels {
    bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    built: RwLock<HashMap<Kernel, wgpu::ComputePipeline>>,
}

impl Kernels {
    pub fn new(gpu: &Gpu) -> Result<Arc<Self>, DeviceError> {
        gpu.enter_pass("analysis layout");
        let (bindings, layout) = gpu.layouts("analysis", &BINDINGS, true)?;
        Ok(Arc::new(Self { bindings, layout, built: RwLock::default() }))
    }

    /// The bind group of a task: records, input, turns, weights, bands, work, output.
    pub fn bind(&self, gpu: &Gpu, buffers: [&wgpu::Buffer; 7]) -> wgpu::BindGroup {
        gpu.enter_pass("analysis bindings");
        let entries: Vec<_> = (0u32..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset: 0,
                    // One record at a time of the first.
                    size: wgpu::BufferSize::new(RECORD as u64).filter(|_| binding == 0),
                }),
            })
            .collect();
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("analysis"),
            layout: &self.bindings,
            entries: &entries,
        })
    }

    /// Compiles and dispatches what of `kernels` is not there yet; waits for the device.
    pub fn make(&self, gpu: &Gpu, kernels: &[Kernel]) -> Result<(), BackendError> {
        for &kernel in kernels {
            if self.get(kernel).is_ok() {
                continue;
            }
            let pipeline = self.build(gpu, kernel)?;
            self.run_once(gpu, &pipeline)?;
            self.built.write().insert(kernel, pipeline);
        }
        Ok(())
    }

    /// A pipeline that has been made.
    pub fn get(&self, kernel: Kernel) -> Result<wgpu::ComputePipeline, DeviceError> {
        self.built.read().get(&kernel).cloned().ok_or_else(|| DeviceError::Pass {
            pass: kernel.name().to_owned(),
            message: "it was not compiled before its first use".to_owned(),
        })
    }

    fn build(&self, gpu: &Gpu, kernel: Kernel) -> Result<wgpu::ComputePipeline, DeviceError> {
        gpu.enter_pass(kernel.name());
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(AnalysisModule::of(kernel).source().into()),
        };
        // SAFETY: the shaders are ours. Every index they form comes from a plan's steps, which
        // `Plan::new` fills from the sizes of the buffers that it asks for (`gpu_plans` walks them), or
        // from the tables made with it; sound is read within its length; loops are bounded by both.
        let module = unsafe {
            gpu.device
                .create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        };
        let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name()),
            layout: Some(&self.layout),
            module: &module,
            entry_point: Some(kernel.name()),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        gpu.take_error()?;
        Ok(pipeline)
    }

    /// One dispatch without items: drivers finish compiling at the first.
    fn run_once(&self, gpu: &Gpu, pipeline: &wgpu::ComputePipeline) -> Result<(), BackendError> {
        let buffer = || {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("analysis warm-up"),
                size: RECORD as u64,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        };
        // Fresh buffers are zero: a step that ends where it begins.
        let buffers: [wgpu::Buffer; 7] = std::array::from_fn(|_| buffer());
        let bindings = self.bind(gpu, buffers.each_ref());
        let mut launch = Launch::begin(gpu, "analysis warm-up");
        let dispatch =
            Dispatch { pipeline, bindings: &bindings, offset: Some(0), workgroups: [1, 1, 1] };
        launch.pass("analysis warm-up", None, &[dispatch])?;
        let submission = launch.submit()?;
        Ok(gpu.wait_aside(&submission, LIMIT)?)
    }
}
