import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import assert_nothing_is_cut_off, saved_pixels
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import (
    LocalReceptiveFields,
    MLPClassifier,
    ReceptiveFieldsDisplay,
    SparseAutoencoder,
    StackedAutoencoder,
)
from striate.display import style
from striate.display.tiles import gap_for

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def weights_of(fields, seed=0):
    mask = fields.mask()
    mask = mask.astype(float)
    mask.data[:] = np.random.default_rng(seed).standard_normal(mask.nnz)
    return mask


def test_windows_lie_where_they_look(local_fields):
    W = weights_of(local_fields)
    display = ReceptiveFieldsDisplay(W, local_fields).plot()
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["Map 0", "Map 1", "Map 2"]
    # Unit of map 1 in the window at row 2, column 1, which begins at pixel (4, 2).
    dense = W.toarray()[:, (2 * 3 + 1) * 3 + 1].reshape(8, 8)[4:8, 2:6]
    largest = np.abs(W.toarray()[:, 1::3]).max()
    expected = np.rint(255 * plt.colormaps["gray"]((dense / largest + 1) / 2)[..., 0])
    pixels = display.axes_[1].images[0].get_array()[..., 0].astype(int)
    sides = {12 * zoom + 2 * gap_for((4, 4), zoom): zoom for zoom in range(1, 60)}
    zoom = sides[len(pixels)]  # three windows of four pixels, two gaps
    step = 4 * zoom + gap_for((4, 4), zoom)
    tile = pixels[2 * step : 2 * step + 4 * zoom, step : step + 4 * zoom]
    np.testing.assert_array_equal(tile, np.kron(expected, np.ones((zoom, zoom))))
    assert (pixels[4 * zoom : step] == 255).all()


@pytest.mark.parametrize("shape", [(8, 8), (12, 20), (10, 10, 3)])
def test_every_weight_is_a_square_of_dots(shape):
    fields = LocalReceptiveFields(shape, 4, stride=2, n_maps=5)
    display = ReceptiveFieldsDisplay(weights_of(fields), fields).plot(title="Title")
    picture = saved_pixels(display.figure_)
    for ax in display.axes_:
        pixels = ax.images[0].get_array()
        box = ax.get_position()
        top, left = (1 - box.y1) * picture.shape[0], box.x0 * picture.shape[1]
        rows, columns = slice(round(top), None), slice(round(left), None)
        shown = picture[rows, columns][: pixels.shape[0], : pixels.shape[1]]
        np.testing.assert_allclose(shown, pixels[..., 0], atol=1)
    assert_nothing_is_cut_off(display.figure_)


def test_scales(local_fields):
    W = weights_of(local_fields).tocsc()
    W = W @ sparse.diags_array(np.arange(1.0, 28))
    span = {}
    for scale in ("map", "tile", "common"):
        display = ReceptiveFieldsDisplay(W, local_fields).plot(scale=scale, cmap="gray")
        pictures = [ax.images[0].get_array()[..., 0].astype(float) for ax in display.axes_]
        where = [picture != 255 for picture in pictures]
        span[scale] = [np.abs(p[w] - 127.5).max() for p, w in zip(pictures, where, strict=True)]
    assert max(span["common"]) >= 126
    assert min(span["common"]) < min(span["map"])


def test_maps_that_are_chosen(local_fields):
    W = weights_of(local_fields)
    display = ReceptiveFieldsDisplay(W, local_fields).plot(maps=[2, 0])
    np.testing.assert_array_equal(display.maps_, [2, 0])
    one = ReceptiveFieldsDisplay(W, local_fields).plot(n_maps=1)
    assert len(one.axes_) == 1
    assert_nothing_is_cut_off(one.figure_)  # the caption is wider than the map
    assert len(ReceptiveFieldsDisplay(W, local_fields).plot(n_maps=99).axes_) == 3


def test_bands():
    fields = LocalReceptiveFields((6, 6, 5), 3, n_maps=2)
    W = weights_of(fields)
    one = ReceptiveFieldsDisplay(W, fields).plot()
    assert "band 0 of 5" in one.figure_.texts[0].get_text()
    three = ReceptiveFieldsDisplay(W, fields).plot(bands=[4, 2, 0]).axes_[0].images[0].get_array()
    assert not (three[..., 0] == three[..., 1]).all()
    with pytest.raises(ValueError, match="bands must be one band or three"):
        ReceptiveFieldsDisplay(W, fields).plot(bands=[0, 1])
    with pytest.raises(ValueError, match="bands must be indices from 0 to 4"):
        ReceptiveFieldsDisplay(W, fields).plot(bands=5)


def test_on_a_given_figure(local_autoencoder):
    figure = plt.figure(layout="constrained")
    display = ReceptiveFieldsDisplay.from_estimator(local_autoencoder, figure=figure, title="Maps")
    assert display.figure_ is figure
    assert len(figure.axes) == 3
    left, _ = plt.figure(layout="constrained").subfigures(1, 2)
    ReceptiveFieldsDisplay.from_estimator(local_autoencoder, figure=left)


def test_dense_and_sparse_weights_look_alike(local_fields):
    W = weights_of(local_fields)
    one, other = (ReceptiveFieldsDisplay(w, local_fields).plot() for w in (W, W.toarray()))
    for a, b in zip(one.axes_, other.axes_, strict=True):
        np.testing.assert_array_equal(a.images[0].get_array(), b.images[0].get_array())


