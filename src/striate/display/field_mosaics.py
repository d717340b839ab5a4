"""Weights of each window of an image, one mosaic per map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .sized_figure import SizedFigure, write_caption, write_title
from .style import INK
from .tiles import choose_columns, colored, gap_for, mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Lengths in hundredths of an inch. A file has two dots for each, and each weight is a square of
# dots.
_DOT = 0.5
_WIDTH = 620
_HEIGHT = 642
_LARGEST_MAP = 300
_NAME = 15  # room for the name above each map
_COLUMN_GAP = 14
_ROW_GAP = 8


class FieldMosaics(NamedTuple):
    """Weights of several maps, their names, and the grid of windows."""

    tiles: NDArray[np.float64]  # (n_maps, n_windows, height, width, 1 or 3), from -1 to 1
    grid: tuple[int, int]  # numbers of windows down and across
    names: list[str]
    caption: str
    cmap: Any

    @property
    def columns(self) -> int:
        """Number of maps per row."""
        height, width = self._dots(1)
        return choose_columns(len(self.tiles), height, width)

    @property
    def zoom(self) -> int:
        """Largest number of dots per weight that fits the page."""
        zoom = 1
        while True:
            width, height = self._page_size(zoom + 1)
            if width > _WIDTH or height > _HEIGHT:
                return zoom
            if max(self._dots(zoom + 1)) * _DOT > _LARGEST_MAP:
                return zoom
            zoom += 1

    def open_figure(self, title: str | None) -> tuple[Figure, list[Axes]]:
        """Draw on a new figure in which each weight is a square of dots."""
        zoom = self.zoom
        page = SizedFigure(*self._page_size(zoom), title, self.caption)
        height, width = (_DOT * side for side in self._dots(zoom))
        axes = []
        for k in range(len(self.tiles)):
            row, column = divmod(k, self.columns)
            top = row * (_NAME + height + _ROW_GAP) + _NAME
            axes.append(page.add_axes(column * (width + _COLUMN_GAP), top, width, height))
        self._draw(axes, zoom)
        page.write_title(title)
        page.write_caption(self.caption)
        return page.figure, axes

    def draw_on(self, figure: Figure | SubFigure, title: str | None) -> list[Axes]:
        """Draw on a figure of any size."""
        rows = -(-len(self.tiles) // self.columns)
        axes = figure.subplots(rows, self.columns, squeeze=False).ravel().tolist()
        for ax in axes[len(self.tiles) :]:
            ax.remove()
        self._draw(axes[: len(self.tiles)], 2 * self.zoom)
        write_caption(figure, self.caption)
        write_title(figure, title)
        return axes[: len(self.tiles)]

    def _dots(self, zoom: int) -> tuple[int, int]:
        """Return height and width of a map in dots."""
        tile = self.tiles.shape[2:4]
        gap = gap_for(tile, zoom)
        height, width = (
            n * (side * zoom + gap) - gap for n, side in zip(self.grid, tile, strict=True)
        )
        return height, width

    def _page_size(self, zoom: int) -> tuple[float, float]:
        """Return width and height of all maps with their names."""
        height, width = (_DOT * side for side in self._dots(zoom))
        columns = self.columns
        rows = -(-len(self.tiles) // columns)
        return (
            columns * (width + _COLUMN_GAP) - _COLUMN_GAP,
            rows * (_NAME + height + _ROW_GAP) - _ROW_GAP,
        )

    def _draw(self, axes: list[Axes], zoom: int) -> None:
        gap = gap_for(self.tiles.shape[2:4], zoom)
        for ax, tiles, name in zip(axes, self.tiles, self.names, strict=True):
            pixels = colored(mosaic(tiles, self.grid[1], zoom, gap), self.cmap)
            ax.imshow(pixels, interpolation="antialiased", aspect="equal")
            ax.set_axis_off()
            ax.set_title(name, fontsize=8, color=INK, pad=3, loc="left")
