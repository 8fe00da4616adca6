// `scumble_dsp::store::Edit` as kernels read it: spectra before the stroke in `input`, which of them
// have paint, and what the paint comes to at each bin, which the host has worked out with the twin's
// own functions. So both agree to the bit on how far a blur reaches and which frame is the nearest.
//
// Fields of the step: `n` bins of the region (the items of a row), `rows` frames in `input`, each of
// `stride` bins of which the region's first is number `keep`; that one is bin `whole` of `turn_step`
// bins; `start` the number of the first frame; from `samples` on the places of the painted frames, from
// `hop` on the amounts, from `place` on what a lane needs besides; `count` frames of a cell of the
// noise; `turned` turns of bin 1 from frame to frame.

const SILENCE: f32 = 1e-20;
const FLOOR: f32 = 0.1;

// Where the frame of a row stands among the frames in `input`.
fn place_of(row: u32) -> i32 {
    return i32(input[step.samples + row]);
}

// A bin of the spectra before the stroke; frames beyond the ends repeat them.
fn before(place: i32, bin: u32) -> vec2<f32> {
    let frame = u32(clamp(place, 0, i32(step.rows) - 1));
    let at = 2u * (frame * step.stride + bin);
    return vec2<f32>(input[at], input[at + 1u]);
}

fn amount(index: u32) -> vec2<f32> {
    let at = step.hop + 2u * index;
    return vec2<f32>(input[at], input[at + 1u]);
}

fn size_of(value: vec2<f32>) -> f32 {
    return sqrt(value.x * value.x + value.y * value.y);
}

fn put(item: u32, value: vec2<f32>) {
    output[2u * item] = bitcast<u32>(value.x);
    output[2u * item + 1u] = bitcast<u32>(value.y);
}

// `effect::noise`, unseeded as the store's frames are.
fn noise_phasor(frame: u32, k: u32) -> vec2<f32> {
    let cell = frame / step.count;
    let s = smooth_step(f32(frame - cell * step.count) / f32(step.count));
    let along = k * 0x9e3779b9u;
    let a = turns_f32(hash(hash(cell) + along));
    let b = turns_f32(hash(hash(cell + 1u) + along));
    var t = turns_f32(k * (frame * step.turned)) + a + (b - a) * s;
    t = select(t, t - 1.0, t >= 0.5);
    t = select(t, t + 1.0, t < -0.5);
    return unit(t);
}

// `effect::phasor::set_magnitude`
fn with_magnitude(place: i32, bin: u32, wanted: f32, value: vec2<f32>) -> vec2<f32> {
    let carrier = size_of(value);
    let full = max(max(carrier, FLOOR * wanted), SILENCE);
    let gain = wanted / full;
    let missing = max(wanted - carrier * gain, 0.0);
    if (missing <= 0.0) {
        return value * gain;
    }
    return value * gain + noise_phasor(u32(step.start + place), step.whole + bin) * missing;
}
