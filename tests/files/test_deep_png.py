"""PNG files with 16 bits per colour: all of them are read, or a message says that 8 are."""

import struct
from zlib import compress, crc32

import numpy as np
import pytest
from PIL import Image

from striate import ImageCollection, PatchFeatures, read_image
from striate.files import deep_png
from striate.files.decoded_pixels import ImageError

GREY_ALPHA, RGB, RGBA = 4, 2, 6


def deep(pixels, kind, *, orientation=1):
    """Build a PNG file of 16 bits, by the specification."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc32(name + data))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels.reshape(height, -1))
    exif = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)),
            chunk(b"eXIf", exif),
            chunk(b"IDAT", compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 65536, (5, 7, 4)).astype(np.uint16)


def test_all_bits_are_read(tmp_path, pixels):
    (tmp_path / "a.png").write_bytes(deep(pixels[..., :3], RGB))
    got = read_image(tmp_path / "a.png", np.float64)
    np.testing.assert_allclose(got, pixels[..., :3] / 65535, rtol=1e-15)


@pytest.mark.parametrize(("kind", "n_bands"), [(RGBA, 4), (GREY_ALPHA, 2)])
def test_transparency_is_on_white(tmp_path, pixels, kind, n_bands):
    pixels = pixels[..., :n_bands]
    (tmp_path / "a.png").write_bytes(deep(pixels, kind))
    values = pixels / 65535
    expected = values[..., :-1] * values[..., -1:] + 1 - values[..., -1:]
    got = read_image(tmp_path / "a.png", np.float64)
    assert got.shape == (5, 7, n_bands - 1)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_that_of_pillow(tmp_path, pixels, orientation):
    path = tmp_path / "a.png"
    path.write_bytes(deep(pixels[..., :3], RGB, orientation=orientation))
    with Image.open(path) as opened:
        by_pillow = ImageCollection([opened])[0]
    np.testing.assert_allclose(read_image(path), by_pillow, atol=1 / 255)


def test_twelve_bits_in_sixteen_are_as_eight(tmp_path):
    """Features of a sensor of 12 bits are those of the same images in 8 bits."""
    rng = np.random.default_rng(1)
    for i in range(3):
        values = rng.integers(0, 256, (20, 20, 3))
        (tmp_path / f"{i}.png").write_bytes(deep(values * 4095 // 255, RGB))
        Image.fromarray(values.astype(np.uint8)).save(tmp_path / f"eight{i}.png")
    files, eight = (sorted(tmp_path.glob(name)) for name in ("?.png", "eight*.png"))
    features = PatchFeatures(patch_size=4, n_patches=100, random_state=0).fit(files)
    assert features.used_range_ != (0, 1)
    plain = PatchFeatures(patch_size=4, n_patches=100, random_state=0).fit(eight)
    assert (
        np.corrcoef(features.transform(files).ravel(), plain.transform(eight).ravel())[0, 1] > 0.9
    )


def test_without_imagecodecs_a_message_says_what_is_read(tmp_path, pixels, monkeypatch):
    monkeypatch.setattr(deep_png, "find_spec", lambda name: None)
    deep_png.warn_of_lost_bits.cache_clear()
    path = tmp_path / "a.png"
    path.write_bytes(deep(pixels[..., :3], RGB))
    with pytest.warns(UserWarning, match=r"the upper 8 are read; .* 'striate\[images\]'"):
        got = read_image(path)
    np.testing.assert_allclose(got, pixels[..., :3] / 65535, atol=1 / 255)
    path.write_bytes(deep(pixels[..., :3] // 16, RGB))
    with pytest.raises(ImageError, match="uses the lowest of them"):  # and no second warning
        read_image(path)


def test_without_imagecodecs_black_and_white_are_the_same(tmp_path, pixels, monkeypatch):
    """Those that are given, and those of features that were learned with all bits."""
    path = tmp_path / "a.png"
    path.write_bytes(deep(pixels[..., :3] // 4, RGB))
    features = PatchFeatures(patch_size=2, n_patches=50, random_state=0).fit([path])
    assert features.used_range_[1] < 1
    in_full = ImageCollection([path]).as_learned(features)[0]
    monkeypatch.setattr(deep_png, "find_spec", lambda name: None)
    monkeypatch.setattr(deep_png, "warn_of_lost_bits", lambda: None)
    given = read_image(path, value_range=(0, 16383))
    learned = ImageCollection([path]).as_learned(features)[0]
    for got in (given, learned):
        np.testing.assert_allclose(got, in_full, atol=1 / 60)


def test_a_truncated_file_is_refused_by_name(tmp_path, pixels):
    whole = deep(pixels[..., :3], RGB)
    (tmp_path / "short.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"short\.png: cannot be read"):
        read_image(tmp_path / "short.png")
