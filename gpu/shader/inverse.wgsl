// Inverse real FFT of a processed spectrum, synthesis window, and the M samples that are kept.
//
// The inverse is the forward transform with real and imaginary parts exchanged on the way in and
// on the way out. Beyond N = 8192, R workgroups share a frame, each with its residue of points.

var<private> job: Job;

// Packed point `k` of the processed spectrum, parts exchanged.
fn packed_spectrum(k: u32) -> vec2<f32> {
    var low: vec2<f32>;
    var mirrored: vec2<f32>;
    if ((job.flags & NEUTRAL) != 0u) {
        let at = job.spectra + job.spectra_at * (K + 1u);
        low = spectra[at + k];
        mirrored = conjugate(spectra[at + K - k]);
    } else {
        low = frames[job.scratch + k];
        mirrored = conjugate(frames[job.scratch + K - k]);
    }
    let even = 0.5 * (low + mirrored);
    let odd = complex_mul(conjugate(twiddle(k)), 0.5 * (low - mirrored));
    // even + i * odd, exchanged.
    return vec2<f32>(even.y + odd.x, even.x - odd.y);
}

fn source(index: u32, part: u32) -> vec2<f32> {
    if (R == 1u) {
        return packed_spectrum(index);
    }
    var sum = packed_spectrum(index);
    for (var s = 1u; s < R; s++) {
        let turn = twiddle(((s * part) % R) * (N / R));
        sum += complex_mul(packed_spectrum(index + s * L), turn);
    }
    return complex_mul(sum, twiddle((index * part * 2u) & (N - 1u)));
}

fn keep(point: u32, value: vec2<f32>) {
    let quarter = job.m / 4u;
    // The centre of the synthesis part is point 0; its first half sits at the end of the frame.
    var place = point + quarter;
    if ((job.flags & STILL) != 0u) {
        place = point;
    } else if (point >= K - quarter) {
        place = point - (K - quarter);
    } else if (point >= quarter) {
        return;
    }
    let to = job.frames + job.frames_at * (job.m / 2u) + place;
    frames[to] = value.yx * tables[job.synthesis + place] * (1.0 / f32(K));
}

@compute @workgroup_size(WIDTH)
fn inverse(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    let index = table.header.first[CLASS] + group.y;
    if ((table.jobs[index].flags & ANALYSE_ONLY) != 0u) {
        return;
    }
    job = table.jobs[index];
    transform(i, group.x);
    let v = last_pass(i);
    let part = group.x;
    keep(i * R + part, v.a);
    keep((i + WIDTH) * R + part, v.b);
    keep((i + 2u * WIDTH) * R + part, v.c);
    keep((i + 3u * WIDTH) * R + part, v.d);
    keep((i + 4u * WIDTH) * R + part, v.e);
    keep((i + 5u * WIDTH) * R + part, v.f);
    keep((i + 6u * WIDTH) * R + part, v.g);
    keep((i + 7u * WIDTH) * R + part, v.h);
}
