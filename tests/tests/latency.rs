//! The reported latency is the measured one, to the sample, in every host (X2, S10).
#![cfg(target_os = "linux")]

use scumble_tests::clap_host::{Blocks, Bundle};
use scumble_tests::locate;
use scumble_tests::project::Project;
use scumble_tests::vst3_host::Module;

const QUALITIES: [&str; 4] = ["live", "balanced", "studio", "ultra"];
const BUFFERINGS: [&str; 3] = ["double", "triple", "ring"];
const RATES: [f64; 4] = [44_100.0, 48_000.0, 96_000.0, 192_000.0];
/// Where the impulse is: at no border of a hop or block.
const AT: usize = 1003;

/// What is set, and the host's block.
#[derive(Debug, Clone, Copy)]
struct Case {
    quality: &'static str,
    buffering: &'static str,
    engine: &'static str,
    rate: f64,
    block: usize,
}

/// Every quality, buffering and rate, the blocks in turn; and the CPU inline.
fn cases() -> Vec<Case> {
    let mut blocks = [64, 128, 256, 480, 512, 1000].into_iter().cycle();
    let mut cases = Vec::new();
    for quality in QUALITIES {
        for rate in RATES {
            for buffering in BUFFERINGS {
                let block = blocks.next().unwrap();
                cases.push(Case { quality, buffering, engine: "auto", rate, block });
            }
            cases.push(Case { quality, buffering: "double", engine: "cpu", rate, block: 100 });
        }
    }
    for block in [1, 32, 64, 100, 128, 192, 256] {
        let (quality, buffering, engine) = ("live", "double", "auto");
        cases.push(Case { quality, buffering, engine, rate: 48_000.0, block });
    }
    cases
}

impl Case {
    fn of(&self, project: Project) -> Project {
        project
            .set("quality", self.quality)
            .set("buffering", self.buffering)
            .set("engine", self.engine)
    }

    fn impulse(&self, latency: usize) -> Vec<Vec<f32>> {
        let mut input = vec![vec![0.0; latency + AT + 2 * self.block + 5000]; 2];
        for channel in &mut input {
            channel[AT] = 1.0;
        }
        input
    }

    /// The impulse came out, whole, once, and exactly so late.
    fn judge(&self, output: &[Vec<f32>], reported: usize) {
        for channel in output {
            let measured = (0..channel.len())
                .max_by(|&a, &b| channel[a].abs().total_cmp(&channel[b].abs()))
                .expect("there is output");
            assert_eq!(measured as i64 - AT as i64, reported as i64, "{self:?}");
            let rest = channel.iter().enumerate().filter(|(i, _)| *i != measured);
            let rest = rest.map(|(_, x)| x.abs()).fold(0.0f32, f32::max);
            assert!((channel[measured] - 1.0).abs() < 1e-5 && rest < 1e-5, "{self:?}: {rest}");
        }
        if self.quality == "live" && self.buffering == "double" && self.rate == 48_000.0 {
            let ms = reported as f64 / 48.0;
            // S10. A block that the hop does not divide costs up to two hops more.
            let whole = self.block.is_multiple_of(64) || 64usize.is_multiple_of(self.block);
            assert!(self.block > 256 || !whole || ms <= 10.0, "{self:?}: {ms} ms");
        }
    }
}

#[test]
fn in_clap_the_reported_latency_is_the_measured_one() {
    let bundle = Bundle::load(&locate::clap_bundle()).unwrap();
    let mut plugin = bundle.scumble().unwrap();
    let fresh = plugin.save().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in cases() {
        plugin.load(&case.of(Project::of_clap(&fresh)).for_clap()).unwrap();
        let mut processor = plugin.activate(case.rate, case.block as u32).unwrap();
        let latency = plugin.latency().unwrap();
        let input = case.impulse(latency);
        let output = processor.render(&input, &mut Blocks::Fixed(case.block)).unwrap();
        plugin.deactivate(processor);
        case.judge(&output, latency);
        seen.insert(latency);
    }
    println!("{} latencies, from {:?} to {:?}", seen.len(), seen.first(), seen.last());
    assert!(seen.len() > 20, "the settings had no effect: {seen:?}");
}

#[test]
fn in_vst3_the_reported_latency_is_the_measured_one() {
    let module = Module::load(&locate::vst3_library(&locate::vst3_bundle())).unwrap();
    let plugin = module.create().unwrap();
    let fresh = plugin.save().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in cases() {
        plugin.load(&case.of(Project::of_vst3(&fresh)).for_vst3()).unwrap();
        let mut processor = plugin.activate(case.rate, case.block as i32).unwrap();
        let latency = plugin.latency();
        let mut output = case.impulse(latency);
        let length = output[0].len();
        for at in (0..length).step_by(case.block) {
            let end = (at + case.block).min(length);
            let mut block = [output[0][at..end].to_vec(), output[1][at..end].to_vec()];
            processor.process(&mut block, &[]).unwrap();
            for (channel, block) in output.iter_mut().zip(&block) {
                channel[at..end].copy_from_slice(block);
            }
        }
        plugin.deactivate(processor).unwrap();
        case.judge(&output, latency);
        seen.insert(latency);
    }
    assert!(seen.len() > 20, "the settings had no effect: {seen:?}");
    plugin.destroy().unwrap();
}
