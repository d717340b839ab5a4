"""Names of lines at the right of the axes instead of a legend: readers need not match colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .style import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

_GAP = 6.0  # points between the axes and a name
_SPACING = 1.3  # least distance between names, in font sizes
_LEADER: Any = {"linestyle": ":", "linewidth": 0.9, "zorder": 1}


def label_lines(ax: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> list[Annotation]:
    """Write each name to the right of the axes, level with the last point of its line.

    A dotted leader joins the name to a line that ends before the right edge. Names that would
    overlap are moved apart; empty names are left out.
    """
    named = [(line, name) for line, name in zip(lines, names, strict=True) if name]
    labels = [_annotate(ax, line, name) for line, name in named]
    if labels:
        figure_of(ax).draw_without_rendering()  # settles the layout, and so the axes' height
        _move_apart(ax, labels)
    return labels


def _annotate(ax: Axes, line: Line2D, name: str) -> Annotation:
    x, y = np.asarray(line.get_xydata())[-1]
    color, right = line.get_color(), ax.get_xlim()[1]
    ax.plot(x, y, "o", color=color, markersize=3.5, clip_on=False)
    if x < right:
        ax.plot([x, right], [y, y], color=color, **_LEADER)
    return ax.annotate(
        name,
        (1, y),
        xycoords=ax.get_yaxis_transform(),
        xytext=(_GAP, 0),
        textcoords="offset points",
        va="center",
        color=color,
        annotation_clip=False,
    )


def _move_apart(ax: Axes, labels: list[Annotation]) -> None:
    """Move names apart vertically, within the height of the axes."""
    extent = ax.get_window_extent()
    points_per_pixel = 72 / figure_of(ax).dpi
    spacing = _SPACING * float(labels[0].get_fontsize())
    ends = np.array([label.xy for label in labels])
    heights = points_per_pixel * (ax.get_yaxis_transform().transform(ends)[:, 1] - extent.y0)
    top = points_per_pixel * extent.height - spacing / 2
    targets = separate(heights, spacing, spacing / 2, top)
    for label, up in zip(labels, targets - heights, strict=True):
        label.set_position((_GAP, up))


def separate(positions: NDArray[Any], spacing: float, low: float, high: float) -> NDArray[Any]:
    """Return the nearest positions (least squares) in the same order, `spacing` apart.

    They stay within the bounds; if there is no room for all, they exceed the upper one.
    """
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(positions, kind="stable")
    steps = spacing * np.arange(len(positions))
    high = max(low, high - steps[-1])
    result = np.empty(len(positions))
    result[order] = isotonic_regression(positions[order] - steps, y_min=low, y_max=high) + steps
    return result
