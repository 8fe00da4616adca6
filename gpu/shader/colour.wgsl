// `scumble_dsp::texture`: what a magnitude and an angle are as RGBA8. Shared by the pictures of clips on
// the job table and by those of the analysis.

const RANGE_DB: f32 = 90.0;
const TAU: f32 = 6.2831855;
const HALF_PI: f32 = 1.5707964;

// log2 for positive normal numbers, to 2e-4.
fn log2_coarse(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let exponent = i32(bits >> 23u) - 127;
    let m = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u) - 1.0;
    let curve = m * (1.44141 + m * (-0.70738 + m * (0.41446 + m * (-0.19273 + m * 0.04425))));
    return f32(exponent) + curve;
}

fn level(x: f32) -> u32 {
    return u32(round(clamp(x, 0.0, 255.0)));
}

// Angle of a complex number in -pi..pi, to 1e-5.
fn angle(value: vec2<f32>) -> f32 {
    let a = abs(value.x);
    let b = abs(value.y);
    let t = min(a, b) / (max(a, b) + 1e-30);
    let s = t * t;
    var r = t
        * (0.9999772
            + s * (-0.3326235
                + s * (0.1935435 + s * (-0.1164329 + s * (0.0526533 - s * 0.0117212)))));
    r = select(r, HALF_PI - r, b > a);
    r = select(r, PI - r, value.x < 0.0);
    return select(r, -r, value.y < 0.0);
}


// A pixel of a magnitude (an amplitude, 1 at full scale) and an angle.
fn pixel(magnitude: f32, phase: f32, top_db: f32) -> u32 {
    let per_octave = 6.0206 / RANGE_DB * 255.0;
    let offset = (RANGE_DB - top_db) / RANGE_DB * 255.0;
    let red = log2_coarse(max(magnitude, 1e-15)) * per_octave + offset;
    let green = phase * (255.0 / TAU) + 127.5;
    return level(red) | (level(green) << 8u) | 0xff000000u;
}
