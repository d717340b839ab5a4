import io
import subprocess
import sys

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate.display import PALETTE, FeatureDisplay, LossCurveDisplay, style
from striate.display.line_labels import separate
from striate.display.tiles import as_tiles, choose_columns, mosaic, scaled

GREY = 128  # zero, in bytes


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


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


# --- tiles ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected"),
    [
        ((5, 64), None, (5, 8, 8, 1)),
        ((5, 192), None, (5, 8, 8, 3)),
        ((5, 96), (6, 16), (5, 6, 16, 1)),
        ((5, 30), (2, 5, 3), (5, 2, 5, 3)),
        ((5, 6, 7), None, (5, 6, 7, 1)),
        ((5, 6, 7, 1), None, (5, 6, 7, 1)),
        ((5, 6, 7, 1), (6, 7), (5, 6, 7, 1)),
        ((5, 6, 7, 3), None, (5, 6, 7, 3)),
    ],
)
def test_image_shape(shape, image_shape, expected):
    components = noise(*shape)
    tiles = as_tiles(components, image_shape)
    assert tiles.shape == expected
    np.testing.assert_array_equal(tiles.ravel(), components.ravel())


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((5, 65), None, r"Pass image_shape=\(height, width\)"),
        ((5, 64), (8, 9), "holds 72 values, but each of the components holds 64"),
        ((5, 64), (8, 4, 2), "Only 1 channel .* got 2"),
        ((5, 6, 6, 4), None, "Only 1 channel .* got 4"),
        ((5, 64), 8, "image_shape must be"),
        ((5, 64), (64,), "image_shape must be"),
        ((5, 64), (-8, -8), "image_shape must be"),
        ((64,), None, "Expected 2D array, got 1D"),
        ((1, 2, 2, 2, 2), None, "components must have the shape"),
        ((0, 64), None, "minimum of 1 is required"),
    ],
)
def test_wrong_shapes(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        FeatureDisplay(np.ones(shape), image_shape=image_shape).plot()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_components_must_be_finite(value):
    with pytest.raises(ValueError, match="Input components contains"):
        FeatureDisplay([[value] * 4]).plot()


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 20), st.integers(1, 20))
def test_chosen_columns_leave_no_row_empty(n, height, width):
    columns = choose_columns(n, height, width)
    assert 1 <= columns <= n
    rows = -(-n // columns)
    assert rows * columns - n < columns


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (7, 4), (10, 5), (25, 5), (100, 10), (400, 20)])
def test_chosen_columns_of_square_tiles(n, columns):
    assert choose_columns(n, 8, 8) == columns


@settings(deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), st.integers(1, 4)
)
def test_mosaic_holds_every_tile(n, n_columns, zoom, gap, height):
    width = 3
    tiles = np.arange(n * height * width, dtype=float).reshape(n, height, width, 1)
    pixels = mosaic(tiles, n_columns, zoom, gap)
    for k, tile in enumerate(tiles):
        top = k // n_columns * (height * zoom + gap)
        left = k % n_columns * (width * zoom + gap)
        part = pixels[top : top + height * zoom, left : left + width * zoom]
        np.testing.assert_array_equal(part, np.kron(tile[..., 0], np.ones((zoom, zoom)))[..., None])
    assert np.isfinite(pixels).sum() == tiles.size * zoom**2


def test_scaling_keeps_zero_and_needs_no_division_by_it():
    tiles = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), -4.0), noise(2, 2, 1)])
    by_tile = scaled(tiles, "tile")
    np.testing.assert_array_equal(by_tile[0], 0)
    np.testing.assert_array_equal(by_tile[1], -1)
    assert np.abs(by_tile[2]).max() == 1
    np.testing.assert_allclose(scaled(tiles, "common"), tiles / 4)
    np.testing.assert_array_equal(scaled(tiles[:1], "common"), 0)


def test_colour_tiles_are_scaled_over_their_channels_together():
    tile = np.array([[[1.0, -2.0, 0.5]]])
    np.testing.assert_allclose(scaled(tile[None], "tile")[0], tile / 2)


# --- FeatureDisplay ------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match="StandardScaler holds no weights on pixels"):
        FeatureDisplay.from_estimator(StandardScaler().fit(digits[0]))
    with pytest.raises(ValueError, match="StandardScaler recorded no loss"):
        LossCurveDisplay.from_estimator(StandardScaler().fit(digits[0]))
    with pytest.raises(TypeError, match="not an estimator"):
        FeatureDisplay.from_estimator(noise(3, 4))


# --- LossCurveDisplay ----------------------------------------------------------------------


