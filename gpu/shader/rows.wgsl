// One pass of FFTs of any length, row by row (Stockham, in memory): `radix` finished blocks of
// `span` points become one. One invocation makes one butterfly; a radix without a butterfly of its
// own is summed point by point.

const SIN_60: f32 = 0.8660254;
const COS_72: f32 = 0.30901699;
const COS_144: f32 = -0.80901699;
const SIN_72: f32 = 0.95105652;
const SIN_144: f32 = 0.58778525;

struct Place {
    // Source of point 0, and how far the others stand apart.
    source: u32,
    apart: u32,
    // Target of point 0.
    to: u32,
    // Index of the turn of point 1.
    unit: u32,
}

fn place(item: u32) -> Place {
    let apart = step.row_items;
    let row = row_of(item);
    let t = item - row * apart;
    let k = t - quotient(t, step.span, step.per_span) * step.span;
    let at = row * step.n;
    return Place(
        step.source + at + t,
        apart,
        step.target_at + at + (t - k) * step.radix + k,
        k * step.unit);
}

// Point `i` of the butterfly, turned to where it belongs.
fn turned(p: Place, i: u32) -> vec2<f32> {
    return complex_mul(work[p.source + i * p.apart], turn(i * p.unit));
}

@compute @workgroup_size(64)
fn pass_2(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let p = place(item);
    let a = work[p.source];
    let b = turned(p, 1u);
    work[p.to] = a + b;
    work[p.to + step.span] = a - b;
}

@compute @workgroup_size(64)
fn pass_3(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let p = place(item);
    let a = work[p.source];
    let b = turned(p, 1u);
    let c = turned(p, 2u);
    let sum = b + c;
    let middle = a - 0.5 * sum;
    let side = (step.sign * SIN_60) * turn_back(b - c);
    work[p.to] = a + sum;
    work[p.to + step.span] = middle + side;
    work[p.to + 2u * step.span] = middle - side;
}

@compute @workgroup_size(64)
fn pass_4(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let p = place(item);
    let a = work[p.source];
    let b = turned(p, 1u);
    let c = turned(p, 2u);
    let d = turned(p, 3u);
    let s0 = a + c;
    let d0 = a - c;
    let s1 = b + d;
    let d1 = step.sign * turn_back(b - d);
    work[p.to] = s0 + s1;
    work[p.to + step.span] = d0 + d1;
    work[p.to + 2u * step.span] = s0 - s1;
    work[p.to + 3u * step.span] = d0 - d1;
}

@compute @workgroup_size(64)
fn pass_5(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let p = place(item);
    let a = work[p.source];
    let b = turned(p, 1u);
    let c = turned(p, 2u);
    let d = turned(p, 3u);
    let e = turned(p, 4u);
    let s1 = b + e;
    let d1 = b - e;
    let s2 = c + d;
    let d2 = c - d;
    let m1 = a + COS_72 * s1 + COS_144 * s2;
    let m2 = a + COS_144 * s1 + COS_72 * s2;
    let n1 = step.sign * turn_back(SIN_72 * d1 + SIN_144 * d2);
    let n2 = step.sign * turn_back(SIN_144 * d1 - SIN_72 * d2);
    work[p.to] = a + s1 + s2;
    work[p.to + step.span] = m1 + n1;
    work[p.to + 2u * step.span] = m2 + n2;
    work[p.to + 3u * step.span] = m2 - n2;
    work[p.to + 4u * step.span] = m1 - n1;
}

// One invocation makes one point, wherever it comes from.
@compute @workgroup_size(64)
fn pass_any(@builtin(global_invocation_id) id: vec3<u32>) {
    let item = step.first + id.x;
    if (item >= step.end) {
        return;
    }
    let apart = step.n / step.radix;
    let row = row_of(item);
    let point = item - row * step.n;
    let block = step.span * step.radix;
    let k = point % step.span;
    // Where the point stands in the block that is made.
    let within = point % block;
    let source = step.source + row * step.n + (point / block) * step.span + k;
    var sum = work[source];
    for (var p = 1u; p < step.radix; p++) {
        let index = ((p * within) % block) * (step.n / block);
        sum += complex_mul(work[source + p * apart], turn(index));
    }
    work[step.target_at + item] = sum;
}
