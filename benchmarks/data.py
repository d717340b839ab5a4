"""Data sets that benchmarks run on and that no dependency ships."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data"


def mnist():
    """X_train (60000, 784) and X_test in [0, 1], float32, y_train and y_test; None without them.

    From benchmarks/data/mnist.npz, with arrays X_train, y_train, X_test and y_test, or, where that
    is not there, once from OpenML by scikit-learn, which then writes it.
    """
    path = FOLDER / "mnist.npz"
    if not path.exists() and not _fetch(path):
        return None
    with np.load(path) as arrays:
        X_train, X_test = (
            arrays[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("X_train", "X_test")
        )
        return X_train, arrays["y_train"].astype(int), X_test, arrays["y_test"].astype(int)


def _fetch(path):
    from sklearn.datasets import fetch_openml

    try:
        X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
    except OSError as error:
        print(f"MNIST is left out: {path} is not there, and OpenML is out of reach ({error})")
        return False
    X, y = X.astype(np.uint8), y.astype(np.uint8)
    FOLDER.mkdir(exist_ok=True)
    np.savez(path, X_train=X[:60000], y_train=y[:60000], X_test=X[60000:], y_test=y[60000:])
    return True
