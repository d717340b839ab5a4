"""Autoencoders whose hidden units see few inputs, and reproduce these alone."""

import pickle

import numpy as np
import pandas as pd
import pytest
import textbook
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from striate import LocalReceptiveFields, SparseAutoencoder, StackedAutoencoder

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FIELDS = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=2)  # 18 units
MASK = FIELDS.mask().toarray()
QUICK = {"connectivity": FIELDS, "max_iter": 6, "sparsity_weight": 0.3, "random_state": 0}
VARIANTS = {
    "lbfgs": {},
    "adam": {"solver": "adam"},
    "gd": {"solver": "gd"},
    "tied": {"tied_weights": True},
    "tied adam": {"tied_weights": True, "solver": "adam"},
    "l1": {"l1_weight": 0.003},
    "l1 adam": {"l1_weight": 0.003, "solver": "adam"},
    "l1 gd tied": {"l1_weight": 0.003, "solver": "gd", "tied_weights": True},
    "relu": {"activation": "relu", "output_activation": "logistic", "sparsity_weight": 0},
}


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:150] / 16


def dense(W):
    return W.toarray() if sparse.issparse(W) else W


def definition(autoencoder, X, noisy=None):
    """J, hidden activations and reconstruction, by the textbook."""
    W = [dense(autoencoder.components_).T, dense(autoencoder.decoder_components_)]
    b = [autoencoder.intercept_, autoencoder.decoder_intercept_]
    activations = autoencoder.activation, autoencoder.output_activation
    J, _, _ = textbook.objective(
        W, b, activations, "squared_error", X, X, rho=autoencoder.sparsity_target,
        beta=autoencoder.sparsity_weight,
    )  # fmt: skip
    for w in W[:1] if autoencoder.tied_weights else W:  # tied ones are counted once
        J += autoencoder.weight_decay / 2 * np.sum(w**2) + autoencoder.l1_weight * np.abs(w).sum()
    return J, *textbook.forward(W, b, activations, X)[1][1:]


@pytest.mark.parametrize("variant", VARIANTS)
def test_definitions(variant, X):
    autoencoder = SparseAutoencoder(**QUICK | {"weight_decay": 0.01} | VARIANTS[variant]).fit(X)
    J, A, X_hat = definition(autoencoder, X)
    close = {"rtol": 1e-10, "atol": 1e-12}
    assert autoencoder.loss_ == pytest.approx(J, rel=1e-11)
    assert len(autoencoder.loss_curve_) == autoencoder.n_iter_ == 6
    if autoencoder.solver != "adam":
        assert autoencoder.loss_curve_[-1] == pytest.approx(autoencoder.loss_, rel=1e-13)
    assert autoencoder.loss_curve_[-1] < autoencoder.loss_curve_[0]
    np.testing.assert_allclose(autoencoder.transform(X), A, **close)
    np.testing.assert_allclose(autoencoder.inverse_transform(A), X_hat, **close)
    np.testing.assert_allclose(autoencoder.mean_activation_, A.mean(axis=0), **close)
    errors = 0.5 * (X_hat - X) ** 2
    np.testing.assert_allclose(autoencoder.reconstruction_error(X), errors, **close)
    np.testing.assert_allclose(autoencoder.score_samples(X), -errors.sum(axis=1), **close)
    W, b, f = autoencoder.as_layer()
    np.testing.assert_allclose(textbook.f[f](X @ W + b), A, **close)
    names = [f"sparseautoencoder{i}" for i in range(18)]
    assert list(autoencoder.get_feature_names_out()) == names


