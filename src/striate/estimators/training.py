"""What all estimators share: one way from a network and data to a trained θ."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.solvers.gradient_descent import gradient_descent
from striate.solvers.lbfgs import lbfgs
from striate.solvers.solution import check_finite

#: Multiplications in J and ∇J below which a second thread does not pay.
SMALL_OBJECTIVE = 5_000_000
#: Solvers that can go on with some rows at a time.
MINIBATCH_SOLVERS = ("sgd", "adam")
#: Epochs without progress after which a minibatch solver ends.
PATIENCE = 10


@dataclass
class Progress:
    """Records the loss of each iteration, and tells scikit-learn's callbacks and the terminal.

    Attributes
    ----------
    estimator : estimator
        With `loss_curve_`, `verbose` and scikit-learn's callback support.
    data : dict
        What callbacks are told of the training data: X, y, metadata.
    context : sklearn.callback.CallbackContext or None
        Of this fit; None where there are no callbacks.
    attributes : callable
        θ ↦ dict of the fitted attributes that make a copy of the estimator ready for use.
    """

    estimator: Any
    data: dict[str, Any]
    context: Any
    attributes: Callable[[np.ndarray], dict[str, np.ndarray]]

    def __call__(self, theta, value):
        """After an iteration that ended with `value`; true if a callback asks to stop."""
        estimator = self.estimator
        estimator.loss_curve_.append(value)
        if estimator.verbose:
            print(f"Iteration {len(estimator.loss_curve_)}, loss = {value:.8f}")
        if self.context is None:
            return False
        task = self.context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=estimator, **self.data)
        return task.call_on_fit_task_end(
            estimator=estimator,
            **self.data,
            reconstruction_attributes=lambda: self.attributes(theta),
        )

    def end(self):
        """Closes the fit for callbacks."""
        if self.context is not None:
            self.context.call_on_fit_task_end(estimator=self.estimator, **self.data)


def takes_minibatches(estimator):
    """Whether `partial_fit` is there; an AttributeError says why it is not."""
    if estimator.solver not in MINIBATCH_SOLVERS:
        raise AttributeError(
            f"partial_fit needs a solver of minibatches, 'sgd' or 'adam', not {estimator.solver!r}"
        )
    return True


def threads_for(network, n_rows):
    """How many threads at most for J and ∇J of so many rows; None for all there are."""
    return 1 if n_rows * network.n_weights < SMALL_OBJECTIVE else None


def full_batch(objective, theta, *, solver, max_iter, callback, learning_rate, tol, **limits):
    """Minimises J by "gd" or "lbfgs", which alone takes `limits`; returns a `Solution`."""
    l1 = objective.problem.l1_weight, objective.problem.network.n_weights
    common = {"max_iter": max_iter, "callback": callback, "l1": l1}
    if solver == "gd":
        return gradient_descent(objective, theta, learning_rate=learning_rate, tol=tol, **common)
    return lbfgs(objective, theta, **{"ftol": tol, **limits}, **common)


def epochs(batches, *, max_iter, random_state, after_epoch, shuffle=True):
    """Epochs over freshly shuffled rows until `after_epoch(terms of J)` is true."""
    order = np.arange(batches.n_rows)
    for _ in range(max_iter):
        if shuffle:
            random_state.shuffle(order)
        if after_epoch(batches.epoch(order, batches.learning_rate)):
            break


class Plateau:
    """Ends a minibatch training when J has not fallen by a share `tol` for `PATIENCE` epochs.

    Parameters
    ----------
    tol : float
    progress : callable
        progress(θ, J) after each epoch; a true result ends the training too.
    batches : Minibatch
    """

    def __init__(self, tol, progress, batches):
        self.tol, self.progress, self.batches = tol, progress, batches
        self.best, self.waited, self.n_iter = np.inf, 0, 0

    def __call__(self, terms):
        """After an epoch; true if it was the last."""
        value = sum(terms.values())
        rate = self.batches.learning_rate
        check_finite(value, f"Lower learning_rate (now {rate:g}) or scale the data.")
        self.waited = 0 if value < self.best * (1 - self.tol) else self.waited + 1
        self.best, self.n_iter = min(self.best, value), self.n_iter + 1
        return self.progress(self.batches.theta, value) or self.waited == PATIENCE
