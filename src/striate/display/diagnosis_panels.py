"""The panels of a diagnosis: losses with marks, scales of columns, activity of units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.analysis.diagnosis import Diagnosis
from striate.estimators.training_faults import unfinished

from .axis_ticks import label_log_axis, set_whole_ticks
from .line_labels import label_lines
from .style import INK, PALETTE, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE, _VERMILION = PALETTE[0], PALETTE[1]
_COLORS = {"training": PALETTE[0], "validation": PALETTE[2]}  # marks are vermilion
_ACTIVE, _SATURATED, _DEAD = PALETTE[0], PALETTE[5], "#B4B4B4"
_NOTE: Any = {"fontsize": 8, "color": QUIET}
# Ratio of the largest to the smallest loss from which the axis is logarithmic.
_LOG_RATIO = 20.0
_LONGEST_NAME = 18  # letters


def draw_losses(ax: Axes, diagnosis: Diagnosis) -> None:
    """Draw the loss curves, and mark what the findings say about them."""
    ax.set_title("Loss")
    losses = diagnosis.loss_curve
    known = np.isfinite(losses)
    if not known.any():
        _say(ax, "no loss curve was recorded")
        return
    n, subjects = len(losses), {each.subject for each in diagnosis}
    curves = {"training": losses, "validation": diagnosis.validation_loss_curve}
    curves = {name: curve for name, curve in curves.items() if np.isfinite(curve).any()}
    if unfinished(diagnosis.findings):
        _shade_end(ax, n)
    lines = [
        ax.plot(np.arange(1, len(curve) + 1), curve, color=_COLORS[name])[0]
        for name, curve in curves.items()
    ]
    if "learning rate too high" in subjects:
        _mark_rises(ax, losses)
    if "validation" in curves:
        _mark_minimum(ax, curves["validation"], lines[1].get_color())
    _scale(ax, list(curves.values()))
    ax.set_xlim(1 - 0.02 * n, max(n, 1.5))
    ax.set_xlabel(diagnosis.step.capitalize())
    set_whole_ticks(ax.xaxis)
    ax.grid(axis="y")
    if len(lines) > 1:
        label_lines(ax, lines, list(curves))


def _scale(ax: Axes, curves: list[NDArray[np.float64]]) -> None:
    """Choose a logarithmic axis if the losses span a wide range."""
    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    if values.min() > 0 and values.max() > _LOG_RATIO * values.min():
        ax.set_yscale("log")
        label_log_axis(ax)
    else:
        low, high = min(0.0, float(values.min())), float(values.max())
        ax.set_ylim(low, high + 0.1 * (high - low) or 1.0)


def _mark_rises(ax: Axes, losses: NDArray[np.float64]) -> None:
    """Mark each step of the second half after which the loss was higher."""
    rises = 1 + np.flatnonzero(np.diff(losses) > 0)
    rises = rises[rises > len(losses) // 2]
    (marks,) = ax.plot(rises + 1, losses[rises], ".", color=_VERMILION, markersize=5, zorder=3)
    marks.set_label("rises")
    ax.annotate(
        "the loss rose", (1, 1), (-4, -4), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="top", fontsize=8, color=_VERMILION,
    )  # fmt: skip


def _shade_end(ax: Axes, n: int) -> None:
    start = n - max(1, n // 10)
    ax.axvspan(start, n, color=_VERMILION, alpha=0.12, linewidth=0)
    ax.annotate(
        "still falling", (start, 1), (-4, -4), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="right", va="top", fontsize=8, color=_VERMILION,
    )  # fmt: skip


def _mark_minimum(ax: Axes, losses: NDArray[np.float64], color: Any) -> None:
    best = int(np.nanargmin(losses))
    ax.plot(best + 1, losses[best], "o", color=color, markersize=4.5, zorder=3)
    ax.annotate(
        f"lowest: {best + 1}", (best + 1, losses[best]), (0, -6), textcoords="offset points",
        ha="center", va="top", fontsize=8, color=color,
    )  # fmt: skip


def draw_columns(ax: Axes, diagnosis: Diagnosis) -> None:
    """Draw the standard deviation of each column in ascending order."""
    ax.set_title("Scale of the columns")
    scales = diagnosis.scales
    columns = np.flatnonzero(scales.varied)
    if not len(columns):
        _say(ax, "all columns are constant")
        return
    order = columns[np.argsort(scales.std[columns], kind="stable")]
    std, n = scales.std[order], len(order)
    size = float(np.clip(90 / n, 1.5, 4.5))
    ax.plot(np.arange(1, n + 1), std, "o", color=_BLUE, markersize=size, clip_on=False)
    ax.set_yscale("log")
    room = max(6.0, float(np.exp(0.2 * np.ptp(np.log(std)))))  # for a name below the smallest
    ax.set_ylim(std[0] / room, std[-1] * 2.5)
    label_log_axis(ax)
    edge = max(0.6, 0.02 * n)
    ax.set_xlim(1 - edge, n + edge)
    set_whole_ticks(ax.xaxis)
    n_constant = len(scales.std) - n
    constant = f" ({n_constant} more: constant)" if n_constant else ""
    ax.set(xlabel=f"Columns, smallest first{constant}", ylabel="Standard deviation")
    ax.grid(axis="y")
    if any(each.subject == "columns of very different scale" for each in diagnosis):
        for place, offset, ha in ((0, (-3, -9), "left"), (n - 1, (-7, 0), "right")):
            name = _name_of(int(order[place]), diagnosis)
            point = (place + 1, std[place])
            ax.plot(*point, "o", color=_VERMILION, markersize=max(size, 4), clip_on=False)
            ax.annotate(
                name, point, offset, textcoords="offset points", ha=ha, va="center",
                fontsize=8, color=_VERMILION,
            )  # fmt: skip


def _name_of(column: int, diagnosis: Diagnosis) -> str:
    if diagnosis.feature_names is None:
        return f"column {column}"
    name = str(diagnosis.feature_names[column])
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def draw_units(ax: Axes, diagnosis: Diagnosis) -> None:
    """Draw the shares of active, saturated and dead units of each hidden layer as bars."""
    activities = diagnosis.activities
    ax.set_title("Units")
    if not activities:
        _say(ax, "no hidden layers, or too few rows to tell")
        return
    left = np.zeros(len(activities))
    places = np.arange(len(activities))
    counts = {
        "dead": [int(each.dead.sum()) for each in activities],
        "saturated": [int(each.saturated.sum()) for each in activities],
    }
    n_units = np.array([each.n_units for each in activities])
    active = n_units - np.sum(list(counts.values()), axis=0)
    parts = {"active": (active, _ACTIVE), "saturated": (np.array(counts["saturated"]), _SATURATED)}
    parts["dead"] = (np.array(counts["dead"]), _DEAD)
    for name, (n, color) in parts.items():
        share = 100 * n / n_units
        if n.any():
            ax.barh(places, share, left=left, height=0.6, color=color, label=name)
        left += share
    names = [f"{k}: {each.n_units} {each.activation}" for k, each in enumerate(activities, 1)]
    ax.set_yticks(places, names)
    ax.tick_params(axis="y", length=0, colors=INK)
    ax.set(xlim=(0, 100), ylim=(len(activities) - 0.4, -0.6), xlabel="Share of the units (%)")
    ax.set_ylabel("Hidden layer")
    ax.spines["left"].set_visible(False)
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8, frameon=False,
        handlelength=0.9, handletextpad=0.4, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip


def _say(ax: Axes, text: str) -> None:
    """Write a text instead of a plot."""
    ax.set_axis_off()
    ax.text(0, 0.9, text, transform=ax.transAxes, va="top", **_NOTE)
