"""The families of cases and their shares, and the case of each number."""

from collections.abc import Callable
from itertools import accumulate

import numpy as np

from . import (
    command_cases,
    estimator_cases,
    function_cases,
    image_cases,
    killed_cases,
    model_cases,
)
from .case import Case

#: Functions that make a case from a random generator, with their shares.
FAMILIES: tuple[tuple[Callable[[np.random.Generator], Case], float], ...] = (
    *estimator_cases.FAMILIES,
    *image_cases.FAMILIES,
    *function_cases.FAMILIES,
    *model_cases.FAMILIES,
    *command_cases.FAMILIES,
    *killed_cases.FAMILIES,
)
_BOUNDS = list(accumulate(share for _, share in FAMILIES))


def make_case(number: int, seed: int = 0) -> Case:
    """Return the case of a number, which is the same in every process."""
    rng = np.random.default_rng([seed, number])
    at = np.searchsorted(_BOUNDS, rng.random() * _BOUNDS[-1], side="right")
    return FAMILIES[int(at)][0](rng)
