"""Restarts: several trainings from different initial weights, of which the best is kept."""

import copy
import threading
import warnings

import numpy as np
import pytest
from same_bits import flat
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from striate import MLPClassifier, MLPRegressor, SparseAutoencoder
from striate.estimators import training
from striate.native.threads import team
from striate.solvers.minibatch import Minibatch

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ESTIMATORS = [
    MLPClassifier((4,), max_iter=6, random_state=0),
    MLPClassifier((4,), max_iter=6, random_state=0, early_stopping=True),
    MLPClassifier((4,), solver="sgd", max_iter=6, random_state=0),
    MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=6, random_state=0),
    MLPRegressor(hidden_layer_sizes=(4,), solver="gd", max_iter=6, random_state=0),
    SparseAutoencoder(3, max_iter=6, random_state=0),
    SparseAutoencoder(3, solver="adam", noise=0.1, max_iter=6, random_state=0),
]
of_all = pytest.mark.parametrize("estimator", ESTIMATORS)


def with_(estimator, **settings):
    return clone(estimator).set_params(**settings)


def quality(estimator):
    score = getattr(estimator, "best_validation_score_", None)
    return -estimator.loss_ if score is None else score


def attributes(estimator, but=("n_restarts",)):
    return {name: each for name, each in flat(estimator).items() if name not in but}


@pytest.fixture
def trained(monkeypatch):
    """The trainings of each fit, with their results."""
    seen, run_all = [], training.run_all

    def remembered(run_one, trainings, **options):
        seen.append(trainings)
        return run_all(run_one, trainings, **options)

    monkeypatch.setattr(training, "run_all", remembered)
    return seen


@of_all
def test_the_first_of_the_best_is_kept(estimator, trained):
    several, alone = with_(estimator, n_restarts=4).fit(X, Y), clone(estimator).fit(X, Y)
    first, *others = trained[0]
    assert len(others) == 3
    np.testing.assert_array_equal(first.result.theta, trained[1][0].result.theta)
    qualities = [each.quality for each in trained[0]]
    assert len({each.result.value for each in trained[0]}) == 4
    assert quality(several) == max(qualities)
    assert qualities[0] == quality(alone)


@of_all
def test_a_fit_whose_first_training_is_the_best_is_that_without_restarts(estimator, monkeypatch):
    monkeypatch.setattr("striate.estimators.restarts.max", lambda trainings, key: trainings[0],
                        raising=False)  # fmt: skip
    several, alone = with_(estimator, n_restarts=3).fit(X, Y), clone(estimator).fit(X, Y)
    assert attributes(several) == attributes(alone)


@of_all
def test_results_are_the_same_on_any_number_of_threads(estimator):
    fitted = []
    for n_threads in (1, 2, 5):
        with threadpool_limits(n_threads, user_api="blas"):
            fitted.append(attributes(with_(estimator, n_restarts=3).fit(X, Y)))
    assert fitted[0] == fitted[1] == fitted[2]


@of_all
def test_large_trainings_run_in_turn_with_the_same_results(estimator, monkeypatch):
    expected = attributes(with_(estimator, n_restarts=3).fit(X, Y))
    monkeypatch.setattr(training, "SMALL_OBJECTIVE", 0)
    monkeypatch.setattr(training, "SMALL_BATCH", 0)
    with threadpool_limits(2, user_api="blas"):
        assert attributes(with_(estimator, n_restarts=3).fit(X, Y)) == expected


def test_small_trainings_run_side_by_side_on_one_thread_each(monkeypatch):
    met, n_threads = threading.Barrier(3), []
    epoch = Minibatch.epoch

    def meeting(self, *arguments):
        met.wait(20)  # breaks unless three trainings are under way
        n_threads.append(self._run.n_threads)
        return epoch(self, *arguments)

    monkeypatch.setattr(Minibatch, "epoch", meeting)
    with threadpool_limits(3, user_api="blas"):
        with_(ESTIMATORS[0], n_restarts=3).fit(X, Y)
    assert set(n_threads) == {1}


def test_no_threads_are_started_while_another_fit_computes(monkeypatch):
    threads = set()
    epoch = Minibatch.epoch

    def noted(self, *arguments):
        threads.add(threading.current_thread())
        return epoch(self, *arguments)

    monkeypatch.setattr(Minibatch, "epoch", noted)
    with threadpool_limits(3, user_api="blas"), team(1):
        with_(ESTIMATORS[0], n_restarts=3).fit(X, Y)
    assert threads == {threading.current_thread()}


def test_validation_rows_are_those_of_the_first_training(trained):
    with_(ESTIMATORS[1], n_restarts=3).fit(X, Y)
    best = trained[0][0].solver.stopping.best
    assert all(len(each.solver.stopping.validation.scores) == 6 for each in trained[0])
    assert best in trained[0][0].solver.stopping.validation.scores


