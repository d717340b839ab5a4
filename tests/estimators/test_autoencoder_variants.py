"""Tied weights, noise, sparse rows, going on with a fit: variants of the sparse autoencoder."""

import tracemalloc

import numpy as np
import pytest
from all_pairs import short_first
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from striate import SparseAutoencoder, StackedAutoencoder

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"n_components": 4, "max_iter": 8, "random_state": 0, "sparsity_weight": 0.3}


# Of scikit-learn's checks: those of linear models, whose weights are `coef_`.
EXPECTED = {"check_sparsify_coefficients": "the weights are not in coef_"}


@parametrize_with_checks(
    [StackedAutoencoder((3, 2), autoencoder=SparseAutoencoder(**QUICK, tied_weights=True))],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [
        SparseAutoencoder(**QUICK, tied_weights=True),
        SparseAutoencoder(**QUICK, tied_weights=True, solver="adam"),
        SparseAutoencoder(**QUICK, noise=0.3),
        SparseAutoencoder(**QUICK, noise=0.3, noise_type="gaussian", solver="adam"),
        StackedAutoencoder((3, 2), autoencoder=SparseAutoencoder(**QUICK)),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_of_variants(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:300] / 16


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_tied_weights(solver, X):
    autoencoder = SparseAutoencoder(**QUICK, solver=solver, tied_weights=True).fit(X)
    np.testing.assert_array_equal(autoencoder.components_, autoencoder.decoder_components_)
    assert autoencoder.loss_ < autoencoder.loss_curve_[0]
    residuals = autoencoder.inverse_transform(autoencoder.transform(X)) - X
    ridge = 1e-4 / 2 * np.sum(autoencoder.components_**2)  # counted once
    p, q = autoencoder.mean_activation_, 0.05
    sparsity = 0.3 * np.sum(q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p)))
    J = np.mean(np.sum(residuals**2, axis=1)) / 2 + ridge + sparsity
    assert autoencoder.loss_ == pytest.approx(J, rel=1e-9)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("noise", short_first([0.0, 0.3]))  # sparse rows with noise: compiled anew
