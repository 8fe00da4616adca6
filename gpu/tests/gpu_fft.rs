//! The FFT kernels against realfft, and whole clips there and back (S14, P6).
#![cfg(feature = "wgpu")]

mod gpu_common;

use gpu_common::gpu;
use gpu_common::player::Sound;
use scumble_dsp::{WindowShape, WindowSpec};
use scumble_gpu::backend::wgpu::stft::{Bare, ClipStft};

fn clip(samples: usize) -> Vec<f32> {
    let mut sound = vec![vec![0.0; samples]];
    Sound::new(77, 44_100.0).fill(&mut sound);
    sound.remove(0)
}

#[test]
fn spectra_agree_with_realfft_at_every_size_and_clips_come_back() {
    let gpu = gpu();
    for log in 9..=15 {
        let n = 1 << log;
        let spec = WindowSpec::custom(n, n, n / 4, WindowShape::Hann).unwrap();
        let clip = clip(3 * n + n / 2);
        let mut device = ClipStft::new(&gpu, spec, clip.len()).unwrap();
        device.upload(&clip).unwrap();
        device.forward().unwrap();
        let spectra = device.spectra().unwrap();

        let mut planner = realfft::RealFftPlanner::<f32>::new();
        let fft = planner.plan_fft_forward(n);
        let (mut time, mut freq) = (fft.make_input_vec(), fft.make_output_vec());
        let window = spec.windows().analysis;
        let mut worst_of = |spectra: &[[f32; 2]], window: &[f32]| {
            let (mut worst, mut largest) = (0.0f32, 0.0f32);
            for (f, row) in spectra.chunks_exact(spec.bins()).enumerate() {
                for (i, t) in time.iter_mut().enumerate() {
                    *t = clip[f * spec.h + i] * window[i];
                }
                fft.process(&mut time, &mut freq).unwrap();
                for (a, b) in row.iter().zip(&freq) {
                    largest = largest.max(b.norm());
                    worst = worst.max((a[0] - b.re).abs()).max((a[1] - b.im).abs());
                }
            }
            worst / largest
        };
        let error = worst_of(&spectra, &window);
        eprintln!("n {n}: {error:.1e} relative");
        assert!(error <= 1e-5, "n {n}: {error}"); // S14

        // What the bench compares with is a spectrum too.
        if n <= 8192 {
            device.bare_fft(Bare::Real).unwrap();
            let bare = worst_of(&device.spectra().unwrap(), &vec![1.0; n]);
            assert!(bare <= 1e-5, "n {n}, bare: {bare}");
            device.forward().unwrap();
        } else {
            assert!(device.bare_fft(Bare::Real).is_err());
        }

        let mut back = vec![0.0; clip.len()];
        device.inverse(&mut back).unwrap();
        let whole = n - spec.h..device.frames() * spec.h;
        let error = clip[whole.clone()]
            .iter()
            .zip(&back[whole])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0f32, f32::max);
        assert!(error <= 1e-5, "n {n}: {error} off after the way back"); // P1
    }
}

#[test]
fn textures_agree_with_dsp_pixel_by_pixel() {
    use scumble_dsp::texture::{AutoGain, draw_complex};
    let spec = WindowSpec::custom(2048, 2048, 512, WindowShape::Hann).unwrap();
    let clip = clip(30_000);
    let mut device = ClipStft::new(&gpu(), spec, clip.len()).unwrap();
    device.upload(&clip).unwrap();
    device.forward().unwrap();
    let spectra = device.spectra().unwrap();
    let (gain, auto) = (2.0 / 1024.0, AutoGain::default());
    let mut pixels = vec![0u32; spectra.len()];
    device.texture(gain, auto.top_db(), &mut pixels).unwrap();
    let re: Vec<f32> = spectra.iter().map(|x| x[0]).collect();
    let im: Vec<f32> = spectra.iter().map(|x| x[1]).collect();
    let mut wanted = vec![0u8; 4 * spectra.len()];
    draw_complex(gain, &auto, &re, &im, &mut wanted);
    let mut lit = 0;
    for (i, (pixel, wanted)) in pixels.iter().zip(wanted.chunks_exact(4)).enumerate() {
        let got = pixel.to_le_bytes();
        // Within one level: a value half way may round to either side.
        for c in 0..2 {
            assert!(got[c].abs_diff(wanted[c]) <= 1, "pixel {i}: {got:?}, dsp has {wanted:?}"); // P5
        }
        assert_eq!(&got[2..], &wanted[2..]);
        lit += u32::from(got[0] > 100);
    }
    assert!(lit > 1000, "a dark picture proves nothing");
}
