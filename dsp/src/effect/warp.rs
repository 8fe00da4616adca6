//! Warp: moves sound along frequency. Shift, stretch about a pivot and painted displacement are one
//! map: a displacement, in bins, for each *band* of one bin's width, with a running phase each.
//!
//! A pure frame cannot remember how far each tone has turned, so displacement must be constant
//! within a band for its phase to be a number that the framer can count. Which band a bin belongs to
//! follows from the energy around it (its centroid), not from its own place: so the whole lobe of a
//! tone moves as one and stays a tone. Between two bands the choice fades, over a quarter of a band.
//!
//! A fraction of a bin is moved by a windowed sinc. Spectra have their phase reference where the
//! synthesis window looks (`WindowSpec::centre`), and there the sinc is exact.

use super::{Tables, Work};
use crate::field::{Field, Lane};
use crate::frame::{FrameParams, flag};
use crate::math::{cos_turns, sin_turns, smoothstep, turns_f32, wide};
use crate::quality::WindowSpec;

/// Length of the kernel that moves by a fraction, bins.
pub const KERNEL: usize = 8;
/// The kernel's first tap, relative to the whole part of the move.
pub const FIRST_TAP: i32 = -3;
/// Fractions at which the kernel is tabulated; linear between.
pub const FRACTIONS: usize = 512;
/// Part of a band over which the choice between two bands fades.
pub const CHOICE: f32 = 0.25;
/// Half width, in bins, of the neighbourhood whose energy decides.
pub const NEIGHBOURS: usize = 3;

/// Kaiser parameter of the kernel's window.
const BETA: f64 = 5.0;

/// `[fraction * KERNEL + tap]`: windowed sinc at `FIRST_TAP + tap - fraction / FRACTIONS`.
pub fn kernel_table() -> Vec<f32> {
    let half = KERNEL as f64 / 2.0;
    let bessel = |x: f64| {
        let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
        while term > sum * 1e-18 {
            term *= x * x / 4.0 / (k * k);
            sum += term;
            k += 1.0;
        }
        sum
    };
    let mut table = Vec::with_capacity((FRACTIONS + 1) * KERNEL);
    for f in 0..=FRACTIONS {
        for tap in 0..KERNEL {
            let x = f64::from(FIRST_TAP) + tap as f64 - f as f64 / FRACTIONS as f64;
            let window = bessel(BETA * (1.0 - (x / half).powi(2)).max(0.0).sqrt()) / bessel(BETA);
            let angle = std::f64::consts::PI * x;
            let sinc = if x == 0.0 {
                1.0
            } else if x == x.round() {
                0.0
            } else {
                angle.sin() / angle
            };
            table.push((window * sinc) as f32);
        }
    }
    table
}

/// What is done to the bins of one band.
#[derive(Clone, Copy, Debug, Default)]
struct Band {
    kernel: [f32; KERNEL],
    /// The running phase as a phasor.
    cos: f32,
    sin: f32,
    /// Whole part of the displacement, from a bin to where the kernel's first tap lands in a row
    /// with `MARGIN`; bands far outside land nowhere.
    start: i32,
}

/// The map of one frame, band by band.
pub struct WarpTable {
    kernels: Vec<f32>,
    bands: Vec<Band>,
    /// Displacement in bins and phase in turns, before they are taken apart.
    displacement: Vec<f32>,
    phase: Vec<u32>,
    /// All bands move alike: no choice is needed.
    uniform: bool,
    /// The knobs that the kernels stand for, while nothing is painted.
    knobs: Option<(f32, f32, f32)>,
    mix: f32,
    /// From turns per 1/256 sample to bins.
    bins_per_rate: f32,
}

impl WarpTable {
    pub fn new(spec: &WindowSpec) -> Self {
        let bands = spec.bins() + 1;
        Self {
            kernels: kernel_table(),
            bands: vec![Band::default(); bands],
            displacement: vec![0.0; bands],
            phase: vec![0; bands],
            uniform: true,
            knobs: None,
            mix: 0.0,
            bins_per_rate: 256.0 * spec.n as f32 / 4_294_967_296.0,
        }
    }

