// `scumble_dsp::effect::warp`: shift, stretch and painted displacement of one frame. One workgroup a
// frame. Reads and writes the frame's scratch.
//
// Bins are scattered to where their band moves them. Many bins add to one place, in any order, so
// they add as integers: the result has the same bits however the work was scheduled. The unit is
// 2^-25 of the frame's largest value, far below the tolerance.

const KERNEL: i32 = 8;
const FIRST_TAP: i32 = -3;
const FRACTIONS: f32 = 512.0;
const CHOICE: f32 = 0.25;
// `shaders::WARP_KERNELS`
const WARP_KERNELS: u32 = 65024u;
const GROUP: u32 = 64u;

var<workgroup> largest: atomic<u32>;

fn source(k: u32) -> vec2<f32> {
    let at = 2u * (job.scratch + k);
    return bitcast<vec2<f32>>(vec2<i32>(atomicLoad(&frames[at]), atomicLoad(&frames[at + 1u])));
}

fn store(k: u32, value: vec2<f32>) {
    let at = 2u * (job.scratch + k);
    let words = bitcast<vec2<i32>>(value);
    atomicStore(&frames[at], words.x);
    atomicStore(&frames[at + 1u], words.y);
}

struct Move {
    whole: i32,
    // Row of the kernel table and how far to the next.
    row: u32,
    fraction: f32,
    turn: vec2<f32>,
}

// Which of the field's bands a band's running phase is taken from: the nearest.
fn nearest_band(k: u32) -> u32 {
    let place = tables[job.places + k];
    return u32(place.x) + select(0u, 1u, place.y >= 0.5);
}

fn move_of(b: u32, uniform_move: bool) -> Move {
    var displacement = params.shift;
    var phase = params.warp_phase;
    if (!uniform_move) {
        displacement += params.stretch * (f32(b) - params.pivot);
        phase += params.warp_phase_per_band * b;
        if (painted(WARP_FREQ_LANE)) {
            let bands = inbox[job.field];
            let at = job.field + 1u + 2u * LANES * bands + nearest_band(min(b, bins - 1u));
            let rate = inbox[at + bands];
            displacement += f32(bitcast<i32>(rate)) * job.bins_per_rate;
            phase += inbox[at] + rate * params.column_ticks;
        }
    }
    let far = f32(bins + 1u) * 2.0;
    displacement = clamp(displacement, -far, far);
    let whole = floor(displacement);
    let at = (displacement - whole) * FRACTIONS;
    let row = min(u32(at), u32(FRACTIONS) - 1u);
    return Move(i32(whole), row, at - f32(row), unit(turns_f32(phase)));
}

// Weights of taps 2 * pair and 2 * pair + 1.
fn weights(moved: Move, pair: u32) -> vec2<f32> {
    let at = WARP_KERNELS + moved.row * 4u + pair;
    let low = tables[at];
    return low + (tables[at + 4u] - low) * moved.fraction;
}

// `shift` for one bin.
fn shifted(k: u32, moved: Move) -> vec2<f32> {
    var sum = vec2<f32>(0.0);
    for (var pair = 0u; pair < 4u; pair++) {
        let weight = weights(moved, pair);
        let origin = i32(k) - moved.whole - FIRST_TAP - 2 * i32(pair);
        if (origin >= 0 && origin < i32(bins)) {
            sum += weight.x * source(u32(origin));
        }
        if (origin >= 1 && origin <= i32(bins)) {
            sum += weight.y * source(u32(origin - 1));
        }
    }
    return complex_mul(sum, moved.turn);
}

fn energy(k: i32) -> f32 {
    if (k < 0 || k >= i32(bins)) {
        return 0.0;
    }
    let value = source(u32(k));
    let power = value.x * value.x + value.y * value.y;
    return power * power;
}

// `centroids` for one bin.
fn centroid(k: u32) -> f32 {
    let at = i32(k);
    let a = energy(at - 3);
    let b = energy(at - 2);
    let c = energy(at - 1);
    let d = energy(at);
    let e = energy(at + 1);
    let f = energy(at + 2);
    let g = energy(at + 3);
    let sum = a + b + c + d + e + f + g;
    let moment = 3.0 * (g - a) + 2.0 * (f - b) + (e - c);
    return f32(k) + moment / (sum + 1e-30);
}

