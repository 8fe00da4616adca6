//! Where frames are numbered: smooths settings, accumulates phases, ages what is frozen.
//!
//! The only state of the whole sound (DESIGN 1). One per instance, owned by the audio thread;
//! [`Framer::next`] neither allocates nor waits.

use crate::field::{Field, Lane};
use crate::frame::{FrameParams, flag};
use crate::math::{fraction, turns_u32};
use crate::quality::WindowSpec;
use crate::settings::{EffectSettings, HIGH_CUT_OFF_HZ, MOD_HIGH_OFF_HZ};

/// Where the transport stands at the end of a hop, and what is painted there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Playhead<'a> {
    /// Position in the loop, 0..1; anything else is wrapped.
    pub position: f64,
    /// How long the loop takes at the tempo of this moment; a painted warp runs at this speed.
    pub loop_seconds: f64,
    /// The field in force; none is an empty canvas.
    pub field: Option<&'a Field>,
}

/// Settings glide to their targets with this time constant.
const GLIDE_SECONDS: f64 = 0.02;
/// Crossfades to and from the frozen and the warped sound take this long.
const FADE_SECONDS: f64 = 0.03;
/// A tempo that is off by less than one in so many is the same: hosts that follow a clock from outside
/// waver, and a painted warp's phase at a column is a time times all the turns before.
const SAME_TEMPO: u32 = 1000;
/// -3 dB of a Gaussian low-pass is at this over its sigma: sqrt(ln 2) / (2 pi).
pub const GAUSSIAN_CORNER: f32 = 0.132_51;

/// A value on its way to its target; arrives in finite time, so that neutral is neutral.
#[derive(Clone, Copy, Debug, Default)]
struct Glide {
    value: f64,
}

impl Glide {
    fn step(&mut self, target: f64, rate: f64, arrive: f64) -> f64 {
        self.value += rate * (target - self.value);
        if (target - self.value).abs() <= arrive {
            self.value = target;
        }
        self.value
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    Free,
    /// Holds, or fades in.
    Held,
    /// Fades out; a new capture waits for its end.
    Releasing,
}

#[derive(Clone, Copy, Debug, Default)]
struct Glides {
    blur_time: Glide,
    blur_freq: Glide,
    diffuse: Glide,
    shift: Glide,
    stretch: Glide,
    pivot: Glide,
    low_cut: Glide,
    high_cut: Glide,
    mod_low: Glide,
    mod_smooth: Glide,
    paint: Glide,
}

#[derive(Clone, Debug)]
pub struct Framer {
    spec: WindowSpec,
    sample_rate: f64,
    next: u64,
    fresh: bool,
    glides: Glides,
    /// What was asked for when all glides had arrived, and what they then made of it.
    settled: Option<(EffectSettings, FrameParams)>,
    warp_mix: f64,
    /// Running phases of the warp, turns.
    warp_phase: f64,
    warp_phase_per_band: f64,
    hold: Hold,
    /// Hops of silence, up to a window of them, and hops until a window has passed since it ended.
    silent_hops: u32,
    quiet_hops: u32,
    freeze: f64,
    freeze_paint: f64,
    freeze_slot: u32,
    freeze_frame: u64,
    column: u32,
    ticks_per_column: u32,
    /// Time in the column beyond what the playhead's way through it accounts for, ticks.
    slack: f64,
    last_position: f64,
    field_slot: u32,
    field_since: u64,
}

impl Framer {
    pub fn new(spec: WindowSpec, sample_rate: f64) -> Self {
        Self {
            spec,
            sample_rate,
            next: 0,
            fresh: true,
            glides: Glides::default(),
            settled: None,
            warp_mix: 0.0,
            warp_phase: 0.0,
            warp_phase_per_band: 0.0,
            hold: Hold::Free,
            silent_hops: 0,
            quiet_hops: 0,
            freeze: 0.0,
            freeze_paint: 0.0,
            freeze_slot: 0,
            freeze_frame: 0,
            column: 0,
            ticks_per_column: 0,
            slack: 0.0,
            last_position: 0.0,
            field_slot: 0,
            field_since: 0,
        }
    }

