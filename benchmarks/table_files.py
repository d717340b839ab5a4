"""Tables of several kinds for comparisons: a folder of files, and splits of their rows."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from .table_datasets import FOLDER as DATA

FOLDER = DATA / "tables"
#: Rows to train on at most, and to test with at most.
N_TRAIN, N_TEST = 2_000, 5_000


@dataclass(frozen=True)
class TableFile:
    """A table: X with NaN where values are missing, and the indices of categorical columns."""

    name: str
    X: np.ndarray
    y: np.ndarray
    categorical: np.ndarray
    is_classification: bool

    def split(self, seed, n_train=N_TRAIN):
        """Return X and y of rows to train on, and of rows to test with."""
        strata = self.y if self.is_classification else None
        n_train = min(n_train, int(0.75 * len(self.y)))
        X, X_test, y, y_test = train_test_split(
            self.X, self.y, train_size=n_train, stratify=strata, random_state=seed
        )
        return X, y, X_test[:N_TEST], y_test[:N_TEST]


def table_names(folder=FOLDER):
    """Return the names of the tables that are there."""
    return sorted(path.stem for path in folder.glob("*.npz"))


def read_table(name, folder=FOLDER):
    """Return a table from the file NAME.npz: arrays X, y, categorical and task."""
    with np.load(folder / f"{name}.npz") as arrays:
        is_classification = str(arrays["task"]) == "classification"
        y = arrays["y"] if is_classification else arrays["y"].astype(np.float64)
        X = arrays["X"].astype(np.float64)
        return TableFile(name, X, y, arrays["categorical"].astype(int), is_classification)
