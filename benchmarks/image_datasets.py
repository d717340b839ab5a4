"""Data sets of the benchmarks that no dependency provides."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data"


def mnist():
    """Return X_train (60000, 784) and y_train, X_test and y_test; None if not available.

    X is float32 in [0, 1]. The data are read from benchmarks/data/mnist.npz, with arrays X_train,
    y_train, X_test and y_test. If it does not exist, it is downloaded from OpenML once.
    """
    arrays = _arrays("mnist", "mnist_784", _as_they_are, 60_000)
    if arrays is None:
        return None
    X_train, y_train, X_test, y_test = arrays
    X_train, X_test = (
        X.reshape(-1, 784).astype(np.float32) / np.float32(255) for X in (X_train, X_test)
    )
    return X_train, y_train, X_test, y_test


def has_mnist():
    """Return whether `mnist` can return its data without a download."""
    return (FOLDER / "mnist.npz").exists()


def cifar10():
    """Return X_train (50000, 32, 32, 3) and y_train, X_test and y_test; None if not available.

    X is uint8. The data are read from benchmarks/data/cifar10.npz or, once, from OpenML.
    """
    return _arrays("cifar10", "CIFAR_10", _channels_last, 50_000)


def _arrays(name, name_at_openml, arrange, n_train):
    """Return X_train, y_train, X_test, y_test of the file."""
    path = FOLDER / f"{name}.npz"
    if not path.exists() and not _fetch(path, name_at_openml, arrange, n_train):
        return None
    with np.load(path) as arrays:
        return (
            arrays["X_train"],
            arrays["y_train"].astype(int),
            arrays["X_test"],
            arrays["y_test"].astype(int),
        )


def _fetch(path, name, arrange, n_train):
    from sklearn.datasets import fetch_openml

    try:
        X, y = fetch_openml(name, version=1, return_X_y=True, as_frame=False)
    except OSError as error:
        print(f"{name} is skipped: {path} does not exist, and OpenML cannot be reached ({error})")
        return False
    X, y = arrange(X.astype(np.uint8)), y.astype(np.uint8)
    FOLDER.mkdir(exist_ok=True)
    np.savez(path, X_train=X[:n_train], y_train=y[:n_train], X_test=X[n_train:], y_test=y[n_train:])
    return True


def _as_they_are(X):
    return X


def _channels_last(X):
    """Reorder OpenML's rows of CIFAR-10: all red values, then all green, then all blue."""
    return X.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
