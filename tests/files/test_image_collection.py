"""Collections of images: arrays and files alike come out as checked floats (h, w, c)."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from striate.files.image_collection import ImageCollection, as_collection
from striate.files.read_images import read_pixels

GREY = np.linspace(0, 1, 4 * 5, dtype=np.float32).reshape(4, 5)
COLOUR = np.linspace(0, 1, 6 * 5 * 3, dtype=np.float32).reshape(6, 5, 3)


@pytest.fixture
def files(tmp_path):
    """Two grey files and a colour one."""
    for name, mode in [("a.png", "L"), ("b.png", "L"), ("c.png", "RGB")]:
        Image.new(mode, (7, 5), "white").save(tmp_path / name)
    return [tmp_path / name for name in ("a.png", "b.png", "c.png")]


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (np.zeros((3, 8, 6)), (8, 6, 1)),
        (np.zeros((3, 8, 6, 3), np.uint8), (8, 6, 3)),
        (np.zeros((3, 8, 6, 5), np.uint16), (8, 6, 5)),
        ([np.zeros((8, 6)), np.zeros((9, 6)), np.zeros((8, 6, 1))], (8, 6, 1)),
        ((COLOUR, COLOUR[1:], COLOUR), (6, 5, 3)),
        ([[[0.0, 1.0]], [[1.0, 0.0]], [[0.5, 0.5]]], (1, 2, 1)),
    ],
)
def test_containers_of_arrays(images, shape):
    collection = ImageCollection(images)
    assert len(collection) == 3
    assert collection[0].shape == shape
    assert collection.n_channels == shape[-1]
    assert all(image.dtype == np.float32 for image in collection)
    assert all(image.flags.c_contiguous for image in collection)


def test_files(files):
    for images in (files[:2], [str(path) for path in files[:2]], np.array(files[:2])):
        collection = ImageCollection(images, np.float64)
        assert collection[1].shape == (5, 7, 1)
        assert collection[1].dtype == np.float64
        assert (collection[1] == 1).all()


def test_a_folder_is_the_images_in_it(files, tmp_path):
    files[2].unlink()
    for folder in (tmp_path, str(tmp_path)):
        collection = as_collection(folder)
        assert [collection.name(i) for i in range(len(collection))] == list(map(str, files[:2]))
        assert collection.dtype == np.float32


def test_a_folder_in_a_list_is_no_image(files, tmp_path):
    with pytest.raises(ValueError, match="is a folder; list the images in it with find_images"):
        ImageCollection([files[0], tmp_path])[1]
    with pytest.raises(ValueError, match=r"a\.png'; pass \[path\] for one image"):
        ImageCollection(files[0])


def test_a_file_may_vanish_after_it_was_listed(files, tmp_path):
    collection = ImageCollection(tmp_path)
    files[1].unlink()
    with pytest.raises(ValueError, match=r"b\.png: cannot be read \(No such file"):
        collection[1]


def test_each_file_is_read_once(files, monkeypatch):
    read = []

    def reading(path, *arguments, **options):
        read.append(path)
        return read_pixels(path, *arguments, **options)

    monkeypatch.setattr("striate.files.image_collection.read_pixels", reading)
    collection = ImageCollection(files[:2])
    assert collection.n_channels == 1
    for image in (*collection, *collection):
        assert image.shape == (5, 7, 1)
    assert read == [files[0], files[1], files[0], files[1]]
    read.clear()
    collection = ImageCollection(files[:2])
    parts = [collection[i:] for i in range(2)]
    assert [part.n_channels for part in parts] == [1, 1]
    assert read == [files[0]]


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int8, np.uint16, np.int16]),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=5),
    ),
    st.sampled_from([np.float32, np.float64]),
)
def test_integers_are_scaled_by_the_range_of_their_type(image, dtype):
    low, high = np.iinfo(image.dtype).min, np.iinfo(image.dtype).max
    scaled = ImageCollection([image], dtype)[0]
    expected = (image.astype(np.float64) - low) / (high - low)
    np.testing.assert_allclose(scaled.reshape(image.shape), expected, rtol=1e-6)
    assert scaled.min() >= 0
    assert scaled.max() <= 1


def test_floats_and_booleans_are_taken_as_they_are():
    np.testing.assert_array_equal(ImageCollection([GREY * 300 - 7])[0][..., 0], GREY * 300 - 7)
    np.testing.assert_array_equal(ImageCollection([GREY > 0.5])[0][..., 0], GREY > 0.5)


def test_float_arrays_are_not_copied():
    images = np.zeros((2, 4, 5), np.float32)
    assert np.shares_memory(ImageCollection(images)[1], images)


def test_files_are_read_only_when_asked_for(files):
    collection = ImageCollection([files[0], files[0].with_name("missing.png"), files[1]])
    assert collection[2].shape == (5, 7, 1)
    with pytest.raises(ValueError, match=r"missing\.png: cannot be read"):
        collection[1]


def test_indexing(files):
    images = [GREY + i for i in range(5)]
    collection = ImageCollection(images)
    np.testing.assert_array_equal(collection[-1][..., 0], images[-1])
    np.testing.assert_array_equal(collection[np.int64(2)][..., 0], images[2])
    part = collection[1::2]
    assert [part.name(i) for i in range(len(part))] == ["image 1", "image 3"]
    np.testing.assert_array_equal(part[1][..., 0], images[3])
    with pytest.raises(IndexError):
        collection[5]
    assert len(list(collection)) == 5
    assert ImageCollection(files).name(1) == str(files[1])


def test_channels_on_request(files):
    assert [image.shape[-1] for image in ImageCollection(files, channels=1)] == [1, 1, 1]
    assert [image.shape[-1] for image in ImageCollection(files, channels=3)] == [3, 3, 3]
    assert ImageCollection([GREY, COLOUR], channels=1)[1].shape == (6, 5, 1)
    again = ImageCollection(ImageCollection(files, channels=3), np.float64)
    assert again.n_channels == 3
    assert again[0].dtype == np.float64


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([], "images is empty"),
        (np.zeros((0, 4, 4)), "images is empty"),
        (np.zeros((4, 4)), r"shape \(n, h, w\) or .*pass a single image as a list"),
        (np.zeros((1, 2, 3, 4, 5)), r"got \(1, 2, 3, 4, 5\)"),
        (3.0, r"got \(\)"),
        (iter([]), "images is empty"),
        ([GREY, np.zeros(4)], r"image 1 must have shape \(h, w\) or \(h, w, c\), got \(4,\)"),
        ([GREY, None], r"image 1 must have shape"),
        ([[[1, 2], [3]]], "image 0 is not a rectangular array"),
        ([GREY, GREY.astype(complex)], "image 1 must hold real numbers, got dtype complex"),
        (np.full((1, 4, 4), "x"), "images must hold real numbers, got dtype <U1"),
        (
            np.zeros((1, 4, 4), np.int64),
            r"images must be floats, .*got int64, whose value for white",
        ),
        ([np.zeros((4, 4), np.uint32)], r"image 0 must be floats, .*got uint32"),
        (
            "photo.png",
            r"a list or a folder, got the single path 'photo\.png', which does not exist",
        ),
        (Path("photo.png"), r"single path 'photo\.png', which does not exist; pass \[path\] for"),
    ],
)
def test_bad_collections(images, reason):
    with pytest.raises(ValueError, match=reason):
        ImageCollection(images)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((0, 4)), r"is empty, its shape is \(0, 4\)"),
        (np.zeros((4, 4, 0)), r"is empty, its shape is \(4, 4, 0\)"),
        (np.where(GREY > 0.9, np.nan, GREY), "has NaN or infinity"),
        (np.where(GREY > 0.9, np.inf, GREY), "has NaN or infinity"),
        (np.full((4, 4), 1e300), "has NaN or infinity"),  # as float32
        (COLOUR, r"has 3 channels \(colour\), but image 0 has 1 channel \(grey\)"),
        (COLOUR[..., :2], r"has 2 channels, but image 0 has 1 channel \(grey\)"),
    ],
)
def test_bad_images_are_named(image, reason):
    collection = ImageCollection([GREY, GREY, image])
    with pytest.raises(ValueError, match=f"image 2: {reason}"):
        collection[2]
    with pytest.raises(ValueError, match=f"image 2: {reason}"):
        collection[1:][1]


def test_files_of_another_kind_are_named(files):
    expected = r"c\.png: has 3 channels \(colour\), but .*a\.png has 1 channel \(grey\)"
    with pytest.raises(ValueError, match=expected):
        ImageCollection(files)[2]
