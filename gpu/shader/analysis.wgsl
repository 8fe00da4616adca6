// Layouts shared by the kernels of the analysis (transforms, pictures, fields, strokes on a store) and by Rust
// (`src/compute/steps.rs`). A test compares each size and offset.
//
// A task is a list of steps, each one kernel over a range of items; a portion is as many items as
// one submission may hold, so that a step may come in several pieces: `first..end` says which.

const PI: f32 = 3.14159265358979;

// Marks what a step does without: no window.
const NONE: u32 = 0xffffffffu;

struct Step {
    // Items of this piece.
    first: u32,
    end: u32,
    // Points of a row, and rows of a group of frames.
    n: u32,
    rows: u32,
    // Transforms: points of the finished blocks, and how many of them meet (the radix).
    span: u32,
    radix: u32,
    // Elements of `work` where source and target begin.
    source: u32,
    target_at: u32,
    // Element of `turns` where exp(-2 pi i m / n) begins, and how far its entries stand apart.
    turns: u32,
    turn_step: u32,
    // -1 turns the other way: an inverse transform.
    sign: f32,
    // Sound: where the first row begins, how far rows stand apart, how long the sound is, by how
    // many samples a row is turned, the window in `weights` or NONE.
    start: i32,
    hop: u32,
    samples: u32,
    turned: u32,
    window: u32,
    // First band, and samples of the transform whose bins the bands look at.
    bands: u32,
    whole: u32,
    // Where results lie: the first, how far rows stand apart, how many of a row from which on.
    place: u32,
    stride: u32,
    keep: u32,
    count: u32,
    // Kernels say what for.
    flags: u32,
    gain: f32,
    top_db: f32,
    // Items of a row and its reciprocal, the reciprocal of the span, and how far the turns of
    // neighbouring points stand apart: divisions are dear, and known beforehand.
    row_items: u32,
    per_row: f32,
    per_span: f32,
    unit: u32,
}

// One filter over the bins of a spectrum that goes round.
struct Band {
    bin: u32,
    // Its weights.
    at: u32,
    len: u32,
    // Where its first bin falls when folded to `frames` bins.
    fold_at: u32,
    frames: u32,
    // Element of `work`, from the target on, where its folded row begins.
    row: u32,
}

@group(0) @binding(0) var<storage, read> step: Step;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> turns: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> bands: array<Band>;
@group(0) @binding(5) var<storage, read_write> work: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> output: array<u32>;

fn complex_mul(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

fn conjugate(a: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x, -a.y);
}

// -i * a
fn turn_back(a: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.y, -a.x);
}

// exp(-2 pi i index / n), or its conjugate on the way back.
fn turn(index: u32) -> vec2<f32> {
    let w = turns[step.turns + index * step.turn_step];
    return vec2<f32>(w.x, w.y * step.sign);
}

// a / by, given the reciprocal; right where the quotient is below 2^22.
fn quotient(a: u32, by: u32, reciprocal: f32) -> u32 {
    let near = u32(f32(a) * reciprocal);
    let left = i32(a) - i32(near * by);
    return near + select(0u, 1u, left >= i32(by)) - select(0u, 1u, left < 0);
}

// The row of an item.
fn row_of(item: u32) -> u32 {
    return quotient(item, step.row_items, step.per_row);
}
