"""Parameters as Python objects: sizes as whole numbers, and those with their default value."""

import functools
import inspect
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np


def has_default(estimator: Any, name: str) -> bool:
    """Return whether a parameter equals its default; numbers may be given as a sequence of one."""
    kind: Any = type(estimator)
    return as_list(getattr(estimator, name)) == as_list(_defaults(kind)[name].default)


@functools.cache
def _defaults(kind: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(kind).parameters


def whole_sizes(value: Any, name: str) -> list[int]:
    """Return sizes, a number or a sequence, as a list of integers of any numeric type.

    Raises
    ------
    ValueError
        If one is not a whole number above 0.
    """
    sizes = as_list(value)
    for size in sizes:
        number = isinstance(size, Real) and not isinstance(size, bool)
        if not number or size <= 0 or size != size // 1:
            raise ValueError(
                f"{name} must be > 0 and whole: one number per layer, as in (100, 50), got "
                f"{value!r}."
            )
    return [int(size) for size in sizes]


def as_list(value: Any) -> list[Any]:
    """Return a scalar or a sequence as a list of Python objects."""
    try:
        values: list[Any] = np.atleast_1d(value).tolist()
    except ValueError:  # a sequence of sequences of several lengths
        values = list(value)
    return values
