"""TIFF files of microscopes and satellites: bands, pages, floats, and values of black and white."""

import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from striate import DictionaryEncoder, ImageCollection, PatchFeatures, read_image, readable_images
from striate.files.decoded_pixels import ImageError
from striate.files.pixel_reading import Reading, found_range, new_reading
from striate.persistence import load, save

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 4096, (4, 12, 15), dtype=np.uint16)
BANDS = RNG.integers(0, 65536, (12, 15, 6), dtype=np.uint16)


def features(**settings):
    encoder = DictionaryEncoder(5, dictionary="omp1", encoding="soft_threshold", random_state=0)
    return PatchFeatures(encoder, patch_size=4, n_patches=300, random_state=0, **settings)


def white(values, largest=65535):
    """Values as a fraction of white."""
    return values / np.float64(largest)


def same(path, expected, **choices):
    np.testing.assert_allclose(read_image(path, np.float64, **choices), expected, rtol=1e-14)


def write_bands(path, values, **settings):
    """Write one image of several bands, rather than a page for each of its rows."""
    more = ("unspecified",) * (values.shape[2] - 1)
    settings = {"photometric": "minisblack", "extrasamples": more, **settings}
    tifffile.imwrite(path, values, planarconfig="contig", **settings)


# --- pages ----------------------------------------------------------------------------------