    /// As after `new`: numbers start at 0, the next settings apply at once.
    pub fn reset(&mut self) {
        *self = Self::new(self.spec, self.sample_rate);
    }

    /// The number that the next frame will get.
    pub fn next_frame(&self) -> u64 {
        self.next
    }

    /// Asks to put a new field in force from the next frame on. The slot to load it into, in every
    /// engine, before that frame is pushed; or none while frames of the last `in_flight_hops` may
    /// still need the field that the slot holds: ask again at a later block.
    pub fn switch_field(&mut self, in_flight_hops: u64) -> Option<u32> {
        let settled = self.spec.overlap() as u64 + in_flight_hops;
        if self.field_since != 0 && self.next < self.field_since + settled {
            return None;
        }
        self.field_slot ^= 1;
        self.field_since = self.next.max(1);
        Some(self.field_slot)
    }

    /// Says that it was silent up to the next frame. In silence there is nothing to hold, so a hold waits
    /// until a window has passed since the first sound; who never says so holds at once.
    pub fn begin_in_silence(&mut self) {
        self.silent_hops = self.window_hops();
        self.quiet_hops = self.silent_hops;
    }

    /// Says whether there is any sound in the hop of the next frame. Gaps shorter than a window are part
    /// of a sound.
    pub fn hear(&mut self, sounds: bool) {
        let window = self.window_hops();
        self.silent_hops = if sounds { 0 } else { (self.silent_hops + 1).min(window) };
        let silence = self.silent_hops == window;
        self.quiet_hops = if silence { window } else { self.quiet_hops.saturating_sub(1) };
    }

    fn window_hops(&self) -> u32 {
        self.spec.n.div_ceil(self.spec.h) as u32
    }

    /// Whether a moment is held, or fades out.
    pub fn holds(&self) -> bool {
        self.hold != Hold::Free
    }

    /// The parameters of the next frame.
    pub fn next(&mut self, settings: &EffectSettings, playhead: Playhead) -> FrameParams {
        let n = self.next;
        let mut params = FrameParams::neutral(n);
        params.seed = settings.seed;
        self.glide(settings, &mut params);
        self.locate(playhead, &mut params);
        self.warp(&mut params);
        self.hold(n, settings, &mut params);
        self.noise(n, &mut params);
        self.next += 1;
        self.fresh = false;
        params
    }

    fn hop_seconds(&self) -> f64 {
        self.spec.h as f64 / self.sample_rate
    }