    pub(super) fn prepare(
        &mut self,
        params: &FrameParams,
        lanes: &super::lanes::Lanes,
        field: &Field,
    ) {
        let painted = params.field_lanes & Lane::WarpFreq.bit() != 0;
        let knobs = if params.flags & flag::WARP != 0 { params.warp_mix } else { 0.0 };
        let paint = if painted { params.paint } else { 0.0 };
        self.mix = 1.0 - (1.0 - knobs) * (1.0 - paint);
        let uniform = params.stretch == 0.0 && params.warp_phase_per_band == 0 && !painted;
        if uniform != self.uniform {
            (self.uniform, self.knobs) = (uniform, None);
        }
        let bands = if self.uniform { 1 } else { self.bands.len() };
        for b in 0..bands {
            let along = params.warp_phase_per_band.wrapping_mul(b as u32);
            self.phase[b] = params.warp_phase.wrapping_add(along);
        }
        let knobs = (!painted).then_some((params.shift, params.stretch, params.pivot));
        if knobs.is_none() || knobs != self.knobs {
            self.knobs = knobs;
            for b in 0..bands {
                self.displacement[b] = params.shift + params.stretch * (b as f32 - params.pivot);
            }
            if painted {
                self.paint(params, lanes, field);
            }
            displace(&self.kernels, &self.displacement[..bands], &mut self.bands);
        }
        phasors(&self.phase[..bands], &mut self.bands);
    }

    /// Displacement, within reach of the bins, and phase in turns of each band.
    pub(super) fn moves(&self) -> impl Iterator<Item = [f32; 2]> + '_ {
        let far = self.bands.len() as f32 * 2.0;
        let all = self.displacement.iter().zip(&self.phase);
        all.map(move |(displacement, &phase)| [displacement.clamp(-far, far), turns_f32(phase)])
    }

    fn paint(&mut self, params: &FrameParams, lanes: &super::lanes::Lanes, field: &Field) {
        let Some(phases) = field.warp_phases() else { return };
        let start = params.column as usize % field.spec().columns * field.spec().bands;
        let bands = self.displacement.len();
        for b in 0..bands {
            let at = start + lanes.nearest_band(b.min(bands - 2));
            let rate = phases.rate[at];
            self.displacement[b] += rate as i32 as f32 * self.bins_per_rate;
            let turned =
                phases.phase(at, params).wrapping_add(rate.wrapping_mul(params.column_ticks));
            self.phase[b] = self.phase[b].wrapping_add(turned);
        }
    }
}

wide! {
    /// Takes displacements apart into whole bins and kernels for the rest.
    fn displace(kernels: &[f32], displacement: &[f32], bands: &mut [Band]) {
        let far = bands.len() as f32 * 2.0;
        for (displacement, band) in displacement.iter().zip(bands) {
            let displacement = displacement.clamp(-far, far);
            let floor = displacement.floor();
            band.start = floor as i32 + FIRST_TAP + MARGIN as i32;
            let at = (displacement - floor) * FRACTIONS as f32;
            let row = (at as i32 as usize).min(FRACTIONS - 1);
            let t = at - row as f32;
            let rows = &kernels[row * KERNEL..][..2 * KERNEL];
            for tap in 0..KERNEL {
                band.kernel[tap] = rows[tap] + (rows[tap + KERNEL] - rows[tap]) * t;
            }
        }
    }
}

wide! {
    fn phasors(phase: &[u32], bands: &mut [Band]) {
        for (&phase, band) in phase.iter().zip(bands) {
            let t = turns_f32(phase);
            band.cos = cos_turns(t);
            band.sin = sin_turns(t);
        }
    }
}

/// Rows with room at both ends for what is moved past the edges.
pub struct WarpWork {
    /// `LANES` sums side by side: neighbouring bins add to different ones, so that no addition has
    /// to wait for the store before it.
    re: [Vec<f32>; LANES],
    im: [Vec<f32>; LANES],
    energy: Vec<f32>,
    choice: Choice,
}

/// The band of each bin, the band next to it, and how much of the bin goes to the first.
struct Choice {
    main: Vec<u32>,
    other: Vec<u32>,
    share: Vec<f32>,
}

