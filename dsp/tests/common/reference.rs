//! The frame function once more, in f64, for clarity and not for speed: direct transforms, direct
//! sums, no tables, no recurrences. It shares with the engine only what is integer by definition
//! (the seeded lattice) and the numbers in `FrameParams`.

use std::f64::consts::TAU;

use scumble_dsp::effect::noise::lattice;
use scumble_dsp::{Field, FrameParams, Lane, TAPS, WindowSpec, flag};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct C(pub f64, pub f64);

impl C {
    pub fn turn(turns: f64) -> Self {
        Self((TAU * turns).cos(), (TAU * turns).sin())
    }
    pub fn abs(self) -> f64 {
        self.0.hypot(self.1)
    }
    pub fn conj(self) -> Self {
        Self(self.0, -self.1)
    }
    pub fn times(self, x: f64) -> Self {
        Self(self.0 * x, self.1 * x)
    }
}

impl std::ops::Add for C {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0, self.1 + o.1)
    }
}

impl std::ops::Mul for C {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self(self.0 * o.0 - self.1 * o.1, self.0 * o.1 + self.1 * o.0)
    }
}

const TURN: f64 = 4_294_967_296.0;

fn turns(phase: u32) -> f64 {
    f64::from(phase) / TURN
}

/// The engine, written down.
pub struct Reference<'a> {
    pub spec: WindowSpec,
    pub rate: f64,
    pub input: &'a [f32],
    pub params: &'a [FrameParams],
    pub field: Option<&'a Field>,
    spectra: Vec<Option<Vec<C>>>,
}

impl<'a> Reference<'a> {
    pub fn new(
        spec: WindowSpec,
        rate: f64,
        input: &'a [f32],
        params: &'a [FrameParams],
        field: Option<&'a Field>,
    ) -> Self {
        Self { spec, rate, input, params, field, spectra: vec![None; params.len()] }
    }

    fn sample(&self, t: i64) -> f64 {
        usize::try_from(t).ok().and_then(|t| self.input.get(t)).map_or(0.0, |&x| f64::from(x))
    }

    /// Direct transform with the phase reference at the centre of the synthesis part.
    fn transform(&self, end: i64) -> Vec<C> {
        let windows = self.spec.windows();
        let (n, centre) = (self.spec.n as i64, self.spec.centre() as i64);
        (0..self.spec.bins() as i64)
            .map(|k| {
                (0..n).fold(C::default(), |sum, i| {
                    let x = f64::from(windows.analysis[i as usize]) * self.sample(end - n + i);
                    let angle = (k * (i - centre)).rem_euclid(n) as f64 / n as f64;
                    sum + C::turn(-angle).times(x)
                })
            })
            .collect()
    }

    fn spectrum(&mut self, frame: i64) -> Vec<C> {
        if frame < 0 {
            return vec![C::default(); self.spec.bins()];
        }
        let slot = frame as usize;
        if self.spectra[slot].is_none() {
            self.spectra[slot] = Some(self.transform((frame + 1) * self.spec.h as i64));
        }
        self.spectra[slot].clone().expect("just made")
    }

    pub fn hop(&mut self, n: usize) -> Vec<f64> {
        let (m, h) = (self.spec.m, self.spec.h);
        let mut out = vec![0.0; h];
        for frame in (n + 1).saturating_sub(self.spec.overlap())..=n {
            let part = self.part(frame);
            let from = (n - frame) * h;
            assert!(from + h <= m);
            for i in 0..h {
                out[i] += part[from + i];
            }
        }
        out
    }

    /// Synthesis part of a frame: inverse transform by direct sum.
    fn part(&mut self, frame: usize) -> Vec<f64> {
        let y = self.processed(frame);
        let windows = self.spec.windows();
        let (n, m) = (self.spec.n as i64, self.spec.m as i64);
        let nyquist = y.len() - 1;
        (0..m)
            .map(|j| {
                let tau = j - m / 2;
                let mut x = y[0].0 + y[nyquist].0 * if tau % 2 == 0 { 1.0 } else { -1.0 };
                for (k, value) in y.iter().enumerate().take(nyquist).skip(1) {
                    let angle = (k as i64 * tau).rem_euclid(n) as f64 / n as f64;
                    x += 2.0 * (*value * C::turn(angle)).0;
                }
                x / n as f64 * f64::from(windows.synthesis[j as usize])
            })
            .collect()
    }

