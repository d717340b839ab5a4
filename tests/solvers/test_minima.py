"""Every solver on one table of known minima, and what solvers report."""

import numpy as np
import pytest
import scipy.optimize
from rule_steps import RULES
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.gradient_descent import gradient_descent
from striate.solvers.lbfgs import lbfgs
from striate.solvers.minibatch import Minibatch
from striate.solvers.result import Status

SCALES = np.array([1.0, 3.0, 10.0])
CENTER = np.array([2.0, -1.0, 0.5])


def quadratic(theta):
    """½ Σ s (θ - c)², whose minimum 0 is at c."""
    step = theta - CENTER.astype(theta.dtype)
    scales = SCALES.astype(theta.dtype)
    return float(scales @ step**2) / 2, scales * step


def rosenbrock(theta):
    """The bent valley, with its minimum 0 at (1, …, 1)."""
    return scipy.optimize.rosen(theta), scipy.optimize.rosen_der(theta)


SOLVERS = {
    "lbfgs": lambda fun, theta: lbfgs(fun, theta, max_iter=500, ftol=1e-15),
    "gd": lambda fun, theta: gradient_descent(
        fun, theta, learning_rate=0.15, max_iter=500, tol=1e-15
    ),
}


@pytest.mark.parametrize("solver", SOLVERS)
def test_quadratic(solver):
    solution = SOLVERS[solver](quadratic, np.zeros(3))
    np.testing.assert_allclose(solution.theta, CENTER, atol=1e-5)
    assert solution.value == pytest.approx(0, abs=1e-9)
    assert solution.status is Status.CONVERGED
    assert 1 <= solution.n_iter < 500


@pytest.mark.parametrize("n", [2, 10])
def test_rosenbrock(n):
    solution = lbfgs(rosenbrock, np.zeros(n), max_iter=1000, ftol=1e-15)
    np.testing.assert_allclose(solution.theta, 1, atol=1e-5)
    assert solution.status is Status.CONVERGED


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32(solver):
    seen = set()

    def fun(theta):
        value, gradient = quadratic(theta.astype(np.float32))
        seen.add(gradient.dtype)
        return value, gradient

    solution = SOLVERS[solver](fun, np.zeros(3, dtype=np.float32))
    assert solution.theta.dtype == np.float32
    assert seen == {np.dtype(np.float32)}
    np.testing.assert_allclose(solution.theta, CENTER, atol=1e-3)


STEPS = {
    "lbfgs": lambda **terms: lbfgs(rosenbrock, np.zeros(4), ftol=0, **terms),
    "gd": lambda **terms: gradient_descent(
        rosenbrock, np.zeros(4), learning_rate=1e-4, tol=0, **terms
    ),
}


@pytest.mark.parametrize("solver", STEPS)
def test_limit_of_iterations(solver):
    values = []
    solution = STEPS[solver](max_iter=7, callback=lambda _, value: values.append(value))
    assert solution.n_iter == len(values) == 7
    assert solution.status is Status.LIMIT
    assert values == sorted(values, reverse=True)
    assert solution.value == values[-1]
    assert solution.value == rosenbrock(solution.theta)[0]


@pytest.mark.parametrize("solver", STEPS)
def test_a_callback_ends_it(solver):
    thetas = []

    def stop(theta, value):
        thetas.append(theta.copy())
        return len(thetas) == 3

    solution = STEPS[solver](max_iter=100, callback=stop)
    assert solution.n_iter == 3
    assert solution.status is Status.CALLBACK
    np.testing.assert_array_equal(solution.theta, thetas[-1])


@pytest.mark.parametrize("solver", STEPS)
def test_the_start_is_not_changed(solver):
    start = np.zeros(4)
    lbfgs(rosenbrock, start, max_iter=3, ftol=0)
    gradient_descent(rosenbrock, start, learning_rate=1e-4, max_iter=3, tol=0)
    np.testing.assert_array_equal(start, 0)


