"""J and ∇J against the textbook and against numerical gradients, over blocks and threads."""

import itertools

import numpy as np
import pytest
import textbook
from all_pairs import all_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_team import limited_team
from scipy import sparse

from striate import check_gradient
from striate.core import objective
from striate.core.activations import HIDDEN_ACTIVATIONS
from striate.core.design_matrix import as_input
from striate.core.losses import LOSSES
from striate.core.network import Network
from striate.core.objective import BLOCK_ROWS, MAX_GROUPS, Objective
from striate.core.problem import Problem
from striate.native.threads import team

OUTPUTS = [(loss, output) for loss, each in LOSSES.items() for output in each.activations]
HIDDEN = ["logistic", *(name for name in HIDDEN_ACTIVATIONS if name != "logistic")]
#: Activations and losses with kinks, where numerical gradients are less exact.
KINKS = {"relu", "leaky_relu", "elu", "selu", "absolute_error", "huber"}
KINKS |= {"quantile", "increasing_quantiles"}
RHO = {"logistic": 0.1, "tanh": -0.5, "relu": 0.3}
NETWORKS = [
    (loss, output, hidden, depth)
    for (loss, output), hidden, depth in itertools.product(OUTPUTS, HIDDEN, range(4))
    if depth > 0 or hidden == HIDDEN[0]
]


def problem(loss, output, hidden, depth, m=23, dtype=np.float64, seed=0):
    """A small network with random θ, inputs, and targets that suit the loss."""
    rng = np.random.default_rng(seed)
    sizes = (5, *(6, 3, 4)[:depth], 3)
    network = Network(sizes, (*[hidden] * depth, output))
    theta = rng.normal(0, 0.7, network.n_parameters).astype(dtype)
    X = rng.normal(size=(m, sizes[0])).astype(dtype)
    if loss in ("log_loss", "focal_of_each"):
        Y = rng.integers(0, 2, (m, sizes[-1]))
    elif loss == "squared_hinge":
        Y = rng.choice([-1.0, 1.0], (m, sizes[-1]))
    elif loss == "poisson":
        Y = rng.poisson(1.5, (m, sizes[-1]))
    elif loss == "grouped_cross_entropy":
        Y = np.column_stack([np.eye(2)[rng.integers(0, 2, m)], np.ones(m)])
    elif loss in ("cross_entropy", "focal_of_distribution"):
        Y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], m)]
    else:
        Y = rng.uniform(0.1, 0.9, (m, sizes[-1]))
    return network, theta, X, Y.astype(dtype)


def penalties(hidden, depth):
    """None, each of W, and both where there are hidden units with a mean activation to ask for."""
    yield {}
    yield from ({name: 0.03} for name in textbook.OF_WEIGHTS)
    if depth > 0 and hidden in RHO:
        yield {"sparsity_target": RHO[hidden], "sparsity_weight": 0.7}
        yield {"weight_decay": 0.03, "sparsity_target": RHO[hidden], "sparsity_weight": 0.7}


def from_textbook(network, theta, loss, X, Y, sample_weight=None, **terms):
    names = {"sparsity_target": "rho", "sparsity_weight": "beta"}
    terms = {names.get(name, name): value for name, value in terms.items()}
    W, b = network.unpack(theta.astype(np.float64))
    value, grad_W, grad_b = textbook.objective(
        W,
        b,
        network.activations,
        loss,
        X,
        Y,
        w=sample_weight,
        loss_constants=textbook.constants_of(loss, network.sizes[-1]),
        **terms,
    )
    return value, network.pack(grad_W, grad_b)


def evaluate(network, theta, loss, X, Y, n_threads=1, **terms):
    with limited_team(n_threads) as run:
        return Objective(problem_of(network, loss, X, Y, **terms), run)(theta)


def problem_of(network, loss, X, Y, **terms):
    return Problem(
        network, loss, X, Y, loss_constants=textbook.constants_of(loss, network.sizes[-1]), **terms
    )


def assert_agree(got, expected, dtype):
    """float32 keeps 7 digits, of which sums of some hundred terms leave 5."""
    value_tol, gradient_tol = (1e-12, 1e-11) if dtype == np.float64 else (2e-6, 2e-5)
    assert isinstance(got[0], float)
    assert got[1].dtype == dtype
    assert got[0] == pytest.approx(expected[0], rel=value_tol, abs=value_tol)
    error = np.linalg.norm(got[1] - expected[1])
    assert error <= gradient_tol * max(np.linalg.norm(expected[1]), 0.1)


