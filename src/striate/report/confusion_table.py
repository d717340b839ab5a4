"""The confusion matrix: the whole table, or the most frequent mistakes if classes are many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Number of classes up to which the whole matrix is shown.
MOST_CLASSES = 20
_MOST_PAIRS = 20
# Total length of the class names up to which they fit above the columns.
_MOST_LETTERS = 34


def confused_pairs(confusion: NDArray[np.intp], n: int = _MOST_PAIRS) -> list[tuple[int, int]]:
    """Return at most `n` pairs (true class, predicted class), the most frequent mistakes first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:n]
    rows, columns = np.unravel_index(order, wrong.shape)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(i, j) for i, j in pairs if wrong[i, j]]


def headings(names: list[str], room: int = _MOST_LETTERS) -> tuple[list[str], list[str]]:
    """Return the names of rows and columns; columns get numbers if their names are too long."""
    if sum(map(len, names)) <= room:
        return names, names
    numbers = [str(k + 1) for k in range(len(names))]
    return [f"{k}  {name}" for k, name in zip(numbers, names, strict=True)], numbers


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix.

    Attributes
    ----------
    kind : {"right", "wrong", "none"}
        Class of its style.
    count : int
        Number of images.
    share : float
        Share of the images of the true class.
    """

    kind: str
    count: int
    share: float


@dataclass(frozen=True, eq=False)
class ConfusionTable:
    """What `confusion.html` shows.

    Attributes
    ----------
    names : list of str
        Class names.
    counts : ndarray of int of shape (n_classes, n_classes)
        Number of images by true class (rows) and predicted class (columns).
    """

    names: list[str]
    counts: NDArray[np.intp]

    @property
    def is_large(self) -> bool:
        """Whether there are too many classes to show the whole matrix."""
        return len(self.names) > MOST_CLASSES

    @property
    def columns(self) -> list[str]:
        """Headings of the columns."""
        return headings(self.names)[1]

    @property
    def rows(self) -> list[tuple[str, list[Cell], float]]:
        """Heading, cells and recall of each row."""
        names = headings(self.names)[0]
        shares = self.counts / self._totals[:, np.newaxis]
        return [
            (name, self._cells(i, shares[i]), float(shares[i, i])) for i, name in enumerate(names)
        ]

    @property
    def pairs(self) -> list[list[str]]:
        """Most frequent mistakes: true class, predicted class, and their number."""
        return [
            [self.names[i], self.names[j], f"{self.counts[i, j]} of {self._totals[i]}"]
            for i, j in confused_pairs(self.counts)
        ]

    @property
    def worst_classes(self) -> list[list[str]]:
        """Name, recall and number of images of the classes with the lowest recall."""
        recalls = np.diag(self.counts) / self._totals
        order = np.argsort(recalls, kind="stable")[:_MOST_PAIRS]
        return [[self.names[i], f"{recalls[i]:.0%}", str(self._totals[i])] for i in order]

    @property
    def _totals(self) -> NDArray[np.intp]:
        totals: NDArray[np.intp] = np.maximum(self.counts.sum(axis=1), 1)
        return totals

    def _cells(self, i: int, shares: NDArray[np.float64]) -> list[Cell]:
        return [
            Cell("right" if i == j else "wrong" if count else "none", count, share)
            for j, (count, share) in enumerate(
                zip(self.counts[i].tolist(), shares.tolist(), strict=True)
            )
        ]
