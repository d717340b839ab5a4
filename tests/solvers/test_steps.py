"""What belongs to the steps of every update rule: dropout, decay, clipping, averages, rates."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from limited_team import limited_team
from scipy import sparse

from striate.core.activations import HIDDEN_ACTIVATIONS
from striate.core.design_matrix import as_input, with_noise
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.problem import Problem
from striate.estimators.progress import Progress
from striate.estimators.stopping import LossPlateau
from striate.estimators.training import Epochs
from striate.native.threads import team
from striate.solvers.minibatch import Minibatch, Steps
from striate.solvers.schedules import OfShare, four_cycles
from striate.solvers.update_rules import SGD, Adam, Nesterov

M = 12


def problem(activations=("tanh", "silu"), dtype=np.float64, sizes=(4, 6, 5, 2), m=M, **settings):
    rng = np.random.default_rng(0)
    network = Network(sizes, (*activations, "identity"))
    X = rng.normal(size=(m, sizes[0])).astype(dtype)
    Y = rng.normal(size=(m, sizes[-1])).astype(dtype)
    settings = {"weight_decay": 0.01, "seed": 3} | settings
    theta = rng.normal(0, 0.7, network.n_parameters).astype(dtype)
    return Problem(network, "squared_error", as_input(X), Y, **settings), theta


def steps_of(given, theta, rates, n_threads=1, rule=None, batch_size=M, **steps):
    """θ after one epoch at each of some learning rates, and J of each epoch."""
    theta, thetas, values = theta.copy(), [], []
    order = np.arange(given.n_rows)
    with limited_team(n_threads) as run:
        batches = Minibatch(
            given, run, theta, batch_size=batch_size, rule=rule or SGD(), steps=Steps(**steps)
        )
        for rate in rates:
            values.append(sum(batches.epoch(order, rate).values()))
            thetas.append(theta.copy())
    return thetas, values, batches


def gradient_of(given, theta):
    (after,), _, _ = steps_of(given, theta, [1.0])
    return theta - after


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_gradient_with_dropout_is_the_numerical_one(activation):
    given, theta = problem((activation, activation), dropout=(0.4, 0.25))
    gradient, epsilon = gradient_of(given, theta), 1e-6
    for k in np.random.default_rng(1).permutation(theta.size)[:25]:
        shift = np.zeros_like(theta)
        shift[k] = epsilon
        (_, (above,), _), (_, (below,), _) = (
            steps_of(given, theta + sign * shift, [0.0]) for sign in (1, -1)
        )
        assert gradient[k] == pytest.approx((above - below) / (2 * epsilon), abs=1e-7)


def test_a_unit_is_dropped_in_its_share_of_rows_and_the_mean_stays():
    """With W = 0 and b = 1 all units are alike; the outputs are their mean."""
    level, m, n = 0.3, 4000, 50
    given, theta = problem(("identity",), sizes=(1, n, 1), m=m, dropout=(level,), weight_decay=0)
    network = given.network
    (W, V), (b, c) = network.unpack(theta)
    W[:], V[:], b[:], c[:] = 0, 1 / n, 1, 0
    given = Problem(network, "squared_error", given.X, np.zeros((m, 1)), dropout=(level,))
    _, (value,), _ = steps_of(given, theta, [0.0], batch_size=m)
    # J = ½ E[mean²] = ½ (1 + variance / n), the variance of (0 or 1 / (1 − p)).
    expected = (1 + level / (1 - level) / n) / 2
    assert value == pytest.approx(expected, rel=4 * np.sqrt(level / n / m))


def test_dropout_differs_between_epochs_rows_and_layers():
    given, theta = problem(dropout=(0.5, 0.5))
    _, values, _ = steps_of(given, theta, [0.0, 0.0, 0.0])
    assert len(set(values)) == 3
    only_first, only_second = (problem(dropout=levels)[0] for levels in ((0.5, 0), (0, 0.5)))
    assert steps_of(only_first, theta, [0.0])[1] != steps_of(only_second, theta, [0.0])[1]


def test_layers_drop_their_units_independently():
    """With all a = 1 and W₂ = I the mean output is E[d₁ d₂]: 1, and 1 / (1 − p) if d₁ = d₂."""
    n, levels = 50, (0.5, 0.5)
    given, theta = problem(("identity",) * 2, sizes=(1, n, n, 1), m=2000, weight_decay=0)
    (W, V, U), (b, c, d) = given.network.unpack(theta)
    W[:], V[:], U[:], b[:], c[:], d[:] = 0, np.eye(n), 1 / n, 1, 0, 0
    given = Problem(
        given.network, "squared_error", given.X, np.zeros((2000, 1)), dropout=levels, seed=3
    )
    _, (value,), _ = steps_of(given, theta, [0.0], batch_size=2000)
    assert value == pytest.approx(0.5 * (1 + 3 / n), rel=0.03)  # Var(d₁ d₂) = 1 / 0.5² − 1


@pytest.mark.parametrize(
    "kind",
    [np.asarray, pytest.param(sparse.csr_array, marks=pytest.mark.long)],  # compiled anew
)
def test_dropout_of_inputs_scales_what_is_left(kind):
    X = np.random.default_rng(0).uniform(1, 2, (500, 40))
    noisy = with_noise(as_input(kind(X)), NOISE["dropout"], 0.25, 1)
    network = Network((40, 40), ("identity",))
    theta = network.pack([np.eye(40)], [np.zeros(40)])
    given = Problem(network, "squared_error", noisy, X)
    _, (value,), _ = steps_of(given, theta, [0.0], batch_size=500)
    # ½ Σ (x̃ − x)² with x̃ = x / 0.75 in 3 of 4 cases, else 0: ½ Σ x² (0.25 + 0.75 / 9).
    assert value == pytest.approx((X**2).sum() / 500 / 2 / 3, rel=0.03)


def test_weight_decay_is_taken_off_the_weights_alone():
    given, theta = problem()
    (plain,), _, _ = steps_of(given, theta, [0.1])
    (decayed,), _, _ = steps_of(given, theta, [0.1], weight_decay=0.5)
    n = given.network.n_weights
    np.testing.assert_allclose(plain[:n] - decayed[:n], 0.05 * theta[:n], atol=1e-15)
    np.testing.assert_array_equal(plain[n:], decayed[n:])


def test_weight_decay_of_adam_is_that_of_adamw():
    """AdamW as Loshchilov and Hutter write it, with the rate as the schedule multiplier."""
    given, theta = problem(weight_decay=0.0)
    got, _, _ = steps_of(given, theta, [0.01] * 3, rule=Adam(), weight_decay=0.2)
    m = v = np.zeros_like(theta)
    n, expected = given.network.n_weights, theta.copy()
    for t in range(1, 4):
        g = gradient_of(given, expected)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        decay = np.zeros_like(theta)
        decay[:n] = 0.2 * expected[:n]
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        expected = expected - 0.01 * (m_hat / (np.sqrt(v_hat) + 1e-8) + decay)
        np.testing.assert_allclose(got[t - 1], expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("limit", [1e-3, 0.5, 1e6])
def test_the_norm_of_a_gradient_is_limited(limit):
    given, theta = problem()
    gradient = gradient_of(given, theta)
    (after,), _, _ = steps_of(given, theta, [1.0], max_norm=limit)
    norm = np.linalg.norm(gradient)
    np.testing.assert_allclose(theta - after, gradient * min(1, limit / norm), atol=1e-14)


def test_the_average_counts_the_first_steps_alike_and_then_forgets():
    given, theta = problem()
    thetas, _, batches = steps_of(given, theta, [0.1] * 30, averaging=0.9)
    expected = np.zeros_like(theta)
    for t, each in enumerate(thetas, 1):
        kept = min(0.9, (t - 1) / t)
        expected = kept * expected + (1 - kept) * each
    np.testing.assert_allclose(batches.solution, expected, atol=1e-14)
    np.testing.assert_array_equal(batches.theta, thetas[-1])


def test_no_average_without_a_step():
    given, theta = problem()
    assert steps_of(given, theta, [], averaging=0.9)[2].solution is not None
    np.testing.assert_array_equal(steps_of(given, theta, [], averaging=0.9)[2].solution, theta)


def test_rates_by_step_and_group():
    given, theta = problem()
    rates = np.zeros((2, 6))
    rates[1, 3] = 1.0  # b of the second layer, in the second step
    (after,), _, _ = steps_of(given, theta, [rates], batch_size=M // 2)
    changed = np.flatnonzero(after != theta)
    b_at = int(given.network.layers["b_at"][1])
    np.testing.assert_array_equal(changed, np.arange(b_at, b_at + 5))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_of_it_is_the_same_for_any_number_of_threads(dtype):
    given, theta = problem(
        ("relu", "gelu"), dtype, sizes=(60, 150, 90, 3), m=600, dropout=(0.3, 0.3)
    )
    settings = {"max_norm": 0.1, "averaging": 0.9, "weight_decay": 0.01}
    results = [
        steps_of(given, theta, [0.01] * 2, k, Nesterov(), batch_size=300, **settings)
        for k in (1, 2)
    ]
    for (one, one_values, one_batches), (two, two_values, two_batches) in [results]:
        np.testing.assert_array_equal(one[-1], two[-1])
        np.testing.assert_array_equal(one_batches.solution, two_batches.solution)
        assert one_values == two_values


def test_going_on_is_the_same_as_not_stopping():
    given, theta = problem(dropout=(0.3, 0.3))
    settings = {"rule": Adam(), "max_norm": 1.0, "averaging": 0.9}
    through = steps_of(given, theta, [0.05] * 6, **settings)[2]
    first = steps_of(given, theta, [0.05] * 3, **settings)[2]
    with team(1) as run:
        later = Minibatch(
            given, run, first.solution.copy(), batch_size=M, rule=Adam(), steps=Steps(0, 1.0, 0.9)
        )
        assert later.resume(first.state)
        for _ in range(3):
            later.epoch(np.arange(M), 0.05)
        np.testing.assert_array_equal(later.solution, through.solution)
        np.testing.assert_array_equal(later.theta, through.theta)


def test_decay_of_each_group_is_its_own():
    given, theta = problem(weight_decay=0.0)
    decays = np.array([0.5, 0.0, 0.0, 0.25, 0.0, 0.0])
    (plain,), _, _ = steps_of(given, theta, [0.1])
    (decayed,), _, _ = steps_of(given, theta, [0.1], weight_decay=decays)
    W, b = given.network.unpack(decayed - plain)
    start_W, start_b = given.network.unpack(theta)
    np.testing.assert_allclose(W[0], -0.1 * 0.5 * start_W[0], rtol=1e-12)
    np.testing.assert_allclose(b[1], -0.1 * 0.25 * start_b[1], rtol=1e-12)
    for rest in (*W[1:], b[0], b[2]):
        np.testing.assert_allclose(rest, 0, atol=1e-15)
    (of_weights,), _, _ = steps_of(given, theta, [0.1], weight_decay=0.5)
    (each,), _, _ = steps_of(given, theta, [0.1], weight_decay=[0.5, 0, 0.5, 0, 0.5, 0])
    np.testing.assert_array_equal(of_weights, each)


def test_some_rows_are_trained_on_as_if_there_were_no_others():
    given, theta = problem(weight_decay=0.0)
    rows = np.array([1, 2, 5, 7, 8, 10, 11])
    alone = replace(given, X=given.X[rows], Y=given.Y[rows])
    results = []
    for each, some in ((given, rows), (alone, None)):
        solver = Epochs(
            rule=Adam(),
            batch_size=3,
            max_iter=4,
            schedule=OfShare(0.01, four_cycles, 4),
            stopping=LossPlateau(0.0, np.inf, best=np.inf),
            random_state=np.random.RandomState(0),
            rows=some,
        )
        progress = Progress(SimpleNamespace(verbose=False), [], {}, lambda theta: {})
        with team(1) as run:
            results.append(solver.minimize(each, theta.copy(), run, progress))
        assert len(progress.losses) == 4
    np.testing.assert_array_equal(results[0].theta, results[1].theta)
    assert results[0].value == results[1].value


def test_four_cycles_begin_and_end_at_zero_and_reach_one_four_times():
    factors = np.array([four_cycles(share) for share in np.linspace(0, 1, 30_001)])
    peaks = np.flatnonzero((factors[1:-1] > factors[:-2]) & (factors[1:-1] >= factors[2:]))
    assert len(peaks) == 4
    assert (np.diff(peaks) > 0).all()
    assert (np.diff(peaks, 2) > 0).all()  # each cycle is longer
    np.testing.assert_allclose(factors[peaks + 1], 1, atol=1e-6)
    np.testing.assert_allclose([factors[0], factors[-1]], 0, atol=1e-12)
