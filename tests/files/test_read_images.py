"""Reading image files: any bytes end in pixels in [0, 1] or in one ImageError."""

import io
import os
import struct
import sys
import threading
import warnings
from zlib import compress, crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from striate.files.decoded_pixels import ImageError
from striate.files.image_collection import ImageCollection
from striate.files.pillow_warnings import quiet_pillow
from striate.files.read_images import read_image

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")
TRUNCATED = [(kind, tenth) for kind in FORMATS for tenth in range(10)]


def picture(mode="RGB", size=(23, 17), seed=0):
    """Build a smooth picture, which every format can compress, with some noise."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    ramp = np.stack([8 * x, 10 * y, 4 * (x + y)], axis=-1) % 256
    noise = np.random.default_rng(seed).integers(0, 5, ramp.shape)
    return Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8)).convert(mode)


def encoded(kind, mode="RGB", **options):
    buffer = io.BytesIO()
    picture(mode).save(buffer, kind, **options)
    return buffer.getvalue()


VALID = {kind: encoded(kind, "P" if kind == "GIF" else "RGB") for kind in FORMATS}


def pixels_or_error(path):
    """Read a file that may be damaged; all that may happen is an array or an ImageError."""
    try:
        image = read_image(path)
    except ImageError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return None
    assert image.dtype == np.float32
    assert image.ndim == 3
    assert image.shape[-1] in (1, 3) or path.read_bytes()[:2] in (b"II", b"MM")
    assert image.min() >= 0
    assert image.max() <= 1
    return image


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "image.png"


# --- what is read ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1)])
def test_lossless_formats_give_their_pixels(tmp_path, kind, mode, channels):
    path = tmp_path / "image"
    path.write_bytes(encoded(kind, mode))
    image = read_image(path)
    expected = np.asarray(picture(mode)).reshape(17, 23, channels) / np.float32(255)
    np.testing.assert_array_equal(image, expected)
    assert image.flags.c_contiguous


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA", "CMYK", "YCbCr"])
def test_other_modes_become_grey_or_colour(tmp_path, mode):
    path = tmp_path / "image"
    path.write_bytes(encoded("PNG" if mode in {"1", "P", "RGBA", "LA"} else "TIFF", mode))
    assert read_image(path).shape == (17, 23, 1 if mode in {"1", "LA"} else 3)


def test_cmyk_photographs(tmp_path):
    """JPEGs for print hold inverted ink."""
    path = tmp_path / "print.jpg"
    ink = Image.fromarray(np.full((16, 16, 4), (0, 255, 255, 0), np.uint8), "CMYK")
    ink.save(path, "JPEG", quality=95)
    np.testing.assert_allclose(read_image(path)[8, 8], [1, 0, 0], atol=0.03)


def tiff(bands, bits, photometric=1):
    """Build a TIFF of 3 x 2 pixels with bands side by side, and its pixels."""
    values = np.arange(6 * bands).reshape(2, 3, bands) * (2**bits // (6 * bands))
    strip = values.astype(f"<u{bits // 8}").tobytes()
    bits_at = 8 + len(strip)
    tags = [
        (256, 4, 1, 3),
        (257, 4, 1, 2),
        (258, 3, bands, bits_at if bands > 2 else bits * [1, 1, 65537][bands]),
    ]
    tags += [(259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8), (277, 3, 1, bands)]
    tags += [(278, 4, 1, 2), (279, 4, 1, len(strip))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    more = struct.pack(f"<{bands}H", *[bits] * bands)
    start = bits_at + len(more)
    return struct.pack("<2sHI", b"II", 42, start) + strip + more + directory, values


def test_colour_of_sixteen_bits_is_read_in_full(tmp_path):
    content, values = tiff(3, 16, photometric=2)
    (tmp_path / "image.tif").write_bytes(content)
    got = read_image(tmp_path / "image.tif", np.float64)
    np.testing.assert_allclose(got, values / 65535, rtol=1e-15)


@pytest.mark.parametrize(("bands", "bits"), [(2, 8), (5, 8), (5, 16), (8, 16)])
def test_any_number_of_bands(tmp_path, bands, bits):
    content, values = tiff(bands, bits)
    (tmp_path / "image.tif").write_bytes(content)
    got = read_image(tmp_path / "image.tif", np.float64)
    np.testing.assert_allclose(got, values / (2**bits - 1), rtol=1e-15)
    assert got.shape == (2, 3, bands)


def test_sixteen_bits_of_grey_are_kept(tmp_path):
    values = np.array([[0, 1, 257], [32768, 65534, 65535]], np.uint16)
    for suffix in ("png", "tif"):
        path = tmp_path / f"image.{suffix}"
        Image.fromarray(values).save(path)
        image = read_image(path, np.float64)
        assert image.dtype == np.float64
        np.testing.assert_allclose(image[..., 0], values / 65535, rtol=1e-15)


def test_transparent_pixels_are_white(tmp_path):
    rgba = np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 51]]], np.uint8)
    Image.fromarray(rgba).save(tmp_path / "image.png")
    expected = [[[1, 1, 1], [1, 0, 0], [0.8, 0.8, 0.8]]]
    np.testing.assert_allclose(read_image(tmp_path / "image.png"), expected, rtol=1e-6)


def test_transparent_palette_entry_is_white(tmp_path):
    image = Image.frombytes("P", (2, 1), bytes([0, 1]))
    image.putpalette([10, 20, 30, 0, 255, 0])
    image.save(tmp_path / "image.png", transparency=0)
    np.testing.assert_array_equal(read_image(tmp_path / "image.png"), [[[1, 1, 1], [0, 1, 0]]])


def png(bits, colour, row, transparent):
    """Build a PNG of one row of pixels, of which those of one value are transparent."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    width = len(row) * 8 // (bits * (3 if colour else 1))
    header = struct.pack(">IIBBBBB", width, 1, bits, 2 if colour else 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", transparent), (b"IDAT", compress(b"\0" + row))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("bits", "row", "transparent", "white"),
    [
        (1, [0b01010101], [0], [1] * 8),
        (2, [0b00011011], [1], [0, 1, 0, 1]),
        (4, [0x50], [5], [1, 0]),
        (8, [5, 200], [5], [1, 0]),
        (16, [3, 232, 234, 96], [1000], [1, 0]),
        (8, [5, 6, 7, 90, 90, 90], [5, 6, 7], [1, 0]),
        (16, [3, 232, 7, 208, 11, 184, 99, 0, 99, 0, 99, 0], [1000, 2000, 3000], [1, 0]),
    ],
)
def test_pixels_of_a_transparent_value_are_white(tmp_path, bits, row, transparent, white):
    value = struct.pack(f">{len(transparent)}H", *transparent)
    path = tmp_path / "image.png"
    path.write_bytes(png(bits, len(transparent) == 3, bytes(row), value))
    pixels = read_image(path)
    np.testing.assert_array_equal((pixels == 1).all(axis=2), [white])
    with Image.open(path) as opened:
        for _ in range(2):
            tolerance = (
                1 / 255 if bits == 16 and len(transparent) == 3 else 0
            )  # Pillow keeps 8 bits
            np.testing.assert_allclose(ImageCollection([opened])[0], pixels, atol=tolerance)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_camera_orientation_is_respected(tmp_path, kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90 degrees clockwise
    path = tmp_path / "image"
    options = {"quality": 100} if kind == "JPEG" else {}
    picture("L").save(path, kind, exif=exif, **options)
    upright = np.rot90(np.asarray(picture("L")), -1)
    np.testing.assert_allclose(read_image(path)[..., 0], upright / 255, atol=0.02)


def test_channels_are_converted_on_request(tmp_path):
    for mode in ("L", "RGB"):
        picture(mode).save(tmp_path / f"{mode}.png")
    grey, colour = (read_image(tmp_path / f"{mode}.png") for mode in ("L", "RGB"))
    np.testing.assert_array_equal(read_image(tmp_path / "L.png", channels=1), grey)
    np.testing.assert_array_equal(read_image(tmp_path / "RGB.png", channels=3), colour)
    np.testing.assert_array_equal(read_image(tmp_path / "L.png", channels=3), grey.repeat(3, -1))
    # Pillow rounds its grey values to 8 bits.
    as_grey = read_image(tmp_path / "RGB.png", channels=1)
    np.testing.assert_allclose(as_grey, grey, atol=1 / 255)


def test_white_stays_white_in_grey(tmp_path):
    Image.new("RGB", (3, 2), "white").save(tmp_path / "image.png")
    assert (read_image(tmp_path / "image.png", channels=1) == 1).all()


def test_float_pixels_within_range_are_taken(tmp_path):
    values = np.array([[0, 0.25], [0.5, 1]], np.float32)
    Image.fromarray(values).save(tmp_path / "image.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "image.tif")[..., 0], values)


def test_mpo_photographs_give_their_main_picture(tmp_path):
    path = tmp_path / "phone.jpg"
    picture().save(path, "MPO", save_all=True, append_images=[picture(size=(5, 4))])
    assert read_image(path).shape == (17, 23, 3)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"not an image at all", "not an image in a supported format: PNG"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "not an image in a supported format: PNG",
        ),
    ],
)
def test_files_that_are_no_images(tmp_path, content, reason):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"image\.png: {reason}"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.png", r"cannot be read \(No such file"), (".", "is a folder")]
)
def test_paths_that_are_no_files(tmp_path, name, reason):
    with pytest.raises(ImageError, match=f": {reason}"):
        read_image(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(ImageError, match=r"x\.png: is not a regular file, but a pipe"):
        read_image(tmp_path / "x.png")
    with pytest.raises(ImageError, match="null: is not a regular file"):
        read_image(os.devnull)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_several_images_in_a_file(tmp_path, kind):
    frames = [picture(seed=seed) for seed in range(3)]
    options = {"lossless": True} if kind == "WEBP" else {}  # or it merges frames that look alike
    frames[0].save(tmp_path / "image", kind, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(
        ImageError, match=r"image: holds 3 images; choose one by its page, from 0 to 2"
    ):
        read_image(tmp_path / "image")


@pytest.mark.parametrize("limit", [300, 100])  # Pillow warns of the first, and raises the second
def test_too_many_pixels(tmp_path, monkeypatch, limit):
    picture().save(tmp_path / "image.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ImageError, match=rf"more than {limit} pixels; cut it into tiles"):
        read_image(tmp_path / "image.png")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[0, 2]], np.float32), r"floating-point pixels outside \[0, 1\].*from 0 to 2;"),
        (np.array([[0, np.inf]], np.float32), "infinite pixels"),
        (
            np.array([[0, 70000]], np.int32),
            ".*large integers, from 0 to 70000; say .* value_range=",
        ),
    ],
)
def test_pixels_of_unknown_white(tmp_path, values, reason):
    Image.fromarray(values).save(tmp_path / "image.tif")
    with pytest.raises(ImageError, match=rf"image\.tif: has {reason}"):
        read_image(tmp_path / "image.tif")


