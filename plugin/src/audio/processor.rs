//! The audio thread's whole work for one instance: number the hops, hand them to the engine, take
//! what came back or compute it here, and mix (S12, X2).
//!
//! Everything is made in [`Processor::new`] (host's main thread). [`Processor::process`] runs on
//! the audio thread and neither allocates, locks, waits nor logs, in any branch (S13).

use std::sync::Arc;
use std::time::{Duration, Instant};

use nice_plug::prelude::Transport;
use scumble_dsp::denormals::FlushDenormals;
use scumble_dsp::math::fraction;
use scumble_dsp::mix::{Blend, BlendSettings};
use scumble_dsp::{EffectSettings, Field, Framer, Playhead, Twin, WindowSpec, effect};
use scumble_gpu::sync::{Counter, MetricsWriter, Stage};
use scumble_params::{CanvasSync, OnMiss};

use super::clock::{CanvasClock, Place};
use super::input::InputRing;
use super::link::Link;
use super::pacing::Pacing;
use super::rescue::{RescueBudget, RescueCost};
use super::seam::{Seam, Source};
use super::shared::{AudioPort, Report};
use super::tap::{Tap, stretch_samples};

/// Who is allowed to compute, decided by the user and the host at activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The twin alone: the host renders offline, or the user chose the CPU.
    Twin,
    /// The GPU once the host has kept real time for a while (X3).
    Paced,
    /// The GPU from the first block on, whatever the pace.
    Engaged,
}

/// What holds from one activation to the next.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub spec: WindowSpec,
    pub sample_rate: f32,
    pub channels: usize,
    /// A of DESIGN 2.
    pub async_samples: usize,
    pub max_block: usize,
    pub rule: Rule,
}

impl Plan {
    pub fn latency_samples(&self) -> usize {
        self.spec.latency(self.async_samples)
    }

    /// How many hops may have been pushed after the one that is due.
    pub fn late_hops(&self) -> usize {
        self.async_samples / self.spec.h + 2
    }

    /// For how long the output may sound on after the input.
    pub fn tail_samples(&self) -> usize {
        self.latency_samples() + self.spec.reach_samples()
    }
}

/// What the parameters say at the start of a block.
#[derive(Debug, Clone, Copy)]
pub struct BlockSettings {
    pub effects: EffectSettings,
    pub mix: BlendSettings,
    pub on_miss: OnMiss,
    pub sync: CanvasSync,
    /// Beats or seconds.
    pub canvas_length: f64,
}

pub struct Processor {
    plan: Plan,
    framer: Framer,
    twin: Twin,
    link: Option<Link>,
    port: AudioPort,
    tap: Tap,
    /// For an instance without an engine.
    own_metrics: MetricsWriter,
    clock: CanvasClock,
    pacing: Pacing,
    seam: Seam,
    blend: Blend,
    rescue: RescueBudget,
    input: InputRing,
    /// The hop that is being heard, and the same dry.
    wet: Vec<Vec<f32>>,
    dry: Vec<Vec<f32>>,
    /// Stream time: samples since the last reset.
    time: u64,
    /// Hops pushed so far; the number of the next.
    pushed: u64,
    field_slot: u32,
    /// A field that waits until the slot is free.
    next_field: Option<Arc<Field>>,
    /// Consecutive samples of silence that came in while nothing was held.
    silent: usize,
    /// The hop that is being filled holds sound.
    sounded: bool,
    /// Which hops of the whole sound hold any, for one who plays a channel of it alone.
    whole_sound: Option<Arc<[bool]>>,
    counts: Counts,
    /// The engine, if there is one, is given what comes in.
    engaged: bool,
}

/// What happened in one block, by kind.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    rescues: u64,
    holds: u64,
    drys: u64,
}

