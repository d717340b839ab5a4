"""Minima of J with an L1 term: where every solver ends, and scikit-learn's own.

At a minimum |∂J/∂w| ≤ μ where w = 0, and ∂J/∂w = −μ sign(w) elsewhere, for J without the term.
"""

import masked
import numpy as np
import pytest
from rule_steps import RULES
from sklearn.datasets import load_iris, make_regression
from sklearn.linear_model import Lasso, LogisticRegression

from striate.core.network import Network
from striate.core.objective import Objective
from striate.core.penalties import shrink
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.gradient_descent import gradient_descent
from striate.solvers.lbfgs import lbfgs
from striate.solvers.minibatch import Minibatch


def assert_minimum(J, theta, mu, n_weights, tol):
    _, gradient = J(theta)
    w, by_w = theta[:n_weights], gradient[:n_weights]
    zero = w == 0
    assert 0 < zero.sum() < n_weights
    assert np.abs(by_w[zero]).max() <= mu + tol
    np.testing.assert_allclose(by_w[~zero], -mu * np.sign(w[~zero]), atol=tol)
    np.testing.assert_allclose(gradient[n_weights:], 0, atol=tol)


@pytest.fixture(scope="module")
def regression():
    X, Y = make_regression(80, 9, n_informative=4, n_targets=2, noise=5.0, random_state=0)
    return X, Y / 100


@pytest.mark.parametrize("solver", ["lbfgs", "gd", *RULES])
def test_every_solver_ends_at_the_minimum(solver, regression):
    """Momentum, too, which would take the term for 1 − μ times as heavy if it forgot the step."""
    X, Y = regression
    mu, network = 0.2, Network((9, 2), ("identity",))
    start = np.zeros(network.n_parameters)
    with team(1) as run:
        problem = Problem(network, "squared_error", X, Y, weight_decay=0.05, l1_weight=mu)
        J = Objective(problem, run)
        l1 = (mu, network.n_weights)
        if solver == "lbfgs":
            theta = lbfgs(J, start, max_iter=500, ftol=0, gtol=1e-9, l1=l1).theta
        elif solver == "gd":
            settings = {"learning_rate": 0.3, "max_iter": 2000, "tol": 0}
            theta = gradient_descent(J, start, l1=l1, **settings).theta
        else:
            theta = start.copy()
            batches = Minibatch(problem, run, theta, batch_size=80, rule=RULES[solver])
            for epoch in range(3000):
                batches.epoch(np.arange(80), 0.1 * 0.98 ** max(0, epoch - 2000))
        assert_minimum(J, theta, mu, network.n_weights, 1e-6)


@pytest.mark.parametrize("kind", [*masked.KINDS])
def test_lbfgs_with_hidden_layers(kind):
    network = masked.connected_network(kind, density=0.7)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 9))
    Y = np.tanh(X @ rng.normal(size=(9, network.sizes[-1])))
    theta = network.initial_theta(np.random.RandomState(0))
    values, mu = [], 0.01
    with team(1) as run:
        J = Objective(Problem(network, "squared_error", X, Y, weight_decay=1e-3, l1_weight=mu), run)

        def seen(theta, value):
            assert value == pytest.approx(J(theta)[0], rel=1e-12)
            values.append(value)

        solution = lbfgs(
            J, theta, max_iter=3000, ftol=0, gtol=1e-8, l1=(mu, network.n_weights), callback=seen
        )
        assert_minimum(J, solution.theta, mu, network.n_weights, 1e-6)
        assert solution.value == J(solution.theta)[0] == values[-1]


def test_what_lbfgs_reports_is_j_wherever_it_stops():
    """On the way W⁺ and W⁻ may both be above 0, and their sum above |W|."""
    network = masked.connected_network("all")
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(40, 9)), rng.normal(size=(40, 3))
    theta = network.initial_theta(np.random.RandomState(0))
    with team(1) as run:
        J = Objective(Problem(network, "squared_error", X, Y, l1_weight=0.1), run)
        for max_iter in range(1, 8):
            values = []
            solution = lbfgs(
                J, theta, max_iter=max_iter, ftol=0, l1=(0.1, network.n_weights),
                callback=lambda _, value, values=values: values.append(value),
            )  # fmt: skip
            assert solution.value == pytest.approx(J(solution.theta)[0], rel=1e-13)
            assert values[-1] == pytest.approx(solution.value, rel=1e-13)


@pytest.mark.parametrize("solver", [lbfgs, gradient_descent])
def test_no_l1_term_is_none(solver, regression):
    """To the last bit."""
    X, Y = regression
    network = Network((9, 2), ("identity",))
    settings = {"max_iter": 30}
    settings |= {"ftol": 0} if solver is lbfgs else {"tol": 0, "learning_rate": 0.1}
    with team(1) as run:
        J = Objective(Problem(network, "squared_error", X, Y), run)
        with_none = Objective(Problem(network, "squared_error", X, Y, l1_weight=0.0), run)
        start = np.ones(network.n_parameters)
        one = solver(J, start, **settings)
        other = solver(with_none, start, l1=(0.0, network.n_weights), **settings)
    assert one.theta.tobytes() == other.theta.tobytes()
    assert one.value == other.value


def test_lasso_is_scikit_learn_s(regression):
    """1/2m ‖y − X w − b‖² + μ ‖w‖₁ in both."""
    X, Y = regression
    y, network = Y[:, :1], Network((9, 1), ("identity",))
    with team(1) as run:
        J = Objective(Problem(network, "squared_error", X, y, l1_weight=0.1), run)
        solution = lbfgs(J, np.zeros(10), max_iter=500, ftol=0, gtol=1e-10, l1=(0.1, 9))
    expected = Lasso(alpha=0.1, tol=1e-12, max_iter=10_000).fit(X, y.ravel())
    np.testing.assert_allclose(solution.theta[:9], expected.coef_, atol=1e-8)
    np.testing.assert_array_equal(solution.theta[:9] == 0, expected.coef_ == 0)
    assert solution.theta[9] == pytest.approx(expected.intercept_, abs=1e-8)


def test_logistic_regression_is_scikit_learn_s():
    """Mean loss and μ ‖W‖₁ here, C times the sum of losses and ‖W‖₁ there: μ = 1 / (C m)."""
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    network, mu = Network((4, 3), ("softmax",)), 0.02
    with team(1) as run:
        J = Objective(Problem(network, "cross_entropy", X, np.eye(3)[y], l1_weight=mu), run)
        solution = lbfgs(J, np.zeros(15), max_iter=3000, ftol=0, gtol=1e-9, l1=(mu, 12))
    settings = {"solver": "saga", "C": 1 / (mu * len(X)), "tol": 1e-9, "max_iter": 20_000}
    expected = LogisticRegression(l1_ratio=1, random_state=0, **settings).fit(X, y)
    W = solution.theta[:12].reshape(4, 3)
    np.testing.assert_allclose(W.T, expected.coef_, atol=1e-4)
    np.testing.assert_array_equal(W.T == 0, expected.coef_ == 0)


def test_shrinking():
    for dtype in (np.float32, np.float64):
        w = np.array([-3, -1, -0.5, 0, 0.2, 1, 4], dtype=dtype)
        shrink(w, 1.0)
        np.testing.assert_array_equal(w, [-2, 0, 0, 0, 0, 0, 3])
        assert w.dtype == dtype
