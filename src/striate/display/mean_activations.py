"""The achieved mean activation of every unit, beside the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from striate.analysis.unit_inspection import UnitInspection

from .style import INK, QUIET
from .unit_labels import DEAD, DUPLICATE, LIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_mean_activations(ax: Axes, inspection: UnitInspection) -> None:
    """Draw ρ̂ of all units, the largest first, dead and duplicate ones marked and counted."""
    means = inspection.mean_activation
    order = np.argsort(-means, kind="stable")
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(1, len(order) + 1)
    size = float(np.clip(60 / len(means), 2.0, 4.5))
    dead, duplicate = inspection.dead, inspection.duplicate
    kinds = (
        ("live", ~dead & ~duplicate, LIVE, "o", LIVE),
        ("dead", dead, DEAD, "x", DEAD),
        ("duplicate" if duplicate.sum() == 1 else "duplicates", duplicate, DUPLICATE, "o", "white"),
    )
    for name, chosen, color, marker, face in kinds:
        ax.plot(
            place[chosen],
            means[chosen],
            linestyle="none",
            marker=marker,
            markersize=size if name == "live" else max(size, 3.5),
            markeredgecolor=color,
            markerfacecolor=face,
            markeredgewidth=0.9,
            label=f"{chosen.sum()} {name}",
            clip_on=False,
            zorder=2 if name == "live" else 3,
        )
    _frame(ax, inspection)
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=3,
        fontsize=8,
        frameon=False,
        handletextpad=0.1,
        columnspacing=1.2,
        borderaxespad=0.2,
    )


def _frame(ax: Axes, inspection: UnitInspection) -> None:
    from matplotlib.ticker import MaxNLocator

    means, target = inspection.mean_activation, inspection.sparsity_target
    ends = [0.0, float(means.min()), float(means.max())]
    if target is not None:
        ends.append(target)
        ax.axhline(target, color=INK, linewidth=0.9, dashes=(4, 2), zorder=1)
        ax.annotate(
            rf"target $\rho$ = {target:g}",
            (1, target),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
        )
    low, high = min(ends), max(ends)
    margin = 0.08 * (high - low) or 1.0
    ax.set_ylim(low - (margin if low < 0 else 0), high + margin)
    edge = max(0.6, 0.012 * len(means))
    ax.set_xlim(1 - edge, len(means) + edge)
    ax.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.set_xlabel("Units, the most active first")
    ax.set_ylabel(r"Mean activation $\hat{\rho}$")
    ax.grid(axis="y")
    ax.tick_params(colors=QUIET)
