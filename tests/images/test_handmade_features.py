"""Features for comparison: sizes, what they see, and what they do not."""

import numpy as np
import pytest
from skimage.color import hsv2rgb

from striate.files.image_collection import ImageCollection
from striate.files.kept_features import KeptFeatures
from striate.images.handmade_features import (
    HANDMADE,
    ColorHistogram,
    LocalBinaryPatterns,
    OrientedGradients,
    ResizedPixels,
)


def images(shape, n=3, seed=0):
    return np.random.default_rng(seed).random((n, *shape), dtype=np.float32)


@pytest.mark.parametrize("name", HANDMADE)
@pytest.mark.parametrize("shape", [(40, 50, 1), (40, 50, 3), (7, 90, 3), (1, 1, 1)])
def test_images_of_any_size_give_rows_of_one_length(name, shape):
    features = HANDMADE[name]()
    X = features.transform(images(shape))
    assert X.dtype == np.float32
    assert np.isfinite(X).all()
    assert X.shape == (3, features.transform(images((32, 32, shape[2]))).shape[1])


def test_pixels_of_the_right_size_stay():
    X = images((32, 32, 3))
    np.testing.assert_allclose(ResizedPixels().transform(X), X.reshape(3, -1), atol=1e-6)


def test_colours_do_not_depend_on_places():
    X = images((20, 20, 3))
    shuffled = np.random.default_rng(1).permutation(X.reshape(3, 400, 3), axis=1)
    histogram = ColorHistogram().transform(X)
    np.testing.assert_allclose(
        ColorHistogram().transform(shuffled.reshape(X.shape)), histogram, atol=1e-6
    )
    np.testing.assert_allclose((histogram**2).sum(axis=1), 1, rtol=1e-5)


def test_one_colour_is_in_one_bin():
    red = np.broadcast_to(hsv2rgb([0.01, 0.9, 0.9]), (1, 5, 5, 3))
    (row,) = ColorHistogram().transform(red)
    assert row[3 * 4 + 3] == 1
    assert row.sum() == 1


def test_patterns_do_not_depend_on_contrast():
    X = np.round(images((30, 30, 1)) * 100) / 255
    rows = [LocalBinaryPatterns().transform(each) for each in (X, 2 * X)]
    np.testing.assert_array_equal(*rows)
    assert rows[0].shape == (3, 10 + 18 + 26)


def test_gradients_tell_stripes_across_from_stripes_down():
    waves = np.sin(np.arange(64) * 0.7)[:, None, None] * 0.4 + 0.5
    across = np.broadcast_to(waves, (64, 64, 1))
    down = across.transpose(1, 0, 2)
    a, b = OrientedGradients().transform([across, down])
    assert np.linalg.norm(a - b) > 0.5 * np.linalg.norm(a)


def test_the_range_of_16_bits_is_used(tmp_path):
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 1024, (20, 20)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    files = ImageCollection([tmp_path / "a.png"])
    scaled = LocalBinaryPatterns((0.0, 1023 / 65535)).transform(files)
    expected = LocalBinaryPatterns().transform(pixels[None].astype(np.float32) / 1023)
    np.testing.assert_allclose(scaled, expected, atol=0.05)
    assert not np.allclose(LocalBinaryPatterns().transform(files), expected, atol=0.05)


def test_they_are_kept_apart(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setenv("STRIATE_CACHE_DIR", str(tmp_path / "kept"))
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "a.png")
    for _ in range(2):
        for kind in HANDMADE.values():
            for used_range in ((0.0, 1.0), (0.0, 0.5)):
                features = kind(used_range)
                with KeptFeatures(features, 1) as kept:
                    np.testing.assert_array_equal(
                        kept.transform([tmp_path / "a.png"]),
                        features.transform([tmp_path / "a.png"]),
                    )
    assert len(list((tmp_path / "kept").glob("*.rows"))) == 2 * len(HANDMADE)


def test_scikit_image_is_asked_for(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skimage.transform", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'striate\[app\]'"):
        ResizedPixels().transform(images((20, 20, 1)))
