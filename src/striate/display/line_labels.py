"""Names at the ends of lines, in place of a legend: readers need not match colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .style import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

_GAP = 6.0  # points between the end of a line and its name
_SPACING = 1.3  # distance of one name from the next, in font sizes
_SAMPLING = 2.0  # pixels between the points at which lines are looked for

_ROWS = (0, 0.8, -0.8, 1, -1, 1.25, -1.25, 1.5, -1.5, 2, -2, 3, -3)  # heights tried, in names
_DISTANCE_COST = 15.0  # points of lines that one may cover to be a name's height nearer

# Corners of a box in pixels: left, bottom, right, top.
Box = tuple[float, float, float, float]


class _Place(NamedTuple):
    """Where a name may stand."""

    right: float  # of the end of its line, in points
    rows: float  # above it, in heights of a name
    box: Box


def label_lines(ax: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> list[Annotation]:
    """Write each name beside the last point of its line, clear of the others.

    Names of lines that reach the right edge stand in a column outside; a line that ends
    earlier has its name inside, where the fewest lines pass. Names that are empty are left out.
    """
    named = [(line, name) for line, name in zip(lines, names, strict=True) if name]
    labels = [_annotate(ax, line, name) for line, name in named]
    if labels:
        figure_of(ax).draw_without_rendering()  # settles the layout, which distances depend on
        right = ax.get_window_extent().x1 - 1
        ends = [_pixels(line)[-1, 0] for line, _ in named]
        outer = [label for label, end in zip(labels, ends, strict=True) if end >= right]
        inner = [label for label, end in zip(labels, ends, strict=True) if end < right]
        _stack(ax, outer)
        _place_between(ax, inner, lines, [_box(label) for label in outer])
    return labels


def _annotate(ax: Axes, line: Line2D, name: str) -> Annotation:
    from matplotlib import patheffects

    x, y = _points_of(line)[-1]
    color = line.get_color()
    ax.plot(x, y, "o", color=color, markersize=3.5, clip_on=False)
    return ax.annotate(
        name,
        (x, y),
        xytext=(_GAP, 0),
        textcoords="offset points",
        va="center",
        color=color,
        annotation_clip=False,
        path_effects=[patheffects.withStroke(linewidth=3, foreground=ax.get_facecolor())],
    )


def _stack(ax: Axes, labels: list[Annotation]) -> None:
    """Move the names of a column apart, and no further than the axes reach."""
    if not labels:
        return
    extent = ax.get_window_extent()
    spacing = _spacing(labels[0])
    heights = np.array([_middle(label) for label in labels])
    room = (extent.y0 + spacing / 2, extent.y1 - spacing / 2)
    for label, height, target in zip(labels, heights, apart(heights, spacing, *room), strict=True):
        _move(label, _GAP, _points(label, target - height))


def apart(positions: NDArray, spacing: float, low: float, high: float) -> NDArray[np.float64]:
    """Return the nearest positions (least squares) in order, `spacing` apart, within bounds."""
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(positions, kind="stable")
    steps = spacing * np.arange(len(positions))
    # Where there is no room for all, they leave it at the top.
    high = max(low, high - steps[-1])
    result = np.empty(len(positions))
    result[order] = isotonic_regression(positions[order] - steps, y_min=low, y_max=high) + steps
    return result


def _place_between(
    ax: Axes, labels: list[Annotation], lines: Sequence[Line2D], taken: list[Box]
) -> None:
    """Give each name the place, near the end of its line, that covers least."""
    drawn = np.concatenate([_sampled(_pixels(line)) for line in lines])
    extent = ax.get_window_extent()
    frame = (extent.x0, extent.y0, extent.x1, extent.y1)
    for label in labels:
        places = _places(label)
        cost = [
            _covered(place.box, drawn, taken, frame) + _DISTANCE_COST * abs(place.rows)
            for place in places
        ]
        best = places[int(np.argmin(cost))]
        _move(label, best.right, _points(label, best.rows * _spacing(label)))
        taken.append(best.box)


def _places(label: Annotation) -> list[_Place]:
    left, bottom, right, top = _box(label)
    width, spacing = right - left, _spacing(label)
    back = _GAP - _points(label, width)  # the name ends above or below the end of its line
    places = []
    for rows in _ROWS:
        up = rows * spacing
        places.append(_Place(_GAP, rows, (left, bottom + up, right, top + up)))
        if rows:
            places.append(_Place(back, rows, (left - width, bottom + up, left, top + up)))
    return places


def _covered(box: Box, drawn: NDArray, taken: list[Box], frame: Box) -> float:
    """Count the points of lines under a box; other names and the edge weigh more."""
    left, bottom, right, top = box
    inside = (
        (drawn[:, 0] > left) & (drawn[:, 0] < right) & (drawn[:, 1] > bottom) & (drawn[:, 1] < top)
    )
    overlaps = sum(
        left < other[2] and other[0] < right and bottom < other[3] and other[1] < top
        for other in taken
    )
    outside = left < frame[0] or bottom < frame[1] or right > frame[2] or top > frame[3]
    return float(inside.sum()) + 1e3 * overlaps + 1e6 * outside


def _sampled(path: NDArray) -> NDArray:
    """Return points at even distances along a line given in pixels."""
    length = np.append(0.0, np.cumsum(np.hypot(*np.diff(path, axis=0).T)))
    at = np.arange(0.0, length[-1] + _SAMPLING, _SAMPLING)
    return np.column_stack([np.interp(at, length, path[:, 0]), np.interp(at, length, path[:, 1])])


def _pixels(line: Line2D) -> NDArray[np.float64]:
    return np.asarray(line.get_transform().transform(_points_of(line)))


def _points_of(line: Line2D) -> NDArray[np.float64]:
    return np.asarray(line.get_xydata(), dtype=np.float64)


def _box(label: Annotation) -> Box:
    extent = label.get_window_extent()
    return extent.x0, extent.y0, extent.x1, extent.y1


def _middle(label: Annotation) -> float:
    _, bottom, _, top = _box(label)
    return (bottom + top) / 2


def _spacing(label: Annotation) -> float:
    return _SPACING * float(label.get_fontsize()) / _points(label, 1.0)


def _points(label: Annotation, pixels: float) -> float:
    figure = label.get_figure(root=True)
    assert figure is not None
    return pixels * 72 / figure.dpi


def _move(label: Annotation, right: float, up: float) -> None:
    label.set_position((right, up))
