"""Parameters as Python objects: plain numbers, whole sizes, and those with their default value."""

import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np


@contextmanager
def plain_numbers(estimator: Any) -> Iterator[None]:
    """Turn NumPy's scalars among the parameters of an estimator into Python's for a while.

    Arithmetic with the former overflows (`numpy.uint8`), or has a type that compiled code does not
    know (`numpy.longdouble`).

    Raises
    ------
    ValueError
        If a whole number does not fit into 64 bits.
    """
    kind: Any = type(estimator)
    defaults = _defaults(kind)
    given = {name: value for name, value in vars(estimator).items() if name in defaults}
    given = {name: value for name, value in given.items() if isinstance(value, np.generic | int)}
    plain = {name: _plain(value, defaults[name].default) for name, value in given.items()}
    for name, value in plain.items():
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} does not fit into 64 bits."
            )
    vars(estimator).update(plain)
    try:
        yield
    finally:
        vars(estimator).update(given)


def _plain(value: np.generic | int, default: Any) -> Any:
    if isinstance(value, np.floating):
        return float(value)
    value = value.item() if isinstance(value, np.generic) else value
    # scikit-learn takes True for 1 where a number is due.
    return int(value) if isinstance(value, bool) and type(default) in (int, float) else value


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