const LANES: usize = 4;

/// Room beyond each end.
const MARGIN: usize = 16;

impl WarpWork {
    pub fn new(bins: usize) -> Self {
        let row = || vec![0.0; crate::math::padded(bins) + 2 * MARGIN];
        Self {
            re: std::array::from_fn(|_| row()),
            im: std::array::from_fn(|_| row()),
            energy: row(),
            choice: Choice { main: vec![0; bins], other: vec![0; bins], share: vec![0.0; bins] },
        }
    }
}

wide! {
    /// Which band each bin belongs to: that of the centroid of the energy around it. Fourth powers
    /// are summed, so that a lobe's own peak decides; in silence it is the bin itself. `energy` has
    /// `MARGIN` zeros at both ends.
    fn choose(re: &[f32], im: &[f32], energy: &mut [f32], choice: &mut Choice) {
        let len = re.len();
        let im = &im[..len];
        let (main, other) = (&mut choice.main[..len], &mut choice.other[..len]);
        let share = &mut choice.share[..len];
        energy[..MARGIN].fill(0.0);
        energy[MARGIN + len..].fill(0.0);
        {
            let energy = &mut energy[MARGIN..MARGIN + len];
            for k in 0..len {
                let power = re[k] * re[k] + im[k] * im[k];
                energy[k] = power * power;
            }
        }
        let around = &energy[MARGIN - NEIGHBOURS..MARGIN + len + NEIGHBOURS];
        let last = (len - 1) as f32;
        for k in 0..len {
            let near = &around[k..k + 2 * NEIGHBOURS + 1];
            let sum = near[0] + near[1] + near[2] + near[3] + near[4] + near[5] + near[6];
            let moment = 3.0 * (near[6] - near[0]) + 2.0 * (near[5] - near[1]) + (near[4] - near[2]);
            let place = k as f32 + moment / (sum + 1e-30);
            let place = if place > 0.0 { place } else { 0.0 };
            let place = if place < last { place } else { last };
            // Adding 2^23 rounds to a whole number, whose bits can then be read off.
            let nearest = (place + 8_388_608.0) - 8_388_608.0;
            let lower = if nearest > place { nearest - 1.0 } else { nearest };
            let upper = smoothstep((place - lower - 0.5) * (1.0 / CHOICE) + 0.5);
            let first = if upper >= 0.5 { lower + 1.0 } else { lower };
            let second = if upper >= 0.5 { lower } else { lower + 1.0 };
            main[k] = (first + 8_388_608.0).to_bits() & 0x007f_ffff;
            other[k] = (second + 8_388_608.0).to_bits() & 0x007f_ffff;
            share[k] = if upper >= 0.5 { upper } else { 1.0 - upper };
        }
    }
}

wide! {
    /// All bins by the same displacement: a short convolution and a turn.
    fn shift(
        first: i32,
        kernel: &[f32; KERNEL],
        turn: (f32, f32),
        source: (&[f32], &[f32]),
        re: &mut [f32],
        im: &mut [f32],
    ) {
        let len = re.len();
        let im = &mut im[..len];
        re.fill(0.0);
        im.fill(0.0);
        for (tap, &weight) in kernel.iter().enumerate() {
            let offset = first + tap as i32;
            let to = offset.clamp(0, len as i32) as usize;
            let from = (-offset).clamp(0, len as i32) as usize;
            let count = len - to.max(from);
            let (s_re, s_im) = (&source.0[from..from + count], &source.1[from..from + count]);
            let (d_re, d_im) = (&mut re[to..to + count], &mut im[to..to + count]);
            for k in 0..count {
                d_re[k] += weight * s_re[k];
                d_im[k] += weight * s_im[k];
            }
        }
        for k in 0..len {
            let (a, b) = (re[k], im[k]);
            re[k] = a * turn.0 - b * turn.1;
            im[k] = a * turn.1 + b * turn.0;
        }
    }
}

