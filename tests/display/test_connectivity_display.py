import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import assert_nothing_is_cut_off
from scipy import sparse
from sklearn.decomposition import PCA

from striate import ConnectivityDisplay, LocalReceptiveFields, SparseAutoencoder
from striate.display.mask_image import MOST_CELLS, density

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def cells(ax, shape):
    """The numbers of a mask that is drawn finer than it is."""
    pixels = ax.images[0].get_array()
    down, across = (drawn // n for drawn, n in zip(pixels.shape, shape, strict=True))
    np.testing.assert_array_equal(pixels[::down, ::across], pixels[down - 1 :: down, ::across])
    return pixels[::down, ::across]


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


def test_mask_of_fields(local_fields):
    display = ConnectivityDisplay.from_mask(local_fields)
    np.testing.assert_array_equal(cells(display.mask_ax_, (64, 27)), local_fields.mask().toarray())
    counts = display.inputs_ax_.images[0].get_array()
    np.testing.assert_array_equal(counts, local_fields.mask().sum(axis=1).reshape(8, 8))
    assert display.units_ax_ is None
    caption = display.figure_._supxlabel.get_text()
    assert caption == "432 connections, 25% of 64 inputs × 27 units\nEach unit sees 16 inputs"
    assert_nothing_is_cut_off(display.figure_)


def test_irregular_mask():
    mask = sparse.random_array((900, 300), density=0.005, rng=0)
    display = ConnectivityDisplay.from_mask(mask, title="Pathways")
    per_input = (mask.tocsr() != 0).sum(axis=1)
    assert sum(patch.get_height() for patch in display.inputs_ax_.patches) == 900
    assert sum(patch.get_height() for patch in display.units_ax_.patches) == 300
    unseen = int((per_input == 0).sum())
    assert f"{unseen} inputs seen by no unit" in display.figure_._supxlabel.get_text()
    labels = [ax.get_ylabel() for ax in display.figure_.axes]
    assert "Connections present per 3 inputs × 1 unit" in labels
    assert_nothing_is_cut_off(display.figure_)


def test_regular_mask_alone():
    fields = LocalReceptiveFields((24, 24), 8, stride=8, n_maps=12)
    display = ConnectivityDisplay.from_mask(fields)
    assert (display.inputs_ax_, display.units_ax_) == (None, None)
    caption = display.figure_._supxlabel.get_text()
    assert caption.endswith("Each unit sees 64 inputs; each input is seen by 12 units")
    assert_nothing_is_cut_off(display.figure_)


def test_mask_with_names():
    names = [f"measure {j}" for j in range(6)]
    mask = np.kron(np.eye(2), np.ones((3, 1)))
    display = ConnectivityDisplay.from_mask(mask, feature_names=names)
    assert [label.get_text() for label in display.mask_ax_.get_yticklabels()] == names
    assert display.inputs_ax_ is None
    assert "each input is seen by 1 unit" in display.figure_._supxlabel.get_text()
    assert_nothing_is_cut_off(display.figure_)


def test_signals_and_bands():
    assert ConnectivityDisplay.from_mask(LocalReceptiveFields(9, 3)).inputs_ax_.patches
    display = ConnectivityDisplay.from_mask(LocalReceptiveFields((5, 6, 4), 3, n_maps=2))
    assert display.inputs_ax_.images[0].get_array().shape == (5, 6)


def test_connectivity_of_estimators(digits, local_autoencoder, local_fields):
    X, _ = digits
    display = ConnectivityDisplay.from_estimator(local_autoencoder)
    mask = local_fields.mask().toarray()
    np.testing.assert_array_equal(cells(display.mask_ax_, (64, 27)), mask)
    decoder = ConnectivityDisplay.from_estimator(local_autoencoder, layer=1)
    np.testing.assert_array_equal(cells(decoder.mask_ax_, (27, 64)), mask.T)
    thin = SparseAutoencoder(5, l1_weight=0.05, max_iter=20, tol=0, random_state=0).fit(X[:200])
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


def test_masks_that_cannot_be_drawn(local_autoencoder):
    with pytest.raises(ValueError, match=r"image_shape=\(8, 9\) does not match the 64 inputs"):
        ConnectivityDisplay.from_estimator(local_autoencoder, image_shape=(8, 9))
    with pytest.raises(ValueError, match="feature_names must be 64 names"):
        ConnectivityDisplay.from_estimator(local_autoencoder, feature_names=["one"])
    with pytest.raises(ValueError, match="2D array"):
        ConnectivityDisplay.from_mask(np.ones(3))
    with pytest.raises(ValueError, match="mask must hold numbers"):
        ConnectivityDisplay.from_mask(np.zeros((3, 3), "M8[s]"))
    with pytest.raises(ValueError, match="has layers 0 to 1, got layer=2"):
        ConnectivityDisplay.from_estimator(local_autoencoder, layer=2)
