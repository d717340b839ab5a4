"""PixelClassifier: from strokes to a class for every pixel."""

import pickle
import warnings

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from striate import (
    DictionaryEncoder,
    LinearClassifier,
    PatchFeatures,
    PixelClassifier,
)
from striate.analysis.image_cross_validation import cross_validate_images
from striate.files.strokes import Strokes
from striate.images.code_components import CodeComponents
from striate.images.labelled_pixels import LabelledPixels, chosen
from striate.persistence import load, save

FEATURES = PatchFeatures(
    DictionaryEncoder(16, dictionary="omp1", encoding="soft_threshold", random_state=0),
    patch_size=4,
    n_patches=200,
    random_state=0,
)
QUICK = {"scales": (1, 2), "windows": (1, 3), "random_state": 0}
LINEAR = LinearClassifier("log_loss", alphas=0.01)


def halves(height=40, width=60, seed=0, channels=1):
    """Stripes across on the left and down on the right, and the class of each pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    right = x >= width // 2
    waves = np.where(
        right, np.sin(1.5 * x + rng.uniform(0, 6)), np.sin(1.5 * y + rng.uniform(0, 6))
    )
    image = 0.5 + 0.3 * waves[..., np.newaxis] + 0.05 * rng.normal(size=(height, width, channels))
    image = (255 * image.clip(0, 1)).astype(np.uint8)
    return image if channels > 1 else image[..., 0], np.where(right, 7, 3).astype(np.uint8)


def strokes(truth):
    """Three lines in each half."""
    marks = np.zeros_like(truth)
    for columns in (slice(4, 24), slice(-24, -4)):
        for rows in (slice(5, 7), slice(20, 22), slice(34, 36)):
            marks[rows, columns] = truth[rows, columns]
    return marks


IMAGE, TRUTH = halves()
MARKS = strokes(TRUTH)


@pytest.fixture(scope="module")
def fitted():
    return PixelClassifier(FEATURES, LINEAR, **QUICK).fit([IMAGE], [MARKS])


@pytest.mark.parametrize("parts", [{}, {"features": FEATURES, "classifier": RidgeClassifier()}])
def test_strokes_segment_new_images_of_other_sizes(parts):
    model = PixelClassifier(**parts, **QUICK)
    others = [halves(70, 90, 1), halves(33, 41, 2)]
    images = [IMAGE, *(image for image, _ in others)]
    model.fit(images, [MARKS, None, np.zeros((33, 41), int)])
    assert model.classes_.tolist() == [3, 7]
    assert model.n_pixels_ == 240
    for image, truth in others:
        found = model.predict(image)
        assert found.shape == truth.shape
        assert found.dtype == np.uint8
        assert (found == truth).mean() > 0.9
    assert model.score([others[0][0]], [others[0][1]]) > 0.8


def test_probabilities_belong_to_the_classes(fitted):
    image, _ = halves(50, 70, 3)
    probabilities = fitted.predict_proba(image)
    assert probabilities.shape == (50, 70, 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=2), 1, rtol=1e-6)
    np.testing.assert_array_equal(
        fitted.classes_[probabilities.argmax(axis=2)], fitted.predict(image)
    )


@pytest.mark.parametrize("classifier", [LINEAR, None])
def test_the_same_bits_for_any_blocks_and_threads(classifier):
    image, _ = halves(140, 150, 3)
    found = set()
    for n_threads in (1, 3):
        with threadpool_limits(n_threads):
            model = PixelClassifier(FEATURES, classifier, **QUICK).fit([IMAGE], [MARKS])
            for block_size in (None, 64, 130):
                found.add(model.predict_proba(image, block_size=block_size).tobytes())
    assert len(found) == 1


def test_features_are_learned_from_images_without_labels():
    models = [
        PixelClassifier(FEATURES, LINEAR, **QUICK).fit([IMAGE, *more], [MARKS, *[None] * len(more)])
        for more in ([], [halves(70, 90, 5)[0]])
    ]
    one, two = (model.features_.encoder_.components_ for model in models)
    assert not np.array_equal(one, two)
    assert not hasattr(FEATURES, "encoder_")


def test_images_and_masks_in_any_form(fitted, tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    Image.fromarray(MARKS).save(tmp_path / "mask.png")
    indexed = Image.fromarray(MARKS).convert("P")
    indexed.putdata(MARKS.ravel().tolist())
    indexed.putpalette([7 * i % 256 for i in range(768)])
    indexed.save(tmp_path / "indexed.png")
    Image.fromarray(np.repeat(MARKS[..., None], 3, 2)).save(tmp_path / "colour.png")
    np.save(tmp_path / "mask.npy", MARKS)
    expected = fitted.predict_proba(IMAGE)
    (tmp_path / "folder").mkdir()
    Image.fromarray(IMAGE).save(tmp_path / "folder" / "a.png")
    masks = [
        MARKS.astype(np.int64), MARKS.tolist(), MARKS[..., None], tmp_path / "mask.png",
        str(tmp_path / "indexed.png"), tmp_path / "colour.png", tmp_path / "mask.npy",
        Image.open(tmp_path / "mask.png"),
    ]  # fmt: skip
    for mask in masks:
        model = clone(fitted).fit([tmp_path / "image.png"], [mask])
        np.testing.assert_array_equal(model.predict_proba(IMAGE), expected)
    for images in (IMAGE[None], str(tmp_path / "folder"), [Image.fromarray(IMAGE)]):
        model = clone(fitted).fit(images, MARKS[None])
        np.testing.assert_array_equal(model.predict_proba(IMAGE), expected)


def test_saving_copying_and_cloning(fitted, tmp_path):
    save(fitted, tmp_path / "model.skops")
    expected = fitted.predict_proba(IMAGE)
    for again in (load(tmp_path / "model.skops"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(again.predict_proba(IMAGE), expected)
        assert vars(again).keys() == vars(fitted).keys()
    copy = clone(fitted)
    with pytest.raises(NotFittedError):
        copy.predict(IMAGE)
    np.testing.assert_array_equal(
        copy.fit([IMAGE], [MARKS]).predict_proba(IMAGE), fitted.predict_proba(IMAGE)
    )


def test_the_default_parts_are_saved_and_depend_on_the_seed(tmp_path):
    models = [
        PixelClassifier(scales=(1,), windows=(1, 2), random_state=seed).fit([IMAGE], [MARKS])
        for seed in (0, 0, 1)
    ]
    save(models[0], tmp_path / "model.skops")
    one, two, other = (model.predict_proba(IMAGE) for model in models)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(load(tmp_path / "model.skops").predict_proba(IMAGE), one)
    assert not np.array_equal(one, other)


def test_threads_that_ask_a_forest_leave_the_warning_filters_as_they_are():
    model = PixelClassifier(FEATURES, RandomForestClassifier(20, random_state=0), **QUICK)
    model.fit([IMAGE], [MARKS])
    image, _ = halves(130, 130, 3)
    before = list(warnings.filters)
    with threadpool_limits(3):
        found = model.predict_proba(image)
    assert warnings.filters == before
    pixels = model.labelled_pixels([image], [np.ones(image.shape, int)])
    expected = np.sort(model.classifier_.predict_proba(pixels.X)[:, 0])
    np.testing.assert_allclose(np.sort(found[..., 0].ravel()), expected, atol=1e-6)


def test_results_on_the_disk(fitted, tmp_path):
    for name, method in [("labels.npy", fitted.predict), ("p.npy", fitted.predict_proba)]:
        found = method(IMAGE, out=tmp_path / name)
        np.testing.assert_array_equal(np.load(tmp_path / name), method(IMAGE))
        assert isinstance(found, np.memmap)
    given = np.zeros(IMAGE.shape, np.uint8)
    assert fitted.predict(IMAGE, out=given) is given


def test_a_classifier_without_probabilities():
    model = PixelClassifier(FEATURES, RidgeClassifier(), **QUICK).fit([IMAGE], [MARKS])
    assert (model.predict(IMAGE) == TRUTH).mean() > 0.8
    assert not hasattr(model, "predict_proba")
    assert hasattr(PixelClassifier(), "predict_proba")


def test_colour_and_grey_files(tmp_path):
    colour, truth = halves(channels=3)
    model = PixelClassifier(FEATURES, LINEAR, **QUICK).fit([colour], [strokes(truth)])
    Image.fromarray(IMAGE).save(tmp_path / "grey.png")
    assert model.predict(tmp_path / "grey.png").shape == IMAGE.shape
    with pytest.raises(ValueError, match="1 channels, but the features were learned on 3"):
        model.predict(IMAGE)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scales": (0,)}, "scales must be"),
        ({"windows": ()}, "windows must be"),
        ({"n_components": 0}, "n_components"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"features": LINEAR}, "features"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        PixelClassifier(**params).fit([IMAGE], [MARKS])


BAD_MASKS = [
    ([], "0 masks for 1 images"),
    ([MARKS, MARKS], "2 masks for 1 images"),
    (MARKS, "40 masks for 1 images"),
    ("mask.png", "got a single one"),
    ([None], "no labels"),
    ([np.zeros_like(MARKS)], "no labels: all are 0"),
    ([np.where(MARKS == 3, 3, 0)], "a single class, 3; mark some pixels of another"),
    ([MARKS[:-1]], "mask 0 is of 39 x 60 pixels, but its image of 40 x 60"),
    ([MARKS.astype(float)], "mask 0: must hold whole numbers"),
    ([MARKS.astype(int) - 1], "mask 0: has -1; no label is 0"),
    ([MARKS.ravel()], r"mask 0: must have shape \(h, w\)"),
    (["missing.png"], "missing.png: .*No such file"),
]


@pytest.mark.parametrize(("masks", "message"), BAD_MASKS)
def test_bad_masks(masks, message):
    with pytest.raises(ValueError, match=message):
        PixelClassifier(FEATURES, LINEAR, **QUICK).fit([IMAGE], masks)


def test_coloured_masks_are_refused(tmp_path):
    colours = np.repeat(MARKS[..., None], 3, 2)
    colours[10, 10] = 255, 0, 0
    Image.fromarray(colours).save(tmp_path / "mask.png")
    with pytest.raises(ValueError, match="mask.png: has colours, which are not numbers"):
        PixelClassifier(FEATURES, LINEAR, **QUICK).fit([IMAGE], [tmp_path / "mask.png"])


def test_transparent_pixels_have_no_label(tmp_path):
    painted = np.full((*MARKS.shape, 4), 9, np.uint8)
    painted[..., :3], painted[..., 3] = MARKS[..., None], 255 * (MARKS > 0)
    Image.fromarray(painted).save(tmp_path / "mask.png")
    from striate.files.label_masks import read_mask

    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), MARKS)


def test_a_failed_fit_leaves_what_was_learned(fitted):
    model = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match="no labels"):
        model.fit([IMAGE], [None])
    np.testing.assert_array_equal(model.predict(IMAGE), fitted.predict(IMAGE))


@pytest.mark.parametrize(
    ("counts", "most", "kept"),
    [
        ((5, 100, 100), 65, (5, 30, 30)),
        ((5, 100), 200, (5, 100)),
        ((50, 60), 20, (10, 10)),
        ((9, 9, 9), 1, (1, 1, 1)),
    ],
)
def test_of_many_labels_rare_classes_are_kept(counts, most, kept):
    mask = np.repeat(np.arange(len(counts) + 1), [7, *counts]).reshape(1, -1)
    mask = np.random.default_rng(0).permutation(mask, axis=1)
    strokes = [Strokes.of(mask[:, :40], ""), None, Strokes.of(mask[:, 40:], "")]
    some = chosen(strokes, most, np.random.RandomState(0))
    assert some[1] is None
    places = np.concatenate([some[0].columns, 40 + some[2].columns])
    labels = np.concatenate([some[0].labels, some[2].labels])
    assert tuple(np.bincount(labels)[1:]) == kept
    assert (labels == mask[0, places]).all()


def test_at_most_so_many_pixels_are_used():
    model = PixelClassifier(FEATURES, LINEAR, **QUICK, max_pixels=30).fit([IMAGE], [TRUTH])
    assert model.n_pixels_ == 30


def test_features_are_components_of_roots_of_codes_and_standardized_values():
    rng = np.random.default_rng(0)
    X = rng.normal(3, 5, (200, 9)).astype(np.float32)
    X[:, 8] = 4  # constant
    n_codes = 6
    features = CodeComponents.fitted(X.copy(), n_codes, 3)
    found = features.apply(X.copy())
    assert found.shape == (200, 6)
    assert found.dtype == np.float32
    values = StandardScaler().fit_transform(X[:, n_codes:])
    np.testing.assert_allclose(found[:, 3:], values, atol=1e-5)
    roots = np.sign(X[:, :n_codes]) * np.sqrt(np.abs(X[:, :n_codes]))
    pca = PCA(3, whiten=True).fit_transform(StandardScaler().fit_transform(roots))
    for one, other in zip(found[:, :3].T, pca.T, strict=True):
        np.testing.assert_allclose(one * np.sign(one @ other), other, atol=1e-4)


@pytest.mark.parametrize("n_pixels", [2, 3, 50])
def test_codes_that_are_all_alike_have_few_components(n_pixels):
    X = np.random.default_rng(0).normal(size=(n_pixels, 1)) * np.ones((1, 5))
    features = CodeComponents.fitted(X.copy(), 4, 3)
    assert features.components.shape == (4, 1)
    assert np.isfinite(features.apply(X.copy())).all()


def pixels_of(y, of_image):
    y = np.array(y)
    return LabelledPixels(np.eye(8)[y] + 0.01, y, np.array(of_image))


def test_images_are_held_out_whole():
    """Each image has a column of its own, known only to who has seen pixels of the image."""
    rng = np.random.default_rng(0)
    of_image = np.repeat(np.arange(5), 40)
    y = rng.integers(1, 3, of_image.size)
    X = np.eye(5)[of_image] * np.where(y == 1, 1.0, -1.0)[:, np.newaxis]
    assert clone(LINEAR).fit(X[::2], y[::2]).score(X[1::2], y[1::2]) == 1
    scores = cross_validate_images(LINEAR, LabelledPixels(X, y, of_image))
    assert (scores.n_images, scores.n_folds) == (5, 5)
    assert scores.confusion.sum() == y.size
    assert np.trace(scores.confusion) / y.size < 0.7


def test_scores_of_what_is_separable():
    pixels = pixels_of([1, 2, 1, 2, 1, 2], [0, 0, 1, 1, 5, 5])
    scores = cross_validate_images(LINEAR, pixels)
    assert scores.intersections_over_unions.tolist() == [1.0, 1.0]


def test_classes_in_one_image_only_have_no_score():
    scores = cross_validate_images(LINEAR, pixels_of([1, 2, 3, 1, 2], [0, 0, 0, 1, 1]))
    np.testing.assert_array_equal(np.isnan(scores.intersections_over_unions), [False, False, True])
    assert scores.only_in_one_image == [3]


@pytest.mark.parametrize("of_image", [[0, 0, 0], [0, 0, 1]])
def test_nothing_to_hold_out(of_image):
    scores = cross_validate_images(LINEAR, pixels_of([1, 1, 2], of_image))
    assert scores is None or scores.n_folds == 1
