"""The windows of a signal with what a unit weighs in each of them, one track for each map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .style import INK, PALETTE, QUIET, write_caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Windows of a map that overlap stand one below the other, in as many rows at most.
MOST_ROWS = 8
_WIDTH = 6.4  # inches
_ROW = 0.23
_REST = 0.75  # of the figure: axis and caption
_GAP = 0.8  # rows between maps
_AMPLITUDE = 0.46  # of a row
_BETWEEN = 0.0012  # two windows, as a share of all inputs
_BOX = "#EFEFEF"


class FieldTracks(NamedTuple):
    """A track for each map."""

    weights: NDArray[np.float64]  # (n_maps, n_windows, n_seen), from -1 to 1
    inputs: NDArray[np.intp]  # (n_windows, n_seen): what each window sees
    n_inputs: int
    names: list[str]
    caption: str

    @property
    def rows(self) -> NDArray[np.intp]:
        """In which row each window stands, so that none covers another."""
        taken = np.zeros((len(self.inputs), self.n_inputs), dtype=bool)
        rows = np.empty(len(self.inputs), dtype=np.intp)
        for window, seen in enumerate(self.inputs):
            rows[window] = int(np.argmin(taken[:, seen].any(axis=1)))
            taken[rows[window], seen] = True
        return rows

    def open_figure(self, title: str | None) -> tuple[Figure, list[Axes]]:
        """Open a figure of the height that they need, and draw."""
        import matplotlib.pyplot as plt

        tall = len(self.names) * (self.rows.max() + 1 + _GAP)
        figure, ax = plt.subplots(figsize=(_WIDTH, _REST + _ROW * tall))
        self.draw(ax, title)
        write_caption(figure, self.caption)
        return figure, [ax]

    def draw_on(self, figure: Figure | SubFigure, title: str | None) -> list[Axes]:
        """Draw on a figure of any size."""
        ax = figure.subplots()
        self.draw(ax, title)
        write_caption(figure, self.caption)
        return [ax]

    def draw(self, ax: Axes, title: str | None) -> None:
        """Draw the tracks below each other."""
        rows = self.rows
        step = rows.max() + 1 + _GAP
        for k, weights in enumerate(self.weights):
            self._draw_map(ax, weights, rows + k * step)
        middles = np.arange(len(self.names)) * step + rows.max() / 2
        ax.set_yticks(middles, self.names)
        ax.tick_params(axis="y", length=0, colors=INK, labelsize=8)
        ax.spines["left"].set_visible(False)
        ax.set(xlim=(-0.5, self.n_inputs - 0.5), ylim=(step * len(self.names) - 0.4 - _GAP, -0.6))
        ax.set_xlabel("Input")
        if title is not None:
            ax.set_title(title)

    def _draw_map(self, ax: Axes, weights: NDArray, places: NDArray) -> None:
        edges = np.arange(self.n_inputs + 1) - 0.5
        self._draw_windows(ax, places)
        for place in np.unique(places):
            along = np.zeros(self.n_inputs)
            here = places == place
            along[self.inputs[here]] = weights[here]
            for part, color in ((along.clip(0), PALETTE[0]), (along.clip(None, 0), PALETTE[1])):
                heights = place - _AMPLITUDE * part
                ax.stairs(heights, edges, baseline=place, fill=True, color=color, linewidth=0)

    def _draw_windows(self, ax: Axes, places: NDArray) -> None:
        """Draw a box and a base line for each window; two, where it goes round a ring."""
        gap = max(0.08, _BETWEEN * self.n_inputs)
        for place in np.unique(places):
            boxes = [
                (piece[0] - 0.5 + gap, len(piece) - 2 * gap)
                for seen in self.inputs[places == place]
                for piece in np.split(seen, np.flatnonzero(np.diff(seen) != 1) + 1)
            ]
            ax.broken_barh(boxes, (place - _AMPLITUDE, 2 * _AMPLITUDE), color=_BOX, linewidth=0)
            begins = np.array(boxes)[:, 0]
            ends = begins + np.array(boxes)[:, 1]
            ax.hlines(np.full(len(boxes), place), begins, ends, color=QUIET, linewidth=0.5)
