"""Times librosa's and pyFFTW's short-time transform for examples/bench_dsp.rs.

Reads lines from stdin, "librosa" or "pyfftw"; answers each with the seconds of one run. So the
contenders take turns, in one process each. 2 s at 44.1 kHz, windows of 2048, hop 512.
"""

import librosa
import numpy as np
import pyfftw

from turns import serve

N, HOP = 2048, 512
rng = np.random.default_rng(1)
clip = rng.uniform(-0.5, 0.5, 2 * 44_100).astype(np.float32)
frames = (len(clip) - N) // HOP + 1
window = np.hanning(N + 1)[:-1].astype(np.float32)

strides = np.lib.stride_tricks.sliding_window_view(clip, N)[::HOP]
time_in = pyfftw.empty_aligned((frames, N), dtype="float32")
freq_out = pyfftw.empty_aligned((frames, N // 2 + 1), dtype="complex64")
plan = pyfftw.FFTW(time_in, freq_out, axes=(1,), flags=("FFTW_MEASURE",), threads=1)


def with_pyfftw():
    np.multiply(strides, window, out=time_in)
    plan.execute()


def with_librosa():
    librosa.stft(clip, n_fft=N, hop_length=HOP, window="hann", center=False)


runs = {"pyfftw": with_pyfftw, "librosa": with_librosa}
serve(runs)