@of_all
def test_a_training_that_diverges_is_not_kept(estimator, monkeypatch):
    expected = with_(estimator, n_restarts=2)
    for Solver in (training.Epochs, training.LBFGS, training.GradientDescent):
        solve = Solver.minimize

        def diverging(self, problem, theta, run, progress, solve=solve):
            result = solve(self, problem, theta, run, progress)
            first = progress.losses is fitted.loss_curve_
            return training.diverged(theta, np.inf, 1, "") if first else result

        monkeypatch.setattr(Solver, "minimize", diverging)
    fitted = expected
    fitted.fit(X, Y)
    assert np.isfinite(fitted.loss_)


def test_if_all_diverge_the_fit_fails():
    diverging = MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", learning_rate_init=1e30, n_restarts=3, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(ValueError, match="non-finite"):
            diverging.fit(X, Y)
    assert not hasattr(diverging, "coefs_")


def test_an_error_in_a_training_is_raised(monkeypatch):
    epoch = Minibatch.epoch

    def failing(self, *arguments):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("as expected")
        return epoch(self, *arguments)

    monkeypatch.setattr(Minibatch, "epoch", failing)
    network = with_(ESTIMATORS[0], n_restarts=3)
    with threadpool_limits(3, user_api="blas"), pytest.raises(RuntimeError, match="as expected"):
        network.fit(X, Y)
    assert not hasattr(network, "coefs_")


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("estimator", [ESTIMATORS[0], ESTIMATORS[6]])
def test_ctrl_c_keeps_the_best_so_far(estimator, n_threads, monkeypatch):
    """It reaches the main thread only, which waits for the others."""
    calls, epoch = [], Minibatch.epoch

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    def counted(self, *arguments):
        calls.append(1)
        if n_threads == 1 and len(calls) == 9:
            interrupt()
        return epoch(self, *arguments)

    monkeypatch.setattr(Minibatch, "epoch", counted)
    if n_threads > 1:
        monkeypatch.setattr(
            "striate.estimators.restarts.wait",
            lambda *a, **k: (_until(lambda: len(calls) > 30), interrupt()),
        )
    network = with_(estimator, n_restarts=3, max_iter=100_000, tol=0)
    if hasattr(network, "n_iter_no_change"):
        network.set_params(n_iter_no_change=np.inf)
    if n_threads == 1:
        network.set_params(max_iter=6)
    expected = pytest.warns(UserWarning, match="interrupted by user")
    with threadpool_limits(n_threads, user_api="blas"), expected as caught:
        network.fit(X, Y)
    assert [each.filename for each in caught] == [__file__]
    assert 0 < network.n_iter_ == len(network.loss_curve_)
    assert np.isfinite(network.loss_)


def _until(condition):
    done = threading.Event()
    while not condition():
        done.wait(0.01)


def test_one_warning_about_convergence_where_fit_is_called():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        with_(ESTIMATORS[0], n_restarts=3, tol=0).fit(X, Y)
    assert [each.filename for each in caught] == [__file__]


def test_callbacks_see_each_training(capsys):
    monitor = ScoringMonitor(scoring="accuracy")
    network = with_(ESTIMATORS[0], n_restarts=2).set_callbacks(ProgressBar(), monitor)
    network.fit(X, Y)
    log = monitor.get_logs(select="most_recent")
    assert "MLPClassifier" in capsys.readouterr().out
    assert len(log.data) == 2 * 6


def test_warm_start_and_partial_fit_do_not_restart(trained):
    network = with_(ESTIMATORS[0], n_restarts=3, warm_start=True).fit(X, Y)
    expected = copy.deepcopy(network).set_params(n_restarts=1)
    assert attributes(network.fit(X, Y)) == attributes(expected.fit(X, Y))
    network.partial_fit(X, Y)
    assert [len(each) for each in trained] == [3, 1, 1, 1]


def test_the_callers_random_state_is_used_as_without_restarts_where_the_first_is_best():
    """Seeds come from a copy, so that they do not change what is drawn later."""
    states = [np.random.RandomState(0), np.random.RandomState(0)]
    before = with_(ESTIMATORS[3]).set_params(random_state=states[0]).fit(X, Y)
    after = with_(ESTIMATORS[3], n_restarts=2).set_params(random_state=states[1]).fit(X, Y)
    assert before.loss_ >= after.loss_
    assert states[0].randint(10**9) == states[1].randint(10**9)


@pytest.mark.parametrize("n_restarts", [0, 1.5, "two"])
def test_the_number_is_checked(n_restarts):
    with pytest.raises(ValueError, match="n_restarts"):
        with_(ESTIMATORS[0], n_restarts=n_restarts).fit(X, Y)
