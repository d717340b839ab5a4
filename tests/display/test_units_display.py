import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import assert_nothing_is_cut_off, saved_pixels
from scipy import sparse
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA

from striate import SparseAutoencoder, UnitsDisplay, inspect_units
from striate.display.unit_labels import label_unit
from striate.display.unit_tiles import UnitTiles, scale_tiles

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def X(digits):
    return digits[0]


@pytest.fixture(scope="module")
def model(X):
    """Unit 2 is dead, and unit 5 the same as unit 1."""
    model = SparseAutoencoder(7, sparsity_weight=0.3, max_iter=10, random_state=0).fit(X)
    model.components_[2], model.intercept_[2] = 0, 1
    model.components_[5], model.intercept_[5] = model.components_[1], model.intercept_[1]
    return model


def texts(ax):
    return [text.get_text() for text in ax.texts]


# --- tiles -----------------------------------------------------------------------------------


def test_rows_of_tiles(X, model):
    display = UnitsDisplay.from_estimator(model, X, n_rows=4, units=[1, 5, 2])
    found = display.inspection
    np.testing.assert_array_equal(display.units_, [1, 5, 2])
    (ax,) = display.axes_
    pictures = [np.asarray(image.get_array()) for image in ax.images]
    assert len(pictures) == 2 * (1 + 4) + 1  # no row excites the dead unit
    largest = np.abs(found.maximal_inputs[1]).max()
    first = (found.maximal_inputs[1] / largest + 1).reshape(8, 8) / 2
    np.testing.assert_allclose(pictures[0], first)
    shown = X[found.top_rows[[1, 5]]].reshape(2, 4, 8, 8)
    np.testing.assert_allclose(pictures[1:5] + pictures[6:10], shown.reshape(8, 8, 8))
    np.testing.assert_array_equal(pictures[10], 0.5)
    written = texts(ax)
    assert {"dead", "same as 1", f"{found.top_activations[1, 0]:.2f}"} <= set(written)
    assert "no row: the activation is 0.731 in every row" in written


def test_every_pixel_of_a_tile_is_a_square_of_dots(X, model):
    display = UnitsDisplay.from_estimator(model, X, units=[0])
    picture = saved_pixels(display.figure_)
    ax, image = display.axes_[0], display.axes_[0].images[1]
    left, right, bottom, top = image.get_extent()
    corners = ax.transData.transform([(left, bottom), (right, top)]) * 2  # 200 dots per inch
    (x0, y0), (x1, y1) = np.rint(corners).astype(int)
    shown = picture[len(picture) - y1 : len(picture) - y0, x0:x1]
    zoom = (x1 - x0) // 8
    expected = np.rint(255 * np.asarray(image.get_array()))
    np.testing.assert_allclose(shown, np.kron(expected, np.ones((zoom, zoom))), atol=1)


@pytest.mark.parametrize("side", [(1, 1), (5, 5), (8, 8), (28, 28), (10, 30), (96, 96)])
def test_tiles_of_all_sizes_take_about_the_same_room(side):
    n = side[0] * side[1]
    images = scale_tiles(np.ones((1, n)), np.ones((1, 9, n)), side)
    tiles = UnitTiles([], images, np.ones((1, 9)), np.zeros(1), "gray")
    assert 0.7 * 46 <= max(side) * tiles.zoom <= 1.3 * 46
    assert tiles.zoom * 2 == int(tiles.zoom * 2)


def test_signed_rows_have_grey_for_zero_and_each_its_own_range():
    rows = np.array([[[-1.0, 0.0, 0.5, 1.0], [0.0, 0.0, 4.0, 2.0]]])
    tiles = scale_tiles(rows[:, 0], rows, (2, 2))
    np.testing.assert_array_equal(tiles[0, 1].ravel(), [0, 0.5, 0.75, 1])
    np.testing.assert_array_equal(tiles[0, 2].ravel(), [0.5, 0.5, 1, 0.75])
    tiles = scale_tiles(rows[:, 0], abs(rows), (2, 2))
    np.testing.assert_array_equal(tiles[0, 1:].reshape(2, 4), abs(rows[0]) / 4)


def test_colour():
    rng = np.random.default_rng(0)
    X = rng.random((40, 75))
    display = UnitsDisplay.from_estimator(PCA(3).fit(X), X)
    assert display.axes_[0].images[1].get_array().shape == (5, 5, 3)


def test_sparse_rows_look_alike(X, model):
    dense = UnitsDisplay.from_estimator(model, X).axes_[0].images
    display = UnitsDisplay.from_estimator(model, sparse.csc_array(X))
    for one, other in zip(dense, display.axes_[0].images, strict=True):
        np.testing.assert_allclose(one.get_array(), other.get_array())


@pytest.mark.long
def test_assert_nothing_is_cut_off(X, model):
    for options in ({}, {"units": [2]}, {"title": "Title"}, {"feature_names": ["x" * 60] * 64}):
        display = UnitsDisplay.from_estimator(model, X, **options)
        assert_nothing_is_cut_off(display.figure_)


# --- bars ------------------------------------------------------------------------------------


