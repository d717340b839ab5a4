"""Rows of tiles: what a unit looks for, then the images that excite it most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .style import INK, QUIET
from .tiles import GAP, as_tiles, scaled
from .unit_labels import UnitName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# All lengths here are hundredths of an inch: a figure of 100 dots per inch, and a file of 200,
# then have a whole number of dots for each pixel of a tile.
_TILE = 46  # about what the longer side of a tile takes
_NAME = 68  # to the left of the tiles
_AFTER_FIRST = 18  # between what the unit looks for and the images
_CAPTION = 17  # below a tile
_HEADING = 22  # above all of them


class TileRows(NamedTuple):
    """One row of tiles for each unit."""

    names: list[UnitName]
    tiles: NDArray[np.float64]  # (n_units, 1 + n_rows, height, width, 1 or 3), values in [0, 1]
    activations: NDArray[np.float64]  # (n_units, n_rows), highest first
    lowest: NDArray[
        np.float64
    ]  # (n_units,): rows that excite a unit no more than this are not shown

    @property
    def zoom(self) -> float:
        """Length of a pixel of a tile: a whole number of halves."""
        return max(1, round(2 * _TILE / max(self.tiles.shape[2:4]))) / 2

    @property
    def step(self) -> tuple[float, float]:
        """Distance from a tile to the one below, and to the one on its right."""
        height, width = (n * self.zoom for n in self.tiles.shape[2:4])
        return height + _CAPTION, width + max(2, round(GAP * width))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the whole."""
        n_units, n_tiles = self.tiles.shape[:2]
        down, across = self.step
        return _NAME + _AFTER_FIRST + n_tiles * across, _HEADING + n_units * down

    def draw(self, ax: Axes, cmap: Any) -> None:
        """Draw them on axes, which become a sheet measured in hundredths of an inch."""
        width, height = self.size
        ax.set(xlim=(0, width), ylim=(height, 0))
        ax.set_axis_off()
        down, across = self.step
        head: dict[str, Any] = {"fontsize": 8, "color": INK, "va": "center"}
        first = _NAME + across + _AFTER_FIRST
        ax.text(_NAME - 8, _HEADING / 2 - 3, "Unit", ha="right", **head)
        ax.text(_NAME, _HEADING / 2 - 3, "Looks for", **head)
        ax.text(first, _HEADING / 2 - 3, "Is excited most by, and its activation there", **head)
        for i, name in enumerate(self.names):
            top = _HEADING + i * down
            self._draw_name(ax, name, top)
            self._draw_tile(ax, self.tiles[i, 0], _NAME, top, cmap)
            exciting = np.flatnonzero(self.activations[i] > self.lowest[i])
            for k in exciting:
                left = first + k * across
                self._draw_tile(ax, self.tiles[i, 1 + k], left, top, cmap)
                self._caption(ax, self.activations[i, k], left, top)
            if not len(exciting):
                same = f"by none: its activation is {self.lowest[i]:.3g} in every row"
                note: dict[str, Any] = {"va": "center", "color": QUIET, "fontsize": 8}
                ax.text(first, top + (down - _CAPTION) / 2, same, **note)

    def _draw_name(self, ax: Axes, name: UnitName, top: float) -> None:
        middle = top + (self.step[0] - _CAPTION) / 2
        lines = [(name.number, INK, 9), (name.mean, QUIET, 7.5)]
        if name.flaw:
            lines.append((name.flaw, name.color, 7.5))
        for k, (text, color, size) in enumerate(lines):
            y = middle + 14 * (k - (len(lines) - 1) / 2)
            ax.text(_NAME - 8, y, text, ha="right", va="center", color=color, fontsize=size)

    def _draw_tile(self, ax: Axes, tile: NDArray, left: float, top: float, cmap: Any) -> None:
        height, width = (n * self.zoom for n in tile.shape[:2])
        pixels = tile if tile.shape[2] == 3 else tile[..., 0]
        ax.imshow(
            pixels,
            extent=(left, left + width, top + height, top),
            cmap=cmap,
            vmin=0,
            vmax=1,
            interpolation="antialiased",
        )

    def _caption(self, ax: Axes, activation: float, left: float, top: float) -> None:
        height, width = (n * self.zoom for n in self.tiles.shape[2:4])
        where = (left + width / 2, top + height + 2)
        text = f"{activation:.2f}" if abs(activation) < 100 else f"{activation:.3g}"
        ax.text(*where, text, ha="center", va="top", color=QUIET, fontsize=6.5)


def tile_rows(
    names: list[UnitName],
    maximal: NDArray,
    rows: NDArray,
    activations: NDArray,
    lowest: NDArray,
    image_shape: tuple[int, ...],
) -> TileRows:
    """Bring inputs into the range of grey levels and colours.

    A maximising input has mid grey for zero and its own largest weight for black or white. So has
    each row where there are negative values, as after whitening. Other rows are all scaled alike,
    with black for zero.

    Parameters
    ----------
    names : list of UnitName
        One for each unit.
    maximal : ndarray of shape (n_units, n_features)
        What each unit looks for.
    rows : ndarray of shape (n_units, n_rows, n_features)
        The rows that excite it most.
    activations : ndarray of shape (n_units, n_rows)
        The activation there.
    lowest : ndarray of shape (n_units,)
        The lowest activation of each unit.
    image_shape : tuple
        Shape of the images.

    Returns
    -------
    TileRows
        The tiles.

    Raises
    ------
    ValueError
        If `image_shape` does not fit the features.
    """
    n_units, n_rows, n_features = rows.shape
    first = (scaled(as_tiles(maximal, image_shape), "tile") + 1) / 2
    signed = rows.min() < 0
    others = as_tiles(rows.reshape(-1, n_features), image_shape)
    others = scaled(others, "tile" if signed else "common")
    others = (others + 1) / 2 if signed else others
    others = others.reshape(n_units, n_rows, *first.shape[1:])
    return TileRows(names, np.concatenate([first[:, None], others], axis=1), activations, lowest)
