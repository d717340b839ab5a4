"""The lecture's batch gradient descent: W ← W - α ∂J/∂W."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.core.penalties import shrink

from .result import Result, Status, diverged

Array = npt.NDArray[Any]


def gradient_descent(
    objective: Callable[[Array], tuple[float, Array]],
    theta: Array,
    *,
    learning_rate: float,
    max_iter: int,
    tol: float,
    l1: tuple[float, int] = (0.0, 0),
    callback: Callable[[Array, float], Any] | None = None,
) -> Result:
    """Take steps −α ∇J, each over all rows.

    Parameters
    ----------
    objective : callable
        θ ↦ (J, ∇J).
    theta : ndarray of shape (n_parameters,)
        Where to start.
    learning_rate : float
        α.
    max_iter : int
        Largest number of steps.
    tol : float
        Stops when a step lowers J by less than `tol` times max(J, 1).
    l1 : (float, int), default=(0.0, 0)
        μ of the term μ Σ |W|, which ∇J leaves out, and how many numbers of θ, the first ones, are
        weights. Each step is followed by the proximal step of this term, which makes weights
        exactly 0.
    callback : callable, default=None
        callback(theta, J) after each step; a true result stops the descent.

    Returns
    -------
    Result
        With the status DIVERGED if J is no longer finite.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = lambda theta: (float(theta @ theta) / 2, theta)
    >>> gradient_descent(bowl, np.ones(2), learning_rate=0.5, max_iter=3, tol=0).theta
    array([0.125, 0.125])
    """
    value, gradient = objective(theta)
    result = Result(theta, value, 0, Status.INTERRUPTED)
    try:
        for n_iter in range(1, max_iter + 1):
            theta, before = theta - learning_rate * gradient, value
            if l1[0]:
                shrink(theta[: l1[1]], learning_rate * l1[0])
            value, gradient = objective(theta)
            result = result._replace(theta=theta, value=value, n_iter=n_iter)
            if not np.isfinite(value):
                remedy = f"Lower learning_rate (now {learning_rate:g}) or scale the data"
                return diverged(theta, value, n_iter, f"{remedy} to unit variance.")
            if callback is not None and callback(theta, value):
                return result._replace(status=Status.CALLBACK)
            if 0 <= before - value < tol * max(abs(before), 1):
                return result._replace(status=Status.CONVERGED)
    except KeyboardInterrupt:
        return result
    return result._replace(status=Status.LIMIT, message="max_iter reached")
