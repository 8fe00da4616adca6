"""Contenders of a bench, one run at a time, so that they can take turns with ours."""

import sys
import time


def serve(runs):
    """Warms all of them, says "ready", and answers each name on stdin with the seconds of one run."""
    for run in runs.values():
        for _ in range(5):
            run()
    print("ready", flush=True)
    for line in sys.stdin:
        run = runs[line.strip()]
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, flush=True)
