"""Features at every pixel of several layers: beside loops, and the same for any blocks."""

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from striate import (
    DeepPatchFeatures,
    DictionaryEncoder,
    LinearClassifier,
    PatchFeatures,
    PixelClassifier,
    ZCAWhitening,
)
from striate.persistence import load, save

SOFT = DictionaryEncoder(4, dictionary="omp1", encoding="soft_threshold", random_state=0)
PATCHES = {"n_patches": 200, "random_state": 0}


def image_of(height, width, channels=1, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 4
    waves = 0.5 + 0.3 * np.sin(y + 2 * np.cos(x)) * np.cos(x / 3)
    image = waves[..., np.newaxis] + 0.2 * rng.random((height, width, channels))
    return (image if channels > 1 else image[..., 0]).astype(dtype)


def two_layers(first=(), second=(), **params):
    first = PatchFeatures(**{"encoder": SOFT, "patch_size": 4, **PATCHES, **dict(first)})
    whitening = ZCAWhitening(1.0)
    second = {"encoder": SOFT, "patch_size": 2, "whitening": whitening, **PATCHES, **dict(second)}
    layers = [first, PatchFeatures(**second)]
    return DeepPatchFeatures(layers, **{"n_channels": 3, "random_state": 0, **params})


class Cells:
    """Values of cells that begin at places `first`, and the centre of each, in pixels."""

    def __init__(self, values, first, centres):
        self.values, self.first, self.centres = values, first, centres

    def windows(self, size, stride, reduce):
        """Each window begins at a multiple of size * stride."""
        values, first, centres = self.values, [], []
        for axis in (0, 1):
            pitch, begin = size * stride, self.first[axis]
            cell = -(-begin // pitch)
            n = (values.shape[axis] + begin - pitch * cell - stride * (size - 1) - 1) // pitch + 1
            index = pitch * (cell + np.arange(n)) - begin
            index = index[:, np.newaxis] + stride * np.arange(size)
            values = reduce(np.take(values, index, axis=axis), axis=axis + 1)
            first.append(cell)
            centres.append(self.centres[axis][index].mean(axis=1))
        return Cells(values, first, centres)

    def codes(self, layer):
        h, w, _ = layer.patch_shape_
        patches = np.lib.stride_tricks.sliding_window_view(self.values, (h, w), axis=(0, 1))
        flat = np.moveaxis(patches, 2, -1).reshape(-1, h * w * self.values.shape[2])
        codes = layer.patch_encoder_.transform(np.ascontiguousarray(flat))
        first = [f + (n - 1) // 2 for f, n in zip(self.first, (h, w), strict=True)]
        sides = zip(self.centres, (h, w), strict=True)
        centres = [np.convolve(each, np.full(n, 1 / n), "valid") for each, n in sides]
        return Cells(codes.reshape(*patches.shape[:2], -1), first, centres)

    def at(self, height, width):
        """Values linear between the centres, at all pixels."""
        pixels = np.stack(np.mgrid[:height, :width], axis=-1)
        return RegularGridInterpolator(self.centres, self.values)(pixels)


def by_loops(features, image, scale=1, window=1):
    shape, pad = image.shape[:2], 48
    padded = np.pad(image.reshape(*shape, -1), [(pad, pad)] * 2 + [(0, 0)], mode="symmetric")
    padded = padded[: padded.shape[0] // scale * scale, : padded.shape[1] // scale * scale]
    places = [np.arange(n, dtype=float) - pad for n in padded.shape[:2]]
    cells, found = Cells(padded, [-pad] * 2, places).windows(scale, 1, np.mean), []
    for number, layer in enumerate(features.layers_):
        codes = cells.codes(layer)
        found.append(codes.windows(window, 1, np.mean).at(*shape))
        if number + 1 < len(features.layers_):
            reduce, size = np.max if layer.pooling == "max" else np.mean, features.map_pool_sizes_
            cells = codes.windows(size[number], layer.stride, reduce)
            if layer.signed_sqrt:
                cells.values = np.sign(cells.values) * np.sqrt(np.abs(cells.values))
            channels = features.channels_[number]
            projected = (cells.values - channels.mean_) @ channels.components_
            cells.values = projected * 0.25 / np.sqrt(np.mean(channels.explained_variance_))
    return np.concatenate(found, axis=2)


# Patches of even size are those of their pixel, although their centre lies half a pixel further.
WAYS = [
    ({"patch_size": 3, "signed_sqrt": True}, {}, {}),
    ({"patch_size": (5, 3), "pooling": "max"}, {"patch_size": 3}, {"map_pool_size": 4}),
    ({"patch_size": 3, "stride": 2}, {"patch_size": (1, 3), "stride": 2}, {"map_pool_size": 2}),
    ({"patch_size": 3, "pooling": "sum"}, {"encoder": PCA(2)}, {}),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("way", WAYS)
def test_maps_are_those_of_loops(way, channels):
    first, second, params = way
    image = image_of(21, 37, channels)
    features = two_layers(first, second, **params).fit([image])
    maps = features.transform_maps(image)
    assert maps.dtype == np.float64
    np.testing.assert_allclose(maps, by_loops(features, image), rtol=1e-9, atol=1e-9)


def test_scales_windows_and_three_layers_are_those_of_loops():
    image = image_of(26, 33)
    layers = two_layers({"patch_size": 3}).layers
    layers = [*layers, PatchFeatures(SOFT, patch_size=2, **PATCHES)]
    features = DeepPatchFeatures(layers, map_pool_size=[2, 1], n_channels=[4, 3], random_state=0)
    features.fit([image])
    maps = features.transform_maps(image, scales=(1, 2), windows=(1, 2))
    alone = [by_loops(features, image, s, w) for s in (1, 2) for w in (1, 2)]
    expected = [each[..., 8 * n : 8 * n + 8] for n in range(3) for each in alone]
    np.testing.assert_allclose(maps, np.concatenate(expected, axis=2), rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:each patch is of one grey")
def test_maps_are_the_input_of_the_next_layer_in_transform():
    """Seen by an encoder of the second layer that gives the map itself."""
    image = image_of(40, 43)
    second = {"encoder": PCA(3), "patch_size": 1, "normalize": False, "whitening": None}
    features = two_layers({"patch_size": 3}, second).fit([image])
    # In `transform` windows begin with the first patch, here with the first pixel.
    expected = features.layers_[1].encoder_.transform(
        features.layer_input([image[2:, 2:]], 1)[0].reshape(-1, 3)
    )
    cells = features.transform_maps(image)[4::3, 4::3, 8:]  # centres, from the window of 3, 4, 5
    np.testing.assert_allclose(
        cells[:12, :12], expected.reshape(12, 13, 3)[:12, :12], rtol=1e-9, atol=1e-12
    )


@pytest.fixture(scope="module")
def fitted():
    return two_layers({"signed_sqrt": True}).fit([image_of(40, 50)])


SEVERAL = {"scales": (1, 2), "windows": (1, 3), "with_pixels": True}


@pytest.mark.parametrize("way", [{}, {**SEVERAL, "stride": 2}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_blocks_and_threads(fitted, way, dtype):
    image = image_of(150, 170, dtype=dtype)
    found = set()
    for block_size, n_threads in [(None, 1), (64, 3), (128, 2)]:
        with threadpool_limits(n_threads):
            maps = fitted.transform_maps(image, **way, block_size=block_size)
        assert maps.dtype == dtype
        found.add(maps.tobytes())
    assert len(found) == 1


def test_a_stride_leaves_pixels_out(fitted):
    image = image_of(40, 50)
    every = fitted.transform_maps(image, **SEVERAL)
    np.testing.assert_array_equal(
        fitted.transform_maps(image, **SEVERAL, stride=3), every[::3, ::3]
    )


def test_one_layer_is_the_same_as_patch_features():
    image = image_of(40, 50)
    layer = two_layers().layers[0]
    features = DeepPatchFeatures([layer], random_state=0).fit([image])
    np.testing.assert_array_equal(
        features.transform_maps(image, **SEVERAL),
        layer.fit([image]).transform_maps(image, **SEVERAL),
    )


@pytest.mark.parametrize("block_size", [64, 1000])
def test_pixels_without_data(fitted, block_size):
    image = image_of(70, 90)
    whole, missing = fitted.transform_maps(image), np.zeros(image.shape, bool)
    missing[30, 40], missing[50:58, 60:70] = True, True
    maps = fitted.transform_maps(np.where(missing, np.nan, image), block_size=block_size)
    near = np.zeros(image.shape, bool)
    near[18:43, 28:53] = near[38:70, 48:83] = True
    np.testing.assert_array_equal(maps[~near], whole[~near])
    assert np.isnan(maps[missing][:, :8]).all()
    assert np.isnan(maps[53, 64]).all()
    # Windows are pooled over the positions that have data.
    assert not np.isnan(maps[27, 37, 8:]).any()
    assert (maps[27, 37, 8:] != whole[27, 37, 8:]).any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 70), (65, 1)])
def test_images_smaller_than_a_patch(fitted, shape):
    maps = fitted.transform_maps(np.random.default_rng(0).random(shape))
    assert maps.shape == (*shape, 16)
    assert np.isfinite(maps).all()


def test_pixels_are_classified_by_the_features_of_layers(tmp_path):
    y, x = np.mgrid[:48, :64]
    truth = np.where(x < 32, 1, 2).astype(np.uint8)
    image = np.where(truth == 1, np.sin(1.5 * x), np.sin(1.5 * y)) * 100 + 128
    image = image.astype(np.uint8)
    strokes = np.zeros_like(truth)
    strokes[10:40:10, 4:-4] = truth[10:40:10, 4:-4]
    classifier = LinearClassifier("log_loss", alphas=0.01)
    more = DictionaryEncoder(16, dictionary="omp1", encoding="soft_threshold", random_state=0)
    features = two_layers({"encoder": more}, {"encoder": more}, n_channels=8)
    model = PixelClassifier(features, classifier, scales=(1,), random_state=0)
    model.fit([image, image[:30]], [strokes, None])
    assert (model.predict(image) == truth).mean() > 0.85
    save(model, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(
        again.predict_proba(image, block_size=64), model.predict_proba(image)
    )


def test_layers_that_were_changed_are_refused(fitted):
    other = two_layers(n_channels=2).fit([image_of(40, 50)])
    other.channels_ = fitted.channels_
    with pytest.raises(ValueError, match="layers do not fit each other"):
        other.transform_maps(image_of(9, 9))
