"""Levels of the quantiles that a regressor is asked for."""

from itertools import pairwise
from typing import Any

from .default_parameters import as_list


def quantile_levels(quantile: Any) -> list[float]:
    """Return the levels, one number or several, as a list.

    Raises
    ------
    ValueError
        If they are not increasing numbers between 0 and 1.
    """
    levels = as_list(quantile)
    numbers = all(isinstance(each, int | float) and 0 < each < 1 for each in levels)
    if not numbers or not levels or any(a >= b for a, b in pairwise(levels)):
        raise ValueError(
            "quantile must be a number between 0 and 1, or several in increasing order, got "
            f"{quantile!r}."
        )
    return [float(each) for each in levels]