fn add(k: i32, value: vec2<f32>, scale: f32) {
    if (k >= 0 && k < i32(bins)) {
        let at = 2u * (job.scratch + bins + u32(k));
        let scaled = vec2<i32>(round(value * scale));
        atomicAdd(&frames[at], scaled.x);
        atomicAdd(&frames[at + 1u], scaled.y);
    }
}

fn scatter_to(j: u32, b: u32, weight: f32, scale: f32) {
    let moved = move_of(b, false);
    let to = i32(j) + moved.whole + FIRST_TAP;
    if (weight == 0.0 || to <= -KERNEL || to >= i32(bins)) {
        return;
    }
    let value = complex_mul(source(j), weight * moved.turn);
    for (var pair = 0u; pair < 4u; pair++) {
        let tap = weights(moved, pair);
        add(to + 2 * i32(pair), value * tap.x, scale);
        add(to + 2 * i32(pair) + 1, value * tap.y, scale);
    }
}

// `scatter` for one bin.
fn scatter(j: u32, scale: f32) {
    let at = clamp(centroid(j), 0.0, f32(bins - 1u));
    let band = u32(at);
    let upper = smooth_step((at - f32(band) - 0.5) / CHOICE + 0.5);
    scatter_to(j, band, 1.0 - upper, scale);
    scatter_to(j, band + 1u, upper, scale);
}

@compute @workgroup_size(GROUP)
fn warp(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    // Decided by what every invocation reads from the same place, so that all meet at the barriers.
    let place = table.jobs[group.x].params;
    let flags = inbox[place + 2u];
    let lanes = inbox[place + 3u];
    let by_paint = (lanes & (1u << WARP_FREQ_LANE)) != 0u;
    if ((table.jobs[group.x].flags & ANALYSE_ONLY) != 0u || ((flags & WARP) == 0u && !by_paint)) {
        return;
    }
    job = table.jobs[group.x];
    load_params();
    let alike = bitcast<f32>(inbox[place + 13u]) == 0.0 && inbox[place + 17u] == 0u && !by_paint;
    let knobs = select(0.0, params.warp_mix, (params.flags & WARP) != 0u);
    let paint = select(0.0, params.paint, by_paint);
    let mix = 1.0 - (1.0 - knobs) * (1.0 - paint);
    let results = job.scratch + bins;
    if (alike) {
        let moved = move_of(0u, true);
        for (var k = i; k < bins; k += GROUP) {
            let words = bitcast<vec2<i32>>(shifted(k, moved));
            atomicStore(&frames[2u * (results + k)], words.x);
            atomicStore(&frames[2u * (results + k) + 1u], words.y);
        }
        storageBarrier();
        workgroupBarrier();
        for (var k = i; k < bins; k += GROUP) {
            let at = 2u * (results + k);
            let words = vec2<i32>(atomicLoad(&frames[at]), atomicLoad(&frames[at + 1u]));
            let value = source(k);
            store(k, finished(k, value + mix * (bitcast<vec2<f32>>(words) - value)));
        }
        return;
    }
    if (i == 0u) {
        atomicStore(&largest, 0u);
    }
    workgroupBarrier();
    var most = 0.0;
    for (var k = i; k < bins; k += GROUP) {
        let value = abs(source(k));
        most = max(most, max(value.x, value.y));
        atomicStore(&frames[2u * (results + k)], 0);
        atomicStore(&frames[2u * (results + k) + 1u], 0);
    }
    // Floats that are not negative are in the order of their bits.
    atomicMax(&largest, bitcast<u32>(most));
    storageBarrier();
    workgroupBarrier();
    // The power of two that makes the largest value about 2^25: six bits are left for sums.
    let top = bitcast<f32>(atomicLoad(&largest));
    let exponent = i32(bitcast<u32>(max(top, 1e-20)) >> 23u) - 127;
    let scale = power_of_two(f32(24 - exponent));
    for (var j = i; j < bins; j += GROUP) {
        scatter(j, scale);
    }
    storageBarrier();
    workgroupBarrier();
    let unscale = 1.0 / scale;
    for (var k = i; k < bins; k += GROUP) {
        let at = 2u * (results + k);
        let words = vec2<i32>(atomicLoad(&frames[at]), atomicLoad(&frames[at + 1u]));
        let moved = vec2<f32>(words) * unscale;
        let value = source(k);
        store(k, finished(k, value + mix * (moved - value)));
    }
}
