"""The demo's charts: the loss, accuracy with few labels, the effect of a shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from striate.demo.few_labels import METHODS
from striate.demo.translation import SHIFTS
from striate.display import PALETTE, LossCurveDisplay
from striate.display.style import QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = dict(zip(METHODS, (PALETTE[0], PALETTE[1], PALETTE[4]), strict=True))
_MARKERS = dict(zip(METHODS, "os^", strict=True))


def draw_loss(model: Pipeline) -> Figure:
    """Draw how J fell while the features were learned."""
    display = LossCurveDisplay.from_estimator(model, log=True, ylabel="J")
    display.figure_.set_size_inches(6, 2.8)
    return display.figure_


def draw_accuracies(
    results: Mapping[str, Mapping[str, NDArray[np.float64]]],
    n_labels: tuple[int, ...],
    n_classes: Mapping[str, int],
) -> Figure:
    """Draw accuracy against the number of labels, one panel for each task.

    Parameters
    ----------
    results : dict of dict
        Title of a task: name of a method: accuracies (len(n_labels), n_splits) in percent.
    n_labels : tuple of int
    n_classes : dict
        Title of a task: number of its classes.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(7, 3.4), squeeze=False)
    for ax, (title, result) in zip(axes[0], results.items(), strict=True):
        _draw_task(ax, result, n_labels)
        chance = 100 / n_classes[title]
        if ax.get_ylim()[0] < 3 * chance:
            ax.axhline(chance, color=QUIET, linestyle=":", linewidth=1)
            ax.annotate("guessing", (n_labels[-1], chance), (0, 3), textcoords="offset points",
                        ha="right", color=QUIET, fontsize=8)  # fmt: skip
            ax.set_ylim(bottom=0)
        ax.set(title=title, xlabel="Labels for each class", ylabel="Right answers, %")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=len(METHODS))
    return figure


def _draw_task(ax: Axes, result: Mapping[str, NDArray], n_labels: tuple[int, ...]) -> None:
    for k, (name, accuracies) in enumerate(result.items()):
        # A little beside each other, so that bars of equal methods can be told apart.
        x = np.array(n_labels) * 1.03 ** (k - 1)
        ax.errorbar(x, accuracies.mean(axis=1), accuracies.std(axis=1), label=name,
                    color=_COLORS[name], marker=_MARKERS[name], markersize=4.5,
                    capsize=2, elinewidth=1)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xticks(n_labels, [str(n) for n in n_labels], minor=False)
    ax.set_xticks([], minor=True)
    ax.grid(axis="y")


def draw_changes(changes: Mapping[str, list[float]]) -> Figure:
    """Draw how much each description changes when the image moves."""
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.1))
    height = 0.8 / len(SHIFTS)
    places = np.arange(len(changes))
    colors = ("#7FB8DA", PALETTE[0])
    for k, (shift, color) in enumerate(zip(SHIFTS, colors, strict=True)):
        values = [change[k] for change in changes.values()]
        label = f"moved by {shift} pixel{'s' if shift > 1 else ''}"
        bars = ax.barh(places + (k - 0.5) * height, values, 0.9 * height, color=color, label=label)
        ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    ax.set_yticks(places, list(changes))
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0, labelcolor="#262626", labelsize=9)
    ax.set_xlim(0, 1.05)
    ax.axvline(1, color=QUIET, linestyle=":", linewidth=1)
    ax.annotate("another\npicture", (1, len(changes) - 0.5), (-4, 0), textcoords="offset points",
                ha="right", va="bottom", color=QUIET, fontsize=8)  # fmt: skip
    ax.set_xlabel("Change, relative to the distance between two pictures")
    figure.legend(loc="outside upper left", ncols=len(SHIFTS))
    return figure
