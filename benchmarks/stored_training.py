"""One epoch over rows on the disk, in a process whose memory is limited; prints what it took."""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

#: What the process may allocate, in bytes; pages of mapped files do not count.
LIMIT = 1.5 * 2**30


def peak():
    """Return the largest amount of memory that was in use, in GB; with pages of mapped files."""
    # Not getrusage, whose maximum a new process takes over from the one that started it.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**20


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
    options = parser.parse_args(arguments)
    from striate import MLPClassifier

    X, y = opened(options.X), np.load(options.y)
    if options.in_memory:
        X = np.array(X[:])
    else:
        resource.setrlimit(resource.RLIMIT_DATA, (int(LIMIT), int(LIMIT)))
    network = MLPClassifier((100,), max_iter=1, n_iter_no_change=2, tol=1e9, random_state=0)
    network.fit(X[:1000], y[:1000])  # compiles
    start = time.perf_counter()
    network.fit(X, y)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "rows": len(y), "peak": peak()}))


if __name__ == "__main__":
    main()