@pytest.mark.parametrize("variant", VARIANTS)
def test_connections(variant, X):
    autoencoder = SparseAutoencoder(**QUICK | VARIANTS[variant]).fit(X)
    W, decoder = autoencoder.components_, autoencoder.decoder_components_
    assert W.shape == decoder.shape == (18, 64)
    assert W.nnz == decoder.nnz == MASK.sum()
    for each in (W, decoder):
        stored = sparse.csr_array(each)
        stored.data[:] = 1
        np.testing.assert_array_equal(stored.toarray(), MASK.T)
    if autoencoder.tied_weights:
        np.testing.assert_array_equal(W.toarray(), decoder.toarray())
    if autoencoder.l1_weight:
        before = autoencoder.transform(X)
        n_left = np.count_nonzero(W.data)
        autoencoder.sparsify()
        assert autoencoder.components_.nnz == n_left
        np.testing.assert_allclose(autoencoder.transform(X), before, rtol=1e-10)


@pytest.mark.long  # compiled anew, as for the objective and the batches of tests/core and /solvers
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("noise_type", ["masking", "gaussian"])
@pytest.mark.parametrize("tied", [False, True])
def test_noise(tied, noise_type, solver, X):
    settings = QUICK | {"solver": solver, "noise": 0.2, "noise_type": noise_type}
    autoencoder = SparseAutoencoder(**settings, tied_weights=tied).fit(X)
    assert autoencoder.loss_curve_[-1] < autoencoder.loss_curve_[0]
    assert autoencoder.components_.nnz == MASK.sum()


def test_all_connections_learn_what_a_dense_layer_learns(X):
    for tied in (False, True):
        settings = {**QUICK, "tied_weights": tied, "warm_start": True, "max_iter": 1}
        connected = SparseAutoencoder(**settings | {"connectivity": np.ones((64, 7))}).fit(X)
        plain = SparseAutoencoder(7, **settings | {"connectivity": None}).fit(X)
        plain.components_ = connected.components_.toarray()
        plain.decoder_components_ = connected.decoder_components_.toarray()
        plain.intercept_ = connected.intercept_.copy()
        plain.decoder_intercept_ = connected.decoder_intercept_.copy()
        for each in (connected, plain):
            each.set_params(max_iter=5).fit(X)
        np.testing.assert_allclose(connected.transform(X), plain.transform(X), rtol=1e-8)
        assert connected.loss_ == pytest.approx(plain.loss_, rel=1e-10)


@pytest.mark.long  # compiled anew for sparse targets
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows(kind, X):
    expected, got = SparseAutoencoder(**QUICK).fit(X), SparseAutoencoder(**QUICK).fit(kind(X))
    np.testing.assert_allclose(got.transform(kind(X)), expected.transform(X), rtol=1e-8)
    np.testing.assert_allclose(got.score_samples(kind(X)), got.score_samples(X), rtol=1e-8)


@pytest.mark.long  # compiled anew, as for test_tabular.py, whose networks are of float32 and masked
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_float32(solver, X):
    settings = QUICK | {"solver": solver}
    rows = X.astype(np.float32)
    got = SparseAutoencoder(**settings).fit(rows)
    assert got.components_.dtype == got.transform(rows).dtype == np.float32
    expected = SparseAutoencoder(**settings).fit(X).transform(X)
    np.testing.assert_allclose(got.transform(rows), expected, rtol=2e-2)


def test_going_on(X):
    autoencoder = SparseAutoencoder(**QUICK, warm_start=True).fit(X)
    first = autoencoder.loss_
    assert autoencoder.fit(X).loss_ < first
    assert len(autoencoder.loss_curve_) == 12
    for tied in (False, True):
        autoencoder = SparseAutoencoder(**QUICK | {"solver": "adam"}, tied_weights=tied)
        losses = [autoencoder.partial_fit(X).loss_ for _ in range(4)]
        assert losses == sorted(losses, reverse=True)
        autoencoder.components_.data[:30] = 0
        if tied:
            autoencoder.decoder_components_.data[:30] = 0
        autoencoder.sparsify().partial_fit(X)
        assert autoencoder.components_.nnz == MASK.sum() - 30
        assert autoencoder.decoder_components_.nnz == MASK.sum() - 30 * tied