@pytest.mark.parametrize("format", ["csr", "csc"])
def test_sparse_rows_are_as_dense_ones(format, noise, solver, X):
    settings = {**QUICK, "solver": solver, "noise": noise}
    dense = SparseAutoencoder(**settings).fit(X)
    other = SparseAutoencoder(**settings).fit(sparse.csr_matrix(X).asformat(format))
    np.testing.assert_allclose(other.components_, dense.components_, rtol=1e-6, atol=1e-8)
    assert other.loss_ == pytest.approx(dense.loss_, rel=1e-8)
    rows = sparse.csr_array(X).asformat(format)
    for method in ("transform", "reconstruction_error", "score_samples"):
        got, expected = getattr(dense, method)(rows), getattr(dense, method)(X)
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_sparse_rows_are_never_made_dense_whole():
    rows = sparse.random_array((20000, 400), density=0.01, format="csr", rng=0)
    autoencoder = SparseAutoencoder(5, max_iter=2, random_state=0)
    autoencoder.fit(rows[:600])
    tracemalloc.start()
    autoencoder.fit(rows)
    autoencoder.score_samples(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.75 * 8 * rows.shape[0] * rows.shape[1]


def test_denoising_learns_to_mend():
    """Trained on masked rows, it restores others far better than one trained on clean rows."""
    X = load_digits().data / 16
    X, others = X[:1000], X[1000:1400]
    masked = others * (np.random.default_rng(0).random(others.shape) > 0.3)
    settings = {"solver": "adam", "learning_rate": 0.003, "batch_size": 50, "max_iter": 60}
    settings |= {"sparsity_weight": 0, "weight_decay": 1e-5, "random_state": 0}
    errors = []
    for noise in (0.0, 0.3):
        autoencoder = SparseAutoencoder(40, noise=noise, **settings).fit(X)
        restored = autoencoder.inverse_transform(autoencoder.transform(masked))
        errors.append(np.mean((restored - others) ** 2))
    assert errors[1] < 0.75 * errors[0]
    assert errors[1] < 0.5 * np.mean((masked - others) ** 2)


@pytest.mark.parametrize("noise_type", ["masking", "gaussian"])
def test_noise_follows_the_seed(noise_type, X):
    settings = {**QUICK, "noise": 0.4, "noise_type": noise_type}
    one, again = (SparseAutoencoder(**settings).fit(X) for _ in range(2))
    np.testing.assert_array_equal(one.components_, again.components_)
    other = SparseAutoencoder(**{**settings, "random_state": 1}).fit(X)
    assert not np.array_equal(one.components_, other.components_)


@pytest.mark.parametrize("noise", [1.0, 1.5])
def test_masking_is_a_probability(noise, X):
    with pytest.raises(ValueError, match=r"noise=1.*probability.*below 1"):
        SparseAutoencoder(**QUICK, noise=noise).fit(X)
    SparseAutoencoder(**QUICK, noise=noise, noise_type="gaussian").fit(X)


@pytest.mark.parametrize("noise", [-0.1, np.nan])
def test_noise_is_no_number_below_zero(noise, X):
    with pytest.raises(ValueError, match="noise"):
        SparseAutoencoder(**QUICK, noise=noise).fit(X)


def test_reconstruction_error_names_the_feature_at_fault(X):
    autoencoder = SparseAutoencoder(20, sparsity_weight=0, max_iter=100, random_state=0).fit(X)
    errors = autoencoder.reconstruction_error(X)
    np.testing.assert_allclose(errors.sum(axis=1), -autoencoder.score_samples(X))
    np.testing.assert_allclose(
        errors, (autoencoder.inverse_transform(autoencoder.transform(X)) - X) ** 2 / 2, atol=1e-15
    )
    tampered = X.copy()
    at = np.random.default_rng(0).integers(64, size=len(X))
    tampered[np.arange(len(X)), at] += 3
    found = autoencoder.reconstruction_error(tampered).argmax(axis=1)
    assert np.mean(found == at) > 0.95


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_warm_start_goes_on(solver, X):
    autoencoder = SparseAutoencoder(**QUICK, solver=solver, warm_start=True).fit(X)
    first = autoencoder.loss_
    autoencoder.fit(X)
    assert autoencoder.loss_ < first
    assert len(autoencoder.loss_curve_) == 16
    if solver == "gd":  # which keeps no state: the same as one longer fit
        whole = clone(autoencoder).set_params(max_iter=16).fit(X)
        np.testing.assert_array_equal(autoencoder.components_, whole.components_)
    with pytest.raises(ValueError, match=r"n_components=5.*4 hidden units.*warm_start=False"):
        autoencoder.set_params(n_components=5).fit(X)


def test_a_cold_start_begins_anew(X):
    autoencoder = SparseAutoencoder(**QUICK).fit(X)
    components = autoencoder.components_
    np.testing.assert_array_equal(autoencoder.fit(X).components_, components)
    assert len(autoencoder.loss_curve_) == 8


@pytest.mark.parametrize("tied_weights", [False, True])
def test_partial_fit_is_fit_in_parts(tied_weights, X):
    """Epoch by epoch over the same rows it is the same as `fit`, running ρ̂ and moments included."""
    settings = {**QUICK, "solver": "adam", "tied_weights": tied_weights, "noise": 0.0}
    whole, parts = SparseAutoencoder(**settings), SparseAutoencoder(**settings)
    whole.fit(X)
    order = np.random.RandomState(0)  # fit shuffles what is already shuffled, partial_fit anew
    for _ in range(8):
        parts.partial_fit(X)
    assert len(parts.loss_curve_) == 8
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=0.02)
    assert parts.loss_curve_[-1] < parts.loss_curve_[0]
    rows = sparse.csr_matrix(X[order.permutation(len(X))[:50]])
    assert parts.partial_fit(rows).n_iter_ == 1
    with pytest.raises(ValueError, match="63 features"):
        parts.partial_fit(X[:, 1:])


def test_partial_fit_draws_new_noise_in_each_call(X):
    """With a rate of nothing only the noise tells the calls apart."""
    autoencoder = SparseAutoencoder(
        **{**QUICK, "learning_rate": 1e-30}, solver="adam", batch_size=300, noise=0.3
    )
    losses = [autoencoder.partial_fit(X).loss_curve_[-1] for _ in range(4)]
    assert len(set(losses)) == 4


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_partial_fit_is_absent_without_minibatches(solver):
    assert not hasattr(SparseAutoencoder(solver=solver), "partial_fit")
    assert hasattr(SparseAutoencoder(solver="adam"), "partial_fit")
