"""The demo's charts: the loss, and accuracy with few labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from striate.display import PALETTE, LossCurveDisplay
from striate.display.style import QUIET

from .label_curves import METHODS

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
        Accuracies in percent by task and method, (len(n_labels), n_splits).
    n_labels : tuple of int
        Numbers of labels per class.
    n_classes : dict
        Number of classes by task.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(7, 3.4), squeeze=False)
    for ax, (title, result) in zip(axes[0], results.items(), strict=True):
        _draw_task(ax, result, n_labels)
        chance = 100 / n_classes[title]
        if ax.get_ylim()[0] < 3 * chance:
            ax.axhline(chance, color=QUIET, linestyle=":", linewidth=1)
            ax.annotate("chance", (n_labels[-1], chance), (0, 3), textcoords="offset points",
                        ha="right", color=QUIET, fontsize=8)  # fmt: skip
            ax.set_ylim(bottom=0)
        ax.set(title=title, xlabel="Labels per class", ylabel="Accuracy (%)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=len(METHODS))
    return figure


def _draw_task(
    ax: Axes, result: Mapping[str, NDArray[np.float64]], n_labels: tuple[int, ...]
) -> None:
    for k, (name, accuracies) in enumerate(result.items()):
        # A small offset, so that overlapping error bars can be told apart.
        x = np.array(n_labels) * 1.03 ** (k - 1)
        ax.errorbar(x, accuracies.mean(axis=1), accuracies.std(axis=1), label=name,
                    color=_COLORS[name], marker=_MARKERS[name], markersize=4.5,
                    capsize=2, elinewidth=1)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xticks(n_labels, [str(n) for n in n_labels], minor=False)
    ax.set_xticks([], minor=True)
    ax.grid(axis="y")
