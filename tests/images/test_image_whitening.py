"""Whitening of whole images: what it does to their spectrum."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import fft

from striate import ImageWhitening


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


def test_the_filter_is_the_stated_one():
    """Waves that the mirrored borders continue: r exp(-(r / cutoff)^4) gives their amplitudes."""
    x, waves = np.arange(64) + 0.5, np.array([16, 48])  # half waves in the image
    image = np.tile(np.cos(np.pi / 64 * np.outer(waves, x)).sum(axis=0), (64, 1))
    (white,) = ImageWhitening(cutoff=0.4).transform([image])
    coarse, fine = fft.dct(white[0, :, 0])[waves]
    r = waves / 128
    expected = r * np.exp(-((r / 0.4) ** 4))
    assert coarse / fine == pytest.approx(expected[0] / expected[1], rel=1e-6)


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
