"""Why a training ends, and what its end leaves: perceptrons and autoencoders alike."""

import warnings
from itertools import count

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from striate import MLPClassifier, MLPRegressor, SparseAutoencoder
from striate.core.objective import Objective
from striate.solvers.minibatch import Minibatch

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
LARGE = 5e307 * X
PERCEPTRONS = [
    Estimator(hidden_layer_sizes=(4,), solver=solver, learning_rate_init=0.01, random_state=0)
    for Estimator in (MLPClassifier, MLPRegressor)
    for solver in ("lbfgs", "gd", "adam", "sgd")
]
AUTOENCODERS = [
    SparseAutoencoder(3, solver=solver, sparsity_weight=0.3, random_state=0)
    for solver in ("lbfgs", "gd", "adam")
]
WITH_PARTIAL_FIT = [each for each in PERCEPTRONS + AUTOENCODERS if hasattr(each, "partial_fit")]
of_all = pytest.mark.parametrize("estimator", PERCEPTRONS + AUTOENCODERS)
of_minibatches = pytest.mark.parametrize("estimator", WITH_PARTIAL_FIT)


class Watcher:
    """A callback that does `action` after the third iteration, and returns its result."""

    def __init__(self, action):
        self.action, self.n_iterations = action, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name != "iteration":
            return False
        self.n_iterations += 1
        return self.action() if self.n_iterations == 3 else False


def interrupt():
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


def raise_on_call(monkeypatch, owner, name, n):
    """Have the n-th call of a method end as by Ctrl-C."""
    method, calls = getattr(owner, name), count(1)

    def counted(*arguments, **options):
        return interrupt() if next(calls) == n else method(*arguments, **options)

    monkeypatch.setattr(owner, name, counted)


def with_rate(estimator, rate):
    """Return a copy with another learning rate."""
    name = "learning_rate" if isinstance(estimator, SparseAutoencoder) else "learning_rate_init"
    return clone(estimator).set_params(**{name: rate})


def weights(estimator):
    """Return the fitted weights, one after the other."""
    names = ("coefs_", "intercepts_", "components_", "decoder_components_", "intercept_")
    parts = [getattr(estimator, name) for name in names if hasattr(estimator, name)]
    arrays = [part for each in parts for part in (each if isinstance(each, list) else [each])]
    return np.concatenate([each.ravel() for each in arrays])


