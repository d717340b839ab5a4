import io

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from striate import (
    ConnectivityDisplay,
    FeatureDisplay,
    LocalReceptiveFields,
    MLPClassifier,
    PatchFeatures,
    ReceptiveFieldsDisplay,
    SparseAutoencoder,
    StackedAutoencoder,
    UnitsDisplay,
    inspect_units,
    maximal_inputs,
)
from striate.display import style
from striate.display.mask_image import MOST_CELLS, density
from striate.display.tiles import gap_for

FIELDS = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=3)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def X():
    return load_digits().data[:200] / 16


@pytest.fixture(scope="module")
def model(X):
    autoencoder = SparseAutoencoder(connectivity=FIELDS, max_iter=5, tol=0, random_state=0)
    return autoencoder.fit(X)


def weights_of(fields, seed=0):
    mask = fields.mask()
    mask = mask.astype(float)
    mask.data[:] = np.random.default_rng(seed).standard_normal(mask.nnz)
    return mask


def saved(figure):
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png")
    file.seek(0)
    return np.rint(255 * plt.imread(file)[..., 0]).astype(int)


def everything_lies_on_the_page(figure):
    with style():
        figure.draw_without_rendering()
    box, renderer = figure.bbox, figure.canvas.get_renderer()
    drawn = [*figure.texts, *(figure.axes)]
    for artist in [*drawn, figure._supxlabel, figure._suptitle]:
        if artist is None or (hasattr(artist, "get_text") and not artist.get_text()):
            continue
        found = artist.get_tightbbox(renderer)
        assert box.x0 - 1 <= found.x0 <= found.x1 <= box.x1 + 1, artist
        assert box.y0 - 1 <= found.y0 <= found.y1 <= box.y1 + 1, artist


# --- receptive fields of images ------------------------------------------------------------------


def test_windows_lie_where_they_look():
    W = weights_of(FIELDS)
    display = ReceptiveFieldsDisplay(W, FIELDS).plot()
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
    picture = saved(display.figure_)
    for ax in display.axes_:
        pixels = ax.images[0].get_array()
        box = ax.get_position()
        top, left = (1 - box.y1) * picture.shape[0], box.x0 * picture.shape[1]
        rows, columns = slice(round(top), None), slice(round(left), None)
        shown = picture[rows, columns][: pixels.shape[0], : pixels.shape[1]]
        np.testing.assert_allclose(shown, pixels[..., 0], atol=1)
    everything_lies_on_the_page(display.figure_)


def test_scales():
    W = weights_of(FIELDS).tocsc()
    W = W @ sparse.diags_array(np.arange(1.0, 28))
    span = {}
    for scale in ("map", "tile", "common"):
        display = ReceptiveFieldsDisplay(W, FIELDS).plot(scale=scale, cmap="gray")
        pictures = [ax.images[0].get_array()[..., 0].astype(float) for ax in display.axes_]
        where = [picture != 255 for picture in pictures]
        span[scale] = [np.abs(p[w] - 127.5).max() for p, w in zip(pictures, where, strict=True)]
    assert max(span["common"]) >= 126
    assert min(span["common"]) < min(span["map"])


def test_maps_that_are_chosen():
    W = weights_of(FIELDS)
    display = ReceptiveFieldsDisplay(W, FIELDS).plot(maps=[2, 0])
    np.testing.assert_array_equal(display.maps_, [2, 0])
    assert len(ReceptiveFieldsDisplay(W, FIELDS).plot(n_maps=1).axes_) == 1
    assert len(ReceptiveFieldsDisplay(W, FIELDS).plot(n_maps=99).axes_) == 3


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


def test_on_a_given_figure(model):
    figure = plt.figure(layout="constrained")
    display = ReceptiveFieldsDisplay.from_estimator(model, figure=figure, title="Maps")
    assert display.figure_ is figure
    assert len(figure.axes) == 3
    left, _ = plt.figure(layout="constrained").subfigures(1, 2)
    ReceptiveFieldsDisplay.from_estimator(model, figure=left)


