//! The audio thread's end of a plugin: blocks in, blocks out.

use std::sync::Arc;

use clack_extensions::tail::PluginTail;
pub use clack_extensions::tail::TailLength;
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};

use super::handlers::Handlers;
use super::{HostError, Notes, refused};
use crate::signal::Rng;

/// A parameter change at a sample of the coming block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParamEvent {
    pub time: u32,
    pub id: ClapId,
    pub value: f64,
}

impl ParamEvent {
    pub(super) fn to_clap(self) -> ParamValueEvent {
        ParamValueEvent::new(self.time, self.id, Pckn::match_all(), self.value)
    }
}

/// The host's clock at the first sample of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transport {
    pub playing: bool,
    pub beats: f64,
    pub seconds: f64,
    pub tempo_bpm: f64,
    /// Loop start and end in beats.
    pub cycle: Option<(f64, f64)>,
}

impl Transport {
    /// Plays at 120 bpm, `seconds` after the beginning.
    pub fn at_120_bpm(seconds: f64) -> Self {
        Self::in_a_ramp(120.0, 0.0, seconds)
    }

    /// Plays `seconds` after the beginning, with a tempo that rises by so much a second.
    pub fn in_a_ramp(from_bpm: f64, rise_bpm: f64, seconds: f64) -> Self {
        let beats = (from_bpm + rise_bpm * seconds / 2.0) * seconds / 60.0;
        let tempo_bpm = from_bpm + rise_bpm * seconds;
        Self { playing: true, beats, seconds, tempo_bpm, cycle: None }
    }

    fn to_clap(self) -> TransportEvent {
        let mut flags = TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE;
        flags.set(TransportFlags::IS_PLAYING, self.playing);
        flags.set(TransportFlags::IS_LOOP_ACTIVE, self.cycle.is_some());
        let (start, end) = self.cycle.unwrap_or((0.0, 0.0));
        let beat_seconds = 60.0 / self.tempo_bpm;
        let bar = (self.beats / 4.0).floor();
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags,
            song_pos_beats: BeatTime::from_float(self.beats),
            song_pos_seconds: SecondsTime::from_float(self.seconds),
            tempo: self.tempo_bpm,
            tempo_inc: 0.0,
            loop_start_beats: BeatTime::from_float(start),
            loop_end_beats: BeatTime::from_float(end),
            loop_start_seconds: SecondsTime::from_float(start * beat_seconds),
            loop_end_seconds: SecondsTime::from_float(end * beat_seconds),
            bar_start: BeatTime::from_float(bar * 4.0),
            bar_number: bar as i32,
            time_signature_numerator: 4,
            time_signature_denominator: 4,
        }
    }
}

/// The lengths of the blocks that a host asks for, one after the other, without end.
#[derive(Debug, Clone)]
pub enum Blocks {
    Fixed(usize),
    /// Any length from 1 to the maximum, short ones as likely as long ones.
    Random(Rng, usize),
}

impl Blocks {
    pub fn random(seed: u64, max: usize) -> Self {
        Self::Random(Rng::new(seed), max)
    }

    /// The longest block there can be.
    pub fn max(&self) -> usize {
        match self {
            Self::Fixed(n) | Self::Random(_, n) => *n,
        }
    }

    pub fn next_len(&mut self) -> usize {
        match self {
            Self::Fixed(n) => *n,
            Self::Random(rng, max) => {
                let octaves = (*max as f64).log2();
                (rng.unit() * octaves).exp2().round().clamp(1.0, *max as f64) as usize
            }
        }
    }
}

/// An active plugin's audio end.
pub struct Processor {
    audio: PluginAudioProcessor<Handlers>,
    notes: Arc<Notes>,
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    input_ports: AudioPorts,
    output_ports: AudioPorts,
    events: EventBuffer,
    steady_time: u64,
}

