"""What all estimators share: one way from a network and data to a trained θ."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.core.objective import Objective
from striate.core.threads import team
from striate.solvers.gradient_descent import gradient_descent
from striate.solvers.lbfgs import lbfgs
from striate.solvers.minibatch import ADAM, Minibatch
from striate.solvers.solution import Solution, check_finite

#: Multiplications in J and ∇J below which a second thread does not pay.
SMALL_OBJECTIVE = 5_000_000
#: Epochs without progress after which a minibatch solver ends.
PATIENCE = 10


@dataclass
class Progress:
    """Records the loss of each iteration, and tells scikit-learn's callbacks and the terminal.

    Attributes
    ----------
    estimator : estimator
        With `loss_curve_`, `verbose` and scikit-learn's callback support.
    X : ndarray
        The training data, for callbacks.
    context : sklearn.callback.CallbackContext
        Of this fit.
    attributes : callable
        θ ↦ dict of the fitted attributes that make a copy of the estimator ready for use.
    """

    estimator: Any
    X: np.ndarray
    context: Any
    attributes: Callable[[np.ndarray], dict[str, np.ndarray]]

    def __call__(self, theta, value):
        """After an iteration that ended with `value`; true if a callback asks to stop."""
        estimator = self.estimator
        estimator.loss_curve_.append(value)
        if estimator.verbose:
            print(f"Iteration {len(estimator.loss_curve_)}, loss = {value:.8f}")
        task = self.context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=estimator, X=self.X)
        return task.call_on_fit_task_end(
            estimator=estimator,
            X=self.X,
            reconstruction_attributes=lambda: self.attributes(theta),
        )


def train(network, loss, X, Y, theta, *, solver, progress, random_state, **terms):
    """Minimises J from θ on.

    Parameters
    ----------
    network : Network
    loss : str
    X, Y : ndarray
        Rows as for `Objective`.
    theta : ndarray of shape (n_parameters,)
        Where to start, of the type of X.
    solver : dict
        Its `name` ("lbfgs", "gd", "adam") and settings: `max_iter`, `tol`, and for the last two
        `learning_rate`, for the last `batch_size`.
    progress : callable
        progress(theta, J) after each iteration or epoch; a true result ends the training.
    random_state : RandomState
        Shuffles the rows for minibatches.
    **terms
        The penalties' weights, as for `Objective`.

    Returns
    -------
    Solution
    """
    work = X.shape[0] * network.n_weights
    with team(1 if work < SMALL_OBJECTIVE else None) as run:
        objective = Objective(network, loss, X, Y, run, **terms)
        if solver["name"] == "adam":
            return _adam(objective, loss, theta, solver, progress, random_state, terms)
        limits = {"max_iter": solver["max_iter"], "callback": progress}
        if solver["name"] == "gd":
            rate = solver["learning_rate"]
            return gradient_descent(
                objective, theta, learning_rate=rate, tol=solver["tol"], **limits
            )
        return lbfgs(objective, theta, ftol=solver["tol"], **limits)


def _adam(objective, loss, theta, solver, progress, random_state, terms):
    """Epochs of Adam until J has not fallen by `tol` for `PATIENCE` epochs."""
    o, theta = objective, theta.copy()
    rate, size = solver["learning_rate"], solver["batch_size"]
    batches = Minibatch(
        o.network, loss, o.X, o.Y, o.run, theta, rule=ADAM, batch_size=size, learning_rate=rate,
        **terms,
    )  # fmt: skip
    order = np.arange(len(o.X))
    best, waited, n_iter, stop = np.inf, 0, 0, False
    while n_iter < solver["max_iter"] and waited < PATIENCE and not stop:
        random_state.shuffle(order)
        value = sum(batches.epoch(order).values())
        check_finite(value, f"Lower learning_rate (now {rate:g}) or scale the data.")
        waited = 0 if value < best * (1 - solver["tol"]) else waited + 1
        best, n_iter = min(best, value), n_iter + 1
        stop = progress(theta.copy(), value)
    return Solution(theta, objective(theta)[0], n_iter, waited == PATIENCE, "")
