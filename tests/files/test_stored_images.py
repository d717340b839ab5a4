"""Images of arrays of other libraries: read chunk by chunk, with the features of an array."""

import numpy as np
import pytest

from striate import PatchFeatures, SparseAutoencoder
from striate.files.image_collection import ImageCollection
from striate.files.prefetch import PrefetchedImages

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IMAGES = np.random.default_rng(0).integers(0, 256, (25, 12, 14, 3), dtype=np.uint8)


class Chunked:
    """Images whose chunks count how often they are read."""

    def __init__(self, images, chunks):
        self.images, self.shape, self.dtype, self.chunks = (
            images,
            images.shape,
            images.dtype,
            chunks,
        )
        self.reads = []

    def __getitem__(self, rows):
        self.reads.append((rows.start, rows.stop))
        return self.images[rows]


@pytest.fixture(scope="module")
def features():
    learner = SparseAutoencoder(4, max_iter=3, random_state=0)
    return PatchFeatures(learner, patch_size=5, n_patches=100, random_state=0).fit(IMAGES)


def test_each_chunk_is_read_once_in_a_pass(monkeypatch, features):
    monkeypatch.setattr("striate.files.stored_images.PIECE_BYTES", 1)
    stored = Chunked(IMAGES, (8, 12, 14, 3))
    np.testing.assert_array_equal(features.transform(stored), features.transform(IMAGES))
    assert stored.reads == [(0, 8), (8, 16), (16, 24), (24, 25)]


def test_small_chunks_are_read_together_and_large_ones_in_parts(monkeypatch):
    monkeypatch.setattr("striate.files.stored_images.PIECE_BYTES", 12 * 14 * 3 * 10)
    stored = Chunked(IMAGES, (3, 12, 14, 3))
    [*ImageCollection(stored)]
    assert stored.reads == [(0, 12), (12, 24), (24, 25)]
    monkeypatch.setattr("striate.files.stored_images.BUFFER_BYTES", 12 * 14 * 3 * 10)
    stored = Chunked(IMAGES, (25, 12, 14, 3))
    [*ImageCollection(stored)]
    assert stored.reads == [(0, 8), (8, 16), (16, 25)]


def test_threads_that_share_the_images_read_each_chunk_once(monkeypatch):
    monkeypatch.setattr("striate.files.stored_images.PIECE_BYTES", 1)
    stored = Chunked(IMAGES, (8, 12, 14, 3))
    images = ImageCollection(stored)
    with PrefetchedImages(images, range(25)) as prefetched:
        found = [get() for _, get in prefetched]
    assert len(found) == 25
    assert sorted(set(stored.reads)) == [(0, 8), (8, 16), (16, 24), (24, 25)]
    assert len(stored.reads) == 4


def as_hdf5(folder):
    h5py = pytest.importorskip("h5py")
    file = h5py.File(folder / "images.h5", "w")
    return file.create_dataset("images", data=IMAGES, chunks=(4, 6, 14, 3))


def as_zarr(folder):
    zarr = pytest.importorskip("zarr")
    return zarr.create_array(folder / "images.zarr", data=IMAGES, chunks=(4, 12, 7, 3))


def as_memory_map(folder):
    np.save(folder / "images.npy", IMAGES)
    return np.load(folder / "images.npy", mmap_mode="r")


@pytest.mark.parametrize("kind", [as_hdf5, as_zarr, as_memory_map])
def test_features_are_those_of_the_array(kind, tmp_path, features):
    stored = kind(tmp_path)
    np.testing.assert_array_equal(features.transform(stored), features.transform(IMAGES))
    learner = SparseAutoencoder(4, max_iter=3, random_state=0)
    again = PatchFeatures(learner, patch_size=5, n_patches=100, random_state=0).fit(stored)
    np.testing.assert_array_equal(again.filters_, features.filters_)


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((25, 12, 14, 3), (6, 12, 7, 3)), ((25, 12, 14, 3), ((0, 20, 5), -1, -1, -1)),
     ((25, 12, 14), (25, -1, -1))],
)  # fmt: skip
def test_features_of_dask_s_images_are_lazy(shape, chunks, features):
    array = pytest.importorskip("dask.array")
    images = IMAGES if len(shape) == 4 else IMAGES[..., 0]
    if len(shape) == 3:
        learner = SparseAutoencoder(4, max_iter=3, random_state=0)
        features = PatchFeatures(learner, patch_size=5, n_patches=100, random_state=0).fit(images)
    lazily = features.transform(array.from_array(images, chunks=chunks))
    expected = features.transform(images)
    assert isinstance(lazily, array.Array)
    assert lazily.shape == expected.shape
    assert lazily.dtype == expected.dtype
    with pytest.MonkeyPatch.context() as patch:  # each chunk in a thread of its own
        patch.setattr("striate.native.threads.cpu_count", lambda: 1)
        np.testing.assert_array_equal(lazily.compute(), expected)


def test_features_of_dask_s_paths_are_lazy(tmp_path, features):
    array = pytest.importorskip("dask.array")
    Image = pytest.importorskip("PIL.Image")
    paths = [str(tmp_path / f"{i}.png") for i in range(25)]
    for path, pixels in zip(paths, IMAGES, strict=True):
        Image.fromarray(pixels).save(path)
    lazily = features.transform(array.from_array(np.array(paths), chunks=10))
    assert lazily.chunks[0] == (10, 10, 5)
    np.testing.assert_array_equal(lazily.compute(), features.transform(IMAGES))


def test_a_dask_array_of_other_shape_is_refused(features):
    array = pytest.importorskip("dask.array")
    with pytest.raises(ValueError, match=r"images must have shape .* got \(4, 5\)"):
        features.transform(array.zeros((4, 5)))