def test_gradient_descent_that_diverges():
    with np.errstate(over="ignore", invalid="ignore"):
        solution = gradient_descent(quadratic, np.zeros(3), learning_rate=1.0, max_iter=5000, tol=0)
    assert solution.status is Status.DIVERGED
    assert "Lower learning_rate (now 1)" in solution.message


def test_gradient_descent_does_not_take_a_rise_for_convergence():
    """J swings up and down where α is a little too long."""
    solution = gradient_descent(quadratic, np.zeros(3), learning_rate=0.21, max_iter=5, tol=1e-9)
    assert solution.status is Status.LIMIT


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_lbfgs_on_what_is_not_finite():
    solution = lbfgs(lambda theta: (np.nan, theta), np.ones(2), max_iter=5, ftol=0)
    assert solution.status is Status.DIVERGED
    assert "diverged" in solution.message


def iris():
    X, y = load_iris(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def minimum(network, loss, X, Y, weight_decay):
    with team() as run:
        J = Objective(Problem(network, loss, X, Y, weight_decay=weight_decay), run)
        solution = lbfgs(J, np.zeros(network.n_parameters), max_iter=2000, ftol=1e-15)
    return solution, *network.unpack(solution.theta)


def test_softmax_regression_is_that_of_scikit_learn():
    """λ = 1 / (C m)."""
    X, y = iris()
    C = 0.7
    network = Network((4, 3), ("softmax",))
    _, (W,), _ = minimum(network, "cross_entropy", X, np.eye(3)[y], 1 / (C * len(X)))
    expected = LogisticRegression(C=C, tol=1e-10, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(W.T, expected.coef_, atol=1e-4)


def test_logistic_regression_is_that_of_scikit_learn():
    X, y = iris()
    y = y == 2
    network = Network((4, 1), ("logistic",))
    _, (W,), (b,) = minimum(network, "log_loss", X, y[:, None].astype(float), 1 / len(X))
    expected = LogisticRegression(C=1, tol=1e-10, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(W.T, expected.coef_, atol=1e-4)
    np.testing.assert_allclose(b, expected.intercept_, atol=1e-4)


def test_linear_regression_is_the_ridge_of_scikit_learn():
    X, _ = iris()
    X, Y = X[:, :2], X[:, 2:]
    network = Network((2, 2), ("identity",))
    solution, (W,), (b,) = minimum(network, "squared_error", X, Y, 0.3)
    expected = Ridge(alpha=0.3 * len(X), tol=1e-12).fit(X, Y)
    np.testing.assert_allclose(W.T, expected.coef_, atol=1e-6)
    np.testing.assert_allclose(b, expected.intercept_, atol=1e-6)
    residuals = expected.predict(X) - Y
    value = (residuals**2).sum() / 2 / len(X) + 0.15 * (expected.coef_**2).sum()
    assert solution.value == pytest.approx(value)


@pytest.mark.parametrize("name", RULES)
def test_minibatches_come_near_the_minimum(name):
    rule = RULES[name]
    learning_rate = {"sgd": 1.0, "momentum": 0.2, "nesterov": 0.2}.get(name, 0.1)  # over 1 − μ: 1
    X, y = iris()
    network = Network((4, 3), ("softmax",))
    best, _, _ = minimum(network, "cross_entropy", X, np.eye(3)[y], 0.01)
    rng = np.random.default_rng(0)
    theta = np.zeros(network.n_parameters)
    with team(1) as run:
        problem = Problem(network, "cross_entropy", X, np.eye(3)[y], weight_decay=0.01)
        batches = Minibatch(problem, run, theta, batch_size=32, rule=rule)
        for _ in range(150):
            batches.epoch(rng.permutation(len(X)), learning_rate)
            learning_rate *= 0.97
        value, _ = Objective(problem, run)(theta)
    assert value == pytest.approx(best.value, rel=0.01)
