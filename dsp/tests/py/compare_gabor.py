"""Compares the Gabor frame of scumble-dsp with essentia's NSGConstantQ.

Called by tests/transform_essentia.rs with a folder: sounds and levels lie there as raw little-endian
f32, and cases.json says what they are. Prints one JSON object: for each case, its figures.
"""

import json
import pathlib
import sys

import essentia
import numpy as np

essentia.log.infoActive = False
from essentia.standard import NSGConstantQ  # noqa: E402

folder = pathlib.Path(sys.argv[1])


def load(name):
    return np.fromfile(folder / f"{name}.f32", dtype="<f4")


def compare(case):
    sound = load(case["sound"])
    ours = load(case["name"]).reshape(case["bins"], -1)
    transform = NSGConstantQ(
        inputSize=len(sound),
        minFrequency=case["low"],
        maxFrequency=case["high"],
        binsPerOctave=case["bins_per_octave"],
        sampleRate=case["rate"],
        rasterize="full",
        normalize="none",
    )
    theirs = np.abs(np.array([np.array(row) for row in transform(sound)[0]]))
    # Both at the same times, away from the ends, where a block borders on itself.
    times = np.linspace(0.1, 0.9, 4000) * len(sound)
    theirs_hop = len(sound) / theirs.shape[1]

    def at_times(levels, hop):
        return np.array([np.interp(times, np.arange(len(row)) * hop, row) for row in levels])

    bins = min(len(ours), len(theirs))
    a, b = at_times(ours[:bins], case["hop"]), at_times(theirs[:bins], theirs_hop)
    gains = (a * b).sum(axis=1) / (b * b).sum(axis=1)
    return {
        "bins": abs(len(ours) - len(theirs)),
        "correlation": float(np.corrcoef(a.ravel(), b.ravel())[0, 1]),
        # One scale for all bins: how far the bins' own scales are from the middle one, on average,
        # as essentia rounds the narrowest windows to whole bins of its FFT.
        "uneven": float(np.abs(gains / np.median(gains) - 1.0).mean()),
    }


cases = json.loads((folder / "cases.json").read_text())
print(json.dumps({case["name"]: compare(case) for case in cases}))
