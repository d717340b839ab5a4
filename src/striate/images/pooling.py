"""Pooling: reduce the activations at all positions of a map to one number per unit and cell."""

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from striate.native.compile import jit, kernel
from striate.native.intrinsics import like

from .encoding import rectified

#: How the activations at the positions of a cell are reduced to one, as a number.
MEAN, MAX, SUM = range(3)
POOLINGS = {"mean": MEAN, "max": MAX, "sum": SUM}
_REDUCTIONS: dict[int, Any] = {MEAN: np.mean, MAX: np.max, SUM: np.sum}


class Windows(NamedTuple):
    """Windows along one axis: number i covers the positions begin[i], …, end[i] − 1."""

    begin: npt.NDArray[np.intp]
    end: npt.NDArray[np.intp]


#: Windows down and across: each pair of them is a cell.
Grid = tuple[Windows, Windows]


class Cells(NamedTuple):
    """Cells of a map, which may overlap and may come from several grids.

    The map is cut wherever a cell begins or ends. Each position is counted once, for the part it
    lies in, and in the end each cell is reduced from the parts that it covers. Along an axis of 8
    positions, with the windows [0, 5) and [3, 8):

        position   0   1   2   3   4   5   6   7
        window 0   ├───────────────────┤
        window 1               ├───────────────────┤
        part       0   0   0   1   1   2   2   2

    so window 0 covers the parts 0 and 1, and window 1 the parts 1 and 2.

    Attributes
    ----------
    part_of : (ndarray of int of shape (n_y,), ndarray of int of shape (n_x,))
        Position (y, x) lies in the part numbered part_of[0][y] + part_of[1][x].
    shape : (int, int)
        Number of parts, down and across.
    covers : list of (slice, slice)
        Parts of each cell, down and across.
    sizes : ndarray of int of shape (n_cells,)
        Number of positions in each cell.
    are_parts : bool
        Whether each cell is one part, in the order of the parts.
    """

    part_of: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
    shape: tuple[int, int]
    covers: list[tuple[slice, slice]]
    sizes: npt.NDArray[np.intp]
    are_parts: bool


@lru_cache(maxsize=64)
def cells_of_grids(
    map_shape: tuple[int, int], grids: tuple[tuple[int, int], ...], overlap: float = 0.0
) -> Cells:
    """Divide a map into grids of (down, across) cells, of one size in each direction.

    `overlap` is the share of a cell that its neighbour covers too. Without it the map is divided
    as evenly as possible.
    """
    (n_y, n_x) = map_shape
    return _cells(
        map_shape,
        [(_windows(n_y, down, overlap), _windows(n_x, across, overlap)) for down, across in grids],
    )


@lru_cache(maxsize=64)
def cells_of_windows(map_shape: tuple[int, int], window: tuple[int, int]) -> Cells:
    """Divide a map into windows of (height, width) positions; the last may be smaller."""
    begin = [np.arange(0, n, size) for n, size in zip(map_shape, window, strict=True)]
    down, across = (
        Windows(first, np.minimum(first + size, n))
        for first, size, n in zip(begin, window, map_shape, strict=True)
    )
    return _cells(map_shape, [(down, across)])


def _windows(n: int, n_windows: int, overlap: float) -> Windows:
    """Divide n positions into windows of one size, up to rounding, at equal distances."""
    size = n / (n_windows - (n_windows - 1) * overlap)
    step = np.arange(n_windows) * size * (1 - overlap)
    begin, end = (np.ceil(np.round(edge, 6)).astype(np.intp) for edge in (step, step + size))
    return Windows(begin, np.minimum(end, n))


