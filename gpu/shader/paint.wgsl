// `scumble_dsp::raster`: the dabs that meet a column put down in order, on each of its bands. One
// invocation a cell. Which dabs meet which column and bands is decided on the host, by the twin's
// own function, so that both agree at every rim.

const LANES: u32 = 8u;
// Words of a dab where it meets a column.
const TOUCH: u32 = 8u;
// Words of a kind of stroke: its lane, its full effect, the least and the largest value of the lane.
const KIND: u32 = 4u;
const DAB_SPACING: f32 = 0.25;
const WARP_FREQ_LANE: u32 = 3u;

fn falloff(distance: f32, hardness: f32) -> f32 {
    if (distance >= 1.0) {
        return 0.0;
    }
    let core = clamp(hardness, 0.0, 1.0);
    if (distance <= core) {
        return 1.0;
    }
    return 1.0 - smooth_step((distance - core) / (1.0 - core));
}

@compute @workgroup_size(64)
fn paint(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let column = row_of(item);
    let band = item - column * step.n;
    var cell: array<f32, 8>;
    for (var lane = 0u; lane < LANES; lane++) {
        cell[lane] = input[step.keep + item * LANES + lane];
    }
    let octaves = weights[step.window + 2u * band];
    let hz = weights[step.window + 2u * band + 1u];
    let list = step.hop + 2u * column;
    let first = u32(input[list]);
    let end = u32(input[list + 1u]);
    for (var touch = first; touch < end; touch++) {
        let at = step.samples + touch * TOUCH;
        if (f32(band) < input[at + 5u] || f32(band) > input[at + 6u]) {
            continue;
        }
        let across = input[at];
        let up = (octaves - input[at + 1u]) / input[at + 4u];
        let distance = sqrt(across * across + up * up);
        let weight = input[at + 2u] * falloff(distance, input[at + 3u]);
        let kind = step.stride + u32(input[at + 7u]) * KIND;
        if (weights[kind] < 0.0) {
            let keep = 1.0 - min(2.0 * DAB_SPACING * abs(weight), 1.0);
            for (var lane = 0u; lane < LANES; lane++) {
                let value = cell[lane] * keep;
                cell[lane] = select(value, 0.0, abs(value) < 1e-6);
            }
        } else if (weight != 0.0) {
            let lane = u32(weights[kind]);
            let amount = weights[kind + 1u] * DAB_SPACING * weight;
            let shift = hz * (power_of_two(amount) - 1.0);
            let value = cell[lane] + select(amount, shift, lane == WARP_FREQ_LANE);
            cell[lane] = clamp(value, weights[kind + 2u], weights[kind + 3u]);
        }
    }
    for (var lane = 0u; lane < LANES; lane++) {
        output[item * LANES + lane] = bitcast<u32>(cell[lane]);
    }
}
