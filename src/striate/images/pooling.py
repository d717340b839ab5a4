"""Pooling: what remains of the activations at all positions, cell by cell."""

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from striate.core.compile import kernel, like

#: How the activations of the positions in a cell become one, as a number.
MEAN, MAX, SUM = range(3)
POOLINGS = {"mean": MEAN, "max": MAX, "sum": SUM}


class Cells(NamedTuple):
    """Cells of a map, which may overlap, for one grid or several.

    The map is cut wherever a cell begins or ends. A position counts for one of these parts, and in
    the end each cell is put together of the parts that it covers.

    Attributes
    ----------
    rows : ndarray of int of shape (n_y,)
        Number of the first part of the row of parts in which row y of the map is.
    columns : ndarray of int of shape (n_x,)
        Number of a part in its row: position (y, x) is in part rows[y] + columns[x].
    shape : (int, int)
        Parts, down and across.
    covers : list of (slice, slice)
        Parts of each cell, down and across.
    sizes : ndarray of int of shape (n_cells,)
        Positions in each cell.
    are_parts : bool
        Whether cells and parts are the same.
    """

    rows: np.ndarray
    columns: np.ndarray
    shape: tuple[int, int]
    covers: list[tuple[slice, slice]]
    sizes: np.ndarray
    are_parts: bool


@lru_cache(maxsize=64)
def cells_of_grids(map_shape, grids, overlap=0.0):
    """Cells of one size in each direction, (down, across) of them in each of the grids.

    `overlap` is the share of a cell that its neighbour covers, too. Without it the map is divided
    as evenly as can be.
    """
    return _cells(
        map_shape,
        [
            [_windows(n, n_cells, overlap) for n, n_cells in zip(map_shape, grid, strict=True)]
            for grid in grids
        ],
    )


@lru_cache(maxsize=64)
def cells_of_windows(map_shape, window):
    """A map (n_y, n_x) in windows of (height, width) positions; the last may be smaller."""
    begins = [np.arange(0, n, size) for n, size in zip(map_shape, window, strict=True)]
    ends = [
        np.minimum(begin + size, n)
        for begin, size, n in zip(begins, window, map_shape, strict=True)
    ]
    return _cells(map_shape, [list(zip(begins, ends, strict=True))])


def _windows(n, n_cells, overlap):
    """Where n_cells of n positions begin and end."""
    size = n / (n_cells - (n_cells - 1) * overlap)
    step = np.arange(n_cells) * size * (1 - overlap)
    begins, ends = (np.ceil(np.round(edges, 6)).astype(np.intp) for edges in (step, step + size))
    return begins, np.minimum(ends, n)


def _cells(map_shape, grids):
    """Of grids of windows: for each direction of each grid where they begin and end."""
    cuts = [
        np.unique(np.concatenate([edge for grid in grids for edge in grid[axis]]))
        for axis in (0, 1)
    ]
    rows, columns = (
        np.searchsorted(cut, np.arange(n), "right") - 1
        for cut, n in zip(cuts, map_shape, strict=True)
    )
    shape = len(cuts[0]) - 1, len(cuts[1]) - 1
    covers, sizes = [], []
    for grid in grids:
        windows = [list(zip(*edges, strict=True)) for edges in grid]
        for cell in itertools.product(*windows):
            sizes.append(np.prod([end - begin for begin, end in cell]))
            edges = [np.searchsorted(cut, ends) for cut, ends in zip(cuts, cell, strict=True)]
            covers.append((slice(*edges[0]), slice(*edges[1])))
    alone = all(edge.stop - edge.start == 1 for cover in covers for edge in cover)
    are_parts = alone and len(covers) == shape[0] * shape[1]
    return Cells(rows * shape[1], columns, shape, covers, np.array(sizes), are_parts)


@kernel
def pool(A, begin, rows, columns, pooling, signs, theta, pooled):
    """Adds the activations at positions begin, begin + 1, … to `pooled` (n_parts, n_features).

    They are A (m, k) itself or, where there are `signs`, max(0, ± z − θ) of the z in A, with a
    threshold θ for each row, first for all units with the first sign.
    """
    n_x, k = len(columns), A.shape[1]
    sums, zero = pooled.reshape(len(pooled), pooled.shape[1] // k, k), like(0, A[0, 0])
    for i in range(len(A)):
        part = rows[(begin + i) // n_x] + columns[(begin + i) % n_x]
        if len(signs) == 0 and pooling == MAX:
            for j in range(k):
                sums[part, 0, j] = A[i, j] if A[i, j] > sums[part, 0, j] else sums[part, 0, j]
        elif len(signs) == 0:
            for j in range(k):
                sums[part, 0, j] += A[i, j]
        for s in range(len(signs)):
            for j in range(k):
                a = signs[s] * A[i, j] - theta[i]
                a = a if a > zero else zero
                if pooling == MAX:
                    sums[part, s, j] = a if a > sums[part, s, j] else sums[part, s, j]
                else:
                    sums[part, s, j] += a


def room_for_parts(cells, pooling, n_features, dtype):
    """What `pool` adds to."""
    n_parts = cells.shape[0] * cells.shape[1]
    return np.full((n_parts, n_features), -np.inf if pooling == MAX else 0, dtype=dtype)


def finish_pooling(cells, pooling, n_views, parts):
    """Features of the cells (n_cells, n_features) from the parts of so many views of an image."""
    if not cells.are_parts:
        parts = parts.reshape(*cells.shape, -1)
        reduce = np.max if pooling == MAX else np.sum
        parts = np.stack([reduce(parts[cover], axis=(0, 1)) for cover in cells.covers])
    if pooling == MEAN:
        parts = parts / (n_views * cells.sizes[:, np.newaxis]).astype(parts.dtype)
    return parts
