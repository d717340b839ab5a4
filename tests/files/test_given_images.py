"""Images as people have them: Pillow's, stored on the disk, generated, or with channels first."""

import numpy as np
import pytest
from PIL import Image

from striate import DictionaryEncoder, PatchFeatures
from striate.files.image_collection import ImageCollection, as_collection

Y, X = np.mgrid[:20, :25]
COLOUR = Image.fromarray(np.stack([X * 10, Y * 12, (X + Y) * 5], axis=2).astype(np.uint8))
GREY = np.random.default_rng(0).integers(0, 256, (6, 9, 8), dtype=np.uint8)


def small_features(**settings):
    encoder = DictionaryEncoder(3, dictionary="random", random_state=0)
    return PatchFeatures(encoder, patch_size=3, n_patches=50, random_state=0, **settings)


# --- Pillow's images ------------------------------------------------------------------------


def transparent():
    image = COLOUR.convert("RGBA")
    image.putalpha(Image.fromarray((X * 10).astype(np.uint8)))
    return image


IMAGES = {
    "palette.png": COLOUR.convert("P"),
    "grey.png": COLOUR.convert("L"),
    "grey_alpha.png": COLOUR.convert("LA"),
    "rgba.png": transparent(),
    "bits.png": COLOUR.convert("1"),
    "cmyk.tif": COLOUR.convert("CMYK"),
    "print.jpg": COLOUR.convert("CMYK"),
    "lab.tif": COLOUR.convert("LAB"),
    "sixteen.png": Image.fromarray((X * 2000).astype(np.uint16)),
    "floats.tif": Image.fromarray((X / 25).astype(np.float32)),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_pillow_are_as_their_files(tmp_path, name):
    path = tmp_path / name
    IMAGES[name].save(path)
    expected = ImageCollection([path])[0]
    with Image.open(path) as opened:
        lazy = ImageCollection([opened])
        np.testing.assert_array_equal(lazy[0], expected)
        np.testing.assert_array_equal(lazy[0], expected)
        assert (expected.shape[-1] == 1) == (opened.mode in {"L", "LA", "1", "I;16", "F"})
    if path.suffix != ".jpg":
        np.testing.assert_array_equal(ImageCollection([IMAGES[name]])[0], expected)


def test_images_of_pillow_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    COLOUR.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        pixels = ImageCollection([opened])[0]
    assert pixels.shape == (25, 20, 3)
    np.testing.assert_array_equal(pixels, ImageCollection([tmp_path / "a.png"])[0])


def test_features_of_images_of_pillow():
    features = small_features().fit(GREY)
    images = [Image.fromarray(pixels) for pixels in GREY]
    np.testing.assert_array_equal(features.transform(images), features.transform(GREY))


def test_images_of_pillow_that_cannot_be_used(tmp_path):
    frames = [Image.effect_noise((9, 9), 50) for _ in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.gif") as moving:
        collection = ImageCollection([COLOUR, moving])
        with pytest.raises(ValueError, match="image 1: holds 3 images"):
            collection[1]
    whole = Image.fromarray(np.zeros((4, 4), np.int32))
    with pytest.raises(ValueError, match="image 0: has 32-bit or signed integer pixels"):
        ImageCollection([whole])[0]
    path = tmp_path / "cut.png"
    frames[0].save(path)
    path.write_bytes(path.read_bytes()[:70])
    with Image.open(path) as cut, pytest.raises(ValueError, match="image 0: cannot be read"):
        ImageCollection([cut])[0]
    with pytest.raises(ValueError, match=r"single image of Pillow; pass \[image\]"):
        ImageCollection(COLOUR)


# --- containers -----------------------------------------------------------------------------


def test_iterables_are_taken_as_lists(tmp_path):
    for i, pixels in enumerate(GREY):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    paths = sorted(tmp_path.glob("*.png"))
    expected = small_features().fit_transform(GREY)
    for images in (
        iter(paths),
        (pixels for pixels in GREY),
        map(str, paths),
        dict(enumerate(paths)).values(),
    ):
        np.testing.assert_array_equal(small_features().fit(images).transform(GREY), expected)
    assert len(as_collection(tmp_path.glob("*.png"))) == len(paths)


@pytest.mark.parametrize("images", [{"a.png"}, frozenset(["a.png"]), {"a.png": 1}])
def test_images_need_an_order(images):
    with pytest.raises(ValueError, match=f"in an order, got a {type(images).__name__}; pass a li"):
        as_collection(images)


class Stored:
    """An array on the disk, as those of h5py and Zarr: it is read by its index."""

    def __init__(self, values):
        self.values, self.read = values, []
        self.shape, self.dtype = values.shape, values.dtype

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        self.read.append(index)
        return self.values[index]


class Convertible(Stored):
    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the whole was read")


@pytest.mark.parametrize("kind", [Stored, Convertible])
def test_stored_arrays_are_read_when_needed(kind, monkeypatch):
    monkeypatch.setattr("striate.files.stored_images.PIECE_BYTES", 1)  # one image
    stored = kind(GREY)
    images = ImageCollection(stored)
    assert (len(images), images.name(3), stored.read) == (6, "image 3", [])
    np.testing.assert_array_equal(images[4], ImageCollection(GREY)[4])
    assert stored.read == [slice(4, 5), slice(0, 1)]  # the first, for its number of channels
    features = small_features().fit(stored)
    stored.read.clear()
    np.testing.assert_array_equal(features.transform(stored), features.transform(GREY))
    assert stored.read == [slice(i, i + 1) for i in range(6)]
    assert as_collection(kind(GREY.astype(np.float64))).dtype == np.float64


def test_a_list_of_stored_arrays_is_read_when_needed():
    stored = [Stored(pixels) for pixels in GREY]
    images = ImageCollection(stored)
    assert not any(each.read for each in stored)
    np.testing.assert_array_equal(images[2], ImageCollection(GREY)[2])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (GREY[0], r"images must have shape .*, got \(9, 8\); pass a single image as a list"),
        (GREY.astype(np.int64), "images must be floats, or integers of 8 or 16 bits, got int64"),
        (GREY[:0], "images is empty"),
    ],
)
def test_stored_arrays_are_checked_without_being_read(values, reason):
    stored = Stored(values)
    with pytest.raises(ValueError, match=reason):
        ImageCollection(stored)
    assert stored.read == []


# --- channels first -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 32, 32), (16, 64, 64), (1, 28, 28), (512, 7, 7), (3, 40, 9)])
def test_channels_that_come_first_are_noticed(shape):
    taken = rf"taken as {shape[0]} x {shape[1]} pixels with {shape[2]} channels"
    with pytest.warns(UserWarning, match=rf"{taken}; .* np\.moveaxis\(images, 1, -1\)"):
        ImageCollection(np.zeros((2, *shape), np.uint8))
    with pytest.warns(UserWarning, match=rf"{taken}; .* np\.moveaxis\(image, 0, -1\)"):
        ImageCollection([np.zeros(shape, np.uint8)])


@pytest.mark.parametrize(
    "shape", [(32, 32, 3), (3, 32, 4), (12, 12, 200), (40, 50, 12), (9, 8, 8 * 4), (8, 8, 8)]
)
def test_channels_that_come_last_are_legitimate(shape):
    assert ImageCollection(np.zeros((2, *shape), np.uint8))[0].shape == shape
