// `scumble_dsp::effect`: what comes after the effects along time and needs no neighbouring bins:
// freeze, diffusion, filter. One invocation a bin. Reads the spectrum, or what `time.wgsl` made of it;
// writes the frame's scratch.

// `freeze::crossfade` for one bin.
fn frozen(k: u32, value: vec2<f32>) -> vec2<f32> {
    let mix = 1.0 - (1.0 - params.freeze) * (1.0 - params.freeze_paint * lane(FREEZE_LANE, k));
    let captured = vec2<f32>(
        bitcast<f32>(held[job.held + k]), bitcast<f32>(held[job.held + bins + k]));
    let advance = held[job.held + 2u * bins + k];
    let now = complex_mul(captured, unit(turns_f32(advance * params.freeze_age)));
    return value + mix * (now - value);
}

// As many workgroups as the adapter likes share a frame.
@compute @workgroup_size(64)
fn effect(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    job = table.jobs[id.y];
    if ((job.flags & (ANALYSE_ONLY | NEUTRAL)) != 0u) {
        return;
    }
    load_params();
    let timed = along_time_is_on();
    let hold = (params.flags & FREEZE) != 0u && job.held != NONE;
    let ends = !blurs();
    let last = ends && !warps();
    let now = job.spectra + job.spectra_at * bins;
    for (var k = id.x; k < bins; k += 64u * groups.x) {
        var value: vec2<f32>;
        if (timed) {
            value = frames[job.scratch + k];
        } else {
            value = spectra[now + k];
        }
        if (hold) {
            value = frozen(k, value);
        }
        if (ends) {
            value = diffused(k, value);
        }
        if (last) {
            value = finished(k, value);
        }
        frames[job.scratch + k] = value;
    }
}
