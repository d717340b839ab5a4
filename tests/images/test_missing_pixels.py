"""Pixels without data: patches that hold one are left out of learning, of pooling and of maps."""

import numpy as np
import pytest
import textbook
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import PCA

from striate import (
    DeepPatchFeatures,
    DictionaryEncoder,
    PatchFeatures,
    PixelClassifier,
    ZCAWhitening,
)
from striate.images.complete_patches import complete_patches, rectangles

SOFT = DictionaryEncoder(5, dictionary="omp1", encoding="soft_threshold", random_state=0)


def with_holes(shape, seed=0, dtype=np.float64):
    """Noise without data in a border, a spot and a stripe."""
    rng = np.random.default_rng(seed)
    image = rng.random(shape).astype(dtype)
    image[: rng.integers(1, 4)] = np.nan
    y, x = rng.integers(5, 9, 2)
    image[y : y + 2, x] = np.nan
    image[10:, -2 - rng.integers(3) :] = np.nan
    return image


IMAGES = [with_holes((18, 21), seed) for seed in range(4)]
WHOLE = np.random.default_rng(9).random((4, 18, 21))


def features(encoder=SOFT, **settings):
    settings = {"patch_size": (3, 4), "n_patches": 300, "random_state": 0, **settings}
    return PatchFeatures(encoder, **settings)


# --- places ---------------------------------------------------------------------------------


@given(
    hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
)
def test_complete_patches_are_those_of_a_loop(missing, sizes):
    height, width, stride = sizes
    if missing.shape[0] < height or missing.shape[1] < width:
        return
    image = np.where(missing, np.nan, 0.5)[..., np.newaxis]
    found = complete_patches(image, (height, width), stride)
    expected = [
        [
            not missing[y : y + height, x : x + width].any()
            for x in range(0, missing.shape[1] - width + 1, stride)
        ]
        for y in range(0, missing.shape[0] - height + 1, stride)
    ]
    assert (found is None) == (not missing.any())
    if found is not None:
        np.testing.assert_array_equal(found, expected)


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)))
def test_rectangles_hold_each_place_once(places):
    n = np.zeros(places.shape, dtype=int)
    for rows, columns in rectangles(places):
        n[rows, columns] += 1
    np.testing.assert_array_equal(n, places)


# --- pooling --------------------------------------------------------------------------------


def codes_of_patches(learned, image):
    """Codes of the patches without NaN by their places, and the number of places each way."""
    height, width, stride = *learned.patch_shape_[:2], learned.stride
    n_y = (image.shape[0] - height) // stride + 1
    n_x = (image.shape[1] - width) // stride + 1
    patches = {}
    for y in range(n_y):
        for x in range(n_x):
            top, left = y * stride, x * stride
            patch = image[top : top + height, left : left + width]
            if not np.isnan(patch).any():
                patches[y, x] = patch.ravel()
    rows = learned.patch_encoder_.transform(np.array(list(patches.values())))
    return dict(zip(patches, rows, strict=True)), n_y, n_x