def _cells(map_shape: tuple[int, int], grids: Sequence[Grid]) -> Cells:
    """Cut the map wherever a window begins or ends."""
    cuts = [
        np.unique(np.concatenate([np.concatenate(grid[axis]) for grid in grids])) for axis in (0, 1)
    ]
    part_rows, part_columns = (
        np.searchsorted(cut, np.arange(n), "right") - 1
        for cut, n in zip(cuts, map_shape, strict=True)
    )
    shape = len(cuts[0]) - 1, len(cuts[1]) - 1
    covers: list[tuple[slice, slice]] = []
    sizes = []
    for down, across in grids:
        covers += itertools.product(_parts(cuts[0], down), _parts(cuts[1], across))
        sizes.append(np.outer(down.end - down.begin, across.end - across.begin).ravel())
    alone = all(part.stop - part.start == 1 for cover in covers for part in cover)
    are_parts = alone and len(covers) == shape[0] * shape[1]
    part_of = part_rows * shape[1], part_columns
    return Cells(part_of, shape, covers, np.concatenate(sizes), are_parts)


def _parts(cut: npt.NDArray[np.intp], windows: Windows) -> list[slice]:
    """Return the parts that each window covers."""
    first, last = np.searchsorted(cut, windows.begin), np.searchsorted(cut, windows.end)
    return [slice(*each) for each in zip(first.tolist(), last.tolist(), strict=True)]


@jit
def reduced(total, a, pooling):
    """Return the larger of both for MAX, and their sum otherwise."""
    if pooling == MAX:
        return a if a > total else total
    return total + a


@kernel
def pool(A, begin, part_of, pooling, signs, theta, parts):
    """Pool the activations at positions begin, begin + 1, … into `parts` (n_parts, n_features).

    The activations are A (m, k) itself or, if there are `signs`, max(0, sign · z − θ) of the z in
    A, with a threshold θ for each row; features are ordered by sign, then by unit.
    """
    rows, columns = part_of
    n_x, k = len(columns), A.shape[1]
    totals = parts.reshape(len(parts), parts.shape[1] // k, k)
    for i in range(len(A)):
        part = rows[(begin + i) // n_x] + columns[(begin + i) % n_x]
        if len(signs) == 0:
            for j in range(k):
                totals[part, 0, j] = reduced(totals[part, 0, j], A[i, j], pooling)
        for s in range(len(signs)):
            for j in range(k):
                a = rectified(A[i, j], signs[s], theta[i])
                totals[part, s, j] = reduced(totals[part, s, j], a, pooling)


@kernel
def means_and_roots(sums, counts, takes_root):  # sums (n, n_features), counts (n,)
    """Divide each row by its count, and take the signed roots if they are asked for, in place."""
    for i in range(len(sums)):
        row, count = sums[i], like(counts[i], sums[0, 0])
        for j in range(row.size):
            row[j] /= count
        if takes_root:
            for j in range(row.size):
                root = np.sqrt(abs(row[j]))
                row[j] = -root if row[j] < 0 else root


def room_for_parts(
    cells: Cells, pooling: int, n_features: int, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """Return the array that `pool` adds to: 0, or −∞ for maxima."""
    n_parts = cells.shape[0] * cells.shape[1]
    return np.full((n_parts, n_features), -np.inf if pooling == MAX else 0, dtype=dtype)


def finish_pooling(
    cells: Cells, pooling: int, n_views: int, parts: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Return the features of the cells (n_cells, n_features) from the parts of n_views views."""
    if not cells.are_parts:
        grid = parts.reshape(*cells.shape, -1)
        reduce = np.max if pooling == MAX else np.sum
        parts = np.stack([reduce(grid[cover], axis=(0, 1)) for cover in cells.covers])
    if pooling == MEAN:
        parts = parts / (n_views * cells.sizes[:, np.newaxis]).astype(parts.dtype)
    return parts


def merge_pools(pools: Sequence[npt.NDArray[Any]], pooling: int) -> npt.NDArray[Any]:
    """Return the features of cells from those of equally many views of each of several shapes."""
    if len(pools) == 1:
        return pools[0]
    merged: npt.NDArray[Any] = _REDUCTIONS[pooling](np.stack(pools), axis=0)
    return merged
