"""Checks of parameters that several displays have: indices, numbers and names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_indices(indices: ArrayLike, n: int, name: str) -> NDArray[np.intp]:
    """Return indices from 0 to n - 1 as an array; raise a ValueError for anything else."""
    checked = np.atleast_1d(np.asarray(indices))
    whole = checked.ndim == 1 and checked.size > 0 and checked.dtype.kind in "iu"
    if not whole or checked.min() < 0 or checked.max() >= n:
        raise ValueError(f"{name} must be indices from 0 to {n - 1}, got {indices!r}.")
    return checked.astype(np.intp)


def check_number(number: int, name: str) -> int:
    """Return a whole number of at least 1; raise a ValueError for anything else."""
    if int(number) != number or number < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {number!r}.")
    return int(number)


def check_names(names: ArrayLike, n: int, noun: str) -> NDArray[Any]:
    """Return n names of features or inputs as an array; raise a ValueError for another number."""
    if np.shape(names) != (n,):
        raise ValueError(
            f"feature_names must be {n} names, one for each {noun}, got an array of shape "
            f"{np.shape(names)}."
        )
    return np.asarray(names)
