//! What every transform does at the edges: all rates, short sounds, silence, refusals, and no
//! allocation once it stands (P1).

mod transform_common;

use assert_no_alloc::assert_no_alloc;
use scumble_dsp::transform::{
    ColumnStream, Cqt, CqtSpec, CqtView, Gabor, GaborSpec, GaborStream, GaborView, Gamma, Mel,
    MelSpec, MelView, SliceWindow, SlicedGabor, Spectrogram, SpectrogramView, StftSpec, Transform,
    TransformError, Value, View,
};
use transform_common::*;

#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

const RATES: [f64; 7] = [8_000.0, 11_025.0, 22_050.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0];

fn stft(rate: f64) -> Spectrogram {
    Spectrogram::new(StftSpec::new(rate)).expect("legal")
}

fn mel(rate: f64) -> Mel {
    Mel::new(MelSpec::new(rate)).expect("legal")
}

fn cqt(rate: f64) -> Cqt {
    Cqt::new(CqtSpec::new(rate)).expect("legal")
}

fn vqt(rate: f64) -> Cqt {
    Cqt::new(CqtSpec::variable(rate)).expect("legal")
}

fn gabor(rate: f64) -> Gabor {
    Gabor::new(GaborSpec::new(rate), 20_000).expect("legal")
}

fn sliced(rate: f64) -> SlicedGabor {
    SlicedGabor::new(GaborSpec::new(rate), 5000, SliceWindow::Hann).expect("legal")
}

fn views(rate: f64) -> Vec<Box<dyn View>> {
    let gabor = GaborSpec::new(rate);
    vec![
        Box::new(SpectrogramView::new(StftSpec::new(rate)).expect("legal")),
        Box::new(MelView::new(MelSpec::new(rate)).expect("legal")),
        Box::new(CqtView::new(CqtSpec::new(rate)).expect("legal")),
        Box::new(CqtView::new(CqtSpec::variable(rate)).expect("legal")),
        Box::new(GaborView::new(gabor, GaborView::slice_for(&gabor)).expect("legal")),
    ]
}

/// Sounds of no length up to several windows; silence is silent, noise is not, all is finite.
fn holds<T: Transform>(transform: &mut T, rate: f64) {
    let name = transform.name();
    assert!(transform.frequencies().is_sorted(), "{name} at {rate}");
    assert!(transform.frequencies().last().is_some_and(|&hz| hz <= rate / 2.0));
    for len in [0, 1, 5, 100, 3000, 20_000] {
        let shape = transform.shape(len);
        assert_eq!(shape.bins, transform.frequencies().len(), "{name} at {rate}");
        let silent = transform.analyse(&vec![0.0; len]).expect("fits");
        assert!(silent.iter().all(|v| v.level() == 0.0), "{name} at {rate}: silence of {len}");
        let sound = noise(1, len);
        let mut out = vec![T::Value::default(); shape.values()];
        assert_no_alloc(|| transform.forward(&sound, &mut out)).expect("fits");
        assert!(out.iter().all(|v| v.level().is_finite()), "{name} at {rate}: {len} samples");
        assert!(len == 0 || out.iter().any(|v| v.level() > 0.0), "{name} at {rate}: {len} samples");
        let again = transform.analyse(&sound).expect("fits");
        let same = out.iter().zip(&again).all(|(a, b)| a.level() == b.level());
        assert!(same, "{name} at {rate}: the same sound twice");
        let mut small = vec![T::Value::default(); shape.values() - 1];
        let refused = transform.forward(&sound, &mut small).expect_err("too little room");
        let said = refused.to_string();
        assert!(said.contains(&small.len().to_string()), "{said}");
        assert!(said.contains(&shape.values().to_string()), "{said}");
    }
}

#[test]
fn every_transform_holds_at_every_rate() {
    for rate in RATES {
        holds(&mut stft(rate), rate);
        holds(&mut mel(rate), rate);
        holds(&mut cqt(rate), rate);
        holds(&mut vqt(rate), rate);
        holds(&mut gabor(rate), rate);
        holds(&mut sliced(rate), rate);
    }
}

#[test]
fn every_view_holds_at_every_rate() {
    for rate in RATES {
        for (i, mut view) in views(rate).into_iter().enumerate() {
            let mut levels = vec![1.0; view.frequencies().len()];
            let silence = vec![0.0; view.window_samples()];
            view.column(&silence, &mut levels).expect("fits");
            assert!(levels.iter().all(|&l| l == 0.0), "view {i} at {rate}");
            let sound = noise(3, view.window_samples());
            assert_no_alloc(|| view.column(&sound, &mut levels)).expect("fits");
            let heard = levels.iter().filter(|l| l.is_finite() && **l > 0.0).count();
            assert!(heard * 10 > levels.len() * 9, "view {i} at {rate}: {heard}");
            let refused = view.column(&sound[1..], &mut levels).expect_err("too short");
            assert!(matches!(refused, TransformError::Window { .. }), "{refused}");
            let refused = view.column(&sound, &mut levels[1..]).expect_err("too little room");
            assert!(matches!(refused, TransformError::Levels { .. }), "{refused}");
        }
    }
}

