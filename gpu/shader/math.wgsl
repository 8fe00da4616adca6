// `scumble_dsp::math`, function by function.

// Turns, as f32 in -0.5..0.5, of a phase that counts 2^32 to the turn.
fn turns_f32(phase: u32) -> f32 {
    return f32(bitcast<i32>(phase)) * (1.0 / 4294967296.0);
}

fn sin_turns(t: f32) -> f32 {
    let half = select(0.5, -0.5, t < 0.0);
    let x = select(t, half - t, abs(t) > 0.25);
    let y = x * x;
    return x * (6.283185 + y * (-41.341656 + y * (81.601006 + y * (-76.54978 + y * 39.536705))));
}

fn cos_turns(t: f32) -> f32 {
    return sin_turns(0.25 - abs(t));
}

fn unit(t: f32) -> vec2<f32> {
    return vec2<f32>(cos_turns(t), sin_turns(t));
}

// `exp2`, named apart from WGSL's own.
fn power_of_two(exponent: f32) -> f32 {
    let x = clamp(exponent, -126.0, 126.0);
    let whole = round(x);
    let f = x - whole;
    let power = bitcast<f32>(u32(i32(whole) + 127) << 23u);
    return power
        * (1.0
            + f * (0.6931472
                + f * (0.2402265
                    + f * (0.05550327
                        + f * (0.009618036 + f * (0.0013400433 + f * 0.00015467367))))));
}

fn hash(seed: u32) -> u32 {
    var x = seed;
    x ^= x >> 16u;
    x *= 0x7feb352du;
    x ^= x >> 15u;
    x *= 0x846ca68bu;
    return x ^ (x >> 16u);
}

fn smooth_step(t: f32) -> f32 {
    let x = clamp(t, 0.0, 1.0);
    return x * x * (3.0 - 2.0 * x);
}
