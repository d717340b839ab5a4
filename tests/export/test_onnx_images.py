"""Image features in ONNX are those of PatchFeatures."""

import numpy as np
import pytest
from all_pairs import choice_with_all_pairs
from exported_models import run_onnx
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from striate import (
    DeepPatchFeatures,
    DictionaryEncoder,
    ImageWhitening,
    KernelClassifier,
    LinearClassifier,
    PatchFeatures,
    PatchScaler,
    SelfTaughtClassifier,
    SparseAutoencoder,
    StackedAutoencoder,
    WhitenedComponents,
    ZCAWhitening,
    to_onnx,
)

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

AUTOENCODER = SparseAutoencoder(5, max_iter=10, random_state=0)
ENCODERS = {
    "autoencoder": AUTOENCODER,
    "tanh": SparseAutoencoder(5, activation="tanh", sparsity_target=0, max_iter=5, random_state=0),
    "triangle": DictionaryEncoder(8, random_state=0),
    "soft threshold": DictionaryEncoder(4, encoding="soft_threshold", random_state=0),
    "hard": DictionaryEncoder(6, encoding="hard", random_state=0),
    "stack": StackedAutoencoder((6, 3), autoencoder=AUTOENCODER, random_state=0),
    "pca": PCA(4, whiten=True),
}
WHITENINGS = {
    "zca": "zca",
    "few directions": ZCAWhitening(0.01, n_components=5),
    "scaler": PatchScaler(n_deviations=1.0),
    "both": make_pipeline(ZCAWhitening(0.1), PatchScaler()),
    "none": None,
}
LAYOUTS = {
    "grid": {"pool_grid": (2, 3)},
    "overlap": {"pool_grid": (3, 3), "pool_overlap": 0.5},
    "pyramid": {"pool_grid": [(1, 1), (2, 2)]},
    "windows": {"pool_size": (4, 3)},
}
NORMALIZATIONS = [True, "mean", False]
POOLINGS = ["mean", "max", "sum"]
STRIDES = [1, 2, 3]
VIEWS = [(False, False), (True, False), (True, True)]  # flips and signed_sqrt
SHAPES = [(13, 15), (12, 14, 3)]


def pictures(shape, n=6, seed=0):
    """Smooth pictures of low and high contrast."""
    rng = np.random.default_rng(seed)
    images = rng.random((n, *shape)).cumsum(axis=1).cumsum(axis=2)
    images -= images.min(axis=(1, 2), keepdims=True)
    images /= images.max(axis=(1, 2), keepdims=True)
    return images * rng.uniform(0.05, 1, size=(n, *[1] * len(shape)))


def pixels(images):
    return images.reshape(*images.shape[:3], -1).astype(np.float32)


def check(model, images, **options):
    """Compare ONNX with `transform`, relative to the largest feature."""
    found = run_onnx(to_onnx(model, **options), pixels(images))["variable"]
    truth = model.transform(images)
    assert found.shape == truth.shape
    np.testing.assert_allclose(found, truth, rtol=0, atol=2e-5 * np.abs(truth).max())


VALUES = [ENCODERS, WHITENINGS, LAYOUTS, NORMALIZATIONS, POOLINGS, STRIDES, VIEWS, SHAPES]
SAMPLE = list(
    zip(
        *(np.random.default_rng(i).choice(len(values), 400) for i, values in enumerate(VALUES)),
        strict=True,
    )
)
COMBINATIONS = [
    [list(values)[k] for values, k in zip(VALUES, SAMPLE[at], strict=True)]
    for at in choice_with_all_pairs(SAMPLE)
]


@pytest.mark.parametrize(
    ("encoder", "whitening", "layout", "normalize", "pooling", "stride", "views", "shape"),
    COMBINATIONS,
)
def test_features(encoder, whitening, layout, normalize, pooling, stride, views, shape):
    images = pictures(shape)
    features = PatchFeatures(
        ENCODERS[encoder],
        patch_size=(3, 4),
        n_patches=200,
        stride=stride,
        normalize=normalize,
        whitening=WHITENINGS[whitening],
        pooling=pooling,
        flips=views[0],
        signed_sqrt=views[1],
        random_state=0,
        **LAYOUTS[layout],
    )
    check(features.fit(images), images, image_size=images.shape[1:3])


def deep(pooling="mean", first=(), second=(), **params):
    soft = DictionaryEncoder(4, dictionary="omp1", encoding="soft_threshold", random_state=0)
    both = {"n_patches": 200, "random_state": 0, "pooling": pooling}
    first = PatchFeatures(
        **{"encoder": soft, "patch_size": 4, "pool_grid": (2, 2)} | both | dict(first)
    )
    second = PatchFeatures(
        **{"encoder": soft, "patch_size": 2, "pool_grid": (1, 2)} | both | dict(second)
    )
    return DeepPatchFeatures([first, second], **{"n_channels": 3, "random_state": 0} | params)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(
    ("shape", "views", "first", "map_pool_size"),
    [
        ((19, 22), {}, {"signed_sqrt": True}, 3),
        ((17, 16, 3), {"flips": True}, {"stride": 2}, 2),
        ((18, 21), {"symmetries": "rotations"}, {"encoder": PCA(3), "whitening": None}, 4),
    ],
)
def test_layers(pooling, shape, views, first, map_pool_size):
    images = pictures(shape)
    features = deep(pooling, {**views, **first}, views, map_pool_size=map_pool_size)
    check(features.fit(images), images, image_size=images.shape[1:3])


