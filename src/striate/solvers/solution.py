"""What a full-batch solver returns."""

from typing import NamedTuple

import numpy as np


class Solution(NamedTuple):
    """Where a solver ended.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
    value : float
        J at theta.
    n_iter : int
        Iterations that were made.
    converged : bool
        Whether the solver's own criterion ended it, not the limit of iterations.
    message : str
        Why it ended.
    """

    theta: np.ndarray
    value: float
    n_iter: int
    converged: bool
    message: str


def check_finite(value, remedy):
    """Raises a ValueError where J is not a finite number; `remedy` says what to change."""
    if not np.isfinite(value):
        raise ValueError(f"Training diverged: the loss is {value}. {remedy}")
