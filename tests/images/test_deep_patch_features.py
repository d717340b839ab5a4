"""DeepPatchFeatures: layers of features, beside loops over patches, windows and cells."""

import numpy as np
import pytest
import textbook
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from same_bits import assert_same_bits
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_limits

from striate import (
    Checkpoint,
    DeepPatchFeatures,
    DictionaryEncoder,
    PatchFeatures,
    ZCAWhitening,
)
from striate.analysis.top_patches import top_patches
from striate.files.image_collection import ImageCollection
from striate.images import layer_pooling

SOFT = DictionaryEncoder(6, dictionary="omp1", encoding="soft_threshold", random_state=0)
PATCHES = {"n_patches": 300, "random_state": 0, "pool_grid": (2, 2)}


def images_of(n=6, shape=(20, 23), dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / 4
    waves = [np.sin(rng.normal() * y + rng.normal() * x + rng.normal()) for _ in range(n)]
    images = np.reshape(waves, (n, *shape[:2], *[1] * (len(shape) - 2))) / 4 + 0.5
    return (images + 0.1 * rng.random((n, *shape))).astype(dtype)


def two_layers(first=(), second=(), **params):
    first = PatchFeatures(**{"encoder": SOFT, "patch_size": 4, **PATCHES, **dict(first)})
    whitening = ZCAWhitening(1.0)
    second = {"encoder": SOFT, "patch_size": 2, "whitening": whitening, **PATCHES, **dict(second)}
    return DeepPatchFeatures(
        [first, PatchFeatures(**second)], **{"n_channels": 5, "random_state": 0, **params}
    )


def codes_by_loops(layer, image):
    def encode(patches):
        return layer.encoder_.transform(layer.whitening_.transform(patches))

    return textbook.convolve(image, layer.patch_shape_[:2], layer.stride, layer.normalize, encode)


def rooted(values, layer):
    return np.sign(values) * np.sqrt(np.abs(values)) if layer.signed_sqrt else values


def map_by_loops(features, number, codes):
    """The map of a layer's codes: windows one after the other."""
    layer, size = features.layers_[number], features.map_pool_sizes_[number]
    reduce = np.max if layer.pooling == "max" else np.mean
    rows, columns = (range(0, n, size) for n in codes.shape[:2])
    windows = [
        [reduce(codes[y : y + size, x : x + size], axis=(0, 1)) for x in columns] for y in rows
    ]
    channels = features.channels_[number]
    projected = (rooted(np.array(windows), layer) - channels.mean_) @ channels.components_
    return projected * 0.25 / np.sqrt(np.mean(channels.explained_variance_))


def by_loops(features, image):
    views = [image.reshape(*image.shape[:2], -1)]
    if features.layers_[0].flips:
        views.append(views[0][:, ::-1])
    row = []
    for number, layer in enumerate(features.layers_):
        codes = [codes_by_loops(layer, view) for view in views]
        pooled = [textbook.pool(each, layer.pool_grid, layer.pooling) for each in codes]
        combine = {"mean": np.mean, "max": np.max, "sum": np.sum}[layer.pooling]
        row.append(rooted(combine(pooled, axis=0), layer).ravel())
        if number + 1 < len(features.layers_):
            views = [map_by_loops(features, number, each) for each in codes]
    return np.concatenate(row)


@pytest.fixture(scope="module")
def fitted():
    """On grey images of 20 x 23."""
    return two_layers().fit(images_of())


WAYS = [
    ({}, {}, {}),
    ({"flips": True, "signed_sqrt": True, "pooling": "sum"}, {"flips": True}, {}),
    ({"pooling": "max"}, {"pooling": "max", "pool_grid": (1, 2)}, {"map_pool_size": 4}),
    ({"stride": 2, "pool_grid": (3, 2)}, {"patch_size": (1, 2)}, {"map_pool_size": 2}),
    ({"pooling": "sum"}, {"pooling": "sum", "normalize": "mean"}, {"map_pool_size": [5]}),
    ({"patch_size": (3, 5)}, {"stride": 2}, {"n_channels": [50], "map_pool_size": 1}),
    ({"encoder": DictionaryEncoder(7, random_state=0)}, {"encoder": PCA(3)}, {}),
]


@pytest.mark.parametrize("shape", [(20, 23), (23, 21, 3)])
@pytest.mark.parametrize("way", WAYS)
def test_features_are_those_of_loops(way, shape):
    first, second, params = way
    images = images_of(3, shape)
    features = two_layers(first, second, **params).fit(images)
    found = features.transform(images)
    assert found.dtype == np.float64
    assert found.shape[1] == len(features.get_feature_names_out())
    expected = [by_loops(features, image) for image in images]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.long
def test_three_layers_are_those_of_loops():
    images = images_of(3, (24, 22))
    layers = [*two_layers().layers, PatchFeatures(SOFT, patch_size=2, **PATCHES)]
    features = DeepPatchFeatures(layers, map_pool_size=[2, 1], n_channels=[4, 3], random_state=0)
    found = features.fit_transform(images)
    expected = [by_loops(features, image) for image in images]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert [each.stop - each.start for each in features.layer_slices_] == [48, 48, 48]


def test_one_layer_is_the_same_as_patch_features():
    images = images_of(dtype=np.float32)
    layer = two_layers().layers[0]
    features = DeepPatchFeatures([layer], random_state=0).fit(images)
    np.testing.assert_array_equal(features.transform(images), layer.fit_transform(images))


def test_a_layer_learns_from_maps_as_from_images(fitted):
    maps = list(fitted.layer_input(images_of(), 1))
    alone = clone(fitted.layers[1]).fit(maps)
    assert_same_bits(alone, fitted.layers_[1])
    np.testing.assert_allclose(
        alone.transform(maps), fitted.transform(images_of())[:, fitted.layer_slices_[1]], rtol=1e-9
    )


def test_channels_are_uncorrelated_and_as_variable_as_pixels(fitted):
    maps = np.concatenate([each.reshape(-1, 5) for each in fitted.layer_input(images_of(), 1)])
    covariance = np.cov(maps.T)
    assert np.trace(covariance) / 5 == pytest.approx(1 / 16, rel=0.1)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.1 * covariance[0, 0]


# --- the same bits --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_threads_gives_the_same_bits(dtype):
    images = images_of(9, dtype=dtype)
    features = two_layers(max_images=7)
    with threadpool_limits(1):
        one = clone(features).fit(images)
        expected = one.transform(images)
    many = clone(features).fit(images)
    assert_same_bits(many, one)
    np.testing.assert_array_equal(many.transform(images), expected)
    single = [many.transform(images[i : i + 1])[0] for i in range(9)]
    np.testing.assert_array_equal(single, expected)


def test_large_images_are_computed_in_bands(fitted, monkeypatch):
    images = images_of()
    expected = fitted.transform(images), list(fitted.layer_input(images, 1))
    monkeypatch.setattr(layer_pooling, "_BAND_BYTES", 1)
    found = fitted.transform(images), list(fitted.layer_input(images, 1))
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-9, atol=1e-12)


