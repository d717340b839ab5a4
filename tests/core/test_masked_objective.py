"""J and ∇J of networks whose units see few inputs: those of a dense W with zeros."""

from itertools import pairwise, product

import masked
import numpy as np
import pytest
from all_pairs import all_pairs
from limited_team import limited_team
from scipy import sparse

from striate import check_gradient
from striate.core import objective
from striate.core.design_matrix import as_input, with_noise
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.objective import BLOCK_ROWS, Objective
from striate.core.problem import Problem
from striate.native.threads import team

TERMS = {
    "plain": {},
    "all": {
        "weight_decay": 0.03,
        "l1_weight": 0.02,
        "sparsity_target": 0.1,
        "sparsity_weight": 0.7,
    },
}


def problem(kind, m=41, dtype=np.float64, sizes=masked.SIZES):
    network = masked.connected_network(kind, sizes)
    rng = np.random.default_rng(0)
    theta = rng.normal(0, 0.6, network.n_parameters).astype(dtype)
    X = rng.normal(size=(m, network.sizes[0])) * (rng.random((m, network.sizes[0])) < 0.6)
    Y = rng.uniform(-1, 1, (m, network.sizes[-1]))
    w = rng.uniform(0.1, 2, m)
    return network, theta, X.astype(dtype), Y.astype(dtype), w.astype(dtype)


def evaluate(network, theta, X, Y, w=None, n_threads=1, **terms):
    with limited_team(n_threads) as run:
        J = Objective(Problem(network, "squared_error", X, Y, sample_weight=w, **terms), run)
        value, gradient = J(theta)
    assert value == pytest.approx(sum(J.terms.values()), rel=1e-14)
    return value, gradient


def from_textbook(network, theta, X, Y, w, **terms):
    names = {"sparsity_target": "rho", "sparsity_weight": "beta"}
    terms = {names.get(name, name): value for name, value in terms.items()}
    return masked.objective(network, theta, "squared_error", X, Y, w=w, **terms)


@pytest.mark.parametrize(("kind", "terms"), all_pairs(product(masked.KINDS, TERMS)))
@pytest.mark.parametrize(
    "dtype",
    [np.float64, pytest.param(np.float32, marks=pytest.mark.long)],  # compiled anew
)
def test_it_is_that_of_a_masked_dense_network(kind, terms, dtype):
    terms = TERMS[terms]
    for m in (1, 15, 16, 17, 129, BLOCK_ROWS + 1, 2 * BLOCK_ROWS + 300):
        network, theta, X, Y, w = problem(kind, m, dtype)
        expected = from_textbook(network, theta, X, Y, w, **terms)
        kinds = [X, sparse.csr_array(X)] if dtype == np.float64 else [X]  # each is compiled anew
        for given in kinds:
            value, gradient = evaluate(network, theta, as_input(given), Y, w, **terms)
            tolerance = 1e-11 if dtype == np.float64 else 2e-5
            assert gradient.dtype == dtype
            assert value == pytest.approx(expected[0], rel=tolerance)
            error = np.linalg.norm(gradient - expected[1])
            assert error < tolerance * np.linalg.norm(expected[1])


NOISY = [pytest.param("dense", noise, marks=pytest.mark.long) for noise in NOISE]  # compiled anew


@pytest.mark.parametrize(("rows", "noise"), [("dense", None), ("sparse", None), *NOISY])
@pytest.mark.parametrize("kind", masked.KINDS)
def test_gradient_is_the_numerical_one(kind, rows, noise):
    network, theta, X, Y, w = problem(kind)
    X = as_input(sparse.csr_array(X) if rows == "sparse" else X)
    if noise is not None:
        X = with_noise(X, NOISE[noise], 0.3, 5)
    terms = TERMS["all"] | {"l1_weight": 0}
    with team(1) as run:
        J = Objective(Problem(network, "squared_error", X, Y, sample_weight=w, **terms), run)
        assert check_gradient(J, theta, epsilon=1e-5) < 1e-9


