"""Maps of coarse cells: means over squares of positions, and values between the cells."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.native.compile import kernel
from striate.native.intrinsics import like


class Places(NamedTuple):
    """Where pixels lie between cells, along one axis.

    Attributes
    ----------
    cell : ndarray of int of shape (n,)
        The cell before each pixel, counted from the first cell of the array.
    share : ndarray of shape (n,)
        How far the pixel lies towards the next cell, from 0 to 1.
    """

    cell: npt.NDArray[np.intp]
    share: npt.NDArray[Any]


@kernel
def average_cells(t, T, codes, first, size, cells):
    """Write the mean of each square of size × size positions: thread t's rows of cells.

    `first` is the place of the first cell's first position in `codes` (n_y, n_x, k).
    """
    scale = like(1, codes[0, 0, 0]) / like(size * size, codes[0, 0, 0])
    for y in range(t, cells.shape[0], T):
        for x in range(cells.shape[1]):
            total = cells[y, x]
            for j in range(total.size):
                total[j] = like(0, scale)
            for row in range(size):
                for column in range(size):
                    code = codes[first[0] + y * size + row, first[1] + x * size + column]
                    for j in range(total.size):
                        total[j] += code[j]
            for j in range(total.size):
                total[j] *= scale


@kernel
def resample(t, T, cells, down, across, begin, maps):
    """Write the values of cells (n_y, n_x, k) at pixels, between their centres: thread t's rows.

    `begin` is the first channel of maps (n_rows, n_columns, n_channels) that is written.
    """
    k, one = cells.shape[2], like(1, cells[0, 0, 0])
    for y in range(t, down.cell.size, T):
        lower = down.share[y]
        upper = one - lower
        above = cells[down.cell[y]]
        below = cells[down.cell[y] + (lower > 0)]
        for x in range(across.cell.size):
            right, here = across.share[x], across.cell[x]
            left, beside = one - right, here + (right > 0)
            values = maps[y, x, begin : begin + k]
            for j in range(k):
                values[j] = upper * (left * above[here, j] + right * above[beside, j]) + lower * (
                    left * below[here, j] + right * below[beside, j]
                )