    /// A lane at a bin: linear between bands and between columns.
    fn lane(&self, p: &FrameParams, lane: Lane, k: usize) -> f64 {
        let Some(field) = self.field.filter(|_| p.field_lanes & lane.bit() != 0) else {
            return 0.0;
        };
        let (band, fraction) = self.place(field, k);
        let t = f64::from(p.column_fraction);
        let column = |c: usize| {
            let cell = |b: usize| f64::from(field.column(c).cells[b][lane as usize]);
            cell(band) * (1.0 - fraction) + cell(band + 1) * fraction
        };
        let c = p.column as usize;
        (column(c) * (1.0 - t) + column(c + 1) * t) * f64::from(p.paint)
    }

    fn place(&self, field: &Field, k: usize) -> (usize, f64) {
        let bands = field.spec().bands;
        let hz = (k as f64 * self.rate / self.spec.n as f64).max(20.0);
        let octaves = (self.rate / 2.0 / 20.0).log2();
        let at = ((hz / 20.0).log2() / octaves * (bands - 1) as f64).min((bands - 1) as f64);
        let band = (at as usize).min(bands - 2);
        (band, at - band as f64)
    }

    fn processed(&mut self, frame: usize) -> Vec<C> {
        let p = self.params[frame];
        let mut y = self.along_time(frame as i64, &p);
        self.frozen(&p, &mut y);
        self.blurred(&p, &mut y);
        if p.flags & flag::DIFFUSE != 0 {
            for (k, value) in y.iter_mut().enumerate() {
                *value = *value * C::turn(f64::from(p.diffuse) * wander(&p, k));
            }
        }
        if p.uses(flag::WARP, Lane::WarpFreq.bit()) {
            y = self.warped(&p, &y);
        }
        for (k, value) in y.iter_mut().enumerate() {
            *value = value.times(self.gain(&p, k));
        }
        y
    }

    fn gain(&self, p: &FrameParams, k: usize) -> f64 {
        let bin = (k as f64).max(1e-3);
        let (low, high) = (f64::from(p.low_cut) / bin, bin * f64::from(p.high_cut_inverse));
        let slopes = 1.0 / ((1.0 + low.powi(8)) * (1.0 + high.powi(8))).sqrt();
        slopes * 10f64.powf(self.lane(p, Lane::Gain, k) / 20.0)
    }

    fn along_time(&mut self, frame: i64, p: &FrameParams) -> Vec<C> {
        let stride = self.spec.stride_hops() as i64;
        let lanes = [Lane::BlurTime, Lane::WarpTime, Lane::ModLow, Lane::ModHigh];
        let painted = lanes.iter().any(|l| p.field_lanes & l.bit() != 0);
        if p.flags & flag::TIME == 0 && !painted {
            return self.spectrum(frame);
        }
        let taps: Vec<_> = (0..=TAPS as i64).map(|m| self.spectrum(frame - m * stride)).collect();
        let per_second = self.rate / (stride as f64 * self.spec.h as f64);
        (0..self.spec.bins())
            .map(|k| {
                let mag = |m: usize| taps[m.min(TAPS - 1)][k].abs();
                let blur = f64::from(p.blur_time) + self.lane(p, Lane::BlurTime, k) * per_second;
                let smooth = f64::from(p.mod_smooth) + self.lane(p, Lane::ModHigh, k) * per_second;
                let corner = f64::from(p.mod_low) + self.lane(p, Lane::ModLow, k) / per_second;
                // The low-pass is late by one and a half sigmas.
                let (sigma, centre) = (blur.hypot(smooth), 1.5 * smooth);
                let delay =
                    (self.lane(p, Lane::WarpTime, k) * per_second).clamp(0.0, (TAPS - 1) as f64);
                let first = (delay as usize).min(TAPS - 2);
                let part = delay - first as f64;
                let between = |m: usize| mag(first + m) * (1.0 - part) + mag(first + m + 1) * part;
                let mean = |sigma: f64, centre: f64| {
                    let w = |m: usize| gaussian(m as f64, centre, sigma);
                    (0..TAPS).map(|m| w(m) * between(m)).sum::<f64>()
                        / (0..TAPS).map(w).sum::<f64>()
                };
                let share = (corner * 128.0).min(1.0);
                let target = (mean(sigma, centre)
                    - share * mean(0.132_51 / corner.max(1.0 / 128.0), 0.0))
                .max(0.0);

                let nearer = {
                    let x = ((part - 0.3) * 2.5).clamp(0.0, 1.0);
                    x * x * (3.0 - 2.0 * x)
                };
                let carrier = |start: usize| {
                    let (mut sum, mut norm) = (taps[start][k], 1.0);
                    for m in [1usize, 2, 4, 8, 16] {
                        let at = (start + m).min(TAPS - 1);
                        let (here, older) = (taps[at][k], taps[at + 1][k]);
                        let size = here.abs() * older.abs();
                        let advance = (here * older.conj()).times(1.0 / size.max(1e-30));
                        let forward = (0..m).fold(C(1.0, 0.0), |z, _| z * advance);
                        let weight =
                            gaussian(m as f64, centre, sigma) / gaussian(0.0, centre, sigma);
                        sum = sum + (here * forward).times(weight);
                        norm += weight;
                    }
                    sum.times(1.0 / norm)
                };
                let carrier = carrier(first).times(1.0 - nearer) + carrier(first + 1).times(nearer);
                with_magnitude(carrier, target, fill(p, k))
            })
            .collect()
    }