impl Processor {
    pub fn new(
        plan: Plan,
        link: Option<Link>,
        port: AudioPort,
        tap: Tap,
        own_metrics: MetricsWriter,
    ) -> Self {
        let spec = plan.spec;
        let (channels, hop) = (plan.channels, spec.h);
        let rate = f64::from(plan.sample_rate);
        let mut twin = Twin::new(spec, rate, channels, plan.late_hops());
        let cost = RescueCost::measure(&mut twin, rate);
        let hops = || vec![vec![0.0; hop]; channels];
        let mut framer = Framer::new(spec, rate);
        framer.begin_in_silence();
        Self {
            framer,
            twin,
            link,
            port,
            tap,
            own_metrics,
            clock: CanvasClock::new(plan.sample_rate),
            pacing: Pacing::new(plan.sample_rate),
            seam: Seam::new(channels, hop),
            blend: Blend::new(plan.sample_rate),
            rescue: RescueBudget::new(cost, &plan),
            input: InputRing::new(channels, plan.latency_samples() + spec.m + 2 * hop),
            wet: hops(),
            dry: hops(),
            time: 0,
            pushed: 0,
            field_slot: 0,
            next_field: None,
            silent: 0,
            sounded: false,
            whole_sound: None,
            counts: Counts::default(),
            engaged: false,
            plan,
        }
    }

