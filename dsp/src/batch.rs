//! Whole files on several cores. As a hop is a pure function, the file is cut into runs of hops that
//! are computed side by side; the result has the same bits as one twin streaming.

use std::sync::Arc;

use crate::field::Field;
use crate::frame::FrameParams;
use crate::quality::WindowSpec;
use crate::twin::Twin;

/// What a batch is made of.
pub struct Batch<'a> {
    pub spec: WindowSpec,
    pub sample_rate: f64,
    /// One slice a channel, of equal length.
    pub input: &'a [&'a [f32]],
    /// One a hop, numbered from 0, as a [`crate::Framer`] made them.
    pub params: &'a [FrameParams],
    /// What lies in the two slots.
    pub fields: [Option<Arc<Field>>; 2],
}

impl Batch<'_> {
    /// All output hops of all channels; what is there of a last, partial hop of input is used.
    pub fn render(&self, threads: usize) -> Vec<Vec<f32>> {
        let hops = self.params.len();
        let channels = self.input.len();
        let h = self.spec.h;
        let mut out = vec![vec![0.0f32; hops * h]; channels];
        let run = hops.div_ceil(threads.max(1)).max(1);
        // A run of hops of every channel for each thread.
        let mut runs: Vec<Vec<&mut [f32]>> = (0..hops.div_ceil(run)).map(|_| Vec::new()).collect();
        for channel in &mut out {
            for (slot, samples) in runs.iter_mut().zip(channel.chunks_mut(run * h)) {
                slot.push(samples);
            }
        }
        std::thread::scope(|scope| {
            let mut runs = runs.into_iter().enumerate();
            let own = runs.next();
            for (i, outputs) in runs {
                let work = move || self.run(i * run, outputs);
                let started = std::thread::Builder::new()
                    .name("scumble-batch".into())
                    .spawn_scoped(scope, work);
                // Like running out of memory: nothing sensible is left to do.
                assert!(started.is_ok(), "no thread for a batch: {:?}", started.err());
            }
            if let Some((_, outputs)) = own {
                self.run(0, outputs);
            }
        });
        out
    }

    /// Hops from `first` on. Everything before is pushed, which costs next to nothing, so that
    /// history and captures of a freeze are what they are when streaming.
    fn run(&self, first: usize, mut outputs: Vec<&mut [f32]>) {
        let h = self.spec.h;
        let mut twin = Twin::new(self.spec, self.sample_rate, self.input.len(), 0);
        for (slot, field) in self.fields.iter().enumerate() {
            if let Some(field) = field {
                drop(twin.set_field(slot as u32, Arc::clone(field)));
            }
        }
        let hops = outputs.first().map_or(0, |o| o.len() / h);
        let mut padded = vec![vec![0.0; h]; self.input.len()];
        for n in 0..first + hops {
            for (padded, input) in padded.iter_mut().zip(self.input) {
                let from = (n * h).min(input.len());
                let to = (from + h).min(input.len());
                padded[..to - from].copy_from_slice(&input[from..to]);
                padded[to - from..].fill(0.0);
            }
            let inputs: Vec<&[f32]> = padded.iter().map(Vec::as_slice).collect();
            twin.push(n as u64, &inputs, &self.params[n]);
            if n >= first {
                let at = (n - first) * h..(n - first + 1) * h;
                let mut hop: Vec<&mut [f32]> =
                    outputs.iter_mut().map(|o| &mut o[at.clone()]).collect();
                let done = twin.process_hop(n as u64, &mut hop);
                debug_assert!(done.is_ok(), "the hop was pushed");
            }
        }
    }
}