    fn frozen(&mut self, p: &FrameParams, y: &mut [C]) {
        if p.flags & flag::FREEZE == 0 {
            return;
        }
        let at = i64::from(p.freeze_frame);
        let now = self.spectrum(at);
        let before = self.transform(at * self.spec.h as i64);
        // A hill ends where the magnitude rises again.
        let mags: Vec<f32> = now.iter().map(|c| c.abs() as f32).collect();
        let mut k = 0;
        while k < y.len() {
            let mut peak = k;
            while peak + 1 < y.len() && mags[peak + 1] > mags[peak] {
                peak += 1;
            }
            let mut end = peak + 1;
            while end < y.len() && mags[end] <= mags[end - 1] {
                end += 1;
            }
            let z = now[peak] * before[peak].conj();
            let advance = z.1.atan2(z.0) / TAU;
            for (bin, value) in y.iter_mut().enumerate().take(end).skip(k) {
                let held = now[bin] * C::turn((advance * f64::from(p.freeze_age)).fract());
                let lane = self.lane(p, Lane::Freeze, bin);
                let mix =
                    1.0 - (1.0 - f64::from(p.freeze)) * (1.0 - f64::from(p.freeze_paint) * lane);
                *value = value.times(1.0 - mix) + held.times(mix);
            }
            k = end;
        }
    }

    fn blurred(&self, p: &FrameParams, y: &mut [C]) {
        if !p.uses(flag::BLUR_FREQ, Lane::BlurFreq.bit()) {
            return;
        }
        let mags: Vec<f64> = y.iter().map(|c| c.abs()).collect();
        let len = mags.len() as f64;
        for (k, value) in y.iter_mut().enumerate() {
            let octaves = f64::from(p.blur_freq) + self.lane(p, Lane::BlurFreq, k);
            let sigma = k as f64 * std::f64::consts::LN_2 * octaves;
            let mut target = 0.0;
            for (width, weight) in scumble_dsp::effect::blur::BOXES {
                let half = ((f64::from(width) * sigma).powi(2) + 0.25).sqrt();
                let centre = k as f64 + 0.5;
                let (low, high) = ((centre - half).max(0.0), (centre + half).min(len));
                let inside: f64 = mags
                    .iter()
                    .enumerate()
                    .map(|(j, mag)| mag * (high.min(j as f64 + 1.0) - low.max(j as f64)).max(0.0))
                    .sum();
                target += f64::from(weight) * inside / (high - low);
            }
            *value = with_magnitude(*value, target, fill(p, k));
        }
    }

