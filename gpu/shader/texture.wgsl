// `scumble_dsp::texture::complex_pixels`: a spectrum to RGBA8, magnitude in red, phase in green, blue
// reserved, opaque; rounded. One invocation a bin. Reads gain and top (dB) from the inbox.

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

@compute @workgroup_size(64)
fn texture(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = table.jobs[id.y];
    let bins = job.n / 2u + 1u;
    if (id.x >= bins) {
        return;
    }
    let gain = bitcast<f32>(inbox[0]);
    let top_db = bitcast<f32>(inbox[1]);
    let per_octave = 6.0206 / RANGE_DB * 255.0;
    let offset = (RANGE_DB - top_db) / RANGE_DB * 255.0;
    let value = spectra[job.spectra + job.spectra_at * bins + id.x];
    let power = max((value.x * value.x + value.y * value.y) * (gain * gain), 1e-30);
    let red = log2_coarse(power) * (0.5 * per_octave) + offset;
    let green = angle(value) * (255.0 / TAU) + 127.5;
    outbox[job.spectra_at * bins + id.x] = level(red) | (level(green) << 8u) | 0xff000000u;
}
