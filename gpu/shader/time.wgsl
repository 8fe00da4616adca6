// `scumble_dsp::effect::time`: blur and displacement along time, modulation filters. One invocation a
// bin. Reads the ring of spectra, writes the frame's scratch. A kernel of its own, dispatched only when
// a frame asks for it: software adapters pay for code that is passed over.

// Frames behind the current one that carry a tap, and the current one.
const TAPS: u32 = 32u;
// `time::HALF_LOG2_E`, `framer::GAUSSIAN_CORNER`
const HALF_LOG2_E: f32 = 0.7213475;
const GAUSSIAN_CORNER: f32 = 0.13251;
// `time::LATE`
const LATE: f32 = 1.5;
// Taps whose weight is below this change nothing.
const NEGLIGIBLE: f32 = 1e-7;

fn tap(m: u32, k: u32) -> vec2<f32> {
    var slot = job.spectra_at + job.spectra_len - m * job.stride;
    if (slot >= job.spectra_len) {
        slot -= job.spectra_len;
    }
    return spectra[job.spectra + slot * bins + k];
}

// `spread` and `steps`: the weight of the first tap relative to the current frame, and by what factor
// that ratio changes from tap to tap.
fn steps(variance: f32, centre: f32) -> vec2<f32> {
    let scale = -HALF_LOG2_E / variance;
    return vec2<f32>(power_of_two(scale * (1.0 - 2.0 * centre)), power_of_two(2.0 * scale));
}

// Variance and centre of the blur and the modulation low-pass together, strides.
fn blur_spread(k: u32) -> vec2<f32> {
    let blur = params.blur_time + lane(BLUR_TIME_LANE, k) * job.strides_per_second;
    let smoothed = params.mod_smooth + lane(MOD_HIGH_LANE, k) * job.strides_per_second;
    return vec2<f32>(max(blur * blur + smoothed * smoothed, 1e-6), LATE * smoothed);
}

// `high_pass`: variance of the mean that is taken away, and its share.
fn mean_variance_and_share(k: u32) -> vec2<f32> {
    let corner = params.mod_low + lane(MOD_LOW_LANE, k) / job.strides_per_second;
    let sigma = GAUSSIAN_CORNER / max(corner, 1.0 / 128.0);
    return vec2<f32>(sigma * sigma, min(corner * 128.0, 1.0));
}

// Gaussian means of magnitudes over the taps, for two Gaussians at once.
fn means(k: u32, first_steps: vec2<f32>, growth: vec2<f32>) -> vec2<f32> {
    var step = first_steps;
    var weight = vec2<f32>(1.0);
    var sum = vec2<f32>(0.0);
    var norm = vec2<f32>(0.0);
    let ring = job.spectra_len * bins;
    let stride = job.stride * bins;
    var at = job.spectra_at * bins;
    for (var m = 0u; m < TAPS; m++) {
        if (max(weight.x, weight.y) < NEGLIGIBLE) {
            break;
        }
        sum += weight * magnitude(spectra[job.spectra + at + k]);
        norm += weight;
        weight *= step;
        step *= growth;
        at = select(at - stride, at + ring - stride, at < stride);
    }
    return sum / norm;
}

// `displace::magnitude`: the same where the taps start `first + fraction` strides back.
fn displaced_means(
    k: u32,
    first_steps: vec2<f32>,
    growth: vec2<f32>,
    first: u32,
    fraction: f32,
) -> vec2<f32> {
    var step = first_steps;
    var weight = vec2<f32>(1.0);
    var sum = vec2<f32>(0.0);
    var norm = vec2<f32>(0.0);
    var here = magnitude(tap(first, k));
    for (var m = 0u; m < TAPS; m++) {
        if (max(weight.x, weight.y) < NEGLIGIBLE) {
            break;
        }
        let behind = magnitude(tap(min(first + m + 1u, TAPS - 1u), k));
        sum += weight * (here + (behind - here) * fraction);
        norm += weight;
        weight *= step;
        step *= growth;
        here = behind;
    }
    return sum / norm;
}

// A tap turned forward to the present: its own advance per stride, to the power of 2^doublings.
fn carried(here: vec2<f32>, older: vec2<f32>, doublings: u32) -> vec2<f32> {
    let size = 1.0 / max(magnitude(here) * magnitude(older), 1e-30);
    var z = complex_mul(here, conjugate(older)) * size;
    for (var i = 0u; i < doublings; i++) {
        z = complex_mul(z, z);
    }
    return complex_mul(here, z);
}

// Taps at doubling distances behind tap `start`, turned forward and weighed.
fn carrier(k: u32, start: u32, variance: f32, centre: f32) -> vec2<f32> {
    var value = tap(start, k);
    if (!blurs_along_time()) {
        return value;
    }
    var norm = 1.0;
    for (var doublings = 0u; doublings < 5u; doublings++) {
        let m = f32(1u << doublings);
        let weight = power_of_two(-HALF_LOG2_E / variance * (m * (m - 2.0 * centre)));
        if (weight < NEGLIGIBLE) {
            break;
        }
        let at = min(start + (1u << doublings), TAPS - 1u);
        value += weight * carried(tap(at, k), tap(at + 1u, k), doublings);
        norm += weight;
    }
    return value / norm;
}

fn blurs_along_time() -> bool {
    return params.blur_time > 0.0 || params.mod_smooth > 0.0 || painted(BLUR_TIME_LANE)
        || painted(MOD_HIGH_LANE);
}

// `time::apply` and `displace::apply` for one bin.
fn along_time(k: u32) -> vec2<f32> {
    let spread = blur_spread(k);
    let blur_steps = steps(spread.x, spread.y);
    var first_steps = vec2<f32>(blur_steps.x, 0.0);
    var growth = vec2<f32>(blur_steps.y, 0.0);
    var share = 0.0;
    if (params.mod_low > 0.0 || painted(MOD_LOW_LANE)) {
        let mean = mean_variance_and_share(k);
        let mean_steps = steps(mean.x, 0.0);
        first_steps.y = mean_steps.x;
        growth.y = mean_steps.y;
        share = mean.y;
    }
    var delay = 0.0;
    if (painted(WARP_TIME_LANE)) {
        let strides = lane(WARP_TIME_LANE, k) * job.strides_per_second;
        delay = clamp(strides, 0.0, f32(TAPS - 1u));
    }
    var both: vec2<f32>;
    var value: vec2<f32>;
    if (delay > 0.0) {
        let first = min(u32(delay), TAPS - 2u);
        let fraction = delay - f32(first);
        both = displaced_means(k, first_steps, growth, first, fraction);
        let nearer = smooth_step((fraction - 0.3) * 2.5);
        value = (1.0 - nearer) * carrier(k, first, spread.x, spread.y);
        if (nearer > 0.0) {
            value += nearer * carrier(k, first + 1u, spread.x, spread.y);
        }
    } else {
        both = means(k, first_steps, growth);
        value = carrier(k, 0u, spread.x, spread.y);
    }
    return set_magnitude(k, max(both.x - share * both.y, 0.0), value);
}

// As many workgroups as the adapter likes share a frame.
@compute @workgroup_size(64)
fn time(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    job = table.jobs[id.y];
    if ((job.flags & (ANALYSE_ONLY | NEUTRAL)) != 0u) {
        return;
    }
    load_params();
    if (!along_time_is_on()) {
        return;
    }
    for (var k = id.x; k < bins; k += 64u * groups.x) {
        frames[job.scratch + k] = along_time(k);
    }
}
