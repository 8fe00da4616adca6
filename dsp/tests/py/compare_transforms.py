"""Compares the transforms of scumble-dsp with librosa's.

Called by tests/transform_librosa.rs with a folder: sounds and results lie there as raw little-endian
f32, and cases.json says what they are. Prints one JSON object: for each case, its figures.
"""

import json
import pathlib
import sys
import warnings

import librosa
import numpy as np

folder = pathlib.Path(sys.argv[1])
# Filters without a bin are compared like all others.
warnings.filterwarnings("ignore", message="Empty filters")


def load(name):
    return np.fromfile(folder / f"{name}.f32", dtype="<f4").astype(np.float64)


def relative(ours, theirs):
    return float(np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max())


def mel(case):
    sound = load(case["sound"])
    theirs = librosa.feature.melspectrogram(
        y=sound,
        sr=case["rate"],
        n_fft=case["n"],
        hop_length=case["hop"],
        center=True,
        pad_mode="constant",
        power=case["power"],
        n_mels=case["bins"],
        fmin=case["low"],
        fmax=case["high"],
        htk=case["htk"],
        norm="slaney" if case["area"] else None,
        dtype=np.float64,
    )
    ours = load(case["name"]).reshape(theirs.shape)
    frequencies = librosa.mel_frequencies(
        case["bins"] + 2, fmin=case["low"], fmax=case["high"], htk=case["htk"]
    )[1:-1]
    # Value by value, where there is something to compare: down to 60 dB below the loudest.
    loud = theirs > theirs.max() * 10.0 ** (-3.0 * case["power"])
    return {
        "relative": relative(ours, theirs),
        "each": float((np.abs(ours - theirs)[loud] / theirs[loud]).max()),
        "frequencies": relative(case["frequencies"], frequencies),
    }


def constant_q(case):
    sound = load(case["sound"])
    gamma = case["gamma"]
    shared = dict(
        sr=case["rate"],
        hop_length=case["hop"],
        fmin=case["low"],
        n_bins=case["bins"],
        bins_per_octave=case["bins_per_octave"],
        filter_scale=case["filter_scale"],
        scale=case["scaled"],
        tuning=0.0,
        dtype=np.complex128,
    )
    if gamma == 0.0:
        theirs = np.abs(librosa.cqt(sound, **shared))
    else:
        # "ear" is librosa's None.
        asked = None if gamma == "ear" else gamma
        theirs = np.abs(librosa.vqt(sound, gamma=asked, **shared))
    ours = load(case["name"]).reshape(case["bins"], -1)
    frames = min(ours.shape[1], theirs.shape[1])
    ours, theirs = ours[:, :frames], theirs[:, :frames]
    frequencies = librosa.cqt_frequencies(
        case["bins"], fmin=case["low"], bins_per_octave=case["bins_per_octave"]
    )
    step = 2.0 ** (2.0 / case["bins_per_octave"])
    alpha = np.full(case["bins"], (step - 1.0) / (step + 1.0))
    lengths, _ = librosa.filters.wavelet_lengths(
        freqs=frequencies,
        sr=case["rate"],
        filter_scale=case["filter_scale"],
        gamma=None if gamma == "ear" else gamma,
        alpha=alpha,
    )
    found = {}
    if case["sound"] == "noise" and gamma != 0.0 and case["hop"] % 2 == 0:
        # Where librosa's halved rates and rounded filters show most: how near it comes to its own
        # filters as they are.
        filters, _ = librosa.filters.wavelet(
            freqs=frequencies,
            sr=case["rate"],
            filter_scale=case["filter_scale"],
            gamma=None if gamma == "ear" else gamma,
            alpha=alpha,
        )
        length = filters.shape[1]
        around = np.pad(sound, length)
        starts = length // 2 + case["hop"] * np.arange(frames)
        filtered = [filters.conj() @ around[start : start + length] for start in starts]
        scale = np.sqrt(lengths) if case["scaled"] else lengths
        own = np.abs(np.stack(filtered, axis=1)) * scale[:, None]
        found["halved"] = float(np.corrcoef(theirs.ravel(), own.ravel())[0, 1])
    return found | {
        "frames": abs(ours.shape[1] - theirs.shape[1]),
        "correlation": float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]),
        "level": float(np.sum(ours * theirs) / np.sum(theirs * theirs)),
        "frequencies": relative(case["frequencies"], frequencies),
        "lengths": relative(case["lengths"], lengths),
    }


kinds = {"mel": mel, "constant_q": constant_q}
cases = json.loads((folder / "cases.json").read_text())
print(json.dumps({case["name"]: kinds[case["kind"]](case) for case in cases}))
