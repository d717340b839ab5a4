"""Pooling: what remains of the activations at all positions, cell by cell."""

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


def cells_of_grids(map_shape, grids):
    """A map (n_y, n_x) divided by each of the grids (down, across) as evenly as can be."""
    return _cells([[_even(n, g) for n, g in zip(map_shape, grid, strict=True)] for grid in grids])


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
def pool(A, begin, cells, pooling, threshold, two_signs, pooled):
    """Adds the activations A at positions begin, begin + 1, … to `pooled` (n_cells, n_features).

    With two signs a unit's z is two activations, max(0, z − θ) and max(0, −z − θ).
    """
    n_x, k = cells.columns.shape[1], A.shape[1]
    zero, theta = like(0, A[0, 0]), like(threshold, A[0, 0])
    sums = pooled.reshape(len(pooled), pooled.shape[1] // k, k)
    for i in range(len(A)):
        y, x = (begin + i) // n_x, (begin + i) % n_x
        for g in range(len(cells.rows)):
            cell = cells.rows[g, y] + cells.columns[g, x]
            for sign in range(sums.shape[1]):
                factor = like(1 - 2 * sign, theta)
                if pooling == MAX:
                    for j in range(k):
                        a = factor * A[i, j] - theta
                        a = zero if two_signs and a < zero else a
                        sums[cell, sign, j] = a if a > sums[cell, sign, j] else sums[cell, sign, j]
                elif two_signs:
                    for j in range(k):
                        a = factor * A[i, j] - theta
                        sums[cell, sign, j] += a if a > zero else zero
                else:
                    for j in range(k):
                        sums[cell, sign, j] += A[i, j]


def finish_pooling(cells, pooling, n_views, pooled):
    """Turns sums over the cells of so many views of an image into means."""
    if pooling == MEAN:
        pooled /= (n_views * cells.sizes[:, np.newaxis]).astype(pooled.dtype)
