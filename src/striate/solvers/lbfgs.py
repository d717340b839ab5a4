"""SciPy's L-BFGS on J and ∇J."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, OptimizeResult, minimize

from .lbfgs_steps import N_STEPS, LBFGSMemory, minimize_in_steps
from .result import Result, Status, diverged
from .saved_state import NOTHING_KEPT, Keeper

Array = npt.NDArray[Any]
_REMEDY = "Scale the data to unit variance."


def lbfgs(
    objective: Callable[[Array], tuple[float, Array]],
    theta: Array,
    *,
    max_iter: int,
    ftol: float,
    gtol: float = 0.0,
    max_fun: int | None = None,
    l1: tuple[float, int] = (0.0, 0),
    callback: Callable[[Array, float], Any] | None = None,
    keeper: Keeper = NOTHING_KEPT,
) -> Result:
    """Minimize J by L-BFGS, in float64 whatever the type of J's arithmetic.

    Parameters
    ----------
    objective : callable
        θ ↦ (J, ∇J).
    theta : ndarray of shape (n_parameters,)
        Where to start; the result has its type.
    max_iter, max_fun : int
        Largest numbers of iterations and of evaluations of J; max_fun=None sets no limit.
    ftol : float
        Stops when an iteration lowers J by no more than `ftol` times max(J, 1).
    gtol : float, default=0.0
        Stops when no component of ∇J is larger.
    l1 : (float, int), default=(0.0, 0)
        μ of the term μ Σ |W|, which ∇J leaves out, and how many numbers of θ, the first ones, are
        weights.
    callback : callable, default=None
        callback(theta, J) after each iteration; a true result stops the minimization.
    keeper : Keeper, default=NOTHING_KEPT
        Keeps the state after each iteration, and continues from one that was kept.

    Returns
    -------
    Result
        With the status DIVERGED if J is not finite at an accepted point.

    Notes
    -----
    The approximation of the Hessian remembers ten steps, SciPy's default: with twenty, a sparse
    autoencoder of digits ends at the same J and needs more memory and a tenth more time.

    With an L1 term the weights are written as W = W⁺ − W⁻, both nonnegative. J is smooth in these,
    and L-BFGS-B keeps the bounds: a weight whose two parts are at their bounds is exactly 0.

    Examples
    --------
    >>> import numpy as np
    >>> bowl = lambda theta: (float(theta @ theta) / 2, theta)
    >>> lbfgs(bowl, np.ones(2), max_iter=10, ftol=1e-9).theta.round(6)
    array([0., 0.])
    """
    weights = _SplitWeights(*l1)
    x, bounds = weights.split(theta.astype(np.float64)), weights.bounds(theta.size)
    run = _Iterations(objective, weights, callback, keeper)
    run.accepted = run.accepted._replace(theta=weights.join(x).copy())
    options = {
        "maxiter": max_iter,
        "maxfun": np.inf if max_fun is None else max_fun,
        "ftol": ftol,
        "gtol": gtol,
        "maxcor": N_STEPS,
    }
    try:
        found = (_in_steps if keeper.is_kept else _by_scipy)(run, x, bounds, options)
    except KeyboardInterrupt:
        result = run.accepted._replace(status=Status.INTERRUPTED)
        return result._replace(theta=result.theta.astype(theta.dtype))
    value = float(found.fun) - weights.excess(found.x)
    result = Result(weights.join(found.x), value, found.nit, Status.CONVERGED)
    if not np.isfinite(value):
        return diverged(result.theta.astype(theta.dtype), value, found.nit, _REMEDY)
    if run.accepted.status is Status.CALLBACK:
        result = result._replace(status=Status.CALLBACK)
    elif found.status == 1:
        limit = "max_iter" if found.nit >= max_iter else "max_fun"
        result = result._replace(status=Status.LIMIT, message=f"{limit} reached")
    if keeper.is_kept:
        keeper.finish(result, {"memory": run.memory})
    return result._replace(theta=result.theta.astype(theta.dtype))


class _Iterations:
    """J as SciPy asks for it, and what happens after each iteration.

    `accepted` is the last point that was accepted; its status is INTERRUPTED until the end.
    """

    def __init__(
        self,
        objective: Callable[[Array], tuple[float, Array]],
        weights: "_SplitWeights",
        callback: Callable[[Array, float], Any] | None,
        keeper: Keeper,
    ) -> None:
        self._objective, self._weights = objective, weights
        self._callback, self.keeper = callback, keeper
        self.accepted = Result(np.empty(0), np.nan, 0, Status.INTERRUPTED)
        self.memory = LBFGSMemory(np.empty(0))

    def in_float64(self, x: Array) -> tuple[float, Array]:
        """Return J and ∇J at x."""
        value, gradient = self._objective(self._weights.join(x))
        return self._weights.objective(x, value, gradient.astype(np.float64))

    def halts(self, x: Array, J: float) -> bool:
        """Accept a point; return whether it is the last one."""
        at, value = self._weights.join(x), J - self._weights.excess(x)
        accepted = self.accepted
        self.accepted = accepted._replace(theta=at.copy(), value=value, n_iter=accepted.n_iter + 1)
        if not np.isfinite(value):
            self.accepted = self.accepted._replace(status=Status.DIVERGED)
        elif self._callback is not None and self._callback(at, value):
            self.accepted = self.accepted._replace(status=Status.CALLBACK)
        self.keeper.keep(self.accepted, {"memory": self.memory})
        return self.accepted.status is not Status.INTERRUPTED


def _by_scipy(
    run: _Iterations, x: Array, bounds: Bounds | None, options: dict[str, Any]
) -> OptimizeResult:
    """Minimize J in one call of SciPy."""

    def callback(intermediate_result: OptimizeResult) -> None:
        if run.halts(intermediate_result.x, float(intermediate_result.fun)):
            raise StopIteration

    return minimize(
        run.in_float64, x, method="L-BFGS-B", jac=True, bounds=bounds, callback=callback,
        options=options,
    )  # fmt: skip


def _in_steps(
    run: _Iterations, x: Array, bounds: Bounds | None, options: dict[str, Any]
) -> OptimizeResult:
    """Minimize J step by step, from the state that was kept."""
    memory = run.memory = LBFGSMemory(x)
    run.accepted, status = run.keeper.resume(run.accepted, {"memory": memory}), 0
    if run.accepted.status not in (Status.CONVERGED, Status.CALLBACK):
        run.accepted = run.accepted._replace(status=Status.INTERRUPTED)
        lowest = None if bounds is None else bounds.lb
        status = minimize_in_steps(
            run.in_float64, memory, lowest=lowest, options=options, halts=run.halts
        )
    return OptimizeResult(x=memory.x, fun=memory.value, nit=memory.n_iter, status=status)


class _SplitWeights:
    """The n weights in θ = (W, b) as W⁺ − W⁻, if there is an L1 term of weight μ."""

    def __init__(self, mu: float, n: int) -> None:
        self.mu, self.n = mu, n if mu else 0

    def split(self, theta: Array) -> Array:
        """Return x = (W⁺, W⁻, b)."""
        if not self.n:
            return theta
        W, b = theta[: self.n], theta[self.n :]
        return np.concatenate([np.maximum(W, 0), np.maximum(-W, 0), b])

    def join(self, x: Array) -> Array:
        """Return θ."""
        n = self.n
        return np.concatenate([x[:n] - x[n : 2 * n], x[2 * n :]]) if n else x

    def bounds(self, size: int) -> Bounds | None:
        """Return W⁺ ≥ 0 and W⁻ ≥ 0."""
        if not self.n:
            return None
        lowest = np.full(size + self.n, -np.inf)
        lowest[: 2 * self.n] = 0
        return Bounds(lowest, np.inf)

    def excess(self, x: Array) -> float:
        """Return μ Σ (W⁺ + W⁻ − |W|), which is 0 at the minimum but not always before."""
        n = self.n
        return 2 * self.mu * float(np.minimum(x[:n], x[n : 2 * n]).sum()) if n else 0.0

    def objective(self, x: Array, value: float, gradient: Array) -> tuple[float, Array]:
        """Return J with μ Σ (W⁺ + W⁻) for μ Σ |W|, and its gradient with respect to x."""
        n, mu = self.n, self.mu
        if not n:
            return value, gradient
        by_W = gradient[:n]
        return value + self.excess(x), np.concatenate([by_W + mu, mu - by_W, gradient[n:]])
