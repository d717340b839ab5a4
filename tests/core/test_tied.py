"""Tied weights, and what autoencoders are given: sparse targets, noise, rows that are not kept."""

from itertools import pairwise, product

import numpy as np
import pytest
import textbook
from all_pairs import all_pairs
from limited_team import limited_team
from scipy import sparse

from striate import check_gradient
from striate.core import objective
from striate.core.design_matrix import as_input, with_noise
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.threads import team
from striate.solvers.minibatch import Minibatch
from striate.solvers.update_rules import SGD

TERMS = {"weight_decay": 0.01, "sparsity_target": 0.1, "sparsity_weight": 0.7}
RNG = np.random.default_rng(0)
X = RNG.random((60, 9)) * (RNG.random((60, 9)) < 0.4)
KINDS = {"dense": as_input(X), "sparse": as_input(sparse.csr_matrix(X))}


def network_and_theta(sizes=(9, 5, 9), tied=True):
    network = Network(sizes, ("logistic",) * (len(sizes) - 2) + ("tanh",), tied)
    return network, np.random.default_rng(1).normal(0, 0.5, network.n_parameters)


def evaluate(network, theta, X, Y, n_threads=1, **terms):
    with limited_team(n_threads) as run:
        return Objective(Problem(network, "squared_error", X, Y, **terms), run)(theta)


@pytest.mark.parametrize("sizes", [(9, 5, 9), (9, 6, 4, 6, 9)])
def test_tied_weights_are_one_matrix(sizes):
    network, theta = network_and_theta(sizes)
    W, b = network.unpack(theta)
    assert [w.shape for w in W] == list(pairwise(sizes))
    for w, mirror in zip(W, W[::-1], strict=True):
        np.testing.assert_array_equal(w, mirror.T)
    assert network.n_parameters == network.n_weights + sum(sizes[1:])
    np.testing.assert_array_equal(network.pack(W, b), theta)
    value, grad_W, grad_b = textbook.objective(
        W, b, network.activations, "squared_error", X, X, rho=0.1, beta=0.7
    )
    half = len(W) // 2
    both = [own + other.T for own, other in zip(grad_W[:half], grad_W[::-1], strict=False)]
    penalties = {"sparsity_target": 0.1, "sparsity_weight": 0.7}
    got = evaluate(network, theta, KINDS["dense"], KINDS["dense"], **penalties)
    assert got[0] == pytest.approx(value, rel=1e-12)
    expected = np.concatenate([np.ravel(part) for part in (*both, *grad_b)])
    np.testing.assert_allclose(got[1], expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("sizes", [(9, 5, 8), (9, 5), (9, 4, 5, 9)])
def test_only_a_mirror_can_be_tied(sizes):
    with pytest.raises(ValueError, match="cannot be tied: they do not mirror"):
        Network(sizes, ("logistic",) * (len(sizes) - 1), tied=True)


@pytest.mark.parametrize(
    ("tied", "kind", "noise"),
    [
        *all_pairs(
            (tied, kind, noise)
            for tied, kind, noise in product((False, True), KINDS, (None, *NOISE))
            if kind == "dense" or noise is None
        ),
        *(
            pytest.param(tied, "sparse", noise, marks=pytest.mark.long)  # compiled anew
            for tied, noise in product((False, True), NOISE)
        ),
    ],
)
def test_every_kind_of_input_has_the_numerical_gradient(tied, kind, noise):
    """Sparse as dense; kept or computed twice; and one batch of all rows takes the same step."""
    network, theta = network_and_theta(tied=tied)
    Y = inputs = KINDS[kind]
    dense = KINDS["dense"]
    if noise is not None:
        inputs, dense = (with_noise(each, NOISE[noise], 0.3, 5) for each in (Y, dense))
    problem = Problem(network, "squared_error", inputs, Y, **TERMS)
    with team(1) as run:
        J = Objective(problem, run)
        value, gradient = J(theta)
        assert check_gradient(J, theta, epsilon=1e-5) < 1e-9
    same = evaluate(network, theta, dense, KINDS["dense"], **TERMS)
    assert value == pytest.approx(same[0], rel=1e-14)
    np.testing.assert_allclose(gradient, same[1], rtol=1e-10, atol=1e-14)

    at, rate = theta.copy(), 1e-3
    with team(1) as run:
        batches = Minibatch(problem, run, at, batch_size=60, rule=SGD())
        terms = batches.epoch(np.arange(60), rate)
    assert sum(terms.values()) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose((theta - at) / rate, gradient, atol=1e-11)


@pytest.mark.parametrize("noise", [None, "masking"])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_rows_that_are_not_kept_change_nothing(n_threads, noise, monkeypatch):
    """Also where only some of the rows of a group find room."""
    rows = np.random.default_rng(2).random((3000, 9))
    network, theta = network_and_theta()
    Y = inputs = as_input(rows)
    if noise is not None:
        inputs = with_noise(Y, NOISE[noise], 0.3, 5)
    kept = evaluate(network, theta, inputs, Y, **TERMS)
    for n_bytes in (0, 700 * 5 * 8, 2999 * 5 * 8):
        monkeypatch.setattr(objective, "KEPT_BYTES", n_bytes)
        value, gradient = evaluate(network, theta, inputs, Y, n_threads, **TERMS)
        assert value == kept[0]
        assert gradient.tobytes() == kept[1].tobytes()
