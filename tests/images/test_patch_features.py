"""PatchFeatures: every patch of an image encoded and pooled, as a scikit-learn transformer."""

import pickle
import tracemalloc
from collections import Counter

import numpy as np
import pytest
import textbook
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.callback import ProgressBar
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from striate import (
    DictionaryEncoder,
    PatchFeatures,
    PatchScaler,
    SelfTaughtClassifier,
    SparseAutoencoder,
    ZCAWhitening,
)
from striate.images.edge_autoencoder import edge_autoencoder
from striate.images.operator_fusion import fold
from striate.native.threads import available_threads

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

AUTOENCODER = SparseAutoencoder(5, max_iter=5, random_state=0)
SETTINGS = {"patch_size": 4, "n_patches": 300, "pool_grid": (2, 3), "random_state": 0}
SCALED = SparseAutoencoder(5, max_iter=5, random_state=0, output_activation="logistic")


class Opaque(TransformerMixin, BaseEstimator):
    """A transformer known only by its output, so that nothing is fused."""

    def __init__(self, inner=AUTOENCODER):
        self.inner = inner

    def fit(self, X, y=None):
        self.inner_ = clone(self.inner).fit(X)
        return self

    def transform(self, X):
        return self.inner_.transform(X)

    def get_feature_names_out(self, input_features=None):
        return self.inner_.get_feature_names_out()