WRITERS = {
    "pages": {"photometric": "minisblack", "metadata": None},
    "contiguous": {"photometric": "minisblack"},
    "ImageJ": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "OME": {"ome": True, "metadata": {"axes": "ZYX"}},
    "compressed": {"compression": "zlib", "photometric": "minisblack"},
    "LZW, tiled": {"compression": "lzw", "tile": (16, 16), "photometric": "minisblack"},
    "big": {"bigtiff": True, "photometric": "minisblack"},
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_page_is_read_alone_or_all_as_bands(tmp_path, writer):
    tifffile.imwrite(tmp_path / "a.tif", STACK, **WRITERS[writer])
    for page in range(4):
        same(tmp_path / "a.tif", white(STACK[page])[..., np.newaxis], page=page)
    same(tmp_path / "a.tif", white(np.moveaxis(STACK, 0, 2)), page="all")
    same(tmp_path / "a.tif", white(STACK[[2, 0]].transpose(1, 2, 0)), page="all", bands=[2, 0])
    with pytest.raises(ImageError, match=r"a\.tif: holds 4 images.*; choose one by its page, from"):
        read_image(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="has 4 pages, numbered from 0: there is no page 4"):
        read_image(tmp_path / "a.tif", page=4)


def test_a_volume_is_called_so(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, **WRITERS["ImageJ"])
    with pytest.raises(ImageError, match=r"holds 4 images \(4 planes of a volume\)"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("writer", ["ImageJ", "OME"])
def test_channels_of_a_microscope_are_bands(tmp_path, writer):
    settings = WRITERS[writer] | {"metadata": {"axes": "CYX"}}
    tifffile.imwrite(tmp_path / "a.tif", STACK, **settings)
    same(tmp_path / "a.tif", white(np.moveaxis(STACK, 0, 2)))
    same(tmp_path / "a.tif", white(STACK[3])[..., np.newaxis], bands=[3])
    same(tmp_path / "a.tif", white(STACK[1])[..., np.newaxis], page=1)
    stacked = np.stack([STACK, STACK + 1])
    tifffile.imwrite(tmp_path / "b.tif", stacked, **settings | {"metadata": {"axes": "ZCYX"}})
    with pytest.raises(ImageError, match="holds 8 images"):
        read_image(tmp_path / "b.tif")
    same(tmp_path / "b.tif", white(STACK[2] + 1)[..., np.newaxis], page=6)


def test_pages_of_several_sizes(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(STACK[0])
        file.write(STACK[1, :5])
    same(tmp_path / "a.tif", white(STACK[1, :5])[..., np.newaxis], page=1)
    with pytest.raises(ImageError, match="2 images of several sizes or types; choose a page"):
        read_image(tmp_path / "a.tif", page="all")


def test_smaller_versions_are_not_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(STACK[0], subfiletype=0)
        file.write(STACK[0, ::2, ::2], subfiletype=1)
    same(tmp_path / "a.tif", white(STACK[0])[..., np.newaxis])


def test_frames_of_other_formats(tmp_path):
    frames = [Image.fromarray(np.full((4, 5), 50 * i, np.uint8)) for i in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    same(tmp_path / "a.gif", np.full((4, 5, 3), white(100, 255)), page=2)
    with pytest.raises(ImageError, match="has 3 pages, numbered from 0: there is no page 3"):
        read_image(tmp_path / "a.gif", page=3)
    with pytest.raises(ImageError, match='is not a TIFF file, whose pages page="all"'):
        read_image(tmp_path / "a.gif", page="all")


# --- bands and colours ----------------------------------------------------------------------


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("n_bands", [2, 3, 4, 6])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_bands_of_16_bits(tmp_path, n_bands, planar, compression):
    values = BANDS[..., :n_bands]
    kept = np.moveaxis(values, -1, 0) if planar == "separate" else values
    tifffile.imwrite(
        tmp_path / "a.tif",
        kept,
        planarconfig=planar,
        photometric="rgb" if n_bands == 3 else "minisblack",
        extrasamples=() if n_bands == 3 else ("unspecified",) * (n_bands - 1),
        compression=compression,
    )
    same(tmp_path / "a.tif", white(values))
    same(tmp_path / "a.tif", white(values[..., [1, 0]]), bands=(1, 0))
    with pytest.raises(ImageError, match=rf"has {n_bands} bands, numbered from 0: there is no b"):
        read_image(tmp_path / "a.tif", bands=[n_bands])


def test_near_infrared_is_a_band_when_asked_for(tmp_path):
    values = (BANDS[..., :4] >> 8).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=("unspecified",))
    same(tmp_path / "a.tif", white(values[..., [3, 0]], 255), bands=[3, 0])


def test_bands_of_plain_images(tmp_path):
    Image.fromarray((BANDS[..., :3] >> 8).astype(np.uint8)).save(tmp_path / "a.png")
    same(tmp_path / "a.png", read_image(tmp_path / "a.png", np.float64)[..., [2]], bands=[2])


@pytest.mark.parametrize("premultiplied", [False, True])
def test_transparent_colours_of_16_bits_are_shown_on_white(tmp_path, premultiplied):
    values = BANDS[..., :4].copy()
    values[0, 0, 3], values[0, 1, 3] = 0, 65535
    opacity = white(values[..., 3:])
    shown = white(values[..., :3])
    if premultiplied:
        values[..., :3] = np.round(values[..., :3] * opacity)
    kind = "assocalpha" if premultiplied else "unassalpha"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=(kind,))
    got = read_image(tmp_path / "a.tif", np.float64)
    np.testing.assert_allclose(got, shown * opacity + 1 - opacity, atol=1e-5)
    np.testing.assert_array_equal(got[0, 0], [1, 1, 1])
    same(tmp_path / "a.tif", opacity, bands=[3])


def test_an_array_whose_rows_became_pages_is_one_image_when_asked_for(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", BANDS, photometric="minisblack")
    message = (
        r"array of shape \(12, 15, 6\), as 12 images; if it is one image of 6 bands, pass page"
    )
    with pytest.raises(ImageError, match=message):
        read_image(tmp_path / "a.tif")
    same(tmp_path / "a.tif", white(BANDS), page="all")
    same(tmp_path / "a.tif", white(BANDS[..., [5]]), page="all", bands=[5])
    same(tmp_path / "a.tif", white(BANDS[7])[..., np.newaxis], page=7)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_respected_as_by_pillow(tmp_path, orientation):
    values = (BANDS[..., :3] >> 8).astype(np.uint8)
    tag = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "8.tif", values, photometric="rgb", extratags=tag)
    deep = values.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "16.tif", deep, photometric="rgb", extratags=tag)
    same(tmp_path / "16.tif", read_image(tmp_path / "8.tif", np.float64))


def test_white_may_be_zero(tmp_path):
    write_bands(tmp_path / "a.tif", BANDS[..., :2], photometric="miniswhite")
    same(tmp_path / "a.tif", 1 - white(BANDS[..., :2]))
    write_bands(tmp_path / "b.tif", BANDS[..., :2] / 1.0, photometric="miniswhite")
    with pytest.raises(ImageError, match="declares that 0 is white; invert them first"):
        read_image(tmp_path / "b.tif")


def test_colours_that_are_not_known_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", BANDS[..., :4], photometric="separated")
    with pytest.raises(ImageError, match=r"a\.tif: has colours of the kind separated"):
        read_image(tmp_path / "a.tif")


# --- floats, and values of black and white --------------------------------------------------


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "u4", "i2", "u2", "i8"])
def test_any_type_is_scaled_by_a_range(tmp_path, dtype):
    values = RNG.integers(0, 1000, (5, 6, 2)).astype(dtype)
    write_bands(tmp_path / "a.tif", values)
    got = read_image(tmp_path / "a.tif", np.float64, value_range=(100, 600))
    np.testing.assert_allclose(got, (values.astype(float) - 100) / 500, atol=1e-10)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(3000.0), (0, 4095)),
        (np.linspace(-1, 1, 1001), (-0.98, 0.98)),
        (np.full(9, -3.0), (-3, -2)),
        (np.r_[np.zeros(999), 0.5 / 7], (0, 0.5 / 7)),
        (np.arange(100000.0), (999.99, 98999.01)),
    ],
)
def test_the_range_of_numbers_is_that_of_a_sensor_or_percentiles(values, expected):
    np.testing.assert_allclose(found_range(values), expected, rtol=1e-9, atol=1e-12)


