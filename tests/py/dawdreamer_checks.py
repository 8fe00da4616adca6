"""Scumble in DawDreamer, a VST3 host written by others, in its own graph and clock.

    python dawdreamer_checks.py null|automation|render path/to/scumble.vst3

Prints a line per figure; the first promise that does not hold ends it with exit code 1.
"""

import hashlib
import sys

import dawdreamer
import numpy as np

RATES = [44100, 48000, 96000]
BLOCKS = [32, 128, 500, 1024]
NULL_DB = -100.0  # X2


def check(holds, message):
    if not holds:
        sys.exit(f"not so: {message}")


def noise(seed, samples):
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.3, 0.3, (2, samples)).astype(np.float32)


def db(amplitude):
    return 20.0 * np.log10(max(float(amplitude), 1e-20))


class Track:
    """One sound through one Scumble."""

    def __init__(self, path, rate, block, sound):
        self.engine = dawdreamer.RenderEngine(rate, block)
        self.seconds = sound.shape[1] / rate
        source = self.engine.make_playback_processor("sound", sound)
        self.plugin = self.engine.make_plugin_processor("scumble", path)
        names = self.plugin.get_parameters_description()
        self.index = {entry["name"]: entry["index"] for entry in names}
        self.engine.load_graph([(source, []), (self.plugin, ["sound"])])

    def set(self, name, value):
        check(name in self.index, f"there is no {name} among {sorted(self.index)}")
        self.plugin.set_parameter(self.index[name], value)

    def render(self):
        check(self.engine.render(self.seconds), "the host did not render")
        return self.engine.get_audio().copy()


def null(path):
    for rate in RATES:
        worst = -np.inf
        for block in BLOCKS:
            sound = noise(block, 12000)
            track = Track(path, rate, block, sound)
            out = track.render()
            late = track.plugin.get_latency_samples()
            check(late > 0, f"{rate} Hz, blocks of {block}: no latency is reported")
            # DawDreamer plays a single track as late as it is.
            length = out.shape[1] - late
            error = np.max(np.abs(out[:, late:] - sound[:, :length])) / np.max(np.abs(sound))
            check(db(error) <= NULL_DB, f"{rate} Hz, blocks of {block}: null at {db(error):.1f} dB")
            worst = max(worst, db(error))
        print(f"X2 {rate} Hz: worst null {worst:.1f} dB over {len(BLOCKS)} block sizes")


def automation(path):
    """The mix goes from dry to wet, where the tone is filtered away, and back: no step."""
    rate, samples = 48000, 48000
    turns = np.arange(samples) * 220.0 / rate
    tone = np.tile((0.3 * np.sin(2 * np.pi * turns)).astype(np.float32), (2, 1))
    track = Track(path, rate, 128, tone)
    track.set("High Cut", 0.0)
    curve = 0.5 + 0.5 * np.sin(2 * np.pi * np.arange(samples) * 3.0 / rate)
    check(
        track.plugin.set_automation(track.index["Mix"], curve.astype(np.float32)),
        "the host takes no automation",
    )
    out = track.render()
    check(np.all(np.isfinite(out)), "the output is not finite")
    late = track.plugin.get_latency_samples()
    heard = out[:, rate // 4 :]
    cycle = rate // 220
    levels = [np.max(np.abs(heard[:, at : at + cycle])) for at in range(0, heard.shape[1], cycle)]
    check(min(levels) < 0.05 and max(levels) > 0.25, f"levels {min(levels):.3f} to {max(levels):.3f}")
    step = np.max(np.abs(np.diff(out[:, 2 * late :], axis=1)))
    steady = np.max(np.abs(np.diff(tone, axis=1)))
    check(step <= 1.1 * steady, f"a step of {step:.4f} where the tone has {steady:.4f}")
    print(
        f"mix by automation: levels {min(levels):.3f} to {max(levels):.3f}, "
        f"largest step {step:.4f}, the tone's own {steady:.4f}"
    )


def render(path):
    digests = []
    for _ in range(2):
        track = Track(path, 48000, 512, noise(4, 3 * 48000))
        for name, value in [("Blur Time", 0.3), ("Blur Freq", 0.2), ("Diffuse", 0.4)]:
            track.set(name, value)
        for _ in range(2):
            out = track.render()
            check(np.all(np.isfinite(out)), "the output is not finite")
            digests.append(hashlib.sha256(out.tobytes()).hexdigest())
    check(len(set(digests)) == 1, f"four renders gave {digests}")  # X3
    print(f"X3: four renders of two instances are the same to the bit: {digests[0]}")


CHECKS = {"null": null, "automation": automation, "render": render}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    CHECKS[sys.argv[1]](sys.argv[2])
