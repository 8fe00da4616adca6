//! The canvas follows the host's transport, to the sample and in every pass of a loop (X6).

use scumble_tests::clap_host::{Bundle, Plugin, Processor, Transport};
use scumble_tests::locate;
use scumble_tests::project::{Project, dab};
use scumble_tests::signal::noise;

const RATE: f64 = 48_000.0;
/// Two bars.
const LOOP_BEATS: f64 = 8.0;
/// What is painted: silence, from a quarter of a beat before this beat to a quarter after it.
const BEAT: f64 = 2.0;
const RADIUS_BEATS: f64 = 0.25;
/// The canvas has 512 columns; what is between two is in neither for sure.
const COLUMN_BEATS: f64 = LOOP_BEATS / 512.0;
/// A sample is in the frames of this many samples on either side.
const FRAME: f64 = 256.0;

/// An instance with a loop of two bars, silent around beat 2.
fn painted() -> Plugin {
    let bundle = Bundle::load(&locate::clap_bundle()).unwrap();
    let mut plugin = bundle.scumble().unwrap();
    // A dab is a quarter of the full effect: sixteen of them are silence.
    let silence = dab("gain", BEAT / LOOP_BEATS, RADIUS_BEATS / LOOP_BEATS, -1.0);
    let project = Project::of_clap(&plugin.save().unwrap())
        .set("canvas_length", LOOP_BEATS)
        .set("canvas_sync", "beats")
        .paint(&vec![silence; 16]);
    plugin.load(&project.for_clap()).unwrap();
    plugin
}

/// A host's clock that goes round the loop.
struct Clock {
    beats: f64,
    seconds: f64,
    tempo: f64,
}

impl Clock {
    /// Samples to the loop's end, at most `most`.
    fn until_end(&self, most: usize) -> usize {
        let left = (LOOP_BEATS - self.beats) * 60.0 / self.tempo * RATE;
        (left.ceil() as usize).clamp(1, most)
    }

    fn transport(&self) -> Transport {
        Transport {
            playing: true,
            beats: self.beats,
            seconds: self.seconds,
            tempo_bpm: self.tempo,
            cycle: Some((0.0, LOOP_BEATS)),
        }
    }

    fn advance(&mut self, samples: usize) {
        self.seconds += samples as f64 / RATE;
        self.beats += samples as f64 / RATE * self.tempo / 60.0;
        if self.beats >= LOOP_BEATS {
            self.beats -= LOOP_BEATS;
        }
    }
}

/// Plays noise round the loop and says what came in, what came out, and the beat of each sample.
fn play(
    processor: &mut Processor,
    samples: usize,
    block: usize,
    tempo: impl Fn(usize) -> f64,
) -> (Vec<f32>, Vec<f32>, Vec<f64>) {
    let input = noise(3, 2, samples);
    let mut output = vec![vec![0.0f32; samples]; 2];
    let mut beats = Vec::with_capacity(samples);
    let mut clock = Clock { beats: 0.0, seconds: 0.0, tempo: tempo(0) };
    let mut at = 0;
    while at < samples {
        clock.tempo = tempo(at);
        let n = clock.until_end(block.min(samples - at));
        beats.extend((0..n).map(|i| clock.beats + i as f64 / RATE * clock.tempo / 60.0));
        let ins: Vec<&[f32]> = input.iter().map(|c| &c[at..at + n]).collect();
        let mut outs: Vec<&mut [f32]> = output.iter_mut().map(|c| &mut c[at..at + n]).collect();
        processor.process(&ins, &mut outs, &[], Some(&clock.transport())).unwrap();
        clock.advance(n);
        at += n;
    }
    (input[0].clone(), output[0].clone(), beats)
}

