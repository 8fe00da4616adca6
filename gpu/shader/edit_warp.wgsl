// A painted warp on the store, `scumble_dsp::effect::warp`: bins are scattered to where the band of
// the energy around them moves them. One invocation a bin; the region is whole frames.
//
// Bins that meet are added as integers, so that the result has the same bits in any order. The host
// gives each frame a power of two that makes its largest value about 2^22: what is left over holds
// as many bins as may meet, and the unit is far below the tolerance.

const KERNEL: i32 = 8;
const FIRST_TAP: i32 = -3;
const FRACTIONS: f32 = 512.0;
const CHOICE: f32 = 0.25;

// Nothing has been moved yet.
@compute @workgroup_size(64)
fn edit_clear(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    atomicStore(&work[2u * item], 0);
    atomicStore(&work[2u * item + 1u], 0);
}

fn energy(place: i32, k: i32) -> f32 {
    if (k < 0 || k >= i32(step.n)) {
        return 0.0;
    }
    let value = before(place, u32(k));
    let power = value.x * value.x + value.y * value.y;
    return power * power;
}

fn centroid(place: i32, k: u32) -> f32 {
    let at = i32(k);
    let a = energy(place, at - 3);
    let b = energy(place, at - 2);
    let c = energy(place, at - 1);
    let d = energy(place, at);
    let e = energy(place, at + 1);
    let f = energy(place, at + 2);
    let g = energy(place, at + 3);
    let sum = a + b + c + d + e + f + g;
    let moment = 3.0 * (g - a) + 2.0 * (f - b) + (e - c);
    return f32(k) + moment / (sum + 1e-30);
}

// `row`: of the painted frames, from whose bin `j` value comes.
fn scatter_to(row: u32, j: u32, band: u32, value: vec2<f32>, scale: f32) {
    let moved = amount(row * (step.n + 1u) + band);
    let whole = floor(moved.x);
    let to = i32(j) + i32(whole) + FIRST_TAP;
    if (to <= -KERNEL || to >= i32(step.n)) {
        return;
    }
    let turned = complex_mul(value, unit(moved.y));
    let at = (moved.x - whole) * FRACTIONS;
    let fraction = min(u32(at), u32(FRACTIONS) - 1u);
    let part = at - f32(fraction);
    let kernel = step.window + fraction * u32(KERNEL);
    for (var tap = 0; tap < KERNEL; tap++) {
        let k = to + tap;
        if (k >= 0 && k < i32(step.n)) {
            let low = weights[kernel + u32(tap)];
            let weight = low + (weights[kernel + u32(KERNEL + tap)] - low) * part;
            // By whole bins, as where there is no paint, all taps are 0 but one; additions are dear.
            if (weight != 0.0) {
                let sum = vec2<i32>(round(turned * weight * scale));
                let place = 2u * (row * step.n + u32(k));
                atomicAdd(&work[place], sum.x);
                atomicAdd(&work[place + 1u], sum.y);
            }
        }
    }
}

@compute @workgroup_size(64)
fn edit_scatter(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let j = item - row * step.n;
    let place = place_of(row);
    var at = centroid(place, j);
    // As the twin puts it: what is no number is 0.
    if (!(at > 0.0)) {
        at = 0.0;
    }
    at = min(at, f32(step.n - 1u));
    let band = min(u32(at), step.n - 1u);
    let upper = smooth_step((at - f32(band) - 0.5) / CHOICE + 0.5);
    let value = before(place, j);
    let scale = input[step.place + row];
    if (upper < 1.0) {
        scatter_to(row, j, band, (1.0 - upper) * value, scale);
    }
    if (upper > 0.0) {
        scatter_to(row, j, band + 1u, upper * value, scale);
    }
}

@compute @workgroup_size(64)
fn edit_warp(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let words = vec2<i32>(atomicLoad(&work[2u * item]), atomicLoad(&work[2u * item + 1u]));
    put(item, vec2<f32>(words) / input[step.place + row_of(item)]);
}
