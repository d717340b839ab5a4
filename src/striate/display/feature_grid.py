"""Grid of tiles, one per unit, on its own figure or on given axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .sized_figure import SizedFigure
from .style import figure_of
from .tiles import choose_zoom, colored, gap_for, mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

# In hundredths of an inch.
_WIDTH = 600  # largest width and height of a grid
_LARGEST_TILE = 160  # so that a single unit does not fill the page
_OVERSAMPLING = 4  # pixels drawn for each pixel of axes of any size


class FeatureGrid(NamedTuple):
    """Tiles in reading order, and the number of tiles per row."""

    tiles: NDArray[np.float64]  # (n_units, height, width, 1 or 3), from -1 to 1
    n_columns: int
    cmap: Any

    def open_figure(self, title: str | None) -> AxesImage:
        """Draw on a new figure in which each value is a square of a whole number of dots."""
        pixels = self._pixels((_WIDTH, _WIDTH), _LARGEST_TILE)
        height, width = pixels.shape[:2]
        ax = SizedFigure(width, height, title).add_axes(0, 0, width, height)
        return _show(ax, pixels, title, "nearest")

    def draw_on(self, ax: Axes, title: str | None) -> AxesImage:
        """Draw on axes of any size, at a higher resolution that is smoothed down to theirs."""
        extent = ax.get_window_extent()
        room = (_OVERSAMPLING * extent.height, _OVERSAMPLING * extent.width)
        image = _show(ax, self._pixels(room, max(room)), title, "hanning")
        figure = figure_of(ax)
        if figure.get_layout_engine() is not None:
            # A layout makes room for the title of an image of fixed proportions only on its second
            # pass. This is the first; drawing the figure will be the second.
            figure.draw_without_rendering()
        return image

    def _pixels(self, room: tuple[float, float], largest_tile: float) -> NDArray[np.uint8]:
        n_rows = -(-len(self.tiles) // self.n_columns)
        tile = self.tiles.shape[1:3]
        zoom = choose_zoom((n_rows, self.n_columns), tile, room, largest_tile)
        return colored(mosaic(self.tiles, self.n_columns, zoom, gap_for(tile, zoom)), self.cmap)


def _show(ax: Axes, pixels: NDArray[np.uint8], title: str | None, interpolation: str) -> AxesImage:
    image = ax.imshow(pixels, interpolation=interpolation, aspect="equal")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title)
    return image
