"""Batches through sparse networks, and L1 terms: the steps of a dense W with zeros, by NumPy."""

from itertools import pairwise, product

import masked
import numpy as np
import pytest
from all_pairs import all_pairs
from limited_team import limited_team
from rule_steps import ETA, RULES, STEPS
from scipy import sparse

from striate.core.design_matrix import as_input, with_noise
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.minibatch import Minibatch

PENALTIES = {"weight_decay": 0.02, "sparsity_target": 0.1, "sparsity_weight": 0.5}


def problem(kind, m=53, dtype=np.float64, sizes=masked.SIZES):
    if kind == "dense":
        network = Network(sizes, masked.ACTIVATIONS)
    else:
        network = masked.connected_network(kind, sizes)
    rng = np.random.default_rng(0)
    theta = rng.normal(0, 0.5, network.n_parameters).astype(dtype)
    X = rng.normal(size=(m, network.sizes[0])).astype(dtype)
    Y = rng.normal(size=(m, network.sizes[-1])).astype(dtype)
    return network, theta, X, Y, rng.uniform(0.1, 2, m).astype(dtype)


def textbook_epochs(
    rule, network, theta, X, Y, orders, batch_size, w,
    l1_weight=0.0, weight_decay=0.0, sparsity_target=0.05, sparsity_weight=0.0,
):  # fmt: skip
    """θ, and J of each epoch: the mean over its rows of their batch's J."""
    kappa = l1_weight * (np.arange(theta.size) < network.n_weights)
    memory, t, rho_hat, values = {}, 0, None, []
    for order in orders:
        total = 0.0
        for begin in range(0, len(order), batch_size):
            rows = order[begin : begin + batch_size]
            t += 1
            terms = {}
            if sparsity_weight:
                W, b = masked.weights(network, theta)
                a = masked.textbook.forward(W, b, network.activations, X[rows])[1][1]
                mean = np.average(a, axis=0, weights=w[rows])
                rho_hat = mean if rho_hat is None else 0.9 * rho_hat + 0.1 * mean
                terms = {"rho": sparsity_target, "beta": sparsity_weight, "rho_hat": rho_hat}
            value, g = masked.objective(
                network, theta, "squared_error", X[rows], Y[rows], w=w[rows],
                weight_decay=weight_decay, l1_weight=l1_weight, **terms,
            )  # fmt: skip
            theta = STEPS[rule](theta, g, kappa, memory, t)
            total += len(rows) * value
        values.append(total / len(order))
    return theta, values


def epochs(rule, network, theta, X, Y, orders, batch_size, w, n_threads=1, rate=ETA, **terms):
    theta = theta.copy()
    with limited_team(n_threads) as run:
        data = Problem(network, "squared_error", X, Y, sample_weight=w, **terms)
        batches = Minibatch(data, run, theta, batch_size=batch_size, rule=RULES[rule])
        values = [sum(batches.epoch(order, rate).values()) for order in orders]
    return theta, values


def orders_of(m, n=3):
    rng = np.random.default_rng(1)
    return [rng.permutation(m) for _ in range(n)]


@pytest.mark.parametrize(
    ("rule", "kind", "l1_weight"), all_pairs(product(RULES, ("dense", *masked.KINDS), (0.0, 0.4)))
)
def test_steps_are_the_textbook_s(rule, kind, l1_weight):
    """53 rows in batches of 16: the last batch of an epoch has 5."""
    network, theta, X, Y, w = problem(kind)
    orders = orders_of(len(X))
    for terms in ({"l1_weight": l1_weight}, {"l1_weight": l1_weight, **PENALTIES}):
        given = (rule, network, theta, X, Y, orders, 16, w)
        expected, expected_values = textbook_epochs(*given, **terms)
        got, values = epochs(*given, **terms)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(values, expected_values, rtol=1e-10)
        n_zeros = np.sum(got == 0)
        assert n_zeros == np.sum(expected == 0)
        assert n_zeros > 3 or l1_weight == 0


@pytest.mark.long  # compiled anew
@pytest.mark.parametrize("kind", ["all", "tied"])
@pytest.mark.parametrize("rule", RULES)
def test_steps_in_float32(rule, kind):
    network, theta, X, Y, w = problem(kind, dtype=np.float32)
    orders = orders_of(len(X))
    given = (rule, network, theta, X, Y, orders, 16, w)
    expected, expected_values = textbook_epochs(*given, **PENALTIES)
    got, values = epochs(*given, **PENALTIES)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(values, expected_values, rtol=2e-4)


