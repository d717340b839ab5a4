"""The picture of docs/tables.md: one dot for each table and model."""

import numpy as np

from .png_files import png
from .table_scores import OF_CLASSES, OF_NUMBERS, ratio

#: Ratios beyond are drawn at the edge.
LOWEST, HIGHEST = 0.25, 2.0


def errors_beside(results, ours, others):
    """Plot the ratio of our error or RMSE to that of others for each table, in two panels.

    Parameters
    ----------
    results : dict
        Measures by table, model and split.
    ours : str
        Name of a model.
    others : sequence of str
        Names of the models that it is compared with.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    from striate.display import style
    from striate.display.style import PALETTE, QUIET

    kinds = {OF_CLASSES[0]: "class error", OF_NUMBERS[0]: "RMSE"}
    found = {key: _ratios(results, ours, others, key) for key in kinds}
    found = {key: each for key, each in found.items() if each}
    with style():
        height = 1.5 + 0.15 * max(map(len, found.values()))
        figure, panels = plt.subplots(1, len(found), figsize=(7.6, height), squeeze=False)
        for ax, (key, each) in zip(panels[0], found.items(), strict=True):
            rows = np.arange(len(each))
            ax.axvline(1, color=QUIET, linewidth=1)
            for k, (other, marker) in enumerate(zip(others, "os", strict=False)):
                x = np.clip([values[k] for _, values in each], LOWEST, HIGHEST)
                face = PALETTE[k] if k == 0 else "white"
                ax.plot(x, rows, marker, color=PALETTE[k], markerfacecolor=face, markersize=4.5,
                        label=f"beside {other}")  # fmt: skip
            ax.set(title=kinds[key], xscale="log", xlabel="ratio: left of 1, Striate is better")
            ax.set_xlim(LOWEST * 0.97, HIGHEST * 1.03)
            ax.xaxis.set_major_locator(FixedLocator([0.25, 0.5, 0.75, 1.0, 1.5, 2.0]))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.set_yticks(rows, [name for name, _ in each])
            ax.set_ylim(len(each) - 0.5, -0.5)
            ax.grid(axis="both")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(others))
        return png(figure)


def _ratios(results, ours, others, key):
    """Return name and ratios of each table, the best beside the first of the others first."""
    found = []
    for name, of_table in results.items():
        splits = {peer: list(of_table[peer].values()) for peer in (ours, *others)}
        if key in splits[ours][0]:
            values = {peer: [[split[key] for split in each]] for peer, each in splits.items()}
            found.append((name, [ratio(values[ours], values[other]) for other in others]))
    return sorted(found, key=lambda each: each[1][0])
