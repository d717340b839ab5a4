"""Losses of the perceptrons that scikit-learn's do not have, and intervals."""

import numpy as np
import pytest
from perceptron_rows import SMALL, Y2, Y3, T, X
from sklearn.exceptions import NotFittedError

from striate import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Losses


def test_label_smoothing_moves_probabilities_to_the_mean():
    hard, smooth = (
        MLPClassifier((), solver="lbfgs", label_smoothing=e, max_iter=500, random_state=0)
        .fit(X, Y3)
        .predict_proba(X)
        for e in (0.0, 0.2)
    )
    assert smooth.max() < hard.max()
    everything = MLPClassifier((), solver="lbfgs", label_smoothing=0.999, alpha=0, random_state=0)
    np.testing.assert_allclose(everything.fit(X, Y3).predict_proba(X), 1 / 3, atol=0.01)


@pytest.mark.parametrize("y", [Y2, Y3])
def test_focal_loss_with_gamma_0_is_the_log_loss(y):
    settings = {"solver": "lbfgs", "max_iter": 20, "random_state": 0}
    focal = MLPClassifier((5,), loss="focal", focal_gamma=0.0, **settings).fit(X, y)
    plain = MLPClassifier((5,), **settings).fit(X, y)
    np.testing.assert_allclose(focal.loss_curve_, plain.loss_curve_, rtol=1e-6)


def test_focal_loss_is_less_sure():
    y = Y3
    settings = {"solver": "lbfgs", "max_iter": 200, "random_state": 0}
    focal = MLPClassifier((), loss="focal", focal_gamma=4.0, **settings).fit(X, y)
    plain = MLPClassifier((), **settings).fit(X, y)
    assert focal.predict_proba(X).max(axis=1).mean() < plain.predict_proba(X).max(axis=1).mean()


def test_absolute_and_huber_losses_ignore_outliers():
    y = 2 * X[:, 0]
    spoiled = y.copy()
    spoiled[::20] += 100
    errors = {
        loss: np.abs(
            MLPRegressor(loss, (), solver="adam", learning_rate_init=0.05, max_iter=300,
                         random_state=0).fit(X, spoiled).predict(X) - y
        ).mean()
        for loss in ("squared_error", "absolute_error", "huber")
    }  # fmt: skip
    assert errors["absolute_error"] < 0.2 * errors["squared_error"]
    assert errors["huber"] < 0.2 * errors["squared_error"]


def test_huber_loss_of_large_delta_is_the_squared_error():
    settings = {"solver": "lbfgs", "max_iter": 30, "random_state": 0}
    huber = MLPRegressor("huber", (5,), huber_delta=1e6, **settings).fit(X, T)
    np.testing.assert_allclose(
        huber.loss_curve_,
        MLPRegressor("squared_error", (5,), **settings).fit(X, T).loss_curve_,
        rtol=1e-6,
    )


def heteroscedastic(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 1))
    return X, X[:, 0] + (0.1 + 0.4 * np.abs(X[:, 0])) * rng.normal(size=n)


QUANTILES = {"hidden_layer_sizes": (20,), "learning_rate": "one_cycle", "learning_rate_init": 0.02}


def test_quantiles_have_their_share_of_rows_below_and_never_cross():
    X, y = heteroscedastic(2000, 0)
    levels = [0.1, 0.5, 0.9]
    regressor = MLPRegressor("quantile", quantile=levels, max_iter=60, random_state=0, **QUANTILES)
    predicted = regressor.fit(X, y).predict(X)
    assert predicted.shape == (2000, 3)
    assert (np.diff(predicted, axis=1) > 0).all()
    np.testing.assert_allclose((y[:, None] < predicted).mean(axis=0), levels, atol=0.03)
    assert 0 < regressor.score(X, y) < 1
    far = regressor.predict(np.linspace(-50, 50, 101)[:, None])
    assert (np.diff(far, axis=1) >= 0).all()


def test_one_quantile_at_a_time_works_for_several_targets():
    Y = np.column_stack([T, -T])
    regressor = MLPRegressor("quantile", (), quantile=0.8, max_iter=400, learning_rate_init=0.02,
                             random_state=0)  # fmt: skip
    below = (regressor.fit(X, Y).predict(X) > Y).mean(axis=0)
    np.testing.assert_allclose(below, 0.8, atol=0.06)


@pytest.mark.parametrize("quantile", [[0.5, 0.5], [0.9, 0.1], [], [0.0, 0.5], 1.0, ["a"], [[0.5]]])
def test_wrong_quantiles_are_refused(quantile):
    with pytest.raises(ValueError, match="quantile"):
        MLPRegressor("quantile", quantile=quantile, **SMALL).fit(X, T)


def test_several_quantiles_are_of_one_target():
    with pytest.raises(ValueError, match="single target"):
        MLPRegressor("quantile", quantile=[0.1, 0.9], **SMALL).fit(X, np.column_stack([T, T]))


# Intervals


@pytest.mark.parametrize("settings", [{}, {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]}])
def test_intervals_have_at_least_their_coverage(settings):
    """Over many draws of 200 rows, the mean coverage is between 0.8 and 0.8 + 1 / 201."""
    regressor = MLPRegressor(max_iter=30, random_state=0, **settings, **QUANTILES)
    regressor.fit(*heteroscedastic(300, 1))
    coverages, widths = [], []
    for seed in range(60):
        regressor.calibrate_intervals(*heteroscedastic(200, 100 + seed))
        X, y = heteroscedastic(500, 1000 + seed)
        low, high = regressor.predict_interval(X, coverage=0.8).T
        coverages.append(((low <= y) & (y <= high)).mean())
        widths.append(np.std(high - low))
    assert np.mean(coverages) == pytest.approx(0.8 + 0.5 / 201, abs=0.012)
    assert (np.mean(widths) > 0.05) == bool(settings)


@pytest.mark.parametrize(("n", "rank"), [(9, 9), (19, 18), (24, 23)])
def test_the_margin_is_an_error_of_its_rank(n, rank):
    """Of n rows the ⌈0.9 (n + 1)⌉-th error is the margin."""
    regressor = MLPRegressor(**SMALL).fit(X, T).calibrate_intervals(X[:n], T[:n])
    errors = np.sort(np.abs(T[:n] - regressor.predict(X[:n])))
    low, high = regressor.predict_interval(X, 0.9).T
    np.testing.assert_allclose((high - low) / 2, errors[rank - 1], rtol=1e-6)


def test_intervals_need_rows_that_suffice():
    regressor = MLPRegressor(**SMALL).fit(X, T)
    with pytest.raises(NotFittedError, match="calibrate_intervals"):
        regressor.predict_interval(X)
    regressor.calibrate_intervals(X[:9], T[:9])
    assert regressor.predict_interval(X, 0.9).shape == (150, 2)
    with pytest.raises(ValueError, match="at least 19 rows"):
        regressor.predict_interval(X, 0.95)
    for coverage in (0, 1, "a", np.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            regressor.predict_interval(X, coverage)
    regressor.fit(X, T)  # another model: its errors are not known
    with pytest.raises(NotFittedError):
        regressor.predict_interval(X)


def test_intervals_are_of_one_target():
    regressor = MLPRegressor(**SMALL).fit(X, np.column_stack([T, T]))
    with pytest.raises(ValueError, match="single target"):
        regressor.calibrate_intervals(X, np.column_stack([T, T]))
