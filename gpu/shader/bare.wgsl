// The FFT alone: no window, no ring, no turn. What the bench measures the forward kernel against, for
// the sizes that one workgroup transforms: `bare_real` gives the bins of the real data, `bare_packed`
// stops at the complex points of half the length, which are no spectrum yet.

var<private> job: Job;

fn source(index: u32, part: u32) -> vec2<f32> {
    let at = job.history + job.history_at + job.hop - N + 2u * index;
    return vec2<f32>(history[at], history[at + 1u]);
}

@compute @workgroup_size(WIDTH)
fn bare_real(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    job = table.jobs[table.header.first[CLASS] + group.y];
    transform(i, 0u);
    split_all(job.spectra + job.spectra_at * (K + 1u), i, last_pass(i));
}

@compute @workgroup_size(WIDTH)
fn bare_packed(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    job = table.jobs[table.header.first[CLASS] + group.y];
    transform(i, 0u);
    let v = last_pass(i);
    let to = job.spectra + job.spectra_at * (K + 1u) + i;
    spectra[to] = v.a;
    spectra[to + WIDTH] = v.b;
    spectra[to + 2u * WIDTH] = v.c;
    spectra[to + 3u * WIDTH] = v.d;
    spectra[to + 4u * WIDTH] = v.e;
    spectra[to + 5u * WIDTH] = v.f;
    spectra[to + 6u * WIDTH] = v.g;
    spectra[to + 7u * WIDTH] = v.h;
}
