"""Scumble in pedalboard, a VST3 host written by others.

    python vst3_checks.py null|parameters|state|latency|render path/to/scumble.vst3

Prints a line per figure; the first promise that does not hold ends it with exit code 1.
"""

import hashlib
import sys

import numpy as np
import pedalboard

RATES = [44100, 48000, 96000, 192000]
BLOCKS = [1, 17, 64, 128, 256, 511, 512, 1024, 4096, 8192]
NULL_DB = -100.0  # X2


def check(holds, message):
    if not holds:
        sys.exit(f"not so: {message}")


def noise(seed, channels, samples):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1.0, 1.0, (channels, samples)).astype(np.float32)


def db(amplitude):
    return 20.0 * np.log10(max(float(amplitude), 1e-20))


def is_stepped(parameter):
    return 1 < parameter.num_steps < 100


def null(path):
    for rate in RATES:
        worst = -np.inf
        for block in BLOCKS:
            for channels in [2, 1]:
                plugin = pedalboard.load_plugin(path)
                # With reset=True pedalboard feeds as many samples more as the plugin reports to be
                # late, and cuts as many off the front: what is left is the input, or the latency
                # is not the one reported.
                sound = noise(block, channels, 1500 if block == 1 else max(4 * block, 6000))
                out = plugin.process(sound, rate, buffer_size=block, reset=True)
                latency = plugin.reported_latency_samples
                what = f"{rate} Hz, blocks of {block}, {channels} channels, latency {latency}"
                check(latency > 0, f"{what}: no latency is reported")
                check(out.shape == sound.shape, f"{what}: {out.shape} of {sound.shape}")
                error = db(np.max(np.abs(out - sound)) / np.max(np.abs(sound)))
                check(error <= NULL_DB, f"{what}: null at {error:.1f} dB")
                worst = max(worst, error)
        print(f"X2 {rate} Hz: worst null {worst:.1f} dB over {len(BLOCKS)} block sizes, 2 layouts")


def parameters(path):
    plugin = pedalboard.load_plugin(path)
    names = list(plugin.parameters)
    print(f"{len(names)} parameters: {', '.join(names)}")
    check(len(names) >= 20, f"{len(names)} parameters")
    sound = noise(1, 2, 12000)
    for name in names:
        for value in [1.0, 0.0, 0.37, None]:
            parameter = plugin.parameters[name]
            target = parameter.default_raw_value if value is None else value
            parameter.raw_value = target
            out = plugin.process(sound, 48000, buffer_size=256, reset=False)
            check(np.all(np.isfinite(out)), f"{name} at {target}: the output is not finite")
            read = plugin.parameters[name].raw_value
            # Stepped parameters go to the nearest step.
            stepped = is_stepped(parameter)
            slack = 0.5 / (parameter.num_steps - 1) + 1e-6 if stepped else 1e-4
            check(abs(read - target) <= slack, f"{name}: {target} became {read}")
    print("every parameter was set to both ends, in between and back")


def state(path):
    one, other = pedalboard.load_plugin(path), pedalboard.load_plugin(path)
    rng = np.random.default_rng(3)
    sound = noise(2, 2, 4096)
    for parameter in one.parameters.values():
        value = rng.uniform()
        if is_stepped(parameter):
            value = round(value * (parameter.num_steps - 1)) / (parameter.num_steps - 1)
        parameter.raw_value = value
    one.process(sound, 48000, buffer_size=256)
    fresh = bytes(other.raw_state)
    saved = bytes(one.raw_state)
    check(saved != fresh, "the parameters did not change the state")
    other.raw_state = saved
    other.process(sound, 48000, buffer_size=256)
    check(bytes(other.raw_state) == saved, "the state did not come back byte for byte")
    for name in one.parameters:
        a, b = one.parameters[name].raw_value, other.parameters[name].raw_value
        # A length has a grid of its own, a step of which is 4e-3.
        check(abs(a - b) < 4e-3, f"{name}: {a} came back as {b}")
    print(f"a state of {len(saved)} bytes with {len(one.parameters)} parameters came back")
    third = pedalboard.load_plugin(path)
    third.raw_state = saved
    third.process(sound, 96000, buffer_size=64)
    check(bytes(third.raw_state) == saved, "the state did not come back at another rate")
    print("and at another rate")


def latency(path):
    latencies = set()
    for quality in ["Live", "Balanced", "Studio", "Ultra"]:
        for buffering in ["Double", "Triple", "Ring"]:
            for rate in RATES:
                block = [64, 128, 480, 512][len(latencies) % 4]
                plugin = pedalboard.load_plugin(path)
                plugin.quality, plugin.buffering = quality, buffering
                # Heard of in a block, in force from the next activation on: another block size.
                plugin.process(noise(1, 2, 64), rate, buffer_size=32)
                sound = np.zeros((2, 4096), dtype=np.float32)
                sound[:, 1003] = 1.0
                # Pedalboard cuts off as much as is reported: the impulse stays where it is.
                out = plugin.process(sound, rate, buffer_size=block, reset=True)
                reported = plugin.reported_latency_samples
                what = f"{quality}, {buffering}, {rate} Hz, blocks of {block}, latency {reported}"
                check(out.shape == sound.shape, f"{what}: {out.shape}")
                at = np.argmax(np.abs(out), axis=1)
                check(np.all(at == 1003), f"{what}: measured {at - 1003 + reported}")
                check(np.max(np.abs(out - sound)) < 1e-5, f"{what}: the impulse is not whole")
                latencies.add(reported)
    check(len(latencies) > 15, f"the settings had no effect: {sorted(latencies)}")
    print(f"{len(latencies)} latencies from {min(latencies)} to {max(latencies)} are as reported")


def render(path):
    digests = []
    for _ in range(2):
        plugin = pedalboard.load_plugin(path)
        for name, value in [("blur_time", 0.3), ("blur_freq", 0.2), ("diffuse", 0.4), ("mix", 0.9)]:
            plugin.parameters[name].raw_value = value
        plugin.parameters["shift"].raw_value = 0.6
        out = plugin.process(noise(4, 2, 6 * 48000), 48000, buffer_size=512)
        check(np.all(np.isfinite(out)), "the output is not finite")
        digests.append(hashlib.sha256(out.tobytes()).hexdigest())
    print(f"digest {digests[0]}" if digests[0] == digests[1] else f"digest {digests}")


CHECKS = {
    "null": null,
    "parameters": parameters,
    "state": state,
    "latency": latency,
    "render": render,
}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    CHECKS[sys.argv[1]](sys.argv[2])
