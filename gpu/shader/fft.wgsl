// Complex FFT of L points in workgroup memory: Stockham, one radix-2 or radix-4 pass where L asks
// for it, radix 8 for the rest. Each of the L / 8 invocations holds eight points in registers
// between its reads and its writes, so that one tile serves as source and target.
//
// Whoever includes this declares `fn source(index: u32, part: u32) -> vec2<f32>`: point `index` of
// the transform that belongs to workgroup `part`.

const WIDTH: u32 = L / 8u;
const SQRT_HALF: f32 = 0.70710678118654752;

var<workgroup> tile: array<vec2<f32>, L>;

struct Eight {
    a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>,
    e: vec2<f32>, f: vec2<f32>, g: vec2<f32>, h: vec2<f32>,
}

fn twiddle(index: u32) -> vec2<f32> {
    return tables[TWIDDLES + index];
}

fn radix_8(v: Eight) -> Eight {
    // Even points a c e g, odd points b d f h.
    let even_sum = v.a + v.e;
    let even_dif = v.a - v.e;
    let even_sum_2 = v.c + v.g;
    let even_dif_2 = turn_back(v.c - v.g);
    let e0 = even_sum + even_sum_2;
    let e1 = even_dif + even_dif_2;
    let e2 = even_sum - even_sum_2;
    let e3 = even_dif - even_dif_2;
    let odd_sum = v.b + v.f;
    let odd_dif = v.b - v.f;
    let odd_sum_2 = v.d + v.h;
    let odd_dif_2 = turn_back(v.d - v.h);
    let o0 = odd_sum + odd_sum_2;
    let o1_raw = odd_dif + odd_dif_2;
    let o2 = turn_back(odd_sum - odd_sum_2);
    let o3_raw = odd_dif - odd_dif_2;
    let o1 = SQRT_HALF * (o1_raw + turn_back(o1_raw));
    let o3 = SQRT_HALF * (turn_back(o3_raw) - o3_raw);
    return Eight(e0 + o0, e1 + o1, e2 + o2, e3 + o3, e0 - o0, e1 - o1, e2 - o2, e3 - o3);
}

// Two radix-4 butterflies: points a c e g and b d f h.
fn radix_4_twice(v: Eight) -> Eight {
    let s0 = v.a + v.e;
    let d0 = v.a - v.e;
    let s1 = v.c + v.g;
    let d1 = turn_back(v.c - v.g);
    let t0 = v.b + v.f;
    let u0 = v.b - v.f;
    let t1 = v.d + v.h;
    let u1 = turn_back(v.d - v.h);
    return Eight(s0 + s1, t0 + t1, d0 + d1, u0 + u1, s0 - s1, t0 - t1, d0 - d1, u0 - u1);
}

// Four radix-2 butterflies: a e, b f, c g, d h.
fn radix_2_four_times(v: Eight) -> Eight {
    return Eight(v.a + v.e, v.b + v.f, v.c + v.g, v.d + v.h,
                 v.a - v.e, v.b - v.f, v.c - v.g, v.d - v.h);
}

// The first pass needs no twiddles: it reads from `source` and leaves the tile filled.
fn first_pass(i: u32, part: u32) {
    let v = Eight(
        source(i, part), source(i + WIDTH, part),
        source(i + 2u * WIDTH, part), source(i + 3u * WIDTH, part),
        source(i + 4u * WIDTH, part), source(i + 5u * WIDTH, part),
        source(i + 6u * WIDTH, part), source(i + 7u * WIDTH, part));
    if (FIRST == 8u) {
        let w = radix_8(v);
        let to = i * 8u;
        tile[to] = w.a;
        tile[to + 1u] = w.b;
        tile[to + 2u] = w.c;
        tile[to + 3u] = w.d;
        tile[to + 4u] = w.e;
        tile[to + 5u] = w.f;
        tile[to + 6u] = w.g;
        tile[to + 7u] = w.h;
    } else if (FIRST == 4u) {
        let w = radix_4_twice(v);
        let to = i * 4u;
        let to_2 = (i + WIDTH) * 4u;
        tile[to] = w.a;
        tile[to + 1u] = w.c;
        tile[to + 2u] = w.e;
        tile[to + 3u] = w.g;
        tile[to_2] = w.b;
        tile[to_2 + 1u] = w.d;
        tile[to_2 + 2u] = w.f;
        tile[to_2 + 3u] = w.h;
    } else {
        let w = radix_2_four_times(v);
        let to = i * 2u;
        tile[to] = w.a;
        tile[to + 1u] = w.e;
        tile[to + 2u * WIDTH] = w.b;
        tile[to + 2u * WIDTH + 1u] = w.f;
        tile[to + 4u * WIDTH] = w.c;
        tile[to + 4u * WIDTH + 1u] = w.g;
        tile[to + 6u * WIDTH] = w.d;
        tile[to + 6u * WIDTH + 1u] = w.h;
    }
}

// Reads and turns the eight points of one radix-8 butterfly whose finished blocks have `span` points.
fn gather(i: u32, span: u32) -> Eight {
    let k = i & (span - 1u);
    let step = k * (N / (8u * span));
    let w1 = twiddle(step);
    let w2 = twiddle(2u * step);
    let w4 = twiddle(4u * step);
    let w3 = complex_mul(w1, w2);
    let w5 = complex_mul(w1, w4);
    let w6 = complex_mul(w2, w4);
    let w7 = complex_mul(w3, w4);
    return radix_8(Eight(
        tile[i],
        complex_mul(tile[i + WIDTH], w1),
        complex_mul(tile[i + 2u * WIDTH], w2),
        complex_mul(tile[i + 3u * WIDTH], w3),
        complex_mul(tile[i + 4u * WIDTH], w4),
        complex_mul(tile[i + 5u * WIDTH], w5),
        complex_mul(tile[i + 6u * WIDTH], w6),
        complex_mul(tile[i + 7u * WIDTH], w7)));
}

fn middle_pass(i: u32, span: u32) {
    workgroupBarrier();
    let w = gather(i, span);
    workgroupBarrier();
    let k = i & (span - 1u);
    let to = (i - k) * 8u + k;
    tile[to] = w.a;
    tile[to + span] = w.b;
    tile[to + 2u * span] = w.c;
    tile[to + 3u * span] = w.d;
    tile[to + 4u * span] = w.e;
    tile[to + 5u * span] = w.f;
    tile[to + 6u * span] = w.g;
    tile[to + 7u * span] = w.h;
}

// All passes but the last: afterwards `last_pass` gives points i + r * WIDTH.
fn transform(i: u32, part: u32) {
    first_pass(i, part);
    if (FIRST * 8u < L) {
        middle_pass(i, FIRST);
    }
    if (FIRST * 64u < L) {
        middle_pass(i, FIRST * 8u);
    }
    if (FIRST * 512u < L) {
        middle_pass(i, FIRST * 64u);
    }
}

fn last_pass(i: u32) -> Eight {
    workgroupBarrier();
    return gather(i, WIDTH);
}
