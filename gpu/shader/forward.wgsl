// Window and real FFT of one frame: the newest N samples of the channel's history ring, turned so
// that the centre of the synthesis part comes first, as N / 2 packed complex points.
//
// One workgroup transforms one frame up to N = 8192. Beyond, R workgroups share a frame: each folds
// the input to L points of its residue (decimation in frequency) and writes packed points, and
// `split_bins` makes bins of them.

var<private> job: Job;
// History index of the first sample of the frame, and turned index of sample 0 of the frame.
var<private> oldest: u32;
var<private> turned: u32;

// Packed point `m` of the windowed, turned frame.
fn packed_input(m: u32) -> vec2<f32> {
    let place = (m + turned) & (K - 1u);
    var at = oldest + 2u * place;
    if (at >= job.history_len) {
        at -= job.history_len;
    }
    let samples = vec2<f32>(history[job.history + at], history[job.history + at + 1u]);
    return samples * tables[job.analysis + place];
}

fn source(index: u32, part: u32) -> vec2<f32> {
    if (R == 1u) {
        return packed_input(index);
    }
    // Fold R points of distance L to one, for the bins congruent to `part` modulo R.
    var sum = packed_input(index);
    for (var s = 1u; s < R; s++) {
        let turn = twiddle(((s * part) % R) * (N / R));
        sum += complex_mul(packed_input(index + s * L), turn);
    }
    return complex_mul(sum, twiddle((index * part * 2u) & (N - 1u)));
}

@compute @workgroup_size(WIDTH)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) i: u32) {
    job = table.jobs[table.header.first[CLASS] + group.y];
    // The newest hop ends the frame.
    var end = job.history_at + job.hop;
    oldest = end + job.history_len - N;
    if (oldest >= job.history_len) {
        oldest -= job.history_len;
    }
    turned = select(K - job.m / 4u, 0u, (job.flags & STILL) != 0u);
    transform(i, group.x);
    let v = last_pass(i);
    let to = job.spectra + job.spectra_at * (K + 1u);
    if (R == 1u) {
        split_all(to, i, v);
    } else {
        let packed = job.scratch + group.x;
        frames[packed + i * R] = v.a;
        frames[packed + (i + WIDTH) * R] = v.b;
        frames[packed + (i + 2u * WIDTH) * R] = v.c;
        frames[packed + (i + 3u * WIDTH) * R] = v.d;
        frames[packed + (i + 4u * WIDTH) * R] = v.e;
        frames[packed + (i + 5u * WIDTH) * R] = v.f;
        frames[packed + (i + 6u * WIDTH) * R] = v.g;
        frames[packed + (i + 7u * WIDTH) * R] = v.h;
    }
}

// Second stage for R > 1: packed points in scratch to bins.
@compute @workgroup_size(64)
fn split_bins(@builtin(global_invocation_id) id: vec3<u32>) {
    let k = id.x;
    if (k > K / 2u) {
        return;
    }
    job = table.jobs[table.header.first[CLASS] + id.y];
    let to = job.spectra + job.spectra_at * (K + 1u);
    split(to, k, frames[job.scratch + k], frames[job.scratch + ((K - k) & (K - 1u))]);
}
