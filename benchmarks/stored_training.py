"""Epochs over rows on the disk, in a process whose memory is limited; prints what they took."""

import argparse
import json
import time

import numpy as np

from .limited_process import limit_memory, peak

#: What the process may allocate, in bytes.
LIMIT = 1.5 * 2**30


def opened(path):
    if path.endswith(".npy"):
        return np.load(path, mmap_mode="r")
    import zarr

    return zarr.open_array(path, mode="r")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("X")
    parser.add_argument("y")
    parser.add_argument("--in-memory", action="store_true")
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args(arguments)
    from striate import MLPClassifier

    limit_memory(LIMIT)
    X, y = opened(options.X), np.load(options.y)
    if options.in_memory:
        X = np.array(X[:])
    network = MLPClassifier(
        (100,), max_iter=options.epochs, n_iter_no_change=1000, tol=0, random_state=0
    )
    network.fit(np.array(X[:1000]), y[:1000])  # compiles
    start, processor = time.perf_counter(), time.process_time()
    network.fit(X, y)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    rows = len(y) * options.epochs
    found = {"seconds": seconds, "processor": processor, "rows": rows, "peak": peak()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
