"""Whitening of patches and of whole images."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import fft
from sklearn.decomposition import PCA

from striate import ImageWhitening, ZCAWhitening

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


def pink(shape, seed=0):
    """Noise with the amplitude 1/f of natural scenes."""
    noise = fft.fft2(np.random.default_rng(seed).normal(size=shape))
    r = np.hypot(fft.fftfreq(shape[0])[:, None], fft.fftfreq(shape[1]))
    r[0, 0] = np.inf
    return fft.ifft2(noise / r).real


def power_by_frequency(image, edges):
    """Mean power of an image (h, w) in rings of the frequency plane."""
    power = np.abs(fft.fft2(image - image.mean())) ** 2
    r = np.hypot(fft.fftfreq(image.shape[0])[:, None], fft.fftfreq(image.shape[1]))
    rings = pairwise(edges)
    return np.array([power[(r >= lo) & (r < hi)].mean() for lo, hi in rings])


def test_the_spectrum_of_natural_scenes_is_flattened():
    image = pink((192, 256))
    (white,) = ImageWhitening().transform([image])
    edges = np.array([0.03, 0.06, 0.1, 0.15, 0.2])
    before, after = (power_by_frequency(i, edges) for i in (image, white[..., 0]))
    assert before.max() / before.min() > 10
    assert after.max() / after.min() < 1.5
    finest = power_by_frequency(white[..., 0], np.array([0.55, 0.7]))
    assert finest < 0.02 * after.min()  # noise is not amplified


def test_cutoff():
    image = pink((128, 128))
    edges = np.array([0.05, 0.1, 0.3, 0.4])
    for cutoff, smooth in [(0.1, True), (0.8, False)]:
        (white,) = ImageWhitening(cutoff=cutoff).transform([image])
        coarse, _, fine = power_by_frequency(white[..., 0], edges)
        assert (fine < 0.01 * coarse) == smooth


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1), (40, 50, 3), (40, 50, 5), (3, 7), (9, 2)])
def test_mean_0_and_variance_1_of_each_channel(shape):
    image = 5 + 3 * np.random.default_rng(0).random(shape)
    (white,) = ImageWhitening().transform([image])
    assert white.shape == (*shape[:2], shape[2] if len(shape) > 2 else 1)
    np.testing.assert_allclose(white.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(white.std(axis=(0, 1)), 1, atol=1e-5)


def test_channels_are_whitened_each_for_itself():
    image = np.stack([pink((32, 40), seed) for seed in range(3)], axis=-1)
    (white,) = ImageWhitening().transform([image])
    for c in range(3):
        (alone,) = ImageWhitening().transform([image[..., c]])
        np.testing.assert_allclose(white[..., c], alone[..., 0], atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 200.0])
@pytest.mark.parametrize("shape", [(30, 40), (1, 1), (1, 9), (16, 16, 3)])
def test_a_channel_of_one_value_becomes_zeros(shape, value):
    for dtype in (np.float32, np.float64):
        (white,) = ImageWhitening().transform([np.full(shape, value, dtype)])
        assert not white.any()


def test_one_constant_channel_beside_others():
    image = np.random.default_rng(0).random((20, 20, 3))
    image[..., 1] = 0.4
    (white,) = ImageWhitening().transform([image])
    assert not white[..., 1].any()
    np.testing.assert_allclose(white[..., [0, 2]].std(axis=(0, 1)), 1, atol=1e-5)


def test_a_faint_image_is_not_taken_for_a_constant_one():
    image = 0.5 + 1e-3 * pink((32, 32)) / pink((32, 32)).std()
    (white,) = ImageWhitening().transform([image])
    np.testing.assert_allclose(white.std(), 1, atol=1e-3)


def test_what_comes_in_comes_out():
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), dtype=np.uint8)
    white = ImageWhitening().fit_transform(images)
    assert isinstance(white, np.ndarray)
    assert white.shape == images.shape
    as_list = ImageWhitening().transform(list(images))
    assert isinstance(as_list, list)
    np.testing.assert_array_equal(as_list, white)
    several = ImageWhitening().transform([images[0], images[1, :10]])
    assert [image.shape for image in several] == [(20, 24, 3), (10, 24, 3)]


def test_precision():
    for dtype in (np.float32, np.float64):
        (white,) = ImageWhitening().transform([pink((16, 16)).astype(dtype)])
        assert white.dtype == dtype


def test_wrong_images():
    whitening = ImageWhitening()
    with pytest.raises(ValueError, match="empty"):
        whitening.transform([])
    with pytest.raises(ValueError, match="image 1.*NaN"):
        whitening.transform([np.ones((4, 4)), np.full((4, 4), np.nan)])
    with pytest.raises(ValueError, match="cutoff"):
        ImageWhitening(cutoff=0).fit([np.ones((4, 4))])
