//! What the tests share: signals, and a twin driven like a plugin drives it.
#![allow(dead_code)]

use scumble_dsp::{
    EffectSettings, Field, FrameParams, Framer, Playhead, Quality, Twin, WindowSpec,
};

mod sound;

pub use sound::noise;

pub const RATE: f64 = 48_000.0;

pub fn sine(hz: f64, amplitude: f64, len: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * hz / RATE;
    (0..len).map(|i| (amplitude * (step * i as f64).sin()) as f32).collect()
}

pub fn rms(x: &[f32]) -> f64 {
    (x.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>() / x.len() as f64).sqrt()
}

pub fn peak(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |a, &b| a.max(b.abs()))
}

pub fn spec(quality: Quality) -> WindowSpec {
    WindowSpec::new(quality, RATE)
}

/// Parameters of `hops` frames under settings that may change from hop to hop. A field comes with the
/// seconds that its loop takes.
pub fn params(
    spec: &WindowSpec,
    hops: usize,
    field: Option<(&Field, f64)>,
    mut settings: impl FnMut(usize) -> EffectSettings,
) -> Vec<FrameParams> {
    let mut framer = Framer::new(*spec, RATE);
    (0..hops)
        .map(|i| {
            let seconds = (i * spec.h) as f64 / RATE;
            let playhead = field.map_or_else(Playhead::default, |(field, loop_seconds)| Playhead {
                position: seconds / loop_seconds,
                loop_seconds,
                field: Some(field),
            });
            framer.next(&settings(i), playhead)
        })
        .collect()
}

/// Runs mono input through a fresh twin; output sample `t` belongs to input time
/// `t - spec.window_latency()`.
pub fn render(spec: &WindowSpec, input: &[f32], params: &[FrameParams]) -> Vec<f32> {
    render_with(&mut Twin::new(*spec, RATE, 1, 0), input, params)
}

pub fn render_with(twin: &mut Twin, input: &[f32], params: &[FrameParams]) -> Vec<f32> {
    let h = twin.spec().h;
    let mut out = vec![0.0; params.len() * h];
    for (n, params) in params.iter().enumerate() {
        twin.push(n as u64, &[&input[n * h..(n + 1) * h]], params);
        let hop = &mut out[n * h..(n + 1) * h];
        twin.process_hop(n as u64, &mut [hop]).expect("the hop was pushed");
    }
    out
}

/// A steady setting, with glides and fades long over.
pub fn steady(settings: EffectSettings) -> impl FnMut(usize) -> EffectSettings {
    move |_| settings
}

pub fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-12).log10()
}

/// Amplitude of the component at `hz` in `x`, through a Blackman-Harris window.
pub fn tone(x: &[f32], hz: f64) -> f64 {
    let window = scumble_dsp::window::blackman_harris(x.len());
    let step = std::f64::consts::TAU * hz / RATE;
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (i, (&v, w)) in x.iter().zip(&window).enumerate() {
        let (s, c) = (step * i as f64).sin_cos();
        re += f64::from(v) * w * c;
        im += f64::from(v) * w * s;
        sum += w;
    }
    2.0 * re.hypot(im) / sum
}

/// Strongest component further than `guard_hz` from `hz`, relative to the one at `hz`, in dB.
pub fn side_products(x: &[f32], hz: f64, guard_hz: f64) -> f64 {
    use realfft::RealFftPlanner;
    let n = x.len();
    let window = scumble_dsp::window::blackman_harris(n);
    let mut time: Vec<f64> = x.iter().zip(&window).map(|(&v, w)| f64::from(v) * w).collect();
    let plan = RealFftPlanner::<f64>::new().plan_fft_forward(n);
    let mut freq = plan.make_output_vec();
    plan.process(&mut time, &mut freq).expect("lengths agree");
    let at = |k: usize| k as f64 * RATE / n as f64;
    let (mut main, mut side) = (0.0f64, 0.0f64);
    for (k, value) in freq.iter().enumerate() {
        let place = if (at(k) - hz).abs() <= guard_hz { &mut main } else { &mut side };
        *place = place.max(value.norm());
    }
    decibels(side / main)
}