def test_dense_and_sparse_weights_look_alike():
    W = weights_of(FIELDS)
    one, other = (ReceptiveFieldsDisplay(w, FIELDS).plot() for w in (W, W.toarray()))
    for a, b in zip(one.axes_, other.axes_, strict=True):
        np.testing.assert_array_equal(a.images[0].get_array(), b.images[0].get_array())


def test_many_windows_need_no_more_than_their_weights():
    fields = LocalReceptiveFields((96, 96), 8, stride=4, n_maps=16)
    display = ReceptiveFieldsDisplay(weights_of(fields), fields).plot(n_maps=4)
    everything_lies_on_the_page(display.figure_)


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
    everything_lies_on_the_page(display.figure_)


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


def test_estimators_that_have_fields(X, model):
    y = load_digits().target[:200]
    settings = {"max_iter": 2, "solver": "lbfgs", "random_state": 0}
    mlp = MLPClassifier(connectivity=[FIELDS, None], hidden_layer_sizes=(27, 5), **settings)
    with pytest.warns(match="converge"):
        pipeline = make_pipeline(StandardScaler(), mlp).fit(X, y)
    ReceptiveFieldsDisplay.from_estimator(pipeline)
    with pytest.raises(ValueError, match=r"layer 1 of Pipeline was given no LocalReceptiveFields"):
        ReceptiveFieldsDisplay.from_estimator(pipeline, layer=1)
    with pytest.raises(ValueError, match=r"MLPClassifier has layers 0 to 2, got layer=3"):
        ReceptiveFieldsDisplay.from_estimator(pipeline, layer=3)
    with pytest.warns(match="converge"):
        tuned = MLPClassifier(pretraining=FrozenEstimator(model), **settings).fit(X, y)
    ReceptiveFieldsDisplay.from_estimator(tuned)
    above = LocalReceptiveFields(FIELDS.output_shape, 2, n_maps=2)
    one = SparseAutoencoder(max_iter=2, tol=0)
    stack = StackedAutoencoder(connectivity=[FIELDS, above], autoencoder=one, random_state=0).fit(X)
    assert len(ReceptiveFieldsDisplay.from_estimator(stack, layer=1).axes_) == 2
    ReceptiveFieldsDisplay.from_estimator(model, FIELDS)


def test_weights_of_other_fields(model):
    other = LocalReceptiveFields((8, 8), 2, stride=3, n_maps=3)
    with pytest.raises(ValueError, match=r"weights of shape \(64, 27\) are not those of"):
        ReceptiveFieldsDisplay.from_estimator(model, other)
    with pytest.raises(ValueError, match="are not those of"):
        ReceptiveFieldsDisplay(np.ones((64, 27)), FIELDS).plot()
    with pytest.raises(ValueError, match="scale must be"):
        ReceptiveFieldsDisplay.from_estimator(model, scale="none")
    with pytest.raises(ValueError, match="maps must be indices from 0 to 2"):
        ReceptiveFieldsDisplay.from_estimator(model, maps=[3])
    with pytest.raises(ValueError, match="n_maps must be"):
        ReceptiveFieldsDisplay.from_estimator(model, n_maps=0)
    with pytest.raises(NotFittedError):
        ReceptiveFieldsDisplay.from_estimator(SparseAutoencoder(connectivity=FIELDS))
    with pytest.raises(ValueError, match="StandardScaler has no layers"):
        ReceptiveFieldsDisplay.from_estimator(StandardScaler().fit(np.ones((3, 2))))


