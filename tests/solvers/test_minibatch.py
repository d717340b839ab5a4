"""The update rules of the minibatch solvers, step by step beside the textbook's."""

from itertools import product

import numpy as np
import pytest
import textbook
from all_pairs import all_pairs
from limited_team import limited_team
from rule_steps import ETA, RULES, STEPS
from scipy import sparse

from striate.core.design_matrix import as_input
from striate.core.network import Network
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.minibatch import Minibatch
from striate.solvers.update_rules import RULES as KNOWN_RULES

ACTIVATIONS = ("logistic", "tanh", "identity")


def problem(m=53, dtype=np.float64, sizes=(5, 7, 3, 2)):
    rng = np.random.default_rng(0)
    network = Network(sizes, ACTIVATIONS)
    theta = rng.normal(0, 0.5, network.n_parameters).astype(dtype)
    X = rng.normal(size=(m, sizes[0])).astype(dtype)
    Y = rng.normal(size=(m, sizes[-1])).astype(dtype)
    w = rng.uniform(0.1, 2, m).astype(dtype)
    return network, theta, X, Y, w


def textbook_epochs(
    rule, network, theta, X, Y, orders, batch_size, w,
    decay_over_n=0.0, sparsity_target=0.05, sparsity_weight=0.0, weight_decay=0.0, **of_weights,
):  # fmt: skip
    """θ, and J of each epoch: the mean over its rows of their batch's J."""
    memory, t, rho_hat, values = {}, 0, None, []
    for order in orders:
        total = 0.0
        for begin in range(0, len(order), batch_size):
            rows = order[begin : begin + batch_size]
            t += 1
            W, b = network.unpack(theta)
            ridge = weight_decay + decay_over_n / w[rows].sum()
            terms = {"weight_decay": ridge, **of_weights}
            if sparsity_weight:
                _, a = textbook.forward(W, b, network.activations, X[rows])
                mean = np.average(a[1], axis=0, weights=w[rows])
                rho_hat = mean if rho_hat is None else 0.9 * rho_hat + 0.1 * mean
                terms |= {"rho": sparsity_target, "beta": sparsity_weight, "rho_hat": rho_hat}
            value, grad_W, grad_b = textbook.objective(
                W, b, network.activations, "squared_error", X[rows], Y[rows], w=w[rows], **terms
            )
            theta = STEPS[rule](theta, network.pack(grad_W, grad_b), 0, memory, t)
            total += len(rows) * value
        values.append(total / len(order))
    return theta, values


def epochs(
    rule, network, theta, X, Y, orders, batch_size, w, n_threads=1, learning_rate=ETA, **terms
):
    theta = theta.copy()
    with limited_team(n_threads) as run:
        data = Problem(network, "squared_error", X, Y, sample_weight=w, **terms)
        batches = Minibatch(data, run, theta, batch_size=batch_size, rule=RULES[rule])
        values = [sum(batches.epoch(order, learning_rate).values()) for order in orders]
    return theta, values


def orders_of(m, n=3):
    rng = np.random.default_rng(1)
    return [rng.permutation(m) for _ in range(n)]


TERMS = [
    {},
    *({name: 0.02} for name in textbook.OF_WEIGHTS),
    {"decay_over_n": 0.3},
    {"sparsity_target": 0.1, "sparsity_weight": 0.5},
    {"weight_decay": 0.02, "decay_over_n": 0.3, "sparsity_target": 0.1, "sparsity_weight": 0.5},
]
DTYPES = (np.float64, np.float32)


def test_every_rule_is_tested():
    assert {type(rule) for rule in RULES.values()} == set(KNOWN_RULES)
    assert RULES.keys() == STEPS.keys()


