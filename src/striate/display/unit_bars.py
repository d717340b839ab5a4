"""What a unit looks for in rows that are no images: the features that count most, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .style import INK, PALETTE, QUIET
from .unit_labels import UnitName

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Features that a panel has room for.
SHOWN_FEATURES = 6
_LONGEST_NAME = 24  # letters
_NAMED_ROWS = 4


def draw_bars(
    ax: Axes,
    name: UnitName,
    maximal: NDArray,
    feature_names: NDArray,
    rows: NDArray,
    limit: float,
) -> None:
    """Draw the largest parts of one unit's maximising input, and name the rows that excite it.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes to draw on.
    name : UnitName
        Of the unit.
    maximal : ndarray of shape (n_features,)
        What it looks for.
    feature_names : ndarray of shape (n_features,)
        Names of the features.
    rows : ndarray of int
        Indices of the rows that excite it most, if there are any.
    limit : float
        Largest part of any unit shown, so that all panels have one scale.
    """
    largest = np.argsort(-np.abs(maximal), kind="stable")[:SHOWN_FEATURES]
    largest = largest[maximal[largest] != 0]
    parts = maximal[largest]
    place = np.arange(len(parts))
    colors = [PALETTE[0] if part >= 0 else PALETTE[1] for part in parts]
    ax.barh(place, parts, height=0.62, color=colors)
    ax.axvline(0, color=QUIET, linewidth=0.7)
    ax.set_yticks(place, [_short(str(feature_names[j])) for j in largest])
    ax.tick_params(axis="y", length=0, colors=INK, labelsize=7.5)
    ax.tick_params(axis="x", labelsize=7)
    ax.set(xlim=(-1.05 * limit, 1.05 * limit), ylim=(SHOWN_FEATURES - 0.4, -0.6))
    ax.locator_params(axis="x", nbins=5)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    ax.set_title(f"Unit {name.number}", fontsize=9, loc="left", pad=4)
    note = f"{name.flaw}   {name.mean}" if name.flaw else name.mean
    color = name.color if name.flaw else QUIET
    ax.set_title(note, fontsize=7.5, loc="right", color=color, pad=4)
    named = ", ".join(str(row) for row in rows[:_NAMED_ROWS])
    exciting = f"Excited most by rows {named}" if named else "The same in every row"
    ax.set_xlabel(exciting, fontsize=7.5, color=QUIET, labelpad=2, loc="right")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
