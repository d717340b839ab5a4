"""The windows of an image with what a unit weighs in each of them, one mosaic for each map."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .style import INK, QUIET, write_caption
from .tiles import choose_columns, colored, gap_for, mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# All lengths here are dots, of which a file has 200 an inch: so a weight is a square of dots.
_DPI = 200
_WIDTH = 1240
_HEIGHT = 1300
_LARGEST_MAP = 600
_BORDER = 16
_BETWEEN = 28  # between maps, beside each other
_NAME = 46  # above each map
_TITLE = 52
_CAPTION = 40


class FieldMosaics(NamedTuple):
    """A mosaic for each map."""

    tiles: NDArray[np.float64]  # (n_maps, n_windows, height, width, 1 or 3), from -1 to 1
    grid: tuple[int, int]  # windows down and across
    names: list[str]
    caption: str
    cmap: Any

    @property
    def columns(self) -> int:
        """Maps beside each other."""
        height, width = self._size(1)
        return choose_columns(len(self.tiles), height, width)

    @property
    def zoom(self) -> int:
        """Dots for a weight, as many as the page allows."""
        columns, zoom = self.columns, 1
        rows = -(-len(self.tiles) // columns)
        while True:
            height, width = self._size(zoom + 1)
            wide = columns * (width + _BETWEEN) - _BETWEEN
            high = rows * (height + _NAME)
            if wide > _WIDTH or high > _HEIGHT or max(height, width) > _LARGEST_MAP:
                return zoom
            zoom += 1

    def pixels(self, which: int, zoom: int) -> NDArray[np.uint8]:
        """Draw one map."""
        gap = gap_for(self.tiles.shape[2:4], zoom)
        return colored(mosaic(self.tiles[which], self.grid[1], zoom, gap), self.cmap)

    def _size(self, zoom: int) -> tuple[int, int]:
        """Height and width of a map."""
        tile = self.tiles.shape[2:4]
        gap = gap_for(tile, zoom)
        height, width = (
            n * (side * zoom + gap) - gap for n, side in zip(self.grid, tile, strict=True)
        )
        return height, width

    def open_figure(self, title: str | None) -> tuple[Figure, list[Axes]]:
        """Open a figure in which each weight is a square of dots, and draw."""
        import matplotlib.pyplot as plt
        from matplotlib.layout_engine import PlaceHolderLayoutEngine

        columns, zoom = self.columns, self.zoom
        high, wide = self._size(zoom)
        rows = -(-len(self.tiles) // columns)
        across = columns * (wide + _BETWEEN) - _BETWEEN
        above = _TITLE if title else 0
        height = above + rows * (high + _NAME) + _CAPTION + _BORDER
        # Not layout="none": saving would put the style's layout in its place.
        figure = plt.figure(layout=PlaceHolderLayoutEngine(True, True))
        note: Any = {"fontsize": 7.5, "color": QUIET, "va": "bottom"}
        head: Any = {"fontsize": plt.rcParams["axes.titlesize"], "va": "top"}
        texts = [figure.text(0, 0, self.caption, **note), figure.text(0, 0, title or "", **head)]
        # Text alone knows how wide it is.
        lengths = [text.get_window_extent().width * _DPI / figure.dpi for text in texts]
        width = math.ceil(max(across, *lengths)) + 2 * _BORDER
        figure.set_size_inches((width + 1e-3) / _DPI, (height + 1e-3) / _DPI)
        for text, y in zip(texts, (_BORDER, height - _BORDER), strict=True):
            text.set_position((_BORDER / width, y / height))
        axes = []
        for k in range(len(self.tiles)):
            row, column = divmod(k, columns)
            left = _BORDER + column * (wide + _BETWEEN)
            below = height - above - row * (high + _NAME) - _NAME - high
            box = (left / width, below / height, wide / width, high / height)
            axes.append(figure.add_axes(box))
        self.draw(axes, zoom)
        return figure, axes

    def draw_on(self, figure: Figure | SubFigure, title: str | None) -> list[Axes]:
        """Draw on a figure of any size."""
        rows = -(-len(self.tiles) // self.columns)
        axes = figure.subplots(rows, self.columns, squeeze=False).ravel().tolist()
        for ax in axes[len(self.tiles) :]:
            ax.remove()
        self.draw(axes[: len(self.tiles)], 2 * self.zoom)
        write_caption(figure, self.caption)
        if title is not None:
            figure.suptitle(title, x=0.01, ha="left")
        return axes[: len(self.tiles)]

    def draw(self, axes: list[Axes], zoom: int) -> None:
        """Draw each map on its axes."""
        for k, (ax, name) in enumerate(zip(axes, self.names, strict=True)):
            ax.imshow(self.pixels(k, zoom), interpolation="antialiased", aspect="equal")
            ax.set_axis_off()
            ax.set_title(name, fontsize=8, color=INK, pad=3, loc="left")
