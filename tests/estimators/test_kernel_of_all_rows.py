"""Kernel ridge regression on all rows, from a factor in tiles."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from striate import KernelClassifier, KernelRegressor
from striate.estimators import base_kernel, kernel_factor, kernel_ridge
from striate.estimators.kernel_factor import KernelFactor, safe_alpha
from striate.estimators.kernel_ridge import GaussianKernel
from striate.native.threads import team

RNG = np.random.default_rng(0)
DIGITS, CLASSES = load_digits(return_X_y=True)
X = RNG.normal(size=(150, 4))
RIDGE = 0.1 + RNG.random(150)


@pytest.fixture
def few_rows(monkeypatch):
    """What happens with many thousand rows, with some hundred."""
    monkeypatch.setattr(kernel_factor, "TILE", 64)
    monkeypatch.setattr(kernel_factor, "_COLUMNS", 32)
    for module in (base_kernel, kernel_ridge):
        monkeypatch.setattr(module, "SPECTRAL_ROWS", 100)


def factor_of(n_rows, run):
    return KernelFactor.of(GaussianKernel(X[:n_rows], 0.2).parts_of_centers(), RIDGE[:n_rows], run)


@pytest.mark.parametrize("n_rows", [1, 63, 64, 65, 128, 150])
def test_factor_solves_as_the_whole_matrix_does(few_rows, n_rows):
    A = GaussianKernel(X[:n_rows], 0.2)(X[:n_rows]) + np.diag(RIDGE[:n_rows])
    T = RNG.normal(size=(n_rows, 3))
    rows = RNG.permutation(n_rows)[:50]
    with team() as run:
        factor = factor_of(n_rows, run)
        found = factor.inverse_diagonal(rows, run)
    np.testing.assert_allclose(factor.solve(T), np.linalg.solve(A, T), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found, np.diag(np.linalg.inv(A))[rows], rtol=1e-4)


def test_factor_has_the_same_bits_for_any_number_of_threads(few_rows):
    panels = []
    for n_threads in (1, 2):
        with team(n_threads) as run:
            panels.append(factor_of(150, run).panels)
    for one, other in zip(*panels, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("Kernel", [KernelClassifier, KernelRegressor])
def test_all_rows_as_centres_give_the_same_as_the_decomposition(few_rows, Kernel, monkeypatch):
    y, weights = (X[:, 0] > X[:, 1] ** 2).astype(int), RNG.integers(0, 3, 150)
    model = Kernel(0.2, alphas=0.3, n_centers=None, random_state=0)
    tiled = model.fit(X, y, weights)._outputs(X)
    assert model.centers_.shape == (np.count_nonzero(weights), 4)
    error = model.leave_one_out_errors_[0.3]
    monkeypatch.setattr(base_kernel, "SPECTRAL_ROWS", 150)
    np.testing.assert_allclose(model.fit(X, y, weights)._outputs(X), tiled, atol=1e-4)
    # That of all rows, and of 100 of them.
    assert model.leave_one_out_errors_[0.3] == pytest.approx(error, rel=0.2)


def test_alpha_is_chosen_on_some_rows_and_certainty_is_that_of_rows_left_out(few_rows):
    model = KernelClassifier(n_centers=None, random_state=0).fit(DIGITS[:900], CLASSES[:900])
    rest, truth = DIGITS[900:], CLASSES[900:]
    assert model.score(rest, truth) > 0.95
    sure = model.predict_proba(rest).max(axis=1).mean()
    assert abs(sure - model.score(rest, truth)) < 0.05
    few = KernelClassifier(n_centers=100, random_state=0).fit(DIGITS[:900], CLASSES[:900])
    assert model.score(rest, truth) > few.score(rest, truth) + 0.01


def test_bits_do_not_depend_on_threads(few_rows):
    fitted = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            model = KernelClassifier(n_centers=None, random_state=0)
            fitted.append(model.fit(DIGITS[:300], CLASSES[:300]))
    np.testing.assert_array_equal(*(each.dual_coef_ for each in fitted))
    assert fitted[0].sharpness_ == fitted[1].sharpness_


def test_tiny_alphas_are_raised_to_what_float32_can_hold(few_rows):
    y = X[:, 0]
    model = KernelRegressor(alphas=1e-12, n_centers=None, random_state=0).fit(X, y)
    assert model.alpha_ == safe_alpha(1e-12, np.ones(150)) > 1e-5
    assert model.score(X, y) > 0.9


def test_equal_rows_do_no_harm(few_rows):
    model = KernelRegressor(n_centers=None, random_state=0).fit(
        np.tile(X[:30], (9, 1)), np.tile(X[:30, 0], 9)
    )
    assert model.score(X[:30], X[:30, 0]) > 0.9


def test_rows_whose_distances_overflow_are_refused(few_rows):
    with pytest.raises(ValueError, match="scale the columns first"):
        KernelRegressor(1e-300, n_centers=None).fit(X * 1e160, X[:, 0])