def smooth(n=6, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :18]
    waves = [np.sin(rng.normal() * y + rng.normal() * x) for _ in range(n)]
    return np.array(waves) * rng.uniform(0.1, 0.4, (n, 1, 1)) + 0.5


def write_all(folder, images, **settings):
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{i}.tif" for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        tifffile.imwrite(path, image, photometric="minisblack", **settings)
    return paths


def test_floats_of_any_range_are_learned_and_read_alike_later(tmp_path):
    images = smooth()
    paths = write_all(tmp_path / "a", (images * 4000 - 1000).astype(np.float32))
    learned = features().fit(paths)
    black, white_ = learned.reading_["float_range"]
    assert -1000 < black < white_ < 3000
    scaled = ((images * 4000 - 1000 - black) / (white_ - black)).astype(np.float32)
    np.testing.assert_allclose(
        learned.transform(paths), learned.transform(list(scaled)), rtol=1e-3, atol=1e-3
    )
    save(learned, tmp_path / "f.skops")
    again = load(tmp_path / "f.skops")
    # A single file of low contrast is scaled by the range of the folder, not by its own.
    (faint,) = write_all(tmp_path / "b", (images[:1] * 40 + 900).astype(np.float32))
    expected = ((images[:1] * 40 + 900 - black) / (white_ - black)).astype(np.float32)
    np.testing.assert_allclose(
        again.transform([faint]), learned.transform(list(expected)), rtol=1e-3
    )


def test_floats_within_0_and_1_are_taken_as_they_are(tmp_path):
    images = smooth().astype(np.float32)
    learned = features().fit(write_all(tmp_path / "a", images))
    assert learned.reading_ == {}
    np.testing.assert_array_equal(
        learned.transform(write_all(tmp_path / "a", images)), learned.transform(list(images))
    )
    (other,) = write_all(tmp_path / "b", images[:1] * 300)
    with pytest.raises(ImageError, match=r"0\.tif: has floating-point pixels outside \[0, 1\]"):
        learned.transform([other])


