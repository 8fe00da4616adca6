// From the packed transform of a real signal to its bins.

// Bins k and K - k of a real signal from the packed transform's points k and K - k.
fn split(to: u32, k: u32, low: vec2<f32>, high: vec2<f32>) {
    let mirrored = conjugate(high);
    let even = 0.5 * (low + mirrored);
    let odd = turn_back(complex_mul(twiddle(k), 0.5 * (low - mirrored)));
    spectra[to + k] = even + odd;
    spectra[to + K - k] = conjugate(even - odd);
}

// All bins, where one workgroup holds all points: `v` is what its last pass gave to invocation `i`.
fn split_all(to: u32, i: u32, v: Eight) {
    workgroupBarrier();
    tile[i] = v.a;
    tile[i + WIDTH] = v.b;
    tile[i + 2u * WIDTH] = v.c;
    tile[i + 3u * WIDTH] = v.d;
    tile[i + 4u * WIDTH] = v.e;
    tile[i + 5u * WIDTH] = v.f;
    tile[i + 6u * WIDTH] = v.g;
    tile[i + 7u * WIDTH] = v.h;
    workgroupBarrier();
    for (var k = i; k < L / 2u; k += WIDTH) {
        split(to, k, tile[k], tile[(L - k) & (L - 1u)]);
    }
    if (i == 0u) {
        split(to, L / 2u, tile[L / 2u], tile[L / 2u]);
    }
}