def test_sparsify_of_a_dense_one(X):
    settings = QUICK | {
        "connectivity": None,
        "l1_weight": 0.003,
        "max_iter": 60,
        "sparsity_weight": 0,
    }
    autoencoder = SparseAutoencoder(9, **settings).fit(X)
    left = [np.count_nonzero(autoencoder.components_), autoencoder.intercept_.size]
    assert 0 < left[0] < 9 * 64 / 2
    before = [autoencoder.transform(X), autoencoder.score_samples(X)]
    assert autoencoder.sparsify() is autoencoder
    assert autoencoder.components_.nnz == left[0]
    np.testing.assert_allclose(autoencoder.transform(X), before[0], rtol=1e-10)
    np.testing.assert_allclose(autoencoder.score_samples(X), before[1], rtol=1e-10)
    again = pickle.loads(pickle.dumps(autoencoder))
    np.testing.assert_array_equal(again.transform(X), autoencoder.transform(X))
    autoencoder.set_params(warm_start=True, max_iter=2).fit(X)
    assert autoencoder.components_.nnz == left[0]


def test_the_same_for_any_number_of_threads(X):
    rows = np.tile(X, (20, 1))
    models = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            settings = QUICK | {"max_iter": 3, "connectivity": np.ones((64, 30))}
            models.append(SparseAutoencoder(**settings).fit(rows))
    one, two = models
    assert one.components_.data.tobytes() == two.components_.data.tobytes()
    assert one.loss_curve_ == two.loss_curve_
    assert one.transform(rows).tobytes() == two.transform(rows).tobytes()


def test_names_of_columns(X):
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    autoencoder = SparseAutoencoder(**QUICK).set_output(transform="pandas").fit(frame)
    assert list(autoencoder.feature_names_in_) == list(frame.columns)
    assert list(autoencoder.transform(frame).columns[:2]) == [
        "sparseautoencoder0",
        "sparseautoencoder1",
    ]


# --- stacks ---------------------------------------------------------------------------------


def test_a_stack(X):
    second = np.random.default_rng(0).random((18, 6)) < 0.5
    one = SparseAutoencoder(max_iter=4, sparsity_weight=0.3)
    stack = StackedAutoencoder(connectivity=[FIELDS, second], autoencoder=one, random_state=0)
    stack.fit(X)
    assert [each.components_.nnz for each in stack.autoencoders_] == [MASK.sum(), second.sum()]
    lower, upper = stack.autoencoders_
    expected = upper.transform(lower.transform(X))
    np.testing.assert_array_equal(stack.transform(X), expected)
    back = lower.inverse_transform(upper.inverse_transform(expected))
    np.testing.assert_array_equal(stack.inverse_transform(expected), back)
    np.testing.assert_allclose(stack.score_samples(X), -((back - X) ** 2).sum(axis=1) / 2)
    mixed = clone(stack).set_params(connectivity=[None, second], hidden_layer_sizes=(18, 6)).fit(X)
    kinds = [type(each.components_) for each in mixed.autoencoders_]
    assert kinds == [np.ndarray, sparse.csr_array]
    only = clone(stack).set_params(connectivity=FIELDS).fit(X)
    assert only.transform(X).shape == (150, 18)


def test_a_stack_whose_autoencoders_bring_their_own(X):
    second = np.random.default_rng(0).random((18, 6)) < 0.5
    layers = [
        SparseAutoencoder(connectivity=FIELDS, max_iter=2),
        SparseAutoencoder(connectivity=second, max_iter=2),
    ]
    stack = StackedAutoencoder((18, 6), autoencoder=layers, random_state=0).fit(X)
    assert [each.components_.nnz for each in stack.autoencoders_] == [MASK.sum(), second.sum()]
    with pytest.raises(ValueError, match=r"shape \(64, 18\), but must have \(64, 17\)"):
        StackedAutoencoder((17, 6), autoencoder=layers).fit(X)