def cells(ax, shape):
    """The numbers of a mask that is drawn finer than it is."""
    pixels = ax.images[0].get_array()
    down, across = (drawn // n for drawn, n in zip(pixels.shape, shape, strict=True))
    np.testing.assert_array_equal(pixels[::down, ::across], pixels[down - 1 :: down, ::across])
    return pixels[::down, ::across]


# --- connectivity --------------------------------------------------------------------------------


def test_density_counts_every_connection():
    rng = np.random.default_rng(0)
    mask = rng.random((2 * MOST_CELLS + 2, 70)) < 0.1
    shares, cell = density(sparse.csc_array(mask))
    assert cell == (3, 1)
    first = mask[: 3 * (len(shares) - 1)].reshape(-1, 3, 70)
    np.testing.assert_allclose(shares[:-1], first.mean(axis=1))
    np.testing.assert_allclose(shares[-1], mask[3 * (len(shares) - 1) :].mean(axis=0))


def test_density_of_a_huge_mask_is_small():
    mask = sparse.csc_array(
        (np.ones(3, dtype=bool), ([0, 5, 999_999], [0, 1, 1_999_999])), shape=(10**6, 2 * 10**6)
    )
    assert density(mask).shares.shape == (MOST_CELLS, MOST_CELLS)


def test_mask_of_fields():
    display = ConnectivityDisplay.from_mask(FIELDS)
    np.testing.assert_array_equal(cells(display.mask_ax_, (64, 27)), FIELDS.mask().toarray())
    counts = display.inputs_ax_.images[0].get_array()
    np.testing.assert_array_equal(counts, FIELDS.mask().sum(axis=1).reshape(8, 8))
    assert display.units_ax_ is None
    caption = display.figure_._supxlabel.get_text()
    assert caption == "432 connections, 25% of 64 inputs × 27 units\nEach unit sees 16 inputs"
    everything_lies_on_the_page(display.figure_)


def test_irregular_mask():
    mask = sparse.random_array((900, 300), density=0.005, rng=0)
    display = ConnectivityDisplay.from_mask(mask, title="Pathways")
    per_input = (mask.tocsr() != 0).sum(axis=1)
    assert sum(patch.get_height() for patch in display.inputs_ax_.patches) == 900
    assert sum(patch.get_height() for patch in display.units_ax_.patches) == 300
    unseen = int((per_input == 0).sum())
    assert f"{unseen} inputs seen by none; a cell" in display.figure_._supxlabel.get_text()
    everything_lies_on_the_page(display.figure_)


def test_mask_with_names():
    names = [f"measure {j}" for j in range(6)]
    mask = np.kron(np.eye(2), np.ones((3, 1)))
    display = ConnectivityDisplay.from_mask(mask, feature_names=names)
    assert [label.get_text() for label in display.mask_ax_.get_yticklabels()] == names
    assert display.inputs_ax_ is None
    assert "each input is seen by 1 unit" in display.figure_._supxlabel.get_text()
    everything_lies_on_the_page(display.figure_)


def test_signals_and_bands():
    assert ConnectivityDisplay.from_mask(LocalReceptiveFields(9, 3)).inputs_ax_.patches
    display = ConnectivityDisplay.from_mask(LocalReceptiveFields((5, 6, 4), 3, n_maps=2))
    assert display.inputs_ax_.images[0].get_array().shape == (5, 6)


def test_connectivity_of_estimators(X, model):
    display = ConnectivityDisplay.from_estimator(model)
    np.testing.assert_array_equal(cells(display.mask_ax_, (64, 27)), FIELDS.mask().toarray())
    decoder = ConnectivityDisplay.from_estimator(model, layer=1)
    np.testing.assert_array_equal(cells(decoder.mask_ax_, (27, 64)), FIELDS.mask().T.toarray())
    thin = SparseAutoencoder(5, l1_weight=0.05, max_iter=20, tol=0, random_state=0).fit(X)
    assert 0 < np.count_nonzero(thin.components_) < thin.components_.size
    seen = ConnectivityDisplay.from_estimator(thin, image_shape=(8, 8))
    np.testing.assert_array_equal(cells(seen.mask_ax_, (64, 5)), thin.components_.T != 0)
    figure = plt.figure(layout="constrained")
    assert ConnectivityDisplay.from_estimator(PCA(3).fit(X), figure=figure).figure_ is figure


def test_names_of_the_data():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(np.random.default_rng(0).random((20, 4)), columns=list("abcd"))
    mask = np.kron(np.eye(2), np.ones((2, 1)))
    model = SparseAutoencoder(connectivity=mask, max_iter=2, tol=0).fit(frame)
    display = ConnectivityDisplay.from_estimator(model)
    assert [label.get_text() for label in display.mask_ax_.get_yticklabels()] == list("abcd")


def test_masks_that_cannot_be_drawn(model):
    with pytest.raises(ValueError, match=r"image_shape=\(8, 9\) does not hold the 64 inputs"):
        ConnectivityDisplay.from_estimator(model, image_shape=(8, 9))
    with pytest.raises(ValueError, match="feature_names must be 64 names"):
        ConnectivityDisplay.from_estimator(model, feature_names=["one"])
    with pytest.raises(ValueError, match="2D array"):
        ConnectivityDisplay.from_mask(np.ones(3))
    with pytest.raises(ValueError, match="has layers 0 to 1, got layer=2"):
        ConnectivityDisplay.from_estimator(model, layer=2)


# --- what else draws weights ---------------------------------------------------------------------


def test_maximal_inputs_of_sparse_weights(model):
    W = model.components_
    found = maximal_inputs(model)
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), maximal_inputs(W.toarray()))
    W = sparse.csr_array(np.array([[3.0, 0, 4], [0, 0, 0]]))
    np.testing.assert_allclose(maximal_inputs(W).toarray(), [[0.6, 0, 0.8], [0, 0, 0]])