@pytest.mark.parametrize("batch_size", [1, 16, 17, 128, 129, 192, 300, 10_000])
def test_any_size_of_batch(batch_size):
    network, theta, X, Y, w = problem("all", m=450)
    orders = orders_of(len(X), 1)
    size = min(batch_size, 450)
    expected, _ = textbook_epochs("adam", network, theta, X, Y, orders, size, w)
    got, _ = epochs("adam", network, theta, X, Y, orders, batch_size, w)
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", ["first", "all", "tied"])
def test_sparse_rows_are_dense_rows(kind):
    network, theta, X, Y, w = problem(kind, m=60)
    X[np.random.default_rng(3).random(X.shape) < 0.7] = 0
    X[7] = 0
    orders = orders_of(len(X))
    dense, _ = epochs("adam", network, theta, X, Y, orders, 16, w, **PENALTIES)
    csr = as_input(sparse.csr_array(X))
    same, _ = epochs("adam", network, theta, csr, Y, orders, 16, w, **PENALTIES)
    np.testing.assert_allclose(same, dense, rtol=1e-10, atol=1e-12)


@pytest.mark.long  # compiled anew
def test_noisy_rows_are_those_of_the_objective():
    """Of a layer with all connections, so that the objective can be that of a dense network."""
    dense, _, X, Y, w = problem("dense", m=60)
    full = [sparse.csc_array(np.ones(shape)) for shape in pairwise(dense.sizes)]
    network = Network(dense.sizes, dense.activations, patterns=full)
    theta = np.random.default_rng(4).normal(0, 0.5, network.n_parameters)
    noisy, order = with_noise(X, NOISE["masking"], 0.3, 5), np.random.default_rng(5).permutation(60)
    got, _ = epochs("sgd", network, theta, noisy, Y, [order], 60, w, rate=1e-3)
    W, b = network.unpack(theta)
    same = dense.pack([each.toarray() for each in W], b)
    with team(1) as run:
        J = Objective(Problem(dense, "squared_error", noisy, Y, sample_weight=w), run)
        grad_W, grad_b = dense.unpack(J(same)[1])
    gradient = np.concatenate([each.T.ravel() for each in grad_W] + grad_b)  # unit after unit
    np.testing.assert_allclose((theta - got) / 1e-3, gradient, atol=1e-11)


@pytest.mark.parametrize(
    ("rule", "kind", "dtype"),
    [
        *all_pairs(product(RULES, ("first", "all", "tied"), (np.float64,))),
        *(
            pytest.param("adam", kind, np.float32, marks=pytest.mark.long)
            for kind in ("all", "tied")
        ),
    ],
)
def test_the_same_to_the_last_bit_for_any_number_of_threads(rule, kind, dtype):
    """Layers of several tiles, and batches worth more than one thread."""
    network, theta, X, Y, w = problem(kind, m=700, dtype=dtype, sizes=(150, 60, 50, 150))
    theta *= dtype(0.2)
    orders = orders_of(len(X), 2)
    settings = (rule, network, theta, X, Y, orders, 500, w)
    assert 500 * network.n_weights > 2_000_000  # else one thread does it all
    terms = PENALTIES | {"l1_weight": 0.001}
    one, values = epochs(*settings, 1, 0.001, **terms)
    assert np.isfinite(one).all()
    for n_threads in (2, 3):
        more, more_values = epochs(*settings, n_threads, 0.001, **terms)
        assert more.tobytes() == one.tobytes()
        assert more_values == values


@pytest.mark.parametrize("kind", ["dense", "all"])
@pytest.mark.parametrize("rule", RULES)
def test_no_l1_term_is_none(rule, kind):
    """To the last bit what is computed without it."""
    network, theta, X, Y, w = problem(kind)
    given = (rule, network, theta, X, Y, orders_of(len(X)), 16, w)
    got, values = epochs(*given, weight_decay=0.1, l1_weight=0.0)
    expected, expected_values = epochs(*given, weight_decay=0.1)
    assert got.tobytes() == expected.tobytes()
    assert values == expected_values
