//! A host and plugin in small: pushes blocks, reads what is due, and compares each hop with a twin
//! that has seen the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scumble_dsp::{
    Canvas, EffectSettings, Field, FieldSpec, Framer, Playhead, Quality, Twin, WindowSpec,
};
use scumble_gpu::config::GpuSyncConfig;
use scumble_gpu::engine::{AudioEnd, ControlEnd, Engine, EngineChoice, EngineKind, SessionConfig};
use scumble_gpu::sync::{Buffering, HopStatus};

/// S14: of full scale, per sample.
pub const TOLERANCE: f32 = 1e-4;

pub fn config(quality: Quality, rate: f64, channels: usize, block: usize) -> SessionConfig {
    let spec = WindowSpec::new(quality, rate);
    SessionConfig {
        spec,
        sample_rate: rate,
        channels,
        async_samples: Buffering::Double.async_samples(block, spec.h),
        max_block: block,
        buffering: Buffering::Double,
        engine_choice: EngineChoice::Gpu,
        sync: GpuSyncConfig::default(),
        patience: None,
    }
}

/// A config that gives the device 10 ms, so that a test also passes on a machine that is busy.
pub fn roomy(quality: Quality, rate: f64, channels: usize, block: usize) -> SessionConfig {
    let mut config = config(quality, rate, channels, block);
    config.buffering = Buffering::Ring { blocks: 16 };
    config.async_samples = config.buffering.async_samples(block, config.spec.h);
    config.sync.fence_timeout_ms = 10.0;
    config
}

/// Sound with tones, noise and an onset, different in each channel.
pub struct Sound {
    seed: u32,
    t: u64,
    rate: f64,
}

impl Sound {
    pub fn new(seed: u32, rate: f64) -> Self {
        Self { seed: seed.wrapping_mul(2_654_435_761) | 1, t: 0, rate }
    }

    pub fn fill(&mut self, out: &mut [Vec<f32>]) {
        let len = out[0].len();
        for i in 0..len {
            let t = (self.t + i as u64) as f64 / self.rate;
            self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (self.seed >> 8) as f32 / 8_388_608.0 - 1.0;
            let gate = if (t * 5.0).fract() < 0.5 { 1.0 } else { 0.2 };
            for (c, channel) in out.iter_mut().enumerate() {
                let f = 220.0 * (c as f64 + 1.5);
                let tone = (std::f64::consts::TAU * f * t).sin() as f32;
                channel[i] = gate * (0.5 * tone + 0.2 * noise);
            }
        }
        self.t += len as u64;
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub ready: u64,
    pub rescued: u64,
    pub worst: f32,
}

pub struct Player {
    pub config: SessionConfig,
    pub audio: AudioEnd,
    pub control: ControlEnd,
    pub settings: EffectSettings,
    pub tally: Tally,
    framer: Framer,
    twin: Twin,
    field: Option<Arc<Field>>,
    sound: Sound,
    block: Vec<Vec<f32>>,
    pushed: u64,
    read: u64,
    time: u64,
}

impl Player {
    pub fn new(engine: &Engine, config: SessionConfig, seed: u32) -> Self {
        let (audio, control) = engine.open(config).expect("opens");
        let late = (config.async_samples + config.max_block) / config.spec.h + 2;
        Self {
            framer: Framer::new(config.spec, config.sample_rate),
            twin: Twin::new(config.spec, config.sample_rate, config.channels, late),
            field: None,
            sound: Sound::new(seed, config.sample_rate),
            block: vec![vec![0.0; config.max_block]; config.channels],
            settings: EffectSettings::default(),
            tally: Tally::default(),
            pushed: 0,
            read: 0,
            time: 0,
            config,
            audio,
            control,
        }
    }

    pub fn block_time(&self) -> Duration {
        Duration::from_secs_f64(self.config.max_block as f64 / self.config.sample_rate)
    }

    /// Hops pushed so far.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Paints, from the next hop on.
    pub fn paint(&mut self, canvas: &Canvas) {
        let spec = FieldSpec::new(self.config.sample_rate);
        let field = Arc::new(Field::rasterise(canvas, spec));
        let slot = self.framer.switch_field(8).expect("the first switch is free");
        self.twin.set_field(slot, Arc::clone(&field));
        self.audio.set_field(slot, Arc::clone(&field)).expect("the worker keeps up");
        self.field = Some(field);
    }

