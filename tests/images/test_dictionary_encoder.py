"""Dictionary encoders beside their formulas, and inside the fused pass of `PatchFeatures`."""

from itertools import product

import numpy as np
import pytest
from all_pairs import all_pairs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from striate import DictionaryEncoder, PatchFeatures, SparseAutoencoder, ZCAWhitening

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
PATCHES = RNG.normal(size=(600, 12)) @ RNG.normal(size=(12, 12))
IMAGES = RNG.random((5, 20, 17, 3))
DICTIONARIES = ("kmeans", "omp1", "patches", "random")
ENCODINGS = ("triangle", "soft_threshold", "hard")


@parametrize_with_checks(
    [
        DictionaryEncoder(3, random_state=0),
        DictionaryEncoder(3, dictionary="omp1", encoding="soft_threshold", random_state=0),
    ]
)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [
        DictionaryEncoder(3, dictionary="patches", encoding="hard", random_state=0),
        DictionaryEncoder(3, dictionary="random", random_state=0),
    ]
)
def test_scikit_learn_of_variants(estimator, check):
    check(estimator)


def encoded(encoder, X):
    """By the formulas of the papers."""
    W = encoder.components_
    if encoder.encoding == "soft_threshold":
        z = X @ (W / np.linalg.norm(W, axis=1, keepdims=True)).T
        return np.maximum(np.hstack([z, -z]) - encoder.threshold, 0)
    distances = np.linalg.norm(X[:, np.newaxis] - W, axis=2)
    if encoder.encoding == "hard":
        return np.eye(len(W))[distances.argmin(axis=1)]
    return np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)


@pytest.mark.parametrize(
    ("n_components", "dictionary", "encoding"),
    all_pairs(product((1, 2, 15, 16, 37, 64, 150), DICTIONARIES, ENCODINGS)),
)
def test_encodings_are_their_formulas(n_components, dictionary, encoding):
    encoder = DictionaryEncoder(
        n_components, dictionary=dictionary, encoding=encoding, random_state=0
    ).fit(PATCHES)
    got = encoder.transform(PATCHES)
    np.testing.assert_allclose(got, encoded(encoder, PATCHES), atol=2e-7)
    assert got.shape[1] == len(encoder.get_feature_names_out())
    single = encoder.transform(PATCHES.astype(np.float32))
    assert single.dtype == np.float32
    if encoding != "hard":
        np.testing.assert_allclose(single, got, atol=2e-2)


@pytest.mark.parametrize("twin", [1, 63, 64, 65, 128, 200])
def test_the_first_of_equally_near_atoms_counts(twin):
    encoder = DictionaryEncoder(201, encoding="hard", random_state=0).fit(PATCHES)
    encoder.components_[twin] = encoder.components_[0] = PATCHES[0]
    codes = encoder.transform(PATCHES[:1].repeat(3, axis=0))
    np.testing.assert_array_equal(codes, np.eye(1, 201).repeat(3, axis=0))


def test_omp1_improves_and_ends_where_it_should():
    """Each atom is the leading direction of its patches, and the residual falls in every pass."""
    residuals = []
    for n_passes in (1, 2, 5, 20):
        encoder = DictionaryEncoder(
            8, dictionary="omp1", encoding="soft_threshold", max_iter=n_passes, random_state=0
        ).fit(PATCHES)
        z = PATCHES @ encoder.components_.T
        residuals.append(np.sum(PATCHES**2) - np.sum(np.abs(z).max(axis=1) ** 2))
    assert residuals == sorted(residuals, reverse=True)
    np.testing.assert_allclose(np.linalg.norm(encoder.components_, axis=1), 1)
    best = np.abs(z).argmax(axis=1)
    signs = z[np.arange(len(z)), best]
    for j in range(8):
        total = (signs[best == j, np.newaxis] * PATCHES[best == j]).sum(axis=0)
        assert encoder.components_[j] @ total / np.linalg.norm(total) > 0.99


def test_omp1_finds_planted_directions():
    planted = np.linalg.qr(RNG.normal(size=(10, 10)))[0][:4]
    which, gains = RNG.integers(4, size=800), RNG.normal(0, 3, 800)
    X = gains[:, np.newaxis] * planted[which] + RNG.normal(0, 0.01, (800, 10))
    encoder = DictionaryEncoder(12, dictionary="omp1", random_state=0).fit(X)
    assert np.abs(planted @ encoder.components_.T).max(axis=1).min() > 0.999


