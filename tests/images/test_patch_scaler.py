"""PatchScaler beside its definition."""

import numpy as np
import pytest

from striate import PatchScaler


@pytest.mark.parametrize("feature_range", [(0.1, 0.9), (-0.8, 0.8)])
@pytest.mark.parametrize("n_deviations", [0.5, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_patch_scaler(feature_range, n_deviations, dtype):
    X = np.random.default_rng(0).normal(3, 2, (200, 6)).astype(dtype)
    scaled = PatchScaler(feature_range, n_deviations=n_deviations).fit_transform(X)
    low, high = feature_range
    center, width = X.mean(dtype=float), n_deviations * X.std(dtype=float)
    position = (np.clip(X, center - width, center + width) - center) / (2 * width) + 0.5
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled, low + position * (high - low), atol=1e-6)
    assert scaled.min() >= dtype(low)
    assert scaled.max() <= dtype(high)
    if n_deviations < 1:
        assert scaled.min() == pytest.approx(low)
        assert scaled.max() == pytest.approx(high)


def test_patch_scaler_keeps_the_shape_of_a_patch():
    X = np.random.default_rng(0).normal(size=(50, 4)) * [1, 2, 3, 4]
    scaled = PatchScaler(n_deviations=100).fit_transform(X)
    slopes = (scaled[1] - scaled[0]) / (X[1] - X[0])
    np.testing.assert_allclose(slopes, slopes[0])


def test_patch_scaler_on_one_value():
    scaled = PatchScaler().fit_transform(np.full((5, 3), 7.0))
    np.testing.assert_allclose(scaled, 0.5)


def test_patch_scaler_as_a_layer():
    X = np.random.default_rng(0).normal(size=(50, 4))
    scaler = PatchScaler(n_deviations=100).fit(X)
    W, b, f = scaler.as_layer()
    assert f == "identity"
    np.testing.assert_allclose(X @ W + b, scaler.transform(X))
    low, high = scaler.limits
    assert low < X.min() < X.max() < high


@pytest.mark.parametrize("feature_range", [(1, 0), (0.5, 0.5), (0,), (0, 1, 2), ("a", "b")])
def test_patch_scaler_with_a_wrong_range(feature_range):
    with pytest.raises(ValueError, match="feature_range"):
        PatchScaler(feature_range).fit(np.ones((3, 3)))
