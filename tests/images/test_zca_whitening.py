"""ZCA whitening beside its definition."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from striate import ZCAWhitening

RNG = np.random.default_rng(0)
MIXING = RNG.normal(size=(6, 6))


def correlated(n=2000, dtype=np.float64):
    X = np.random.default_rng(1).normal(size=(n, 6)) @ MIXING + np.arange(6)
    return X.astype(dtype)


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-10), (np.float32, 1e-4)])
def test_covariance_becomes_the_identity(dtype, tol):
    white = ZCAWhitening(epsilon=0).fit_transform(correlated(dtype=dtype))
    assert white.dtype == dtype
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(6), atol=tol)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=tol)


def test_definition():
    X = correlated()
    whitening = ZCAWhitening(epsilon=0.3).fit(X)
    s, U = np.linalg.eigh(np.cov(X.T, bias=True))
    C = U @ np.diag(1 / np.sqrt(s + 0.3)) @ U.T
    np.testing.assert_allclose(whitening.components_, C, atol=1e-10)
    np.testing.assert_allclose(whitening.explained_variance_, s[::-1])
    np.testing.assert_allclose(whitening.mean_, X.mean(axis=0))
    np.testing.assert_allclose(whitening.transform(X), (X - X.mean(axis=0)) @ C, atol=1e-10)


def test_no_other_whitening_changes_the_data_less():
    """ZCA against PCA, and against rotations of itself."""
    X = correlated()
    centred = X - X.mean(axis=0)
    zca = ZCAWhitening(epsilon=0).fit_transform(X)
    distance = ((zca - centred) ** 2).sum()
    assert distance < ((PCA(whiten=True).fit_transform(X) - centred) ** 2).sum()
    for seed in range(5):
        rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))
        assert distance < ((zca @ rotation - centred) ** 2).sum()


def test_equals_pca_rotated_back():
    X = correlated()
    pca = PCA(whiten=True).fit(X)
    rotated = pca.transform(X) @ pca.components_ * np.sqrt(len(X) / (len(X) - 1))
    np.testing.assert_allclose(ZCAWhitening(epsilon=0).fit_transform(X), rotated, atol=1e-8)


@pytest.mark.parametrize("n_components", [1, 3, 6, 0.5, 0.9, 0.9999])
def test_directions_of_most_variance_are_kept(n_components):
    X = correlated()
    whitening = ZCAWhitening(epsilon=0, n_components=n_components).fit(X)
    kept = PCA(n_components if n_components != 6 else None).fit(X).n_components_
    assert whitening.n_components_ == kept
    white = whitening.transform(X)
    assert white.shape == X.shape
    variances = np.linalg.eigvalsh(np.cov(white.T, bias=True))
    np.testing.assert_allclose(variances, [0] * (6 - kept) + [1] * kept, atol=1e-10)


@pytest.mark.parametrize("epsilon", [0, 0.1, 10])
def test_inverse(epsilon):
    X = correlated()
    whitening = ZCAWhitening(epsilon=epsilon).fit(X)
    np.testing.assert_allclose(whitening.inverse_transform(whitening.transform(X)), X, atol=1e-8)


def test_inverse_without_the_directions_left_out():
    X = correlated()
    whitening = ZCAWhitening(epsilon=0.1, n_components=2).fit(X)
    pca = PCA(2).fit(X)
    np.testing.assert_allclose(
        whitening.inverse_transform(whitening.transform(X)),
        pca.inverse_transform(pca.transform(X)),
        atol=1e-8,
    )


@pytest.mark.parametrize("epsilon", [0, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_without_variance(epsilon, dtype):
    """A constant feature, and one that is another's copy, give no division by zero."""
    X = correlated(dtype=dtype)
    X[:, 2], X[:, 4] = 0.1, X[:, 1]
    whitening = ZCAWhitening(epsilon=epsilon).fit(X)
    white = whitening.transform(X)
    assert np.isfinite(white).all()
    assert np.abs(white).max() < 20
    np.testing.assert_allclose(white[:, 2], 0, atol=1e-4)
    back = whitening.inverse_transform(white)
    np.testing.assert_allclose(back, X, atol=1e-3)
    assert not ZCAWhitening(epsilon=epsilon).fit_transform(np.full((5, 3), dtype(0.1))).any()


def test_many_rows_are_taken_block_by_block():
    X = np.tile(correlated(3000), (4, 1))
    np.testing.assert_allclose(
        ZCAWhitening().fit(X).components_, ZCAWhitening().fit(X[:3000]).components_, atol=1e-10
    )


@pytest.mark.parametrize(
    ("settings", "X", "message"),
    [
        ({}, np.ones((1, 3)), "minimum of 2"),
        ({"n_components": 7}, np.ones((9, 6)), "n_components=7.*6 features"),
        ({"n_components": 1.5}, np.ones((9, 6)), "n_components"),
        ({"epsilon": -1}, np.ones((9, 6)), "epsilon"),
        ({}, np.full((9, 6), np.nan), "NaN"),
    ],
)
def test_wrong_settings(settings, X, message):
    with pytest.raises(ValueError, match=message):
        ZCAWhitening(**settings).fit(X)


def test_inverse_of_other_shapes():
    with pytest.raises(ValueError, match="5 features.*6"):
        ZCAWhitening().fit(correlated()).inverse_transform(np.ones((2, 5)))
