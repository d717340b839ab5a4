"""Files are read while earlier ones are worked on, a few at a time, and arrays in their turn."""

import threading

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from striate import DictionaryEncoder, PatchFeatures, readable_images
from striate.files import image_collection as collection
from striate.files.image_collection import ImageCollection
from striate.files.prefetch import PrefetchedImages

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 9, 8, 3), dtype=np.uint8)


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{i:02}.png" for i in range(len(PIXELS))]
    for path, pixels in zip(paths, PIXELS, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def reads(monkeypatch):
    """Files whose reading has started, and a condition notified of each."""
    started, changed = [], threading.Condition()
    read = collection.read_pixels

    def reading(path, *args, **kwargs):
        with changed:
            started.append(path)
            changed.notify_all()
        return read(path, *args, **kwargs)

    monkeypatch.setattr(collection, "read_pixels", reading)
    return started, changed


def features(**settings):
    encoder = DictionaryEncoder(4, max_iter=2, random_state=0)
    return PatchFeatures(encoder, patch_size=3, n_patches=60, random_state=0, **settings)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("indices", [range(20), [3, 3, 0, 19], []])
def test_images_come_in_turn(files, n_threads, indices):
    for images in (ImageCollection(files), ImageCollection(PIXELS)):
        with threadpool_limits(n_threads), PrefetchedImages(images, indices) as prefetched:
            got = [(i, get()) for i, get in prefetched]
        assert [i for i, _ in got] == list(indices)
        for i, image in got:
            np.testing.assert_array_equal(image, PIXELS[i] / np.float32(255))


def test_images_are_read_though_no_more_threads_can_start(files, two_threads_start):
    with threadpool_limits(9), PrefetchedImages(ImageCollection(files), range(20)) as prefetched:
        got = [get() for _, get in prefetched]
    np.testing.assert_array_equal(got, PIXELS / np.float32(255))
    assert len(two_threads_start) == 2


def test_images_are_checked_though_no_more_threads_can_start(files, two_threads_start):
    with threadpool_limits(9):
        assert readable_images(files) == (files, {})
    assert len(two_threads_start) == 2


def test_the_next_file_is_read_in_the_background(files, reads):
    started, changed = reads
    with threadpool_limits(1), PrefetchedImages(ImageCollection(files), range(20)) as prefetched:
        for n_done, (_, get) in enumerate(prefetched, 1):
            get()
            with changed:
                assert changed.wait_for(lambda n=n_done: len(started) > min(n, 19), timeout=30)


def test_few_files_are_prefetched(files, reads):
    started, _ = reads
    images = ImageCollection(files)
    with threadpool_limits(3), PrefetchedImages(images, range(20)) as prefetched:
        for n_done, (_, get) in enumerate(prefetched, 1):
            get()
            assert len(started) <= n_done + 3
    assert len(started) == 20


def test_stopping_early_reads_no_more(files, reads):
    started, _ = reads
    with threadpool_limits(2), PrefetchedImages(ImageCollection(files), range(20)) as prefetched:
        next(prefetched)
    assert len(started) <= 3


def test_files_give_the_same_features_as_arrays(files):
    ours, theirs = (features().fit(images) for images in (files, PIXELS))
    np.testing.assert_array_equal(ours.transform(files), theirs.transform(PIXELS))


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_of_several_images_that_cannot_be_used_the_first_is_named(n_threads):
    images = [*PIXELS[:10], *PIXELS[10:, :4, :2]]
    model = features().fit(PIXELS)
    with threadpool_limits(n_threads):
        for _ in range(20):
            with pytest.raises(ValueError, match="^image 10:"):
                model.transform(images)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_damaged_file_is_named(files, n_threads):
    model = features().fit(files)
    files[7].write_bytes(files[7].read_bytes()[:60])
    with threadpool_limits(n_threads), pytest.raises(ValueError, match=r"07\.png"):
        model.transform(files)
    with threadpool_limits(n_threads), pytest.raises(ValueError, match=r"07\.png"):
        model.fit(files)
    assert not [t for t in threading.enumerate() if t.name.startswith("striate")]
