"""Kernel ridge regression with every row left out, and partly whitened components."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from striate import KernelClassifier, KernelRegressor, WhitenedComponents
from striate.estimators import kernel_ridge
from striate.estimators.kernel_ridge import GaussianKernel, predict, scale_of, solve

DIGITS, CLASSES = load_digits(return_X_y=True)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
T = RNG.normal(size=(50, 2))
WEIGHTS = RNG.random(50) + 0.1
ALPHAS = [1e-3, 0.1, 1.0]


def weighted_fit(kernel, X, T, weights, alpha):
    """β by the normal equations of the definition."""
    K = kernel(X)
    A = K.T @ (weights[:, np.newaxis] * K) + alpha * kernel.of_centers()
    return np.linalg.solve(A, K.T @ (weights[:, np.newaxis] * T))


@pytest.mark.parametrize("n_centers", [50, 15])
def test_each_row_is_predicted_by_the_fit_without_it(n_centers):
    kernel = GaussianKernel(X[:n_centers], 0.2)
    found = solve(kernel, X, T, WEIGHTS, ALPHAS)
    beta = weighted_fit(kernel, X, T, WEIGHTS, found.alpha)
    np.testing.assert_allclose(predict(kernel, found.dual_coef, X), kernel(X) @ beta, atol=1e-7)
    for i in range(0, 50, 7):
        rest = np.delete(np.arange(50), i)
        beta = weighted_fit(kernel, X[rest], T[rest], WEIGHTS[rest], found.alpha)
        np.testing.assert_allclose(found.left_out[i], (kernel(X[[i]]) @ beta)[0], atol=1e-7)


def test_alpha_has_the_smallest_error_of_rows_left_out():
    kernel, errors = GaussianKernel(X, 0.2), {}
    for alpha in ALPHAS:
        one = solve(kernel, X, T, WEIGHTS, [alpha])
        squares = WEIGHTS @ (one.left_out - T) ** 2
        errors[alpha] = squares.sum() / WEIGHTS.sum() / 2
    found = solve(kernel, X, T, WEIGHTS, ALPHAS)
    assert found.errors == pytest.approx(errors)
    assert found.alpha == min(errors, key=errors.get)


@pytest.mark.parametrize("gamma", ["scale", 1e-300])
@pytest.mark.parametrize("exponent", [160, 307])
def test_rows_whose_distances_overflow_are_refused(gamma, exponent):
    with pytest.raises(ValueError, match="scale the columns first"):
        KernelRegressor(gamma).fit(X * 10.0**exponent, T)


def test_a_row_infinitely_far_away_is_like_no_centre():
    model = KernelRegressor(0.2).fit(X, T)
    far = np.full((1, 4), 1e6)
    np.testing.assert_array_equal(model.predict(far * 1e302), model.predict(far))


def test_with_all_rows_it_is_scikit_learns_kernel_ridge_regression():
    model = KernelRegressor(gamma=0.3, alphas=0.05).fit(X, T)
    kernel = GaussianKernel(X, 0.3)
    theirs = KernelRidge(alpha=0.05, kernel="precomputed").fit(
        kernel(X), (T - T.mean(axis=0)) / T.std(axis=0)
    )
    expected = theirs.predict(kernel(X)) * T.std(axis=0) + T.mean(axis=0)
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-8)


def test_gamma_is_one_over_the_mean_squared_distance():
    distances = ((X[:, np.newaxis] - X) ** 2).sum(axis=-1)
    assert scale_of(X, np.ones(50)) == pytest.approx(1 / distances.mean())
    assert scale_of(np.ones((5, 3)), np.ones(5)) == 1.0


def test_equal_rows_do_no_harm():
    model = KernelRegressor().fit(np.repeat(X[:10], 5, axis=0), np.tile(T[:10, 0], 5))
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("Kernel", [KernelClassifier, KernelRegressor])
def test_weights_count_as_repetitions_for_one_alpha(Kernel):
    y = (X[:, 0] > 0).astype(int)
    counts = RNG.integers(0, 3, 50)
    weighted = Kernel(0.2, alphas=0.1).fit(X, y, counts)
    repeated = Kernel(0.2, alphas=0.1).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted._outputs(X), repeated._outputs(X), atol=1e-6)


def test_classes_of_digits_and_their_probabilities():
    model = KernelClassifier().fit(DIGITS[:500], CLASSES[:500])
    rest, truth = DIGITS[500:], CLASSES[500:]
    assert model.score(rest, truth) > 0.95
    probabilities = model.predict_proba(rest)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    sure = probabilities.max(axis=1)
    # Calibrated by rows left out: certainty is about the accuracy.
    assert abs(sure.mean() - model.score(rest, truth)) < 0.05


def test_fewer_centres_are_almost_as_good():
    whole, few = (
        KernelClassifier(n_centers=n, random_state=0).fit(DIGITS[:800], CLASSES[:800])
        for n in (800, 200)
    )
    assert few.centers_.shape == (200, 64)
    difference = whole.score(DIGITS[800:], CLASSES[800:]) - few.score(DIGITS[800:], CLASSES[800:])
    assert -0.02 < difference < 0.04


def test_class_weights_move_the_border():
    y = (RNG.random(50) < 0.2).astype(int)
    plain = KernelClassifier(0.01, alphas=10.0).fit(X, y)
    balanced = clone(plain).set_params(class_weight="balanced").fit(X, y)
    assert balanced.predict(X).sum() > plain.predict(X).sum()


def test_predictions_of_few_rows_at_a_time_are_those_of_all(monkeypatch):
    """Ctrl-C is seen between blocks of rows."""
    coef = np.ones((9, 2))
    kernel, sizes = GaussianKernel(X[:9], 0.1), []
    expected = predict(kernel, coef, X)
    of_rows = GaussianKernel.__call__

    def noted(kernel, X):
        sizes.append(len(X))
        return of_rows(kernel, X)

    monkeypatch.setattr(kernel_ridge, "_BLOCK_WORK", 4 * 9 * (X.shape[1] + 2))
    monkeypatch.setattr(GaussianKernel, "__call__", noted)
    np.testing.assert_allclose(predict(kernel, coef, X), expected, rtol=1e-13)
    assert max(sizes) == 4


def test_bits_do_not_depend_on_threads():
    fitted = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            fitted.append(KernelClassifier().fit(DIGITS[:300], CLASSES[:300]))
    np.testing.assert_array_equal(*(each.dual_coef_ for each in fitted))
    assert fitted[0].sharpness_ == fitted[1].sharpness_


def test_blocks_parts_and_panels_add_up_to_the_same(monkeypatch):
    kernel = GaussianKernel(X[:15], 0.2)
    whole = solve(kernel, X, T, WEIGHTS, ALPHAS)
    monkeypatch.setattr(kernel_ridge, "_BLOCK_BYTES", 8 * 15 * 20)
    monkeypatch.setattr(kernel_ridge, "_PART_BYTES", 8 * 15 * 7)
    monkeypatch.setattr(kernel_ridge, "_PANEL", 4)
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            found.append(solve(kernel, X, T, WEIGHTS, ALPHAS))
    np.testing.assert_array_equal(found[0].dual_coef, found[1].dual_coef)
    np.testing.assert_array_equal(found[0].left_out, found[1].left_out)
    np.testing.assert_allclose(found[0].left_out, whole.left_out, atol=1e-7)
    assert found[0].errors == pytest.approx(whole.errors)


def test_float32_agrees_with_float64():
    single, double = (
        KernelClassifier().fit(DIGITS[:400].astype(dtype), CLASSES[:400])
        for dtype in (np.float32, np.float64)
    )
    assert single.centers_.dtype == np.float32
    scores = (each.decision_function(DIGITS[400:]) for each in (single, double))
    np.testing.assert_allclose(*scores, atol=2e-3)


@pytest.mark.parametrize("alphas", [0.0, [0.1, -1.0], [], [np.inf], "small"])
def test_alphas_are_positive(alphas):
    with pytest.raises(ValueError, match="alphas"):
        KernelRegressor(alphas=alphas).fit(X, T)


# --- components -----------------------------------------------------------------------------


def test_whitening_sets_the_power_of_the_variances():
    for whitening in (0.0, 0.5, 1.0):
        model = WhitenedComponents(10, whitening=whitening, standardize_rows=False, random_state=0)
        A = model.fit_transform(DIGITS)
        variances = A.var(axis=0, ddof=1)
        np.testing.assert_allclose(variances, model.explained_variance_ ** (1 - whitening))
        off_diagonal = np.corrcoef(A.T) - np.eye(10)
        assert np.abs(off_diagonal).max() < 1e-8


def test_without_whitening_they_are_principal_components():
    model = WhitenedComponents(7, whitening=0, standardize_rows=False).fit(DIGITS)
    theirs = PCA(7).fit(DIGITS)
    np.testing.assert_allclose(model.transform(DIGITS), theirs.transform(DIGITS), atol=1e-8)


def test_rows_are_standardized():
    A = WhitenedComponents(10).fit_transform(DIGITS)
    np.testing.assert_allclose((A**2).mean(axis=1), 1)


def test_there_are_no_more_components_than_directions():
    flat = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(50)])
    assert WhitenedComponents().fit(flat).n_components_ == 4
    with pytest.raises(ValueError, match="All rows are equal"):
        WhitenedComponents().fit(np.ones((5, 3)))


def test_directions_in_float32_are_orthogonal():
    spread = (RNG.normal(size=(300, 40)) * np.logspace(0, -4, 40)).astype(np.float32)
    model = WhitenedComponents(40, whitening=0, random_state=0).fit(spread)
    W = model.components_.astype(np.float64)
    np.testing.assert_allclose(W.T @ W, np.eye(model.n_components_), atol=1e-6)


LEFT_OUT = dict.fromkeys(
    (f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")),
    "a row is left out with its whole weight, so another α may be chosen",
)


@parametrize_with_checks(
    [KernelClassifier(), KernelRegressor(), WhitenedComponents(random_state=0)],
    expected_failed_checks=lambda estimator: LEFT_OUT,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
