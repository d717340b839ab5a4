"""Pretraining with masked layers."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

from striate import (
    LocalReceptiveFields,
    MLPClassifier,
    MLPRegressor,
    SparseAutoencoder,
    StackedAutoencoder,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FIELDS = LocalReceptiveFields((8, 8), 4, stride=2, n_maps=2)  # 18 units
MASK = FIELDS.mask().toarray()
SECOND = np.random.default_rng(0).random((18, 6)) < 0.5
QUICK = {"max_iter": 4, "random_state": 0}
ESTIMATORS = [MLPClassifier, MLPRegressor]
ONE = SparseAutoencoder(connectivity=FIELDS, sparsity_weight=0.3, max_iter=4)
STACK = StackedAutoencoder(
    connectivity=[FIELDS, SECOND], autoencoder=SparseAutoencoder(sparsity_weight=0.3, max_iter=4)
)


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:120] / 16, y[:120]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("pretraining", [ONE, STACK], ids=["one", "stack"])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_pretraining(Estimator, pretraining, frozen, data):
    X, y = data
    pretraining = clone(pretraining).set_params(random_state=0)
    fitted = clone(pretraining).fit(X)
    mlp = Estimator(
        pretraining=FrozenEstimator(fitted) if frozen else pretraining, solver="gd", max_iter=1,
        learning_rate_init=1e-30, random_state=0,
    ).fit(X, y)  # fmt: skip
    layers = fitted.encoder_layers()
    assert len(mlp.coefs_) == len(layers) + 1
    for (W, b, _), coef, intercept in zip(layers, mlp.coefs_, mlp.intercepts_, strict=False):
        assert sparse.issparse(coef)
        np.testing.assert_array_equal(coef.toarray(), W.toarray())
        np.testing.assert_array_equal(intercept, b)
    mlp.set_params(solver="lbfgs", max_iter=5, tol=1e-9).fit(X, y)
    for (W, _, _), coef in zip(layers, mlp.coefs_, strict=False):
        assert coef.nnz == W.nnz
        assert not np.allclose(coef.toarray(), W.toarray())
    if frozen:
        assert mlp.pretraining_ is fitted


def test_pretraining_with_connectivity(data):
    """The mask of the pretraining may be repeated; later layers may have masks of their own."""
    X, y = data
    mlp = MLPClassifier(pretraining=ONE, connectivity=FIELDS, **QUICK).fit(X, y)
    assert mlp.coefs_[0].nnz == MASK.sum()
    last = np.ones((18, 10))
    last[3:, 1] = 0
    mlp = MLPClassifier(pretraining=ONE, connectivity=[MASK, last], **QUICK).fit(X, y)
    assert [W.nnz for W in mlp.coefs_] == [MASK.sum(), last.sum()]
    sparsified = clone(ONE).fit(X)
    sparsified.components_.data[:40] = 0
    sparsified.sparsify()
    mlp = MLPClassifier(pretraining=FrozenEstimator(sparsified), **QUICK).fit(X, y)
    assert mlp.coefs_[0].nnz == MASK.sum() - 40


@pytest.mark.parametrize(
    ("connectivity", "message"),
    [
        (np.roll(MASK, 1, axis=1), "layer 0 contradicts pretraining, whose layer has another"),
        ([None, np.ones((18, 10))], "layer 0 contradicts pretraining"),
        (np.ones((64, 5)), "layer 0 contradicts pretraining"),
        ([MASK, np.ones((18, 9))], r"layer 1 has shape \(18, 9\), but must have \(18, 10\)"),
        ([MASK, None, None], "connectivity has 3 layers, but the network has 2"),
    ],
)
def test_masks_that_contradict_pretraining(connectivity, message, data):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(pretraining=ONE, connectivity=connectivity, **QUICK).fit(*data)


def test_a_dense_pretraining_and_a_mask(data):
    dense = SparseAutoencoder(18, max_iter=2)
    with pytest.raises(ValueError, match="layer 0 contradicts pretraining"):
        MLPClassifier(pretraining=dense, connectivity=FIELDS, **QUICK).fit(*data)