    fn warped(&self, p: &FrameParams, y: &[C]) -> Vec<C> {
        let painted = p.field_lanes & Lane::WarpFreq.bit() != 0;
        let bins = y.len() as i64;
        let uniform = p.stretch == 0.0 && p.warp_phase_per_band == 0 && !painted;
        let phases = self.field.filter(|_| painted).and_then(|f| f.warp_phases().map(|w| (f, w)));
        let band = |b: i64| {
            let along = f64::from(p.stretch) * (b as f64 - f64::from(p.pivot));
            let mut displacement = f64::from(p.shift) + along;
            let mut phase = p.warp_phase.wrapping_add(p.warp_phase_per_band.wrapping_mul(b as u32));
            if let Some((field, phases)) = phases {
                let (low, fraction) = self.place(field, b.min(bins - 1) as usize);
                let nearest = low + usize::from(fraction >= 0.5);
                let at = p.column as usize * field.spec().bands + nearest;
                displacement +=
                    f64::from(phases.rate[at] as i32) * 256.0 * self.spec.n as f64 / TURN;
                phase = phase
                    .wrapping_add(phases.before[at].wrapping_mul(p.ticks_per_column))
                    .wrapping_add(phases.rate[at].wrapping_mul(p.column_ticks));
            }
            (displacement, C::turn(turns(phase)))
        };
        let mut out = vec![C::default(); y.len()];
        for j in 0..bins {
            let power =
                |i: i64| if (0..bins).contains(&i) { y[i as usize].abs().powi(4) } else { 0.0 };
            let around = j - 3..=j + 3;
            let sum: f64 = around.clone().map(power).sum();
            let moment: f64 = around.map(|i| (i - j) as f64 * power(i)).sum();
            let place = (j as f64 + moment / (sum + 1e-30)).clamp(0.0, (bins - 1) as f64);
            let lower = place as i64;
            let upper = {
                let x = ((place - lower as f64 - 0.5) * 4.0 + 0.5).clamp(0.0, 1.0);
                x * x * (3.0 - 2.0 * x)
            };
            for (b, weight) in [(lower, 1.0 - upper), (lower + 1, upper)] {
                let (displacement, phase) = band(if uniform { 0 } else { b });
                let whole = displacement.floor();
                for tap in -3..=4 {
                    let to = j + whole as i64 + tap;
                    if (0..bins).contains(&to) {
                        let x = tap as f64 - (displacement - whole);
                        let moved = y[j as usize] * phase;
                        out[to as usize] = out[to as usize] + moved.times(weight * sinc(x));
                    }
                }
            }
        }
        let knobs = if p.flags & flag::WARP != 0 { f64::from(p.warp_mix) } else { 0.0 };
        let paint = if painted { f64::from(p.paint) } else { 0.0 };
        let mix = 1.0 - (1.0 - knobs) * (1.0 - paint);
        y.iter().zip(&out).map(|(a, b)| a.times(1.0 - mix) + b.times(mix)).collect()
    }
}

fn gaussian(x: f64, centre: f64, sigma: f64) -> f64 {
    if sigma <= 0.0 {
        return if x == 0.0 { 1.0 } else { 0.0 };
    }
    (-(x - centre).powi(2) / (2.0 * sigma * sigma)).exp()
}

/// Sinc under a Kaiser window of eight bins.
fn sinc(x: f64) -> f64 {
    let bessel = |x: f64| {
        (1..60)
            .fold((1.0, 1.0), |(sum, term): (f64, f64), k| {
                let term = term * x * x / 4.0 / f64::from(k * k);
                (sum + term, term)
            })
            .0
    };
    let window = bessel(5.0 * (1.0 - (x / 4.0).powi(2)).max(0.0).sqrt()) / bessel(5.0);
    let angle = std::f64::consts::PI * x;
    window * if x.abs() < 1e-9 { 1.0 } else { angle.sin() / angle }
}

/// The slow random walk of a bin, turns.
fn wander(p: &FrameParams, k: usize) -> f64 {
    let s = f64::from(p.noise_fraction);
    let s = s * s * (3.0 - 2.0 * s);
    let at = |cell: u32| f64::from(lattice(p.seed, k as u32, cell));
    at(p.noise_cell) * (1.0 - s) + at(p.noise_cell.wrapping_add(1)) * s
}

fn fill(p: &FrameParams, k: usize) -> C {
    C::turn(turns((k as u32).wrapping_mul(p.bin_phase)) + wander(p, k))
}

fn with_magnitude(carrier: C, target: f64, fill: C) -> C {
    let full = carrier.abs().max(0.1 * target).max(1e-20);
    let gain = target / full;
    carrier.times(gain) + fill.times((target - carrier.abs() * gain).max(0.0))
}