@pytest.mark.parametrize(("rule", "dtype", "terms"), all_pairs(product(RULES, DTYPES, TERMS)))
def test_steps_are_the_textbook_s(rule, dtype, terms):
    """53 rows in batches of 16: the last batch of an epoch has 5."""
    network, theta, X, Y, w = problem(dtype=dtype)
    orders = orders_of(len(X))
    expected, expected_values = textbook_epochs(
        rule, network, theta.astype(float), X, Y, orders, 16, w.astype(float), **terms
    )
    got, values = epochs(rule, network, theta, X, Y, orders, 16, w, **terms)
    rtol = 1e-10 if dtype == np.float64 else 2e-4
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(values, expected_values, rtol=rtol)


@pytest.mark.parametrize("batch_size", [1, 95, 96, 191, 192, 193, 400, 500, 10_000])
def test_any_size_of_batch(batch_size):
    """Around the tiles of rows, and beyond the number of rows."""
    network, theta, X, Y, w = problem(m=450)
    orders = orders_of(len(X), 1)
    size = min(batch_size, 450)
    expected, _ = textbook_epochs("adam", network, theta, X, Y, orders, size, w)
    got, _ = epochs("adam", network, theta, X, Y, orders, batch_size, w)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_weights_of_one_are_no_weights():
    network, theta, X, Y, _ = problem()
    orders = orders_of(len(X))
    one = epochs("adam", network, theta, X, Y, orders, 16, np.ones(len(X)))
    none = epochs("adam", network, theta, X, Y, orders, 16, None)
    np.testing.assert_array_equal(one[0], none[0])


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_without_weight_is_no_step(rule):
    network, theta, X, Y, w = problem(m=48)
    w[16:32] = 0
    order = np.arange(48)
    both_ends = np.r_[0:16, 32:48]
    for n_epochs in (1, 3):
        got, _ = epochs(rule, network, theta, X, Y, [order] * n_epochs, 16, w)
        expected, _ = textbook_epochs(rule, network, theta, X, Y, [both_ends] * n_epochs, 16, w)
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("rule", "terms", "dtype"), all_pairs(product(RULES, TERMS[::4], DTYPES)))
def test_the_same_to_the_last_bit_for_any_number_of_threads(rule, terms, dtype):
    """Layers of several tiles, and batches worth more than one thread."""
    network, theta, X, Y, w = problem(m=900, dtype=dtype, sizes=(150, 60, 20, 150))
    theta *= dtype(0.2)
    orders = orders_of(len(X), 2)
    settings = (rule, network, theta, X, Y, orders, 400, w)
    assert 400 * network.n_weights > 2_000_000  # else one thread does it all
    one, values = epochs(*settings, 1, 0.001, **terms)
    assert np.isfinite(one).all()
    for n_threads in (2, 3):
        more, more_values = epochs(*settings, n_threads, 0.001, **terms)
        assert more.tobytes() == one.tobytes()
        assert more_values == values


def test_the_state_goes_on_in_another():
    network, theta, X, Y, w = problem()
    orders = orders_of(len(X), 4)
    at_once, _ = epochs("adam", network, theta, X, Y, orders, 16, w)
    theta, state = theta.copy(), {}
    for part in (orders[:2], orders[2:]):
        with team(1) as run:
            data = Problem(network, "squared_error", X, Y, sample_weight=w)
            batches = Minibatch(data, run, theta, batch_size=16, rule=RULES["adam"])
            batches.resume(state)
            for order in part:
                batches.epoch(order, ETA)
            state = batches.state
    np.testing.assert_array_equal(theta, at_once)


@pytest.mark.parametrize("rule", RULES)
def test_sparse_rows_are_dense_rows(rule):
    network, theta, X, Y, w = problem(m=60)
    X[np.random.default_rng(3).random(X.shape) < 0.7] = 0
    X[7] = 0
    orders = orders_of(len(X))
    dense, _ = epochs(rule, network, theta, X, Y, orders, 16, w, weight_decay=0.01)
    csr = as_input(sparse.csr_array(X))
    same, _ = epochs(rule, network, theta, csr, Y, orders, 16, w, weight_decay=0.01)
    np.testing.assert_allclose(same, dense, rtol=1e-10, atol=1e-12)
