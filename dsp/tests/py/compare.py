"""Compares what scumble-dsp computed with scipy and librosa.

Called by tests/others.rs with a folder: every input and result lies there as raw
little-endian f32, described by manifest.json. Prints one JSON object of errors.
"""

import json
import pathlib
import sys

import librosa
import numpy as np
from scipy import ndimage, signal

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())


def load(name, *shape):
    data = np.fromfile(folder / f"{name}.f32", dtype="<f4").astype(np.float64)
    return data.reshape(shape) if shape else data


def relative(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


errors = {}

# Windows: periodic, as scipy makes them.
for name, theirs in {
    "hann": signal.windows.hann(2048, sym=False),
    "blackman_harris": signal.windows.blackmanharris(2048, sym=False),
    "kaiser": signal.windows.kaiser(2048, 8.0, sym=False),
}.items():
    errors[f"window_{name}"] = relative(load(f"window_{name}"), theirs)

# Short-time transforms of the same signal.
clip = load("clip")
frames, bins, n, hop = manifest["frames"], manifest["bins"], manifest["n"], manifest["hop"]
stft = load("stft", frames, bins, 2)
stft = stft[..., 0] + 1j * stft[..., 1]
theirs = librosa.stft(clip, n_fft=n, hop_length=hop, window="hann", center=False).T
errors["stft_librosa"] = relative(stft, theirs[:frames])
sft = signal.ShortTimeFFT(signal.windows.hann(n, sym=False), hop, fs=1.0, phase_shift=None)
# scipy's slices are centred; slice p covers samples p * hop - n / 2 ..
first = n // 2 // hop
theirs = sft.stft(clip, p0=first, p1=first + frames).T
errors["stft_scipy"] = relative(stft, theirs)

# Blur along time in the store: magnitudes, both ways.
shape = (manifest["store_frames"], manifest["store_bins"])
before = load("store_before", *shape)
for name in ("narrow", "wide"):
    sigma = manifest[f"time_sigma_{name}"]
    theirs = ndimage.gaussian_filter1d(before, sigma, axis=0, mode="nearest", truncate=4.0)
    ours = load(f"time_blur_{name}", *shape)
    # Where the carrier is weak its phase is partly replaced, and the magnitude with it; the ends
    # of a clip are frames of zeros in the one and repeated edges in the other.
    sure = (before > 0.1 * theirs) & (np.arange(shape[0])[:, None] > 30)
    sure &= np.arange(shape[0])[:, None] < shape[0] - 30
    assert sure.mean() > 0.3
    errors[f"time_blur_{name}"] = float(np.abs(ours - theirs)[sure].max() / theirs.max())

# Displacement along time in the store: bilinear, edges clamped.
shift = manifest["time_shift"]
grid = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
grid[0] -= shift
theirs = ndimage.map_coordinates(before, grid, order=1, mode="nearest")
ours = load("time_shifted", *shape)
# The phase is that of the nearer frame; where that one is weak the seeded phasor takes part.
nearer = np.clip(np.arange(shape[0]) - int(np.floor(shift + 0.5)), 0, None)
sure = (before[nearer] > 0.1 * theirs) & (np.arange(shape[0])[:, None] > 10)
assert sure.mean() > 0.5
errors["map_coordinates"] = float(np.abs(ours - theirs)[sure].max() / theirs.max())

# Blur along frequency: four boxes for a Gaussian.
row = load("row")
for sigma in manifest["freq_sigmas"]:
    theirs = ndimage.gaussian_filter1d(row, sigma, mode="nearest", truncate=6.0)
    ours = load(f"freq_blur_{sigma}")
    inner = slice(int(4 * sigma) + 1, len(row) - int(4 * sigma) - 1)
    errors[f"freq_blur_{sigma}"] = float(
        np.sqrt(np.mean((ours - theirs)[inner] ** 2)) / np.mean(theirs[inner])
    )
    impulse = load(f"impulse_{sigma}")
    exact = ndimage.gaussian_filter1d(np.eye(1, len(row), len(row) // 2)[0], sigma, truncate=6.0)
    errors[f"freq_cdf_{sigma}"] = float(np.abs(np.cumsum(impulse) - np.cumsum(exact)).max())
    place = np.arange(len(row)) - len(row) // 2
    spread = np.sqrt((impulse * place**2).sum() / impulse.sum())
    errors[f"freq_spread_{sigma}"] = abs(float(spread / sigma) - 1.0)

# Decibels of a texture.
levels = load("levels")
red = load("red")
theirs = librosa.amplitude_to_db(levels, ref=1.0, amin=1e-15, top_db=None)
theirs = np.clip((theirs + manifest["range_db"]) / manifest["range_db"], 0.0, 1.0) * 255.0
errors["texture_levels"] = float(np.abs(red - theirs).max())

print(json.dumps(errors))
