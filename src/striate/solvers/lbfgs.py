"""SciPy's L-BFGS on J and ∇J."""

import numpy as np
from scipy.optimize import Bounds, minimize

from .solution import Solution, check_finite


def lbfgs(objective, theta, *, max_iter, ftol, gtol=0.0, max_fun=None, l1=(0.0, 0), callback=None):
    """Minimises J by L-BFGS, in float64 whatever the type of J's arithmetic.

    Parameters
    ----------
    objective : callable
        θ ↦ (J, ∇J).
    theta : ndarray of shape (n_parameters,)
        Where to start; the result has its type.
    max_iter, max_fun : int
        Iterations and evaluations of J at most; max_fun=None does not limit them.
    ftol : float
        Ends when an iteration lowers J by no more than `ftol` times max(J, 1).
    gtol : float, default=0.0
        Ends when no component of ∇J is larger.
    l1 : (float, int), default=(0.0, 0)
        μ of μ Σ |W|, which ∇J leaves out, and how many numbers of θ are weights: the first ones.
    callback : callable, default=None
        callback(theta, J) after each iteration; a true result ends the minimisation.

    Returns
    -------
    Solution

    Notes
    -----
    The approximation of the Hessian remembers ten steps, SciPy's default: with twenty, a sparse
    autoencoder of digits ends at the same J, and needs more memory and a tenth more time.

    With an L1 term the weights are written as W = W⁺ − W⁻, neither below 0. In these J is smooth,
    and L-BFGS-B keeps the bounds: a weight whose two parts lie on theirs is exactly 0.

    Raises
    ------
    ValueError
        If J is not finite at an accepted point.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = lambda theta: (float(theta @ theta) / 2, theta)
    >>> lbfgs(bowl, np.ones(2), max_iter=10, ftol=1e-9).theta.round(6)
    array([0., 0.])
    """
    split = _Split(*l1)

    def in_float64(x):
        value, gradient = objective(split.joined(x))
        return split.objective(x, value, gradient.astype(np.float64))

    def after_iteration(intermediate_result):
        x = intermediate_result.x
        value = float(intermediate_result.fun) - split.excess(x)
        check_finite(value, "Scale the data to unit variance.")
        if callback is not None and callback(split.joined(x), value):
            raise StopIteration

    options = {
        "maxiter": max_iter,
        "maxfun": np.inf if max_fun is None else max_fun,
        "ftol": ftol,
        "gtol": gtol,
    }
    result = minimize(
        in_float64,
        split.divided(theta.astype(np.float64)),
        method="L-BFGS-B",
        jac=True,
        bounds=split.bounds(theta.size),
        callback=after_iteration,
        options=options,
    )
    check_finite(result.fun, "Scale the data to unit variance.")
    converged = result.status != 1 and "callback" not in result.message.lower()
    theta = split.joined(result.x).astype(theta.dtype)
    value = float(result.fun) - split.excess(result.x)
    return Solution(theta, value, result.nit, converged, result.message)


class _Split:
    """The n weights in θ = (W, b) as W⁺ − W⁻, where there is an L1 term of weight μ."""

    def __init__(self, mu, n):
        self.mu, self.n = mu, n if mu else 0

    def divided(self, theta):
        """x = (W⁺, W⁻, b)."""
        if not self.n:
            return theta
        W, b = theta[: self.n], theta[self.n :]
        return np.concatenate([np.maximum(W, 0), np.maximum(-W, 0), b])

    def joined(self, x):
        """θ."""
        n = self.n
        return np.concatenate([x[:n] - x[n : 2 * n], x[2 * n :]]) if n else x

    def bounds(self, size):
        if not self.n:
            return None
        lowest = np.full(size + self.n, -np.inf)
        lowest[: 2 * self.n] = 0
        return Bounds(lowest, np.inf)

    def excess(self, x):
        """μ Σ (W⁺ + W⁻ − |W|), which is 0 at the minimum and may not be on the way there."""
        n = self.n
        return 2 * self.mu * float(np.minimum(x[:n], x[n : 2 * n]).sum()) if n else 0.0

    def objective(self, x, value, gradient):
        """J with μ Σ (W⁺ + W⁻) in place of μ Σ |W|, and its gradient by x."""
        n, mu = self.n, self.mu
        if not n:
            return value, gradient
        by_W = gradient[:n]
        return value + self.excess(x), np.concatenate([by_W + mu, mu - by_W, gradient[n:]])
