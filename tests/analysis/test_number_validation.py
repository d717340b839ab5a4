"""Regression on held-out images: folds, groups, errors and their intervals."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import mean_absolute_error, r2_score

from striate.analysis.image_classifier import fit_image_regressor
from striate.analysis.number_validation import (
    HeldOutNumbers,
    cross_validate_numbers,
    evaluate_numbers,
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 30))
    return X, X[:, 0] * 3 + X[:, 1] + 0.5 * rng.normal(size=120) + 100


def test_numbers_are_predicted_by_regressions_that_did_not_see_them(data):
    X, y = data
    noise = np.random.default_rng(1).normal(size=(120, 200))
    assert cross_validate_numbers(noise, y).r2 < 0.2  # though a fit of all would be perfect
    found = cross_validate_numbers(X, y)
    assert found.n_folds == 5
    assert found.r2 == r2_score(y, found.predicted) > 0.9
    assert found.mean_absolute_error == mean_absolute_error(y, found.predicted) < found.baseline / 3


@pytest.mark.long
def test_groups_of_numbers_are_held_out_as_a_whole():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 8)
    X = rng.normal(size=(30, 20))[groups] + 0.01 * rng.normal(size=(240, 20))
    y = rng.normal(size=30)[groups]
    alone = cross_validate_numbers(X, y)
    together = cross_validate_numbers(X, y, groups=groups.astype(str))
    assert alone.r2 > 0.4 > 0.1 > together.r2
    # The penalty is chosen for new groups as well: nothing can be learned of those.
    alphas = [fit_image_regressor(X, y, each)[-1].alpha for each in (None, groups)]
    assert alphas[1] > 100 * alphas[0]
    low, high = together.interval(mean_absolute_error)
    low_alone, high_alone = alone.interval(mean_absolute_error)
    assert (high - low) / together.mean_absolute_error > (high_alone - low_alone) / (
        alone.mean_absolute_error
    )


def test_the_interval_is_that_of_the_bootstrap():
    rng = np.random.default_rng(3)
    true = rng.normal(size=80)
    found = HeldOutNumbers(true, true + rng.normal(size=80), np.zeros(80, int), np.arange(80))
    errors = np.abs(found.predicted - found.true)
    expected = bootstrap((errors,), np.mean, method="percentile", rng=rng).confidence_interval
    assert found.interval(mean_absolute_error) == pytest.approx(
        (expected.low, expected.high), abs=0.02
    )


def test_equal_numbers_have_no_r2():
    found = HeldOutNumbers(np.ones(4), np.arange(4.0), np.zeros(4, int), np.arange(4))
    assert np.isnan(found.interval(r2_score)).all()


def test_a_regression_is_evaluated_on_new_images(data):
    X, y = data
    model = fit_image_regressor(X[:80], y[:80])
    found = evaluate_numbers(model, X[80:], y[80:])
    np.testing.assert_array_equal(found.predicted, model.predict(X[80:]))
    worst = found.largest_errors(3)
    errors = np.abs(found.true - found.predicted)
    assert errors[worst].tolist() == sorted(errors, reverse=True)[:3]


def test_two_images_are_enough():
    found = cross_validate_numbers(np.array([[0.0], [1.0]]), np.array([1.0, 3.0]))
    assert found.n_folds == 2
    assert np.isfinite(found.predicted).all()
