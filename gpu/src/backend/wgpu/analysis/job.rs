//! A task on the device: its buffers, its steps, and how its result is read.

use std::sync::Arc;

use parking_lot::Mutex;

use super::kernels::Kernels;
use crate::backend::BackendError;
use crate::backend::wgpu::device::Gpu;
use crate::compute::plan::{Plan, Reading};
use crate::compute::recipe::{Key, Kind, Recipe, Tables};
use crate::compute::steps::{Cursor, Planned};
use crate::compute::{Aside, Task};
use crate::unified::{Access, Hint, UnifiedBuffer, UnifiedError, UnifiedMemory};

/// Recipes whose constants stay on the device.
const KEPT: usize = 4;
/// Memory of ended tasks that is kept for the next; more goes back to the device (S15).
const SHELVED_BYTES: u64 = 16 << 20;

/// The constant buffers of a recipe; tasks of one recipe share them.
pub struct Constants {
    pub turns: UnifiedBuffer,
    pub weights: UnifiedBuffer,
    pub bands: UnifiedBuffer,
}

impl Constants {
    fn new(memory: &UnifiedMemory, tables: &Tables) -> Result<Self, UnifiedError> {
        let make = |label, bytes: usize| {
            memory.create(label, bytes as u64, Access::ReadOnly, Hint::GpuPreferred)
        };
        let mut made = Self {
            turns: make("turns", tables.turns.len() * 8)?,
            weights: make("weights", tables.weights.len() * 4)?,
            bands: make("bands", size_of_val(tables.bands.as_slice()))?,
        };
        made.turns.write(0, &tables.turns)?;
        made.weights.write(0, &tables.weights)?;
        made.bands.write(0, &tables.bands)?;
        Ok(made)
    }
}

/// A recipe on the device.
struct Made {
    key: Key,
    kind: Arc<Recipe>,
    constants: Arc<Mutex<Constants>>,
}

/// What prepares tasks, aside: shared by the worker, who hands tasks out, and the analyst.
pub struct Preparer {
    gpu: Arc<Gpu>,
    memory: UnifiedMemory,
    kernels: Arc<Kernels>,
    records: wgpu::Buffer,
    made: Mutex<Vec<Made>>,
}

impl Preparer {
    pub fn new(
        gpu: &Arc<Gpu>,
        memory: &UnifiedMemory,
        kernels: &Arc<Kernels>,
        records: &wgpu::Buffer,
    ) -> Self {
        Self {
            gpu: Arc::clone(gpu),
            memory: memory.clone(),
            kernels: Arc::clone(kernels),
            records: records.clone(),
            made: Mutex::default(),
        }
    }

    /// The recipe of a task and its constants, made if they are not there.
    fn recipe(&self, task: &Task) -> Result<(Arc<Recipe>, Arc<Mutex<Constants>>), BackendError> {
        let key = Key::of(task);
        if let Some(made) = self.made.lock().iter().find(|made| made.key == key) {
            return Ok((Arc::clone(&made.kind), Arc::clone(&made.constants)));
        }
        let recipe = Recipe::new(task)
            .map_err(|error| BackendError::Failed(error.to_string()))?
            .ok_or_else(|| no_kernels("these lengths"))?;
        let constants = Arc::new(Mutex::new(Constants::new(&self.memory, &recipe.tables)?));
        // The tables are on the device now.
        let recipe = Arc::new(Recipe { tables: Tables::default(), kind: recipe.kind });
        let mut made = self.made.lock();
        if made.len() >= KEPT {
            made.remove(0);
        }
        let (kind, kept) = (Arc::clone(&recipe), Arc::clone(&constants));
        made.push(Made { key, kind, constants: kept });
        Ok((recipe, constants))
    }

    /// Makes a task ready to be portioned.
    pub fn prepare(&self, task: &Task) -> Result<Job, BackendError> {
        let (recipe, constants) = self.recipe(task)?;
        let plan = Plan::new(&recipe, task).ok_or_else(|| no_kernels("this task"))?;
        let limit = self.gpu.limits().max_storage_buffer_binding_size;
        let largest = (plan.work_elements * 8).max(plan.output_words * 4) as u64;
        if largest > limit {
            return Err(no_kernels("a task of this size"));
        }
        let mut kernels: Vec<_> = plan.steps.iter().map(|step| step.kernel).collect();
        kernels.sort_unstable_by_key(|kernel| kernel.name());
        kernels.dedup();
        self.kernels.make(&self.gpu, &kernels)?;
        let make = |label, bytes: usize, access, hint| {
            self.memory.create(label, bytes.max(4) as u64, access, hint)
        };
        let bytes = 4 * plan.input_words;
        let mut input = make("analysis input", bytes, Access::ReadOnly, Hint::CpuPreferred)?;
        match task {
            _ if plan.input.is_some() => input.write(0, plan.input.as_deref().unwrap_or(&[]))?,
            Task::Analyse { sound, .. } | Task::Picture { sound, .. } => input.write(0, sound)?,
            Task::Synthesise { values, .. } => {
                let pairs: Vec<[f32; 2]> = values.iter().map(|v| [v.re, v.im]).collect();
                input.write(0, &pairs)?;
            }
            Task::Field { .. } | Task::Edit(_) => {}
        }
        let bytes = 8 * plan.work_elements;
        let work = make("analysis work", bytes, Access::ReadWrite, Hint::GpuPreferred)?;
        let bytes = 4 * plan.output_words;
        let output = make("analysis output", bytes, Access::WriteOnly, Hint::CpuPreferred)?;
        let bindings = {
            let constants = constants.lock();
            let buffers = [
                &self.records,
                input.raw(),
                constants.turns.raw(),
                constants.weights.raw(),
                constants.bands.raw(),
                work.raw(),
                output.raw(),
            ];
            self.kernels.bind(&self.gpu, buffers)
        };
        Ok(Job {
            memory: self.memory.clone(),
            adds_up: matches!((task, &recipe.kind), (Task::Synthesise { .. }, Kind::Bank(_))),
            steps: plan.steps,
            cursor: Cursor::default(),
            begun: false,
            input,
            work,
            output,
            constants,
            bindings,
            output_words: plan.output_words,
            reading: plan.reading,
        })
    }
}

fn no_kernels(what: &str) -> BackendError {
    BackendError::Failed(format!("there are no kernels for {what}"))
}

pub struct Job {
    pub steps: Vec<Planned>,
    pub cursor: Cursor,
    /// Whether a portion of it has been submitted.
    pub begun: bool,
    /// Kernels add to the output, which must be silent before.
    pub adds_up: bool,
    pub input: UnifiedBuffer,
    pub work: UnifiedBuffer,
    pub output: UnifiedBuffer,
    pub constants: Arc<Mutex<Constants>>,
    pub bindings: wgpu::BindGroup,
    output_words: usize,
    reading: Reading,
    memory: UnifiedMemory,
}

impl Job {
    pub fn is_done(&self) -> bool {
        self.cursor.is_done(&self.steps)
    }

    /// How the result is read, once its last portion has ended.
    pub fn into_reading(mut self) -> Aside<crate::compute::Outcome> {
        Box::new(move || {
            let mut words = vec![0u32; self.output_words];
            self.output.read(0, &mut words)?;
            let Self { reading, memory, input, work, output, .. } = self;
            drop((input, work, output));
            if memory.bytes().1 > SHELVED_BYTES {
                memory.trim();
            }
            Ok(Plan::read(reading, words))
        })
    }
}