/// Every sample well inside the paint is silent, every one well outside is untouched; how many
/// there were of each.
fn check(
    latency: usize,
    tempo: f64,
    (input, output, beats): (Vec<f32>, Vec<f32>, Vec<f64>),
) -> (usize, usize) {
    let margin = 1.5 * COLUMN_BEATS + FRAME / RATE * tempo / 60.0;
    let (mut silent, mut whole) = (0, 0);
    for (t, (&x, &beat)) in input.iter().zip(&beats).enumerate() {
        let Some(&y) = output.get(t + latency) else { break };
        let off = (beat - BEAT).abs();
        let round = off.min(LOOP_BEATS - off);
        if round < RADIUS_BEATS - margin {
            assert!(
                y.abs() < 1e-3,
                "beat {beat:.4}, sample {t}: {y} of {x} where silence is painted"
            );
            silent += 1;
        } else if round > RADIUS_BEATS + margin {
            assert!(
                (y - x).abs() < 1e-5,
                "beat {beat:.4}, sample {t}: {y} of {x}, nothing is painted"
            );
            whole += 1;
        }
    }
    (silent, whole)
}

#[test]
fn x6_what_is_painted_at_beat_2_acts_at_beat_2_in_every_pass() {
    for (tempo, block) in [(60.0, 512), (120.0, 128), (173.5, 441)] {
        let mut plugin = painted();
        let mut processor = plugin.activate(RATE, block as u32).unwrap();
        let latency = plugin.latency().unwrap();
        let pass = LOOP_BEATS * 60.0 / tempo * RATE;
        let samples = (3.0 * pass) as usize + latency;
        let played = play(&mut processor, samples, block, |_| tempo);
        let (silent, whole) = check(latency, tempo, played);
        let painted = 2.0 * RADIUS_BEATS / LOOP_BEATS;
        println!("{tempo} bpm: {silent} silent and {whole} untouched of {samples}");
        assert!(silent as f64 > 0.6 * painted * 3.0 * pass, "{silent} samples are silent");
        assert!(whole as f64 > 0.9 * (1.0 - painted) * 3.0 * pass);
        plugin.deactivate(processor);
    }
}

#[test]
fn x6_the_canvas_follows_a_tempo_that_never_stands_still() {
    // From 80 to 180 bpm over four passes: another tempo in every block.
    let mut plugin = painted();
    let block = 256;
    let mut processor = plugin.activate(RATE, block as u32).unwrap();
    let latency = plugin.latency().unwrap();
    let samples = (16.0 * RATE) as usize;
    let tempo = |at: usize| 80.0 + 100.0 * at as f64 / samples as f64;
    let (silent, whole) = check(latency, 180.0, play(&mut processor, samples, block, tempo));
    println!("ramp: {silent} silent and {whole} untouched of {samples}");
    assert!(silent > samples / 40 && whole > samples / 2);
    plugin.deactivate(processor);
}

#[test]
fn x6_a_locate_reads_no_column_of_another_time() {
    // Jumps onto the paint and away from it, block after block.
    let mut plugin = painted();
    let mut processor = plugin.activate(RATE, 4096).unwrap();
    let latency = plugin.latency().unwrap();
    let input = noise(5, 2, 4096 * 40);
    let mut output: Vec<f32> = Vec::new();
    for i in 0..40 {
        let beats = if i % 2 == 0 { BEAT - 0.05 } else { 5.0 };
        let clock = Clock { beats, seconds: 0.0, tempo: 60.0 };
        let ins: Vec<&[f32]> = input.iter().map(|c| &c[i * 4096..][..4096]).collect();
        let mut left = vec![0.0; 4096];
        let mut right = left.clone();
        processor
            .process(&ins, &mut [&mut left, &mut right], &[], Some(&clock.transport()))
            .unwrap();
        output.extend(left);
    }
    for (t, &y) in output.iter().enumerate().skip(latency) {
        let (block, within) = ((t - latency) / 4096, (t - latency) % 4096);
        if !(300..4096 - 300).contains(&within) {
            continue;
        }
        let x = input[0][t - latency];
        if block % 2 == 0 {
            assert!(y.abs() < 1e-3, "block {block}, sample {within}: {y} where silence is painted");
        } else {
            assert!((y - x).abs() < 1e-5, "block {block}, sample {within}: {y} of {x}");
        }
    }
    plugin.deactivate(processor);
}
