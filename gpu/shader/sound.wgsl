// Between sound and spectra: windowed rows of packed points, the bins of a real signal from the
// transform of its packed points, and both ways back.

fn sample(row: u32, index: u32) -> f32 {
    var within = index + step.turned;
    if (within >= 2u * step.n) {
        within -= 2u * step.n;
    }
    let at = step.start + i32(row * step.hop + within);
    if (at < 0 || at >= i32(step.samples)) {
        return 0.0;
    }
    if (step.window == NONE) {
        return input[u32(at)];
    }
    return input[u32(at)] * weights[step.window + within];
}

// Two neighbouring samples are one complex point.
@compute @workgroup_size(64)
fn load(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let row = row_of(item);
    let point = 2u * (item - row * step.n);
    work[step.target_at + item] = vec2<f32>(sample(row, point), sample(row, point + 1u));
}

// Bins k and n - k of a row of n packed points.
@compute @workgroup_size(64)
fn split(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let pairs = step.n / 2u + 1u;
    let row = row_of(item);
    let k = item - row * pairs;
    let at = step.source + row * step.n;
    let low = work[at + k];
    let mirrored = conjugate(work[at + select(step.n - k, 0u, k == 0u)]);
    let even = 0.5 * (low + mirrored);
    let odd = turn_back(complex_mul(turn(k), 0.5 * (low - mirrored)));
    let to = step.target_at + row * (step.n + 1u);
    work[to + k] = even + odd;
    work[to + step.n - k] = conjugate(even - odd);
}

// Packed points of the real signal that has these n + 1 bins, twice as large.
@compute @workgroup_size(64)
fn join(@builtin(global_invocation_id) id: vec3<u32>) {
    let k = step.first + id.x;
    if (k >= step.end) {
        return;
    }
    let low = work[step.source + k];
    let mirrored = conjugate(work[step.source + step.n - k]);
    let odd = complex_mul(turn(k), low - mirrored);
    // i * odd
    work[step.target_at + k] = low + mirrored + vec2<f32>(-odd.y, odd.x);
}

// Adds packed points to the sound, each sample weighed by the window.
@compute @workgroup_size(64)
fn add_sound(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let at = step.start + i32(item);
    if (at < 0 || at >= i32(step.samples)) {
        return;
    }
    let pair = work[step.source + item / 2u];
    var value = select(pair.x, pair.y, (item & 1u) != 0u);
    if (step.window != NONE) {
        value *= weights[step.window + item];
    }
    output[u32(at)] = bitcast<u32>(bitcast<f32>(output[u32(at)]) + value);
}
