"""Where estimators keep their weights."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from striate import (
    MLPClassifier,
    PatchFeatures,
    SparseAutoencoder,
    StackedAutoencoder,
    maximal_inputs,
)
from striate.analysis.fitted_weights import lowest_estimator, network_weights, unit_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).random((30, 6))
Y = np.arange(30) % 2


def autoencoder():
    return SparseAutoencoder(4, max_iter=2, random_state=0)


def test_units_of_each_kind_of_estimator():
    mlp = MLPClassifier([5], max_iter=300, tol=1.0, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(unit_weights(mlp), mlp.coefs_[0].T)
    for model, name in ((PCA(3), "components_"), (KMeans(3, n_init=1), "cluster_centers_")):
        np.testing.assert_array_equal(unit_weights(model.fit(X)), getattr(model, name))
    images = np.random.default_rng(0).random((4, 8, 8))
    features = PatchFeatures(autoencoder(), patch_size=3, n_patches=50, random_state=0).fit(images)
    assert unit_weights(features).shape == (4, 3, 3, 1)
    assert unit_weights(X) is None


def test_layers_of_each_kind_of_network():
    mlp = MLPClassifier([5, 3], max_iter=300, tol=1.0, random_state=0).fit(X, Y)
    assert [W.shape for W in network_weights(mlp)] == [(6, 5), (5, 3), (3, 1)]
    model = autoencoder().fit(X)
    assert [W.shape for W in network_weights(model)] == [(6, 4), (4, 6)]
    stack = StackedAutoencoder((4, 4), autoencoder=autoencoder()).fit(X)
    assert [W.shape for W in network_weights(stack)] == [(6, 4), (4, 4)]
    assert lowest_estimator(stack) is stack.autoencoders_[0]
    assert lowest_estimator(model) is model
    assert network_weights(KMeans(2, n_init=1).fit(X)) == []


def test_sparse_weights_stay_sparse():
    masked = SparseAutoencoder(
        2, connectivity=np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [1, 1]]), max_iter=2
    ).fit(X)
    assert sparse.issparse(unit_weights(masked))
    found = maximal_inputs(masked)
    assert isinstance(found, sparse.csr_array)
    np.testing.assert_allclose(sparse.linalg.norm(found, axis=1), 1)


def test_no_weights_at_all():
    with pytest.raises(ValueError, match="components must be weights"):
        maximal_inputs(object())