def test_a_kernel_on_components_of_layers():
    images, y = pictures((19, 22), n=30), np.arange(30) % 3
    model = make_pipeline(deep(), WhitenedComponents(6), KernelClassifier()).fit(images, y)
    found = run_onnx(to_onnx(model), pixels(images))
    np.testing.assert_allclose(
        found["probabilities"], model.predict_proba(images), rtol=0, atol=1e-3
    )
    np.testing.assert_array_equal(found["label"], model.predict(images))


def test_images_that_are_too_small_for_the_layers():
    features = deep().fit(pictures((19, 22)))
    with pytest.raises(ValueError, match="maps of 2 x 1 pixels are smaller than a patch of 2 x 2"):
        to_onnx(features, image_size=(8, 5))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_copies_under_symmetries(pooling):
    images = pictures((13, 15))
    features = PatchFeatures(
        ENCODERS["soft threshold"],
        patch_size=(3, 4),
        n_patches=200,
        pooling=pooling,
        symmetries="all",
        random_state=0,
    )
    check(features.fit(images), images, image_size=images.shape[1:3])


@pytest.fixture(scope="module")
def labelled():
    """Grey pictures of 8 bits with horizontal and vertical stripes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 150, (40, 12, 11), dtype=np.uint8)
    images[:20, ::3] += 100
    images[20:, :, ::3] += 100
    return images, np.repeat(["flat", "upright"], 20)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize("self_taught", [False, True])
def test_labels(labelled, loss, self_taught):
    images, y = labelled
    features = PatchFeatures(AUTOENCODER, patch_size=4, n_patches=300, random_state=0)
    classifier = LinearClassifier(loss, alphas=0.1)
    if self_taught:
        model = SelfTaughtClassifier(make_pipeline(features, StandardScaler()), classifier)
    else:
        model = make_pipeline(features, StandardScaler(), classifier)
    model.fit(images, y)
    outputs = run_onnx(to_onnx(model), pixels(images / 255))
    np.testing.assert_array_equal(outputs["label"], model.predict(images))
    if loss == "log_loss":
        truth = model.predict_proba(images)
        np.testing.assert_allclose(outputs["probabilities"], truth, atol=1e-4)
    else:
        z = model.decision_function(images)
        np.testing.assert_allclose(outputs["scores"][:, 1], z, atol=1e-4 * np.abs(z).max())


def test_search_over_the_classifier_of_images(labelled):
    images, y = labelled
    features = PatchFeatures(AUTOENCODER, patch_size=4, n_patches=300, random_state=0)
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1]}, cv=2)
    model = SelfTaughtClassifier(features, search).fit(images, y)
    outputs = run_onnx(to_onnx(model), pixels(images / 255))
    np.testing.assert_array_equal(outputs["label"], model.predict(images))


def test_images_of_another_size():
    features = PatchFeatures(
        AUTOENCODER, patch_size=4, stride=2, n_patches=200, pool_grid=(2, 2), random_state=0
    ).fit(pictures((12, 13)))
    check(features, pictures((20, 17), seed=1), image_size=(20, 17))
    # Without image_size: that of the images in fit, less the column that no patch reaches.
    check(features, pictures((12, 12), seed=1))


def test_any_number_of_images():
    features = PatchFeatures(AUTOENCODER, patch_size=4, n_patches=200, random_state=0)
    proto = to_onnx(features.fit(pictures((12, 13))))
    assert [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim][1:] == [12, 13, 1]
    for n in (1, 3):
        assert run_onnx(proto, pixels(pictures((12, 13), n)))["variable"].shape == (n, 45)


def test_flat_pictures_keep_their_contrast():
    features = PatchFeatures(
        AUTOENCODER, patch_size=4, n_patches=200, contrast_floor=1e-9, random_state=0
    ).fit(pictures((12, 13)))
    bright = (0.9 + 1e-3 * pictures((12, 13))).astype(np.float32)
    check(features, bright.astype(float))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([ImageWhitening(), "features"], "ImageWhitening cannot be exported"),
        (["features", "features"], "PatchFeatures before PatchFeatures is not supported"),
    ],
)
def test_other_steps_are_refused(steps, reason):
    features = PatchFeatures(AUTOENCODER, patch_size=4, n_patches=200, random_state=0)
    features.fit(pictures((12, 13)))
    model = make_pipeline(*(features if step == "features" else step for step in steps))
    with pytest.raises(ValueError, match=reason):
        to_onnx(model)


def test_encoders_that_cannot_be_exported_are_refused():
    features = PatchFeatures(Normalizer(), patch_size=4, n_patches=200, random_state=0)
    with pytest.raises(ValueError, match="Normalizer cannot be exported"):
        to_onnx(features.fit(pictures((12, 13))))