def test_a_range_given_by_hand_is_kept(tmp_path):
    images = (smooth() * 1023).astype(np.uint16)
    paths = write_all(tmp_path / "a", images)
    learned = features().fit(ImageCollection(paths, value_range=(200, 900)))
    assert learned.reading_ == {"value_range": (200.0, 900.0)}
    assert learned.used_range_ == (0, 1)
    expected = (images.astype(np.float32) - 200) / 700
    np.testing.assert_allclose(
        learned.transform(paths), learned.transform(list(expected)), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(learned.transform(paths), learned.transform(images), rtol=1e-6)


def test_pages_and_bands_are_kept(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    stacks = RNG.integers(0, 256, (5, 3, 16, 18), dtype=np.uint8)
    for i, stack in enumerate(stacks):
        tifffile.imwrite(folder / f"{i}.tif", stack, photometric="minisblack")
    learned = features().fit(ImageCollection(folder, page="all", bands=(2, 0)))
    assert learned.patch_shape_ == (4, 4, 2)
    expected = learned.transform(np.moveaxis(stacks[:, [2, 0]], 1, -1))
    np.testing.assert_array_equal(learned.transform(folder), expected)
    paths, skipped = readable_images(folder, page="all", bands=(2, 0))
    assert (len(paths), skipped) == (5, {})
    with pytest.raises(ImageError, match=r"0\.tif: has 3 pages, .* there is no page 9"):
        readable_images(folder, page=9)


def test_plain_images_are_those_of_pillow(tmp_path):
    for dtype in (np.uint8, np.uint16):
        values = RNG.integers(0, np.iinfo(dtype).max, (9, 7)).astype(dtype)
        tifffile.imwrite(tmp_path / "a.tif", values)
        with Image.open(tmp_path / "a.tif") as image:
            expected = ImageCollection([image])[0]
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif", page=0), expected)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"page": -1}, "page must be a number of at least 0"),
        ({"page": "first"}, "page must be a number"),
        ({"page": True}, "page must be a number"),
        ({"bands": []}, "bands must be numbers"),
        ({"bands": 2}, "bands must be numbers"),
        ({"bands": [0, -1]}, "bands must be numbers"),
        ({"value_range": (1, 1)}, r"value_range must be \(black, white\)"),
        ({"value_range": (0, np.inf)}, r"value_range must be \(black, white\)"),
        ({"value_range": (0, 1, 2)}, r"value_range must be \(black, white\)"),
    ],
)
def test_wrong_choices(choices, message):
    with pytest.raises(ValueError, match=message):
        new_reading(**choices)


def test_choices_are_completed_by_those_of_the_model():
    mine = Reading(page=2, value_range=(0.0, 5.0))
    theirs = Reading(page=1, bands=(3,), float_range=(0.0, 9.0))
    assert mine.or_else(theirs) == Reading(2, (3,), (0.0, 5.0), (0.0, 9.0))
    assert Reading.of(theirs.as_dict()) == theirs


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
def test_truncated_files_are_refused(tmp_path, compression, part):
    write_bands(tmp_path / "a.tif", BANDS, compression=compression)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: int(part * len(content))])
    with pytest.raises(ImageError, match=r"^[^\n]*a\.tif: "):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_end_in_pixels_or_one_error(tmp_path, seed):
    rng = np.random.default_rng(seed)
    settings = list(WRITERS.values())[seed % len(WRITERS)]
    tifffile.imwrite(tmp_path / "a.tif", STACK, **settings)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    for at in rng.integers(0, len(content), 6):
        content[at] ^= 1 << int(rng.integers(8))
    header = rng.integers(0, min(len(content), 400), 4)
    content[int(header[0])] = int(header[1]) % 256
    (tmp_path / "a.tif").write_bytes(content)
    for page in (None, 1, "all"):
        image, error = pixels_or_error(tmp_path / "a.tif", page)
        if error:
            assert error.startswith(f"{tmp_path / 'a.tif'}: ")
            assert "\n" not in error
        else:
            assert np.isfinite(image).all()


def pixels_or_error(path, page):
    try:
        return read_image(path, page=page), ""
    except ImageError as error:
        return None, str(error)


def test_many_pixels_are_refused_by_tifffile_too(tmp_path, monkeypatch):
    write_bands(tmp_path / "a.tif", BANDS)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="more than 100 pixels; cut it into tiles"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("package", ["tifffile", "imagecodecs"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, package):
    def asarray(*args, **kwargs):  # as without imagecodecs, which tifffile imports once
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    write_bands(tmp_path / "a.tif", BANDS, compression="lzw")
    if package == "tifffile":
        monkeypatch.setitem(sys.modules, package, None)
    else:
        monkeypatch.setattr(tifffile.TiffFile, "asarray", asarray)
    with pytest.raises(ModuleNotFoundError, match=rf"a\.tif.* {package}: .*'striate\[images\]'"):
        read_image(tmp_path / "a.tif")
