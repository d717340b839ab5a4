"""Units that see images: one row of tiles per unit, its maximal input and its top images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.analysis.unit_inspection import UnitInspection

from .mean_activations import AXIS_HEIGHT, PLOT_HEIGHT, draw_mean_activations
from .sized_figure import SizedFigure, write_title
from .style import INK, QUIET
from .tiles import GAP, as_tiles, scaled
from .unit_labels import UnitLabel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# In hundredths of an inch, with one or two dots each, so that each pixel of a tile is a whole
# number of dots.
_TILE = 46  # approximate length of the longer side of a tile
_LABEL = 68  # to the left of the tiles
_AFTER_FIRST = 18  # between the maximal input and the images
_CAPTION = 17  # below a tile
_HEADING = 22  # above all tiles
_LEGEND = 30  # between the tiles and the plot of mean activations
_AXIS_WIDTH = 54  # to the left of the plot, for its axis
_TARGET = 98  # to the right of the plot, for the label of the target
_NARROWEST = 444


class UnitTiles(NamedTuple):
    """One row of tiles per unit."""

    labels: list[UnitLabel]
    tiles: NDArray[np.float64]  # (n_units, 1 + n_rows, height, width, 1 or 3), from 0 to 1
    activations: NDArray[np.float64]  # (n_units, n_rows), highest first
    lowest: NDArray[np.float64]  # (n_units,); rows with this activation are not shown
    cmap: Any

    @property
    def zoom(self) -> float:
        """Length of a pixel of a tile: a whole number of halves."""
        longer = max(self.tiles.shape[2:4])
        return float(max(1, round(2 * _TILE / longer)) / 2)

    @property
    def step(self) -> tuple[float, float]:
        """Distance from a tile to the next one below, and to the next one on the right."""
        height, width = (float(n * self.zoom) for n in self.tiles.shape[2:4])
        return height + _CAPTION, width + max(2, round(GAP * width))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all rows with their labels."""
        n_units, n_tiles = self.tiles.shape[:2]
        down, across = self.step
        return _LABEL + _AFTER_FIRST + n_tiles * across, _HEADING + n_units * down

    def open_figure(
        self, title: str | None, inspection: UnitInspection
    ) -> tuple[Figure, list[Axes], Axes]:
        """Draw on a new figure in which each pixel of a tile is a square of dots."""
        width, height = self.size
        top = height + _LEGEND
        page = SizedFigure(max(width, _NARROWEST), top + PLOT_HEIGHT + AXIS_HEIGHT, title)
        ax = page.add_axes(0, 0, width, height)
        self.draw(ax)
        right = 0 if inspection.sparsity_target is None else _TARGET
        plot_width = page.content_width - _AXIS_WIDTH - right
        mean_ax = page.add_axes(_AXIS_WIDTH, top, plot_width, PLOT_HEIGHT)
        draw_mean_activations(mean_ax, inspection)
        page.write_title(title)
        return page.figure, [ax], mean_ax

    def draw_on(
        self, figure: Figure | SubFigure, title: str | None, inspection: UnitInspection
    ) -> tuple[list[Axes], Axes]:
        """Draw on a figure of any size."""
        heights = (self.size[1], PLOT_HEIGHT + AXIS_HEIGHT)
        ax, mean_ax = figure.subplots(2, 1, height_ratios=heights)
        ax.set_aspect("equal")
        self.draw(ax)
        draw_mean_activations(mean_ax, inspection)
        write_title(figure, title)
        return [ax], mean_ax

    def draw(self, ax: Axes) -> None:
        """Draw all rows on axes whose data coordinates are hundredths of an inch."""
        width, height = self.size
        ax.set(xlim=(0, width), ylim=(height, 0))
        ax.set_axis_off()
        head: Any = {"fontsize": 8, "color": INK, "va": "center"}
        y = _HEADING / 2 - 3
        ax.text(_LABEL - 8, y, "Unit", ha="right", **head)
        ax.text(_LABEL, y, "Looks for", **head)
        ax.text(self._first_image, y, "Most active for, with the activation below", **head)
        for unit in range(len(self.labels)):
            self._draw_unit(ax, unit)

    @property
    def _first_image(self) -> float:
        return _LABEL + self.step[1] + _AFTER_FIRST

    def _draw_unit(self, ax: Axes, unit: int) -> None:
        """Draw one row of tiles."""
        down, across = self.step
        top = _HEADING + unit * down
        middle = top + (down - _CAPTION) / 2
        self._draw_label(ax, self.labels[unit], middle)
        self._draw_tile(ax, self.tiles[unit, 0], _LABEL, top)
        shown = np.flatnonzero(self.activations[unit] > self.lowest[unit])
        for k in shown:
            left = self._first_image + k * across
            self._draw_tile(ax, self.tiles[unit, 1 + k], left, top)
            self._write_activation(ax, self.activations[unit, k], left, top)
        if not len(shown):
            text = f"no row: the activation is {self.lowest[unit]:.3g} in every row"
            note: Any = {"va": "center", "color": QUIET, "fontsize": 8}
            ax.text(self._first_image, middle, text, **note)

    def _draw_label(self, ax: Axes, label: UnitLabel, middle: float) -> None:
        lines = [(label.number, INK, 9), (label.mean, QUIET, 7.5)]
        if label.flaw:
            lines.append((label.flaw, label.color, 7.5))
        for k, (text, color, size) in enumerate(lines):
            y = middle + 14 * (k - (len(lines) - 1) / 2)
            ax.text(_LABEL - 8, y, text, ha="right", va="center", color=color, fontsize=size)

    def _draw_tile(self, ax: Axes, tile: NDArray[Any], left: float, top: float) -> None:
        height, width = (n * self.zoom for n in tile.shape[:2])
        ax.imshow(
            tile if tile.shape[2] == 3 else tile[..., 0],
            extent=(left, left + width, top + height, top),
            cmap=self.cmap,
            vmin=0,
            vmax=1,
            interpolation="antialiased",
        )

    def _write_activation(self, ax: Axes, activation: float, left: float, top: float) -> None:
        height, width = (n * self.zoom for n in self.tiles.shape[2:4])
        text = f"{activation:.2f}" if abs(activation) < 100 else f"{activation:.3g}"
        x, y = left + width / 2, top + height + 2
        ax.text(x, y, text, ha="center", va="top", color=QUIET, fontsize=6.5)


def scale_tiles(
    maximal: NDArray[Any], rows: NDArray[Any], image_shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Scale maximal inputs and rows to [0, 1], as tiles.

    In a maximal input, zero is mid grey and the largest weight black or white. The same holds for
    each row if there are negative values, as after whitening. Otherwise all rows have one scale,
    with zero as black.

    Parameters
    ----------
    maximal : ndarray of shape (n_units, n_features)
        Maximal input of each unit.
    rows : ndarray of shape (n_units, n_rows, n_features)
        Rows that excite each unit most.
    image_shape : tuple
        Shape of the images.

    Returns
    -------
    tiles : ndarray of shape (n_units, 1 + n_rows, height, width, 1 or 3)
        Tiles, the maximal input first.

    Raises
    ------
    ValueError
        If `image_shape` does not match the features.
    """
    n_units, n_rows, n_features = rows.shape
    first = (scaled(as_tiles(maximal, image_shape), "tile") + 1) / 2
    signed = rows.min() < 0
    others = as_tiles(rows.reshape(-1, n_features), image_shape)
    others = scaled(others, "tile" if signed else "common")
    others = (others + 1) / 2 if signed else others
    others = others.reshape(n_units, n_rows, *first.shape[1:])
    return np.concatenate([first[:, None], others], axis=1)
