"""The lecture's batch gradient descent: W ← W - α ∂J/∂W."""

from striate.core.penalties import shrink

from .solution import Solution, check_finite


def gradient_descent(objective, theta, *, learning_rate, max_iter, tol, l1=(0.0, 0), callback=None):
    """Steps of constant length factor α along -∇J, each over all rows.

    Parameters
    ----------
    objective : callable
        θ ↦ (J, ∇J).
    theta : ndarray of shape (n_parameters,)
        Where to start.
    learning_rate : float
        α.
    max_iter : int
        Steps at most.
    tol : float
        Ends when a step lowers J by less than `tol` times max(J, 1).
    l1 : (float, int), default=(0.0, 0)
        μ of μ Σ |W|, which ∇J leaves out, and how many numbers of θ are weights: the first ones.
        Each step is followed by the proximal step of this term, which makes weights exactly 0.
    callback : callable, default=None
        callback(theta, J) after each step; a true result ends the descent.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If J is no longer finite.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = lambda theta: (float(theta @ theta) / 2, theta)
    >>> gradient_descent(bowl, np.ones(2), learning_rate=0.5, max_iter=3, tol=0).theta
    array([0.125, 0.125])
    """
    value, gradient = objective(theta)
    for n_iter in range(1, max_iter + 1):
        theta = theta - learning_rate * gradient
        if l1[0]:
            shrink(theta[: l1[1]], learning_rate * l1[0])
        before = value
        value, gradient = objective(theta)
        check_finite(
            value,
            f"Lower learning_rate (now {learning_rate:g}) or scale the data to unit variance.",
        )
        stop = callback is not None and callback(theta, value)
        if stop or 0 <= before - value < tol * max(abs(before), 1):
            return Solution(theta, value, n_iter, not stop, "callback" if stop else "converged")
    return Solution(theta, value, max_iter, False, "max_iter reached")