    /// A host block whose sound nobody reads, as when the plugin is bypassed.
    pub fn block_unread(&mut self) {
        self.time += self.config.max_block as u64;
        while self.is_due() {
            self.read += 1;
        }
        self.push();
    }

    /// Whether the next hop is to be heard in this block.
    fn is_due(&self) -> bool {
        let from = self.read * self.config.spec.h as u64 + self.config.async_samples as u64;
        from < self.time && self.read < self.pushed
    }

    /// One host block: reads what is due, then pushes what has come in. With `patience`, waits for
    /// what is due, as no host does; without, a hop that is not there is rescued.
    pub fn block(&mut self, patience: Option<Duration>) {
        self.time += self.config.max_block as u64;
        while self.is_due() {
            self.read_due(patience);
        }
        self.push();
    }

    fn push(&mut self) {
        let h = self.config.spec.h;
        self.sound.fill(&mut self.block);
        let playhead = Playhead { field: self.field.as_deref(), ..Playhead::default() };
        let params: Vec<_> = (0..self.config.max_block / h)
            .map(|_| self.framer.next(&self.settings, playhead))
            .collect();
        for (i, params) in params.iter().enumerate() {
            let input: Vec<&[f32]> = self.block.iter().map(|c| &c[i * h..][..h]).collect();
            self.twin.push(self.pushed, &input, params);
            self.audio.push_hop(self.pushed, &input, params).expect("the worker keeps up");
            self.pushed += 1;
        }
        self.audio.end_block();
    }

    fn read_due(&mut self, patience: Option<Duration>) {
        let (channels, h) = (self.config.channels, self.config.spec.h);
        let (mut got, mut wanted) = (vec![vec![0.0; h]; channels], vec![vec![0.0; h]; channels]);
        let n = self.read;
        let mut slices: Vec<&mut [f32]> = wanted.iter_mut().map(Vec::as_mut_slice).collect();
        self.twin.process_hop(n, &mut slices).expect("the twin has every hop");
        let start = Instant::now();
        let mut slices: Vec<&mut [f32]> = got.iter_mut().map(Vec::as_mut_slice).collect();
        // Asking gives the hop up, so look before asking.
        let status = loop {
            let waits = patience.is_some_and(|p| start.elapsed() < p);
            if waits && !self.audio.is_ready(n) {
                std::thread::sleep(Duration::from_micros(50));
                continue;
            }
            break self.audio.read_hop(n, &mut slices);
        };
        self.read += 1;
        if status == HopStatus::NotReady {
            self.tally.rescued += 1;
            if patience.is_some() {
                eprintln!(
                    "hop {n} of {:?} after {:?}: {:?}",
                    self.config.spec.quality,
                    start.elapsed(),
                    self.control.state()
                );
            }
            return;
        }
        self.tally.ready += 1;
        for (got, wanted) in got.iter().zip(&wanted) {
            for (&a, &b) in got.iter().zip(wanted) {
                assert!(a.is_finite(), "hop {n} holds {a}");
                self.tally.worst = self.tally.worst.max((a - b).abs());
            }
        }
        assert!(self.tally.worst <= TOLERANCE, "hop {n}: {} off", self.tally.worst); // S14
    }

    /// Plays until the device serves the session, at most `limit`.
    pub fn play_until_served(&mut self, limit: Duration) {
        let start = Instant::now();
        while self.audio.kind() != EngineKind::Gpu {
            assert!(start.elapsed() < limit, "still not served: {:?}", self.control.state());
            self.block(Some(Duration::from_secs(5)));
            // About real time: a device cannot catch up with a host that runs away from it.
            std::thread::sleep(self.block_time());
        }
    }
}

/// Settings that put every effect to work.
pub fn everything() -> EffectSettings {
    EffectSettings {
        blur_time_ms: 60.0,
        blur_freq_oct: 0.1,
        diffuse: 0.4,
        shift_hz: 137.0,
        stretch: 1.1,
        low_cut_hz: 80.0,
        high_cut_hz: 9_000.0,
        mod_low_hz: 0.5,
        mod_high_hz: 12.0,
        ..EffectSettings::default()
    }
}
