"""Ticks at whole numbers, and plain numbers on a logarithmic axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def set_whole_ticks(axis: Any, most: int | Literal["auto"] = "auto") -> None:
    """Put ticks at whole numbers only, with at most `most` intervals between them."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter("{x:,.0f}")


def label_log_axis(ax: Axes) -> None:
    """Write plain numbers between the powers of ten if the y axis spans few powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = ax.get_ylim()
    decades = np.log10(high / low)
    if decades > 3:
        return
    subs = (1.0, 2.0, 5.0) if decades > 0.7 else tuple(range(1, 10))
    ax.yaxis.set_major_locator(LogLocator(subs=subs))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
