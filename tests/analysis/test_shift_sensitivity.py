import copy
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from scipy import sparse
from sklearn.datasets import load_sample_image
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from striate import DictionaryEncoder, ImageWhitening, PatchFeatures, shift_sensitivity

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PIXELS = FunctionTransformer()


def noise(*shape):
    return np.random.default_rng(0).random(shape)


@pytest.fixture(scope="module")
def crops():
    photograph = load_sample_image("china.jpg")
    rng = np.random.default_rng(0)
    places = [(rng.integers(350), rng.integers(550)) for _ in range(12)]
    return np.stack([photograph[y : y + 44, x : x + 44] for y, x in places])


@pytest.fixture(scope="module")
def features(crops):
    encoder = DictionaryEncoder(20, dictionary="patches", random_state=0)
    model = PatchFeatures(encoder, patch_size=6, n_patches=500, pool_grid=(2, 2), random_state=0)
    return model.fit(crops)


def by_hand(transformer, images, shift, size):
    """The definition, one window after the other: down (n,), across (n,), D."""

    def phi(image, y, x):
        window = image[y : y + size[0], x : x + size[1]]
        return np.ravel(transformer.transform(window[np.newaxis]))

    before = [phi(image, 0, 0) for image in images]
    D = np.mean([np.linalg.norm(a - b) for a, b in combinations(before, 2)])
    moves = [(shift, 0), (0, shift)]
    down, across = (
        [np.linalg.norm(phi(image, *move) - a) / D for image, a in zip(images, before, strict=True)]
        for move in moves
    )
    return down, across, D


def test_it_is_the_definition():
    images = noise(5, 12, 14, 3)
    found = shift_sensitivity(PIXELS, images, (1, 3))
    assert found.window_size == (9, 11)
    assert found.down.shape == found.across.shape == (5, 2)
    for k, shift in enumerate((1, 3)):
        down, across, D = by_hand(PIXELS, images, shift, (9, 11))
        np.testing.assert_allclose(found.down[:, k], down)
        np.testing.assert_allclose(found.across[:, k], across)
        assert found.distance == pytest.approx(D)


def test_it_is_the_definition_for_features(crops, features):
    images = crops[:4]
    found = shift_sensitivity(features, images, 2)
    down, across, D = by_hand(features, images, 2, (42, 42))
    np.testing.assert_allclose(found.down[:, 0], down, rtol=1e-3)
    np.testing.assert_allclose(found.across[:, 0], across, rtol=1e-3)
    assert found.distance == pytest.approx(D, rel=1e-3)


def test_no_move_is_no_change(features, crops):
    for transformer in (PIXELS, features):
        found = shift_sensitivity(transformer, crops, (0, 1))
        np.testing.assert_array_equal(found.down[:, 0], 0)
        np.testing.assert_array_equal(found.across[:, 0], 0)
        assert found.mean[1] > 0


def test_pooling_lowers_it(crops, features):
    not_pooled = copy.copy(features).set_params(pool_grid=(31, 31))
    size, shifts = {"window_size": 36}, (1, 2, 4)
    before, after = (shift_sensitivity(f, crops, shifts, **size) for f in (not_pooled, features))
    assert (after.mean < before.mean / 2).all()
    assert (np.diff(after.mean) > 0).all()


def test_directions():
    columns = np.tile(noise(6, 1, 20), (1, 20, 1))  # each row is alike
    found = shift_sensitivity(PIXELS, columns, (1, 2))
    np.testing.assert_array_equal(found.down, 0)
    assert (found.across > 0.5).all()
    np.testing.assert_allclose(found.mean, found.across.mean(axis=0) / 2)
    np.testing.assert_allclose(found.std, found.across.std(axis=0) / 2)


def test_windows_of_one_image_are_not_two_images():
    images = [np.full((30, 40), value) for value in (0.0, 1.0)]
    found = shift_sensitivity(PIXELS, images, 1, window_size=5, n_windows=3, random_state=0)
    assert found.down.shape == (6, 1)
    assert found.distance == pytest.approx(5)  # between black and white; 0 within an image


