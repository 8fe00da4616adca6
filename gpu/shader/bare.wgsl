// The FFT alone: no window, no turn, no split. What the bench measures the forward kernel against.

var<private> job: Job;

fn source(index: u32, part: u32) -> vec2<f32> {
    let at = job.history + job.history_at + job.hop - N + 2u * (index + part * L);
    return vec2<f32>(history[at], history[at + 1u]);
}

@compute @workgroup_size(WIDTH)
fn bare(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    job = table.jobs[table.header.first[CLASS] + group.y];
    transform(i, group.x);
    let v = last_pass(i);
    let to = job.spectra + job.spectra_at * (K + 1u) + group.x * L + i;
    spectra[to] = v.a;
    spectra[to + WIDTH] = v.b;
    spectra[to + 2u * WIDTH] = v.c;
    spectra[to + 3u * WIDTH] = v.d;
    spectra[to + 4u * WIDTH] = v.e;
    spectra[to + 5u * WIDTH] = v.f;
    spectra[to + 6u * WIDTH] = v.g;
    spectra[to + 7u * WIDTH] = v.h;
}
