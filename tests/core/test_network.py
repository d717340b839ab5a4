"""θ as one vector, the first weights, and one layer's output."""

import itertools

import numpy as np
import pytest
import textbook
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from striate.core import inference
from striate.core.inference import PREDICTED_ROWS, NotFiniteError, layer_output
from striate.core.network import Network

SIZES = st.lists(st.integers(1, 9), min_size=2, max_size=6)


def network_of(sizes):
    return Network(sizes, ["logistic"] * (len(sizes) - 1))


@given(sizes=SIZES, seed=st.integers(0, 1000))
def test_unpack_and_pack_are_inverse(sizes, seed):
    network = network_of(sizes)
    theta = np.random.default_rng(seed).normal(size=network.n_parameters)
    W, b = network.unpack(theta)
    assert [w.shape for w in W] == list(itertools.pairwise(sizes))
    assert [v.shape for v in b] == [(n,) for n in sizes[1:]]
    np.testing.assert_array_equal(network.pack(W, b), theta)


@given(sizes=SIZES)
def test_every_parameter_has_one_place(sizes):
    network = network_of(sizes)
    theta = np.arange(network.n_parameters)
    W, b = network.unpack(theta)
    assert all(np.shares_memory(part, theta) for part in (*W, *b))
    places = np.concatenate([part.ravel() for part in (*W, *b)])
    assert sorted(places) == list(range(network.n_parameters))
    weights = np.concatenate([w.ravel() for w in W])
    assert weights.max() == network.n_weights - 1  # the ridge is over the first slice


@pytest.mark.parametrize(
    ("initialization", "terms", "numerator", "plus"),
    [
        ("uniform", {}, 6, 1),
        ("glorot", {"activations": ["tanh", "tanh"]}, 6, 0),
        ("glorot", {"activations": ["logistic", "logistic"]}, 2, 0),
    ],
)
def test_initial_weights(initialization, terms, numerator, plus):
    network = Network((60, 50, 40), ("logistic", "identity"))
    theta = network.initial_theta(np.random.RandomState(0), initialization, **terms)
    for w, v in zip(*network.unpack(theta), strict=True):
        bound = np.sqrt(numerator / (sum(w.shape) + plus))
        assert 0.99 * bound < np.abs(w).max() < bound
        assert w.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
        if initialization == "glorot":
            assert 0.8 * bound < np.abs(v).max() < bound
        else:
            np.testing.assert_array_equal(v, 0)


def test_initial_weights_of_the_lecture():
    network = Network((60, 50, 40), ("logistic", "identity"))
    W, b = network.unpack(network.initial_theta(np.random.RandomState(0), "normal"))
    assert np.concatenate([w.ravel() for w in W]).std() == pytest.approx(0.01, rel=0.05)
    assert not any(v.any() for v in b)


def test_initial_weights_of_float32_are_those_of_float64_rounded():
    network = Network((6, 5, 4), ("logistic", "identity"))
    double = network.initial_theta(np.random.RandomState(0))
    single = network.initial_theta(np.random.RandomState(0), dtype=np.float32)
    np.testing.assert_array_equal(single, double.astype(np.float32))


@pytest.mark.parametrize("activation", sorted(textbook.f))
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-13), (np.float32, 2e-6)])
def test_layer_output(activation, dtype, tol):
    rng = np.random.default_rng(0)
    for m in (1, 7, PREDICTED_ROWS, PREDICTED_ROWS + 1, 3 * PREDICTED_ROWS - 1):
        X, W, b = (rng.normal(size=shape).astype(dtype) for shape in ((m, 5), (5, 4), 4))
        got = layer_output(X, W, b, activation)
        expected = textbook.f[activation](X.astype(float) @ W + b)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=10 * tol, atol=tol)


def test_layer_output_of_any_memory_layout():
    rng = np.random.default_rng(0)
    X, W, b = rng.normal(size=(40, 6)), rng.normal(size=(3, 6)).T, rng.normal(size=3)
    expected = layer_output(X.copy(), W.copy(), b, "tanh")
    frozen = X.copy()
    frozen.flags.writeable = False
    wide = np.zeros((40, 12))
    wide[:, ::2] = X
    for same in (np.asfortranarray(X), frozen, wide[:, ::2], X[::-1].copy()[::-1]):
        np.testing.assert_array_equal(layer_output(same, W, b, "tanh"), expected)


def test_layer_output_in_several_calls_is_that_in_one(monkeypatch):
    """Between calls, Ctrl-C is seen."""
    rng = np.random.default_rng(0)
    X, W, b = rng.normal(size=(7 * PREDICTED_ROWS + 3, 40)), rng.normal(size=(40, 30)), np.ones(30)
    expected = layer_output(X, W, b, "tanh")
    monkeypatch.setattr(inference, "CALL_WORK", 2 * PREDICTED_ROWS * W.size)
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            assert layer_output(X, W, b, "tanh").tobytes() == expected.tobytes()
    X[PREDICTED_ROWS] = np.nan
    with pytest.raises(NotFiniteError):
        layer_output(X, W, b, "tanh", check=True)


def test_layer_output_of_no_rows():
    assert layer_output(np.empty((0, 3)), np.eye(3), np.zeros(3), "relu").shape == (0, 3)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 99))
def test_layer_output_does_not_depend_on_threads(seed):
    rng = np.random.default_rng(seed)
    X, W = rng.normal(size=(5000, 40)), rng.normal(size=(40, 30))
    outputs = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            outputs.append(layer_output(X, W, np.zeros(30), "logistic"))
    assert outputs[0].tobytes() == outputs[1].tobytes() == outputs[2].tobytes()
