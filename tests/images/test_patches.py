"""Patches: where they are sampled, and how they are normalized."""

import numpy as np
import pytest
import textbook
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.files.image_collection import ImageCollection
from striate.images.patches import CONTRAST_FLOOR, NORMALIZATIONS, normalize_patches, sample_patches


def sample(images, size, n, seed=0):
    return sample_patches(ImageCollection(images), size, n, np.random.RandomState(seed))


def test_patches_come_from_every_place_of_every_image_alike():
    """Each pixel holds its own place, so that a patch tells where it lies."""
    images = np.arange(3 * 6 * 7, dtype=np.float64).reshape(3, 6, 7)
    n_places = 3 * 5 * 5
    n = 200 * n_places
    corners = sample(images, (2, 3), n)[:, 0]
    places, counts = np.unique(corners, return_counts=True)
    expected = images[:, :5, :5].ravel()
    np.testing.assert_array_equal(places, expected)
    # counts are binomial: chi-squared has mean n_places - 1 and variance 2 (n_places - 1)
    chi_squared = ((counts - 200) ** 2 / 200).sum()
    assert abs(chi_squared - (n_places - 1)) < 4 * np.sqrt(2 * (n_places - 1))


@given(
    patch=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    beyond=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    channels=st.sampled_from([1, 3, 5]),
    seed=st.integers(0, 999),
)
@settings(deadline=None, max_examples=40)
def test_a_patch_is_a_rectangle_of_an_image(patch, beyond, channels, seed):
    shape = (2, patch[0] + beyond[0], patch[1] + beyond[1], channels)
    images = np.random.default_rng(seed).random(shape).astype(np.float32)
    windows = {
        image[y : y + patch[0], x : x + patch[1]].tobytes()
        for image in images
        for y in range(beyond[0] + 1)
        for x in range(beyond[1] + 1)
    }
    patches = sample(images, patch, 20, seed)
    assert patches.shape == (20, patch[0] * patch[1] * channels)
    assert patches.dtype == np.float32
    assert all(row.tobytes() in windows for row in patches)


def test_images_of_several_sizes_count_alike():
    images = [np.zeros((40, 40)), np.ones((4, 5))]
    assert sample(images, (4, 4), 2000).mean() == pytest.approx(0.5, abs=0.05)


def test_each_image_is_read_once():
    class Counting(ImageCollection):
        reads = 0

        def __getitem__(self, index):
            Counting.reads += 1
            return super().__getitem__(index)

    collection = Counting(np.zeros((5, 8, 8)))
    sample_patches(collection, (3, 3), 200, np.random.RandomState(0))
    assert Counting.reads == 5


def test_a_seed_gives_the_same_patches():
    images = np.random.default_rng(0).random((4, 9, 9))
    np.testing.assert_array_equal(sample(images, (3, 3), 50, 1), sample(images, (3, 3), 50, 1))
    assert not np.array_equal(sample(images, (3, 3), 50, 1), sample(images, (3, 3), 50, 2))


def test_an_image_smaller_than_the_patch_is_named():
    images = [np.zeros((9, 9)), np.zeros((9, 3))]
    with pytest.raises(ValueError, match="image 1: is 9 x 3 pixels.*4 x 4.*patch_size"):
        sample(images, (4, 4), 100)


@pytest.mark.parametrize("how", [True, "mean", False])
@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("n", [1, 2, 7, 192])
def test_normalize(how, dtype, tol, n):
    patches = np.random.default_rng(0).random((30, n)).astype(dtype)
    patches[3] = 0.5  # of one value
    patches[4] *= 1e-3  # faint
    expected = [textbook.normalize(patch.astype(float), how) for patch in patches]
    normalize_patches(patches, NORMALIZATIONS[how], CONTRAST_FLOOR)
    assert patches.dtype == dtype
    np.testing.assert_allclose(patches, expected, rtol=tol, atol=tol)


@given(value=st.floats(0, 1, width=32), n=st.integers(1, 300), how=st.sampled_from([True, "mean"]))
@settings(deadline=None)
def test_a_constant_patch_is_normalized_to_nothing(value, n, how):
    for dtype in (np.float32, np.float64):
        patches = np.full((1, n), value, dtype=dtype)
        normalize_patches(patches, NORMALIZATIONS[how], CONTRAST_FLOOR)
        # The mean is off by rounding, which the division by √floor = 1/80 makes 80 times larger.
        np.testing.assert_allclose(patches, 0, atol=100 * n * np.finfo(dtype).eps)
