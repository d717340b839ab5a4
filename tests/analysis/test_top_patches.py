"""The patches that excite each unit most."""

import numpy as np
import pytest

from striate import DictionaryEncoder, PatchFeatures, SparseAutoencoder
from striate.analysis.top_patches import top_patches
from striate.files.image_collection import ImageCollection

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def images():
    return ImageCollection(np.random.default_rng(0).random((20, 12, 12, 3)))


@pytest.mark.parametrize(
    "encoder",
    [
        SparseAutoencoder(5, max_iter=3, random_state=0),
        DictionaryEncoder(5, encoding="soft_threshold", dictionary="patches", random_state=0),
    ],
)
def test_top_patches_are_those_that_excite_most(images, encoder):
    features = PatchFeatures(encoder, patch_size=4, n_patches=200, random_state=0).fit(images)
    found = top_patches(features, images, n_top=3, n_patches=400)
    assert found.patches.shape == (5, 3, 4, 4, 3)
    assert found.n_patches >= 400
    one = top_patches(features, images, n_top=1, n_patches=400)
    np.testing.assert_array_equal(one.patches, found.patches[:, :1])
    # A unit's answer to its own patch, the whole of a small image, is the one that was kept.
    whole = PatchFeatures(
        encoder, patch_size=4, n_patches=200, pool_grid=(1, 1), random_state=0
    ).fit(images)
    for unit in range(5):
        answers = whole.transform(found.patches[unit])[:, unit]
        np.testing.assert_allclose(answers, found.activations[unit], atol=1e-5)
        assert (np.diff(found.activations[unit]) <= 0).all()
