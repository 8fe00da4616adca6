// A frame's parameters and paint as the effect kernels read them: `FrameParams`, `effect::lanes`,
// `effect::noise`, `effect::phasor` and `effect::filter` of `scumble_dsp`.

struct FrameParams {
    frame_lo: u32,
    frame_hi: u32,
    flags: u32,
    field_lanes: u32,
    blur_time: f32,
    mod_smooth: f32,
    mod_low: f32,
    blur_freq: f32,
    diffuse: f32,
    noise_cell: u32,
    noise_fraction: f32,
    seed: u32,
    shift: f32,
    stretch: f32,
    pivot: f32,
    warp_mix: f32,
    warp_phase: u32,
    warp_phase_per_band: u32,
    bin_phase: u32,
    low_cut: f32,
    high_cut_inverse: f32,
    freeze: f32,
    freeze_paint: f32,
    freeze_slot: u32,
    freeze_frame: u32,
    freeze_age: u32,
    paint: f32,
    field_slot: u32,
    column: u32,
    column_fraction: f32,
    column_ticks: u32,
    ticks_per_column: u32,
}

// `frame::flag`
const TIME: u32 = 1u;
const FREEZE: u32 = 2u;
const BLUR_FREQ: u32 = 4u;
const DIFFUSE: u32 = 8u;
const WARP: u32 = 16u;
const FILTER: u32 = 32u;

// `field::Lane`
const GAIN: u32 = 0u;
const BLUR_TIME_LANE: u32 = 1u;
const BLUR_FREQ_LANE: u32 = 2u;
const WARP_FREQ_LANE: u32 = 3u;
const WARP_TIME_LANE: u32 = 4u;
const MOD_LOW_LANE: u32 = 5u;
const MOD_HIGH_LANE: u32 = 6u;
const FREEZE_LANE: u32 = 7u;
const LANES: u32 = 8u;
// `effect::TIME_LANES`
const TIME_LANES: u32 = 0x72u;

// `effect::phasor`
const FLOOR: f32 = 0.1;
const SILENCE: f32 = 1e-20;

// `effect::filter`
const OCTAVES_PER_DB: f32 = 0.1660964;

var<private> job: Job;
var<private> params: FrameParams;
var<private> bins: u32;

fn word(index: u32) -> u32 {
    return inbox[job.params + index];
}

fn number(index: u32) -> f32 {
    return bitcast<f32>(inbox[job.params + index]);
}

fn load_params() {
    params = FrameParams(
        word(0u), word(1u), word(2u), word(3u), number(4u), number(5u), number(6u), number(7u),
        number(8u), word(9u), number(10u), word(11u), number(12u), number(13u), number(14u),
        number(15u), word(16u), word(17u), word(18u), number(19u), number(20u), number(21u),
        number(22u), word(23u), word(24u), word(25u), number(26u), word(27u), word(28u),
        number(29u), word(30u), word(31u));
    bins = job.n / 2u + 1u;
}

fn painted(which: u32) -> bool {
    return (params.field_lanes & (1u << which)) != 0u;
}

// Value of a lane at a band, between two columns, as strong as the paint is.
fn lane_at(which: u32, band: u32) -> f32 {
    let at = job.field + 1u + band * LANES + which;
    let here = bitcast<f32>(inbox[at]);
    let next = bitcast<f32>(inbox[at + inbox[job.field] * LANES]);
    return (here + (next - here) * params.column_fraction) * params.paint;
}

// Value of a lane at a bin; 0 where the lane is not painted.
fn lane(which: u32, k: u32) -> f32 {
    if (!painted(which)) {
        return 0.0;
    }
    let place = tables[job.places + k];
    let band = u32(place.x);
    let low = lane_at(which, band);
    let high = lane_at(which, band + 1u);
    return low + (high - low) * place.y;
}

// `lattice` and `glide`: slowly moving random turns in -0.5..0.5.
fn noise_turns(k: u32) -> f32 {
    let s = smooth_step(params.noise_fraction);
    let step = k * 0x9e3779b9u;
    let a = turns_f32(hash(hash(params.noise_cell ^ params.seed) + step));
    let b = turns_f32(hash(hash((params.noise_cell + 1u) ^ params.seed) + step));
    return a + (b - a) * s;
}

// `phasors`: turns with the bin's centre frequency and wanders.
fn noise_phasor(k: u32) -> vec2<f32> {
    var t = turns_f32(k * params.bin_phase) + noise_turns(k);
    t = select(t, t - 1.0, t >= 0.5);
    t = select(t, t + 1.0, t < -0.5);
    return unit(t);
}

fn magnitude(value: vec2<f32>) -> f32 {
    return sqrt(value.x * value.x + value.y * value.y);
}

fn set_magnitude(k: u32, wanted: f32, value: vec2<f32>) -> vec2<f32> {
    let carrier = sqrt(value.x * value.x + value.y * value.y);
    let full = max(max(carrier, FLOOR * wanted), SILENCE);
    let gain = wanted / full;
    let missing = max(wanted - carrier * gain, 0.0);
    return value * gain + noise_phasor(k) * missing;
}

// `slopes` and `painted`
fn filter_gain(k: u32) -> f32 {
    var gain = 1.0;
    if ((params.flags & FILTER) != 0u) {
        let bin = f32(k);
        var low = min(params.low_cut / max(bin, 1e-3), 1e4);
        var high = min(bin * params.high_cut_inverse, 1e4);
        low = low * low;
        high = high * high;
        low = low * low;
        high = high * high;
        gain = 1.0 / sqrt((1.0 + low * low) * (1.0 + high * high));
    }
    if (painted(GAIN)) {
        gain *= power_of_two(lane(GAIN, k) * OCTAVES_PER_DB);
    }
    return gain;
}

// The last stage, and what a real signal asks of its first and last bin.
fn finished(k: u32, value: vec2<f32>) -> vec2<f32> {
    var result = value;
    if ((params.flags & FILTER) != 0u || painted(GAIN)) {
        result *= filter_gain(k);
    }
    if (k == 0u || k == bins - 1u) {
        result.y = 0.0;
    }
    return result;
}

fn warps() -> bool {
    return (params.flags & WARP) != 0u || painted(WARP_FREQ_LANE);
}

fn blurs() -> bool {
    return (params.flags & BLUR_FREQ) != 0u || painted(BLUR_FREQ_LANE);
}

// `diffuse::rotate` for one bin.
fn diffused(k: u32, value: vec2<f32>) -> vec2<f32> {
    if ((params.flags & DIFFUSE) == 0u) {
        return value;
    }
    return complex_mul(value, unit(params.diffuse * noise_turns(k)));
}

// `effect::taps_needed` is not zero.
fn along_time_is_on() -> bool {
    return (params.flags & TIME) != 0u || (params.field_lanes & TIME_LANES) != 0u;
}
