"""Classes of pixels in images of which some pixels have no data."""

import numpy as np
import pytest
import tifffile
from command_line import fail, succeed
from PIL import Image

from striate import DictionaryEncoder, PatchFeatures, PixelClassifier
from striate.display.segmentation_overlay import segmentation_overlay
from striate.files.filled_pixels import filled


def picture(seed):
    """Two textures, with a corner and a spot without data."""
    rng = np.random.default_rng(seed)
    image = rng.random((70, 90)) * 0.2 + np.where(np.arange(90) < 45, 0.2, 0.6)
    image[:20, :15] = image[40:44, 60:70] = np.nan
    return image.astype(np.float32)


def strokes():
    mask = np.zeros((70, 90), np.uint8)
    mask[30:33, 5:35], mask[10:13, 55:85] = 1, 2
    return mask


def new_model():
    encoder = DictionaryEncoder(8, dictionary="patches", random_state=0)
    features = PatchFeatures(encoder, patch_size=4, n_patches=300, random_state=0)
    return PixelClassifier(features, scales=(1, 2), windows=(1, 4), random_state=0)


@pytest.fixture(scope="module")
def model():
    return new_model().fit([picture(0), picture(1)], [strokes(), strokes()])


def test_missing_pixels_have_no_class_and_no_probability(model):
    image = picture(2)
    missing = np.isnan(image)
    labels, p = model.predict(image), model.predict_proba(image)
    np.testing.assert_array_equal(labels == 0, missing)
    np.testing.assert_array_equal(np.isnan(p).all(axis=2), missing)
    np.testing.assert_allclose(p[~missing].sum(axis=1), 1, rtol=1e-5)
    truth = np.where(np.arange(90) < 45, 1, 2) * np.ones((70, 1))
    assert (labels == truth)[~missing].mean() > 0.9


def test_blocks_give_the_same_result(model):
    image = picture(2)
    for block_size in (64, None):
        np.testing.assert_array_equal(
            model.predict_proba(image, block_size=block_size), model.predict_proba(image)
        )


def test_labels_of_missing_pixels_do_not_count(model):
    wrong = strokes()
    wrong[5:15, 2:12], wrong[41:43, 61:69] = 2, 1
    other = new_model().fit([picture(0), picture(1)], [wrong, strokes()])
    assert other.n_pixels_ == model.n_pixels_
    np.testing.assert_array_equal(other.predict(picture(3)), model.predict(picture(3)))
    assert model.score([picture(4)], [wrong]) == model.score([picture(4)], [strokes()])


def test_labels_of_missing_pixels_alone_are_refused():
    mask = np.zeros((70, 90), np.uint8)
    mask[5:10, 2:6], mask[41:43, 61:69] = 1, 2
    with pytest.raises(ValueError, match="all labels are on pixels without data"):
        new_model().fit([picture(0)], [mask])


def test_each_missing_pixel_has_the_value_of_a_nearest_one():
    image = picture(5)
    full, missing = filled(image)
    np.testing.assert_array_equal(missing, np.isnan(image))
    np.testing.assert_array_equal(full[~missing], image[~missing])
    known = np.argwhere(~missing)
    for place in np.argwhere(missing)[::37]:
        distances = ((known - place) ** 2).sum(axis=1)
        nearest = known[distances == distances.min()]
        assert full[tuple(place)] in image[tuple(nearest.T)]


def test_a_folder_with_missing_pixels(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for i in range(3):
        tifffile.imwrite(tmp_path / "images" / f"{i}.tif", picture(i))
        if i:
            Image.fromarray(strokes()).save(tmp_path / "masks" / f"{i}.png")
    words = ["segment", tmp_path / "images", "--labels", tmp_path / "masks"]
    printed = succeed(*words, "--out", tmp_path / "out", "--probabilities")
    assert "in 2 held-out images" in printed
    for i in range(3):
        missing = np.isnan(picture(i))
        labels = np.asarray(Image.open(tmp_path / "out" / f"{i}.png"))
        np.testing.assert_array_equal(labels == 0, missing)
        p = np.load(tmp_path / "out" / f"{i}_probabilities.npy")
        np.testing.assert_array_equal(np.isnan(p[..., 0]), missing)
        overlay = np.asarray(Image.open(tmp_path / "out" / f"{i}_overlay.png"))
        assert overlay[~missing].mean() > 50


def test_masks_of_pixels_without_data(tmp_path):
    for folder in ("images", "strokes", "data"):
        (tmp_path / folder).mkdir()
    missing = np.isnan(picture(0))
    for i in range(2):
        whole = (255 * filled(picture(i))[0]).clip(0, 255).astype(np.uint8)
        Image.fromarray(whole).save(tmp_path / "images" / f"{i}.png")
        Image.fromarray(strokes()).save(tmp_path / "strokes" / f"{i}.png")
    Image.fromarray(np.where(missing, 0, 255).astype(np.uint8)).save(tmp_path / "data" / "1.png")
    words = ["segment", tmp_path / "images", "--labels", tmp_path / "strokes"]
    words += ["--out", tmp_path / "out", "--data-masks", tmp_path / "data"]
    succeed(*words)
    labels = [np.asarray(Image.open(tmp_path / "out" / f"{i}.png")) for i in range(2)]
    assert (labels[0] > 0).all()
    np.testing.assert_array_equal(labels[1] == 0, missing)
    Image.new("L", (3, 4), 255).save(tmp_path / "data" / "1.png")
    assert "but its mask of 4 x 3" in fail(*words)


def test_missing_pixels_are_black_in_overlays():
    labels = np.where(np.isnan(picture(0)), 0, 1)
    drawn = segmentation_overlay(picture(0)[..., np.newaxis], labels, np.array([1]))
    assert (drawn[np.isnan(picture(0))] == 0).all()
