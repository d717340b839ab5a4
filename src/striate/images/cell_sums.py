"""Sums of codes in the cells of an image, over the patches all of whose pixels have data."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .complete_patches import Bools
from .pooling import MAX, MEAN, SUM, Cells, finish_pooling, room_for_parts

Array = npt.NDArray[Any]


class CellSums:
    """Running sums or maxima of the codes in the cells of an image.

    Codes are added to `parts`, and patches are counted by `count`. Those that hold a pixel without
    data (NaN) are left out. A cell in which all are left out gets what the whole image has, or 0 as
    a sum.

    Parameters
    ----------
    cells : Cells
    pooling : int
        One of `POOLINGS`.
    n_codes : int
    dtype : dtype
    """

    def __init__(self, cells: Cells, pooling: int, n_codes: int, dtype: npt.DTypeLike) -> None:
        self.cells, self._pooling = cells, pooling
        self.parts = room_for_parts(cells, pooling, n_codes, dtype)
        self.n_views = 0
        self._n_complete: Array | None = None  # patches in each part, if some were left out

    def count(self, complete: Bools | None) -> None:
        """Count the patches of one more view: those that are complete, or with None all."""
        self.n_views += 1
        if complete is None and self._n_complete is None:
            return
        shape = tuple(len(each) for each in self.cells.part_of)
        all_places = np.ones(shape, dtype=bool)
        if self._n_complete is None:
            self._n_complete = (self.n_views - 1) * self._parts_of(all_places)
        self._n_complete += self._parts_of(all_places if complete is None else complete)

    def finish(self, name: str) -> Array:
        """Return the features of the cells (n_cells, n_codes).

        Raises
        ------
        ValueError
            If each patch of the image called `name` was left out.
        """
        if self._n_complete is None:
            return finish_pooling(self.cells, self._pooling, self.n_views, self.parts)
        if not self._n_complete.any():
            raise ValueError(f"{name}: each patch holds a pixel without data")
        grid = self._n_complete.reshape(self.cells.shape)
        n = np.array([grid[cover].sum() for cover in self.cells.covers])
        sums = finish_pooling(self.cells, MAX if self._pooling == MAX else SUM, 1, self.parts)
        if self._pooling == MEAN:
            sums = sums / np.maximum(n, 1)[:, np.newaxis].astype(sums.dtype)
            sums[n == 0] = self.parts.sum(axis=0) / sums.dtype.type(self._n_complete.sum())
        elif self._pooling == MAX:
            sums[n == 0] = self.parts.max(axis=0)
        return sums

    def _parts_of(self, places: Array) -> Array:
        """Return how many of some places (n_y, n_x) lie in each part."""
        rows, columns = self.cells.part_of
        return np.bincount((rows[:, np.newaxis] + columns)[places], minlength=len(self.parts))