/// Adds one bin, turned and spread by its band's kernel. Rows have `MARGIN` at both ends.
#[inline(always)]
fn add_bin(
    table: &WarpTable,
    (j, band, weight): (usize, usize, f32),
    source: (f32, f32),
    re: &mut [f32],
    im: &mut [f32],
) {
    let map = &table.bands[band];
    // Past either end it wraps to a large number and lands nowhere.
    let to = (j as i32).wrapping_add(map.start) as u32 as usize;
    if to >= re.len() - KERNEL || to >= im.len() - KERNEL {
        return;
    }
    let (c, s) = (weight * map.cos, weight * map.sin);
    let a = source.0 * c - source.1 * s;
    let z = source.0 * s + source.1 * c;
    add_row(a, &map.kernel, &mut re[to..to + KERNEL]);
    add_row(z, &map.kernel, &mut im[to..to + KERNEL]);
}

/// Through locals, so that the compiler need not fear that the rows are one and takes vectors.
#[inline(always)]
fn add_row(weight: f32, kernel: &[f32; KERNEL], row: &mut [f32]) {
    let mut sum = [0.0f32; KERNEL];
    sum.copy_from_slice(row);
    for tap in 0..KERNEL {
        sum[tap] += weight * kernel[tap];
    }
    row.copy_from_slice(&sum);
}

wide! {
    /// Each bin by the displacement of its band, or of two in part.
    fn scatter(
        table: &WarpTable,
        choice: &Choice,
        source: (&[f32], &[f32]),
        re: &mut [Vec<f32>; LANES],
        im: &mut [Vec<f32>; LANES],
    ) {
        let len = source.0.len();
        let (s_re, s_im) = (source.0, &source.1[..len]);
        let (main, other) = (&choice.main[..len], &choice.other[..len]);
        let share = &choice.share[..len];
        let rows = len + 2 * MARGIN;
        let [r0, r1, r2, r3] = re.each_mut().map(|row| &mut row[..rows]);
        let [i0, i1, i2, i3] = im.each_mut().map(|row| &mut row[..rows]);
        let mut rows = [(r0, i0), (r1, i1), (r2, i2), (r3, i3)];
        for (re, im) in &mut rows {
            re.fill(0.0);
            im.fill(0.0);
        }
        for j in 0..len {
            let (re, im) = &mut rows[j % LANES];
            let source = (s_re[j], s_im[j]);
            add_bin(table, (j, main[j] as usize, share[j]), source, re, im);
            // Most bins lie wholly in one band.
            if share[j] < 1.0 {
                add_bin(table, (j, other[j] as usize, 1.0 - share[j]), source, re, im);
            }
        }
        let [(r0, i0), (r1, i1), (r2, i2), (r3, i3)] = rows;
        for k in 0..r0.len() {
            r0[k] = (r0[k] + r1[k]) + (r2[k] + r3[k]);
            i0[k] = (i0[k] + i1[k]) + (i2[k] + i3[k]);
        }
    }
}

wide! {
    fn crossfade(mix: f32, from: (&[f32], &[f32]), re: &mut [f32], im: &mut [f32]) {
        let len = re.len();
        let (f_re, f_im, im) = (&from.0[..len], &from.1[..len], &mut im[..len]);
        for k in 0..len {
            re[k] += mix * (f_re[k] - re[k]);
            im[k] += mix * (f_im[k] - im[k]);
        }
    }
}

pub(super) fn apply(tables: &Tables, work: &mut Work) {
    let (table, bins) = (&tables.warp, tables.bins());
    let WarpWork { re, im, energy, choice } = &mut work.warp;
    let source = (&work.re[..bins], &work.im[..bins]);
    let inside = MARGIN..MARGIN + bins;
    if table.uniform {
        let band = &table.bands[0];
        let turn = (band.cos, band.sin);
        let (re, im) = (&mut re[0][inside.clone()], &mut im[0][inside.clone()]);
        shift(band.start - MARGIN as i32, &band.kernel, turn, source, re, im);
    } else {
        choose(source.0, source.1, &mut energy[..bins + 2 * MARGIN], choice);
        scatter(table, choice, source, re, im);
    }
    let moved = (&re[0][inside.clone()], &im[0][inside]);
    crossfade(table.mix, moved, &mut work.re[..bins], &mut work.im[..bins]);
}