def test_missing_pillow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'striate\[app\]'"):
        read_image(tmp_path / "image.png")


# --- damage ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "tenth"), TRUNCATED)
def test_truncated_files(tmp_path, kind, tenth):
    content = VALID[kind]
    path = tmp_path / "image.png"
    path.write_bytes(content[: len(content) * tenth // 10])
    assert pixels_or_error(path) is None


FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(
    start=st.sampled_from([b"", *(content[:16] for content in VALID.values())]), tail=st.binary()
)
def test_random_bytes(scratch, start, tail):
    scratch.write_bytes(start + tail)
    pixels_or_error(scratch)


@FUZZ
@given(
    kind=st.sampled_from(FORMATS),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=8),
)
def test_flipped_bits(scratch, kind, flips):
    content = bytearray(VALID[kind])
    for where, bit in flips:
        content[int(where * (len(content) - 1))] ^= 1 << bit
    scratch.write_bytes(content)
    pixels_or_error(scratch)


@FUZZ
@given(
    kind=st.sampled_from(FORMATS),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    insert=st.binary(max_size=20),
)
def test_spliced_bytes(scratch, kind, cut, insert):
    content = VALID[kind]
    low, high = sorted(int(where * len(content)) for where in cut)
    scratch.write_bytes(content[:low] + insert + content[high:])
    pixels_or_error(scratch)


def test_threads_may_read_together(tmp_path):
    path = tmp_path / "image.png"
    picture().save(path)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(read_image(path).sum())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert len(set(results)) == 1


def test_pillows_warnings_are_held_back_while_any_thread_reads():
    before = list(warnings.filters)
    with quiet_pillow:
        held_back = list(warnings.filters)
        assert held_back != before
        with quiet_pillow:
            assert warnings.filters == held_back
        assert warnings.filters == held_back
    assert warnings.filters == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_while_threads_read():
    before = list(warnings.filters)
    with quiet_pillow:
        child = os.fork()
        if child == 0:
            os._exit(0 if warnings.filters == before else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
