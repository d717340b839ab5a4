"""PNG files of results, in Striate's style."""

import numpy as np

from benchmarks.png_files import png
from striate.display import style
from striate.display.line_labels import label_lines


def accuracy_against_labels(found):
    """Plot accuracy against labels, one line per contender, with a dot for each draw.

    Parameters
    ----------
    found : dict of str to dict of int to list of float
        By contender and labels per class: accuracies of the draws.
    """
    from matplotlib import pyplot as plt

    with style():
        figure, ax = plt.subplots(figsize=(6, 3.4))
        lines = []
        for accuracies in found.values():
            means = [100 * np.mean(each) for each in accuracies.values()]
            (line,) = ax.plot(list(accuracies), means)
            lines.append(line)
            for n, each in accuracies.items():
                ax.plot(
                    [n] * len(each), 100 * np.array(each), "o", color=line.get_color(),
                    markersize=3.5, alpha=0.6, markeredgewidth=0, clip_on=False,
                )  # fmt: skip
        counts = list(next(iter(found.values())))
        ax.set(xscale="log", xlabel="Labelled images per class", ylabel="Accuracy (%)")
        ax.set_xticks(counts, [f"{n:,}" for n in counts])
        ax.set_xticks([], minor=True)
        ax.set_xlim(right=counts[-1])
        ax.set_ylim(bottom=0)
        ax.grid(axis="y")
        label_lines(ax, lines, list(found))
        return png(figure)