def test_images_of_several_sizes_and_of_files(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.integers(256, size=(n, 50 - n), dtype=np.uint8) for n in (20, 24, 30)]
    paths = [tmp_path / f"{k}.png" for k in range(3)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    found = shift_sensitivity(PIXELS, images, 4, random_state=0)
    assert found.window_size == (16, 16)
    from_files = shift_sensitivity(PIXELS, paths, 4, random_state=0)
    np.testing.assert_allclose(from_files.down, found.down, rtol=1e-6)
    other = shift_sensitivity(PIXELS, images, 4, random_state=1)
    assert not np.array_equal(other.down, found.down)


def test_height_and_width_of_windows_may_differ():
    found = shift_sensitivity(PIXELS, noise(3, 20, 30), 2, window_size=(5, 28))
    assert found.window_size == (5, 28)


def test_what_the_transformer_returns(crops):
    dense = shift_sensitivity(PIXELS, crops, 1)
    flat = FunctionTransformer(lambda X: sparse.csr_array(X.reshape(len(X), -1)))
    np.testing.assert_allclose(shift_sensitivity(flat, crops, 1).down, dense.down, rtol=1e-6)
    listed = FunctionTransformer(list)
    np.testing.assert_allclose(shift_sensitivity(listed, crops, 1).down, dense.down, rtol=1e-6)
    whole = FunctionTransformer(lambda X: np.rint(255 * X).astype(int))
    np.testing.assert_allclose(shift_sensitivity(whole, crops, 1).down, dense.down, rtol=1e-4)


def test_far_from_zero_no_digit_is_lost():
    images = noise(5, 12, 12)
    far = FunctionTransformer(lambda X: X + 1e6)
    expected = shift_sensitivity(PIXELS, images, 1)
    np.testing.assert_allclose(shift_sensitivity(far, images, 1).mean, expected.mean, rtol=1e-6)


def test_in_a_pipeline(crops, features):
    whitening = ImageWhitening()
    model = PatchFeatures(features.encoder, patch_size=6, n_patches=500, random_state=0)
    pipeline = make_pipeline(whitening, model, StandardScaler()).fit(crops)
    assert 0 < shift_sensitivity(pipeline, crops, 1).mean[0] < 1


def test_as_a_table_and_in_words():
    found = shift_sensitivity(PIXELS, noise(3, 12, 12), (1, 2))
    table = found.table()
    assert list(table) == [
        *("shift", "mean", "std"),
        *("down_mean", "down_std", "across_mean", "across_std"),
    ]
    assert all(column.shape == (2,) for column in table.values())
    lines = str(found).splitlines()
    assert lines[0].startswith("change of features over 3 windows of 10 x 10 pixels")
    assert lines[2].split()[:2] == ["1", f"{found.mean[0]:.3f}"]


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (noise(1, 20, 20), {}, "at least two"),
        (noise(3, 20, 20), {"shifts": 20}, "image 0: is 20 x 20 .* to be moved by 20"),
        ([noise(20, 20), noise(30, 6)], {}, "image 1: is 30 x 6 pixels, too small"),
        (noise(3, 20, 20), {"window_size": 13}, "windows of 13 x 13 that move by 8"),
        (noise(3, 20, 20), {"window_size": (4, 13)}, "windows of 4 x 13 that move by 8"),
        (noise(3, 20, 20), {"window_size": (4, 0)}, "two positive integers"),
        (noise(3, 20, 20), {"window_size": (4, 5, 6)}, "two positive integers"),
        (noise(3, 20, 20), {"window_size": 0}, "two positive integers"),
        (noise(3, 20, 20), {"window_size": 2.5}, "two positive integers"),
        (noise(3, 20, 20), {"n_windows": 0}, "n_windows"),
        (noise(3, 20, 20), {"shifts": -1}, "whole numbers of pixels of at least 0, got -1"),
        (noise(3, 20, 20), {"shifts": ()}, "whole numbers"),
        (noise(3, 20, 20), {"shifts": 1.5}, "whole numbers"),
        (noise(3, 20, 20), {"shifts": [[1, 2]]}, "whole numbers"),
        (np.ones((3, 20, 20)), {}, "all images have the same features"),
        (np.full((3, 20, 20), np.nan), {}, "image 0: has no pixel with data"),
        ([noise(20, 20), noise(20, 20, 3)], {}, "image 1: has 3 channels"),
    ],
)
def test_what_cannot_be_measured(images, options, message):
    with pytest.raises(ValueError, match=message):
        shift_sensitivity(PIXELS, images, **options)


def test_transformers_that_do_not_fit(crops):
    with pytest.raises(NotFittedError):
        shift_sensitivity(PatchFeatures(), crops)
    with pytest.raises(ValueError, match="a row for each image, got the shape \\(3,\\)"):
        shift_sensitivity(FunctionTransformer(lambda X: np.ones(3)), crops)
    with pytest.raises(ValueError, match="FunctionTransformer: the features have NaN"):
        shift_sensitivity(FunctionTransformer(lambda X: X * np.nan), crops)
    with pytest.raises(TypeError, match="NoneType is not a transformer"):
        shift_sensitivity(None, crops)
