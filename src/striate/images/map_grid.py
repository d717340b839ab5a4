"""Where the cells of maps lie in an image, along one axis."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .image_levels import Span
from .map_resampling import Places


def before(patch_side: int) -> int:
    """Return how many pixels of a patch come before the pixel whose patch it is."""
    return (patch_side - 1) // 2


def pixels_of_patches(first: int, n: int, stride: int, patch_side: int) -> Span:
    """Return the pixels in the patches of n positions."""
    begin = stride * first - before(patch_side)
    return Span(begin, begin + stride * (n - 1) + patch_side)


class Grid(NamedTuple):
    """Cells at equal distances: the centre of cell i is step · i + offset, in pixels.

    The default is the pixels themselves.
    """

    step: int = 1
    offset: float = 0.0

    def of_windows(self, n: int, stride: int = 1) -> "Grid":
        """Return the grid of windows of n cells, each but one in `stride` of them left out."""
        return Grid(self.step * n * stride, self.offset + self.step * stride * (n - 1) / 2)

    def of_patches(self, patch_side: int) -> "Grid":
        """Return the centres of the patches of all cells."""
        to_centre = (patch_side - 1) / 2 - before(patch_side)
        return Grid(self.step, self.offset + self.step * to_centre)

    def between(self, pixels: npt.NDArray[np.intp], dtype: npt.DTypeLike) -> "Between":
        """Return where pixels lie between the cells; a cell as large as a pixel is the pixel's."""
        if self.step == 1:
            return Between(pixels, np.zeros(pixels.size, dtype=dtype))
        position = (pixels - self.offset) / self.step
        cell = np.floor(position)
        return Between(cell.astype(np.intp), (position - cell).astype(dtype))


class Between(NamedTuple):
    """The cell before each pixel along an axis, and how far it lies towards the next cell."""

    cell: npt.NDArray[np.intp]
    share: npt.NDArray[Any]

    @property
    def needed(self) -> Span:
        """The cells between which the pixels lie."""
        return Span(int(self.cell[0]), int(self.cell[-1]) + 1 + bool(self.share.any()))

    def places(self, origin: int) -> Places:
        """Return the places in an array whose first cell is `origin`."""
        return Places(self.cell - origin, self.share)
