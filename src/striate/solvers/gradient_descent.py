"""The lecture's batch gradient descent: W ← W - α ∂J/∂W."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.core.penalties import shrink

from .result import Result, Status, diverged
from .saved_state import NOTHING_KEPT, Keeper

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
    keeper: Keeper = NOTHING_KEPT,
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
    keeper : Keeper, default=NOTHING_KEPT
        Keeps the state after each step, and continues from one that was kept.

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
    result = keeper.resume(Result(theta.copy(), np.nan, 0, Status.INTERRUPTED), {})
    if result.status in (Status.CONVERGED, Status.CALLBACK):
        return result
    theta = result.theta
    value, gradient = objective(theta)
    result = result._replace(value=value, status=Status.INTERRUPTED)
    try:
        while result.n_iter < max_iter and result.status is Status.INTERRUPTED:
            theta, before = theta - learning_rate * gradient, value
            if l1[0]:
                shrink(theta[: l1[1]], learning_rate * l1[0])
            value, gradient = objective(theta)
            result = result._replace(theta=theta, value=value, n_iter=result.n_iter + 1)
            if not np.isfinite(value):
                remedy = f"Lower learning_rate (now {learning_rate:g}) or scale the data"
                return diverged(theta, value, result.n_iter, f"{remedy} to unit variance.")
            if callback is not None and callback(theta, value):
                result = result._replace(status=Status.CALLBACK)
            elif 0 <= before - value < tol * max(abs(before), 1):
                result = result._replace(status=Status.CONVERGED)
            keeper.keep(result, {})
    except KeyboardInterrupt:
        return result._replace(status=Status.INTERRUPTED)
    if result.status is Status.INTERRUPTED:
        result = result._replace(status=Status.LIMIT, message="max_iter reached")
    keeper.finish(result, {})
    return result
