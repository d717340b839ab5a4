"""A chart that compares scores: a dot for each, with its spread."""

from __future__ import annotations

import io
from collections.abc import Sequence

from .sized_figure import open_figure
from .style import PALETTE, QUIET, style

_ROW = 24
_WIDTH = 640


def comparison_png(
    names: Sequence[str],
    scores: Sequence[float],
    spreads: Sequence[float],
    title: str,
    baseline: float | None = None,
) -> bytes:
    """Return a picture as the content of a PNG file.

    Parameters
    ----------
    names : sequence of str
        What is compared, from top to bottom.
    scores, spreads : sequence of float
        Score of each, and its standard deviation.
    title : str
        What the score is.
    baseline : float or None
        Score to beat, which is drawn as a dashed line.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with style():
        figure = open_figure(_WIDTH, 70 + _ROW * len(names))
        try:
            ax = figure.subplots()
            rows = range(len(names))
            ax.errorbar(
                scores, rows, xerr=spreads, fmt="o", color=PALETTE[0], ecolor=QUIET, elinewidth=1
            )
            ax.set_yticks(rows, names)
            ax.set_ylim(len(names) - 0.5, -0.5)
            ax.set_xlabel(title)
            ax.grid(axis="x")
            if baseline is not None:
                ax.axvline(baseline, color=QUIET, linestyle="--", linewidth=1)
            content = io.BytesIO()
            figure.savefig(content, format="png")
            return content.getvalue()
        finally:
            plt.close(figure)
