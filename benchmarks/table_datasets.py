"""Tables of the benchmarks that no dependency provides."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data"
#: Name and version at OpenML.
TABLES = {"mammography": ("mammography", 1), "california": ("california", 4)}


def table(name):
    """Return X (n, d) and y of a table; None if not available.

    The data are read from benchmarks/data/NAME.npz, with arrays X and y. If it does not exist, it
    is downloaded from OpenML once.
    """
    path = FOLDER / f"{name}.npz"
    if not path.exists() and not _fetch(path, *TABLES[name]):
        return None
    with np.load(path) as arrays:
        return arrays["X"].astype(np.float32), arrays["y"]


def _fetch(path, name, version):
    from sklearn.datasets import fetch_openml

    try:
        X, y = fetch_openml(name, version=version, return_X_y=True, as_frame=False)
    except OSError as error:
        print(f"{name} is skipped: {path} does not exist, and OpenML cannot be reached ({error})")
        return False
    y = np.unique(y, return_inverse=True)[1] if y.dtype == object else y
    FOLDER.mkdir(exist_ok=True)
    np.savez(path, X=X, y=y)
    return True