    /// Says what a rescue costs, instead of what was measured when this was made: for tests, where
    /// the time of the day must not decide which rung is taken. Not for the audio thread.
    pub fn assume_rescue_cost(&mut self, cost: RescueCost) {
        self.rescue = RescueBudget::new(cost, &self.plan);
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Puts a field in force before the first block. Main thread.
    pub fn begin_with(&mut self, field: Arc<Field>) {
        if let Some(link) = &mut self.link {
            link.set_field(0, field.clone());
        }
        self.twin.set_field(0, field);
    }

    /// Says which hops of the whole sound are not silent in all channels, when this processor plays one
    /// channel of it alone: what is frozen must be of the same moment in all. Main thread.
    pub fn play_one_channel_of(&mut self, hops_that_sound: Arc<[bool]>) {
        self.whole_sound = Some(hops_that_sound);
    }

    /// Whether a moment is held, which sounds for as long as it is.
    pub fn holds(&self) -> bool {
        self.framer.holds()
    }

    /// Forgets all sound. The audio thread may call it.
    pub fn reset(&mut self) {
        self.framer.reset();
        self.framer.begin_in_silence();
        self.twin.reset();
        if let Some(link) = &mut self.link {
            link.rewind();
        }
        self.clock.reset();
        self.pacing.reset();
        self.rescue.reset();
        self.seam.reset();
        self.blend.reset();
        self.input.reset();
        for hop in self.wet.iter_mut().chain(&mut self.dry) {
            hop.fill(0.0);
        }
        self.time = 0;
        self.pushed = 0;
        self.silent = 0;
        self.sounded = false;
        // The framer begins with slot 0 again.
        if self.field_slot == 1 {
            let field = self.twin.field(1).clone();
            self.replace_field(0, field);
            self.field_slot = 0;
        }
    }

    /// One block of the host's, in place. Returns true when in- and output are silent for good.
    #[cfg_attr(rtsan, sanitize(realtime = "nonblocking"))]
    pub fn process(
        &mut self,
        block: &mut [&mut [f32]],
        settings: &BlockSettings,
        transport: &Transport,
    ) -> bool {
        let begun = Instant::now();
        let _flush = FlushDenormals::new();
        let length = block.first().map_or(0, |channel| channel.len());
        let live = self.pacing.observe(begun, self.time, length);
        self.engaged = match self.plan.rule {
            Rule::Twin => false,
            Rule::Paced => live,
            Rule::Engaged => true,
        };
        if let Some(link) = &mut self.link
            && !self.engaged
        {
            link.pause();
        }
        self.clock.begin_block(self.time as i64, length, settings.sync, transport);
        self.blend.aim(&settings.mix);
        self.rescue.begin_block(length);
        self.counts = Counts::default();
        self.take_field();

        let hop = self.plan.spec.h;
        let mut at = 0;
        while at < length {
            let filled = (self.time % hop as u64) as usize;
            let heard = self.heard_position();
            let step = (length - at).min(hop - filled).min(hop - heard);
            self.take_input(block, at..at + step, filled, settings);
            self.time += step as u64;
            if heard == 0 {
                self.next_hop(step, settings);
            }
            let channels =
                block.iter_mut().zip(&self.wet).zip(&self.dry).map(|((out, wet), dry)| {
                    let out = &mut out[at..at + step];
                    out.copy_from_slice(&wet[heard..heard + step]);
                    (&dry[heard..heard + step], out)
                });
            self.blend.process(channels);
            self.show(block, at..at + step, heard, settings);
            at += step;
        }
        if let Some(link) = &mut self.link {
            link.end_block();
        }
        self.report(settings, transport, begun.elapsed());
        self.is_asleep()
    }

    /// Lets the editor see what was just heard, at the place of the loop where it was played.
    fn show(
        &mut self,
        block: &[&mut [f32]],
        range: std::ops::Range<usize>,
        heard: usize,
        settings: &BlockSettings,
    ) {
        let (clock, length) = (&self.clock, settings.canvas_length);
        let played = self.time as i64 - self.plan.latency_samples() as i64;
        let stretch = stretch_samples(self.plan.sample_rate) as i64;
        self.tap.take(&self.dry, heard, block, range, || {
            let now = clock.place(played, length).position;
            let before = clock.place(played - stretch, length).position;
            (now, fraction(now - before))
        });
    }

    /// Whether the engine has the hop that the next block will ask for first. Not for the audio
    /// thread, which never waits: for renders that go at the engine's own pace, hop by hop.
    pub fn is_supplied(&mut self) -> bool {
        let due =
            (self.time as i64 - self.plan.async_samples as i64).div_euclid(self.plan.spec.h as i64);
        match &mut self.link {
            Some(link) if due >= 0 => link.is_ready(due as u64),
            _ => true,
        }
    }

    /// Whether something newer than what was played waits to be taken, or nothing is due yet: one load,
    /// and nothing is taken. For benches, where the block itself must do all its work; in a steady
    /// session in `double` it is what [`Self::is_supplied`] says.
    pub fn is_signalled(&self) -> bool {
        let due = self.time >= self.plan.async_samples as u64;
        self.link.as_ref().is_none_or(|link| !due || link.is_signalled())
    }

    /// Where in the hop that is heard the next sample stands.
    fn heard_position(&self) -> usize {
        let hop = self.plan.spec.h as i64;
        (self.time as i64 - self.plan.async_samples as i64).rem_euclid(hop) as usize
    }

    fn take_input(
        &mut self,
        block: &[&mut [f32]],
        range: std::ops::Range<usize>,
        filled: usize,
        settings: &BlockSettings,
    ) {
        let length = range.len();
        let sounded = self.input.push(block, range);
        self.silent = if sounded { 0 } else { self.silent.saturating_add(length) };
        self.sounded |= sounded;
        if filled + length < self.plan.spec.h {
            return;
        }
        let hop = self.plan.spec.h;
        let n = self.pushed;
        // A frame is heard around the middle of its synthesis part.
        let centre = ((n + 1) * hop as u64) as i64 - (self.plan.spec.m / 2) as i64;
        let Place { position, loop_seconds } = self.clock.place(centre, settings.canvas_length);
        let field = Some(&**self.twin.field(self.field_slot));
        let sounded = std::mem::take(&mut self.sounded);
        self.framer.hear(match &self.whole_sound {
            Some(hops) => hops.get(n as usize).copied().unwrap_or(false),
            None => sounded,
        });
        let playhead = Playhead { position, loop_seconds, field };
        let params = self.framer.next(&settings.effects, playhead);
        if self.framer.holds() {
            // What is held sounds on, whatever comes in.
            self.silent = 0;
        }
        let mut inputs: [&[f32]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
        for (channel, input) in inputs.iter_mut().enumerate().take(self.plan.channels) {
            *input = self.input.hop(channel, n, hop);
        }
        let inputs = &inputs[..self.plan.channels];
        self.twin.push(n, inputs, &params);
        if self.rescue.warms(effect::taps_needed(&params) > 0) {
            self.twin.warm(n);
        }
        if let Some(link) = &mut self.link
            && self.engaged
        {
            link.push(n, inputs, &params);
        }
        self.pushed += 1;
    }

    /// Fetches the hop that is heard from now on: from the engine, or down the fallback ladder.
    fn next_hop(&mut self, step: usize, settings: &BlockSettings) {
        let (hop, spec) = (self.plan.spec.h as i64, self.plan.spec);
        // `time` has moved past the step that this hop begins.
        let begins = (self.time - step as u64) as i64;
        let n = (begins - self.plan.async_samples as i64).div_euclid(hop);
        for (channel, dry) in self.dry.iter_mut().enumerate() {
            self.input.copy(channel, (n + 1) * hop - spec.m as i64, dry);
        }
        if n < 0 {
            return;
        }
        let n = n as u64;
        let source = self.compute(n, settings);
        self.seam.join(source, &mut self.wet, &self.dry);
    }

    fn compute(&mut self, n: u64, settings: &BlockSettings) -> Source {
        debug_assert!(n < self.pushed, "the async window is at least a hop");
        if self.blend.is_dry() {
            // Nobody hears it; the history is kept, so that it is there at once when asked for. It is
            // taken all the same: halves go round, and the next is there when it is to be heard.
            if let Some(link) = &mut self.link
                && self.engaged
            {
                with_slices_mut(&mut self.wet, |wet| link.read(n, wet));
            }
            return Source::Dry;
        }
        let mut missed = false;
        if let Some(link) = &mut self.link
            && self.engaged
        {
            let ready = with_slices_mut(&mut self.wet, |wet| link.read(n, wet));
            let usable = link.covers(n);
            if ready && usable {
                return Source::Wet;
            }
            // While the CPU covers for an engine that warms up, nothing is missed.
            missed = usable && (link.on_gpu() || self.plan.rule == Rule::Engaged);
        }
        if missed {
            match settings.on_miss {
                OnMiss::Rescue if self.rescue.affords(n) => self.counts.rescues += 1,
                OnMiss::Rescue | OnMiss::Hold => {
                    self.counts.holds += 1;
                    return Source::Hold;
                }
                OnMiss::Dry => {
                    self.counts.drys += 1;
                    return Source::Dry;
                }
            }
        }
        let computed = with_slices_mut(&mut self.wet, |wet| self.twin.process_hop(n, wet));
        if computed.is_ok() { Source::Wet } else { Source::Dry }
    }

    /// Puts a field from the control thread in force, if there is one and the slot is free.
    fn take_field(&mut self) {
        if let Some(field) = self.port.take_field() {
            // A field that was overtaken before it was in force goes home unused.
            if let Some(overtaken) = self.next_field.replace(field) {
                self.port.send_home(overtaken);
            }
        }
        if self.next_field.is_none() || !self.port.has_room() {
            return;
        }
        if let Some(slot) = self.framer.switch_field(self.plan.late_hops() as u64)
            && let Some(field) = self.next_field.take()
        {
            self.replace_field(slot, field);
            self.field_slot = slot;
        }
    }

    fn replace_field(&mut self, slot: u32, field: Arc<Field>) {
        if let Some(link) = &mut self.link {
            link.set_field(slot, field.clone());
        }
        let old = self.twin.set_field(slot, field);
        self.port.send_home(old);
    }

    fn report(&mut self, settings: &BlockSettings, transport: &Transport, took: Duration) {
        let counts = self.counts;
        let metrics = match &mut self.link {
            Some(link) => link.metrics(),
            None => &mut self.own_metrics,
        };
        metrics.update(|update| {
            update.add(Counter::Blocks, 1);
            update.time(Stage::Callback, took);
            update.add(Counter::Rescues, counts.rescues);
            update.add(Counter::Holds, counts.holds);
            update.add(Counter::Drys, counts.drys);
        });
        self.port.report(Report {
            place: self.clock.place(self.time as i64, settings.canvas_length).position as f32,
            tempo: transport.tempo.unwrap_or(120.0) as f32,
            beats_per_bar: beats_per_bar(transport),
            playing: transport.playing,
            engaged: self.engaged && self.link.is_some(),
        });
    }

    /// Silent for good: nothing came in for as long as anything could sound on.
    fn is_asleep(&self) -> bool {
        self.silent > self.plan.tail_samples()
    }
}

/// Channels that a call passes at most.
const MAX_CHANNELS: usize = 2;

/// Slices of all channels without a heap.
fn with_slices_mut<R>(channels: &mut [Vec<f32>], f: impl FnOnce(&mut [&mut [f32]]) -> R) -> R {
    let count = channels.len();
    let mut slices: [&mut [f32]; MAX_CHANNELS] = Default::default();
    for (slice, channel) in slices.iter_mut().zip(channels) {
        *slice = channel;
    }
    f(&mut slices[..count])
}

/// In the host's beats, which are quarter notes; four where the host does not say.
fn beats_per_bar(transport: &Transport) -> f32 {
    match (transport.time_sig_numerator, transport.time_sig_denominator) {
        (Some(beats), Some(note)) if beats > 0 && note > 0 => 4.0 * beats as f32 / note as f32,
        _ => 4.0,
    }
}
