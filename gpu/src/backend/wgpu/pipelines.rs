//! Compiled kernels. All share one bind group layout, so that one bind group serves a submission.

use std::collections::HashMap;

use super::device::{DeviceError, Gpu};
use super::shaders::Module;

/// The eight bindings of `shared.wgsl`: true where kernels write.
pub const BINDINGS: [bool; 8] = [false, false, false, false, false, true, true, true];

type Built = Vec<(&'static str, wgpu::ComputePipeline)>;

/// Pipelines by module and entry point, built when first needed: before a session goes live.
pub struct Pipelines {
    maker: Maker,
    built: HashMap<(Module, &'static str), wgpu::ComputePipeline>,
    warm: Vec<usize>,
}

/// Compiles modules; cheap to clone, so that compiling needs no lock on [`Pipelines`].
#[derive(Clone)]
pub struct Maker {
    bindings: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
}

impl Maker {
    fn new(gpu: &Gpu) -> Result<Self, DeviceError> {
        gpu.enter_pass("bind group layout");
        let (bindings, layout) = gpu.layouts("scumble", &BINDINGS, false)?;
        Ok(Self { bindings, layout })
    }

    /// Compiles every entry point of `module`.
    pub fn build(&self, gpu: &Gpu, module: Module) -> Result<Built, DeviceError> {
        gpu.enter_pass("compile");
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(module.source().into()),
        };
        // SAFETY: the shaders are ours. Every index they form comes from the job table, which
        // `Slot::job` fills from ranges that the arenas gave out and `Batch::build` from buffers it
        // has sized; loops are bounded by the sizes of the transform or by constants.
        let shader = unsafe {
            gpu.device
                .create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        };
        gpu.take_error()?;
        let mut built = Vec::new();
        for &entry in module.entry_points() {
            gpu.enter_pass(entry);
            let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry),
                layout: Some(&self.layout),
                module: &shader,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Each kernel writes its tile before it reads it.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            });
            gpu.take_error()?;
            built.push((entry, pipeline));
        }
        Ok(built)
    }
}

impl Pipelines {
    pub fn new(gpu: &Gpu) -> Result<Self, DeviceError> {
        Ok(Self { maker: Maker::new(gpu)?, built: HashMap::new(), warm: Vec::new() })
    }

    pub fn maker(&self) -> Maker {
        self.maker.clone()
    }

    pub fn has(&self, module: Module) -> bool {
        module.entry_points().iter().all(|&entry| self.built.contains_key(&(module, entry)))
    }

    pub fn add(&mut self, module: Module, built: Built) {
        self.built.extend(built.into_iter().map(|(entry, p)| ((module, entry), p)));
    }

    pub fn is_warm(&self, n: usize) -> bool {
        self.warm.contains(&n)
    }

    pub fn set_warm(&mut self, n: usize) {
        if !self.is_warm(n) {
            self.warm.push(n);
        }
    }

    /// The bind group of all kernels, buffers in the order of `shared.wgsl`.
    pub fn bind(&self, gpu: &Gpu, buffers: [&wgpu::Buffer; 8]) -> wgpu::BindGroup {
        gpu.enter_pass("bind group");
        let entries: Vec<_> = (0u32..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("scumble"),
            layout: &self.maker.bindings,
            entries: &entries,
        })
    }

    /// A pipeline that has been built.
    pub fn get(
        &self,
        module: Module,
        entry: &'static str,
    ) -> Result<&wgpu::ComputePipeline, DeviceError> {
        self.built.get(&(module, entry)).ok_or_else(|| DeviceError::Pass {
            pass: entry.to_owned(),
            message: format!("{module:?} was not compiled before its first use"),
        })
    }
}
