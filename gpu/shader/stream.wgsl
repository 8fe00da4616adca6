// The end of the stream: finished hops out of overlapping frames.

// Output hop n: synthesis parts of frames n - (M / H - 1) .. n, oldest first, as the twin adds.
// One invocation makes two neighbouring samples.
@compute @workgroup_size(64)
fn overlap_add(@builtin(global_invocation_id) id: vec3<u32>) {
    let job = table.jobs[id.y];
    if (2u * id.x >= job.hop || job.output == NONE) {
        return;
    }
    let half = job.m / 2u;
    let overlap = job.m / job.hop;
    var sum = vec2<f32>(0.0);
    for (var back = overlap; back > 0u; back--) {
        let age = back - 1u;
        var slot = job.frames_at + job.frames_len - age;
        if (slot >= job.frames_len) {
            slot -= job.frames_len;
        }
        sum += frames[job.frames + slot * half + age * (job.hop / 2u) + id.x];
    }
    outbox[job.output + 2u * id.x] = sum.x;
    outbox[job.output + 2u * id.x + 1u] = sum.y;
}
