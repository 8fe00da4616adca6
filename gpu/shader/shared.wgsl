// Layouts shared by every kernel and by Rust (`src/backend/layout.rs`, `scumble_dsp::FrameParams`).
// A test parses this file with naga and compares each size and offset with the Rust structs.
//
// Words prepended when a kernel is built for one transform size:
//   N  samples of the transform          K = N / 2  packed complex points
//   L  points transformed in one workgroup's memory, at most 4096
//   R  K / L, workgroups that share one transform
//   CLASS  log2(N) - 9, the row of `Header.first` of this size
//   FIRST  radix of the first pass: what L leaves when every other pass has radix 8
//   TWIDDLES  element of `tables` where exp(-2 pi i m / N) begins, N entries

// Marks an offset that leads nowhere: no field, no output wanted.
const NONE: u32 = 0xffffffffu;

const PI: f32 = 3.14159265358979;

// One frame of one channel of one session.
struct Job {
    // Samples in a hop.
    hop: u32,
    // History arena: where the channel's ring of input begins, its length, where this hop goes.
    history: u32,
    history_len: u32,
    history_at: u32,
    // Spectra arena (complex): ring of analysed frames, its length in frames, this frame's slot.
    spectra: u32,
    spectra_len: u32,
    spectra_at: u32,
    // Frames arena (complex, two samples each): ring of synthesis parts.
    frames: u32,
    frames_len: u32,
    frames_at: u32,
    // Frames arena: scratch for this frame's processed spectrum.
    scratch: u32,
    // Inbox word of the frame's FrameParams.
    params: u32,
    // Inbox word of the painted columns under the playhead, or NONE: number of bands; the cells of
    // the column and of the next, eight lanes a band; the running phases of the column's bands, and
    // their rates.
    field: u32,
    // Outbox word of the finished hop, or NONE.
    output: u32,
    // Samples of analysis and of synthesis.
    n: u32,
    m: u32,
    // Tables: windows, two samples an element.
    analysis: u32,
    synthesis: u32,
    // Tables: for each bin the band below it and how far it is to the next.
    places: u32,
    // Held arena word of the frozen spectrum (re, im, advance: a row each), or NONE.
    held: u32,
    // Frames between the taps of effects that look back.
    stride: u32,
    // Taps a second, and bins for a turn in 2^32 of 1/256 samples.
    strides_per_second: f32,
    bins_per_rate: f32,
    // Bit 0: analyse only (history is being rebuilt). Bit 1: neutral, the spectrum stays as it is.
    // Bit 2: the frame is not turned to the centre of its synthesis part (whole clips).
    flags: u32,
}

const ANALYSE_ONLY: u32 = 1u;
const NEUTRAL: u32 = 2u;
const STILL: u32 = 4u;

// Jobs are sorted by size: first[CLASS] is the index of the first job of a size.
struct Header {
    first: array<u32, 8>,
    jobs: u32,
    pad_0: u32,
    pad_1: u32,
    pad_2: u32,
}

struct Table {
    header: Header,
    jobs: array<Job>,
}

@group(0) @binding(0) var<storage, read> table: Table;
@group(0) @binding(1) var<storage, read> inbox: array<u32>;
@group(0) @binding(2) var<storage, read> tables: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> held: array<u32>;
@group(0) @binding(4) var<storage, read> history: array<f32>;
@group(0) @binding(5) var<storage, read_write> spectra: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> frames: array<vec2<f32>>;
@group(0) @binding(7) var<storage, read_write> outbox: array<f32>;

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