#[test]
fn streams_do_not_allocate() {
    let view = MelView::new(MelSpec::new(48_000.0)).expect("legal");
    let mut columns = ColumnStream::new(view, 800).expect("legal");
    let mut through = GaborStream::new(sliced(48_000.0));
    let mut sound = noise(2, 30_000);
    let mut count = 0;
    assert_no_alloc(|| columns.push(&sound, |_| count += 1)).expect("fits");
    assert_eq!(count, 30_000 / 800);
    columns.reset();
    assert_no_alloc(|| through.process(&mut sound, |_| {})).expect("fits");
}

#[test]
fn short_time_spectra_go_there_and_back() {
    for (window_samples, hop_samples) in [(2048, 512), (1000, 300), (999, 250), (64, 64)] {
        let spec = StftSpec { sample_rate: 44_100.0, window_samples, hop_samples };
        let mut stft = Spectrogram::new(spec).expect("legal");
        let sound = noise(6, 10_000);
        let values = stft.analyse(&sound).expect("fits");
        let mut back = vec![f32::NAN; sound.len()];
        stft.inverse(&values, &mut back).expect("has one");
        // Where the hop is the window, the sample at each window's zero is lost.
        let kept = |i: &usize| hop_samples < window_samples || (i + 32) % 64 > 8;
        let kept: Vec<usize> = (0..back.len()).filter(kept).collect();
        let theirs: Vec<f64> = kept.iter().map(|&i| f64::from(sound[i])).collect();
        let error = relative(kept.iter().map(|&i| f64::from(back[i])), &theirs);
        let bar = if hop_samples < window_samples { 1e-5 } else { 1e-3 };
        assert!(error < bar, "{window_samples} by {hop_samples}: {error:.1e}");
    }
}

#[test]
fn transforms_that_lose_something_say_that_there_is_no_way_back() {
    let mut mel = mel(48_000.0);
    let values = mel.analyse(&[0.0; 10]).expect("fits");
    let refused = mel.inverse(&values, &mut [0.0; 10]).expect_err("no way back");
    assert_eq!(refused, TransformError::NoInverse { transform: "mel" });
    let mut gabor = gabor(48_000.0);
    let mut out = vec![Default::default(); gabor.shape(0).values()];
    let refused = gabor.forward(&vec![0.0; 20_001], &mut out).expect_err("too long");
    assert_eq!(refused, TransformError::TooLongSignal { given: 20_001, allowed: 20_000 });
}

/// What is wrong, what was given and what is allowed stand in the message.
fn says<T>(made: Result<T, TransformError>, words: &[&str]) {
    let said = made.err().expect("must be refused").to_string();
    for word in words {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn bad_parameters_are_refused_with_what_is_allowed() {
    let rate = 44_100.0;
    let (s, m, c, g) =
        (StftSpec::new(rate), MelSpec::new(rate), CqtSpec::new(rate), GaborSpec::new(rate));
    for bad in [0.0, 7_999.0, 192_001.0, f64::NAN, f64::INFINITY] {
        let words = ["sample rate", "8000", "192000"];
        says(Spectrogram::new(StftSpec { sample_rate: bad, ..s }), &words);
        says(Mel::new(MelSpec { stft: StftSpec { sample_rate: bad, ..s }, ..m }), &words);
        says(Cqt::new(CqtSpec { sample_rate: bad, ..c }), &words);
        says(Gabor::new(GaborSpec { sample_rate: bad, ..g }, 100), &words);
    }
    says(Spectrogram::new(StftSpec { window_samples: 3, ..s }), &["window of 3", "4"]);
    says(Spectrogram::new(StftSpec { hop_samples: 0, ..s }), &["hop of 0", "1"]);
    says(Mel::new(MelSpec { bins: 0, ..m }), &["Mel bins of 0", "1 to 4096"]);
    says(Mel::new(MelSpec { high_hz: 30_000.0, ..m }), &["of 30000", "22050"]);
    says(Mel::new(MelSpec { low_hz: -1.0, ..m }), &["of -1", "0 to"]);
    says(Cqt::new(CqtSpec { bins: 120, ..c }), &["22050.0 Hz"]);
    says(Cqt::new(CqtSpec { bins_per_octave: 0, ..c }), &["bins per octave of 0", "1 to 384"]);
    says(Cqt::new(CqtSpec { hop_samples: 0, ..c }), &["hop of 0"]);
    says(Cqt::new(CqtSpec { gamma: Gamma::Hz(-1.0), ..c }), &["gamma of -1"]);
    says(Cqt::new(CqtSpec { filter_scale: 0.0, ..c }), &["filter scale of 0"]);
    says(Cqt::new(CqtSpec { low_hz: 0.0, ..c }), &["lowest frequency of 0"]);
    says(
        Cqt::new(CqtSpec { low_hz: 1.0, bins_per_octave: 96, ..c }),
        &["longest filter", "1048576"],
    );
    says(Gabor::new(GaborSpec { high_hz: 22_050.0, ..g }, 100), &["of 22050", "21609"]);
    says(Gabor::new(GaborSpec { low_hz: 17_000.0, ..g }, 100), &["of 17000", "16000"]);
    says(Gabor::new(g, usize::MAX), &["samples", "67108864"]);
    says(SlicedGabor::new(g, 8, SliceWindow::Hann), &["slice of 8", "16 to"]);
    says(SlicedGabor::new(g, 64, SliceWindow::Tukey(0.0)), &["fades of 0", "0.01 to 1"]);
    says(ColumnStream::new(MelView::new(m).expect("legal"), 0), &["hop of 0"]);
}