def test_the_seed_decides_which_images_are_learned_from():
    images = images_of(12)
    same, other = (two_layers(max_images=4, random_state=seed).fit(images) for seed in (0, 1))
    assert_same_bits(two_layers(max_images=4).fit(images), same)
    assert not np.array_equal(same.channels_[0].mean_, other.channels_[0].mean_)


def test_an_interrupted_fit_continues(tmp_path):
    images = images_of()
    expected = two_layers().fit(images)
    for _ in range(2):
        features = two_layers()
        features.set_callbacks(Checkpoint(tmp_path / "fit.skops"))
        assert_same_bits(features.fit(images), expected)


# --- images ---------------------------------------------------------------------------------


def test_files_and_folders_are_taken_as_arrays_are(tmp_path):
    images = (255 * images_of().clip(0, 1)).astype(np.uint8)
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    expected = two_layers().fit(images)
    found = two_layers().fit(tmp_path)
    assert_same_bits(found, expected)
    np.testing.assert_array_equal(found.transform(str(tmp_path)), expected.transform(images))


def test_sixteen_bits_are_scaled_by_what_is_used_of_them():
    images = (1023 * images_of().clip(0, 1)).astype(np.uint16)
    features = two_layers().fit(images)
    assert features.used_range_[1] < 0.1
    scaled = (images / np.float32(65535)).astype(np.float32)
    low, high = features.used_range_
    expected = two_layers().fit((scaled - np.float32(low)) / np.float32(high - low))
    np.testing.assert_allclose(
        features.transform(images)[:, features.layer_slices_[1]],
        expected.transform((scaled - low) / (high - low))[:, features.layer_slices_[1]],
        atol=1e-3,
    )


