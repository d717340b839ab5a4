"""Units that see features with names: the largest entries of their maximal inputs, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.analysis.unit_inspection import UnitInspection

from .mean_activations import AXIS_HEIGHT, PLOT_HEIGHT, draw_mean_activations
from .sized_figure import open_figure, write_title
from .style import INK, PALETTE, QUIET
from .unit_labels import UnitLabel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Number of features shown for each unit.
SHOWN_FEATURES = 6
_LONGEST_NAME = 24  # letters
_LISTED_ROWS = 4
# In hundredths of an inch.
_WIDTH = 640
_PANEL_HEIGHT = 135


class UnitBars(NamedTuple):
    """Maximal inputs of several units, and the rows that excite each unit most."""

    labels: list[UnitLabel]
    maximal: NDArray[Any]  # (n_units, n_features)
    feature_names: NDArray[Any]  # (n_features,)
    rows: list[NDArray[np.intp]]  # empty for a unit with the same activation in every row

    def open_figure(
        self, title: str | None, inspection: UnitInspection
    ) -> tuple[Figure, list[Axes], Axes]:
        """Draw on a new figure, which is as high as the panels need."""
        heights = self._panels_height + PLOT_HEIGHT + 2 * (AXIS_HEIGHT + 8)
        figure = open_figure(_WIDTH, heights)
        return figure, *self.draw_on(figure, title, inspection)

    def draw_on(
        self, figure: Figure | SubFigure, title: str | None, inspection: UnitInspection
    ) -> tuple[list[Axes], Axes]:
        """Draw a panel for each unit, and below them the mean activations of all."""
        # Two subfigures with their own margins, because names of features are wide.
        heights = [self._panels_height, PLOT_HEIGHT + AXIS_HEIGHT + 8]
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
        heading = "Largest entries of each unit's maximal input"
        above.suptitle(heading, fontsize=8, x=0.01, ha="left")
        n_rows = -(-len(self.labels) // 2)
        axes = [above.add_subplot(n_rows, 2, 1 + k) for k in range(len(self.labels))]
        limit = float(np.abs(self.maximal).max()) or 1.0
        for k, ax in enumerate(axes):
            self._draw_unit(ax, k, limit)
        mean_ax = below.subplots()
        draw_mean_activations(mean_ax, inspection)
        write_title(figure, title)
        return axes, mean_ax

    @property
    def _panels_height(self) -> int:
        return -(-len(self.labels) // 2) * _PANEL_HEIGHT

    def _draw_unit(self, ax: Axes, k: int, limit: float) -> None:
        """Draw the largest entries of one unit's maximal input, with the scale of all panels."""
        maximal = self.maximal[k]
        largest = np.argsort(-np.abs(maximal), kind="stable")[:SHOWN_FEATURES]
        largest = largest[maximal[largest] != 0]
        entries = maximal[largest]
        places = np.arange(len(entries))
        colors = [PALETTE[0] if entry >= 0 else PALETTE[1] for entry in entries]
        ax.barh(places, entries, height=0.62, color=colors)
        ax.axvline(0, color=QUIET, linewidth=0.7)
        ax.set_yticks(places, [_shorten(str(self.feature_names[j])) for j in largest])
        ax.tick_params(axis="y", length=0, colors=INK, labelsize=7.5)
        ax.tick_params(axis="x", labelsize=7)
        ax.set(xlim=(-1.05 * limit, 1.05 * limit), ylim=(SHOWN_FEATURES - 0.4, -0.6))
        ax.locator_params(axis="x", nbins=5)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x")
        self._label_unit(ax, k)

    def _label_unit(self, ax: Axes, k: int) -> None:
        """Write the unit and its mean activation above its panel, and its top rows below."""
        label = self.labels[k]
        ax.set_title(f"Unit {label.number}", fontsize=9, loc="left", pad=4)
        note = f"{label.flaw}   {label.mean}" if label.flaw else label.mean
        color = label.color if label.flaw else QUIET
        ax.set_title(note, fontsize=7.5, loc="right", color=color, pad=4)
        rows = ", ".join(str(row) for row in self.rows[k][:_LISTED_ROWS])
        text = f"Most active in rows {rows}" if rows else "Same activation in every row"
        ax.set_xlabel(text, fontsize=7.5, color=QUIET, labelpad=2, loc="right")


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
