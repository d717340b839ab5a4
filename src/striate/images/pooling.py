"""Pooling: what remains of the activations at all positions, cell by cell."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from striate.core.compile import kernel, like

#: How the activations of the positions in a cell become one, as a number.
MEAN, MAX, SUM = range(3)
POOLINGS = {"mean": MEAN, "max": MAX, "sum": SUM}


class Cells(NamedTuple):
    """Into which cells the positions of a map fall, for one grid or several.

    Attributes
    ----------
    rows : ndarray of int of shape (n_grids, n_y)
        Number of the first cell of the row of cells in which row y of the map is.
    columns : ndarray of int of shape (n_grids, n_x)
        Number of a cell in its row of cells: position (y, x) is in cell rows[g, y] + columns[g, x].
    sizes : ndarray of int of shape (n_cells,)
        Positions in each cell.
    """

    rows: np.ndarray
    columns: np.ndarray
    sizes: np.ndarray


@lru_cache(maxsize=64)
def cells_of_grids(map_shape, grids):
    """A map (n_y, n_x) divided by each of the grids (down, across) as evenly as can be."""
    return _cells([[_even(n, g) for n, g in zip(map_shape, grid, strict=True)] for grid in grids])


@lru_cache(maxsize=64)
def cells_of_windows(map_shape, window):
    """A map (n_y, n_x) in windows of (height, width) positions; the last may be smaller."""
    return _cells([[np.arange(n) // size for n, size in zip(map_shape, window, strict=True)]])


def _even(n, n_cells):
    return np.arange(n) * n_cells // n


def _cells(grids):
    rows, columns, sizes, begin = [], [], [], 0
    for down, across in grids:
        width = across[-1] + 1
        rows.append(begin + down * width)
        columns.append(across)
        sizes.append(np.outer(np.bincount(down), np.bincount(across)).ravel())
        begin += len(sizes[-1])
    return Cells(np.array(rows), np.array(columns), np.concatenate(sizes))


@kernel
def pool(A, begin, cells, pooling, signs, theta, pooled):
    """Adds the activations at positions begin, begin + 1, … to `pooled` (n_cells, n_features).

    They are A (m, k) itself or, where there are `signs`, max(0, ± z − θ) of the z in A, with a
    threshold θ for each row, first for all units with the first sign.
    """
    n_x, k = cells.columns.shape[1], A.shape[1]
    sums, zero = pooled.reshape(len(pooled), pooled.shape[1] // k, k), like(0, A[0, 0])
    for i in range(len(A)):
        y, x = (begin + i) // n_x, (begin + i) % n_x
        for g in range(len(cells.rows)):
            cell = cells.rows[g, y] + cells.columns[g, x]
            if len(signs) == 0 and pooling == MAX:
                for j in range(k):
                    sums[cell, 0, j] = A[i, j] if A[i, j] > sums[cell, 0, j] else sums[cell, 0, j]
            elif len(signs) == 0:
                for j in range(k):
                    sums[cell, 0, j] += A[i, j]
            for s in range(len(signs)):
                for j in range(k):
                    a = signs[s] * A[i, j] - theta[i]
                    a = a if a > zero else zero
                    if pooling == MAX:
                        sums[cell, s, j] = a if a > sums[cell, s, j] else sums[cell, s, j]
                    else:
                        sums[cell, s, j] += a


def finish_pooling(cells, pooling, n_views, pooled):
    """Turns sums over the cells of so many views of an image into means."""
    if pooling == MEAN:
        pooled /= (n_views * cells.sizes[:, np.newaxis]).astype(pooled.dtype)
