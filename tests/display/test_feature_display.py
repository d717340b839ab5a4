import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate.display import FeatureDisplay, LossCurveDisplay, style

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GREY = 128  # zero, in bytes


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def rendered(figure):
    """Return the pixels of a figure, (rows, columns, 3)."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


class FittedPatchFeatures:
    """Looks like a fitted PatchFeatures to the displays."""

    def __init__(self, encoder=None):
        self.encoder = encoder
        self.filters_ = noise(5, 6, 4, 3)
        self.encoder_ = encoder

    def fit(self, images, y=None):
        return self


@pytest.mark.parametrize("title", [None, "A title"])
@pytest.mark.parametrize(
    "shape", [(100, 10, 10), (400, 8, 8, 3), (48, 6, 16), (1, 10, 10), (7, 5, 3), (30, 28, 28)]
)
def test_every_pixel_of_the_grid_is_shown_as_it_is(shape, title):
    display = FeatureDisplay(noise(*shape)).plot(title=title)
    box = display.ax_.get_window_extent()
    left, bottom, right, top = (round(side) for side in box.extents)
    np.testing.assert_allclose(box.extents, (left, bottom, right, top), atol=0.01)
    picture = rendered(display.figure_)
    shown = picture[len(picture) - top : len(picture) - bottom, left:right]
    np.testing.assert_array_equal(shown, display.im_.get_array())


@pytest.mark.long
def test_saving_again_and_again():
    display = FeatureDisplay(noise(9, 16)).plot(title="Title")
    pictures = []
    with style():
        for kind in ("png", "svg", "pdf", "png"):
            file = io.BytesIO()
            display.figure_.savefig(file, format=kind)
            pictures.append(file.getvalue())
    assert pictures[0] == pictures[-1]
    saved = plt.imread(io.BytesIO(pictures[0]))[..., :3]
    np.testing.assert_array_equal(
        np.rint(255 * saved[::2, ::2])[60:], rendered(display.figure_)[60:]
    )


def test_grey_levels():
    # One row of four values: black, grey, white; the last unit is silent.
    display = FeatureDisplay([[-2.0, 0, 0, 2], [0, 0, 0, 0]]).plot(n_columns=2)
    pixels = display.im_.get_array()
    side = (pixels.shape[0]) // 2
    assert tuple(pixels[0, 0]) == (0, 0, 0)
    assert tuple(pixels[0, side + 1]) == (GREY, GREY, GREY)
    assert tuple(pixels[-1, 2 * side - 1]) == (255, 255, 255)
    np.testing.assert_array_equal(pixels[:, -2 * side :], GREY)
    np.testing.assert_array_equal(pixels[:, 2 * side], 255)  # the gap


def test_background_is_white_where_no_tile_is():
    display = FeatureDisplay(noise(3, 16)).plot(n_columns=2)
    np.testing.assert_array_equal(display.im_.get_array()[-1, -1], 255)


def test_colour_map_can_be_chosen():
    pixels = FeatureDisplay([[-1.0, 0, 0, 1]]).plot(cmap="RdBu_r").im_.get_array()
    assert pixels[0, 0, 2] > pixels[0, 0, 0]  # blue
    assert pixels[-1, -1, 0] > pixels[-1, -1, 2]  # red


def test_sorting():
    bars = np.zeros((4, 8, 8))
    bars[0, :, 4] = 1  # vertical
    bars[2, 4, :] = 3  # horizontal
    bars[3] = 2 * np.eye(8)[::-1]  # rising
    display = FeatureDisplay(bars)
    assert list(display.plot().order_) == [0, 1, 2, 3]
    assert list(display.plot(sort="orientation").order_) == [2, 3, 0, 1]
    assert list(display.plot(sort="norm").order_) == [2, 3, 0, 1]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"scale": "each"}, "scale must be 'tile' or 'common'"),
        ({"sort": "size"}, "sort must be"),
        ({"n_columns": 0}, "n_columns must be"),
        ({"n_columns": 1.5}, "n_columns must be"),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=message):
        FeatureDisplay(noise(4, 4)).plot(**option)


def test_long_title_widens_the_figure():
    display = FeatureDisplay(noise(1, 4)).plot(title="A title that is wider than a single tile is")
    title = display.ax_._left_title.get_window_extent()
    assert title.x1 < display.figure_.bbox.x1
    assert title.y1 < display.figure_.bbox.y1


def test_own_axes():
    figure, axes = plt.subplots(1, 2)
    display = FeatureDisplay(noise(9, 16)).plot(ax=axes[1], title="Right")
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert len(axes[0].images) == 0
    assert axes[1].get_title() == "Right"


def test_axes_in_a_subfigure():
    figure = plt.figure()
    subfigure = figure.subfigures(1, 2)[0]
    assert FeatureDisplay(noise(9, 16)).plot(ax=subfigure.subplots()).figure_ is figure


@pytest.mark.long
def test_titles_fit_where_a_layout_places_the_axes():
    with style():
        figure, axes = plt.subplots(1, 2, figsize=(8, 4.2))
        for ax in axes:
            FeatureDisplay(noise(100, 100)).plot(ax=ax, title="Title")
        rendered(figure)
        assert all(ax._left_title.get_window_extent().y1 <= figure.bbox.y1 for ax in axes)


def test_constructor_only_stores():
    components = [[1, 2, 3]]
    display = FeatureDisplay(components, image_shape="no")
    assert display.components is components
    assert display.image_shape == "no"


# --- from_estimator ------------------------------------------------------------------------


def test_from_estimators_with_components(digits):
    X, y = digits
    for estimator in (PCA(4), NMF(3, tol=0.1), KMeans(5, n_init=1, random_state=0)):
        display = FeatureDisplay.from_estimator(estimator.fit(X))
        assert len(display.order_) == len(display.components)
    mlp = MLPClassifier(6, random_state=0, tol=0.1).fit(X, y)
    np.testing.assert_array_equal(FeatureDisplay.from_estimator(mlp).components, mlp.coefs_[0].T)


def test_from_patch_features_shows_its_filters():
    features = FittedPatchFeatures()
    display = FeatureDisplay.from_estimator(features)
    np.testing.assert_array_equal(display.components, features.filters_)
    pca = PCA(2).fit(noise(20, 10))
    display = FeatureDisplay.from_estimator(make_pipeline(features, StandardScaler(), pca))
    np.testing.assert_array_equal(display.components, features.filters_)


def test_from_pipelines_shows_the_last_step_that_sees_pixels(digits):
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), PCA(9), LogisticRegression()).fit(X, y)
    display = FeatureDisplay.from_estimator(pipeline)
    np.testing.assert_array_equal(display.components, pipeline[1].components_)
    mlp = MLPClassifier(6, random_state=0, tol=0.1)
    pipeline = make_pipeline(PCA(9), mlp).fit(X, y)
    assert FeatureDisplay.from_estimator(pipeline).components.shape == (9, 64)
    pipeline = make_pipeline(PCA(64), mlp).fit(X, y)
    assert FeatureDisplay.from_estimator(pipeline).components.shape == (6, 64)


def test_from_searches_shows_the_best_estimator(digits):
    X, _ = digits
    search = GridSearchCV(PCA(), {"n_components": [2, 3]}, cv=2).fit(X)
    assert FeatureDisplay.from_estimator(search).components.shape == (3, 64)


def test_not_fitted():
    for estimator in (PCA(), make_pipeline(StandardScaler(), PCA())):
        with pytest.raises(NotFittedError):
            FeatureDisplay.from_estimator(estimator)
        with pytest.raises(NotFittedError):
            LossCurveDisplay.from_estimator(estimator)


def test_estimators_without_weights(digits):
    with pytest.raises(ValueError, match="StandardScaler has no weights on pixels"):
        FeatureDisplay.from_estimator(StandardScaler().fit(digits[0]))
    with pytest.raises(ValueError, match="StandardScaler has no loss_curve_"):
        LossCurveDisplay.from_estimator(StandardScaler().fit(digits[0]))
    with pytest.raises(TypeError, match="not an estimator"):
        FeatureDisplay.from_estimator(noise(3, 4))
