"""Kernels as Python runs them, without compilation: `NUMBA_DISABLE_JIT=1 pytest -m interpreted`."""

import itertools
import threading

import masked
import numpy as np
import pytest
import textbook
from rule_steps import ETA, RULES, STEPS
from scipy import sparse
from threadpoolctl import threadpool_limits

from striate import DictionaryEncoder, MLPClassifier, PatchFeatures, SparseAutoencoder
from striate.core.activations import HIDDEN_ACTIVATIONS
from striate.core.design_matrix import as_input, with_noise
from striate.core.losses import LOSSES
from striate.core.network import Network
from striate.core.noise import NOISE
from striate.core.objective import Objective
from striate.core.problem import Problem
from striate.native.compile import COMPILED, kernel
from striate.native.threads import new_barrier, team, wait
from striate.solvers.minibatch import Minibatch

pytestmark = [
    pytest.mark.interpreted,
    pytest.mark.skipif(COMPILED, reason="other tests are of compiled kernels"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
OUTPUTS = [(loss, output) for loss, each in LOSSES.items() for output in each.activations]


def targets(loss, rng, shape):
    if loss == "squared_hinge":
        return rng.choice([-1.0, 1.0], shape)
    return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]


@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
def test_losses(loss, output):
    rng = np.random.default_rng(0)
    network = Network((3, 4, 2), ("tanh", output))
    theta, X = rng.normal(0, 0.5, network.n_parameters), rng.normal(size=(5, 3))
    Y = targets(loss, rng, (5, 2))
    constants = textbook.constants_of(loss, 2)
    with team(1) as run:
        problem = Problem(network, loss, X, Y, loss_constants=constants)
        value, gradient = Objective(problem, run)(theta)
    W, b = network.unpack(theta)
    expected, grad_W, grad_b = textbook.objective(
        W, b, network.activations, loss, X, Y, loss_constants=constants
    )
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(gradient, network.pack(grad_W, grad_b), atol=1e-12)


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_activations_and_penalties(activation):
    rng = np.random.default_rng(1)
    network = Network((3, 4, 3), (activation, "identity"))
    theta, X = rng.normal(0, 0.5, network.n_parameters), rng.normal(size=(5, 3))
    penalties = {"weight_decay": 0.1}
    sparse_terms = {"sparsity_target": 0.2, "sparsity_weight": 0.7}
    of_textbook = {"weight_decay": 0.1}
    if activation in {"logistic", "tanh"}:
        penalties |= sparse_terms
        of_textbook |= {"rho": 0.2, "beta": 0.7}
    with team(1) as run:
        value, gradient = Objective(Problem(network, "squared_error", X, X, **penalties), run)(
            theta
        )
    W, b = network.unpack(theta)
    expected, grad_W, grad_b = textbook.objective(
        W, b, network.activations, "squared_error", X, X, **of_textbook
    )
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(gradient, network.pack(grad_W, grad_b), atol=1e-12)


@pytest.mark.parametrize("kind", masked.KINDS)
def test_masked_layers(kind):
    rng = np.random.default_rng(2)
    network = masked.connected_network(kind)
    theta, X = rng.normal(0, 0.5, network.n_parameters), rng.normal(size=(20, network.sizes[0]))
    Y = rng.normal(size=(20, network.sizes[-1]))
    with team(1) as run:
        value, gradient = Objective(Problem(network, "squared_error", X, Y), run)(theta)
    expected, of_textbook = masked.objective(network, theta, "squared_error", X, Y)
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(gradient, of_textbook, atol=1e-12)


@pytest.mark.parametrize("kind", NOISE)
def test_sparse_and_noisy_rows(kind):
    """Noise depends on seed, row and column alone, so dense and sparse rows have the same."""
    rng = np.random.default_rng(3)
    network = Network((6, 2, 6), ("logistic", "identity"))
    theta = rng.normal(0, 0.5, network.n_parameters)
    X = rng.random((5, 6)) * (rng.random((5, 6)) < 0.5)
    rows = as_input(X), as_input(sparse.csr_array(X))
    rows += tuple(with_noise(each, NOISE[kind], 0.3, 7) for each in rows)
    with team(1) as run:
        problems = [Problem(network, "squared_error", each, X) for each in rows]
        values = [Objective(problem, run)(theta)[0] for problem in problems]
    assert values[0] == pytest.approx(values[1])
    assert values[2] == pytest.approx(values[3])
    assert values[0] != pytest.approx(values[2])


@pytest.mark.parametrize("rule", RULES)
def test_update_rules(rule):
    rng = np.random.default_rng(4)
    network = Network((3, 2, 1), ("tanh", "identity"))
    theta, X = rng.normal(0, 0.5, network.n_parameters), rng.normal(size=(5, 3))
    problem = Problem(network, "squared_error", X, X[:, :1])
    with team(1) as run:
        gradient = Objective(problem, run)(theta)[1]
        expected = STEPS[rule](theta, gradient, 0, {}, 1)
        Minibatch(problem, run, theta, batch_size=5, rule=RULES[rule]).epoch(np.arange(5), ETA)
    np.testing.assert_allclose(theta, expected, atol=1e-12)


@kernel
def wait_for_both(barrier):
    wait(barrier, 2)


def test_threads_meet():
    """As many rounds as two threads that wait for each other take."""
    barrier, rounds, seen = new_barrier(), 5, [[], []]

    def run(t):
        for k in range(rounds):
            seen[t].append(k)
            wait_for_both(barrier)
            assert len(seen[1 - t]) > k

    threads = [threading.Thread(target=run, args=(t,)) for t in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [len(each) for each in seen] == [rounds, rounds]


def test_estimators():
    rng = np.random.default_rng(5)
    images = rng.random((4, 8, 8))
    labels = np.array([0, 1, 0, 1])
    for solver, n_threads in itertools.product(("adam", "lbfgs"), (1, 2)):
        with threadpool_limits(n_threads):
            mlp = MLPClassifier((3,), solver=solver, max_iter=2, random_state=0)
            mlp.fit(images.reshape(4, -1), labels)
        W, b = mlp.coefs_, mlp.intercepts_
        _, a = textbook.forward(W, b, ("relu", mlp.out_activation_), images.reshape(4, -1))
        np.testing.assert_allclose(mlp.predict_proba(images.reshape(4, -1))[:, 1:], a[-1])
    for encoder in (SparseAutoencoder(3, max_iter=2), DictionaryEncoder(3, max_iter=2)):
        features = PatchFeatures(encoder, patch_size=4, n_patches=20, random_state=0)
        assert np.isfinite(features.fit(images).transform(images)).all()
