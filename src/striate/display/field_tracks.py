"""Weights of each window of a signal, one track per map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .sized_figure import open_figure, write_caption
from .style import INK, PALETTE, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Windows that overlap are drawn below each other, in at most this many rows per map.
MOST_ROWS = 8
# In hundredths of an inch.
_WIDTH = 640
_ROW = 23
_REST = 75  # axis and caption
# In rows.
_MAP_GAP = 0.8
_AMPLITUDE = 0.46
_WINDOW_GAP = 0.0012  # between two windows, relative to the number of inputs
_BOX = "#EFEFEF"


class FieldTracks(NamedTuple):
    """Weights of several maps, their names, and the inputs of each window."""

    weights: NDArray[np.float64]  # (n_maps, n_windows, n_seen), from -1 to 1
    inputs: NDArray[np.intp]  # (n_windows, n_seen)
    n_inputs: int
    names: list[str]
    caption: str

    @property
    def rows(self) -> NDArray[np.intp]:
        """Row of each window, the first in which it overlaps no other."""
        taken = np.zeros((len(self.inputs), self.n_inputs), dtype=bool)
        rows = np.empty(len(self.inputs), dtype=np.intp)
        for window, seen in enumerate(self.inputs):
            rows[window] = int(np.argmin(taken[:, seen].any(axis=1)))
            taken[rows[window], seen] = True
        return rows

    def open_figure(self, title: str | None) -> tuple[Figure, list[Axes]]:
        """Draw on a new figure, which is as high as the tracks need."""
        n_rows = len(self.names) * (self.rows.max() + 1 + _MAP_GAP)
        figure = open_figure(_WIDTH, _REST + _ROW * n_rows)
        return figure, self.draw_on(figure, title)

    def draw_on(self, figure: Figure | SubFigure, title: str | None) -> list[Axes]:
        """Draw on a figure of any size."""
        ax = figure.subplots()
        self._draw(ax)
        if title is not None:
            ax.set_title(title)
        write_caption(figure, self.caption)
        return [ax]

    def _draw(self, ax: Axes) -> None:
        """Draw the tracks below each other."""
        rows = self.rows
        step = rows.max() + 1 + _MAP_GAP
        for k, weights in enumerate(self.weights):
            self._draw_map(ax, weights, rows + k * step)
        middles = np.arange(len(self.names)) * step + rows.max() / 2
        ax.set_yticks(middles, self.names)
        ax.tick_params(axis="y", length=0, colors=INK, labelsize=8)
        ax.spines["left"].set_visible(False)
        bottom = step * len(self.names) - 0.4 - _MAP_GAP
        ax.set(xlim=(-0.5, self.n_inputs - 0.5), ylim=(bottom, -0.6), xlabel="Input")

    def _draw_map(self, ax: Axes, weights: NDArray[Any], rows: NDArray[Any]) -> None:
        """Draw the weights of each window in its row."""
        edges = np.arange(self.n_inputs + 1) - 0.5
        self._draw_windows(ax, rows)
        for row in np.unique(rows):
            along = np.zeros(self.n_inputs)
            here = rows == row
            along[self.inputs[here]] = weights[here]
            for part, color in ((along.clip(0), PALETTE[0]), (along.clip(None, 0), PALETTE[1])):
                heights = row - _AMPLITUDE * part
                ax.stairs(heights, edges, baseline=row, fill=True, color=color, linewidth=0)

    def _draw_windows(self, ax: Axes, rows: NDArray[Any]) -> None:
        """Draw a box and a base line for each window; two for one that wraps around."""
        gap = max(0.08, _WINDOW_GAP * self.n_inputs)
        for row in np.unique(rows):
            boxes = [
                (piece[0] - 0.5 + gap, len(piece) - 2 * gap)
                for seen in self.inputs[rows == row]
                for piece in np.split(seen, np.flatnonzero(np.diff(seen) != 1) + 1)
            ]
            ax.broken_barh(boxes, (row - _AMPLITUDE, 2 * _AMPLITUDE), color=_BOX, linewidth=0)
            starts, lengths = np.array(boxes).T
            places = np.full(len(boxes), row)
            ax.hlines(places, starts, starts + lengths, color=QUIET, linewidth=0.5)
