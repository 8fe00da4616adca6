"""Times librosa's Mel, CQT and VQT for examples/bench_transforms.rs.

Reads lines from stdin, "mel", "cqt" or "vqt"; answers each with the seconds of one run, in single
precision, as librosa is used. 2 s at 44.1 kHz. Tuning is given, so that none is looked for.
"""

import librosa
import numpy as np

from turns import serve

RATE = 44_100
clip = np.random.default_rng(1).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)

runs = {
    "mel": lambda: librosa.feature.melspectrogram(y=clip, sr=RATE),
    "cqt": lambda: librosa.cqt(clip, sr=RATE, tuning=0.0),
    "vqt": lambda: librosa.vqt(clip, sr=RATE, tuning=0.0),
}
serve(runs)