impl Processor {
    pub(super) fn new(
        audio: PluginAudioProcessor<Handlers>,
        notes: Arc<Notes>,
        channels: usize,
        max_block: usize,
    ) -> Self {
        Self {
            audio,
            notes,
            input: vec![vec![0.0; max_block]; channels],
            output: vec![vec![0.0; max_block]; channels],
            input_ports: AudioPorts::with_capacity(channels, 1),
            output_ports: AudioPorts::with_capacity(channels, 1),
            events: EventBuffer::new(),
            steady_time: 0,
        }
    }

    pub fn channels(&self) -> usize {
        self.input.len()
    }

    pub fn max_block(&self) -> usize {
        self.input[0].len()
    }

    /// What the plugin has asked of the host so far.
    pub fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    pub(super) fn into_stopped(self) -> StoppedPluginAudioProcessor<Handlers> {
        self.audio.into_stopped()
    }

    /// Tells the plugin that the sound so far is to be forgotten.
    pub fn reset(&mut self) {
        self.audio.reset();
    }

    /// Stops processing; the next block starts it again. Hosts do so with silent tracks.
    pub fn stop(&mut self) {
        self.audio.ensure_processing_stopped();
    }

    /// Length of the tail that the plugin reports.
    pub fn tail(&mut self) -> Result<TailLength, HostError> {
        let handle = self.audio.plugin_handle();
        let tail: PluginTail = handle.get_extension().ok_or(HostError::NoExtension("tail"))?;
        Ok(tail.get(&handle))
    }

    /// One block. Both sides have the layout's channels, all of one length.
    pub fn process(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        events: &[ParamEvent],
        transport: Option<&Transport>,
    ) -> Result<ProcessStatus, HostError> {
        let n = input[0].len();
        for (own, given) in self.input.iter_mut().zip(input) {
            own[..n].copy_from_slice(given);
        }
        for own in &mut self.output {
            // What the plugin does not write stays visible.
            own[..n].fill(f32::NAN);
        }
        self.events.clear();
        for event in events {
            self.events.push(&event.to_clap());
        }
        let transport = transport.map(|t| t.to_clap());
        let started =
            self.audio.ensure_processing_started().map_err(refused("start processing"))?;
        let inputs = self.input_ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                self.input.iter_mut().map(|c| InputChannel::variable(&mut c[..n])),
            ),
        }]);
        let mut outputs = self.output_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                self.output.iter_mut().map(|c| &mut c[..n]),
            ),
        }]);
        let status = started
            .process(
                &inputs,
                &mut outputs,
                &self.events.as_input(),
                &mut OutputEvents::void(),
                Some(self.steady_time),
                transport.as_ref(),
            )
            .map_err(refused("process"))?;
        self.steady_time += n as u64;
        for (given, own) in output.iter_mut().zip(&self.output) {
            given.copy_from_slice(&own[..n]);
        }
        Ok(status)
    }

    /// A whole signal, cut into blocks. `before` is asked for the parameter changes and the
    /// transport of each block, given its first sample and its length.
    pub fn render_with(
        &mut self,
        input: &[Vec<f32>],
        blocks: &mut Blocks,
        mut before: impl FnMut(usize, usize) -> (Vec<ParamEvent>, Option<Transport>),
    ) -> Result<Vec<Vec<f32>>, HostError> {
        let len = input[0].len();
        let mut output = vec![vec![0.0; len]; input.len()];
        let mut at = 0;
        while at < len {
            let n = blocks.next_len().min(len - at);
            let (events, transport) = before(at, n);
            let ins: Vec<&[f32]> = input.iter().map(|c| &c[at..at + n]).collect();
            let mut outs: Vec<&mut [f32]> = output.iter_mut().map(|c| &mut c[at..at + n]).collect();
            self.process(&ins, &mut outs, &events, transport.as_ref())?;
            at += n;
        }
        Ok(output)
    }

    /// A whole signal, cut into blocks, with nothing changing.
    pub fn render(
        &mut self,
        input: &[Vec<f32>],
        blocks: &mut Blocks,
    ) -> Result<Vec<Vec<f32>>, HostError> {
        self.render_with(input, blocks, |_, _| (Vec::new(), None))
    }
}
