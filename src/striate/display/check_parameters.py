"""Checks of parameters that several displays have: indices, numbers and names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse


def check_drawing(
    *, ax: Any = None, figure: Any = None, cmap: Any = "gray", title: Any = None
) -> None:
    """Raise a ValueError unless these are what a display can draw on, colour with and write."""
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import FigureBase

    if not isinstance(ax, Axes | None):
        raise ValueError(f"ax must be axes of matplotlib or None, got {ax!r}.")
    if not isinstance(figure, FigureBase | None):
        raise ValueError(f"figure must be a figure of matplotlib or None, got {figure!r}.")
    if not isinstance(cmap, Colormap) and not (isinstance(cmap, str) and cmap in mpl.colormaps):
        raise ValueError(f"cmap must be a colormap of matplotlib or its name, got {cmap!r}.")
    if not isinstance(title, str | None):
        raise ValueError(f"title must be text or None, got {title!r}.")


def shape_of(values: Any) -> tuple[int, ...] | None:
    """Return the shape of an array-like; None for lists of several lengths and sparse matrices."""
    try:
        return None if sparse.issparse(values) else np.shape(values)
    except ValueError:
        return None


def is_image_shape(shape: Any) -> bool:
    """Return whether this is (height, width) or (height, width, n_channels)."""
    if shape_of(shape) not in ((2,), (3,)):
        return False
    return all(isinstance(n, int | np.integer) and n is not True and n > 0 for n in shape)


def check_indices(indices: ArrayLike, n: int, name: str) -> NDArray[np.intp]:
    """Return indices from 0 to n - 1 as an array; raise a ValueError for anything else."""
    known = shape_of(indices) is not None
    checked = np.atleast_1d(np.asarray(indices if known else []))
    whole = checked.ndim == 1 and checked.size > 0 and checked.dtype.kind in "iu"
    if not whole or checked.min() < 0 or checked.max() >= n:
        raise ValueError(f"{name} must be indices from 0 to {n - 1}, got {indices!r}.")
    return checked.astype(np.intp)


def check_choice(value: Any, choices: tuple[str, ...], name: str) -> None:
    """Raise a ValueError unless a parameter is one of some words."""
    if not isinstance(value, str) or value not in choices:
        *first, last = map(repr, choices)
        raise ValueError(f"{name} must be {', '.join(first)} or {last}, got {value!r}.")


def check_flag(value: Any, name: str) -> None:
    """Raise a ValueError unless a parameter is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def check_number(number: Any, name: str) -> int:
    """Return a whole number of at least 1; raise a ValueError for anything else."""
    if not isinstance(number, int | np.integer) or number is True or number < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {number!r}.")
    return int(number)


def check_names(names: ArrayLike, n: int, noun: str) -> NDArray[Any]:
    """Return n names of features or inputs as an array; raise a ValueError for anything else."""
    if shape_of(names) != (n,):
        raise ValueError(
            f"feature_names must be {n} names, one for each {noun}, got an array of shape "
            f"{shape_of(names)}."
        )
    return np.asarray(names)
