// `scumble_dsp::effect::blur`: the blur over frequency of one frame, and the diffusion that follows
// it. One workgroup a frame, since it needs a sum over all bins. Reads and writes the frame's scratch.

const LN_2: f32 = 0.6931472;
const GROUP: u32 = 64u;

var<workgroup> sums: array<f32, GROUP>;

// Second region of scratch: (magnitude, sum of the magnitudes below).
fn row(k: u32) -> vec2<f32> {
    return frames[job.scratch + bins + k];
}

// One box of `blur::gaussian`.
fn box(k: u32, sigma: f32, width: f32) -> f32 {
    let centre = f32(k) + 0.5;
    let end = f32(bins);
    let radius = width * sigma;
    let half = sqrt(radius * radius + 0.25);
    let low = max(centre - half, 0.0);
    let high = min(centre + half, end);
    let i = min(u32(low), bins - 1u);
    let j = min(u32(high), bins - 1u);
    let at_low = row(i);
    let at_high = row(j);
    let below = at_low.y + (low - f32(i)) * at_low.x;
    let above = at_high.y + (high - f32(j)) * at_high.x;
    return (above - below) / (high - low);
}

fn blurred_magnitude(k: u32) -> f32 {
    let octaves = params.blur_freq + lane(BLUR_FREQ_LANE, k);
    let sigma = f32(k) * LN_2 * octaves;
    if (sigma <= 0.0) {
        return row(k).x;
    }
    let value = 0.15462462 * box(k, sigma, 0.6343145)
        + 0.31689852 * box(k, sigma, 1.1996741)
        + 0.35104164 * box(k, sigma, 1.8153383)
        + 0.17743522 * box(k, sigma, 2.7256975);
    return max(value, 0.0);
}

// Fills the second region; all invocations of the workgroup take part.
fn sum_magnitudes(i: u32) {
    let share = (bins + GROUP - 1u) / GROUP;
    let start = min(i * share, bins);
    let end = min(start + share, bins);
    var sum = 0.0;
    for (var k = start; k < end; k++) {
        let size = magnitude(frames[job.scratch + k]);
        frames[job.scratch + bins + k] = vec2<f32>(size, sum);
        sum += size;
    }
    sums[i] = sum;
    workgroupBarrier();
    var below = 0.0;
    for (var j = 0u; j < i; j++) {
        below += sums[j];
    }
    for (var k = start; k < end; k++) {
        frames[job.scratch + bins + k].y += below;
    }
}

@compute @workgroup_size(GROUP)
fn blur(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    // Decided by what every invocation reads from the same place, so that all meet at the barriers.
    let place = table.jobs[group.x].params;
    let by_knob = (inbox[place + 2u] & BLUR_FREQ) != 0u;
    let by_paint = (inbox[place + 3u] & (1u << BLUR_FREQ_LANE)) != 0u;
    if ((table.jobs[group.x].flags & ANALYSE_ONLY) != 0u || !(by_knob || by_paint)) {
        return;
    }
    job = table.jobs[group.x];
    load_params();
    sum_magnitudes(i);
    storageBarrier();
    workgroupBarrier();
    let last = !warps();
    for (var k = i; k < bins; k += GROUP) {
        var value = set_magnitude(k, blurred_magnitude(k), frames[job.scratch + k]);
        value = diffused(k, value);
        if (last) {
            value = finished(k, value);
        }
        frames[job.scratch + k] = value;
    }
}
