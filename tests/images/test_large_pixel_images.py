"""PixelClassifier.fit on images and masks that are on the disk: only parts of them are read."""

import numpy as np
import pytest
import zarr
from sklearn.linear_model import RidgeClassifier

from striate import DictionaryEncoder, PatchFeatures, PixelClassifier
from striate.files.strokes import Strokes
from striate.images import image_pieces

SOFT = DictionaryEncoder(8, dictionary="omp1", encoding="soft_threshold", random_state=0)
FEATURES = PatchFeatures(SOFT, patch_size=4, n_patches=300, random_state=0)
MODEL = {"scales": (1, 2), "windows": (1, 3), "random_state": 0}


def scene(height=200, width=260):
    y, x = np.mgrid[:height, :width]
    waves = np.where(x < width // 2, np.sin(1.5 * y), np.sin(1.5 * x))
    noise = 10 * np.random.default_rng(0).normal(size=waves.shape)
    image = (128 + 70 * waves + noise).clip(0, 255).astype(np.uint8)
    strokes = np.zeros_like(image)
    strokes[20:24, 10:40], strokes[150:153, 200:240] = 1, 2
    return image, strokes


class Counted:
    """An array on the disk that knows what was read of it."""

    def __init__(self, values):
        self._values, self.shape, self.dtype = values, values.shape, values.dtype
        self.was_read, self.largest = np.zeros(values.shape, dtype=bool), 0

    def __getitem__(self, place):
        part = self._values[place]
        self.was_read[place] = True
        self.largest = max(self.largest, part.size)
        return part


@pytest.fixture
def small_pieces(monkeypatch):
    """Images of more than 100 x 100 pixels are large, and pieces have 32 x 32."""
    monkeypatch.setattr(image_pieces, "_MOST_PIXELS", 10_000)
    monkeypatch.setattr(image_pieces, "_SIDE", 32)


def fitted(images, masks):
    return PixelClassifier(FEATURES, RidgeClassifier(), **MODEL).fit(images, masks)


def test_what_is_far_from_strokes_is_not_read(small_pieces):
    image, strokes = scene(1300, 1500)
    strokes[150:153, 200:240], strokes[1250:1253, 1400:1440] = 0, 2
    stored = Counted(image)
    model = fitted([stored], [Counted(strokes)])
    assert stored.was_read.mean() < 0.1
    assert stored.largest < 0.05 * image.size
    labels = model.predict(image[600:700, 680:820])
    assert (labels[:, :60] == 1).mean() > 0.8
    assert (labels[:, 80:] == 2).mean() > 0.8


def test_the_same_model_from_each_form(small_pieces, tmp_path):
    image, strokes = scene()
    np.save(tmp_path / "image.npy", image)
    np.save(tmp_path / "strokes.npy", strokes)
    zarr.save_array(tmp_path / "image.zarr", image)
    expected = fitted([image], [strokes]).predict(image)
    for images, masks in [
        (image[np.newaxis], strokes[np.newaxis]),
        ([np.load(tmp_path / "image.npy", mmap_mode="r")], [tmp_path / "strokes.npy"]),
        ([tmp_path / "image.npy"], [Counted(strokes)]),
        ([str(tmp_path / "image.zarr")], [Counted(strokes[..., np.newaxis])]),
        ([zarr.open_array(tmp_path / "image.zarr")], [strokes.astype(np.int32)]),
    ]:
        np.testing.assert_array_equal(fitted(images, masks).predict(image), expected)


def test_small_images_are_learned_from_as_a_whole(small_pieces):
    image, strokes = scene(90, 100)
    strokes[60:70, 60:90] = 2
    learned = fitted([image], [strokes]).features_
    alone = PatchFeatures(SOFT, patch_size=4, n_patches=300, random_state=0).fit([image])
    np.testing.assert_array_equal(learned.encoder_.components_, alone.encoder_.components_)


def test_pieces_lie_within_images_of_any_shape(small_pieces):
    image = np.random.default_rng(0).integers(0, 256, (20, 900, 3), dtype=np.uint8)
    other = image[:, :100]
    pieces = image_pieces.with_pieces([image, other], np.random.RandomState(0))
    assert len(pieces) == 17
    assert pieces[-1] is other
    views = np.lib.stride_tricks.sliding_window_view(image, (20, 32), axis=(0, 1))
    for piece in pieces[:-1]:
        assert piece.shape == (20, 32, 3)
        assert (np.moveaxis(views[0], 1, -1) == np.asarray(piece)).all(axis=(1, 2, 3)).any()


def test_strokes_are_read_in_bands(monkeypatch):
    monkeypatch.setattr("striate.files.strokes._BAND_PIXELS", 50)
    mask = np.random.default_rng(0).integers(0, 3, (17, 20)).astype(np.uint8)
    stored = Counted(mask)
    strokes = Strokes.of(stored, "mask 0")
    assert stored.largest <= 50
    rows, columns = np.nonzero(mask)
    np.testing.assert_array_equal(strokes.rows, rows)
    np.testing.assert_array_equal(strokes.columns, columns)
    np.testing.assert_array_equal(strokes.labels, mask[rows, columns])
    with pytest.raises(ValueError, match="mask 0: has -2; no label is 0"):
        Strokes.of(Counted(mask.astype(np.int8) - 2), "mask 0")


def test_stored_masks_are_checked(small_pieces):
    image, strokes = scene()
    with pytest.raises(ValueError, match="mask 0: must hold whole numbers"):
        fitted([image], [Counted(strokes.astype(float))])
    with pytest.raises(ValueError, match=r"mask 0: must have shape \(h, w\), got \(200,\)"):
        fitted([image], [Counted(strokes[:, 0])])