def test_units_of_a_local_network(X, model):
    found = inspect_units(model, X)
    display = UnitsDisplay(found, X).plot(units=[3])
    largest = np.abs(found.maximal_inputs[[3]]).max()
    first = (found.maximal_inputs[[3]].toarray() / largest + 1).reshape(8, 8) / 2
    np.testing.assert_allclose(display.axes_[0].images[0].get_array(), first)
    UnitsDisplay(found, X, feature_names=[str(j) for j in range(64)]).plot(n_units=2)


def test_features_of_a_local_network(model):
    display = FeatureDisplay.from_estimator(model, sort="norm")
    assert sorted(display.order_) == list(range(27))
    some = FeatureDisplay.from_estimator(model, units=[4, 2], sort="none")
    np.testing.assert_array_equal(some.order_, [4, 2])
    dense = FeatureDisplay(model.components_.toarray()).plot(units=[4, 2])
    np.testing.assert_array_equal(some.im_.get_array(), dense.im_.get_array())
    with pytest.raises(ValueError, match="units must be indices from 0 to 26"):
        FeatureDisplay.from_estimator(model, units=[27])


def test_the_shape_of_images_follows_from_the_fields():
    fields = LocalReceptiveFields((4, 9), 3)  # 36 inputs, which might be 6 x 6 pixels
    X = np.random.default_rng(0).random((20, 36))
    model = SparseAutoencoder(connectivity=fields, max_iter=2, tol=0).fit(X)
    rows, columns = FeatureDisplay.from_estimator(model, n_columns=1).im_.get_array().shape[:2]
    assert columns * 4 * 14 < rows * 9 < columns * 4 * 18


def test_of_many_sparse_units_some_are_drawn():
    W = sparse.random_array((3000, 2500), density=0.01, rng=0, format="csr")
    display = FeatureDisplay(W).plot()
    assert len(display.order_) == 400
    assert (display.order_[0], display.order_[-1]) == (0, 2999)


def test_an_encoder_of_patches_that_is_local():
    images = load_digits().images[:50] / 16
    fields = LocalReceptiveFields((5, 5), 3, n_maps=3)
    encoder = SparseAutoencoder(connectivity=fields, max_iter=5, tol=0, random_state=0)
    features = PatchFeatures(encoder, patch_size=5, pool_grid=(2, 2), n_patches=200, random_state=0)
    found = features.fit(images).transform(images)
    dense = features.encoder_
    dense.components_ = dense.components_.toarray()
    np.testing.assert_array_equal(features.transform(images), found)
    FeatureDisplay.from_estimator(features)
