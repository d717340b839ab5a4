"""The style of all figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can tell apart. Their yellow is too pale for
# a line on white; orange and sky blue come last because they are pale as text.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#A4508B", "#3B3B3B", "#C98500", "#3E9BCB")
INK = "#262626"
QUIET = "#6B6B6B"

# DejaVu Sans comes with matplotlib, so a figure looks alike on every machine.
_PARAMETERS: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.figsize": (6.0, 3.7),
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.facecolor": "white",
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "image.cmap": "gray",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save figures in Striate's style inside a ``with`` block.

    The displays use it for the figures that they open; they do not change the style of axes that
    are passed to them. Save inside the block as well: the resolution of files is part of the
    style.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import matplotlib.pyplot as plt
    >>> from striate.display import style
    >>> with style():
    ...     figure, ax = plt.subplots()
    ...     lines = ax.plot([1, 2, 3])
    >>> lines[0].get_color()
    '#0072B2'
    >>> plt.close(figure)
    """
    require_matplotlib("style")
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context(_PARAMETERS):
        mpl.rcParams["axes.prop_cycle"] = cycler(color=PALETTE)
        yield


def require_matplotlib(caller: str) -> None:
    """Raise an ImportError that says how to install matplotlib if it is missing."""
    try:
        import matplotlib  # noqa: F401  (only to see whether it is installed)
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed: pip install striate[app]"
        ) from error


def figure_of(ax: Axes) -> Figure:
    """Return the whole figure that holds `ax`, also if `ax` lies in a subfigure."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("ax is not in a figure because it was removed. Pass axes in a figure.")
    return figure
