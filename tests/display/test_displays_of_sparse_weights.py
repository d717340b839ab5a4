import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from striate import (
    FeatureDisplay,
    LocalReceptiveFields,
    PatchFeatures,
    SparseAutoencoder,
    UnitsDisplay,
    inspect_units,
    maximal_inputs,
)

# Fits stop at max_iter on purpose: they only need to be quick.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_maximal_inputs_of_sparse_weights(local_autoencoder):
    W = local_autoencoder.components_
    found = maximal_inputs(local_autoencoder)
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), maximal_inputs(W.toarray()))
    W = sparse.csr_array(np.array([[3.0, 0, 4], [0, 0, 0]]))
    np.testing.assert_allclose(maximal_inputs(W).toarray(), [[0.6, 0, 0.8], [0, 0, 0]])


def test_units_of_a_local_network(digits, local_autoencoder):
    X, _ = digits
    found = inspect_units(local_autoencoder, X)
    display = UnitsDisplay(found, X).plot(units=[3])
    largest = np.abs(found.maximal_inputs[[3]]).max()
    first = (found.maximal_inputs[[3]].toarray() / largest + 1).reshape(8, 8) / 2
    np.testing.assert_allclose(display.axes_[0].images[0].get_array(), first)
    UnitsDisplay(found, X, feature_names=[str(j) for j in range(64)]).plot(n_units=2)


def test_features_of_a_local_network(local_autoencoder):
    display = FeatureDisplay.from_estimator(local_autoencoder, sort="norm")
    assert sorted(display.order_) == list(range(27))
    some = FeatureDisplay.from_estimator(local_autoencoder, units=[4, 2], sort="none")
    np.testing.assert_array_equal(some.order_, [4, 2])
    dense = FeatureDisplay(local_autoencoder.components_.toarray()).plot(units=[4, 2])
    np.testing.assert_array_equal(some.im_.get_array(), dense.im_.get_array())
    with pytest.raises(ValueError, match="units must be indices from 0 to 26"):
        FeatureDisplay.from_estimator(local_autoencoder, units=[27])


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
