"""Statistics of the units of a layer, updated with blocks of activations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class RunningStatistics:
    """Mean, scatter, minimum and top rows of the activations added so far.

    Parameters
    ----------
    n_units : int
        Number of units.
    n_top : int
        Number of rows to keep for each unit, those with the highest activations.
    """

    def __init__(self, n_units: int, n_top: int) -> None:
        self.n = 0
        self.mean: Array = np.zeros(n_units)
        self.scatter: Array = np.zeros((n_units, n_units))  # Σ (a − mean)(a − mean)ᵀ over the rows
        self.lowest: Array = np.full(n_units, np.inf)
        self.top_values: Array = np.full((n_units, n_top), -np.inf)
        self.top_rows: NDArray[np.intp] = np.full((n_units, n_top), -1)

    def add(self, activations: Any, first: int) -> None:
        """Add a block (m, n_units) of activations; `first` is the index of its first row."""
        A: Array = np.asarray(activations, dtype=np.float64)
        self.lowest = np.minimum(self.lowest, A.min(axis=0))
        self._add_top(np.ascontiguousarray(A.T), first)
        if self.n == 0:
            self.mean = A[0]  # so that a constant has no deviation, to the last bit
        # Sums of squares of two parts, each about its own mean, and the term between the means.
        mean = self.mean + (A - self.mean).mean(axis=0)
        D, shift, n = A - mean, mean - self.mean, self.n + len(A)
        self.scatter += D.T @ D + self.n * len(A) / n * np.outer(shift, shift)
        self.mean = self.mean + len(A) / n * shift
        self.n = n

    def _add_top(self, A: Array, first: int) -> None:
        higher = self.top_values[:, -1:] < A
        for unit in np.flatnonzero(higher.any(axis=1)):
            new = np.flatnonzero(higher[unit])
            values = np.concatenate([self.top_values[unit], A[unit, new]])
            rows = np.concatenate([self.top_rows[unit], first + new])
            best = np.argsort(-values, kind="stable")[: self.top_values.shape[1]]
            self.top_values[unit], self.top_rows[unit] = values[best], rows[best]

    @property
    def std(self) -> Array:
        """Standard deviation of each unit."""
        std: Array = np.sqrt(np.diag(self.scatter) / self.n)
        return std

    def duplicates(self, live: NDArray[np.bool_], correlation: float) -> NDArray[np.intp]:
        """Return the earlier unit that each unit duplicates, or -1.

        Parameters
        ----------
        live : ndarray of bool of shape (n_units,)
            Units to compare.
        correlation : float
            Absolute correlation above which two units are duplicates.
        """
        deviation = np.sqrt(np.diag(self.scatter))
        scale = np.where(live, 1 / np.where(live, deviation, 1), 0)
        correlations = np.abs(self.scatter * scale[:, None] * scale)
        duplicate_of = np.full(len(live), -1)
        for unit in np.flatnonzero(live)[1:]:
            candidates = np.where(duplicate_of[:unit] < 0, correlations[unit, :unit], 0)
            if candidates.max() > correlation:
                duplicate_of[unit] = candidates.argmax()
        return duplicate_of
