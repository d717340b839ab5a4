"""Fit LinearClassifier on rows in Zarr, in a process whose memory is limited; prints the result."""

import argparse
import json
import time

import numpy as np

from .limited_process import limit_memory, peak

#: What the process may allocate, in bytes.
LIMIT = 2 * 2**30


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("X")
    parser.add_argument("y")
    parser.add_argument("out", help="file for α and the weights")
    parser.add_argument("--rows", type=int, help="the first ones only")
    parser.add_argument("--in-memory", action="store_true")
    options = parser.parse_args(arguments)
    import zarr

    from striate import LinearClassifier, RowBlocks

    X, y = zarr.open_array(options.X, mode="r"), np.load(options.y)
    n = options.rows or len(y)
    if options.in_memory:
        data = X[:n]
    else:
        limit_memory(LIMIT)
        data = RowBlocks(X) if n == len(y) else RowBlocks(X).chosen(np.arange(n))
    start, processor = time.perf_counter(), time.process_time()
    model = LinearClassifier(random_state=0).fit(data, y[:n])
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    np.savez(options.out, alpha=model.alpha_, coef=model.coef_)
    print(json.dumps({"seconds": seconds, "processor": processor, "rows": n, "peak": peak()}))


if __name__ == "__main__":
    main()
