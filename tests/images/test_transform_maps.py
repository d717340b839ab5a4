"""Features at every pixel: beside loops over patches, and the same for any division into blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import gaussian_filter
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from striate import DictionaryEncoder, PatchFeatures, PatchScaler, ZCAWhitening
from striate.images.image_levels import Span, mirrored

RNG = np.random.default_rng(0)


def image_of(height, width, channels=1, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 5
    waves = 0.5 + 0.3 * np.sin(y + 2 * np.cos(x))
    image = waves[..., np.newaxis] + 0.2 * rng.random((height, width, channels))
    return (image if channels > 1 else image[..., 0]).astype(dtype)


def learned(image, encoder=None, **params):
    encoder = encoder or DictionaryEncoder(6, random_state=0)
    settings = {"patch_size": (3, 4), "n_patches": 100, "random_state": 0}
    return PatchFeatures(encoder, **(settings | params)).fit([image])


@pytest.fixture(scope="module")
def fitted():
    """On grey images, two codes for each of six atoms."""
    return learned(
        image_of(40, 50),
        DictionaryEncoder(6, dictionary="omp1", encoding="soft_threshold", random_state=0),
        whitening=ZCAWhitening(0.1),
    )


def by_loops(features, image, scale=1, window=1):
    """Codes at each position of a level, averaged over windows, then linear between centres.

    Everything from a padded image: cells (I, J) with I from -n_pad on.
    """
    h, w, c = features.patch_shape_
    pixels = np.asarray(image, dtype=float).reshape(*image.shape[:2], c)
    pad = 8 * scale * window
    padded = np.pad(pixels, [(pad, pad), (pad, pad), (0, 0)], mode="symmetric")
    height, width = (n // scale for n in padded.shape[:2])
    level = padded[: height * scale, : width * scale]
    level = level.reshape(height, scale, width, scale, c).mean(axis=(1, 3))
    patches = np.lib.stride_tricks.sliding_window_view(level, (h, w), axis=(0, 1))
    patches = np.moveaxis(patches, 2, -1)  # (n_y, n_x, h, w, c), of patches that begin there
    starts = [-((side - 1) // 2) % window for side in (h, w)]  # of the first whole cell
    patches = patches[starts[0] :, starts[1] :]
    n_y, n_x = (n // window * window for n in patches.shape[:2])
    flat = np.ascontiguousarray(patches[:n_y, :n_x]).reshape(n_y * n_x, -1)
    codes = np.asarray(features.patch_encoder_.transform(flat))
    cells = codes.reshape(n_y // window, window, n_x // window, window, -1).mean(axis=(1, 3))
    sides = scale * window
    maps = cells
    for axis, (side, n) in enumerate(zip((h, w), image.shape[:2], strict=True)):
        # The first cell's patches begin at start, …, start + window − 1 of the padded level.
        in_level = starts[axis] + (window - 1) / 2 + (side - 1) / 2
        centre = scale * in_level + (scale - 1) / 2 - pad
        position = (np.arange(n) - centre) / sides
        if sides == 1:
            position = np.arange(n) + pad - (side - 1) // 2
        below = np.floor(position).astype(int)
        share = np.expand_dims(position - below, [1, 2] if axis == 0 else [0, 2])
        maps = (1 - share) * maps.take(below, axis) + share * maps.take(below + 1, axis)
    return maps


KINDS = [
    {"encoder": DictionaryEncoder(6, random_state=0)},
    {"encoder": DictionaryEncoder(5, encoding="hard", random_state=0), "normalize": "mean"},
    {
        "encoder": DictionaryEncoder(5, encoding="soft_threshold", random_state=0),
        "normalize": False,
        "whitening": PatchScaler(n_deviations=1.0),
    },
    {"encoder": KMeans(4, n_init=1, random_state=0), "whitening": None},
    {"whitening": ZCAWhitening(0.1, n_components=3)},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_codes_are_those_of_patches_around_pixels(kind, channels):
    image = image_of(21, 70, channels, np.float64)
    features = learned(image, **kind)
    maps = features.transform_maps(image)
    assert maps.shape == (21, 70, features.patch_encoder_.n_codes)
    assert maps.dtype == np.float64
    np.testing.assert_allclose(maps, by_loops(features, image), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("scale", "window"), [(1, 2), (2, 1), (3, 1), (1, 5), (2, 3), (4, 2), (1, 1)]
)
def test_scales_and_windows_are_those_of_a_padded_image(scale, window):
    image = image_of(33, 26, 1, np.float64)
    features = learned(image)
    maps = features.transform_maps(image, scales=(scale,), windows=(window,))
    np.testing.assert_allclose(maps, by_loops(features, image, scale, window), rtol=1e-9)


def test_layers_and_pixels_follow_each_other():
    image = image_of(33, 26, 2, np.float64)
    features = learned(image, DictionaryEncoder(6, encoding="soft_threshold", random_state=0))
    maps = features.transform_maps(image, scales=(1, 3), windows=(1, 2), with_pixels=True)
    parts = [by_loops(features, image, s, w) for s in (1, 3) for w in (1, 2)]
    parts += [smoothed(image, sigma) for sigma in (0.5, 1, 2, 4, 8, 16)]
    np.testing.assert_allclose(maps, np.concatenate(parts, axis=2), rtol=1e-9, atol=1e-12)


def smoothed(image, sigma):
    """Value, slope and curvatures after a Gaussian of the image, or of one that is shrunk."""
    pitch = max(1, int(sigma / 2))
    sides = [8 * pitch * -(-96 // (8 * pitch))] * 2
    padded = np.pad(image, [*zip(sides, sides, strict=True), (0, 0)], mode="symmetric")
    n_y, n_x = (n // pitch for n in padded.shape[:2])
    level = padded[: n_y * pitch, : n_x * pitch].reshape(n_y, pitch, n_x, pitch, -1)
    level = level.mean(axis=(1, 3))
    deviation = np.sqrt(sigma**2 - (pitch**2 - 1) / 12) / pitch  # a square has some of its own
    level = gaussian_filter(level, (deviation, deviation, 0), truncate=4)
    dy, dx = np.gradient(level, axis=(0, 1))
    (dyy, dyx), dxx = np.gradient(dy, axis=(0, 1)), np.gradient(dx, axis=1)
    hessian = np.stack([dyy, dyx, dyx, dxx], axis=-1).reshape(*dyy.shape, 2, 2)
    smaller, larger = np.moveaxis(np.linalg.eigvalsh(hessian), -1, 0)
    values = np.concatenate([level, np.hypot(dy, dx), larger, smaller], axis=2)
    centres = [
        pitch * (np.arange(n) + 0.5) - 0.5 - side for n, side in zip((n_y, n_x), sides, strict=True)
    ]
    pixels = np.stack(np.mgrid[: image.shape[0], : image.shape[1]], axis=-1)
    return RegularGridInterpolator(centres, values)(pixels)


SEVERAL = {"scales": (1, 2), "windows": (1, 3), "with_pixels": True}


@pytest.mark.parametrize("way", [{}, {"stride": 3}, SEVERAL, {**SEVERAL, "stride": 2}])
def test_a_stride_leaves_pixels_out(fitted, way):
    image = image_of(70, 90)
    way = dict(way)
    stride = way.pop("stride", 1)
    every = fitted.transform_maps(image, **way)[::stride, ::stride]
    some = fitted.transform_maps(image, **way, stride=stride)
    np.testing.assert_allclose(some, every, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", [{}, {"stride": 2}, SEVERAL])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_for_any_blocks_and_threads(fitted, way, dtype):
    image = image_of(150, 170, dtype=dtype)
    found = set()
    for block_size, n_threads in [(None, 1), (64, 1), (64, 3), (128, 2), (1000, 2)]:
        with threadpool_limits(n_threads):
            maps = fitted.transform_maps(image, **way, block_size=block_size)
        found.add(maps.tobytes())
    assert len(found) == 1


def test_the_same_bits_for_any_blocks_of_any_encoder():
    image = image_of(100, 90)
    features = learned(image, KMeans(4, n_init=1, random_state=0))
    one, two = (features.transform_maps(image, **SEVERAL, block_size=n) for n in (64, 128))
    np.testing.assert_array_equal(one, two)


@given(first=st.integers(-30, 30), size=st.integers(1, 40), n=st.integers(1, 9))
@settings(deadline=None, max_examples=50)
def test_mirrored_places_are_those_of_a_padded_array(first, size, n):
    padded = np.pad(np.arange(n), (90, 90), mode="symmetric")
    expected = padded[90 + first : 90 + first + size]
    np.testing.assert_array_equal(mirrored(Span(first, first + size), n), expected)


@pytest.mark.parametrize("shape", [(1, 1), (2, 70), (65, 1), (5, 5)])
def test_images_smaller_than_a_patch(fitted, shape):
    image = np.asarray(RNG.random(shape), dtype=np.float32)
    maps = fitted.transform_maps(image, **SEVERAL)
    assert maps.shape == (*shape, 4 * 12 + 6 * 4)
    assert np.isfinite(maps).all()


def test_the_same_image_in_any_form(fitted, tmp_path):
    pixels = (255 * image_of(40, 45)).astype(np.uint8)
    expected = fitted.transform_maps(pixels)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    np.save(tmp_path / "image.npy", pixels)
    read_only = pixels.copy()
    read_only.flags.writeable = False
    for form in (
        tmp_path / "image.png", str(tmp_path / "image.npy"), Image.fromarray(pixels), read_only,
        np.load(tmp_path / "image.npy", mmap_mode="r"), pixels[..., None], Stored(pixels),
        (pixels / np.float32(255)).astype(np.float32), np.asfortranarray(pixels),
    ):  # fmt: skip
        np.testing.assert_array_equal(fitted.transform_maps(form), expected)


class Stored:
    """An array on the disk: it can only be indexed by slices."""

    def __init__(self, values):
        self._values, self.shape, self.dtype = values, values.shape, values.dtype
        self.largest = 0

    def __getitem__(self, place):
        part = self._values[place]
        self.largest = max(self.largest, part.size)
        return part

    def __setitem__(self, place, block):
        self._values[place] = block


def test_only_blocks_are_read_and_written(fitted):
    image = Stored((255 * image_of(300, 310)).astype(np.uint8))
    out = Stored(np.zeros((300, 310, 12), np.float32))
    assert fitted.transform_maps(image, out=out, block_size=64) is out
    assert image.largest < 80 * 80
    np.testing.assert_array_equal(out._values, fitted.transform_maps(image._values))


@pytest.mark.parametrize("way", [{}, SEVERAL])
def test_outputs_that_are_given(fitted, tmp_path, way):
    image = image_of(70, 66)
    expected = fitted.transform_maps(image, **way)
    mapped = np.lib.format.open_memmap(tmp_path / "map.npy", "w+", np.float32, expected.shape)
    double, strided = np.empty(expected.shape), np.empty((*expected.shape, 2), np.float32)[..., 0]
    for out in (np.empty_like(expected), mapped, double, strided):
        assert fitted.transform_maps(image, **way, out=out) is out
        np.testing.assert_array_equal(out, expected)
    file = tmp_path / "maps.npy"
    found = fitted.transform_maps(image, **way, out=file, block_size=64)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.load(file), expected)


def test_sixteen_bits_are_scaled_as_in_fit():
    image = (1023 * image_of(40, 45, dtype=np.float64)).astype(np.uint16)
    features = learned(image)
    black, white = features.used_range_
    scaled = ((image / np.float32(65535)).astype(np.float32) - np.float32(black)) / np.float32(
        white - black
    )
    np.testing.assert_allclose(
        features.transform_maps(image), features.transform_maps(scaled), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.ones((9, 9, 3)), "3 channels, but the features were learned on 1"),
        (np.ones(9), "must have shape"),
        (np.ones((0, 9)), "is empty"),
        (np.full((9, 9), np.inf), "the image: has NaN or infinity"),
        (np.ones((9, 9), np.int64), "8 or 16 bits"),
        ("missing.png", "missing.png.*No such file"),
    ],
)
def test_bad_images(fitted, tmp_path, image, message):
    out = tmp_path / "maps.npy"
    with pytest.raises(ValueError, match=message):
        fitted.transform_maps(image, out=out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"stride": 0}, "stride"),
        ({"scales": ()}, "scales must be a tuple of different positive integers"),
        ({"scales": (1, 1)}, "scales must be"),
        ({"windows": (0,)}, "windows must be"),
        ({"windows": 3}, "windows must be"),
        ({"block_size": 0}, "block_size"),
        ({"out": np.empty((9, 9, 3))}, r"shape \(9, 9, 12\), got \(9, 9, 3\)"),
        ({"out": np.empty((9, 9, 12), int)}, "of a type that holds float32, got int64"),
        ({"out": "maps.png"}, "must end in .npy, .zarr, .tif, .tiff, or be an array"),
    ],
)
def test_bad_parameters(fitted, params, message):
    with pytest.raises(ValueError, match=message):
        fitted.transform_maps(np.ones((9, 9), np.float32), **params)


def test_more_than_memory(fitted):
    image = np.broadcast_to(np.float32(0.5), (2**24, 2**24))
    with pytest.raises(MemoryError, match=r"take 1.35e\+04 TB.*give the path of a .npy file"):
        fitted.transform_maps(image)


def test_segmenter_of_scikit_image():
    from skimage.future import TrainableSegmenter
    from sklearn.ensemble import RandomForestClassifier

    image, labels = image_of(40, 70), np.zeros((40, 70), int)
    labels[5:8, 5:30], labels[5:8, 45:70] = 1, 2
    features = learned(image)
    forest = RandomForestClassifier(3, random_state=0)
    segmenter = TrainableSegmenter(forest, features.transform_maps)
    segmenter.fit(image, labels)
    maps = features.transform_maps(image)
    expected = forest.fit(maps[labels > 0], labels[labels > 0]).predict(maps.reshape(-1, 6))
    np.testing.assert_array_equal(segmenter.predict(image), expected.reshape(image.shape))
