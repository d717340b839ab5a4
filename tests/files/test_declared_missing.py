"""TIFF files that say where they have no data: by a value, a mask inside, or a mask beside."""

import sys

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image

from striate import DictionaryEncoder, PatchFeatures, read_image, readable_images
from striate.files.decoded_pixels import ImageError

RNG = np.random.default_rng(0)
HOLES = np.zeros((12, 15), dtype=bool)
HOLES[:3] = HOLES[7, 4:9] = True


def with_value(path, values, text, **settings):
    tag = [(42113, "s", 0, text, True)]
    tifffile.imwrite(path, values, extratags=tag, **settings)


def where_missing(path, **choices):
    image = read_image(path, np.float64, **choices)
    missing = np.isnan(image)
    np.testing.assert_array_equal(missing.any(axis=2), missing.all(axis=2))
    return missing.any(axis=2), image


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [
        ("u1", 0, "0"),
        ("u1", 255, "255"),
        ("u2", 65535, "65535.0"),
        ("i2", -9999, "-9999"),
        ("f4", -9999, "-9999"),
        ("f4", np.float32(-3.4028235e38), "-3.4028234663852886e+38"),
        ("f8", -1e300, "-1e+300"),
        ("f4", np.nan, "nan"),
    ],
)
def test_a_value_for_no_data(tmp_path, dtype, value, text):
    data = RNG.integers(1, 200, HOLES.shape).astype(dtype)
    values = np.where(HOLES, np.array(value, dtype), data)
    with_value(tmp_path / "a.tif", values, text)
    missing, image = where_missing(tmp_path / "a.tif", value_range=(0, 200))
    np.testing.assert_array_equal(missing, HOLES)
    expected = data / 255 if dtype == "u1" else data.astype(float) / 200
    np.testing.assert_allclose(image[~HOLES][:, 0], expected[~HOLES], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("text", ["-1", "300", "1.5", "none", ""])
def test_a_value_that_no_pixel_can_have(tmp_path, text):
    values = RNG.integers(0, 256, HOLES.shape, dtype=np.uint8)
    with_value(tmp_path / "a.tif", values, text)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 0], values / np.float32(255))


def test_a_pixel_is_missing_if_one_of_its_bands_is(tmp_path):
    values = RNG.integers(1, 60000, (12, 15, 5), dtype=np.uint16)
    values[HOLES, 3] = 0
    settings = {"photometric": "minisblack", "planarconfig": "contig"}
    with_value(tmp_path / "a.tif", values, "0", extrasamples=("unspecified",) * 4, **settings)
    np.testing.assert_array_equal(where_missing(tmp_path / "a.tif")[0], HOLES)
    np.testing.assert_array_equal(where_missing(tmp_path / "a.tif", bands=[3, 1])[0], HOLES)
    assert not where_missing(tmp_path / "a.tif", bands=[0, 1])[0].any()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("inside", ["YES", "NO"])
def test_a_mask_of_gdal(tmp_path, inside):
    values = RNG.integers(0, 256, (3, *HOLES.shape), dtype=np.uint8)
    profile = {"driver": "GTiff", "height": 12, "width": 15, "count": 3, "dtype": "uint8"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
        rasterio.open(tmp_path / "a.tif", "w", photometric="rgb", **profile) as file,
    ):
        file.write(values)
        file.write_mask(~HOLES)
    assert (tmp_path / "a.tif.msk").exists() == (inside == "NO")
    missing, image = where_missing(tmp_path / "a.tif")
    np.testing.assert_array_equal(missing, HOLES)
    expected = np.moveaxis(values, 0, 2) / 255
    np.testing.assert_allclose(image[~HOLES], expected[~HOLES], rtol=1e-14)


def test_a_mask_that_is_given(tmp_path):
    values = RNG.integers(0, 256, (12, 15, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    mask = np.where(HOLES, 0, 7).astype(np.uint8)
    Image.fromarray(mask).save(tmp_path / "m.png")
    Image.fromarray(mask[1:]).save(tmp_path / "small.png")
    Image.fromarray(0 * mask).save(tmp_path / "black.png")
    missing, image = where_missing(tmp_path / "a.png", mask=tmp_path / "m.png")
    np.testing.assert_array_equal(missing, HOLES)
    np.testing.assert_allclose(image[~HOLES], values[~HOLES] / 255, rtol=1e-14)
    with pytest.raises(ImageError, match=r"a\.png: is of 12 x 15 pixels, but its mask of 11 x 15"):
        read_image(tmp_path / "a.png", mask=tmp_path / "small.png")
    with pytest.raises(ImageError, match=r"a\.png: has no pixel with data"):
        read_image(tmp_path / "a.png", mask=tmp_path / "black.png")


def test_a_mask_needs_rasterio(tmp_path, monkeypatch):
    Image.fromarray(HOLES).save(tmp_path / "a.tif")
    Image.fromarray(HOLES).save(tmp_path / "a.tif.msk", "TIFF")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(ModuleNotFoundError, match=r"a\.tif: .*rasterio: .*'striate\[images\]'"):
        read_image(tmp_path / "a.tif")


def test_features_of_files_are_those_of_arrays_with_nan(tmp_path):
    data = RNG.integers(1, 4000, (5, *HOLES.shape), dtype=np.uint16)
    paths = [tmp_path / f"{i}.tif" for i in range(5)]
    for path, image in zip(paths, data, strict=True):
        with_value(path, np.where(HOLES, 0, image).astype(np.uint16), "0")
    encoder = DictionaryEncoder(4, dictionary="random", random_state=0)
    learned = PatchFeatures(encoder, patch_size=3, n_patches=200, random_state=0).fit(paths)
    np.testing.assert_allclose(np.multiply(learned.used_range_, 65535), (0, 4095))
    arrays = [np.where(HOLES, np.nan, image / 4095).astype(np.float32) for image in data]
    np.testing.assert_allclose(learned.transform(paths), learned.transform(arrays), rtol=1e-3)
    with_value(paths[2], np.zeros(HOLES.shape, np.uint16), "0")
    with pytest.raises(ImageError, match=r"2\.tif: has no pixel with data"):
        learned.transform(paths)
    usable, skipped = readable_images(paths, on_error="skip")
    assert usable == [*paths[:2], *paths[3:]]
    assert "has no pixel with data" in skipped[paths[2]]
