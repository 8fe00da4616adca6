// Strokes on the store that need no neighbours in frequency, or all of them summed: gain, freeze, all
// that goes along time, and the blur over frequency. One invocation a bin of the region, whose rows are
// the painted frames.

const HALF_LOG2_E: f32 = 0.7213475;
const OCTAVES_PER_DB: f32 = 0.1660964;
const LN_2: f32 = 0.6931472;
const GAUSSIAN_REACH: f32 = 4.0;
// `edit_time`: the mean is taken away; the bin comes from the past.
const HIGH_PASS: u32 = 1u;
const DELAY: u32 = 2u;
// Bins that are summed by one invocation; `compute::edit::RUN`.
const RUN: u32 = 32u;

@compute @workgroup_size(64)
fn edit_gain(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let value = before(place_of(row), step.keep + item - row * step.n);
    put(item, value * power_of_two(amount(item).x * OCTAVES_PER_DB));
}

// `effect::freeze::crossfade`: what is held turns by its own advance.
@compute @workgroup_size(64)
fn edit_freeze(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let bin = item - row * step.n;
    let place = place_of(row);
    let value = before(place, step.keep + bin);
    let at = step.place + 4u * bin;
    // A word in two halves, each a float that is exact.
    let advance = (u32(input[at + 2u]) << 16u) | u32(input[at + 3u]);
    let age = u32(step.start + place) - step.turns;
    let held = complex_mul(vec2<f32>(input[at], input[at + 1u]), unit(turns_f32(advance * age)));
    put(item, value + amount(item).x * (held - value));
}

// Mean of a bin's magnitudes under a Gaussian of `sigma` frames to both sides.
fn mean(place: i32, bin: u32, sigma: f32) -> f32 {
    var sum = size_of(before(place, bin));
    if (sigma < 0.1) {
        return sum;
    }
    var ratio = power_of_two(-HALF_LOG2_E / max(sigma * sigma, 1e-6));
    let growth = ratio * ratio;
    let reach = i32(ceil(GAUSSIAN_REACH * sigma));
    var weight = 1.0;
    var norm = 1.0;
    for (var i = 1; i <= reach; i++) {
        weight *= ratio;
        ratio *= growth;
        sum += weight * (size_of(before(place + i, bin)) + size_of(before(place - i, bin)));
        norm += 2.0 * weight;
    }
    return sum / norm;
}

@compute @workgroup_size(64)
fn edit_time(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let bin = item - row * step.n;
    let at = step.keep + bin;
    let place = place_of(row);
    let paint = amount(item);
    var value = before(place, at);
    var wanted: f32;
    if (step.flags == HIGH_PASS) {
        wanted = max(size_of(value) - paint.y * mean(place, at, paint.x), 0.0);
    } else if (step.flags == DELAY) {
        let whole = floor(paint.x);
        let later = size_of(before(place - i32(whole), at));
        let earlier = size_of(before(place - i32(whole) - 1, at));
        wanted = later + (earlier - later) * (paint.x - whole);
        value = before(place - i32(floor(paint.x + 0.5)), at);
    } else {
        wanted = mean(place, at, paint.x);
    }
    put(item, with_magnitude(place, bin, wanted, value));
}

// Magnitudes of a run of bins and the sum of those below each within the run; behind the bins of a row
// stand the sums of its runs.
@compute @workgroup_size(64)
fn edit_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let run = item - row * step.n;
    let place = place_of(row);
    let base = row * (step.turn_step + step.n);
    var sum = 0.0;
    for (var k = run * RUN; k < min((run + 1u) * RUN, step.turn_step); k++) {
        let size = size_of(before(place, k));
        work[base + k] = vec2<f32>(size, sum);
        sum += size;
    }
    work[base + step.turn_step + run] = vec2<f32>(sum, 0.0);
}

// What lies below each run.
@compute @workgroup_size(64)
fn edit_carry(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let run = item - row * step.n;
    let base = row * (step.turn_step + step.n) + step.turn_step;
    var sum = 0.0;
    for (var below = 0u; below < run; below++) {
        sum += work[base + below].x;
    }
    work[base + run].y = sum;
}

// Sum of the magnitudes below an edge of a box.
fn below(base: u32, edge: f32) -> f32 {
    let bins = step.turn_step;
    let at = min(u32(edge), bins - 1u);
    let here = work[base + at];
    return work[base + bins + at / RUN].y + here.y + (edge - f32(at)) * here.x;
}

// One box of `effect::blur`.
fn box(base: u32, k: u32, sigma: f32, width: f32) -> f32 {
    let centre = f32(k) + 0.5;
    let radius = width * sigma;
    let half = sqrt(radius * radius + 0.25);
    let low = max(centre - half, 0.0);
    let high = min(centre + half, f32(step.turn_step));
    return (below(base, high) - below(base, low)) / (high - low);
}

@compute @workgroup_size(64)
fn edit_blur(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let bin = item - row * step.n;
    let place = place_of(row);
    let k = step.whole + bin;
    let base = row * (step.turn_step + (step.turn_step + RUN - 1u) / RUN);
    let sigma = f32(k) * LN_2 * amount(item).x;
    var wanted = work[base + k].x;
    if (sigma > 0.0) {
        wanted = max(
            0.15462462 * box(base, k, sigma, 0.6343145)
                + 0.31689852 * box(base, k, sigma, 1.1996741)
                + 0.35104164 * box(base, k, sigma, 1.8153383)
                + 0.17743522 * box(base, k, sigma, 2.7256975),
            0.0);
    }
    put(item, with_magnitude(place, bin, wanted, before(place, step.keep + bin)));
}
