"""Rows for the benchmarks of data that are not in memory: digits, as often as wanted, in files."""

import shutil

import numpy as np

from .image_datasets import mnist

GB = 2**30


def digits(n_rows):
    """Return digits of MNIST and their classes, or noise of the same shape without the files."""
    found = mnist()
    if found is None:
        rng = np.random.default_rng(0)
        return rng.random((n_rows, 784), np.float32), rng.integers(10, size=n_rows)
    return found[0][:n_rows], found[1][:n_rows]


def write_repeated(path, X, y, n_bytes):
    """Write as many copies of the rows as take some bytes; return the path of their labels."""
    n = max(1, round(n_bytes / X.nbytes))
    shape = (n * len(X), X.shape[1])
    if path.suffix == ".npy":
        target = np.lib.format.open_memmap(path, "w+", X.dtype, shape)
    else:
        import zarr

        target = zarr.create_array(path, shape=shape, dtype=X.dtype, chunks=(2000, X.shape[1]))
    for i in range(n):
        target[i * len(X) : (i + 1) * len(X)] = X
    del target
    labels = path.with_name("labels.npy")
    np.save(labels, np.tile(y, n))
    return labels


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()
