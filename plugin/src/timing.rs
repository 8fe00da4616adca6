//! Window, async window and so the reported latency (DESIGN 2).
//!
//! All of it is decided once, in `activate()`, and holds until the next activation: a host hears
//! of a latency nowhere else.

use nice_plug::prelude::{BufferConfig, ProcessMode};
use scumble_dsp::{Quality, WindowSpec};
use scumble_gpu::sync::Buffering;
use scumble_params::{self as params, EngineChoice, ScumbleParams};

use crate::audio::{Plan, Rule};

/// The choices that only an activation can put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    pub quality: params::Quality,
    pub engine: EngineChoice,
    pub buffering: params::Buffering,
}

impl Choices {
    pub fn of(params: &ScumbleParams) -> Self {
        Self {
            quality: params.quality.value(),
            engine: params.engine.value(),
            buffering: params.buffering.value(),
        }
    }
}

/// The quality as `dsp` names it.
pub fn quality(quality: params::Quality) -> Quality {
    match quality {
        params::Quality::Live => Quality::Live,
        params::Quality::Balanced => Quality::Balanced,
        params::Quality::Studio => Quality::Studio,
        params::Quality::Ultra => Quality::Ultra,
    }
}

/// The data path as the synchronisation core names it.
pub fn buffering(params: &ScumbleParams) -> Buffering {
    match params.buffering.value() {
        params::Buffering::Double => Buffering::Double,
        params::Buffering::Triple => Buffering::Triple,
        params::Buffering::Ring => {
            Buffering::Ring { blocks: params.document.get().settings.ring_depth as usize }
        }
    }
}

/// The audio thread's plan for one activation.
pub fn plan(params: &ScumbleParams, config: &BufferConfig, channels: usize) -> Plan {
    let choices = Choices::of(params);
    let spec = WindowSpec::new(quality(choices.quality), config.sample_rate.into());
    let block = config.max_buffer_size.max(1) as usize;
    let async_samples = match (choices.engine, params.document.get().settings.async_samples) {
        // Inline, a hop is computed in the block that completes it. Less than a hop would do only
        // where every block is of whole hops, and the last block of any bounce is not.
        (EngineChoice::Cpu, _) => spec.h,
        (_, Some(samples)) => (samples as usize).next_multiple_of(spec.h).max(spec.h),
        (_, None) => buffering(params).async_samples(block, spec.h),
    };
    let offline = config.process_mode == ProcessMode::Offline;
    let rule = match choices.engine {
        EngineChoice::Cpu => Rule::Twin,
        EngineChoice::Gpu => Rule::Engaged,
        EngineChoice::Auto if offline => Rule::Twin,
        EngineChoice::Auto => Rule::Paced,
    };
    Plan { spec, sample_rate: config.sample_rate, channels, async_samples, max_block: block, rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::prelude::Param;

    fn latency(rate: f32, block: u32) -> usize {
        let config = BufferConfig {
            sample_rate: rate,
            min_buffer_size: None,
            max_buffer_size: block,
            process_mode: ProcessMode::Realtime,
        };
        plan(&ScumbleParams::default(), &config, 2).latency_samples()
    }

    #[test]
    fn live_latency_is_what_the_design_says() {
        assert_eq!(latency(48_000.0, 128), 320);
        assert_eq!(latency(48_000.0, 256), 448);
        assert_eq!(latency(44_100.0, 64), 256);
        assert_eq!(latency(96_000.0, 256), 640);
        assert_eq!(latency(192_000.0, 512), 1280);
    }

    #[test]
    fn inline_costs_a_hop_whatever_the_block() {
        let params = ScumbleParams::default();
        // SAFETY: the parameter is alive, and nobody else uses it.
        unsafe { params.engine.as_ptr()._internal_set_normalized_value(1.0) };
        for block in [1, 128, 4096] {
            let config = BufferConfig {
                sample_rate: 48_000.0,
                min_buffer_size: Some(block),
                max_buffer_size: block,
                process_mode: ProcessMode::Realtime,
            };
            assert_eq!(plan(&params, &config, 2).latency_samples(), 256);
        }
    }
}
