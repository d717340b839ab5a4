"""Weights that become zero: `l1_weight` and `sparsify` of every estimator, and scikit-learn's."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, make_regression
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.preprocessing import StandardScaler

from striate import LocalReceptiveFields, MLPClassifier, MLPRegressor, SparseAutoencoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RATES = {"adam": 0.002, "sgd": 0.05, "lbfgs": 0.1, "gd": 0.1}
TIGHT = {"solver": "lbfgs", "alpha": 0, "max_iter": 5000, "max_fun": 10**6, "tol": 1e-8}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:200] / 16, y[:200]


@pytest.fixture(scope="module")
def regression():
    X, Y = make_regression(100, 8, n_informative=3, n_targets=2, noise=8.0, random_state=0)
    return X, Y / 50


def size_of(mlp):
    return mlp.l1_weight * sum(np.abs(W).sum() for W in mlp.coefs_)


def ridge_of(mlp, n):
    return mlp.alpha / 2 / n * sum((W.data**2 if sparse.issparse(W) else W**2).sum()
                                   for W in mlp.coefs_)  # fmt: skip


# --- minima of scikit-learn's linear models -------------------------------------------------


def test_without_hidden_layer_it_is_the_lasso(regression):
    X, Y = regression
    for y in (Y[:, 0], Y):
        mlp = MLPRegressor(hidden_layer_sizes=(), l1_weight=0.1, **TIGHT).fit(X, y)
        # The mean over rows of the sum over outputs: the Lasso of each output.
        for j in range(mlp.n_outputs_):
            column = y.reshape(100, -1)[:, j]
            expected = Lasso(alpha=0.1, tol=1e-12, max_iter=10_000).fit(X, column)
            np.testing.assert_allclose(mlp.coefs_[0][:, j], expected.coef_, atol=1e-4)
            np.testing.assert_array_equal(mlp.coefs_[0][:, j] == 0, expected.coef_ == 0)
            assert mlp.intercepts_[0][j] == pytest.approx(expected.intercept_, abs=1e-4)


def test_without_hidden_layer_it_is_logistic_regression():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)[:, [1, 4, 8, 9, 11, 14, 18]]  # none repeats another
    mu = 0.02
    mlp = MLPClassifier((), l1_weight=mu, **TIGHT).fit(X, y)
    expected = LogisticRegression(
        l1_ratio=1, C=1 / (mu * len(X)), solver="saga", tol=1e-8, max_iter=20_000, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(mlp.coefs_[0].T, expected.coef_, atol=1e-3)
    np.testing.assert_array_equal(mlp.coefs_[0].T == 0, expected.coef_ == 0)
    np.testing.assert_allclose(mlp.predict_proba(X), expected.predict_proba(X), atol=1e-3)


# --- zeros, and what is reported ------------------------------------------------------------


@pytest.mark.parametrize("solver", RATES)
@pytest.mark.parametrize("connectivity", [None, LocalReceptiveFields((8, 8), 4, n_maps=2)])
def test_every_solver_makes_zeros(connectivity, solver, digits):
    X, y = digits
    mlp = MLPClassifier(
        (50,), connectivity=connectivity, solver=solver, learning_rate_init=RATES[solver],
        l1_weight=0.003, max_iter=40, batch_size=50, random_state=0, activation="tanh",
    ).fit(X, y)  # fmt: skip
    weights = [W.data if sparse.issparse(W) else W.ravel() for W in mlp.coefs_]
    n_zeros = [np.sum(w == 0) for w in weights]
    assert n_zeros[0] > (0 if solver == "gd" else 0.1) * weights[0].size
    before = mlp.predict_proba(X)
    mlp.sparsify()
    assert [W.nnz for W in mlp.coefs_] == [
        w.size - n for w, n in zip(weights, n_zeros, strict=True)
    ]
    assert all(isinstance(W, sparse.csc_array) for W in mlp.coefs_)
    np.testing.assert_allclose(mlp.predict_proba(X), before, rtol=1e-10)


@pytest.mark.parametrize("solver", RATES)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_loss_has_the_term(n_outputs, solver, regression):
    """Of several outputs the mean square is reported, as scikit-learn does, and the whole term."""
    X, Y = regression
    Y = Y[:, :n_outputs].squeeze()
    mlp = MLPRegressor(
        hidden_layer_sizes=(6,), solver=solver, learning_rate_init=1e-30, l1_weight=0.1, alpha=0.5,
        max_iter=1, batch_size=100, random_state=0, tol=1e-12,
    )  # fmt: skip
    if solver == "lbfgs":
        mlp.set_params(max_iter=7)
    mlp.fit(X, Y)
    data = np.mean((mlp.predict(X) - Y) ** 2) / 2
    assert mlp.loss_ == pytest.approx(data + ridge_of(mlp, 100) + size_of(mlp), rel=1e-10)
    assert mlp.loss_curve_[-1] == pytest.approx(mlp.loss_, rel=1e-12)
    assert size_of(mlp) > 0.1 * mlp.loss_


def test_loss_curve_of_lbfgs_falls(digits):
    X, y = digits
    mlp = MLPClassifier((10,), solver="lbfgs", l1_weight=0.01, max_iter=60, random_state=0)
    curve = mlp.fit(X, y).loss_curve_
    assert len(curve) == mlp.n_iter_ == 60
    assert curve[-1] < 0.8 * curve[0]
    autoencoder = SparseAutoencoder(9, l1_weight=0.003, sparsity_weight=0, max_iter=40)
    autoencoder.set_params(random_state=0).fit(X)
    assert len(autoencoder.loss_curve_) == 40
    assert autoencoder.loss_curve_[-1] == autoencoder.loss_


@pytest.mark.parametrize("solver", RATES)
def test_a_weight_of_zero_changes_nothing(solver, digits):
    """To the last bit."""
    X, y = digits
    mlp = MLPClassifier((9,), solver=solver, learning_rate_init=0.01, max_iter=5, random_state=0)
    models = [clone(mlp).set_params(l1_weight=mu).fit(X, y) for mu in (0, 0.0)]
    models.append(mlp.fit(X, y))
    for other in models[1:]:
        assert models[0].coefs_[0].tobytes() == other.coefs_[0].tobytes()
        assert models[0].loss_curve_ == other.loss_curve_


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor, SparseAutoencoder])
def test_no_weight(Estimator, digits):
    for bad in (-0.1, "some", None):
        with pytest.raises(ValueError, match="'l1_weight' parameter"):
            Estimator(l1_weight=bad).fit(*digits)
