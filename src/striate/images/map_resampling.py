"""Maps of coarse cells: pooled windows of positions, their channels, and values between cells."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.native.blas import product
from striate.native.compile import kernel
from striate.native.intrinsics import like

from .pooling import MAX, reduced

#: Cells across whose channels are computed at once.
CELL_GROUP = 8


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
def pool_cells(t, T, codes, windows, how, cells):
    """Reduce windows of positions to cells (n_y, n_x, k): thread t's rows of cells.

    Parameters
    ----------
    t, T : int
    codes : array of shape (n_y, n_x, k)
    windows : ((int, int), int, int)
        The first position of the first cell, the positions in a window, down and across, and the
        distance of two of them.
    how : (int, bool)
        One of `POOLINGS`, where a sum is a mean, too; and whether positions without data (NaN) are
        left out. If not, or if all are, the cell is NaN.
    cells : array of shape (n_y, n_x, k)
    """
    (top, left), size, stride = windows
    start = like(-np.inf if how[0] == MAX else 0, codes[0, 0, 0])
    for y in range(t, cells.shape[0], T):
        for x in range(cells.shape[1]):
            total, n = cells[y, x], 0
            total[:] = start
            for i in range(size * size):
                row, column = i // size * stride, i % size * stride
                code = codes[top + y * size * stride + row, left + x * size * stride + column]
                if how[1] and np.isnan(code[0]):
                    continue
                n += 1
                for j in range(total.size):
                    total[j] = reduced(total[j], code[j], how[0])
            if n == 0:
                total[:] = like(np.nan, start)
            elif how[0] != MAX:
                scale = like(1, start) / like(n, start)
                for j in range(total.size):
                    total[j] *= scale


@kernel
def project_cells(t, T, cells, weights, channels):
    """Write x W + shift of all cells (n_y, n_x, k) to channels (n_y, n_x, c): thread t's rows.

    All products are of groups of CELL_GROUP cells across, of which n_x is a multiple, so that the
    channels of a cell do not depend on how much else is computed.
    """
    W, shift = weights
    for y in range(t, cells.shape[0], T):
        for x in range(0, cells.shape[1], CELL_GROUP):
            projected = channels[y, x : x + CELL_GROUP]
            product(cells[y, x : x + CELL_GROUP], False, W, False, projected, 0.0)
            for i in range(CELL_GROUP):
                for j in range(shift.size):
                    projected[i, j] += shift[j]


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
