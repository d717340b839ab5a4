"""Measure the additional peak memory of a piece of work, in a separate process."""

import contextlib
import ctypes
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from .timing import Spread

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

#: Only Linux reports the peak of part of a program.
CAN_BE_MEASURED = STATUS.exists()


def of_features(n_images, n_units, repeats=2):
    """Return the megabytes that `PatchFeatures.transform` needs besides its input and output."""
    return _in_new_processes("_features", (n_images, n_units), repeats)


def of_autoencoder(n_rows, max_iter, repeats=2):
    """Return the megabytes that the fit of the self-taught autoencoder needs besides the data."""
    return _in_new_processes("_autoencoder", (n_rows, max_iter), repeats)


def of_connections(kind, n_rows, repeats=2):
    """Return the megabytes that fitting a local network ("ours" or "masked") needs besides X."""
    return _in_new_processes(f"_connections_{kind}", (n_rows,), repeats)


def _in_new_processes(work, sizes, repeats):
    command = [sys.executable, "-m", "benchmarks.memory", work, *map(str, sizes)]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(repeats)
    ]
    return Spread(np.array([json.loads(run.stdout) for run in runs]))


def _kilobytes(name):
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return int(facts[name].removesuffix("kB"))


def _beyond(run):
    """Return the additional megabytes at the peak of `run`, and its result."""
    with contextlib.suppress(AttributeError):  # free memory would hide new allocations
        ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # reset the peak
    before = _kilobytes("VmRSS")
    result = run()
    return (_kilobytes("VmHWM") - before) * 1024 / 1e6, result


def _features(n_images, n_units):
    from . import image_features

    few = image_features.crops(4)
    model = image_features.learned(few, n_units, max_iter=1, n_patches=1000)
    model.transform(few)  # load compiled code and libraries
    images = image_features.crops(n_images)
    megabytes, features = _beyond(lambda: model.transform(images))
    return megabytes - features.nbytes / 1e6


def _autoencoder(n_rows, max_iter):
    from . import autoencoder

    X = autoencoder.digits(n_rows)
    autoencoder.ours(X[:500], 1)
    return _beyond(lambda: autoencoder.ours(X, max_iter))[0]


def _connections_ours(n_rows):
    from . import sparse_networks as local

    X, y = local.rows(n_rows, local.FIELDS.mask().shape[0])
    local.model(local.random_mask((X.shape[1], 2), 0.01)).fit(X[:200], y[:200])
    return _beyond(lambda: local.model(local.FIELDS).fit(X, y))[0]


def _connections_masked(n_rows):
    from . import sparse_networks as local
    from .pytorch_sparse import train_masked

    X, y = local.rows(n_rows, local.FIELDS.mask().shape[0])
    few = local.random_mask((X.shape[1], 2), 0.01)
    train_masked(local.first_weights(few, X[:200], y[:200]), X[:200], y[:200])
    start = local.first_weights(local.FIELDS, X, y)
    return _beyond(lambda: train_masked(start, X, y))[0]


if __name__ == "__main__":
    work, *sizes = sys.argv[1:]
    print(json.dumps(globals()[work](*map(int, sizes))))
