"""What a solver returns: θ, J there, and why it ended."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy.typing as npt


class Status(Enum):
    """Why a solver ended."""

    CONVERGED = "converged"
    STOPPED = "stopped by the stopping rule"
    LIMIT = "reached the limit of iterations"
    CALLBACK = "stopped by a callback"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"


class Result(NamedTuple):
    """Where a solver ended, and why.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
    value : float
        J at theta.
    n_iter : int
        Number of iterations (epochs, for minibatches).
    status : Status
    message : str
        Details for a person, such as SciPy's own words; may be empty.
    state : dict
        What a minibatch solver needs to continue from here; empty for other solvers.
    """

    theta: npt.NDArray[Any]
    value: float
    n_iter: int
    status: Status
    message: str = ""
    state: Mapping[str, Any] = MappingProxyType({})


def diverged(theta: npt.NDArray[Any], value: float, n_iter: int, remedy: str) -> Result:
    """Return the result of a training whose loss is no longer finite, with what to change."""
    message = f"Training diverged: the loss is {value}. {remedy}"
    return Result(theta, value, n_iter, Status.DIVERGED, message)