def pooled_by_loops(learned, image):
    """Codes of the patches without NaN, pooled cell by cell."""
    codes, n_y, n_x = codes_of_patches(learned, image)
    reduce = {"mean": np.mean, "max": np.max, "sum": np.sum}[learned.pooling]
    rows = textbook.pool(np.arange(n_y * n_x).reshape(n_y, n_x, 1), learned.pool_grid, "sum")
    assert rows.sum() == np.arange(n_y * n_x).sum()
    cells = []
    down, across = learned.pool_grid
    for i in range(down):
        for j in range(across):
            ys = range(-(-i * n_y // down), -(-(i + 1) * n_y // down))
            xs = range(-(-j * n_x // across), -(-(j + 1) * n_x // across))
            inside = [codes[y, x] for y in ys for x in xs if (y, x) in codes]
            if not inside:
                inside = [np.zeros(len(next(iter(codes.values()))))]
                if learned.pooling != "sum":
                    inside = list(codes.values())
            cells.append(reduce(inside, axis=0))
    row = np.concatenate(cells)
    return np.sign(row) * np.sqrt(np.abs(row)) if learned.signed_sqrt else row


WAYS = [
    {},
    {"pooling": "max", "pool_grid": (2, 4)},
    {"pooling": "sum", "pool_grid": (5, 5), "signed_sqrt": True},
    {"pool_grid": (6, 7)},  # cells all of whose patches are left out
    {"stride": 2, "pool_grid": (2, 2)},
    {"encoder": DictionaryEncoder(6, random_state=0), "normalize": "mean"},
    {"encoder": PCA(3), "whitening": None, "pooling": "max"},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("learn_from", [IMAGES, list(WHOLE)], ids=["holes", "whole"])
def test_features_are_those_of_the_patches_with_data(way, learn_from):
    learned = features(**way).fit(learn_from)
    got = learned.transform(IMAGES)
    expected = [pooled_by_loops(learned, image) for image in IMAGES]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        learned.transform(list(WHOLE)),
        [pooled_by_loops(learned, image) for image in WHOLE],
        rtol=1e-9,
        atol=1e-12,
    )


def test_a_pixel_is_without_data_if_a_channel_is():
    image = np.random.default_rng(0).random((18, 21, 3))
    image[4, 5, 1] = np.nan
    learned = features().fit([image])
    other = image.copy()
    other[4, 5] = np.nan
    np.testing.assert_array_equal(learned.transform([image]), learned.transform([other]))


def test_values_beside_the_data_do_not_matter():
    """Left out, not filled in: a wild value at the border of the hole changes all its patches."""
    learned = features(pool_grid=(1, 1)).fit(list(WHOLE))
    before = learned.transform([IMAGES[0]])
    changed = IMAGES[0].copy()
    changed[0, 0] = 1e6  # data, but no whole patch holds it
    np.testing.assert_array_equal(learned.transform([changed]), before)


@pytest.mark.parametrize("symmetries", ["flips", "rotations", "all"])
def test_symmetries_hold_with_holes(symmetries):
    learned = features(symmetries=symmetries, patch_size=3, pool_grid=(2, 2)).fit(IMAGES)
    copies = {
        "flips": [np.flipud, np.fliplr],
        "rotations": [np.rot90],
        "all": [np.rot90, np.transpose],
    }[symmetries]
    expected = learned.transform(IMAGES)
    for copy in copies:
        np.testing.assert_array_equal(learned.transform([copy(each) for each in IMAGES]), expected)
    views = [np.flipud(IMAGES[0]), np.rot90(IMAGES[0], 2), IMAGES[0], np.fliplr(IMAGES[0])]
    if symmetries == "flips":
        alone = features(patch_size=3, pool_grid=(2, 2)).fit(IMAGES)
        n = np.isfinite(alone.transform(views)).all()
        assert n


# --- layers ---------------------------------------------------------------------------------


def map_by_loops(learned, image):
    """The map of the first layer: windows one after the other, NaN without a whole patch."""
    layer, size = learned.layers_[0], learned.map_pool_sizes_[0]
    codes, n_y, n_x = codes_of_patches(layer, image)
    reduce = np.max if layer.pooling == "max" else np.mean
    rows = []
    for top in range(0, n_y, size):
        row = []
        for left in range(0, n_x, size):
            ys, xs = range(top, min(top + size, n_y)), range(left, min(left + size, n_x))
            inside = [codes[y, x] for y in ys for x in xs if (y, x) in codes]
            n_codes = layer.patch_encoder_.n_codes
            row.append(reduce(inside, axis=0) if inside else np.full(n_codes, np.nan))
        rows.append(row)
    pooled = np.array(rows)
    pooled = np.sign(pooled) * np.sqrt(np.abs(pooled)) if layer.signed_sqrt else pooled
    channels = learned.channels_[0]
    projected = (pooled - channels.mean_) @ channels.components_
    return projected * 0.25 / np.sqrt(np.mean(channels.explained_variance_))


DEEP_WAYS = [
    ({}, 2),
    ({"pooling": "max", "stride": 2}, 1),
    ({"pooling": "sum", "signed_sqrt": True}, 3),
]


@pytest.mark.parametrize(("way", "map_pool_size"), DEEP_WAYS)
def test_layers_leave_out_windows_without_data(way, map_pool_size, monkeypatch):
    monkeypatch.setattr("striate.images.layer_pooling._BAND_BYTES", 2000)  # several bands
    images = [with_holes((26, 30), seed) for seed in range(4)]
    for image in images:
        image[:8] = np.nan
    first = features(pool_grid=(2, 2), patch_size=(3, 4)).set_params(**way)
    second = features(pool_grid=(2, 2), patch_size=2, whitening=ZCAWhitening(1.0))
    learned = DeepPatchFeatures(
        [first, second], map_pool_size=map_pool_size, n_channels=3, random_state=0
    ).fit(images)
    found = learned.transform(images)
    assert np.isfinite(found).all()
    for image, row in zip(images, found, strict=True):
        between = map_by_loops(learned, image)
        assert np.isnan(between).any()
        expected = [
            pooled_by_loops(learned.layers_[0], image),
            pooled_by_loops(learned.layers_[1], between),
        ]
        np.testing.assert_allclose(row, np.concatenate(expected), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(
        learned.layer_input(images, 1)[0], map_by_loops(learned, images[0]), rtol=1e-7, atol=1e-9
    )


# --- learning -------------------------------------------------------------------------------


def test_patches_are_drawn_from_all_places_with_data():
    image = np.arange(80.0).reshape(8, 10) / 80
    image[3, 3] = image[7, 9] = np.nan
    learned = features(patch_size=2, whitening=None, normalize=False).fit([image])
    patches = learned.sample_patches([image], 2000, random_state=0)
    assert np.isfinite(patches).all()
    complete = complete_patches(image[..., np.newaxis], (2, 2))
    assert set(np.round(patches[:, 0] * 80).astype(int)) == {
        10 * y + x for y, x in np.argwhere(complete).tolist()
    }


def test_images_with_all_data_give_the_same_patches_as_ever():
    learned = features().fit([*WHOLE, IMAGES[0]])
    places = np.random.RandomState(0)
    of_image = places.randint(5, size=300)
    spots = places.random_sample((300, 2))
    first = np.flatnonzero(of_image == 2)[0]
    y, x = (spots[first] * (16, 18)).astype(int)
    got = learned.sample_patches([*WHOLE, IMAGES[0]], 300, random_state=0)[first]
    patch = WHOLE[2, y : y + 3, x : x + 4].reshape(1, -1).copy()
    steps = learned.patch_encoder_
    np.testing.assert_allclose(got, steps.whiten(steps.normalize(patch))[0], rtol=1e-9)


# --- maps -----------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [None, 64])
def test_maps_are_nan_where_patches_lack_data(block_size):
    rng = np.random.default_rng(0)
    image = rng.random((90, 140), dtype=np.float32)
    learned = features(patch_size=5).fit([image])
    whole = learned.transform_maps(image)
    missing = np.zeros(image.shape, dtype=bool)
    missing[30:33, 60:70] = missing[0, 0] = missing[80:, 100:] = True
    maps = learned.transform_maps(np.where(missing, np.nan, image), block_size=block_size)
    reached = np.array(
        [
            [
                missing[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any()
                for x in range(image.shape[1])
            ]
            for y in range(image.shape[0])
        ]
    )
    np.testing.assert_array_equal(np.isnan(maps).all(axis=2), reached)
    np.testing.assert_array_equal(np.isnan(maps).any(axis=2), reached)
    np.testing.assert_array_equal(maps[~reached], whole[~reached])


def test_maps_at_several_scales_are_nan_around_holes_only():
    rng = np.random.default_rng(0)
    image = rng.random((126, 80))
    learned = features(patch_size=3).fit([image])
    settings = {"scales": (1, 2), "windows": (1, 4), "with_pixels": True}
    whole = learned.transform_maps(image, **settings)
    image[111, 50] = np.nan
    maps = learned.transform_maps(image, **settings)
    lacking = np.isnan(maps)
    assert lacking[111, 50].all()
    assert not lacking[:19].any()  # out of reach of the widest Gaussian, and of differences
    np.testing.assert_array_equal(maps[~lacking], whole[~lacking])


# --- what is refused ------------------------------------------------------------------------


def test_images_without_any_data_are_refused_by_name():
    learned = features().fit(list(WHOLE))
    empty = np.full((18, 21), np.nan)
    for action in (learned.transform, features().fit):
        with pytest.raises(ValueError, match="image 1: has no pixel with data"):
            action([WHOLE[0], empty])
    few = empty.copy()
    few[4, :] = 0.5
    for action in (learned.transform, features(n_patches=50).fit):
        with pytest.raises(ValueError, match="image 1: each patch holds a pixel without data"):
            action([WHOLE[0], few])


def test_infinite_pixels_are_refused():
    image = WHOLE[0].copy()
    image[3, 3] = np.inf
    with pytest.raises(ValueError, match="image 0: has NaN or infinity"):
        features().fit([image])


def test_what_cannot_leave_pixels_out_says_so(tmp_path):
    strokes = np.zeros((18, 21), dtype=np.uint8)
    strokes[:2], strokes[-2:] = 1, 2
    np.save(tmp_path / "image.npy", IMAGES[0])
    stored = np.load(tmp_path / "image.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="has NaN or infinity: pixels without data"):
        PixelClassifier(random_state=0).fit([stored], [strokes])