    fn glide(&mut self, asked: &EffectSettings, params: &mut FrameParams) {
        if let Some((settings, settled)) = &self.settled
            && settings == asked
        {
            let FrameParams { frame_lo, frame_hi, .. } = *params;
            *params = FrameParams { frame_lo, frame_hi, ..*settled };
            return;
        }
        let settings = asked.sanitised();
        let seconds = self.hop_seconds();
        let rate = if self.fresh { 1.0 } else { 1.0 - (-seconds / GLIDE_SECONDS).exp() };
        let per_bin = self.sample_rate / self.spec.n as f64;
        let stride = seconds * self.spec.stride_hops() as f64;
        let g = &mut self.glides;
        let mut moving = false;
        let mut step = |glide: &mut Glide, target: f64, arrive: f64| {
            let value = glide.step(target, rate, arrive);
            moving |= value != target;
            value
        };

        let blur = f64::from(settings.blur_time_ms) / 1000.0 / stride;
        params.blur_time = step(&mut g.blur_time, blur, 1e-3) as f32;
        params.blur_freq = step(&mut g.blur_freq, f64::from(settings.blur_freq_oct), 1e-4) as f32;
        params.diffuse = step(&mut g.diffuse, f64::from(settings.diffuse), 1e-4) as f32;
        params.mod_low = step(&mut g.mod_low, f64::from(settings.mod_low_hz) * stride, 1e-5) as f32;
        let smooth = if settings.mod_high_hz >= MOD_HIGH_OFF_HZ {
            0.0
        } else {
            f64::from(GAUSSIAN_CORNER / settings.mod_high_hz) / stride
        };
        params.mod_smooth = step(&mut g.mod_smooth, smooth, 1e-3) as f32;

        // Corners glide in octaves above a floor, so that off is a number like any other.
        let low = (1.0 + f64::from(settings.low_cut_hz) / 20.0).ln();
        let low = step(&mut g.low_cut, low, 1e-4).exp() - 1.0;
        params.low_cut = (20.0 * low / per_bin) as f32;
        let off = f64::from(HIGH_CUT_OFF_HZ);
        let inverse = if settings.high_cut_hz >= HIGH_CUT_OFF_HZ {
            0.0
        } else {
            1.0 / f64::from(settings.high_cut_hz)
        };
        let high = step(&mut g.high_cut, (1.0 + off * inverse).ln(), 1e-4).exp() - 1.0;
        params.high_cut_inverse = (high / off * per_bin) as f32;

        params.shift = (step(&mut g.shift, f64::from(settings.shift_hz), 1e-3) / per_bin) as f32;
        let stretch = step(&mut g.stretch, f64::from(settings.stretch) - 1.0, 1e-6);
        params.stretch = stretch as f32;
        params.pivot = (step(&mut g.pivot, f64::from(settings.pivot_hz), 1e-3) / per_bin) as f32;
        params.paint = step(&mut g.paint, f64::from(settings.paint), 1e-4) as f32;

        let on = |yes: bool, flag: u32| if yes { flag } else { 0 };
        params.flags = on(
            params.blur_time > 0.0 || params.mod_smooth > 0.0 || params.mod_low > 0.0,
            flag::TIME,
        ) | on(params.blur_freq > 0.0, flag::BLUR_FREQ)
            | on(params.diffuse > 0.0, flag::DIFFUSE)
            | on(params.low_cut > 0.0 || params.high_cut_inverse > 0.0, flag::FILTER);
        self.settled = (!moving).then_some((*asked, *params));
    }

    /// The crossfade to the warped sound and its running phases.
    fn warp(&mut self, params: &mut FrameParams) {
        let moved = params.shift != 0.0 || params.stretch != 0.0;
        let step = self.hop_seconds() / FADE_SECONDS;
        let target = if moved { 1.0 } else { 0.0 };
        self.warp_mix = if self.fresh {
            target
        } else {
            self.warp_mix + (target - self.warp_mix).clamp(-step, step)
        };
        if self.warp_mix <= 0.0 {
            // At rest phases start anew: the next warp then fades in without cancelling.
            (self.warp_phase, self.warp_phase_per_band) = (0.0, 0.0);
            return;
        }
        let turns_per_bin = self.spec.h as f64 / self.spec.n as f64;
        let (shift, stretch) = (f64::from(params.shift), f64::from(params.stretch));
        self.warp_phase += (shift - stretch * f64::from(params.pivot)) * turns_per_bin;
        self.warp_phase_per_band += stretch * turns_per_bin;
        self.warp_phase = fraction(self.warp_phase);
        self.warp_phase_per_band = fraction(self.warp_phase_per_band);
        params.warp_mix = self.warp_mix as f32;
        params.warp_phase = turns_u32(self.warp_phase);
        params.warp_phase_per_band = turns_u32(self.warp_phase_per_band);
        params.flags |= flag::WARP;
    }

