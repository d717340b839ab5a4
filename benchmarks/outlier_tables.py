"""Tables with known outliers, from ADBench: files NAME.npz in benchmarks/data/adbench."""

import zipfile
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from .table_datasets import FOLDER as DATA

FOLDER = DATA / "adbench"
#: Rows that are used at most: to train on and to test with.
MOST_ROWS = 2_000
_TEST_SHARE = 0.3
#: Outliers among these rows at least, for both parts of them.
_FEWEST_OUTLIERS = 10


@dataclass(frozen=True)
class OutlierTable:
    """A table, and which of its rows are outliers."""

    name: str
    X: np.ndarray
    y: np.ndarray

    def split(self, seed, most_rows=MOST_ROWS):
        """Return rows to train on, rows to test with, and which of the latter are outliers."""
        rows = self._some_rows(np.random.default_rng(seed), most_rows)
        train, test = train_test_split(
            rows, test_size=_TEST_SHARE, stratify=self.y[rows], random_state=seed
        )
        return self.X[train], self.X[test], self.y[test]

    def _some_rows(self, rng, n):
        """Return the rows in random order; of many, some with the same share of outliers."""
        if len(self.y) <= n:
            return rng.permutation(len(self.y))
        outliers, others = (rng.permutation(np.flatnonzero(self.y == k)) for k in (1, 0))
        n_outliers = min(len(outliers), max(_FEWEST_OUTLIERS, round(n * self.y.mean())))
        return rng.permutation([*outliers[:n_outliers], *others[: n - n_outliers]])


def outlier_tables(folder=FOLDER):
    """Yield the tables that are there, the smallest files first."""
    paths = list(folder.glob("*.npz")) if folder.is_dir() else []
    for path in sorted(paths, key=lambda path: (path.stat().st_size, path.name)):
        try:
            with np.load(path) as arrays:
                X, y = arrays["X"].astype(np.float64), arrays["y"].astype(int).ravel()
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            print(f"{path.name} is skipped: {error}", flush=True)
            continue
        yield OutlierTable(path.stem.partition("_")[2] or path.stem, X, y)
