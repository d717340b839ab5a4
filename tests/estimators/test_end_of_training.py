"""Why a training ends, and what its end leaves: perceptrons and autoencoders alike."""

import copy
import warnings
from itertools import count

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from striate import (
    LinearClassifier,
    MLPClassifier,
    MLPRegressor,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
    ZCAWhitening,
)
from striate.core.objective import Objective
from striate.estimators.linear_problem import GramProblem
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


# --- all or nothing ------------------------------------------------------------------------


def attributes(estimator):
    """Return everything that an estimator holds, for comparison."""
    return {name: repr(value) for name, value in vars(estimator).items()}


@of_all
def test_a_refit_that_diverges_keeps_the_earlier_fit_as_a_whole(estimator):
    refitted = clone(estimator).set_params(max_iter=500, tol=0.01).fit(X, Y)
    before, expected = attributes(refitted), outputs(refitted)
    parameters = with_rate(refitted, 1e30).set_params(activation="relu").get_params()
    expect_divergence(refitted.set_params(**parameters).fit, LARGE[:, :3], Y + 1)
    refitted.set_params(**clone(estimator).set_params(max_iter=500, tol=0.01).get_params())
    assert attributes(refitted) == before
    np.testing.assert_array_equal(outputs(refitted), expected)


@of_minibatches
def test_divergence_leaves_no_nan_in_the_loss_curve(estimator):
    learner = with_rate(estimator, 1e200)
    first = {"classes": [0, 1, 2]} if isinstance(learner, MLPClassifier) else {}
    learner.partial_fit(X, Y, **first)
    expect_divergence(learner.partial_fit, X, Y)
    assert len(learner.loss_curve_) == 1
    assert np.isfinite(learner.loss_curve_).all()


WHOLE = [
    (MLPClassifier(pretraining=AUTOENCODERS[0]), SparseAutoencoder, "_mean_activation"),
    (MLPClassifier((4,)), MLPClassifier, "_keep"),
    (MLPRegressor(hidden_layer_sizes=(4,)), MLPRegressor, "_keep"),
    (AUTOENCODERS[1], SparseAutoencoder, "_mean_activation"),
    (StackedAutoencoder((3, 2), autoencoder=AUTOENCODERS[1]), SparseAutoencoder, "transform"),
    (LinearClassifier(), GramProblem, "solve"),
    (ZCAWhitening(), ZCAWhitening, "_n_kept"),
    (SelfTaughtClassifier(ZCAWhitening(), LinearClassifier()), GramProblem, "solve"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "owner", "method"), WHOLE)
def test_ctrl_c_anywhere_leaves_it_as_it_was(estimator, owner, method, monkeypatch):
    short = {
        name: 2 for name in ("max_iter", "autoencoder__max_iter") if name in estimator.get_params()
    }
    fitted = clone(estimator).set_params(**short).fit(X, Y)
    unfitted, before = clone(fitted), attributes(fitted)
    raise_on_call(monkeypatch, owner, method, 1)
    for each, name in ((fitted, "again"), (unfitted, "new")):
        monkeypatch.undo()
        raise_on_call(monkeypatch, owner, method, 1)
        with pytest.raises(KeyboardInterrupt):
            each.fit(X[:, :3] if name == "again" else X, Y)
    monkeypatch.undo()
    assert attributes(fitted) == before
    with pytest.raises(NotFittedError):
        check_is_fitted(unfitted)
    assert attributes(unfitted) == attributes(clone(fitted))


@of_all
def test_ctrl_c_before_anything_was_learned_leaves_it_unfitted(estimator, monkeypatch):
    raise_on_call(monkeypatch, Minibatch, "epoch", 1)
    raise_on_call(monkeypatch, Objective, "__call__", 1)
    interrupted = clone(estimator)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(X, Y)
    with pytest.raises(NotFittedError):
        check_is_fitted(interrupted)
    monkeypatch.undo()
    if hasattr(interrupted, "partial_fit"):
        first = {"classes": [0, 1, 2]} if isinstance(interrupted, MLPClassifier) else {}
        expected = clone(estimator).partial_fit(X, Y, **first)
        np.testing.assert_array_equal(
            weights(interrupted.partial_fit(X, Y, **first)), weights(expected)
        )


@of_minibatches
def test_partial_fit_goes_on_after_an_interrupted_fit(estimator):
    interrupted = clone(estimator).set_callbacks(Watcher(interrupt))
    with pytest.warns(UserWarning, match="interrupted by user"):
        interrupted.fit(X, Y)
    before = weights(interrupted)
    without_warning(interrupted.partial_fit, X, Y)
    assert len(interrupted.loss_curve_) == 4
    assert np.isfinite(interrupted.loss_curve_).all()
    assert (weights(interrupted) != before).any()