    fn locate(&mut self, playhead: Playhead, params: &mut FrameParams) {
        params.field_slot = self.field_slot;
        let position = fraction(playhead.position);
        let Some(field) = playhead.field else {
            self.last_position = position;
            return;
        };
        let spec = field.spec();
        let at = position * spec.columns as f64;
        let column = (at as u32).min(spec.columns as u32 - 1);
        let part = (at - f64::from(column)).clamp(0.0, 1.0);
        let ticks = spec.ticks_per_column(playhead.loop_seconds);
        if self.fresh || ticks.abs_diff(self.ticks_per_column) > self.ticks_per_column / SAME_TEMPO
        {
            self.ticks_per_column = ticks;
        }
        params.ticks_per_column = self.ticks_per_column;
        let ticks_per_column = f64::from(params.ticks_per_column);
        if column == self.column && !self.fresh {
            // A playhead that stands, or walks at another speed than the tempo says, must not stop a
            // painted warp from turning.
            let walked = (position - self.last_position) * spec.columns as f64 * ticks_per_column;
            self.slack += self.spec.h as f64 * 256.0 - walked;
        } else {
            self.slack = 0.0;
        }
        self.column = column;
        self.last_position = position;
        params.column = column;
        params.column_fraction = part as f32;
        let ticks = part * ticks_per_column + self.slack;
        // The nearest whole number; its low word, since phases wrap.
        params.column_ticks = (ticks + 0.5f64.copysign(ticks)) as i64 as u32;
        if params.paint > 0.0 {
            params.field_lanes = field.lanes_at(column as usize);
        }
    }

    fn hold(&mut self, n: u64, settings: &EffectSettings, params: &mut FrameParams) {
        let painted = params.field_lanes & Lane::Freeze.bit() != 0;
        let wanted = settings.freeze || painted;
        let step = self.hop_seconds() / FADE_SECONDS;
        let fade = |value: f64, on: bool| (value + if on { step } else { -step }).clamp(0.0, 1.0);
        if self.hold == Hold::Free && wanted && self.quiet_hops == 0 {
            self.hold = Hold::Held;
            self.freeze_slot ^= 1;
            self.freeze_frame = n;
        }
        if self.hold == Hold::Held && !wanted {
            self.hold = Hold::Releasing;
        }
        let held = self.hold == Hold::Held;
        self.freeze = fade(self.freeze, held && settings.freeze);
        self.freeze_paint = fade(self.freeze_paint, held && painted);
        if self.hold == Hold::Releasing && self.freeze <= 0.0 && self.freeze_paint <= 0.0 {
            self.hold = Hold::Free;
        }
        if self.hold != Hold::Free {
            params.flags |= flag::FREEZE;
            params.freeze = self.freeze as f32;
            params.freeze_paint = self.freeze_paint as f32;
            params.freeze_slot = self.freeze_slot;
            params.freeze_frame = self.freeze_frame as u32;
            params.freeze_age = (n - self.freeze_frame) as u32;
        }
    }

    /// Clocks of everything random: functions of the number alone.
    fn noise(&self, n: u64, params: &mut FrameParams) {
        let hops_per_cell = (self.spec.n / 2 / self.spec.h).max(1) as u64;
        params.noise_cell = (n / hops_per_cell) as u32;
        params.noise_fraction = (n % hops_per_cell) as f32 / hops_per_cell as f32;
        let per_hop = ((self.spec.h as u64) << 32) / self.spec.n as u64;
        params.bin_phase = n.wrapping_mul(per_hop) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::Quality;

    // S12: what is remembered must not be heard.
    #[test]
    fn a_settled_framer_says_what_it_would_have_worked_out() {
        let spec = WindowSpec::new(Quality::Live, 48_000.0);
        let (mut lazy, mut diligent) = (Framer::new(spec, 48_000.0), Framer::new(spec, 48_000.0));
        let mut settings = EffectSettings::default();
        let mut remembered = 0;
        for frame in 0..6000 {
            match frame % 1500 {
                100 => settings.blur_time_ms = frame as f32 / 20.0,
                110 => (settings.stretch, settings.low_cut_hz) = (1.2, 80.0),
                600 => settings = EffectSettings { freeze: true, ..settings },
                900 => settings.pivot_hz = f32::NAN,
                1200 => settings = EffectSettings { seed: frame, ..EffectSettings::default() },
                _ => {}
            }
            remembered += u32::from(lazy.settled.is_some_and(|(asked, _)| asked == settings));
            diligent.settled = None;
            let playhead = Playhead { position: f64::from(frame) / 7000.0, ..Playhead::default() };
            assert_eq!(
                lazy.next(&settings, playhead),
                diligent.next(&settings, playhead),
                "{frame}"
            );
        }
        assert!((2000..5500).contains(&remembered), "{remembered}");
    }
}