@pytest.mark.parametrize(
    ("loss", "output", "hidden", "depth", "dtype"),
    all_pairs((*row, dtype) for row in NETWORKS for dtype in (np.float64, np.float32)),
)
def test_equals_the_textbook(loss, output, hidden, depth, dtype):
    network, theta, X, Y = problem(loss, output, hidden, depth, dtype=dtype)
    weights = np.random.default_rng(1).uniform(0, 2, len(X)).astype(dtype)
    weights[3] = 0
    for terms in penalties(hidden, depth):
        for w in (None, weights):
            got = evaluate(network, theta, loss, X, Y, sample_weight=w, **terms)
            expected = from_textbook(network, theta, loss, X, Y, sample_weight=w, **terms)
            assert_agree(got, expected, dtype)


@pytest.mark.parametrize(("loss", "output", "hidden", "depth"), all_pairs(NETWORKS))
def test_gradient_is_the_numerical_one(loss, output, hidden, depth):
    network, theta, X, Y = problem(loss, output, hidden, depth)
    smooth = not KINKS & {hidden, output, loss}
    weights = np.random.default_rng(1).uniform(0, 2, len(X))
    for terms in penalties(hidden, depth):
        with team(1) as run:
            J = Objective(problem_of(network, loss, X, Y, sample_weight=weights, **terms), run)
            # ε² of 1e-10 from the curvature, 1e-16 / ε = 1e-11 from rounding.
            assert check_gradient(J, theta, epsilon=1e-5) < (1e-9 if smooth else 1e-7)


EDGES = (1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, 3 * BLOCK_ROWS - 1, 5000)
EDGES += (BLOCK_ROWS * MAX_GROUPS, BLOCK_ROWS * MAX_GROUPS + 1, 2 * BLOCK_ROWS * MAX_GROUPS + 1)


@pytest.mark.parametrize("sparsity_weight", [0.0, 0.7])
@pytest.mark.parametrize("m", EDGES)
def test_blocks_add_up_to_the_whole(m, sparsity_weight):
    """Also the mean activations, of which KL is no sum over blocks."""
    network, theta, X, Y = problem("squared_error", "identity", "logistic", 2, m=m)
    terms = {"weight_decay": 0.01, "sparsity_target": 0.1, "sparsity_weight": sparsity_weight}
    expected = from_textbook(network, theta, "squared_error", X, Y, **terms)
    for n_threads in (1, 2):
        got = evaluate(network, theta, "squared_error", X, Y, n_threads, **terms)
        assert_agree(got, expected, np.float64)


@given(m=st.integers(2, 1500), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_data_term_of_the_whole_is_the_mean_of_its_shards(m, share, seed):
    network, theta, X, Y = problem("cross_entropy", "softmax", "tanh", 1, m=m, seed=seed)
    n = min(max(int(share * m), 1), m - 1)
    left = evaluate(network, theta, "cross_entropy", X[:n], Y[:n])
    right = evaluate(network, theta, "cross_entropy", X[n:], Y[n:])
    whole = evaluate(network, theta, "cross_entropy", X, Y)
    assert n * left[0] + (m - n) * right[0] == pytest.approx(m * whole[0])
    np.testing.assert_allclose(
        n * left[1] + (m - n) * right[1], m * whole[1], rtol=1e-9, atol=1e-9 * m
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("m", [300, 1024, 9001])
def test_the_same_to_the_last_bit_for_any_number_of_threads(m, dtype):
    """Three threads on two cores also meet at the barrier while one of them does not run."""
    network, theta, X, Y = problem("squared_error", "logistic", "logistic", 2, m=m, dtype=dtype)
    terms = {"weight_decay": 0.01, "sparsity_target": 0.1, "sparsity_weight": 0.7}
    one = evaluate(network, theta, "squared_error", X, Y, 1, **terms)
    for n_threads in (2, 3, 5):
        value, gradient = evaluate(network, theta, "squared_error", X, Y, n_threads, **terms)
        assert value == one[0]
        assert gradient.tobytes() == one[1].tobytes()


def test_gradients_of_groups_that_wait_one_by_one_change_nothing(monkeypatch):
    network, theta, X, Y = problem("squared_error", "identity", "logistic", 2, m=5000)
    at_once = evaluate(network, theta, "squared_error", X, Y)
    monkeypatch.setattr(objective, "WAITING_BYTES", 1)
    for n_threads in (1, 2):
        value, gradient = evaluate(network, theta, "squared_error", X, Y, n_threads)
        assert value == at_once[0]
        assert gradient.tobytes() == at_once[1].tobytes()


def test_a_second_evaluation_does_not_remember_the_first():
    network, theta, X, Y = problem("squared_error", "identity", "logistic", 1, m=1100)
    with limited_team(2) as run:
        J = Objective(
            Problem(network, "squared_error", X, Y, sparsity_target=0.1, sparsity_weight=0.7), run
        )
        first = J(theta)
        J(theta + 1)
        again = J(theta)
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])


