// `scumble_dsp::texture::complex_pixels`: a spectrum to RGBA8, magnitude in red, phase in green, blue
// reserved, opaque; rounded. One invocation a bin. Reads gain and top (dB) from the inbox.

@compute @workgroup_size(64)
fn texture(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = table.jobs[id.y];
    let bins = job.n / 2u + 1u;
    if (id.x >= bins) {
        return;
    }
    let gain = bitcast<f32>(inbox[0]);
    let top_db = bitcast<f32>(inbox[1]);
    let value = spectra[job.spectra + job.spectra_at * bins + id.x];
    let magnitude = gain * sqrt(value.x * value.x + value.y * value.y);
    outbox[job.spectra_at * bins + id.x] = pixel(magnitude, angle(value), top_db);
}
