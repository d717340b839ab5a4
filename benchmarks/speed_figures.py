"""Figures of measured speed."""

import numpy as np

from .png_files import png


def loss_against_seconds(curves, near):
    """Plot J against seconds, one line per solver, with a ring where J is near its lowest.

    Parameters
    ----------
    curves : dict of str to (ndarray, ndarray)
        By the solver's name: seconds and J after each step. The final J of the first is the target.
    near : float
        Factor of that J which counts as near.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from striate.display import style
    from striate.display.line_labels import label_lines
    from striate.display.style import QUIET

    target = near * next(iter(curves.values()))[1][-1]
    with style():
        figure, ax = plt.subplots(figsize=(6, 3.2))
        lines = [ax.plot(seconds, values)[0] for seconds, values in curves.values()]
        ax.axhline(target, color=QUIET, linestyle=":", linewidth=1)
        for line, (seconds, values) in zip(lines, curves.values(), strict=True):
            there = np.flatnonzero(values <= target)[:1]
            ring = {"markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.2}
            ax.plot(seconds[there], values[there], "o", color=line.get_color(), **ring)
        lowest = min(values.min() for _, values in curves.values())
        ax.set(xlabel="Seconds", ylabel="J", yscale="log", ylim=(0.97 * lowest, 2.5 * lowest))
        ax.set_xlim(0, max(seconds[-1] for seconds, _ in curves.values()))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_yticks([t for t in (10, 12, 15, 20, 25, 30) if 0.97 * lowest < t < 2.5 * lowest])
        ax.grid(axis="y")
        label_lines(ax, lines, list(curves))
        return png(figure)


def seconds_against_connections(shares, seconds, dense):
    """Plot the time per epoch against the share of connections, with that of a dense layer.

    Parameters
    ----------
    shares, seconds : sequence of float
        One for each network.
    dense : float
        Seconds with all connections.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter

    from striate.display import style
    from striate.display.style import QUIET

    with style():
        figure, ax = plt.subplots(figsize=(6, 3.4))
        x = np.asarray(shares)
        proportional = seconds[-1] / x[-1] * x
        ax.plot(x, proportional, ":", color=QUIET, linewidth=1)
        ax.text(x[0], proportional[0], "proportional ", color=QUIET, ha="right", va="center")
        ax.plot(x, seconds, "o-")
        ax.axhline(dense, color=QUIET, linewidth=1)
        ax.text(x[0], dense, "all connections, dense", color=QUIET, va="bottom")
        ax.set(xlabel="Share of connections", ylabel="Seconds per epoch")
        ax.set(xscale="log", yscale="log", xlim=(x[0] / 3.5, x[-1] * 1.2))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.set_xticks(x)
        ax.minorticks_off()
        return png(figure)
