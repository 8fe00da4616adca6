// Filter banks over spectra: sums of powers under triangles, and the filters of the constant-Q
// transforms, folded to as many bins as a block has frames (`scumble_dsp::transform::Bank`).

const MAGNITUDES: u32 = 1u;

// Bin `bin` of a spectrum of a real signal that goes round after `whole` bins.
fn spectrum(bin: u32) -> vec2<f32> {
    if (2u * bin <= step.whole) {
        return work[step.source + bin];
    }
    return conjugate(work[step.source + step.whole - bin]);
}

// One band of one frame: what lies under its triangle.
@compute @workgroup_size(64)
fn measure(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let frame = item - row * step.rows;
    let band = bands[step.bands + row];
    let at = step.source + frame * (step.n + 1u) + band.bin;
    var sum = 0.0;
    for (var i = 0u; i < band.len; i++) {
        let value = work[at + i];
        var measured = dot(value, value);
        if ((step.flags & MAGNITUDES) != 0u) {
            measured = sqrt(measured);
        }
        sum += weights[band.at + i] * measured;
    }
    output[step.place + row * step.stride + frame] = bitcast<u32>(sum);
}

// One bin of the folded, filtered spectrum of one band.
@compute @workgroup_size(64)
fn fold(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let band = bands[step.bands + row];
    let bin = item - row * step.n;
    var sum = vec2<f32>(0.0);
    let first = select(bin + step.n - band.fold_at, bin - band.fold_at, bin >= band.fold_at);
    for (var i = first; i < band.len; i += step.n) {
        var other = band.bin + i;
        if (other >= step.whole) {
            other -= step.whole;
        }
        sum += weights[band.at + i] * spectrum(other);
    }
    work[step.target_at + item] = sum;
}

// Some of the points of each row, to where results lie.
@compute @workgroup_size(64)
fn store(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let point = item - row * step.count;
    let value = work[step.source + row * step.n + step.keep + point];
    let to = 2u * (step.place + row * step.stride + point);
    output[to] = bitcast<u32>(value.x);
    output[to + 1u] = bitcast<u32>(value.y);
}

// The way back: rows of coefficients.
@compute @workgroup_size(64)
fn fetch(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let at = 2u * (step.place + row * step.stride + item - row * step.n);
    work[step.target_at + item] = vec2<f32>(input[at], input[at + 1u]);
}

// One bin of the spectrum, from all bands that cover it; which those are stands in `weights`.
@compute @workgroup_size(64)
fn unfold(@builtin(global_invocation_id) id: vec3<u32>) {
    let bin = step.first + id.x;
    if (bin >= step.end) {
        return;
    }
    let first = u32(weights[step.window + 2u * bin]);
    let last = u32(weights[step.window + 2u * bin + 1u]);
    var sum = vec2<f32>(0.0);
    for (var b = first; b < last; b++) {
        let band = bands[step.bands + b];
        if (bin >= band.bin && bin < band.bin + band.len) {
            let value = work[step.source + band.row + bin % band.frames];
            sum += weights[band.at + bin - band.bin] * value;
        }
    }
    // These are real in every real sound; rounding is not.
    if (bin == 0u || 2u * bin == step.whole) {
        sum.y = 0.0;
    }
    work[step.target_at + bin] = sum;
}