@pytest.mark.parametrize(
    "whole",
    [
        StackedAutoencoder((3, 2), autoencoder=AUTOENCODERS[1], random_state=0),
        SelfTaughtClassifier(AUTOENCODERS[0], LinearClassifier()),
        MLPClassifier(pretraining=AUTOENCODERS[2]),
    ],
)
def test_ctrl_c_in_a_step_of_a_fit_ends_the_whole_fit(whole, monkeypatch):
    raise_on_call(monkeypatch, Minibatch, "epoch", 3)
    raise_on_call(monkeypatch, Objective, "__call__", 4)
    with pytest.raises(KeyboardInterrupt):
        whole.fit(X, Y)
    with pytest.raises(NotFittedError):
        check_is_fitted(whole)


@of_all
def test_after_ctrl_c_no_further_j_is_computed(estimator, monkeypatch):
    """It may take seconds."""
    if estimator.solver in ("adam", "sgd"):
        monkeypatch.setattr("striate.estimators.sparse_autoencoder._QUICK_OBJECTIVE", 0)
    calls, J = count(), Objective.__call__
    monkeypatch.setattr(Objective, "__call__", lambda *args: (next(calls), J(*args))[1])
    reached = []

    def stop():
        reached.append(next(calls))
        interrupt()

    with pytest.warns(UserWarning, match="interrupted by user"):
        clone(estimator).set_callbacks(Watcher(stop)).fit(X, Y)
    assert next(calls) == reached[0] + 1


@of_minibatches
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_epoch_in_several_calls_is_the_same(estimator, early_stopping, monkeypatch):
    """Ctrl-C takes effect between them."""
    settings = {"max_iter": 4, "batch_size": 7}
    if early_stopping and not isinstance(estimator, SparseAutoencoder):
        settings |= {"early_stopping": True}
    short = clone(estimator).set_params(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected = clone(short).fit(X, Y)
        monkeypatch.setattr("striate.solvers.minibatch.CALL_WORK", 10_000)
        found = short.fit(X, Y)
    np.testing.assert_array_equal(weights(found), weights(expected))
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-12)


def test_ctrl_c_takes_effect_within_an_epoch(monkeypatch):
    monkeypatch.setattr("striate.solvers.minibatch.CALL_WORK", 10_000)
    raise_on_call(monkeypatch, Minibatch, "_steps", 5)
    with pytest.raises(KeyboardInterrupt):
        MLPClassifier((4,), batch_size=7).fit(X, Y)


# --- early stopping, and what changes between fits -----------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_divergence_ends_early_stopping_at_once_and_names_the_rate(Estimator, solver):
    diverging = Estimator(
        hidden_layer_sizes=(4,), early_stopping=True, solver=solver, learning_rate_init=1e200,
        random_state=0,
    )  # fmt: skip
    epochs = Watcher(lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(ValueError, match=r"lower learning_rate_init \(now 1e\+200\)"):
            diverging.set_callbacks(epochs).fit(X, Y)
    assert epochs.n_iterations < 5


RULES = [
    {"solver": "adam"},
    {"solver": "sgd", "nesterovs_momentum": True},
    {"solver": "sgd", "nesterovs_momentum": False},
]


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("before", RULES)
@pytest.mark.parametrize("after", RULES)
def test_partial_fit_with_another_rule_starts_it_afresh(Estimator, before, after):
    first = {"classes": [0, 1, 2]} if Estimator is MLPClassifier else {}
    learner = Estimator(hidden_layer_sizes=(4,), learning_rate_init=0.1, random_state=0, **before)
    learner.partial_fit(X, Y, **first).set_params(learning_rate_init=0.2, **after)
    fresh = copy.deepcopy(learner)
    fresh._optimizer = {}
    same = weights(learner.partial_fit(X, Y)) == weights(fresh.partial_fit(X, Y))
    assert same.all() == (before != after)


def test_partial_fit_with_other_parameters_starts_the_rule_afresh():
    learner = SparseAutoencoder(3, solver="adam", random_state=0).partial_fit(X)
    learner.set_params(tied_weights=True).partial_fit(X).set_params(tied_weights=False)
    assert np.isfinite(weights(learner.partial_fit(X.astype(np.float32)))).all()


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_early_stopping_may_change_between_fits(Estimator):
    model = Estimator(hidden_layer_sizes=(4,), max_iter=3, warm_start=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for early_stopping in (True, False, True):
            model.set_params(early_stopping=early_stopping).fit(X, Y)
            assert (model.best_loss_ is None) == early_stopping
            assert (model.validation_scores_ is None) != early_stopping
    assert len(model.validation_scores_) == 3
    model.set_params(early_stopping=False).partial_fit(X, Y)
    assert len(model.loss_curve_) == 10


@pytest.mark.parametrize("seed", [8, 18, 42])
def test_weights_that_no_training_row_survives_are_not_kept(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60, 5))
    rows[rng.integers(60), rng.integers(5)] = 10.0 ** int(rng.integers(20, 308))
    mlp = MLPClassifier((4,), solver="sgd", early_stopping=True, max_iter=5, random_state=seed % 7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="non-finite"):
            mlp.fit(rows, np.arange(60) % 3)