def images_of(shape=(12, 15), n=4, dtype=np.float64, seed=0):
    """Smooth blobs with some noise, in [0, 1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / 5
    waves = [np.sin(rng.normal() * y + rng.normal() * x + rng.normal()) for _ in range(n)]
    images = np.stack(waves).reshape(n, *shape[:2], *[1] * (len(shape) - 2)) / 3 + 0.5
    return (images + 0.1 * rng.random((n, *shape))).clip(0, 1).astype(dtype)


def by_loops(features, images):
    """Features of one image after another, one patch after another."""
    whitening, encoder = features.whitening_, features.encoder_

    def encode(patches):
        return encoder.transform(patches if whitening is None else whitening.transform(patches))

    rows = []
    for image in images:
        image = image.reshape(*image.shape[:2], -1)
        feature_map = textbook.convolve(
            image, features.patch_shape_[:2], features.stride, features.normalize, encode
        )
        rows.append(textbook.pool(feature_map, features.pool_grid, features.pooling).ravel())
    return np.array(rows)


@pytest.fixture(scope="module")
def fitted():
    """On grey images of 12 x 15."""
    return PatchFeatures(AUTOENCODER, **SETTINGS).fit(images_of())


WAYS = [
    {},
    {"normalize": "mean", "whitening": None, "pooling": "max"},
    {"normalize": False, "whitening": ZCAWhitening(0.01, n_components=0.99), "stride": 2},
    {"normalize": "mean", "whitening": PatchScaler(n_deviations=1.0), "encoder": SCALED},
    {"whitening": PatchScaler(), "pooling": "max", "stride": 3, "pool_grid": (1, 2)},
    {"patch_size": (3, 5), "pool_grid": (1, 1)},
    {"encoder": SparseAutoencoder(5, activation="tanh", max_iter=5, random_state=0)},
    {"encoder": SparseAutoencoder(5, activation="relu", max_iter=5), "pooling": "max"},
    {"encoder": ZCAWhitening()},
    {"encoder": PatchScaler(n_deviations=0.5)},
    {"whitening": SparseAutoencoder(6, max_iter=3, random_state=0)},
    {"whitening": PCA(5, whiten=True)},
    {"encoder": KMeans(4, n_init=1, random_state=0)},
    {"encoder": Opaque(), "whitening": Opaque(ZCAWhitening())},
]


def name(way):
    return " ".join(f"{key}={value}" for key, value in way.items()) or "default"


KINDS = [((12, 15), np.float64), ((15, 12, 3), np.float32), ((12, 14, 5), np.float64)]


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        pytest.param(kind, way, id=f"{shape} {name(way)}", marks=long)
        for i, way in enumerate(WAYS)
        for kind, (shape, _) in enumerate(KINDS)
        for long in [pytest.mark.long if i % 3 != kind and i > 0 else ()]
    ],
)
def test_features_are_those_of_loops(kind, way):
    shape, dtype = KINDS[kind]
    images = images_of(shape, dtype=dtype)
    features = PatchFeatures(**{"encoder": AUTOENCODER, **SETTINGS, **way}).fit(images)
    got = features.transform(images)
    tol = 1e-9 if dtype == np.float64 else 2e-3
    assert got.dtype == dtype
    assert got.shape == (len(images), len(features.get_feature_names_out()))
    np.testing.assert_allclose(got, by_loops(features, images), rtol=tol, atol=tol)


@pytest.mark.parametrize("way", WAYS[:6], ids=name)
def test_the_general_pass_is_the_fused_one(way):
    images = images_of((13, 16, 3))
    settings = {"encoder": AUTOENCODER, **SETTINGS, **way}
    fused = PatchFeatures(**settings).fit_transform(images)
    general = PatchFeatures(**{**settings, "encoder": Opaque(settings["encoder"])})
    np.testing.assert_allclose(general.fit_transform(images), fused, rtol=1e-9, atol=1e-9)


def test_an_encoder_without_names():
    """scikit-learn asks no transformer for them."""
    images = images_of()
    encoder = FunctionTransformer(np.abs)
    features = PatchFeatures(encoder, **SETTINGS, whitening=None).fit(images)
    got = features.transform(images)
    assert got.shape == (4, 2 * 3 * 16)
    np.testing.assert_allclose(got, by_loops(features, images), rtol=1e-9)


def test_filters_fold_the_whitening_in():
    images = images_of((12, 15, 3))
    features = PatchFeatures(AUTOENCODER, **SETTINGS).fit(images)
    assert features.filters_.shape == (5, 4, 4, 3)
    patch = textbook.normalize(images[0, :4, :4].ravel(), True)
    zero = np.zeros((1, 48))

    def z(x):
        """What enters the sigmoid."""
        a = features.encoder_.transform(features.whitening_.transform(x))
        return np.log(a / (1 - a))

    np.testing.assert_allclose(
        (features.filters_.reshape(5, -1) * patch).sum(axis=1), (z(patch[None]) - z(zero))[0]
    )


def test_no_filters_of_other_encoders():
    features = PatchFeatures(KMeans(3, n_init=1, random_state=0), **SETTINGS).fit(images_of())
    with pytest.raises(AttributeError, match="KMeans.*no filters"):
        _ = features.filters_
    with pytest.raises(NotFittedError):
        _ = PatchFeatures().filters_


@pytest.mark.parametrize("encoder", [AUTOENCODER, DictionaryEncoder(5, random_state=0)])
def test_filters_are_computed_once_per_fit(encoder, monkeypatch, tmp_path):
    from striate.persistence import load, save

    computed = []
    monkeypatch.setattr(
        "striate.images.patch_encoder.fold", lambda *args: computed.append(args) or fold(*args)
    )
    features = PatchFeatures(encoder, **SETTINGS).fit(images_of())
    filters = features.filters_
    assert features.filters_ is filters
    assert len(computed) == 1
    save(features, tmp_path / "features.skops")
    for again in (pickle.loads(pickle.dumps(features)), load(tmp_path / "features.skops")):
        assert "filters_" not in vars(again)
        np.testing.assert_array_equal(again.filters_, filters)
    assert not hasattr(clone(features), "filters_")
    others = features.fit(1 - images_of(seed=1)).filters_
    assert not np.array_equal(others, filters)


def test_patch_encoder_takes_raw_patches():
    images = images_of((12, 15, 3))
    features = PatchFeatures(AUTOENCODER, **SETTINGS).fit(images)
    raw = np.stack([image[2:6, 3:7].ravel() for image in images])
    before = raw.copy()
    normalized = np.stack([textbook.normalize(patch, True) for patch in raw])
    expected = features.encoder_.transform(features.whitening_.transform(normalized))
    np.testing.assert_allclose(features.patch_encoder_.transform(raw), expected, rtol=1e-9)
    np.testing.assert_array_equal(raw, before)
    assert features.patch_encoder_.n_codes == 5
    with pytest.raises(NotFittedError):
        _ = PatchFeatures().patch_encoder_


@pytest.mark.parametrize("grids", [(2, 3), [(1, 4), (3, 2)]])
def test_the_smallest_image_is_that_of_min_image_size(grids):
    settings = {**SETTINGS, "pool_grid": grids, "stride": 2, "patch_size": (3, 5)}
    features = PatchFeatures(AUTOENCODER, **settings).fit(images_of((20, 20)))
    assert features.pool_grids == tuple(grids if isinstance(grids, list) else [grids])
    height, width = features.min_image_size_
    features.transform([np.zeros((height, width))])
    for smaller in ((height - 1, width), (height, width - 1)):
        with pytest.raises(ValueError, match="positions for a patch, fewer"):
            features.transform([np.zeros(smaller)])


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_images_of_one_value_have_the_same_features_everywhere(fitted, pooling):
    features = clone(fitted).set_params(pooling=pooling).fit(images_of())
    rows = features.transform([np.full((12, 15), 0.2), np.full((9, 9), 0.9), np.zeros((8, 20))])
    np.testing.assert_allclose(rows, np.tile(rows[0, :5], (3, 6)), rtol=1e-9)


def test_fit_on_images_of_one_value():
    images = np.full((3, 12, 15), 0.5)
    with pytest.warns(UserWarning, match="each patch is of one grey or colour.*nothing to learn"):
        features = PatchFeatures(AUTOENCODER, **SETTINGS).fit_transform(images)
    assert np.isfinite(features).all()


def test_a_shift_by_a_cell_moves_the_features():
    """Periodic images: the cells see what their neighbours saw."""
    tile = images_of((8, 8), n=1)[0]
    image = np.tile(tile, (4, 5))
    features = PatchFeatures(AUTOENCODER, **{**SETTINGS, "pool_grid": (3, 3)}).fit([image])
    whole = features.transform([image[:27, :27]])  # 24 positions a side, 8 in a cell
    np.testing.assert_allclose(whole.reshape(9, 5), np.tile(whole[0, :5], (9, 1)), rtol=1e-9)


def test_the_same_images_in_any_form(fitted, tmp_path):
    pixels = (255 * images_of()).astype(np.uint8)
    paths = []
    for i, image in enumerate(pixels):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(image).save(paths[-1])
    single = (pixels / np.float32(255)).astype(np.float32)
    expected = fitted.transform(single)
    for form in (
        pixels, list(pixels), tuple(pixels), pixels[..., None], paths, [str(p) for p in paths],
        single, np.asfortranarray(single), single[::-1][::-1], [paths[0], *pixels[1:]],
    ):  # fmt: skip
        got = fitted.transform(form)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_images_of_several_sizes(fitted):
    images = [images_of(shape, n=1)[0] for shape in [(12, 15), (7, 9), (20, 8), (5, 6)]]
    together = fitted.transform(images)
    for row, image in zip(together, images, strict=True):
        np.testing.assert_array_equal(fitted.transform([image])[0], row)


def test_read_only_images(fitted):
    images = images_of()
    images.flags.writeable = False
    before = images.copy()
    np.testing.assert_array_equal(fitted.transform(images), fitted.transform(before))
    PatchFeatures(AUTOENCODER, **SETTINGS).fit(images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_to_the_last_bit_for_any_number_of_threads(fitted, dtype):
    images = images_of((30, 40), n=7, dtype=dtype)
    rows = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            rows.append(fitted.transform(images).tobytes())
    assert rows[0] == rows[1] == rows[2]


def test_a_seed_gives_the_same_features():
    images = images_of()
    settings = {**SETTINGS, "encoder": None, "n_patches": 60}
    default = PatchFeatures(**settings, whitening=ZCAWhitening())
    default.set_params(encoder=SparseAutoencoder(3, max_iter=2, random_state=1))
    one, two = default.fit_transform(images), clone(default).fit_transform(images)
    np.testing.assert_array_equal(one, two)
    other = clone(default).set_params(random_state=1).fit_transform(images)
    assert not np.array_equal(one, other)


def test_the_encoder_by_default():
    features = PatchFeatures(n_patches=20, patch_size=3, random_state=0).fit(images_of())
    assert features.encoder_.n_components == 400
    again = PatchFeatures(n_patches=20, patch_size=3, random_state=0).fit(images_of())
    np.testing.assert_array_equal(again.filters_, features.filters_)
    assert repr(edge_autoencoder(random_state=3)) == (
        "SparseAutoencoder(n_components=400, random_state=3, sparsity_target=0.035,\n"
        "                  sparsity_weight=5.0, weight_decay=0.01)"
    )
    assert edge_autoencoder(7, max_iter=9).get_params()["max_iter"] == 9


def test_parts_are_cloned():
    encoder, whitening = clone(AUTOENCODER), ZCAWhitening()
    PatchFeatures(encoder, **SETTINGS, whitening=whitening).fit(images_of())
    assert not hasattr(encoder, "components_")
    assert not hasattr(whitening, "components_")


BAD_IMAGES = [
    ([], "empty"),
    ([np.ones((12, 15)), np.ones((3, 9))], "image 1: is 3 x 9 pixels.*4 x 4"),
    ([np.ones((12, 15)), np.ones((12, 15, 3))], "image 1: has 3 channels"),
    ([np.ones((12, 15, 3))], "3 channels.*learned on 1"),
    ([np.ones((12, 15)), np.full((12, 15), np.nan)], "image 1.*NaN"),
    ([np.ones((12, 15)), np.full((12, 15), np.inf)], "image 1.*infinity"),
    ([np.ones((12, 15)), np.ones((4, 15))], "image 1.*1 x 12 positions.*pool_grid"),
    (np.ones((12, 15)), r"\[image\]"),
    ("image.png", "list"),
    ([np.ones((12, 15)), "missing.png"], "missing.png.*No such file"),
]


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize(("images", "message"), BAD_IMAGES)
@pytest.mark.parametrize("n_threads", [1, 2])
def test_bad_images(fitted, images, message, general, n_threads):
    features = fitted
    if general:
        features = PatchFeatures(Opaque(), **SETTINGS).fit(images_of())
    with threadpool_limits(n_threads), pytest.raises(ValueError, match=message):
        features.transform(images)


BAD_FOR_FIT = [bad for bad in BAD_IMAGES if "learned" not in bad[1] and "grid" not in bad[1]]


@pytest.mark.parametrize(("images", "message"), BAD_FOR_FIT)
def test_bad_images_in_fit(images, message):
    with pytest.raises(ValueError, match=message):
        PatchFeatures(AUTOENCODER, **SETTINGS).fit(images)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch_size": 0}, "patch_size"),
        ({"patch_size": (3,)}, "patch_size"),
        ({"patch_size": (3, 0)}, "patch_size"),
        ({"patch_size": (3, 2.5)}, "patch_size"),
        ({"pool_grid": (0, 1)}, "pool_grid"),
        ({"pool_grid": (1, 2, 3)}, "pool_grid"),
        ({"pool_grid": "33"}, "pool_grid"),
        ({"stride": 0}, "stride"),
        ({"normalize": "median"}, "normalize"),
        ({"pooling": "median"}, "pooling"),
        ({"n_patches": 1}, "n_patches"),
        ({"encoder": 3}, "encoder"),
        ({"whitening": "pca"}, "whitening"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        PatchFeatures(**{"encoder": AUTOENCODER, **SETTINGS, **settings}).fit(images_of())


def test_transform_before_fit():
    with pytest.raises(NotFittedError):
        PatchFeatures().transform(images_of())


def labelled(n=24):
    """Stripes that run down or across."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    phase = rng.uniform(0, 6, n)[:, None, None]
    i, j = np.mgrid[:12, :12]
    waves = np.sin(np.where(y[:, None, None], i, j) * 1.5 + phase)
    return (0.5 + 0.3 * waves + 0.05 * rng.random((n, 12, 12))).astype(np.float32), y


