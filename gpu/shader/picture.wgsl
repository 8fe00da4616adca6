// `scumble_dsp::texture::draw`: spectra to RGBA8, magnitude in red, phase in green, blue reserved,
// opaque; rounded. One invocation a pixel: row `row` of one frame shows the loudest of its bins, or
// lies between two (`scumble_dsp::texture::RowMap`).

@compute @workgroup_size(64)
fn picture(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let frame = row_of(item);
    let map = step.window + 3u * (item - frame * step.rows);
    let first = u32(weights[map]);
    let end = u32(weights[map + 1u]);
    let at = step.source + frame * (step.n + 1u);
    let value = work[at + first];
    var magnitude = length_of(value);
    if (end > first) {
        for (var bin = first + 1u; bin < end; bin++) {
            magnitude = max(magnitude, length_of(work[at + bin]));
        }
    } else {
        magnitude += (length_of(work[at + first + 1u]) - magnitude) * weights[map + 2u];
    }
    output[step.place + item] = pixel(magnitude * step.gain, angle(value), step.top_db);
}

fn length_of(value: vec2<f32>) -> f32 {
    return sqrt(value.x * value.x + value.y * value.y);
}
