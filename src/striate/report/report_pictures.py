"""The pictures of a report, as files in memory, readable on light and dark pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.analysis.cross_validation import LearningCurve
from striate.analysis.orientation import orientation_selectivity, preferred_orientation
from striate.analysis.reliability import Reliability
from striate.display.style import PALETTE, style
from striate.display.tiles import as_tiles, choose_columns, gap_for, mosaic, scaled
from striate.files.read_images import as_picture

_MOSAIC = 1000  # largest width of a grid of features, in pixels
_STRIP_TILE = 40  # smallest side of a tile in a strip, in pixels
_THUMBNAIL = 240  # longer side, in pixels
# Longer side up to which the page shows single pixels instead of smoothing them.
_SMALL = 100
_HEAT, _HEAT_STRENGTH = (230, 85, 0), 0.75
_MOST_POINTS = 2000  # of a scatter plot
_SIZE = (3.7, 2.6)  # inches: keeps the text legible on a phone


def features_png(filters: NDArray[Any]) -> bytes:
    """Draw the filters (n_units, h, w, c) as a grid, sorted by orientation."""
    tiles = as_tiles(as_picture(filters))
    vague = orientation_selectivity(tiles) < 0.5
    order = np.lexsort((preferred_orientation(tiles), vague))
    columns = choose_columns(*tiles.shape[:3])
    zoom = max(1, _MOSAIC // (columns * (tiles.shape[2] + 1)))
    values = scaled(tiles, "tile")[order]
    return _png(mosaic(values, columns, zoom, gap_for(values.shape[1:3], zoom)))


def strip_png(filter_: NDArray[Any] | None, patches: NDArray[Any]) -> bytes:
    """Draw a filter (h, w, c), if any, and patches (n, h, w, c) in a row."""
    patches = as_picture(patches)
    low, high = (f(patches, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    tiles = 2 * (patches - low) / np.where(high > low, high - low, 1) - 1.0
    zoom = -(-_STRIP_TILE // max(tiles.shape[1:3]))
    gap = gap_for(tiles.shape[1:3], zoom)
    row = mosaic(tiles, len(tiles), zoom, gap)
    if filter_ is not None:
        first = mosaic(scaled(as_tiles(as_picture(filter_[np.newaxis])), "tile"), 1, zoom, gap)
        space = np.full_like(row[:, : 3 * gap], np.nan)
        row = np.concatenate([first, space, row], axis=1)
    return _png(row)


def thumbnail_png(image: NDArray[Any]) -> tuple[bytes, bool]:
    """Draw an image (h, w, c) in a small size; return whether the image itself is small, too."""
    from PIL import Image

    image = as_picture(image)
    pixels = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    return _saved(picture), max(image.shape[:2]) <= _SMALL


def heat_png(image: NDArray[Any], shares: NDArray[Any]) -> bytes:
    """Draw an image (h, w, c) in grey and a small size, with shares of its cells in colour."""
    from PIL import Image

    pixels = np.rint(255 * image.mean(axis=2).clip(0, 1)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    picture.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    highest = shares.max()
    cells = Image.fromarray((shares / (highest if highest > 0 else 1)).astype(np.float32))
    # Bicubic, since the cells are blocks of pixels that pass into each other.
    heat = np.asarray(cells.resize(picture.size, Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    grey = np.repeat(np.asarray(picture, dtype=np.float32)[..., None], 3, axis=2)
    mixed = grey + _HEAT_STRENGTH * heat**2 * (np.array(_HEAT, dtype=np.float32) - grey)
    return _saved(Image.fromarray(np.rint(mixed).astype(np.uint8)))


def scores_svg(scores: NDArray[Any], threshold: float, *, dark: bool) -> bytes:
    """Draw how many images have which score, and the threshold of outliers."""
    with _chart(dark) as chart:
        ax = chart.ax
        ax.hist(scores, bins=min(60, max(5, len(scores) // 8)), color=chart.color)
        ax.locator_params(axis="y", integer=True)
        ax.axvline(threshold, color=chart.quiet, linestyle=":", linewidth=1)
        ax.annotate("threshold", (threshold, 1), (4, -8), xycoords=("data", "axes fraction"),
                    textcoords="offset points", color=chart.quiet, fontsize=8)  # fmt: skip
        ax.set(xlabel="Score", ylabel="Images")
        ax.grid(axis="y")
    return chart.svg


def curve_svg(curve: LearningCurve, baseline: float, *, dark: bool) -> bytes:
    """Draw accuracy against the number of labels."""
    with _chart(dark) as chart:
        ax, color = chart.ax, chart.color
        mean, spread = (100 * f(curve.accuracies, axis=0) for f in (np.mean, np.std))
        ax.fill_between(curve.n_labels, mean - spread, mean + spread, color=color, alpha=0.2, lw=0)
        ax.plot(curve.n_labels, mean, "o-", color=color, markersize=4)
        ax.axhline(100 * baseline, color=chart.quiet, linestyle=":", linewidth=1)
        ax.annotate("always the most frequent class", (1, 100 * baseline), (0, 3), ha="right",
                    xycoords=("axes fraction", "data"), textcoords="offset points",
                    color=chart.quiet, fontsize=8)  # fmt: skip
        _scale(ax, curve.n_labels, max(100 * baseline, (mean + spread).max()))
    return chart.svg


def reliability_svg(reliability: Reliability, *, dark: bool) -> bytes:
    """Draw the share of correct predictions against their probability, with 95% intervals."""
    with _chart(dark) as chart:
        ax = chart.ax
        low, high = reliability.intervals()
        x, y = 100 * reliability.claimed, 100 * reliability.correct
        ax.plot([0, 100], [0, 100], ":", color=chart.quiet, linewidth=1)
        ax.vlines(x, 100 * low, 100 * high, color=chart.color, alpha=0.5)
        ax.plot(x, y, "o", color=chart.color, markersize=4)
        lowest = max(0, 10 * np.floor(min(x.min(), 100 * low.min()) / 10))
        ax.set(xlim=(lowest, 101.5), ylim=(lowest, 101.5))
        ax.set(xlabel="Probability of the predicted class (%)", ylabel="Correct (%)")
        ax.grid(axis="y")
    return chart.svg


def scatter_svg(true: NDArray[Any], predicted: NDArray[Any], *, dark: bool) -> bytes:
    """Draw predicted against true numbers; of many, some."""
    if len(true) > _MOST_POINTS:
        rows = np.random.default_rng(0).choice(len(true), _MOST_POINTS, replace=False)
        true, predicted = true[rows], predicted[rows]
    with _chart(dark) as chart:
        ax = chart.ax
        ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
        ax.plot(ends, ends, ":", color=chart.quiet, linewidth=1)
        ax.plot(true, predicted, "o", color=chart.color, markersize=3, alpha=0.6, mew=0)
        ax.set(xlabel="Label", ylabel="Prediction")
        ax.grid()
    return chart.svg


@dataclass
class _Chart:
    """A chart that is being drawn: its axes and colours, and afterwards the SVG file."""

    ax: Any
    color: str
    quiet: str
    svg: bytes = b""


@contextmanager
def _chart(dark: bool) -> Iterator[_Chart]:
    """Yield empty axes; then draw on a transparent ground, with text as paths."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ink, quiet, line = ("#E4E4E2", "#A2A29E", "#3A3B3E") if dark else ("#222", "#626262", "#DCDCD8")
    colors: Any = {
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": quiet, "xtick.color": quiet,
        "ytick.color": quiet, "grid.color": line, "svg.fonttype": "path", "svg.hashsalt": "striate",
    }  # fmt: skip
    with style(), mpl.rc_context(colors):
        figure = Figure(figsize=_SIZE)
        chart = _Chart(figure.subplots(), "#6DB6F2" if dark else PALETTE[0], quiet)
        yield chart
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    chart.svg = drawn.getvalue()


def _scale(ax: Any, n_labels: list[int], highest: float) -> None:
    ax.set_xscale("log")
    ax.set_xticks(n_labels, [str(n) for n in n_labels], minor=False)
    ax.set_xticks([], minor=True)
    ax.set_ylim(0, min(101.5, 1.1 * highest))
    ax.grid(axis="y")
    ax.set(xlabel="Labels per class", ylabel="Accuracy (%)")


def _png(pixels: NDArray[Any]) -> bytes:
    """Draw values in [-1, 1] of shape (h, w, 1 or 3); NaN is transparent."""
    from PIL import Image

    seen = ~np.isnan(pixels[..., :1])
    level = np.broadcast_to(np.where(seen, (pixels + 1) / 2, 0), (*pixels.shape[:2], 3))
    rgba = np.rint(255 * np.concatenate([level, seen], axis=2)).astype(np.uint8)
    return _saved(Image.fromarray(rgba))


def _saved(picture: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return file.getvalue()