def test_in_a_pipeline():
    images, y = labelled()
    pipeline = make_pipeline(
        PatchFeatures(AUTOENCODER, **SETTINGS), StandardScaler(), LogisticRegression()
    )
    assert pipeline.fit(images[:16], y[:16]).score(images[16:], y[16:]) == 1
    again = clone(pipeline).fit(images[:16], y[:16])
    np.testing.assert_array_equal(
        again.predict_proba(images[16:]), pipeline.predict_proba(images[16:])
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_a_grid_search(n_jobs):
    images, y = labelled()
    pipeline = make_pipeline(
        PatchFeatures(AUTOENCODER, **SETTINGS), StandardScaler(), LogisticRegression()
    )
    grid = {
        "patchfeatures__patch_size": [3, (4, 5)],
        "patchfeatures__encoder__n_components": [2, 4],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise")
    search.fit(images, y)
    assert search.best_score_ > 0.9


def test_few_labels(tmp_path):
    """Images of which some have a label, as arrays or as files, with others of another size."""
    images, y = labelled()
    known = np.where(np.arange(len(y)) % 3, y, -1)
    pixels = (255 * images).astype(np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(len(pixels))]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    features = make_pipeline(PatchFeatures(AUTOENCODER, **SETTINGS), StandardScaler())
    model = SelfTaughtClassifier(features, LogisticRegression())
    larger = list(images_of((20, 17), n=2, dtype=np.float32))
    predicted = [
        clone(model).fit(given, known, unlabeled=larger).predict(given)
        for given in (pixels, list(pixels), paths, [str(path) for path in paths])
    ]
    assert np.mean(predicted[0] == y) > 0.9
    for other in predicted[1:]:
        np.testing.assert_array_equal(other, predicted[0])
    search = GridSearchCV(model, {"classifier__C": [0.1, 1]}, cv=2, error_score="raise")
    assert search.fit(paths, known).best_score_ > 0.9


def test_names_and_output():
    pandas = pytest.importorskip("pandas")
    images = images_of()
    features = PatchFeatures(AUTOENCODER, **SETTINGS).set_output(transform="pandas").fit(images)
    names = [f"patchfeatures{i}" for i in range(30)]
    frame = features.transform(images)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(features.get_feature_names_out()) == names


def test_no_second_thread_of_blas_wakes(monkeypatch):
    """It would busy-wait on a core that the images need."""
    allowed = []

    def noted(*args):
        allowed.append(available_threads())
        return fold(*args)

    features = PatchFeatures(AUTOENCODER, **SETTINGS).fit(images_of())
    monkeypatch.setattr("striate.images.patch_encoder.fold", noted)
    with threadpool_limits(2):
        features.transform(images_of())
    assert allowed == [1]


def test_progress_bar(capsys):
    features = PatchFeatures(AUTOENCODER, **SETTINGS).set_callbacks(ProgressBar())
    features.fit(images_of())
    told = "".join(capsys.readouterr())  # the command line sends rich's bars to standard error
    assert "PatchFeatures - reading images" in told
    assert "SparseAutoencoder" in told


class Steps:
    """A callback that counts the tasks of each name."""

    def __init__(self):
        self.begun, self.ended = Counter(), Counter()

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun[context.task_name] += 1

    def on_fit_task_end(self, estimator, context):
        self.ended[context.task_name] += 1


@pytest.mark.parametrize(("n_images", "n_steps"), [(3, 3), (250, 100)])
def test_callbacks_follow_the_reading(n_images, n_steps):
    steps = Steps()
    images = np.random.default_rng(0).random((n_images, 8, 8))
    encoder = DictionaryEncoder(3, dictionary="random", random_state=0)
    features = PatchFeatures(encoder, patch_size=3, n_patches=5000, random_state=0)
    features.set_callbacks(steps).fit(images)
    assert steps.begun == steps.ended
    assert steps.begun["reading images"] == 1
    assert steps.begun["some images"] == n_steps


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["fused", "general"])
def test_memory_does_not_grow_with_the_number_of_images(fitted, kind):
    features = fitted if kind == "fused" else PatchFeatures(Opaque(), **SETTINGS).fit(images_of())
    few, many = (np.zeros((n, 24, 24), np.uint8) for n in (4, 104))
    with threadpool_limits(1):
        features.transform(many)  # compiles, and fills the lists of free objects
        peaks = [
            peak_memory(lambda images=images: features.transform(images)) for images in (few, many)
        ]
    output = 100 * 30 * 4
    image = 24 * 24 * 4
    assert peaks[1] - peaks[0] < output + 25 * image  # all as floats would be 100 images
