"""Times the short-time transform of librosa, scipy and pyFFTW for examples/bench_dsp.rs.

Reads lines from stdin, "librosa", "scipy" or "pyfftw"; answers each with the seconds of one run. So the
contenders take turns, in one process each. 2 s at 44.1 kHz, windows of 2048, hop 512.
"""

import librosa
import numpy as np
import pyfftw
from scipy.signal import ShortTimeFFT

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


# The same frames as the others: those that lie wholly in the clip.
scipy_plan = ShortTimeFFT(window, HOP, fs=1.0, fft_mode="onesided", phase_shift=None)
first = (N // 2 + HOP - 1) // HOP


def with_scipy():
    return scipy_plan.stft(clip, p0=first, p1=first + frames)


def with_librosa():
    librosa.stft(clip, n_fft=N, hop_length=HOP, window="hann", center=False)


runs = {"pyfftw": with_pyfftw, "scipy": with_scipy, "librosa": with_librosa}
serve(runs)
