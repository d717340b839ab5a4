"""Layout of pooling: which cells a map of positions has, by the parameters of PatchFeatures."""

from typing import Any

import numpy as np

from .image_symmetries import Copies, turns
from .pooling import Cells, cells_of_grids, cells_of_windows


class PoolLayout:
    """Cells of maps: grids that divide each map, or windows of one size.

    Parameters
    ----------
    pool_grid, pool_overlap, pool_size
        As in `PatchFeatures`; `pool_size` overrides the other two.

    Attributes
    ----------
    grids : tuple of (int, int)
        Number of cells of each grid, down and across.
    window : (int, int) or None
        Height and width of a window, in positions.

    Raises
    ------
    ValueError
        If a grid or the window is not two positive integers, or there is no grid.
    """

    def __init__(self, pool_grid: Any, pool_overlap: float, pool_size: Any) -> None:
        self._pool_grid, self._pool_size = pool_grid, pool_size  # as given, for messages
        self._overlap = float(pool_overlap)
        grids = pool_grid if isinstance(pool_grid, list) else [pool_grid]
        if not grids:
            raise ValueError("pool_grid is an empty list: give at least one grid, as (2, 2)")
        self.grids = tuple(two_integers("pool_grid", grid) for grid in grids)
        self.window = None if pool_size is None else two_integers("pool_size", pool_size)

    def check_for(self, copies: Copies) -> None:
        """Raise a ValueError if the copies of an image do not have the same number of cells."""
        if turns(copies) and self.window is not None and self.window[0] != self.window[1]:
            raise ValueError(
                "symmetries exchange rows and columns, so that pool_size must be square, got "
                f"{self._pool_size}; choose a square, or pool_grid"
            )

    @property
    def smallest_map(self) -> tuple[int, int]:
        """Smallest number of positions, down and across, that can be divided into the cells."""
        if self.window is not None:
            return 1, 1
        return max(down for down, _ in self.grids), max(across for _, across in self.grids)

    def n_cells(self, map_shape: tuple[int, int]) -> int:
        """Return the number of cells of a map."""
        if self.window is None:
            return sum(down * across for down, across in self.grids)
        (n_y, n_x), (height, width) = map_shape, self.window
        return -(-n_y // height) * -(-n_x // width)

    def cells(self, map_shape: tuple[int, int], n_cells: int, name: str) -> Cells:
        """Return the cells of a map.

        Raises
        ------
        ValueError
            If the map, of the image called `name`, does not have `n_cells` cells.
        """
        if self.window is not None:
            if self.n_cells(map_shape) != n_cells:
                raise ValueError(
                    f"{name}: has {self.n_cells(map_shape)} cells of pool_size={self._pool_size}, "
                    f"but the images in fit had {n_cells}; use pool_grid for images of several "
                    "sizes"
                )
            return cells_of_windows(map_shape, self.window)
        if map_shape[0] < self.smallest_map[0] or map_shape[1] < self.smallest_map[1]:
            raise ValueError(
                f"{name}: has {map_shape[0]} x {map_shape[1]} positions for a patch, fewer "
                f"than the cells of pool_grid={self._pool_grid}; choose a coarser grid or a "
                "smaller stride"
            )
        return cells_of_grids(map_shape, self.grids, self._overlap)


def two_integers(name: str, value: Any) -> tuple[int, int]:
    """Return two positive integers, given two or one for both; `name` is for the message."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    pair = (value, value) if isinstance(value, int | np.integer) else value
    if not isinstance(pair, tuple | list) or [*map(_is_size, pair)] != [True, True]:
        raise ValueError(f"{name} must be two positive integers, got {value!r}")
    return int(pair[0]), int(pair[1])


def _is_size(n: Any) -> bool:
    return isinstance(n, int | np.integer) and n is not True and bool(n > 0)