@pytest.mark.long
def test_images_of_several_sizes():
    images = [*images_of(3), *images_of(3, (31, 18), seed=1)]
    features = two_layers().fit(images)
    found = features.transform(images)
    expected = [by_loops(features, image) for image in images]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_mirror_images_have_the_same_features():
    images = images_of()
    flips = {"flips": True, "pool_grid": (2, 1)}
    features = two_layers(flips, flips).fit(images)
    found, mirrored = (features.transform(each) for each in (images, images[:, :, ::-1]))
    np.testing.assert_allclose(found, mirrored, rtol=1e-9, atol=1e-12)


class Blank(TransformerMixin, BaseEstimator):
    """A transformer that needs no training and keeps what it is given."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X


@pytest.mark.filterwarnings("ignore:each patch is of one grey")
@given(
    sizes=st.tuples(*[st.integers(1, 3)] * 6),
    cells=st.tuples(*[st.integers(1, 3)] * 2),
)
@settings(deadline=None, max_examples=25)
def test_the_smallest_image_is_large_enough_and_no_smaller_one_is(sizes, cells):
    patch, stride, window, patch_above, stride_above, n_images = sizes
    common = {"n_patches": 20, "random_state": 0, "whitening": None, "normalize": False}
    features = DeepPatchFeatures(
        [
            PatchFeatures(
                Blank(), patch_size=patch, stride=stride, pool_grid=(cells[0], 1), **common
            ),
            PatchFeatures(
                Blank(), patch_size=patch_above, stride=stride_above, pool_grid=(1, cells[1]),
                **common,
            ),
        ],
        map_pool_size=window,
        random_state=0,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    height, width = features.smallest_image()
    images = rng.random((n_images, height + 9, width + 9))
    features.fit(images)
    height, width = features.min_image_size_
    assert features.transform(rng.random((1, height, width))).shape[0] == 1
    assume(height > 1)
    with pytest.raises(ValueError, match="smaller than a patch|fewer than the cells"):
        features.transform(rng.random((1, height - 1, width)))


# --- what excites the units -----------------------------------------------------------------


def test_the_pieces_that_excite_a_unit_are_what_it_sees(fitted):
    images = ImageCollection(images_of(), dtype=np.float64)
    found = top_patches(fitted, images, n_top=3, n_patches=300, layer=1)
    # A patch of 2 x 2 map pixels: windows of 6 positions, which see 9 pixels.
    assert found.patches.shape == (6, 3, 9, 9, 1)
    assert (np.diff(found.activations, axis=1) <= 0).all()
    layer = fitted.layers_[1]
    for unit in range(6):
        for k in range(3):
            (seen,) = fitted.layer_input(found.patches[unit, k : k + 1], 1)
            assert seen.shape == (2, 2, 5)
            code = layer.patch_encoder_.transform(seen.reshape(1, -1))[0, unit]
            # Pieces at the border are filled up, where their last window is smaller.
            same = code == pytest.approx(found.activations[unit, k], abs=1e-9)
            assert same or fills_up(found.patches[unit, k])


def test_pieces_are_of_different_images_if_there_are_enough(fitted):
    images = ImageCollection(images_of(), dtype=np.float64)
    found = top_patches(fitted, images, n_top=6, n_patches=600, layer=1)
    first_pixels = found.patches[:, :, 0, 0, 0]  # all of them differ, so that one tells the image
    for values in first_pixels:
        assert {i for i in range(6) if np.isin(values, images[i]).any()} == {*range(6)}
    found = top_patches(fitted, images, n_top=7, n_patches=600, layer=1)
    assert found.patches.shape[1] == 7


def fills_up(piece):
    """Whether the last rows or columns of a piece repeat."""
    return (piece[-1] == piece[-2]).all() or (piece[:, -1] == piece[:, -2]).all()


def test_the_first_layer_of_several_is_looked_at_as_a_single_one(fitted):
    images = ImageCollection(images_of(), dtype=np.float64)
    found, alone = (
        top_patches(each, images, n_top=2, n_patches=200) for each in (fitted, fitted.layers_[0])
    )
    np.testing.assert_array_equal(found.patches, alone.patches)
    np.testing.assert_array_equal(fitted.filters_, fitted.layers_[0].filters_)


# --- scikit-learn's ways, and errors --------------------------------------------------------


def test_names_and_frames(fitted):
    pd = pytest.importorskip("pandas")
    frame = clone(fitted).set_output(transform="pandas").fit_transform(images_of())
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns[[0, -1]]) == ["deeppatchfeatures0", "deeppatchfeatures95"]


@pytest.mark.long
def test_the_default_is_two_layers_of_dictionaries():
    images = images_of(40, (24, 24), np.float32)
    features = DeepPatchFeatures(random_state=0)
    layers = features.fit(images).layers_
    assert [len(layer.encoder_.components_) for layer in layers] == [400, 400]
    assert features.layers is None
    assert features.channels_[0].n_components_ == 64
    assert features.transform(images).shape == (40, 2 * 9 * 800)


def test_not_fitted():
    features = two_layers()
    for access in (
        lambda: features.transform(images_of()),
        lambda: features.min_image_size_,
        lambda: features.layer_slices_,
        lambda: features.layer_input(images_of(), 1),
    ):
        with pytest.raises(NotFittedError):
            access()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layers": []}, "layers is empty: give at least one"),
        ({"layers": [PCA()]}, r"layers\[0\] must be a PatchFeatures, got PCA"),
        (
            {"map_pool_size": [3, 3]},
            r"map_pool_size must be a positive integer, or a list of 1 for",
        ),
        ({"map_pool_size": [0]}, r"map_pool_size must be a positive integer"),
        ({"map_pool_size": 0}, "The 'map_pool_size' parameter"),
        ({"n_channels": [4, 4]}, "n_channels must be a positive integer, or a list of 1"),
        ({"max_images": 0}, "The 'max_images' parameter"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        two_layers().set_params(**params).fit(images_of())


def test_layers_that_do_not_fit_each_other():
    with pytest.raises(
        ValueError, match=r"layers\[1\] has flips=False, and layers\[0\] has flips="
    ):
        two_layers({"flips": True}).fit(images_of())
    with pytest.raises(ValueError, match="The 'n_patches' parameter of PatchFeatures"):
        two_layers({}, {"n_patches": 1}).fit(images_of())


def test_maps_smaller_than_a_patch_of_the_next_layer(tmp_path):
    small = images_of(shape=(6, 20))
    with pytest.raises(
        ValueError, match="image 0: is 6 x 20 pixels, but a patch of layer 2 needs 7 x 7"
    ):
        two_layers().fit(small)
    features = two_layers().fit(images_of())
    with pytest.raises(
        ValueError, match=r"image 0, map of layer 1: is 1 x 6 pixels, smaller than a"
    ):
        features.transform(small)
    with pytest.raises(ValueError, match="image 1, map of layer 1: is 1 x"):
        two_layers().fit([images_of()[0], small[0]])
    with pytest.raises(ValueError, match="map of layer 1: has 1 x 5 positions for a patch, fewer"):
        features.transform(images_of(shape=(9, 20)))


def test_images_without_structure():
    with (
        pytest.warns(UserWarning, match="each patch is of one grey"),
        pytest.raises(ValueError, match="layer 1 gives the same codes everywhere"),
    ):
        two_layers().fit(np.full((5, 20, 20), 0.5))


def test_other_channels_than_in_fit(fitted):
    with pytest.raises(
        ValueError, match="image 0: has 3 channels, but the features were learned on"
    ):
        fitted.transform(images_of(shape=(20, 20, 3)))
    mixed = [*images_of(3), *images_of(3, (20, 20, 3))]
    with pytest.raises(ValueError, match="image 3: has 3 channels"):
        two_layers().fit(mixed)


def test_layers_that_were_changed_after_fit(fitted):
    features = two_layers().fit(images_of())
    features.channels_[0].components_ = features.channels_[0].components_[:, :4]
    features.channels_[0].n_components_ = 4
    with pytest.raises(ValueError, match="the layers do not fit each other: they were changed"):
        features.transform(images_of())


def test_a_fit_that_fails_leaves_the_earlier_one():
    features = two_layers().fit(images_of())
    expected = features.transform(images_of())
    with pytest.raises(ValueError, match="layer 2 needs"):
        features.fit(images_of(shape=(6, 20)))
    np.testing.assert_array_equal(features.transform(images_of()), expected)