def test_loss_curves():
    display = LossCurveDisplay({"one": [3, 2, 1], "two": [5, 4]}, step="epoch").plot(title="T")
    first, second = display.lines_
    np.testing.assert_array_equal(first.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(second.get_ydata(), [5, 4])
    assert [label.get_text() for label in display.labels_] == ["one", "two"]
    assert [line.get_color() for line in display.lines_] == list(PALETTE[:2])
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_title(loc="left") == "T"


@pytest.mark.parametrize("curves", [[3.0, 2.0, 1.0], np.array([3.0, 2.0, 1.0]), [[3, 2, 1]]])
def test_single_loss_curve_has_no_name(curves):
    display = LossCurveDisplay(curves).plot(log=True)
    assert len(display.lines_) == 1
    assert display.labels_ == []
    assert display.ax_.get_yscale() == "log"


@pytest.mark.parametrize(
    ("curves", "options", "message"),
    [
        ([], {}, "loss_curves is empty"),
        ({}, {}, "loss_curves is empty"),
        ([[]], {}, "at least one finite number"),
        ([[1, np.nan]], {}, "at least one finite number"),
        ([[1, 2]], {"names": ["a", "b"]}, "2 names were given for 1 loss"),
    ],
)
def test_wrong_loss_curves(curves, options, message):
    with pytest.raises(ValueError, match=message):
        LossCurveDisplay(curves, **options).plot()


def test_log_needs_losses_above_zero():
    with pytest.raises(ValueError, match="Pass log=False"):
        LossCurveDisplay([1, 0]).plot(log=True)


@pytest.mark.parametrize("log", [False, True])
def test_names_cover_neither_each_other_nor_the_axis(log):
    t = np.arange(1, 401)
    curves = {f"Model {k}": 5 * np.exp(-t / (20 + k)) + 0.2 + 0.001 * k for k in range(7)}
    curves |= {f"Stopped after {n}": curves["Model 0"][:n] for n in (100, 150, 160)}
    display = LossCurveDisplay(curves).plot(log=log)
    boxes = [label.get_window_extent() for label in display.labels_]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
        assert box.x1 <= display.figure_.bbox.x1
        assert box.y0 >= display.ax_.get_window_extent().y0


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_separate(positions):
    positions = np.array(positions)
    moved = separate(positions, 5.0, 0.0, 100.0)
    assert (np.diff(np.sort(moved)) >= 5 - 1e-9).all()
    assert moved.min() >= 0
    assert moved.max() <= 100 + 1e-9
    np.testing.assert_array_equal(
        np.argsort(moved, kind="stable"), np.argsort(positions, kind="stable")
    )


def test_loss_curves_of_estimators(digits):
    X, y = digits
    adam = MLPClassifier(6, random_state=0, tol=0.1).fit(X, y)
    display = LossCurveDisplay.from_estimator(adam)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), adam.loss_curve_)
    assert display.ax_.get_xlabel() == "Epoch"
    pipeline = make_pipeline(StandardScaler(), adam)
    display = LossCurveDisplay.from_estimator({"a": adam, "b": pipeline})
    assert [label.get_text() for label in display.labels_] == ["a", "b"]
    display = LossCurveDisplay.from_estimator([adam, adam], names=["a", "b"])
    assert [label.get_text() for label in display.labels_] == ["a", "b"]
    assert LossCurveDisplay.from_estimator([adam]).labels_[0].get_text() == "MLPClassifier"


def test_step_follows_the_solver():
    class Fitted:
        loss_curve_ = (2.0, 1.0)

        def __init__(self, solver):
            self.solver = solver

    def step(*solvers):
        display = LossCurveDisplay.from_estimator([Fitted(solver) for solver in solvers])
        return display.ax_.get_xlabel()

    assert step("lbfgs") == "Iteration"
    assert step("sgd", "adam") == "Epoch"
    assert step("adam", "lbfgs") == "Iteration or epoch"
    wrapped = LossCurveDisplay.from_estimator(FittedPatchFeatures(Fitted("lbfgs")))
    np.testing.assert_array_equal(wrapped.lines_[0].get_ydata(), [2, 1])


# --- style, and matplotlib when it is missing ----------------------------------------------


def test_style_leaves_no_trace():
    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["savefig.dpi"] == 200
        assert [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]] == list(PALETTE)
    FeatureDisplay(noise(4, 4)).plot()
    LossCurveDisplay([2, 1]).plot()
    assert dict(mpl.rcParams) == before


WITHOUT_MATPLOTLIB = """
import sys
sys.modules["matplotlib"] = None
from striate.display import FeatureDisplay, LossCurveDisplay, UnitsDisplay, style
displays = FeatureDisplay([[1.0]]), LossCurveDisplay([1]), UnitsDisplay(None, None)
for draw in (*(display.plot for display in displays), style().__enter__):
    try:
        draw()
    except ImportError as error:
        assert "pip install striate[app]" in str(error), error
    else:
        raise AssertionError(draw)
"""


def test_without_matplotlib():
    subprocess.run([sys.executable, "-c", WITHOUT_MATPLOTLIB], check=True)
