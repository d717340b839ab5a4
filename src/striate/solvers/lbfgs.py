"""SciPy's L-BFGS on J and ∇J."""

import numpy as np
from scipy.optimize import minimize

from .solution import Solution, check_finite


def lbfgs(objective, theta, *, max_iter, ftol, gtol=0.0, max_fun=None, callback=None):
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
    callback : callable, default=None
        callback(theta, J) after each iteration; a true result ends the minimisation.

    Returns
    -------
    Solution

    Notes
    -----
    The approximation of the Hessian remembers ten steps, SciPy's default: with twenty, a sparse
    autoencoder of digits ends at the same J, and needs more memory and a tenth more time.

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

    def in_float64(theta):
        value, gradient = objective(theta)
        return value, gradient.astype(np.float64)

    def after_iteration(intermediate_result):
        value = float(intermediate_result.fun)
        check_finite(value, "Scale the data to unit variance.")
        if callback is not None and callback(intermediate_result.x, value):
            raise StopIteration

    options = {
        "maxiter": max_iter,
        "maxfun": np.inf if max_fun is None else max_fun,
        "ftol": ftol,
        "gtol": gtol,
    }
    result = minimize(
        in_float64,
        theta.astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        callback=after_iteration,
        options=options,
    )
    check_finite(result.fun, "Scale the data to unit variance.")
    converged = result.status != 1 and "callback" not in result.message.lower()
    return Solution(
        result.x.astype(theta.dtype), float(result.fun), result.nit, converged, result.message
    )
