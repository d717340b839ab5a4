"""Parameters that have their default value, and so may not have been given."""

import inspect
from typing import Any

import numpy as np


def has_default(estimator: Any, name: str) -> bool:
    """Return whether a parameter equals its default; numbers may be given as a sequence of one."""
    default = inspect.signature(type(estimator)).parameters[name].default
    return as_list(getattr(estimator, name)) == as_list(default)


def as_list(value: Any) -> list[Any]:
    """Return a scalar or a sequence as a list of Python objects."""
    values: list[Any] = np.atleast_1d(value).tolist()
    return values