def without_warning(method, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return method(*arguments)


def expect_divergence(method, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # sums of large values overflow
        with pytest.raises(ValueError, match=r"diverged|non-finite"):
            method(*arguments)


def outputs(estimator):
    return estimator.predict(X) if hasattr(estimator, "predict") else estimator.transform(X)


@of_all
def test_a_callback_ends_it_without_a_warning(estimator):
    watcher = Watcher(lambda: True)
    fitted = clone(estimator).set_callbacks(watcher)
    without_warning(fitted.fit, X, Y)
    assert fitted.n_iter_ == watcher.n_iterations == len(fitted.loss_curve_) == 3


@of_all
def test_a_callback_may_end_it_at_max_iter(estimator):
    fitted = clone(estimator).set_params(max_iter=3).set_callbacks(Watcher(lambda: True))
    without_warning(fitted.fit, X, Y)


@of_all
def test_max_iter_warns_where_fit_is_called(estimator):
    short = clone(estimator).set_params(max_iter=2, tol=0)
    expected = {
        "lbfgs": r"lbfgs failed to converge after 2 iteration\(s\): max_iter reached",
        "gd": r"gd failed to converge after 2 iteration\(s\): max_iter reached",
    }.get(estimator.solver, r"Maximum iterations \(2\) reached.*Increase max_iter")
    with pytest.warns(ConvergenceWarning, match=expected) as caught:
        short.fit(X, Y)
    assert [each.filename for each in caught] == [__file__]
    assert short.n_iter_ == 2


def test_max_fun_is_named():
    mlp = MLPClassifier((4,), solver="lbfgs", max_fun=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_fun reached"):
        mlp.fit(X, Y)


@of_all
def test_convergence_does_not_warn(estimator):
    converged = clone(estimator).set_params(max_iter=500, tol=0.01)
    without_warning(converged.fit, X, Y)
    assert converged.n_iter_ < 500


@of_minibatches
def test_partial_fit_does_not_warn(estimator):
    learner = clone(estimator).set_params(max_iter=1)
    first = {"classes": [0, 1, 2]} if isinstance(learner, MLPClassifier) else {}
    for options in (first, {}, {}):
        without_warning(lambda options=options: learner.partial_fit(X, Y, **options))
    assert len(learner.loss_curve_) == 3


@of_all
def test_ctrl_c_in_a_callback_keeps_what_was_learned(estimator):
    interrupted = clone(estimator).set_callbacks(Watcher(interrupt))
    with pytest.warns(UserWarning, match="interrupted by user") as caught:
        interrupted.fit(X, Y)
    assert [each.filename for each in caught] == [__file__]
    stopped = clone(estimator).set_callbacks(Watcher(lambda: True)).fit(X, Y)
    assert interrupted.n_iter_ == len(interrupted.loss_curve_) == 3
    assert interrupted.loss_ == pytest.approx(stopped.loss_)
    np.testing.assert_array_equal(weights(interrupted), weights(stopped))
    np.testing.assert_array_equal(outputs(interrupted), outputs(stopped))


@of_all
def test_ctrl_c_in_an_iteration_keeps_the_ones_before(estimator, monkeypatch):
    raise_on_call(monkeypatch, Minibatch, "epoch", 3)
    raise_on_call(monkeypatch, Objective, "__call__", 4)
    interrupted = clone(estimator)
    with pytest.warns(UserWarning, match="interrupted by user"):
        interrupted.fit(X, Y)
    assert interrupted.n_iter_ == len(interrupted.loss_curve_) < 4
    assert np.isfinite(interrupted.loss_)
    assert np.isfinite(outputs(interrupted)).all()


@of_minibatches
def test_ctrl_c_in_partial_fit(estimator, monkeypatch):
    raise_on_call(monkeypatch, Minibatch, "epoch", 2)
    learner = clone(estimator)
    first = {"classes": [0, 1, 2]} if isinstance(learner, MLPClassifier) else {}
    before = weights(learner.partial_fit(X, Y, **first))
    with pytest.raises(KeyboardInterrupt):  # so that it also ends a loop over parts of the data
        learner.partial_fit(X, Y)
    np.testing.assert_array_equal(weights(learner), before)
    assert len(learner.loss_curve_) == 1
    without_warning(learner.partial_fit, X, Y)


@of_all
def test_divergence_leaves_it_unfitted(estimator):
    diverging = with_rate(estimator, 1e30).set_params(activation="relu")
    expect_divergence(diverging.fit, LARGE, Y)
    with pytest.raises(NotFittedError):
        check_is_fitted(diverging)
    with pytest.raises(NotFittedError):
        outputs(diverging)
    assert not hasattr(diverging, "loss_")
    recovered = diverging.set_params(**estimator.get_params()).set_params(tol=0.01, max_iter=500)
    expected = clone(recovered).fit(X, Y)
    np.testing.assert_array_equal(weights(recovered.fit(X, Y)), weights(expected))


@of_minibatches
def test_divergence_of_partial_fit_keeps_what_was_there(estimator):
    learner = with_rate(estimator, 1e200)  # the ridge of the weights after one step overflows
    first = {"classes": [0, 1, 2]} if isinstance(learner, MLPClassifier) else {}
    before, loss = weights(learner.partial_fit(X, Y, **first)), learner.loss_
    expect_divergence(learner.partial_fit, X, Y)
    np.testing.assert_array_equal(weights(learner), before)
    assert learner.loss_ == loss
