"""TIFF files that hold more than one picture, or more bands than a picture has."""

import logging
import struct

import numpy as np
import pytest

from striate.files.decoded_pixels import ImageError
from striate.files.read_images import read_image

IMAGEJ = "ImageJ=1.11a\nimages={}\nslices={}\nmode=grayscale\n"


def write_tiff(path, planes, *, bands=1, description="", depth=1, big=False):
    """Write planes (n, h, w) of 8 bits, one after another, under one directory."""
    height, width = planes.shape[1:]
    text = description.encode() + b"\0"
    pixels = planes.tobytes() * bands
    start = 16 if big else 8
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    tags += [(262, 3, 1, 1), (270, 2, len(text), start + len(pixels)), (273, 4, 1, start)]
    tags += [(277, 3, 1, bands), (278, 4, 1, height), (279, 4, 1, height * width * bands)]
    tags += [(284, 3, 1, 1), (32997, 4, 1, depth)]
    entry, count, head = ("<HHQQ", "<Q", "<2sHHHQ") if big else ("<HHII", "<H", "<2sHI")
    words = (43, 8, 0) if big else (42,)
    directory = struct.pack(count, len(tags)) + b"".join(struct.pack(entry, *t) for t in tags)
    header = struct.pack(head, b"II", *words, start + len(pixels) + len(text))
    path.write_bytes(header + pixels + text + directory + bytes(8))


STACK = np.random.default_rng(0).integers(0, 256, (15, 40, 50), dtype=np.uint8)


@pytest.mark.parametrize(
    "settings",
    [
        {"description": IMAGEJ.format(15, 15)},
        {"description": '{"shape": [15, 40, 50], "truncated": true}'},
        {"depth": 15},
    ],
    ids=["ImageJ", "tifffile", "volume"],
)
def test_planes_under_one_directory_are_several_images(tmp_path, settings):
    write_tiff(tmp_path / "stack.tif", STACK, **settings)
    with pytest.raises(ImageError, match=r"stack\.tif: holds 15 images.*; choose one by its"):
        read_image(tmp_path / "stack.tif")


@pytest.mark.parametrize(
    "description",
    ["", IMAGEJ.format(1, 1), '{"shape": [40, 50]}', '{"shape": 3}', '{"shape": ["x"]}', "{", "ä"],
)
def test_a_single_plane_is_read_whatever_is_written_about_it(tmp_path, description):
    write_tiff(tmp_path / "one.tif", STACK[:1], description=description)
    expected = STACK[0, ..., np.newaxis] / np.float32(255)
    np.testing.assert_array_equal(read_image(tmp_path / "one.tif"), expected)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bands", [2, 5, 12])
def test_bands_are_read_from_small_and_big_files(tmp_path, bands, big):
    write_tiff(tmp_path / "bands.tif", STACK[:1], bands=bands, big=big)
    expected = np.tile(STACK[0].ravel(), bands).reshape(40, 50, bands) / np.float32(255)
    np.testing.assert_array_equal(read_image(tmp_path / "bands.tif"), expected)


@pytest.mark.parametrize("end", [40, -30])
def test_what_libraries_log_is_not_printed(tmp_path, capfd, monkeypatch, end):
    write_tiff(tmp_path / "bands.tif", STACK[:1], bands=12)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program without logging
    content = (tmp_path / "bands.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[:end])
    with pytest.raises(ImageError):
        read_image(tmp_path / "cut.tif")
    read_image(tmp_path / "bands.tif")
    assert capfd.readouterr().err == ""


def test_bands_that_were_written_as_pages(tmp_path):
    write_tiff(tmp_path / "a.tif", STACK[:, :, :12], description='{"shape": [15, 40, 12]}')
    text = r"holds an array of shape \(15, 40, 12\), as 15 images; if it is one image of 12 bands"
    with pytest.raises(ImageError, match=text):
        read_image(tmp_path / "a.tif")
