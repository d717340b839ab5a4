"""The labelled pixels of a mask, which are few of many."""

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from striate.core.stored_arrays import loaded

# Pixels of a mask that are read at a time.
_BAND_PIXELS = 2**22


class Strokes(NamedTuple):
    """The pixels of a mask that have a label, row by row.

    Attributes
    ----------
    shape : (int, int)
        Height and width of the mask.
    rows, columns : ndarray of int of shape (n_labels,)
    labels : ndarray of shape (n_labels,)
    """

    shape: tuple[int, int]
    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    labels: npt.NDArray[Any]

    @classmethod
    def of(cls, mask: Any, name: str) -> Self:
        """Return the labels of a mask, an array of NumPy, h5py or Zarr; read in bands.

        Raises
        ------
        ValueError
            If a label is negative.
        """
        height, width = map(int, mask.shape[:2])
        n_rows, parts = max(1, _BAND_PIXELS // max(width, 1)), []
        for top in range(0, max(height, 1), n_rows):
            band = loaded(mask[top : top + n_rows])
            band = band.reshape(band.shape[:2])
            y, x = np.nonzero(band)
            parts.append((y + top, x, band[y, x]))
        rows, columns, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
        check_no_negative(labels, name)
        return cls((height, width), rows, columns, labels)

    def kept(self, some: npt.NDArray[np.bool_]) -> Self:
        """Return some of the labels."""
        return self._replace(
            rows=self.rows[some], columns=self.columns[some], labels=self.labels[some]
        )

    def within(self, rows: tuple[int, int], columns: tuple[int, int]) -> Self:
        """Return the labels in a block: first row and last + 1, first column and last + 1."""
        inside = (rows[0] <= self.rows) & (self.rows < rows[1])
        return self.kept(inside & (columns[0] <= self.columns) & (self.columns < columns[1]))


def check_no_negative(labels: npt.NDArray[Any], name: str) -> None:
    """Raise a ValueError if a label is negative."""
    if labels.size and labels.dtype.kind == "i" and labels.min() < 0:
        raise ValueError(f"{name}: has {labels.min()}; no label is 0, and classes are 1, 2, …")
