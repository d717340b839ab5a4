"""Plot of the mean activation of every unit, with the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from striate.analysis.unit_inspection import UnitInspection

from .axis_ticks import set_whole_ticks
from .style import INK, QUIET
from .unit_labels import DEAD, DUPLICATE, LIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# In hundredths of an inch.
PLOT_HEIGHT = 125
AXIS_HEIGHT = 34  # room for ticks and label of the horizontal axis


def draw_mean_activations(ax: Axes, inspection: UnitInspection) -> None:
    """Draw ρ̂ of all units in descending order; mark and count dead and duplicate units."""
    means = inspection.mean_activation
    order = np.argsort(-means, kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(1, len(order) + 1)
    size = float(np.clip(60 / len(means), 2.0, 4.5))
    dead, duplicate = inspection.dead, inspection.duplicate
    kinds = (
        ("live", ~dead & ~duplicate, LIVE, "o", LIVE),
        ("dead", dead, DEAD, "x", DEAD),
        ("duplicate" if duplicate.sum() == 1 else "duplicates", duplicate, DUPLICATE, "o", "white"),
    )
    for name, chosen, color, marker, face in kinds:
        ax.plot(
            rank[chosen],
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
    _draw_target(ax, inspection.sparsity_target)
    _set_axes(ax, inspection)
    _add_legend(ax)


def _draw_target(ax: Axes, target: float | None) -> None:
    if target is None:
        return
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


def _set_axes(ax: Axes, inspection: UnitInspection) -> None:
    """Set limits that include 0 and the target, ticks, labels and grid."""
    from matplotlib.ticker import MaxNLocator

    means, target = inspection.mean_activation, inspection.sparsity_target
    shown = np.append(means, [0.0] if target is None else [0.0, target])
    low, high = float(shown.min()), float(shown.max())
    margin = 0.08 * (high - low) or 1.0
    ax.set_ylim(low - (margin if low < 0 else 0), high + margin)
    edge = max(0.6, 0.012 * len(means))
    ax.set_xlim(1 - edge, len(means) + edge)
    set_whole_ticks(ax.xaxis)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.set_xlabel("Units, most active first")
    ax.set_ylabel(r"Mean activation $\hat{\rho}$")
    ax.grid(axis="y")
    ax.tick_params(colors=QUIET)


def _add_legend(ax: Axes) -> None:
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
