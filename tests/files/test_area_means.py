"""Images that are reduced while they are read."""

import numpy as np
import pytest
from PIL import Image

from striate import ImageCollection, PatchFeatures, find_images, read_image
from striate.files.area_means import area_means
from striate.files.decoded_pixels import ImageError
from striate.files.kept_features import KeptFeatures
from striate.persistence import load, save


def means_of_squares(values, n):
    """Compute the means pixel by pixel."""
    height, width, n_bands = values.shape
    found = np.empty((height // n, width // n, n_bands), values.dtype)
    for i, j in np.ndindex(found.shape[:2]):
        found[i, j] = values[n * i : n * i + n, n * j : n * j + n].mean(axis=(0, 1))
    return found


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_area_means_are_means_of_squares(n):
    values = np.random.default_rng(0).random((17, 22, 3))
    np.testing.assert_allclose(area_means(values, n), means_of_squares(values, n), rtol=1e-14)


def test_missing_pixels_do_not_count():
    values = np.arange(32.0).reshape(4, 8, 1)
    values[0, 0] = values[2:, 4:6] = np.nan
    found = area_means(values, 2)[..., 0]
    assert found[0, 0] == np.mean([1, 8, 9])
    assert np.isnan(found[1, 2])
    assert np.isfinite(found).sum() == 7


def test_images_smaller_than_a_square_are_refused_by_name(tmp_path):
    path = tmp_path / "small.png"
    Image.new("L", (9, 4)).save(path)
    assert read_image(path, shrink=4).shape == (1, 2, 1)
    with pytest.raises(ImageError, match=r"small\.png: is of 4 x 9 pixels, too small .* 5 times"):
        read_image(path, shrink=5)
    with pytest.raises(ImageError, match=r"small\.png: .* 5 times"):
        ImageCollection([path], shrink=5)[0]


@pytest.mark.parametrize("wrong", [0, -2, 1.5, True, "2"])
def test_the_factor_is_a_whole_number(wrong):
    with pytest.raises(ValueError, match="shrink must be a whole number of at least 1"):
        ImageCollection(np.zeros((1, 8, 8)), shrink=wrong)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(1)
    for i in range(4):
        pixels = rng.integers(0, 256, (33, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return tmp_path


def learned(folder, shrink):
    features = PatchFeatures(patch_size=4, n_patches=200, random_state=0)
    return features.fit(ImageCollection(folder, shrink=shrink))


def test_features_keep_the_factor_for_files_and_images_of_pillow(folder, tmp_path):
    files = find_images(folder)
    features = learned(folder, 3)
    small = [read_image(file, shrink=3) for file in files]
    assert small[0].shape == (11, 10, 3)
    X = features.transform(small)
    np.testing.assert_array_equal(features.transform(files), X)
    np.testing.assert_array_equal(features.transform([Image.open(file) for file in files]), X)
    save(features, tmp_path / "features.skops")
    np.testing.assert_array_equal(load(tmp_path / "features.skops").transform(files), X)
    assert features.transform_maps(files[0]).shape[:2] == (11, 10)


def test_sixteen_bits_are_reduced_before_they_are_scaled(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 4096, (12, 12)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    means = means_of_squares(pixels[..., np.newaxis] / 4095, 2)
    found = read_image(tmp_path / "a.png", np.float64, shrink=2, value_range=(0, 4095))
    np.testing.assert_allclose(found, means)


def test_kept_features_are_told_apart_by_the_factor(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("STRIATE_CACHE_DIR", str(tmp_path / "cache"))
    files, features = find_images(folder), learned(folder, 3)
    with KeptFeatures(features, 3) as kept:
        reduced = kept.transform(files)
    features.reading_ = {"shrink": 2}
    with KeptFeatures(features, 3) as kept:
        assert not np.allclose(kept.transform(files), reduced)


def test_a_mask_has_the_size_of_the_file(tmp_path):
    Image.new("L", (6, 6), 90).save(tmp_path / "a.png")
    mask = Image.new("L", (6, 6), 255)
    mask.paste(0, (0, 0, 3, 6))
    mask.save(tmp_path / "mask.png")
    found = read_image(tmp_path / "a.png", shrink=3, mask=tmp_path / "mask.png")[..., 0]
    np.testing.assert_array_equal(np.isnan(found), [[True, False], [True, False]])