def test_mean_activation():
    network, theta, X, Y = problem("squared_error", "identity", "tanh", 1)
    weights = np.arange(len(X), dtype=float)
    with team(1) as run:
        terms = {"sparsity_target": 0.1, "sparsity_weight": 1.0}
        J = Objective(Problem(network, "squared_error", X, Y, weights, **terms), run)
        J(theta)
    W, b = network.unpack(theta)
    _, a = textbook.forward(W, b, network.activations, X)
    np.testing.assert_allclose(J.mean_activation, np.average(a[1], axis=0, weights=weights))


def test_duplicating_a_row_is_weighing_it_twice():
    network, theta, X, Y = problem("log_loss", "logistic", "relu", 2)
    weights = np.ones(len(X))
    weights[4] = 2
    terms = {"sparsity_target": 0.2, "sparsity_weight": 0.5}
    weighed = evaluate(network, theta, "log_loss", X, Y, sample_weight=weights, **terms)
    twice = np.r_[np.arange(len(X)), 4]
    duplicated = evaluate(network, theta, "log_loss", X[twice], Y[twice], **terms)
    assert_agree(weighed, duplicated, np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ["log_loss", "cross_entropy"])
def test_a_certain_and_wrong_output_has_a_finite_loss(loss, dtype):
    """The logarithm of 0 is taken at the machine's epsilon, as scikit-learn does."""
    output = {"log_loss": "logistic", "cross_entropy": "softmax"}[loss]
    network = Network((1, 2), (output,))
    theta = np.array([1000, -1000, 0, 0], dtype=dtype)
    X = np.ones((1, 1), dtype=dtype)
    right, wrong = (np.array([y], dtype=dtype) for y in ([1, 0], [0, 1]))
    assert evaluate(network, theta, loss, X, right)[0] == pytest.approx(0, abs=1e-6)
    value, gradient = evaluate(network, theta, loss, X, wrong)
    n_wrong = 2 if loss == "log_loss" else 1
    assert value == pytest.approx(-n_wrong * np.log(np.finfo(dtype).eps))
    np.testing.assert_allclose(gradient, [1, -1, 1, -1], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
def test_a_loss_that_is_not_a_number_shows(loss, output, dtype):
    """Else a training that diverged would seem to go on."""
    network, theta, X, Y = problem(loss, output, "logistic", 1, dtype=dtype)
    theta[-1] = np.nan
    assert np.isnan(evaluate(network, theta, loss, X, Y)[0])


@pytest.mark.parametrize("hidden", sorted(RHO))
def test_a_dead_or_saturated_unit_has_a_finite_penalty(hidden):
    network = Network((2, 2, 2), (hidden, "identity"))
    theta = np.zeros(network.n_parameters)
    network.unpack(theta)[1][0][:] = (-1e4, 1e4)
    X = np.ones((5, 2))
    value, gradient = evaluate(
        network, theta, "squared_error", X, X, sparsity_target=RHO[hidden], sparsity_weight=1.0
    )
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("m", [1, 600, 1100])
def test_sparse_rows_are_dense_rows(m, n_threads):
    network, theta, X, Y = problem("squared_error", "identity", "logistic", 2, m=m)
    X[np.random.default_rng(3).random(X.shape) < 0.7] = 0
    X[0] = 0
    terms = {"weight_decay": 0.01, "sparsity_target": 0.1, "sparsity_weight": 0.7}
    expected = evaluate(network, theta, "squared_error", X, Y, **terms)
    csr = as_input(sparse.csr_array(X))
    got = evaluate(network, theta, "squared_error", csr, Y, n_threads, **terms)
    assert_agree(got, expected, np.float64)


def test_sparse_rows_in_any_order_of_columns_and_in_parts():
    network, theta, X, Y = problem("squared_error", "identity", "logistic", 1)
    X[X < 0] = 0
    expected = evaluate(network, theta, "squared_error", X, Y)
    columns = np.tile(np.arange(X.shape[1])[::-1], 2 * len(X))
    halves = np.hstack([X[:, ::-1] / 2, X[:, ::-1] / 2]).ravel()
    at = np.arange(len(X) + 1) * 2 * X.shape[1]
    csr = sparse.csr_array((halves, columns, at), shape=X.shape)
    assert_agree(evaluate(network, theta, "squared_error", as_input(csr), Y), expected, np.float64)