@pytest.mark.parametrize("dictionary", DICTIONARIES)
def test_the_seed_decides(dictionary):
    settings = {"n_components": 9, "dictionary": dictionary}
    one, again, other = (
        DictionaryEncoder(**settings, random_state=seed).fit(PATCHES).components_
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("dictionary", ["kmeans", "omp1", "patches"])
def test_too_few_patches(dictionary):
    with pytest.raises(ValueError, match=r"n_components=9.*n_samples=8 patches: choose fewer"):
        DictionaryEncoder(9, dictionary=dictionary).fit(PATCHES[:8])


def test_fewer_distinct_patches_than_atoms():
    X = np.repeat(PATCHES[:3], 5, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"n_clusters \(6\)"):
        DictionaryEncoder(6, random_state=0).fit(X)


@pytest.mark.parametrize("dictionary", DICTIONARIES)
def test_constant_patches(dictionary):
    """Nothing to learn, and nothing to divide by."""
    X = np.zeros((30, 4))
    encoder = DictionaryEncoder(1, dictionary=dictionary, encoding="soft_threshold").fit(X)
    assert not encoder.transform(X).any()


# --- in the fused pass ----------------------------------------------------------------------


class General(TransformerMixin, BaseEstimator):
    """The same encoder without `as_encoding`, so that the general pass is used."""

    def __init__(self, encoder):
        self.encoder = encoder

    def fit(self, X, y=None):
        self.fitted_ = self.encoder.fit(X)
        return self

    def transform(self, X):
        return self.fitted_.transform(X)


POOLED = [
    {},
    {"pool_grid": [(1, 1), (2, 3)], "flips": True, "pooling": "max"},
    {"pool_size": (5, 4), "pooling": "sum", "signed_sqrt": True, "stride": 2},
]
WHITENINGS = [None, ZCAWhitening(0.1), ZCAWhitening(0.1, n_components=20)]


@pytest.mark.parametrize(
    ("encoding", "whitening", "settings"), all_pairs(product(ENCODINGS, WHITENINGS, POOLED))
)
def test_the_fused_pass_is_the_general_one(encoding, whitening, settings):
    encoder = DictionaryEncoder(30, dictionary="omp1", encoding=encoding, random_state=0)
    settings = {"patch_size": (4, 5), "n_patches": 400, "whitening": whitening, **settings}
    features = [
        PatchFeatures(each, random_state=0, **settings).fit(IMAGES)
        for each in (encoder, General(encoder))
    ]
    got, expected = (each.transform(IMAGES) for each in features)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(got, expected, atol=1e-6 * scale)
    assert got.shape[1] == len(features[0].get_feature_names_out())
    assert features[0].filters_.shape == (30, 4, 5, 3)


def test_mirror_images_have_the_same_features():
    encoder = DictionaryEncoder(20, random_state=0)
    features = PatchFeatures(encoder, n_patches=400, flips=True, random_state=0).fit(IMAGES)
    np.testing.assert_allclose(
        features.transform(IMAGES), features.transform(IMAGES[:, :, ::-1]), rtol=1e-9
    )


@pytest.mark.parametrize("pooling", ["mean", "max", "sum"])
def test_flips_pool_the_two_views(pooling):
    encoder = SparseAutoencoder(6, max_iter=3, random_state=0)
    one = PatchFeatures(encoder, n_patches=400, pooling=pooling, random_state=0).fit(IMAGES)
    views = np.stack([one.transform(IMAGES), one.transform(IMAGES[:, :, ::-1])])
    expected = {"mean": np.mean, "max": np.max, "sum": np.sum}[pooling](views, axis=0)
    np.testing.assert_allclose(one.set_params(flips=True).transform(IMAGES), expected)


def test_images_of_other_numbers_of_windows():
    encoder = DictionaryEncoder(5, random_state=0)
    features = PatchFeatures(encoder, n_patches=99, pool_size=4, random_state=0).fit(IMAGES)
    with pytest.raises(ValueError, match=r"image 0: has 8 cells of pool_size=4.*had 12.*pool_grid"):
        features.transform(IMAGES[:, :, :12])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool_grid": []}, "pool_grid is an empty list"),
        ({"pool_grid": [(1, 1), (0, 2)]}, "pool_grid must be two positive integers"),
        ({"pool_size": (2, 0)}, "pool_size must be two positive integers"),
        ({"contrast_floor": 0}, "contrast_floor"),
        ({"flips": 2}, "flips"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        PatchFeatures(DictionaryEncoder(5), n_patches=99, **settings).fit_transform(IMAGES)