def test_bars_where_rows_are_no_images():
    W = load_wine(as_frame=True).data
    W = (W - W.mean()) / W.std()
    model = SparseAutoencoder(5, sparsity_weight=0, max_iter=10, random_state=0).fit(W)
    display = UnitsDisplay.from_estimator(model, W, n_units=3, title="Wine")
    assert len(display.axes_) == 3
    unit, ax = display.units_[0], display.axes_[0]
    largest = np.argsort(-np.abs(model.components_[unit]))[:6]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == W.columns[largest[0]]
    np.testing.assert_allclose(
        [bar.get_width() for bar in ax.patches],
        display.inspection.maximal_inputs[unit, largest],
    )
    rows = ", ".join(map(str, display.inspection.top_rows[unit, :4]))
    assert ax.get_xlabel() == f"Most active in rows {rows}"


@pytest.mark.parametrize(
    ("n_features", "options", "tiles"),
    [
        (64, {}, True),
        (75, {}, True),
        (16, {}, False),
        (30, {}, False),
        (16, {"image_shape": (4, 4)}, True),
        (30, {"image_shape": (5, 6)}, True),
        (64, {"feature_names": [f"x{j}" for j in range(64)]}, False),
    ],
)
def test_what_is_taken_for_an_image(n_features, options, tiles):
    X = np.random.default_rng(0).random((80, n_features))
    display = UnitsDisplay.from_estimator(PCA(2).fit(X), X, **options)
    assert bool(display.axes_[0].images) == tiles


def test_dead_unit_in_bars(X, model):
    names = [f"pixel {j}" for j in range(64)]
    display = UnitsDisplay.from_estimator(model, X, units=[2], feature_names=names)
    assert display.axes_[0].get_xlabel() == "Same activation in every row"
    assert len(display.axes_[0].patches) == 0


# --- mean activations ------------------------------------------------------------------------


def test_mean_activations(X, model):
    display = UnitsDisplay.from_estimator(model, X)
    found, ax = display.inspection, display.mean_ax_
    live, dead, duplicates, target = ax.lines
    order = np.argsort(-found.mean_activation, kind="stable")
    assert list(order[dead.get_xdata() - 1]) == [2]
    assert list(order[duplicates.get_xdata() - 1]) == [5]
    np.testing.assert_array_equal(live.get_ydata(), found.mean_activation[[0, 1, 3, 4, 6]])
    assert target.get_ydata()[0] == 0.05
    assert texts(ax) == [r"target $\rho$ = 0.05"]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["5 live", "1 dead", "1 duplicate"]


def test_no_line_without_a_target(X):
    ax = UnitsDisplay.from_estimator(PCA(4).fit(X), X).mean_ax_
    assert len(ax.lines) == 3
    assert texts(ax) == []


# --- options ---------------------------------------------------------------------------------


def test_the_most_active_live_units_come_first(X, model):
    found = inspect_units(model, X)
    order = [unit for unit in np.argsort(-found.mean_activation, kind="stable") if unit != 2]
    assert list(UnitsDisplay(found, X).plot(n_units=3).units_) == order[:3]
    assert list(UnitsDisplay(found, X).plot().units_) == order


def test_a_layer_of_dead_units(X):
    model = SparseAutoencoder(3, max_iter=1, random_state=0).fit(X)
    model.components_[:] = 0
    display = UnitsDisplay.from_estimator(model, X)
    assert sorted(display.units_) == [0, 1, 2]
    assert len(display.axes_[0].images) == 3


def test_own_figure(X, model):
    figure = plt.figure(figsize=(12, 6), layout="constrained")
    left, right = figure.subfigures(1, 2)
    found = inspect_units(model, X)
    assert UnitsDisplay(found, X).plot(figure=left, title="Left").figure_ is left
    names = [f"pixel {j}" for j in range(64)]
    UnitsDisplay(found, X, feature_names=names).plot(figure=right, title="Right")
    figure.canvas.draw()
    assert len(right.subfigs) == 2


def test_constructor_only_stores():
    display = UnitsDisplay("inspection", "X", image_shape="no", feature_names=1)
    assert (display.inspection, display.X) == ("inspection", "X")
    assert (display.image_shape, display.feature_names) == ("no", 1)


def test_names(X, model):
    found = inspect_units(model, X)
    assert label_unit(found, 5).flaw == "same as 1"
    assert label_unit(found, 2).flaw == "dead"
    assert label_unit(found, 0).flaw == ""
    found.mean_activation[:2] = 1 / 3, 3.3e-16
    assert label_unit(found, 0).mean.endswith("= 0.333")
    assert label_unit(found, 1).mean.endswith("= 3e−16")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": [7]}, "units must be indices from 0 to 6"),
        ({"units": [-1]}, "units must be indices"),
        ({"units": []}, "units must be indices"),
        ({"units": [0.5]}, "units must be indices"),
        ({"n_units": 0}, "n_units must be a whole number of at least 1"),
        ({"image_shape": (8, 9)}, "holds 72 values"),
        ({"feature_names": ["a", "b"]}, "feature_names must be 64 names"),
    ],
)
def test_wrong_options(X, model, options, message):
    with pytest.raises(ValueError, match=message):
        UnitsDisplay.from_estimator(model, X, **options)
    assert not plt.get_fignums()


def test_other_rows_than_those_inspected(X, model):
    with pytest.raises(ValueError, match=r"X \(299, 64\) is not the one inspected, with 300 rows"):
        UnitsDisplay(inspect_units(model, X), X[1:]).plot()
