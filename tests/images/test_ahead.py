"""Reading ahead: the same images in the same order, few of them at a time."""

import threading
import time

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from striate.images.ahead import read_ahead
from striate.images.collection import ImageCollection
from striate.images.reading import ImageError


@pytest.fixture(params=[1, 2])
def n_threads(request, monkeypatch):
    monkeypatch.setattr("striate.images.ahead.available_threads", lambda: request.param)
    return request.param


@pytest.fixture
def files(tmp_path):
    for i in range(12):
        Image.new("L", (7, 5 + i), 20 * i).save(tmp_path / f"{i:02}.png")
    return sorted(tmp_path.iterdir())


def test_images_in_their_order(files, n_threads):
    images = ImageCollection(files)
    for indices in ([], [3], range(12), [7, 0, 7, 2, 11, 5]):
        got = list(read_ahead(images, iter(indices)))
        assert [i for i, _ in got] == list(indices)
        for i, image in got:
            np.testing.assert_array_equal(image, images[i])


def test_arrays_need_no_threads(n_threads):
    before = threading.active_count()
    for i, image in read_ahead(ImageCollection(np.zeros((3, 4, 4))), range(3)):
        assert threading.active_count() == before
        assert (i, image.shape) in [(k, (4, 4, 1)) for k in range(3)]


def test_the_first_bad_image_is_the_one_that_is_named(files, n_threads):
    for i in (5, 6):
        files[i].write_bytes(b"")
    got = []
    with pytest.raises(ImageError, match=r"05\.png: the file is empty"):
        got.extend(i for i, _ in read_ahead(ImageCollection(files), range(12)))
    assert got == list(range(5))


def test_few_images_are_in_memory(files, monkeypatch):
    monkeypatch.setattr("striate.images.ahead.available_threads", lambda: 2)
    images, read = ImageCollection(files), []

    class Slow:
        from_files = True

        def __getitem__(self, i):
            read.append(i)
            return images[i]

    reading = read_ahead(Slow(), range(12))
    for taken, _ in enumerate(reading, 1):
        time.sleep(0.01)
        assert len(read) <= taken + 3
    assert len(read) == 12


def test_stopping_early_leaves_no_thread(files):
    before = threading.active_count()
    with threadpool_limits(2):
        reading = read_ahead(ImageCollection(files), range(12))
        next(reading)
        reading.close()
    assert threading.active_count() == before
