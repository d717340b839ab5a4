"""Pooling of one view of an image after the other, without the patches that lack data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .complete_patches import complete_patches, rectangles
from .convolution import Patches
from .pooling import MAX, MEAN, SUM, Cells, finish_pooling, room_for_parts

Array = npt.NDArray[Any]
#: Encodes the patches of a view, and adds the codes to the parts that their positions lie in.
EncodeAndPool = Callable[[Array, tuple[Array, Array], Array], None]


class CellSums:
    """Running sums or maxima of the codes in the cells of an image.

    Patches that hold a pixel without data (NaN) are left out. A cell in which all are left out gets
    what the whole image has, or 0 as a sum.

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

    def add(self, view: Array, patches: Patches, encode_and_pool: EncodeAndPool) -> None:
        """Add the codes of a view (h, w, c)."""
        self.n_views += 1
        part_of, complete = self.cells.part_of, complete_patches(view, patches[:2], patches.stride)
        if complete is None and self._n_complete is None:
            encode_and_pool(view, part_of, self.parts)
            return
        if complete is None:
            complete = np.ones(patches.map_shape(view), dtype=bool)
        if self._n_complete is None:
            self._n_complete = np.zeros(len(self.parts), dtype=np.intp)
            every = self._parts_of(np.ones_like(complete))
            self._n_complete += (self.n_views - 1) * every
        self._n_complete += self._parts_of(complete)
        for rows, columns in rectangles(complete):
            y, x = (
                slice(each.start * patches.stride, (each.stop - 1) * patches.stride + size)
                for each, size in ((rows, patches.height), (columns, patches.width))
            )
            piece = np.ascontiguousarray(view[y, x])
            encode_and_pool(piece, (part_of[0][rows], part_of[1][columns]), self.parts)

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