@pytest.mark.long
def test_many_windows_need_no_more_than_their_weights():
    fields = LocalReceptiveFields((96, 96), 8, stride=4, n_maps=16)
    display = ReceptiveFieldsDisplay(weights_of(fields), fields).plot(n_maps=4)
    assert_nothing_is_cut_off(display.figure_)


# --- receptive fields of signals -----------------------------------------------------------------


def bars(ax):
    return [patch for patch in ax.patches if hasattr(patch, "get_data")]


def test_tracks_hold_each_weight_at_its_input():
    fields = LocalReceptiveFields(10, 4, stride=3, n_maps=2)
    W = weights_of(fields)
    display = ReceptiveFieldsDisplay(W, fields).plot()
    (ax,) = display.axes_
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Map 0", "Map 1"]
    first, second = (W.toarray()[:, k::2] for k in (0, 1))
    heights = {}
    for patch in bars(ax):
        values, _, base = patch.get_data()
        heights[float(base)] = heights.get(float(base), 0) + (base - values) / 0.46
    upper = first[:, [0, 2]].sum(axis=1) / np.abs(first).max()  # windows 0 and 2 do not overlap
    np.testing.assert_allclose(heights[0.0], upper)
    lowest = max(heights)
    np.testing.assert_allclose(heights[lowest], second[:, 1] / np.abs(second).max())
    assert_nothing_is_cut_off(display.figure_)


def test_a_ring():
    fields = LocalReceptiveFields(12, 5, stride=3, periodic=True)
    display = ReceptiveFieldsDisplay(weights_of(fields), fields).plot(title="Ring")
    assert "periodic" in display.figure_._supxlabel.get_text()
    with style():
        display.figure_.draw_without_rendering()


def test_of_many_windows_some_are_shown():
    fields = LocalReceptiveFields(60, 20, stride=1)
    display = ReceptiveFieldsDisplay(weights_of(fields), fields).plot()
    assert "one window in 3 is shown" in display.figure_._supxlabel.get_text()
    assert len(bars(display.axes_[0])) == 2 * 7


def test_tracks_on_a_given_figure():
    fields = LocalReceptiveFields(12, 5)
    figure = plt.figure(layout="constrained")
    display = ReceptiveFieldsDisplay(weights_of(fields), fields).plot(figure=figure, scale="tile")
    assert display.axes_ == figure.axes


# --- which estimators ----------------------------------------------------------------------------


def test_estimators_that_have_fields(digits, local_autoencoder, local_fields):
    X, y = digits
    settings = {"max_iter": 2, "solver": "lbfgs", "random_state": 0}
    mlp = MLPClassifier(connectivity=[local_fields, None], hidden_layer_sizes=(27, 5), **settings)
    with pytest.warns(match="converge"):
        pipeline = make_pipeline(StandardScaler(), mlp).fit(X, y)
    ReceptiveFieldsDisplay.from_estimator(pipeline)
    with pytest.raises(ValueError, match=r"layer 1 of Pipeline has no LocalReceptiveFields"):
        ReceptiveFieldsDisplay.from_estimator(pipeline, layer=1)
    with pytest.raises(ValueError, match=r"MLPClassifier has layers 0 to 2, got layer=3"):
        ReceptiveFieldsDisplay.from_estimator(pipeline, layer=3)
    with pytest.warns(match="converge"):
        tuned = MLPClassifier(pretraining=FrozenEstimator(local_autoencoder), **settings).fit(X, y)
    ReceptiveFieldsDisplay.from_estimator(tuned)
    above = LocalReceptiveFields(local_fields.output_shape, 2, n_maps=2)
    one = SparseAutoencoder(max_iter=2, tol=0)
    stack = StackedAutoencoder(connectivity=[local_fields, above], autoencoder=one, random_state=0)
    stack.fit(X)
    assert len(ReceptiveFieldsDisplay.from_estimator(stack, layer=1).axes_) == 2
    ReceptiveFieldsDisplay.from_estimator(local_autoencoder, local_fields)


def test_weights_of_other_fields(local_autoencoder, local_fields):
    other = LocalReceptiveFields((8, 8), 2, stride=3, n_maps=3)
    with pytest.raises(ValueError, match=r"weights of shape \(64, 27\) are not those of"):
        ReceptiveFieldsDisplay.from_estimator(local_autoencoder, other)
    with pytest.raises(ValueError, match="are not those of"):
        ReceptiveFieldsDisplay(np.ones((64, 27)), local_fields).plot()
    with pytest.raises(ValueError, match="scale must be"):
        ReceptiveFieldsDisplay.from_estimator(local_autoencoder, scale="none")
    with pytest.raises(ValueError, match="maps must be indices from 0 to 2"):
        ReceptiveFieldsDisplay.from_estimator(local_autoencoder, maps=[3])
    with pytest.raises(ValueError, match="n_maps must be"):
        ReceptiveFieldsDisplay.from_estimator(local_autoencoder, n_maps=0)
    with pytest.raises(NotFittedError):
        ReceptiveFieldsDisplay.from_estimator(SparseAutoencoder(connectivity=local_fields))
    with pytest.raises(ValueError, match="StandardScaler has no layers"):
        ReceptiveFieldsDisplay.from_estimator(StandardScaler().fit(np.ones((3, 2))))
