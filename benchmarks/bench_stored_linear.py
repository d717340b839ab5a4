"""`LinearClassifier` on rows in Zarr: time, memory, and the weights of a fit in memory."""

import tempfile
from pathlib import Path

import numpy as np

from .limited_process import result_of
from .result_tables import Report, ValueTargets

#: 8 GB: `python -m benchmarks scale-linear --full`.
FULL = {"n_rows": 1_000_000, "n_columns": 2000}


def measure(n_rows=60_000, n_columns=1000, n_compared=30_000):
    """Fit all rows in 2 GB of memory, and some of them from Zarr and in memory."""
    table = ValueTargets()
    n_compared = min(n_compared, n_rows)
    with tempfile.TemporaryDirectory(prefix="striate-scale-") as name:
        folder = Path(name)
        paths = _write(folder, n_rows, n_columns)
        arguments = ("stored_linear", *paths)
        whole = result_of(*arguments, folder / "all.npz", seconds=7200)
        some = ("--rows", n_compared)
        stored = result_of(*arguments, folder / "stored.npz", *some, seconds=3600)
        memory = result_of(*arguments, folder / "memory.npz", *some, "--in-memory", seconds=3600)
        one, other = (np.load(folder / f"{each}.npz") for each in ("stored", "memory"))
        error = np.abs(one["coef"] - other["coef"]).max() / np.abs(other["coef"]).max()
        same = int(one["alpha"] == other["alpha"])
    what = f"{n_rows:,} × {n_columns:,} in Zarr, in 2 GB of memory"
    table.for_the_record(f"{what}: seconds", whole["seconds"], "{:.0f}")
    table.for_the_record(f"{what}: seconds of the processor", whole["processor"], "{:.0f}")
    table.at_most(f"{what}: largest memory in use, GB", whole["peak"], 2)
    what = f"{n_compared:,} rows of them"
    ratio = stored["seconds"] / memory["seconds"]
    table.for_the_record(f"{what}: seconds, in memory = 1", ratio)
    table.at_least(f"{what}: same α as in memory (1 for yes)", same, 1, "{:.0f}")
    table.at_most(f"{what}: largest difference of weights, relative", float(error), 1e-6, "{:.0e}")
    return Report("LinearClassifier on rows in Zarr", [table], [])


def _write(folder, n_rows, n_columns, chunk=2000):
    """Write rows and classes that depend on ten columns; return their paths."""
    import zarr

    X = zarr.create_array(
        folder / "X.zarr",
        shape=(n_rows, n_columns),
        dtype=np.float32,
        chunks=(chunk, n_columns),
        compressors=None,  # noise does not become smaller
    )
    rng = np.random.default_rng(0)
    weights, y = rng.normal(size=10), np.empty(n_rows, int)
    for lo in range(0, n_rows, chunk):
        rows = slice(lo, min(lo + chunk, n_rows))
        x = rng.standard_normal((rows.stop - lo, n_columns), np.float32)
        X[rows], y[rows] = x, x[:, :10] @ weights + rng.normal(size=len(x)) > 0
    np.save(folder / "y.npy", y)
    return folder / "X.zarr", folder / "y.npy"