@pytest.mark.parametrize("loss", ["cross_entropy", "log_loss", "poisson"])
@pytest.mark.parametrize("hidden", ["relu", "tanh"])
def test_gradient_with_other_losses(hidden, loss):
    output = {"cross_entropy": "softmax", "log_loss": "logistic", "poisson": "exp"}[loss]
    network = masked.connected_network("all", activations=(hidden, hidden, output))
    _, theta, X, _, w = problem("all")
    Y = np.eye(3)[np.random.default_rng(1).integers(3, size=len(X))]
    with team(1) as run:
        J = Objective(Problem(network, loss, X, Y, sample_weight=w, weight_decay=0.1), run)
        assert check_gradient(J, theta, epsilon=1e-5) < 1e-7


def test_the_derivative_of_the_l1_term_is_left_to_solvers():
    network, theta, X, Y, _ = problem("all")
    without = evaluate(network, theta, X, Y)
    value, gradient = evaluate(network, theta, X, Y, l1_weight=0.3)
    assert value == pytest.approx(without[0] + 0.3 * np.abs(theta[: network.n_weights]).sum())
    assert gradient.tobytes() == without[1].tobytes()
    none = evaluate(network, theta, X, Y, l1_weight=0)
    assert (none[0], none[1].tobytes()) == (without[0], without[1].tobytes())


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
@pytest.mark.parametrize("kind", masked.KINDS)
def test_the_same_to_the_last_bit_for_any_number_of_threads(kind, terms):
    network, theta, X, Y, w = problem(kind, 3 * BLOCK_ROWS + 100)
    one = evaluate(network, theta, X, Y, w, 1, **terms)
    for n_threads in (2, 3):
        value, gradient = evaluate(network, theta, X, Y, w, n_threads, **terms)
        assert value == one[0]
        assert gradient.tobytes() == one[1].tobytes()


def test_rows_that_are_not_kept_change_nothing(monkeypatch):
    network, theta, X, Y, w = problem("first", 3 * BLOCK_ROWS)
    kept = evaluate(network, theta, X, Y, w, **TERMS["all"])
    for n_bytes in (0, 700 * 7 * 8):
        monkeypatch.setattr(objective, "KEPT_BYTES", n_bytes)
        value, gradient = evaluate(network, theta, X, Y, w, **TERMS["all"])
        assert value == kept[0]
        assert gradient.tobytes() == kept[1].tobytes()


def test_all_connections_are_a_dense_layer():
    dense = Network(masked.SIZES, masked.ACTIVATIONS)
    full = [sparse.csc_array(np.ones(shape)) for shape in pairwise(masked.SIZES)]
    network = Network(masked.SIZES, masked.ACTIVATIONS, patterns=full)
    _, theta, X, Y, w = problem("all")
    theta = np.random.default_rng(2).normal(size=network.n_parameters)
    W, b = network.unpack(theta)
    same = dense.pack([each.toarray() for each in W], b)
    value, gradient = evaluate(network, theta, X, Y, w, **TERMS["all"])
    expected = evaluate(dense, same, X, Y, w, **TERMS["all"])
    assert value == pytest.approx(expected[0], rel=1e-13)
    grad_W, grad_b = network.unpack(gradient)
    again = dense.pack([each.toarray() for each in grad_W], grad_b)
    np.testing.assert_allclose(again, expected[1], rtol=1e-11, atol=1e-14)


def test_units_that_see_nothing():
    """What `sparsify` leaves where all weights of a unit, or of a layer, are 0."""
    for C in (sparse.csc_array((9, 7)), sparse.csc_array(([1.0], ([3], [5])), shape=(9, 7))):
        connections = [C, None, sparse.csc_array((5, 3))]
        network = Network(masked.SIZES, masked.ACTIVATIONS, patterns=connections)
        rng = np.random.default_rng(3)
        theta = rng.normal(size=network.n_parameters)
        _, _, X, Y, w = problem("all")
        value, gradient = evaluate(network, theta, X, Y, w, **TERMS["all"])
        expected = from_textbook(network, theta, X, Y, w, **TERMS["all"])
        assert value == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-13)
