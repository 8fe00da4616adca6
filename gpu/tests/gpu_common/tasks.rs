//! Tasks on a device that takes them, driven by the test as the worker drives it, and strokes for
//! those that paint.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use scumble_dsp::{Stroke, StrokeKind, StrokePoint};
use scumble_gpu::backend::wgpu::analysis::WgpuCompute;
use scumble_gpu::compute::{Compute, Outcome, Task, TaskId};
use scumble_gpu::unified::Mapping;

use super::gpu;

pub const LONG: Duration = Duration::from_secs(60);

pub struct Device(pub WgpuCompute);

impl Device {
    pub fn new(mapping: Mapping) -> Self {
        Self(WgpuCompute::new(&gpu(), mapping).expect("opens"))
    }

    /// Results of tasks that run together.
    pub fn run(&mut self, tasks: &[Task]) -> Vec<Outcome> {
        for (id, task) in (0..).zip(tasks) {
            self.0.prepare(id, task)().expect("there are kernels");
            self.0.start(id);
        }
        let mut found: HashMap<TaskId, Outcome> = HashMap::new();
        let start = Instant::now();
        while found.len() < tasks.len() {
            assert!(start.elapsed() < LONG, "{} of {}", found.len(), tasks.len());
            self.0.submit_portion().expect("submits");
            let mut ended = Vec::new();
            self.0.poll(&mut |id, aside| ended.push((id, aside))).expect("polls");
            for (id, aside) in ended {
                found.insert(id, aside().expect("is read"));
            }
        }
        (0..tasks.len() as TaskId).map(|id| found.remove(&id).expect("each once")).collect()
    }

    pub fn run_one(&mut self, task: &Task) -> Outcome {
        self.run(std::slice::from_ref(task)).remove(0)
    }
}

/// Numbers that are the same on every run.
struct Chance(u32);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 16_777_216.0
    }
}

/// Strokes of every kind that overlap and go over all edges, at most as wide as said.
pub fn strokes(seed: u32, count: usize, radius_time: f32) -> Vec<Stroke> {
    let mut chance = Chance(seed);
    (0..count)
        .map(|i| Stroke {
            id: i as u64,
            kind: StrokeKind::ALL[i % StrokeKind::ALL.len()],
            points: (0..4)
                .map(|_| StrokePoint {
                    x: 1.4 * chance.next() - 0.2,
                    y: 14.0 * chance.next() - 2.0,
                    pressure: chance.next(),
                })
                .collect(),
            radius_time: radius_time * chance.next(),
            radius_octaves: 1.5 * chance.next(),
            strength: 2.0 * chance.next() - 0.8,
            hardness: 0.95 * chance.next(),
        })
        .collect()
}
