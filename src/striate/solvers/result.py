"""What a solver returns: θ, J there, and why it ended."""

from enum import Enum
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
    """

    theta: npt.NDArray[Any]
    value: float
    n_iter: int
    status: Status
    message: str = ""
